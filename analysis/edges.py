"""Search-space diagnosis: whether a study's ranges were wide enough to hold its best trials."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.spaces import Space
from analysis.tables import CELL, steps_to_result
from search_spaces.scales import SCALES, Discrete, Integer, Log, ReverseLog, Scale
from search_spaces.sobol import dimension_order
from study.records import Ending

EDGE = 0.1
_WIDEN = 0.25  # of the range; a decade of the thesis's learning rates
_NO_LIMITS = (-math.inf, math.inf)
_LIMITS: Mapping[str, tuple[float, float]] = {
    "learning_rate": (0, math.inf),
    "momentum": (0, 1),
    "decay_steps": (1, math.inf),
    "end_learning_rate_factor": (0, 1),
}
_EXCLUDED = {("learning_rate", 0), ("momentum", 1)}
_COLUMNS = (*CELL, "metaparameter", "scale", "low", "high", "best_trial", "best_value", "position", "edge", "at_edge",
            "reached_from", "reached_to", "reaches_low", "reaches_high", "suggested_low", "suggested_high", "trials",
            "reached", "diverged_share")  # fmt: skip


def diagnose(trials: pd.DataFrame, spaces: Mapping[str, Space]) -> pd.DataFrame:
    """One row a cell and metaparameter: where the best trial and the reached ones lie in the range searched.

    `position`, `reached_from` and `reached_to` are on the unit scale: 0 the low end of the range, 1 its high end, NaN
    where no trial reached the goal. `edge` names the end ("low", "high", "") whose tenth holds the best trial, and
    `at_edge` says whether there is one; `reaches_low` and `reaches_high` say whether any reached trial lies in that
    end's tenth. Two values have no inside, so they never do. Where an end is touched, `suggested_low` and
    `suggested_high` are a range wider by a quarter at that end, on its own scale; NaN where none is touched or none can
    move. `trials` leaves out the failed, and `diverged_share` is the share of diverged ones among them.

    `trials` comes from `tables.load`, `spaces` from `load_spaces`; raises ValueError for a study without a space.
    """
    cells = steps_to_result(trials)
    cells["trials"] -= cells["failed"]
    cells["diverged_share"] = cells["diverged"] / cells["trials"].where(cells["trials"] > 0)
    cell = trials.groupby(list(CELL), observed=True, sort=True).ngroup().to_numpy()
    reached = (trials["ending"] == Ending.REACHED).to_numpy()
    frames = []
    for study in cells["study"].unique():
        if study not in spaces:
            raise ValueError(f"spaces: must have every study of the trials ({', '.join(spaces)}); lacks {study}")
        rows = np.flatnonzero(reached & (trials["study"] == study).to_numpy())
        own = cells[cells["study"] == study]
        for name in dimension_order(spaces[study]):
            values = trials[name].to_numpy()[rows]
            frames.append(_diagnose(name, spaces[study][name], own, values, cell[rows]))
    if not frames:
        return pd.DataFrame(columns=list(_COLUMNS))
    return pd.concat(frames)[list(_COLUMNS)].sort_index(kind="stable").reset_index(drop=True)


def warnings(diagnosis: pd.DataFrame) -> list[str]:
    """A sentence a study and metaparameter whose range looks too narrow, with a wider one; none where all is well."""
    lines = []
    for (study, name), rows in diagnosis.groupby(["study", "metaparameter"], observed=True, sort=False):
        found = []
        for end in ("high", "low"):
            best, near = int((rows["edge"] == end).sum()), int(rows[f"reaches_{end}"].sum())
            if near:
                of = f"the best trial of {best} and reached trials of {near}" if best else f"reached trials of {near}"
                found.append(f"within a tenth of its {end} end lie {of} of {len(rows)} cells")
        if found:
            first = rows.iloc[0]
            span = f"[{first['low']:.10g}, {first['high']:.10g}]"
            lines.append(f"{name} of {study}, searched on {span}: {'; '.join(found)}; {_remedy(rows)}")
    return lines


def _remedy(rows: pd.DataFrame) -> str:
    low, high = rows["suggested_low"].min(), rows["suggested_high"].max()
    if rows["scale"].iloc[0] == "discrete":
        return "add a value beyond"
    return "the metaparameter can go no further" if pd.isna(low) else f"try [{low:.10g}, {high:.10g}]"


def _diagnose(name: str, scale: Scale, cells: pd.DataFrame, reached: np.ndarray, cell: np.ndarray) -> pd.DataFrame:
    """The rows of one metaparameter of one study; `reached` and `cell`: its value and cell in each reached trial."""
    low, high = _ends(scale)
    positions = pd.Series(_positions(scale, reached)).groupby(cell)
    first, last = positions.min().reindex(cells.index), positions.max().reindex(cells.index)
    best = pd.Series(_positions(scale, cells[name].to_numpy()), index=cells.index)
    inside = _values(scale) > 2
    edge = np.select([inside & (best <= EDGE), inside & (best >= 1 - EDGE)], ["low", "high"], default="")
    reaches_low, reaches_high = inside & (first <= EDGE), inside & (last >= 1 - EDGE)
    wider_low, wider_high = _wider(name, scale)
    suggested_low = np.where(reaches_low, wider_low, low)
    suggested_high = np.where(reaches_high, wider_high, high)
    moved = (suggested_low < low) | (suggested_high > high)
    kinds = {made: kind for kind, made in SCALES.items()}
    return cells.assign(
        metaparameter=name,
        scale=kinds[type(scale)],
        low=float(low),
        high=float(high),
        best_value=cells[name],
        position=best,
        edge=edge,
        at_edge=edge != "",
        reached_from=first,
        reached_to=last,
        reaches_low=reaches_low,
        reaches_high=reaches_high,
        suggested_low=np.where(moved, suggested_low, np.nan),
        suggested_high=np.where(moved, suggested_high, np.nan),
    )


def _ends(scale: Scale) -> tuple[float, float]:
    if isinstance(scale, Discrete):
        return min(scale.values), max(scale.values)
    return scale.low, scale.high  # type: ignore[attr-defined]


def _values(scale: Scale) -> float:
    """How many values the scale can take."""
    if isinstance(scale, Discrete):
        return len(scale.values)
    return scale.high - scale.low + 1 if isinstance(scale, Integer) else math.inf


def _positions(scale: Scale, values: np.ndarray) -> np.ndarray:
    """0 at the lowest value that the scale can take, 1 at the highest; NaN stays NaN."""
    if isinstance(scale, Integer):
        return (values - scale.low) / (scale.high - scale.low)
    if isinstance(scale, Discrete):
        rank = np.searchsorted(np.sort(scale.values), values) / max(1, len(scale.values) - 1)
        return np.where(np.isnan(values), np.nan, rank)
    return np.array([scale.unit(value) for value in values.tolist()], dtype=float)


def _wider(name: str, scale: Scale) -> tuple[float, float]:
    """Both ends moved outwards by a quarter of the range on its own scale, as far as the metaparameter can go."""
    low, high = _ends(scale)
    if isinstance(scale, Discrete):
        return low, high
    least, most = _LIMITS.get(name, _NO_LIMITS)
    wider_low, wider_high = _beyond(scale, -_WIDEN), _beyond(scale, 1 + _WIDEN)
    if wider_low <= least:
        wider_low = (low + least) / 2 if (name, least) in _EXCLUDED else least
    if wider_high >= most:
        wider_high = (high + most) / 2 if (name, most) in _EXCLUDED else most
    return min(low, wider_low), max(high, wider_high)


def _beyond(scale: Scale, position: float) -> float:
    """The value at a position outside [0, 1], in few digits."""
    low, high = _ends(scale)
    end = low if position < 0 else high
    if isinstance(scale, Log):
        return _tidy(low * (high / low) ** position, end)
    if isinstance(scale, ReverseLog):
        # Few digits of the distance from 1 are few of the momentum that a reader compares.
        return float(f"{1 - _tidy((1 - low) * ((1 - high) / (1 - low)) ** position, 1 - end):.15g}")
    value = low + position * (high - low)
    return (
        (math.floor(value) if position < 0 else math.ceil(value)) if isinstance(scale, Integer) else _tidy(value, end)
    )


def _tidy(value: float, end: float) -> float:
    """`value` in the fewest digits, two at least, that leave it half as far beyond `end` or more."""
    texts = (f"{value:.{digits}g}" for digits in range(2, 17))
    return next((float(text) for text in texts if (float(text) - end) / (value - end) >= 0.5), value)
