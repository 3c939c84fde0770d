"""Profile-likelihood intervals for a table without trials: parameters and critical batch sizes of one law."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import fdtri

from analysis.intervals import End, FloatArray, Interval
from analysis.laws import BASE_BATCH_SIZE, Law, Theorem
from analysis.least_squares import Points, best_scale, loss_at, rounding, solve, theta_grid
from analysis.scaling import as_points

_FINE = 64  # grid points an octave for the ends of the region; brentq does the rest
_ACROSS = 201  # grid points across the region for the extremes of a scale
_HALVINGS = 60


@dataclass(frozen=True)
class ProfileIntervals:
    """Symbol (C, T, floor or c1, c2, S_min, E_min; two_T, B_crit, excess_20pct, cbs_20pct) to interval at `level`.

    Empty with a warning where the data determine no curve or leave no degree of freedom. An open end is None.
    """

    law: str
    level: float
    intervals: dict[str, Interval]
    warnings: tuple[str, ...] = ()


def profile_intervals(
    law: type[Law],
    batch_sizes: npt.ArrayLike,
    steps: npt.ArrayLike,
    censored: npt.ArrayLike | None = None,
    *,
    level: float = 0.9,
    base_batch_size: float = BASE_BATCH_SIZE,
) -> ProfileIntervals:
    """Every value at which the loss, minimised over the other parameter, stays within F's reach of its minimum.

    The region is loss <= (1 + F/(n - 2)) x the least loss, with F the `level` quantile of F(1, n - 2) and n the
    uncensored cells; the interval is the hull of the region, open where it runs into a constant or linear scaling.
    """
    points = as_points(batch_sizes, steps, censored)
    solution = solve(law, points)
    n = int(points.exact.sum())
    if math.isnan(solution.theta[0]) or n < 3:
        why = "profile intervals need 3 uncensored batch sizes"
        return ProfileIntervals(law.name, level, {}, (why,))
    threshold = float(solution.loss[0]) * (1 + float(fdtri(1, n - 2, level)) / (n - 2)) + 4 * float(rounding(points)[0])
    region = _Region(law, points, threshold, float(solution.theta[0]))
    low, high = region.ends()
    shape = Interval(_end(low), _end(high), level)
    scale, floor = (Interval(*region.extremes(low, high, power), level) for power in (0, 1))
    if issubclass(law, Theorem):
        found = {"C": scale, "T": shape, "floor": floor}
    else:
        found = {"c1": scale, "c2": floor, "S_min": floor, "E_min": scale}
    lowest, highest = law.critical_values(low, base_batch_size), law.critical_values(high, base_batch_size)
    for symbol in lowest:
        found[symbol] = Interval(_end(float(lowest[symbol])), _end(float(highest[symbol])), level)
    return ProfileIntervals(law.name, level, found)


def _end(value: float) -> End | None:
    return End(value) if 0 < value < math.inf else None


@dataclass(frozen=True)
class _Region:
    """The pairs of shape and scale whose loss stays at or below `threshold`; `best` is the best shape."""

    law: type[Law]
    points: Points
    threshold: float
    best: float

    def residuals(self, log_theta: FloatArray) -> FloatArray:
        """(k, m) at shapes (k,); minus infinity is the constant curve, whose scale is then its floor."""
        batch_sizes = self.points.batch_sizes
        theta = np.exp(log_theta)[:, None]
        shape = np.where(theta > 0, self.law.log_shape(batch_sizes, np.where(theta > 0, theta, 1.0)), 0.0)
        return np.asarray(self.points.log_steps - shape)

    def excess(self, log_theta: float) -> float:
        """The least loss at one shape, over the threshold: positive outside the region."""
        left = self.residuals(np.array([log_theta]))
        return float(best_scale(left, self.points.exact, self.points.bound)[1][0]) - self.threshold

    def ends(self) -> tuple[float, float]:
        """The least and largest shape in the region; 0 and infinity where a constant or linear scaling is in it."""
        grid = theta_grid(self.law, self.points.batch_sizes, _FINE)
        best = math.log(self.best) if 0 < self.best < math.inf else math.inf * (1 if self.best else -1)
        losses = best_scale(self.residuals(grid), self.points.exact, self.points.bound)[1]
        within = np.append(grid[losses <= self.threshold], best)
        low, high = min(float(within.min()), float(grid[-1])), max(float(within.max()), float(grid[0]))
        if self.excess(-math.inf) <= 0:
            low = -math.inf
        elif (below := grid[grid < low]).size:
            low = self._crossing(float(below[-1]), low)
        if self.excess(math.inf) <= 0:
            high = math.inf
        elif (above := grid[grid > high]).size:
            high = self._crossing(float(above[0]), high)
        return math.exp(low), math.exp(high)

    def _crossing(self, outside: float, within: float) -> float:
        if self.excess(within) >= 0 or not math.isfinite(within):
            return within
        return float(brentq(self.excess, outside, within, xtol=1e-12))

    def extremes(self, low: float, high: float, power: int) -> tuple[End | None, End | None]:
        """The least and largest scale / theta^power over the region: C or c1 at power 0, their floor at power 1.

        Towards a constant the scale vanishes and the floor stays, towards linear scaling the other way round, so only
        lower ends can be open.
        """
        opens = high == math.inf if power else low == 0
        grid = theta_grid(self.law, self.points.batch_sizes)
        inner = np.linspace(
            math.log(low) if low > 0 else float(grid[0]),
            math.log(high) if high < math.inf else float(grid[-1]),
            _ACROSS,
        )
        limits = np.array([-math.inf] * (low == 0 and power == 1) + [math.inf] * (high == math.inf and power == 0))
        least = None if opens else End(math.exp(self._extreme(inner, limits, power, -1)))
        largest = End(math.exp(self._extreme(inner, limits, power, 1)))
        return least, largest

    def _extreme(self, log_theta: FloatArray, limits: FloatArray, power: int, sign: int) -> float:
        """The largest (`sign` 1) or least (-1) log of scale / theta^power, where it stays finite at `limits` too."""

        def reach(at: FloatArray) -> FloatArray:
            return sign * (self.scale_end(at, sign) - power * at)

        index = int(reach(log_theta).argmax())
        bracket = (log_theta[max(index - 1, 0)], log_theta[min(index + 1, log_theta.size - 1)])
        best = float(reach(log_theta[[index]])[0])
        if bracket[0] < bracket[1]:
            polished = minimize_scalar(lambda at: -reach(np.array([at]))[0], bounds=bracket, method="bounded")
            best = max(best, -float(polished.fun))
        return sign * max(best, *(sign * self.scale_end(limits, sign)), best)

    def scale_end(self, log_theta: FloatArray, sign: int) -> FloatArray:
        """(k,): the log scale above (`sign` 1) or below the best one where the loss meets the threshold.

        The loss grows by at least n (s - s_best)^2 for n exact points, which brackets the root; it is the root where
        nothing is censored.
        """
        exact, bound = self.points.exact, self.points.bound
        left = self.residuals(log_theta)
        best, loss = best_scale(left, exact, bound)
        width = np.sqrt(np.maximum(self.threshold - loss, 0) / exact.sum())
        if not bound.any():
            return np.asarray(best + sign * width)
        near, far = np.zeros_like(width), width
        for _ in range(_HALVINGS):
            middle = (near + far) / 2
            inside = loss_at(left, best + sign * middle, exact, bound) <= self.threshold
            near, far = np.where(inside, middle, near), np.where(inside, far, middle)
        return np.asarray(best + sign * near)
