"""Expected best of n trials against n: whether the trial budget of a cell was enough."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.intervals import BoolArray, End, FloatArray, between, columns
from study.errors import UserError


@dataclass(frozen=True)
class BestOf:
    """The best of n trials taken at random, without replacement, from a cell's N.

    `mean` is None where some n of them hold no trial that reached (its expectation is then not known, or infinite);
    `median` is then still a number, a bound among censored trials, or infinite for never. `none_reached` is the share
    of choices without a trial that reached, and `mean_reached` the mean over the others: "<=" where a censored trial
    may have been better, None where no trial reached at all.
    """

    n: int
    mean: End | None
    mean_reached: End | None
    median: End | None
    none_reached: float


def expected_best(steps: npt.ArrayLike, n: int, censored: npt.ArrayLike | None = None) -> BestOf:
    """Mean and median of the smallest of `n` of the N `steps`, exactly, over all choices of n.

    The i-th smallest of N is the smallest of n with probability C(N - i, n - 1)/C(N, n); at n = N the mean is the
    minimum itself. `steps` is infinite where a trial never reaches; where `censored` it is the steps run, a lower
    bound. Raises UserError unless 1 <= n <= N.
    """
    low, high = _known(steps, censored)
    if not 1 <= n <= low.size:
        raise UserError(f"n: must be from 1 to the number of trials, {low.size}; got {n}")
    weights = _weights(low.size, n)
    used = weights > 0
    least, most = (float(np.dot(weights[used], values[used])) for values in (low, high))
    reached = int(np.isfinite(high).sum())
    # The smallest lies beyond the reached ones when all n do.
    none = math.comb(low.size - reached, n) / math.comb(low.size, n)
    half = int(np.searchsorted(np.cumsum(weights), 0.5 - 1e-12))
    mean = between(least, most) if math.isfinite(most) else None
    return BestOf(n, mean, _mean_reached(low, high, weights), between(float(low[half]), float(high[half])), none)


def best_of_curve(steps: npt.ArrayLike, censored: npt.ArrayLike | None = None) -> pd.DataFrame:
    """`expected_best` at n = 1, ..., N/4, N/2, N: n, mean, mean_reached, median, their relations, none_reached."""
    total = np.asarray(steps).size
    counts = sorted({max(total >> shift, 1) for shift in range(total.bit_length() + 1)})
    rows = [expected_best(steps, n, censored) for n in counts]
    return pd.DataFrame(
        [
            {
                "n": row.n,
                **columns("mean", row.mean),
                **columns("mean_reached", row.mean_reached),
                **columns("median", row.median),
                "none_reached": row.none_reached,
            }
            for row in rows
        ]
    )


def last_doubling(steps: npt.ArrayLike, censored: npt.ArrayLike | None = None) -> End | None:
    """Expected best of half the trials over the best of all, less one: what the last doubling of the budget bought.

    Over the halves that hold a trial which reached; "<=" where a censored trial may have been better; None where none
    reached or there is one trial. Near zero where the budget was enough.
    """
    total = np.asarray(steps).size
    if total < 2:
        return None
    half, whole = (expected_best(steps, n, censored) for n in (total // 2, total))
    if half.mean_reached is None or whole.mean is None or whole.mean.censored:
        return None
    return End(half.mean_reached.value / whole.mean.value - 1, half.mean_reached.relation)


def _mean_reached(low: FloatArray, high: FloatArray, weights: FloatArray) -> End | None:
    """The mean over the choices that hold a trial which reached: those are the first ranks of `high`."""
    reached = np.isfinite(high) & (weights > 0)
    if not reached.any():
        return None
    mean = float(np.dot(weights[reached], high[reached]) / weights[reached].sum())
    return End(mean, "=" if np.array_equal(low[reached], high[reached]) else "<=")


def _known(steps: npt.ArrayLike, censored: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    """The least and the most that the steps can be, each ascending."""
    least = np.asarray(steps, dtype=np.float64)
    flags: BoolArray = np.zeros(least.shape, bool) if censored is None else np.asarray(censored, dtype=bool)
    if least.ndim != 1 or least.shape != flags.shape or least.size == 0 or not (least > 0).all():
        raise UserError(
            "steps, censored: must be one-dimensional, equally long, not empty and positive; leave failed trials out"
        )
    return np.sort(least), np.sort(np.where(flags, np.inf, least))


def _weights(total: int, n: int) -> FloatArray:
    """(total,): the probability that the i-th smallest of `total` is the smallest of `n` chosen ones."""
    ranks = np.arange(1, total)
    ratios = np.maximum(total - ranks - n + 1, 0) / (total - ranks)
    return np.concatenate([[n / total], n / total * np.cumprod(ratios)])
