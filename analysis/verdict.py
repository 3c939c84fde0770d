"""Which of the two laws a table supports, in words, or why neither."""

import numpy as np
from scipy.special import fdtri

from analysis.intervals import format_number
from analysis.least_squares import MIN_DISTINCT, Points, Solution

RISE_LIMIT = 0.5
"""Steps may rise by this share from a smaller batch size to a larger one and still pass for noise.

Both laws only fall. A goal test every 16 steps alone turns 32 steps into 48 where the curve is flat, so the limit is
wide; the steps of a censored cell count at its bound.
"""

FALL_LIMIT = 0.25
"""A curve that falls by less than this share over the measured range is called constant if an F test agrees."""

_LEVEL = 0.95


def too_few(points: Points) -> str | None:
    """Why the one data set of `points` has too few exact batch sizes for a law, or None."""
    distinct = int(points.distinct()[0])
    n_bound = int(points.bound.sum())
    if distinct >= MIN_DISTINCT:
        return None
    if distinct == 0 and n_bound:
        return f"all {n_bound} cells are censored: bounds alone do not determine a curve"
    need = f"a law needs {MIN_DISTINCT} uncensored batch sizes and there "
    return need + ("is 1" if distinct == 1 else f"are {distinct}")


def rise(points: Points) -> tuple[float, float, float]:
    """The largest rise of steps from an exact cell to one of a larger batch: its share, and the two batch sizes."""
    largest = (0.0, 0.0, 0.0)
    log_steps, batch_sizes = points.log_steps[0], points.batch_sizes
    for later in np.flatnonzero(points.exact[0] | points.bound[0]):
        earlier = np.flatnonzero(points.exact[0] & (batch_sizes < batch_sizes[later]))
        if earlier.size:
            first = earlier[log_steps[earlier].argmin()]
            share = float(np.expm1(log_steps[later] - log_steps[first]))
            largest = max(largest, (share, float(batch_sizes[first]), float(batch_sizes[later])))
    return largest


def rising(points: Points) -> str | None:
    """Why the data are not monotone, or None."""
    share, first, later = rise(points)
    if share <= RISE_LIMIT:
        return None
    return (
        f"steps rise by {share:.0%} from batch size {format_number(first)} to {format_number(later)}, "
        f"more than the {RISE_LIMIT:.0%} that passes for noise, and both laws only fall"
    )


def constant(points: Points, hyperbola: Solution) -> str | None:
    """Why the data show no scaling, or None."""
    theta = float(hyperbola.theta[0])
    if theta == 0:
        return "no scaling: the best hyperbola has c1 = 0, steps do not fall as the batch grows"
    low, high = points.lowest()[0], points.highest()[0]
    fall = 1 - (1 / high + 1 / theta) / (1 / low + 1 / theta)
    free = int(points.exact.sum()) - 2
    ratio = 1 + float(fdtri(1, free, _LEVEL)) / free
    if fall < FALL_LIMIT and hyperbola.loss_constant[0] <= ratio * hyperbola.loss[0]:
        return f"no scaling: the curve falls by {fall:.0%} and an F test at 5% does not tell it from a constant"
    return None


def linear(theorem: Solution, hyperbola: Solution, highest: float) -> str | None:
    """Why both laws are one straight line on the data, or None."""
    if np.isinf(theorem.theta[0]) and np.isinf(hyperbola.theta[0]):
        return f"both laws reduce to linear scaling: every critical batch size lies beyond {format_number(highest)}"
    return None


def strength(difference: float) -> str:
    """How much an AICc lower by `difference` says, after Burnham and Anderson (2002), section 2.6."""
    if difference < 2:
        return "hardly better: the data do not tell the laws apart"
    if difference < 6:
        return "somewhat better"
    return "clearly better" if difference < 10 else "far better"
