"""Fitted curves and, where trials were resampled, the pointwise bands of the refitted ones."""

import math

import numpy as np
import pandas as pd

from analysis.intervals import FloatArray
from analysis.laws import Law
from analysis.least_squares import Points, Solution

_AN_OCTAVE = 4


def sizes(lowest: float, highest: float) -> FloatArray:
    """Batch sizes to draw a curve at, four an octave from `lowest` to `highest`."""
    return np.geomspace(lowest, highest, _AN_OCTAVE * math.ceil(math.log2(highest / lowest)) + 1)


def band(law: type[Law], points: Points, solution: Solution, level: float) -> pd.DataFrame:
    """A row a batch size: the first curve of `solution` as `steps`, and percentiles of the others: lower, upper.

    `solution` is that of `points`, over whose first row's batch sizes the curves are drawn.
    The percentiles are those of the two-sided interval at `level`, each batch size on its own. A resample that
    determines no curve counts as zero below and as infinite above; an end that falls among such is NaN. Without rows
    where the first curve is undetermined.
    """
    names = ["law", "batch_size", "steps", "lower", "upper"]
    if math.isnan(solution.theta[0]):
        return pd.DataFrame({name: pd.Series(dtype="str" if name == "law" else "float64") for name in names})
    batch_sizes = sizes(points.lowest()[0], points.highest()[0])
    theta = solution.theta[:, None]
    falling = solution.log_scale[:, None] + law.log_shape(batch_sizes, np.where(theta == 0, 1.0, theta))
    curves = np.exp(np.where(theta == 0, solution.log_floor[:, None], falling))
    found = {"law": law.name, "batch_size": batch_sizes, "steps": curves[0]}
    for name, share, unknown in (("lower", (1 - level) / 2, 0.0), ("upper", (1 + level) / 2, np.inf)):
        known = np.where(np.isnan(curves[1:]), unknown, curves[1:])
        rank = max(math.ceil(share * len(known) - 1e-9), 1) - 1
        end = np.partition(known, rank, axis=0)[rank]
        found[name] = np.where((end > 0) & np.isfinite(end), end, np.nan)
    return pd.DataFrame(found)
