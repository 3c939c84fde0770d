"""Bootstrap intervals: resample trials within each cell, retake the minimum, refit both laws."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import bands
from analysis.best_of import BestOf, best_of_curve, expected_best, last_doubling
from analysis.intervals import FloatArray, between, columns, percentile_end
from analysis.laws import BASE_BATCH_SIZE, LAWS, Law, Theorem
from analysis.least_squares import Points, Solution, solve
from analysis.resample import PRUNING_KEYS, Cells, cells_of, minima
from study.errors import UserError

__all__ = ["BestOf", "Bootstrap", "best_of_curve", "bootstrap", "expected_best", "last_doubling"]

_Known = tuple[FloatArray, FloatArray]  # numbers known to lie in [low, high], one a resample


@dataclass(frozen=True)
class Bootstrap:
    """Percentile intervals at `level` of everything that follows from the cells' minima, as tables.

    Every table has the group keys and, of the estimate and of each end of its interval, `estimate`, `low`, `high` and
    their relations (`estimate_relation`, ...): "=", ">=" or "<=" for a bound, "" (and NaN) for nothing known; infinite
    with "=" is never. `analysis.intervals.end_of(row, "high")` gives the typed end.

    `cells` (one a cell): the intervals of steps-to-result are one-sided (`sided` is "upper"), since a resample's
    minimum is never below the cell's: `low` is the minimum itself. `bound_share` is the share of resamples whose
    minimum is only a bound, `never_share` that of resamples in which nothing can reach.
    `parameters` (one a group, law and symbol): two-sided; `curveless` counts resamples that determine no curve.
    Definitions stand beside critical batch sizes. Minima only rise in a resample, so the scales C, c1, c2 and the floor
    lean upwards: in synthetic searches 90% intervals held 2T in 80% of cases and C in 55%, its upper end in 99%.
    `ratios` (one a sparse cell whose dense cell exists): steps over those of the dense cell, two-sided.
    `curves` (a row a group, law and batch size drawn): the fitted curve and its band, as `bands.band` has them.
    """

    cells: pd.DataFrame
    parameters: pd.DataFrame
    ratios: pd.DataFrame
    curves: pd.DataFrame
    resamples: int
    level: float
    paired: bool
    warnings: tuple[str, ...]


def bootstrap(
    trials: pd.DataFrame,
    groups: Sequence[str],
    *,
    resamples: int = 2000,
    level: float = 0.9,
    seed: int | np.random.Generator = 0,
    paired: bool = True,
    base_batch_size: float = BASE_BATCH_SIZE,
) -> Bootstrap:
    """Intervals for the cells of `trials` (see `cells_of`), a curve for each combination of `groups`.

    `paired` resamples the same trial indices in all cells that differ only in batch size, sparsity and pruning, whose
    trials share seeds. A resample whose minimum is censored enters the refit as a bound; one that never reaches, or
    holds no trial of the cell, is left out of it. Raises UserError.
    """
    if resamples < 1 or not 0 < level < 1:
        raise UserError(f"resamples, level: must be at least 1 and in (0, 1); got {resamples}, {level}")
    cells = cells_of(trials, groups)
    low, high = minima(cells, resamples, seed, paired)
    rows = [_cell_row(cells, index, low[index], high[index], level) for index in range(len(low))]
    parameters, curves = [], []
    for _, table in cells.table.groupby("group", sort=True):
        keys = {key: table[key].iloc[0] for key in groups}
        index = table.index.to_numpy()
        points = Points.of(table["batch_size"].to_numpy(dtype=float), low[index].T, (low[index] < high[index]).T)
        for law in LAWS.values():
            solution = solve(law, points)
            rows_of_law = _parameter_rows(law, points, solution, level, base_batch_size)
            parameters += [{**keys, **row} for row in rows_of_law]
            curves.append(bands.band(law, points, solution, level).assign(**keys))
    return Bootstrap(
        cells=pd.DataFrame(rows),
        parameters=pd.DataFrame(parameters),
        ratios=_ratios(cells, list(groups), low, high, level),
        curves=pd.concat(curves, ignore_index=True),
        resamples=resamples,
        level=level,
        paired=paired,
        warnings=_warnings(cells),
    )


def _cell_row(cells: Cells, index: int, low: FloatArray, high: FloatArray, level: float) -> dict[str, Any]:
    estimate = between(float(low[0]), float(high[0]))
    return {
        **cells.table.drop(columns="group").iloc[index].to_dict(),
        **columns("estimate", estimate),
        **columns("low", estimate),
        **columns("high", percentile_end(low[1:], high[1:], level, "high")),
        "sided": "upper",
        "bound_share": float((low[1:] < high[1:]).mean()),
        "never_share": float(np.isinf(low[1:]).mean()),
    }


def _two_sided(known: _Known, level: float) -> dict[str, Any]:
    """Estimate and interval of what is known of it, the data's own first, then the resamples'."""
    low, high = known
    return {
        **columns("estimate", between(float(low[0]), float(high[0]))),
        **columns("low", percentile_end(low[1:], high[1:], (1 - level) / 2, "low")),
        **columns("high", percentile_end(low[1:], high[1:], (1 + level) / 2, "high")),
    }


def _parameter_rows(
    law: type[Law], points: Points, solution: Solution, level: float, base_batch_size: float
) -> list[dict[str, Any]]:
    definitions = law.definitions(base_batch_size)
    curveless = int(np.isnan(solution.theta[1:]).sum())
    return [
        {
            "law": law.name,
            "symbol": symbol,
            "name": definitions.get(symbol, (symbol, ""))[0],
            "definition": definitions.get(symbol, ("", ""))[1],
            **_two_sided(known, level),
            "curveless": curveless,
        }
        for symbol, known in _known(law, points, solution, base_batch_size).items()
    ]


def _known(law: type[Law], points: Points, solution: Solution, base_batch_size: float) -> dict[str, _Known]:
    """Symbol to what each resample says of it; the batch sizes that take part bound the critical ones."""
    lowest, highest = points.lowest(), points.highest()
    scale, floor = np.exp(solution.log_scale), np.exp(solution.log_floor)
    found: dict[str, _Known] = {}
    if issubclass(law, Theorem):
        straight = np.isinf(solution.theta)
        found["C"] = (scale, scale)
        found["T"] = _inside(solution.theta, lowest / 2, highest / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            found["floor"] = (floor, np.where(straight, 2 * scale / highest, floor))
    else:
        found["c1"], found["c2"] = (scale, scale), (floor, floor)
    for symbol, values in law.critical_values(solution.theta, base_batch_size).items():
        found[symbol] = _inside(values, lowest, highest)
    return {
        symbol: (np.where(np.isnan(low), 0, low), np.where(np.isnan(high), np.inf, high))
        for symbol, (low, high) in found.items()
    }


def _inside(values: FloatArray, lowest: FloatArray, highest: FloatArray) -> _Known:
    """`values`, each as a bound where it lies outside its measured range; NaN stays NaN."""
    below, above = values < lowest, values > highest
    return np.select([below, above], [0.0, highest], values), np.select([below, above], [lowest, np.inf], values)


def _ratios(cells: Cells, groups: list[str], low: FloatArray, high: FloatArray, level: float) -> pd.DataFrame:
    """A row for each sparse cell that has a dense one, whatever would have pruned the dense one."""
    if "sparsity" not in groups:
        return pd.DataFrame()
    shared = [key for key in groups if key not in PRUNING_KEYS]
    where = [(*(cells.table[key].astype(str) for key in shared), cells.table["batch_size"])]
    place = list(zip(*where[0], strict=True))
    sparsity = cells.table["sparsity"].astype(float)
    dense = {place[index]: index for index in np.flatnonzero(sparsity == 0)}
    rows = []
    for index in np.flatnonzero(sparsity > 0):
        if place[index] not in dense:
            continue
        base = dense[place[index]]
        # nan is infinity over infinity or zero over zero: nothing is known of it
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.nan_to_num(low[index] / high[base], nan=0, posinf=np.inf)
            most = np.nan_to_num(high[index] / low[base], nan=np.inf, posinf=np.inf)
        keys = {key: cells.table[key].iloc[index] for key in (*groups, "batch_size")}
        rows.append({**keys, **_two_sided((ratio, most), level)})
    return pd.DataFrame(rows)


def _warnings(cells: Cells) -> tuple[str, ...]:
    table = cells.table
    dark, never = table["reached"] == 0, (table["never"] == table["trials"]) & (table["trials"] > 0)
    counts = (
        (int(table["failed"].sum()), "trials failed: missing, left out"),
        (int(table["censored"].sum()), "trials are censored at their budget or beaten: they enter as lower bounds"),
        (int(table["never"].sum()), "trials diverged or were untrainable: they never reach"),
        (int((dark & ~never & (table["trials"] > 0)).sum()), "cells never reached the goal: bounds alone"),
        (int(never.sum()), "cells hold diverged and untrainable trials alone: left out of the fits"),
        (int((table["trials"] == 0).sum()), "cells hold failed trials alone: unknown"),
    )
    return tuple(f"{count} {text}" for count, text in counts if count)
