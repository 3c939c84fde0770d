"""Trials as arrays of cells, and each cell's minimum over resampled trials."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.intervals import BoolArray, FloatArray
from study.errors import UserError

PRUNING_KEYS = ("sparsity", "pruning_method", "saliency_examples", "prunable")
"""Group keys that do not part cells which share their trials' seeds."""

_CENSORED = ("budget", "beaten")
_NEVER = ("diverged", "untrainable")
_FAILED = "failed"
_ENDINGS = ("reached", *_CENSORED, *_NEVER, _FAILED)
_OWN = ("batch_size", "trial_index", "steps_to_goal", "steps_run", "ending")


@dataclass(frozen=True)
class Cells:
    """c cells of up to n trials each: what is known of every trial's steps to the goal is that they lie in [low, high].

    Reached: both are its steps. Budget and beaten: `steps_run` and infinity. Diverged and untrainable: both infinite.
    `table` has one row a cell: the group keys, `group` (its number), `batch_size`, and the counts `trials` (without
    failed ones), `reached`, `censored`, `never`, `failed`. The arrays are (c, n), a column a trial index, infinite
    where `present` is false. `block` (c,) numbers the sets of cells that share seeds.
    """

    table: pd.DataFrame
    low: FloatArray
    high: FloatArray
    present: BoolArray
    block: npt.NDArray[np.intp]


def cells_of(trials: pd.DataFrame, groups: Sequence[str]) -> Cells:
    """The cells of a long table, sorted by `groups` and batch size.

    Columns: `groups`, batch_size, trial_index, steps_to_goal (missing where not reached), steps_run, ending. Failed
    rows count as missing trials. Raises UserError naming the column and the row.
    """
    groups = list(groups)
    for column in (*groups, *_OWN):
        if column not in trials.columns:
            raise UserError(f"trials.{column}: the column is missing; the table has {', '.join(map(str, trials))}")
    if trials.empty:
        raise UserError("trials: at least one trial is needed; got none")
    trials = trials.reset_index(drop=True)
    ending = trials["ending"].astype(str)
    low, high = _known_steps(trials, ending)
    keys = [*groups, "batch_size"]
    cell = _numbered(trials, keys)
    columns, position = np.unique(trials["trial_index"].to_numpy(), return_inverse=True)
    _refuse_repeats(trials, keys, cell, position)
    shape = (int(cell.max()) + 1, columns.size)
    kept = (ending != _FAILED).to_numpy()
    arrays = [np.full(shape, np.inf), np.full(shape, np.inf)]
    present = np.zeros(shape, dtype=bool)
    for array, values in zip(arrays, (low, high), strict=True):
        array[cell[kept], position[kept]] = values[kept]
    present[cell[kept], position[kept]] = True

    table = trials.assign(cell=cell).drop_duplicates("cell").sort_values("cell")[keys].reset_index(drop=True)
    table.insert(len(groups), "group", _numbered(table, groups))
    counts = {"trials": kept, "reached": ending == "reached", "censored": ending.isin(_CENSORED)}
    counts |= {"never": ending.isin(_NEVER), "failed": ending == _FAILED}
    for name, which in counts.items():
        table[name] = np.bincount(cell[np.asarray(which)], minlength=shape[0])
    block = _numbered(table, [key for key in groups if key not in PRUNING_KEYS])
    return Cells(table, arrays[0], arrays[1], present, block)


def minima(
    cells: Cells, resamples: int, seed: int | np.random.Generator, paired: bool
) -> tuple[FloatArray, FloatArray]:
    """Each cell's minimum over its trials (first column) and over each resample, known to lie in [low, high].

    Returns two arrays (c, 1 + resamples); [0, infinity] where a resample holds none of the cell's trials. Paired: the
    cells of a block take the same trial indices, drawn from all that any of them has, so that a cell which lacks some
    has a resample that varies in size around its own. Otherwise each cell draws from its own.
    """
    units = cells.block if paired else np.arange(cells.block.size)
    generators = np.random.default_rng(seed).spawn(int(units.max()) + 1)
    low = np.zeros((units.size, 1 + resamples))
    high = np.full_like(low, np.inf)
    for unit, generator in enumerate(generators):
        members = np.flatnonzero(units == unit)
        positions = np.flatnonzero(cells.present[members].any(axis=0))
        if positions.size == 0:
            continue
        drawn = positions[generator.integers(0, positions.size, (resamples, positions.size))]
        drawn = np.vstack([positions, drawn])
        for cell in members:
            some = cells.present[cell][drawn].any(axis=1)
            low[cell] = np.where(some, cells.low[cell][drawn].min(axis=1), 0)
            high[cell] = np.where(some, cells.high[cell][drawn].min(axis=1), np.inf)
    return low, high


def _numbered(table: pd.DataFrame, keys: Sequence[str]) -> npt.NDArray[np.intp]:
    """(rows,): the number of each row's combination of `keys`, in sorted order; a missing key is a value too."""
    if not keys:
        return np.zeros(len(table), dtype=np.intp)
    return np.asarray(table.groupby(list(keys), observed=True, dropna=False, sort=True).ngroup(), dtype=np.intp)


def _known_steps(trials: pd.DataFrame, ending: pd.Series) -> tuple[FloatArray, FloatArray]:
    """(rows,) twice: the least and the most that each trial's steps to the goal can be."""
    _refuse(trials, "ending", ~ending.isin(_ENDINGS), f"must be one of {', '.join(_ENDINGS)}")
    steps = pd.to_numeric(trials["steps_to_goal"]).to_numpy(dtype=float, na_value=np.nan)
    run = pd.to_numeric(trials["steps_run"]).to_numpy(dtype=float, na_value=np.nan)
    reached, censored = (ending == "reached").to_numpy(), ending.isin(_CENSORED).to_numpy()
    _refuse(trials, "steps_to_goal", reached & ~(steps > 0), "a trial that reached the goal has its positive steps")
    _refuse(trials, "steps_run", censored & ~(run > 0), "a budget or beaten trial says how many steps it ran")
    low = np.select([reached, censored], [steps, run], np.inf)
    return low, np.where(reached, steps, np.inf)


def _refuse_repeats(
    trials: pd.DataFrame, keys: Sequence[str], cell: npt.NDArray[np.intp], position: npt.NDArray[np.intp]
) -> None:
    repeated = pd.DataFrame({"cell": cell, "position": position}).duplicated().to_numpy()
    for row in np.flatnonzero(repeated)[:1]:
        where = ", ".join(f"{key}={trials[key].iloc[row]}" for key in keys)
        raise UserError(
            f"trials.trial_index[{row}]: must occur once a cell; got {trials['trial_index'].iloc[row]} again in "
            f"{where}; leave out reruns, or name the column that tells them apart among the groups"
        )


def _refuse(trials: pd.DataFrame, column: str, wrong: BoolArray | pd.Series, rule: str) -> None:
    for row in np.flatnonzero(np.asarray(wrong))[:1]:
        raise UserError(f"trials.{column}[{row}]: {rule}; got {trials[column].iloc[row]}")
