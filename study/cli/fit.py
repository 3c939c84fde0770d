"""`study fit FILE.csv`: both scaling laws on any table of batch sizes and steps."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from analysis.intervals import End, Interval
    from analysis.profile import ProfileIntervals
    from analysis.regimes import Regimes
    from analysis.scaling import Comparison, Fit
    from study.cli.fit_table import Series

_SYMBOLS = {"c1": "c1 = E_min", "c2": "c2 = S_min", "floor": "floor C/T"}


def fit(
    file: Annotated[Path, typer.Argument(help="A CSV: batch_size, steps, optionally censored; others are groups.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
    level: Annotated[float, typer.Option(help="Level of the profile-likelihood intervals.")] = 0.9,
    base_batch_size: Annotated[float, typer.Option(help="B_opt of the rule 1.2 B_opt + c1/(5 c2).")] = 256.0,
) -> None:
    """Fit both scaling laws to steps-to-result against batch size, and name every critical batch size."""
    from analysis.laws import LAWS
    from analysis.profile import profile_intervals
    from analysis.scaling import fit as fit_both
    from study.cli.fit_table import read_series
    from study.errors import UserError

    if not 0 < level < 1:
        raise UserError(f"--level: must be in (0, 1); got {level:g}; 0.9 is usual")
    if not base_batch_size > 0:
        raise UserError(f"--base-batch-size: must be positive; got {base_batch_size:g}; 256 is the golden fits'")
    results = []
    for series in read_series(file):
        table = (series.batch_sizes, series.steps, series.censored)
        profiles = {
            name: profile_intervals(law, *table, level=level, base_batch_size=base_batch_size)
            for name, law in LAWS.items()
        }
        results.append((series, fit_both(*table), profiles))
    if json:
        groups = [_group_json(*result, base_batch_size) for result in results]
        document = {"file": str(file), "level": level, "B_opt": base_batch_size, "groups": groups}
        typer.echo(jsonlib.dumps(document, indent=2, allow_nan=False))
        return

    from rich.console import Console

    console = Console(highlight=False)
    for result in results:
        _print_group(console, *result, level, base_batch_size)


def _group_json(
    series: Series, comparison: Comparison, profiles: dict[str, ProfileIntervals], base_batch_size: float
) -> dict[str, Any]:
    """Keys as protocol.md has them; null where a value is not determined or only a bound, which `bounds` then holds."""
    return {
        "group": series.group,
        "n": comparison.hyperbola.n,
        "n_censored": comparison.hyperbola.n_censored,
        "winner": comparison.winner,
        "verdict": comparison.verdict,
        "aicc_difference": comparison.difference,
        "warnings": list(comparison.warnings),
        **{
            found.name: _fit_json(found, profiles[found.name], base_batch_size)
            for found in (comparison.theorem, comparison.hyperbola)
        },
    }


def _fit_json(found: Fit, profile: ProfileIntervals, base_batch_size: float) -> dict[str, Any] | None:
    from analysis.intervals import End

    regimes = found.regimes()
    if regimes is None:
        return None
    sizes = found.critical_batch_sizes(base_batch_size)
    ends = found.parameters() | {size.symbol: End(size.value, size.relation) for size in sizes}
    return {
        **{symbol: None if end is None or end.censored else end.value for symbol, end in ends.items()},
        "bounds": {symbol: _end_json(end) for symbol, end in ends.items() if end is not None and end.censored},
        "rmse_log": found.rmse_log,
        "aicc": found.aicc,
        "residuals": list(found.residuals),
        "intervals": {symbol: _interval_json(interval) for symbol, interval in profile.intervals.items()},
        "interval_warnings": list(profile.warnings),
        "definitions": {size.symbol: f"{size.name}: {size.definition}" for size in sizes},
        "regimes": {
            "linear_until": _end_json(regimes.linear_until),
            "linear_rule": regimes.linear_rule,
            "maximal_from": _end_json(regimes.maximal_from),
            "maximal_rule": regimes.maximal_rule,
        },
    }


def _end_json(end: End) -> dict[str, Any]:
    return {"value": end.value, "relation": end.relation}


def _interval_json(interval: Interval) -> dict[str, float | None]:
    """Null for an open end."""
    ends = {"low": interval.low, "high": interval.high}
    return {name: None if end is None else end.value for name, end in ends.items()}


def _print_group(
    console: Console,
    series: Series,
    comparison: Comparison,
    profiles: dict[str, ProfileIntervals],
    level: float,
    base_batch_size: float,
) -> None:
    from analysis.intervals import format_number

    title = ", ".join(f"{name} {value}" for name, value in series.group.items())
    count = len(series.batch_sizes)
    span = f"{format_number(min(series.batch_sizes))} to {format_number(max(series.batch_sizes))}"
    console.rule(title or "fit", align="left")
    console.print(f"{count} batch sizes, {span}; {sum(series.censored)} censored", markup=False)
    console.print(_sentence(comparison.verdict), style="bold", markup=False)
    for found in (comparison.theorem, comparison.hyperbola):
        if found.law is not None:
            console.print(f"\n{found.name.capitalize()}: {found.law.formula}", style="bold", markup=False)
            _print_law(console, found, profiles[found.name], level, base_batch_size)
    regimes = comparison.regimes()
    if regimes is not None:
        console.print(f"\nRegimes under the {comparison.winner}", style="bold", markup=False)
        _print_regimes(console, regimes)
    for warning in comparison.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False)
    console.print()


def _print_law(console: Console, found: Fit, profile: ProfileIntervals, level: float, base_batch_size: float) -> None:
    """The law's goodness of fit, its parameters, then each critical batch size above its definition."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from analysis.intervals import End

    aicc = "" if found.aicc is None else f", AICc {found.aicc:.1f}"
    console.print(f"  RMSE of ln K {found.rmse_log:.3f}{aicc}", markup=False)
    table = Table.grid(padding=(0, 2))
    table.add_row("", "", Text(f"{level:.0%} profile interval", style="dim"))
    for symbol, end in found.parameters().items():
        if symbol not in ("S_min", "E_min"):
            interval = str(profile.intervals.get(symbol, "none"))
            table.add_row(_SYMBOLS.get(symbol, symbol), "undetermined" if end is None else str(end), interval)
    console.print(Padding(table, (0, 0, 0, 2)))
    for size in found.critical_batch_sizes(base_batch_size):
        interval = str(profile.intervals.get(size.symbol, "none"))
        value = End(size.value, size.relation)
        console.print(Padding(Text(f"{size.name}: {value} ({interval})"), (0, 0, 0, 2)))
        console.print(Padding(Text(size.definition, style="dim"), (0, 0, 0, 6)))
    for warning in profile.warnings:
        console.print(Padding(Text(warning, style="dim"), (0, 0, 0, 2)))


def _print_regimes(console: Console, regimes: Regimes) -> None:
    from rich.padding import Padding
    from rich.text import Text

    linear = {
        "=": f"up to {regimes.linear_until}",
        ">=": "at every batch size measured",
        "<=": "at no batch size measured",
    }
    maximal = {
        "=": f"from {regimes.maximal_from}",
        ">=": "at no batch size measured",
        "<=": "at every batch size measured",
    }
    for name, where, rule in (
        ("Linear scaling", linear[regimes.linear_until.relation], regimes.linear_rule),
        ("Diminishing returns", "between the two", ""),
        ("Maximal data parallelism", maximal[regimes.maximal_from.relation], regimes.maximal_rule),
    ):
        console.print(f"  {name}: {where}", markup=False)
        if rule:
            console.print(Padding(Text(rule, style="dim"), (0, 0, 0, 6)))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."
