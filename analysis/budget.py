"""Whether the cells of a report had trials enough: the best of n against n."""

import numpy as np
import pandas as pd

from analysis.best_of import best_of_curve, last_doubling
from analysis.intervals import BoolArray, FloatArray
from analysis.resampled import trials_of
from study.records import Ending

ENOUGH = 0.05
"""A last doubling of the trials that lowers the steps by less than this share says that there were enough."""

MOST_BARREN = 0.1
"""A best of n is drawn where at most this share of the choices of n holds no trial that reached the goal."""

_KEYS = ["group", "sparsity", "batch_size"]
_COLUMNS = (*_KEYS, "trials", "n", "steps", "saved")
_NEVER = (Ending.DIVERGED, Ending.UNTRAINABLE)


def best_of_n(trials: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """A row a cell of `lines` and n: group, sparsity, batch_size, trials, n, steps, saved.

    `steps` is the mean best of n trials, over the choices of n that hold one which reached the goal; NaN where more
    than `MOST_BARREN` of them hold none. `saved` is the share by which the last doubling of the trials lowered the
    cell's steps, NaN where that cannot be told. Cells without a result have no rows.
    """
    frames = []
    for group, own in trials_of(trials, lines).items():
        ran = own[own["ending"] != Ending.FAILED]
        ran = ran.assign(
            goal=ran["steps_to_goal"].astype(float),
            run=ran["steps_run"].where(~ran["ending"].isin(_NEVER), np.inf),
        )
        for (sparsity, batch_size), cell in ran.groupby(["sparsity", "batch_size"], sort=True)[["goal", "run"]]:
            goal, run = cell["goal"].to_numpy(), cell["run"].to_numpy()
            missed = np.isnan(goal)
            if not missed.all():
                curve = _curve(np.where(missed, run, goal), missed & np.isfinite(run))
                frames.append(curve.assign(group=group, sparsity=sparsity, batch_size=batch_size, trials=len(cell)))
    if frames:
        return pd.concat(frames, ignore_index=True)[list(_COLUMNS)]
    return pd.DataFrame({name: pd.Series(dtype="float64") for name in _COLUMNS})


def _curve(steps: FloatArray, censored: BoolArray) -> pd.DataFrame:
    curve, bought = best_of_curve(steps, censored), last_doubling(steps, censored)
    # From "the best of half is x above the best of all" to "the best of all is y below".
    saved = np.nan if bought is None else bought.value / (1 + bought.value)
    drawn = np.where(curve["none_reached"] <= MOST_BARREN, curve["mean_reached"], np.nan)
    return pd.DataFrame({"n": curve["n"], "steps": drawn, "saved": saved})


def sentence(table: pd.DataFrame) -> str:
    """Whether the trials of `best_of_n` were enough, in a sentence; "" where no cell can tell."""
    cells = table.dropna(subset="saved").drop_duplicates(_KEYS)
    if cells.empty:
        return ""
    short = cells[cells["saved"] >= ENOUGH]
    most = int(cells["trials"].max())
    doubling = f"doubling the trials from {most // 2} to {most}"
    if short.empty:
        return (
            f"{most} trials were enough: {doubling} lowered the steps of no cell by {ENOUGH:.0%} or more "
            f"({cells['saved'].max():.1%} at most)."
        )
    worst = short.loc[short["saved"].idxmax()]
    enough = len(cells) - len(short)
    verdict = f"were enough in {enough} of {len(cells)} cells: in the others" if enough else "were not enough:"
    return (
        f"{most} trials {verdict} {doubling} still lowered the steps by {short['saved'].median():.0%} (median) and by "
        f"{worst['saved']:.0%} at most (batch size {worst['batch_size']:,}, sparsity {worst['sparsity']:g})."
    )
