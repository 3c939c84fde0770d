"""The bootstrap of the cells that a report shows, with its intervals beside them."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from analysis.bootstrap import Bootstrap, bootstrap
from analysis.tables import cell_numbers

RESAMPLES = 2000
_KEYS = ["group", "sparsity", "batch_size"]
_OWN = ["sparsity", "batch_size", "trial_index", "steps_to_goal", "steps_run", "ending"]


def trials_of(trials: pd.DataFrame, lines: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The trials behind each group of `lines`, the cells that `series` makes of `trials`, with their `sparsity`.

    `trial_index` numbers the pairs of seed and index, so that it occurs once a cell and pairs trials of equal seed.
    """
    cell = cell_numbers(trials)
    index = trials.groupby(["seed", "trial_index"], sort=True).ngroup().to_numpy()
    plain = trials.assign(trial_index=index)[_OWN]
    return {str(group): plain[np.isin(cell, own["cell"])] for group, own in lines.groupby("group", sort=True)}


def resampled(trials: pd.DataFrame, lines: pd.DataFrame, resamples: int, level: float = 0.9) -> Bootstrap:
    """Intervals of every cell of `lines`, of its curves (a group and sparsity each) and of its ratios to dense cells.

    The tables have the keys `group` and `sparsity`. Each group is resampled by itself from the same seed, so that a
    dense cell which serves several pruning methods has one interval.
    """
    parts = []
    for group, own in trials_of(trials, lines).items():
        parts.append(bootstrap(own.assign(series=group), ["series", "sparsity"], resamples=resamples, level=level))
    tables = {
        field.name: _joined([getattr(part, field.name) for part in parts])
        for field in fields(Bootstrap)
        if isinstance(getattr(parts[0], field.name), pd.DataFrame)
    }
    return replace(parts[0], **tables, warnings=tuple(dict.fromkeys(line for part in parts for line in part.warnings)))


def with_intervals(table: pd.DataFrame, intervals: pd.DataFrame, name: str, ends: Sequence[str]) -> pd.DataFrame:
    """`table` (`series` or `ratios`) with the `ends` ("low", "high") of its intervals as columns: `name`_low ...."""
    names = {column: f"{name}_{column}" for end in ends for column in (end, f"{end}_relation")}
    if intervals.empty:
        return table
    return table.merge(intervals[[*_KEYS, *names]].rename(columns=names), "left", on=_KEYS)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    found = pd.concat(filled, ignore_index=True) if filled else tables[0]
    return found.rename(columns={"series": "group"})
