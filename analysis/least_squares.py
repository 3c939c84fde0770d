"""Least squares on log steps for many data sets at once: the one fit that a table, a profile and a bootstrap share."""

import math
from dataclasses import dataclass

import numpy as np

from analysis.intervals import BoolArray, FloatArray
from analysis.laws import Law

MIN_DISTINCT = 3
"""Uncensored batch sizes that two parameters and a scatter need."""

_POINTS_AN_OCTAVE = 6
_LOWEST = 1e-3  # times the smallest batch size: there both laws are flat on the data to a part in a thousand
_POLISH = 44  # golden-section steps; from a third of an octave to 1e-10 of ln theta
_CHUNK = 2_000_000  # numbers in flight, 16 MB
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Points:
    """R data sets of m points: ln steps, of which some are exact, some only lower bounds, and the others missing.

    `batch_sizes` is (m,), the rest (R, m); `log_steps` is zero where a point is missing.
    """

    batch_sizes: FloatArray
    log_steps: FloatArray
    exact: BoolArray
    bound: BoolArray

    @classmethod
    def of(cls, batch_sizes: FloatArray, steps: FloatArray, censored: BoolArray) -> "Points":
        """From steps: NaN (unknown), infinite (never reached, no finite bound) and 0 (the empty bound) are missing."""
        usable = np.isfinite(steps) & (steps > 0)
        log_steps = np.log(np.where(usable, steps, 1.0))
        return cls(batch_sizes, log_steps, usable & ~censored, usable & censored)

    def rows(self, which: BoolArray | slice) -> "Points":
        return Points(self.batch_sizes, self.log_steps[which], self.exact[which], self.bound[which])

    def distinct(self) -> FloatArray:
        """(R,): how many different batch sizes have an exact point."""
        each = self.batch_sizes[:, None] == np.unique(self.batch_sizes)
        return np.asarray(((self.exact.astype(np.float64) @ each) > 0).sum(axis=1))

    def lowest(self) -> FloatArray:
        """(R,): the smallest batch size that takes part, infinite where none does."""
        return np.asarray(np.where(self.exact | self.bound, self.batch_sizes, np.inf).min(axis=1))

    def highest(self) -> FloatArray:
        """(R,): the largest batch size that takes part, zero where none does."""
        return np.asarray(np.where(self.exact | self.bound, self.batch_sizes, 0.0).max(axis=1))


@dataclass(frozen=True)
class Solution:
    """The best curve of each data set, all (R,); NaN where fewer than three batch sizes are exact.

    `theta` is T or B_crit: 0 where a constant is the best curve, infinite where linear scaling is. `log_scale` is
    ln C or ln c1, `log_floor` = `log_scale` - ln theta is ln C/T or ln c2. `loss` sums squared residuals of ln K.
    """

    theta: FloatArray
    log_scale: FloatArray
    log_floor: FloatArray
    loss: FloatArray
    loss_constant: FloatArray
    loss_linear: FloatArray


def best_scale(residuals: FloatArray, exact: BoolArray, bound: BoolArray) -> tuple[FloatArray, FloatArray]:
    """The additive constant (..., ) that minimises the loss of `residuals` (..., m), and that loss.

    The loss is sum (z - s)^2 over exact points plus sum max(0, z - s)^2 over bounds. Its minimum is closed: taking the
    bounds in, largest first, the running mean rises while the next bound is above it and falls from then on, so the
    minimum is the largest running mean.
    """
    count = exact.sum(axis=-1)
    total = (residuals * exact).sum(axis=-1)
    scale = total / count
    columns = bound.reshape(-1, bound.shape[-1]).any(axis=0)
    if columns.any():
        ranked = -np.sort(np.where(bound, -residuals, np.inf)[..., columns], axis=-1)
        counts = count[..., None] + np.arange(1, ranked.shape[-1] + 1)
        scale = np.maximum(scale, ((total[..., None] + np.cumsum(ranked, axis=-1)) / counts).max(axis=-1))
    return scale, loss_at(residuals, scale, exact, bound)


