"""The sections of a report: each a function from the evidence to HTML, empty where it has nothing to show."""

import math

import pandas as pd

from analysis import answer, gallery, style
from analysis.evidence import Evidence
from analysis.intervals import End
from analysis.page import Raw, charts, details, download, paragraph, section, table, text
from analysis.tables import ENDINGS, metaparameters

_NONE = "—"


def opening(evidence: Evidence) -> str:
    """The title, the question and the answer."""
    warnings = "".join(paragraph(warning, css="warning") for warning in evidence.warnings)
    answers = "".join(paragraph(sentence, css="answer") for sentence in answer.answer(evidence))
    limits = "".join(f"<li>{text(line)}</li>" for line in answer.caveats(evidence))
    answers += f'<ul class="quiet">{limits}</ul>\n' if limits else ""
    title = f"<h1>Steps to result: {text(evidence.studies)}</h1>\n"
    return title + paragraph(answer.question(evidence)) + answers + warnings


def results(evidence: Evidence) -> str:
    """Steps-to-result, batch sizes down and sparsities across."""
    if evidence.series.empty:
        return ""
    said = paragraph(
        "Beside each number: how many trials reached the goal, of those that ran. ≥: no trial reached it, the most "
        f"steps that one spent. {_NONE}: none could (all diverged or untrainable), or none ran.",
        *_about_intervals(evidence),
        css="quiet",
    )
    groups = [_pivot(own, str(group)) for group, own in evidence.series.groupby("group", sort=False)]
    return section("Steps to result", *groups, said)


def steps(evidence: Evidence) -> str:
    return section("How steps fall as the batch grows", *charts(gallery.steps(evidence)))


def search(evidence: Evidence, first: int, last: int) -> str:
    drawn = charts(gallery.search(evidence, first, last))
    if not drawn:
        return ""
    left = len(evidence.series) - (last - first)
    note = paragraph("Other cells are drawn by ", Raw("<code>study report --cells FIRST-LAST</code>."), css="quiet")
    more = details("1 more page" if len(drawn) == 2 else f"{len(drawn) - 1} more pages", *drawn[1:])
    return section("The search in each cell", drawn[0], more if len(drawn) > 1 else "", note if left > 0 else "")


def ratio(evidence: Evidence) -> str:
    return section("What sparsity costs", *charts(gallery.ratio(evidence)))


def optimizers(evidence: Evidence) -> str:
    return section("Optimisers compared", *charts(gallery.optimizers(evidence)))


def goals(evidence: Evidence) -> str:
    return section("Other goals", *charts(gallery.goals(evidence)))


def curves(evidence: Evidence) -> str:
    return section("The best trials along training", *charts(gallery.curves(evidence)))


def layers(evidence: Evidence) -> str:
    return section("What the masks keep", *charts(gallery.layers(evidence)))


def seconds(evidence: Evidence) -> str:
    return section("Where the time went", *charts(gallery.seconds(evidence)))


def cells(evidence: Evidence) -> str:
    """Every cell's numbers, folded away."""
    if evidence.series.empty:
        return ""
    names = [name for name in metaparameters(evidence.series) if evidence.series[name].notna().any()]
    grouped = evidence.series["group"].nunique() > 1
    head = [*(["group"] if grouped else []), "batch size", "sparsity", "steps", "best trial", *names, "η/(1−μ)",
            "test error", *ENDINGS, "hours"]  # fmt: skip
    rows = [
        [
            *([cell.group] if grouped else []),
            f"{cell.batch_size:,}",
            f"{cell.sparsity:g}",
            _steps(cell),
            _number(cell.best_trial),
            *(_number(getattr(cell, name)) for name in names),
            _number(cell.effective_learning_rate),
            _number(cell.best_test_error),
            *(getattr(cell, ending) for ending in ENDINGS),
            f"{cell.seconds / 3600:.2f}",
        ]
        for cell in evidence.series.itertuples()
    ]
    return section("Every cell", details(f"All {len(rows):,} cells", table(_words(head), rows)))


