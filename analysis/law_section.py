"""The section of a report on scaling laws: the curves, then every number of both with its interval."""

from collections.abc import Iterator, Sequence

from analysis import gallery, style
from analysis.evidence import Evidence
from analysis.intervals import End, format_number
from analysis.laws import LAWS, Law
from analysis.page import Raw, charts, details, paragraph, section, table, text
from analysis.regimes import Regimes
from analysis.scaling import Fit
from analysis.series_fits import SeriesFit

_SYMBOLS = {
    "theorem": {"C": "C", "T": "T", "floor": "floor C/T"},
    "hyperbola": {"c1": "c1 = E_min", "c2": "c2 = S_min"},
}
_LEAN = (
    "A resample's minimum is never below its cell's, so intervals of C, c1, c2 and the floor lean upwards: on "
    "synthetic searches 90% intervals held 2T in 80% of cases and C in 55%, and their upper ends lay above C in 99%."
)


def laws(evidence: Evidence) -> str:
    """Figure, verdicts, parameters, critical batch sizes and regimes of every series; empty without results."""
    if not evidence.series["steps"].notna().any():
        return ""
    groups = dict.fromkeys(fit.group for fit in evidence.fits)
    parts = charts(gallery.fits(evidence))
    for group in groups:
        own = [fit for fit in evidence.fits if fit.group == group]
        numbers = _numbers(own)
        many = len(groups) > gallery.GROUPS
        parts.append(details(group, numbers) if many else (f"<h3>{text(group)}</h3>\n" if group else "") + numbers)
    said = "Numbers without an interval: nothing was resampled."
    if evidence.intervals is not None:
        said = (
            f"In brackets: {evidence.intervals.level:.0%} intervals from {evidence.intervals.resamples:,} resamples of "
            f"the trials of each cell. {_LEAN}"
        )
    beyond = "≤ and ≥: beyond the batch sizes measured, so only a bound."
    return section("Scaling laws", *parts, paragraph(said, beyond, css="quiet"))


def _numbers(fits: Sequence[SeriesFit]) -> str:
    verdicts = "".join(f"<li>{text(_verdict(fit))}{_warnings(fit)}</li>" for fit in fits)
    supported = [fit for fit in fits if fit.comparison.winner]
    parts = [f"<ul>{verdicts}</ul>\n"]
    if supported:
        parts += [_parameters(law, supported) for law in LAWS.values()]
        parts += [_critical(supported), _regimes(supported)]
    return "".join(parts)


def _verdict(fit: SeriesFit) -> str:
    sentence = f"{style.sparsity_name(fit.sparsity)}: {fit.comparison.verdict}."
    return sentence[:1].upper() + sentence[1:]


def _warnings(fit: SeriesFit) -> str:
    """What the fits leave undetermined; a verdict for neither law has said so already."""
    lines = fit.comparison.warnings if fit.comparison.winner else ()
    return f'<span class="words">{text("; ".join(lines))}</span>' if lines else ""


def _parameters(law: type[Law], fits: Sequence[SeriesFit]) -> str:
    symbols = _SYMBOLS[law.name]
    rows = []
    for fit in fits:
        found = _fit_of(fit, law.name)
        values = found.parameters()
        cells = [_with_interval(values[symbol], fit, law.name, symbol) for symbol in symbols]
        aicc = "—" if found.aicc is None else f"{found.aicc:.1f}".replace("-", "−")
        wins = "yes" if fit.comparison.winner == law.name else ""
        rows.append([style.sparsity_name(fit.sparsity), *cells, f"{found.rmse_log:.3f}", aicc, wins])
    head = [law.name, *symbols.values(), "RMSE of ln K", "AICc", "fits better"]
    return table(head, rows, f"{law.name.capitalize()}: {law.formula}")


def _critical(fits: Sequence[SeriesFit]) -> str:
    rows = []
    for law in LAWS.values():
        for index, size in enumerate(_fit_of(fits[0], law.name).critical_batch_sizes()):
            cells = []
            for fit in fits:
                own = _fit_of(fit, law.name).critical_batch_sizes()[index]
                cells.append(_with_interval(End(own.value, own.relation), fit, law.name, own.symbol))
            name = f'<span class="name">{text(size.name)}</span><span class="words">{text(size.definition)}</span>'
            rows.append([Raw(name), *cells])
    head = ["critical batch size", *(style.sparsity_name(fit.sparsity) for fit in fits)]
    return table(head, rows, "Every critical batch size with its definition")


def _regimes(fits: Sequence[SeriesFit]) -> str:
    rows, rules = [], {}
    for fit in fits:
        found = fit.comparison.regimes()
        if found is not None:
            rows.append([style.sparsity_name(fit.sparsity), str(fit.comparison.winner), *_boundaries(found)])
            rules[fit.comparison.winner] = f"{found.linear_rule}; {found.maximal_rule}"
    head = ["regimes", "by the", "linear scaling", "diminishing returns", "maximal data parallelism"]
    said = [f"By the {law}: linear scaling {rule}." for law, rule in rules.items()]
    return table(head, rows, "Where the regimes meet") + paragraph(*said, css="quiet")


def _boundaries(found: Regimes) -> Iterator[str]:
    linear, maximal = found.linear_until, found.maximal_from
    start, stop = format_number(linear.value), format_number(maximal.value)
    yield {"=": f"up to {start}", ">=": "at every size measured", "<=": "at none measured"}[linear.relation]
    if linear.relation == ">=" or maximal.relation == "<=":
        yield "at none measured"
    elif linear.relation == "=":
        yield f"{start} to {stop}" if maximal.relation == "=" else f"from {start}"
    else:
        yield f"up to {stop}" if maximal.relation == "=" else "at every size measured"
    yield {"=": f"from {stop}", ">=": "at none measured", "<=": "at every size measured"}[maximal.relation]


def _fit_of(fit: SeriesFit, law: str) -> Fit:
    return fit.comparison.theorem if law == "theorem" else fit.comparison.hyperbola


def _with_interval(value: End | None, fit: SeriesFit, law: str, symbol: str) -> Raw:
    interval = fit.interval(law, symbol)
    shown = "undetermined" if value is None else str(value)
    same = interval is None or (value is not None and value.censored and interval.low == interval.high == value)
    return Raw(text(shown) + ("" if same else f"<small>({text(interval)})</small>"))