def loss_at(residuals: FloatArray, scale: FloatArray, exact: BoolArray, bound: BoolArray) -> FloatArray:
    """The loss of `residuals` (..., m) at a given additive constant (..., )."""
    left = residuals - scale[..., None]
    squares = np.square(left)
    if not bound.any():
        return np.asarray((squares * exact).sum(axis=-1))
    return np.asarray((squares * (exact | (bound & (left > 0)))).sum(axis=-1))


def rounding(points: Points) -> FloatArray:
    """(R,): the loss that rounding alone leaves, below which two curves are equal."""
    largest = np.abs(points.log_steps).max(axis=1, initial=1.0)
    return np.asarray(points.batch_sizes.size * np.square(16 * np.finfo(np.float64).eps * largest))


def theta_grid(law: type[Law], batch_sizes: FloatArray, points_an_octave: int = _POINTS_AN_OCTAVE) -> FloatArray:
    """Log-spaced shape parameters from a flat curve to a linear one over `batch_sizes`."""
    low, high = math.log(_LOWEST * batch_sizes.min()), math.log(law.reach * batch_sizes.max())
    return np.linspace(low, high, math.ceil((high - low) / math.log(2) * points_an_octave) + 1)


def solve(law: type[Law], points: Points) -> Solution:
    """The least-squares curve of each data set: a profile over the shape parameter, polished, the scale closed-form.

    The grid comes first because the theorem's loss can have a minimum between any two batch sizes.
    """
    determined = points.distinct() >= MIN_DISTINCT
    empty = np.full(determined.shape, np.nan)
    if not determined.any():
        return Solution(empty, empty, empty, empty, empty, empty)
    rows = points.rows(determined)
    log_theta = _polish(law, rows, *_bracket(law, rows))
    scale, loss = _evaluate(law, rows, log_theta)
    scale_linear, loss_linear = _evaluate(law, rows, np.full_like(log_theta, np.inf))
    floor_constant, loss_constant = best_scale(rows.log_steps, rows.exact, rows.bound)
    slack = rounding(rows) + 1e-12 * loss
    linear = loss_linear <= loss + slack
    constant = ~linear & (loss_constant <= loss + slack)
    ways = [linear, constant]
    found = {
        "theta": np.select(ways, [np.inf, 0.0], np.exp(log_theta)),
        "log_scale": np.select(ways, [scale_linear, -np.inf], scale),
        "log_floor": np.select(ways, [-np.inf, floor_constant], scale - log_theta),
        "loss": np.select(ways, [loss_linear, loss_constant], loss),
        "loss_constant": loss_constant,
        "loss_linear": loss_linear,
    }
    full = {name: empty.copy() for name in found}
    for name, values in found.items():
        full[name][determined] = values
    return Solution(**full)


def _evaluate(law: type[Law], points: Points, log_theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log scale and loss of each data set at its own shape parameter, (R,)."""
    shape = law.log_shape(points.batch_sizes, np.exp(log_theta)[:, None])
    return best_scale(points.log_steps - shape, points.exact, points.bound)


def _bracket(law: type[Law], points: Points) -> tuple[FloatArray, FloatArray]:
    """The grid points on either side of each data set's best one."""
    grid = theta_grid(law, points.batch_sizes)
    shapes = law.log_shape(points.batch_sizes, np.exp(grid)[:, None])
    at_once = max(_CHUNK // shapes.size, 1)
    best = np.empty(points.log_steps.shape[0], dtype=np.intp)
    for start in range(0, best.size, at_once):
        part = points.rows(slice(start, start + at_once))
        residuals = part.log_steps[:, None, :] - shapes
        exact, bound = part.exact[:, None, :], part.bound[:, None, :]
        best[start : start + at_once] = best_scale(residuals, exact, bound)[1].argmin(axis=1)
    return grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, grid.size - 1)]


def _polish(law: type[Law], points: Points, low: FloatArray, high: FloatArray) -> FloatArray:
    """Golden-section search inside every bracket at once."""
    for _ in range(_POLISH):
        left = high - _GOLDEN * (high - low)
        right = low + _GOLDEN * (high - low)
        falls = _evaluate(law, points, left)[1] > _evaluate(law, points, right)[1]
        low, high = np.where(falls, left, low), np.where(falls, high, right)
    return np.asarray((low + high) / 2)