def tables(evidence: Evidence) -> str:
    """Every table as a file to keep."""
    frames = {
        "cells.csv": evidence.series,
        "ratios.csv": evidence.ratios,
        "laws.csv": pd.DataFrame() if evidence.intervals is None else evidence.intervals.parameters,
        "edges.csv": evidence.diagnosis,
        "best_of_n.csv": evidence.best_of,
        "goals.csv": evidence.goals,
        "curves.csv": evidence.curves,
        "layers.csv": evidence.densities,
        "trials.csv": evidence.trials,
    }
    links = [download(frame, name) for name, frame in frames.items() if len(frame)]
    return section("Tables", f'<p class="downloads">{"".join(links)}</p>' if links else "")


def conditions(evidence: Evidence) -> str:
    """How it was run: versions, devices, hosts, hours."""
    if evidence.trials.empty:
        return ""
    cells = evidence.results
    hours = cells[["train_seconds", "evaluate_seconds", "prune_seconds"]].sum() / 3600
    said = paragraph(
        f"{hours.sum():,.2f} hours of one worker's clock: {hours['train_seconds']:,.2f} training, "
        f"{hours['evaluate_seconds']:,.2f} evaluating, {hours['prune_seconds']:,.2f} pruning."
    )
    ways = evidence.conditions
    mixed = (
        paragraph(
            f"{evidence.mixed} {'cell mixes' if evidence.mixed == 1 else 'cells mix'} trials of different numerics: "
            "their arithmetic rounds differently, so trials that start alike part.",
            css="warning",
        )
        if evidence.mixed
        else ""
    )
    head = ["trials", *(name for name in ways.columns if name != "trials")]
    rows = [[f"{way.trials:,}", *(getattr(way, name) for name in head[1:])] for way in ways.itertuples()]
    errors = evidence.trials["error"].dropna()
    counts = errors[errors != ""].str.strip().str.rsplit("\n", n=1).str[-1].value_counts().head(10)
    failures = (
        table(["trials", "error"], [[f"{count:,}", line] for line, count in counts.items()]) if len(counts) else ""
    )
    return section("How it was run", said, mixed, table(head, rows), failures)


def _pivot(own: pd.DataFrame, caption: str) -> str:
    sparsities = sorted(own["sparsity"].unique())
    found = {(cell.batch_size, cell.sparsity): cell for cell in own.itertuples()}
    rows = [
        [f"{batch_size:,}", *(_with_count(found.get((batch_size, sparsity))) for sparsity in sparsities)]
        for batch_size in sorted(own["batch_size"].unique())
    ]
    return table(["batch size", *(style.sparsity_name(sparsity) for sparsity in sparsities)], rows, caption)


def _with_count(cell: object) -> Raw:
    if cell is None:
        return Raw("")
    count = f"<small>{cell.reached}/{cell.trials - cell.failed}</small>"  # type: ignore[attr-defined]
    return Raw(f"{_steps(cell)}{_upper_end(cell)}{count}")


def _upper_end(cell: object) -> str:
    """The upper end of the interval of a cell's result; nothing without a result or an interval."""
    relation = getattr(cell, "steps_to_result_high_relation", None)
    if not relation or pd.isna(relation) or pd.isna(cell.steps_to_result):  # type: ignore[attr-defined]
        return ""
    end = End(cell.steps_to_result_high, relation)  # type: ignore[attr-defined]
    shown = f"≤ {end}" if relation == "=" and math.isfinite(end.value) else f"to {end}"
    return f"<small>({shown})</small>"


def _about_intervals(evidence: Evidence) -> list[str]:
    if evidence.intervals is None:
        return []
    return [
        f"In brackets: the upper end of its {evidence.intervals.level:.0%} interval. An interval of a minimum is "
        "one-sided: taking the trials again can only raise the minimum, so its lower end is the number itself. “to ≥”: "
        "the end falls among trials that were stopped there; “to never”: among trials that never reach."
    ]


def _steps(cell: object) -> str:
    steps, limit = getattr(cell, "steps_to_result", None), getattr(cell, "censored_at", None)
    if pd.notna(steps):
        return f"{steps:,}"
    return f"≥ {limit:,}" if pd.notna(limit) else _NONE


def _number(value: object) -> str:
    return f"{value:.4g}" if pd.notna(value) else ""


def _words(names: list[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]
