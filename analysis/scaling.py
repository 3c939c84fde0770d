"""Scaling laws fitted to steps-to-result: one law, or both and which of them wins."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis import verdict
from analysis.intervals import BoolArray, End, FloatArray, between, format_number, inside
from analysis.laws import BASE_BATCH_SIZE, CriticalBatchSize, Hyperbola, Law, Theorem
from analysis.least_squares import Points, Solution, rounding, solve
from analysis.regimes import Regimes, regimes
from study.errors import UserError

_AICC_PARAMETERS = 3  # a scale, a shape and the scatter


@dataclass(frozen=True)
class Fit:
    """One law fitted by least squares on log steps, with what the data cannot say left as None or a bound.

    A censored cell enters as a one-sided penalty: the square of how far ln K falls short of its bound, nothing where
    it clears it. Of a Tobit likelihood this is the limit of small scatter; it needs no scatter to be known, so data
    without scatter are no special case; a bound far below the curve does not bend it; the scale stays closed-form; and
    without censored cells it is plain least squares. It can only raise the curve at that cell.

    `n` counts uncensored cells, `n_excluded` cells without even a bound (never reached, unknown). `residuals`, in the
    order given, are ln K minus the curve; of a bound, its shortfall or 0; None where excluded. `rmse_log` is over
    uncensored cells, `aicc` is n ln(loss/n) + 2k + 2k(k + 1)/(n - k - 1) with k = 3, None below n = 5. `theta` is T or
    B_crit: 0 for a constant, infinite for linear scaling. `lowest` and `highest` are the batch sizes measured.
    """

    name: str
    law: Law | None
    theta: float | None
    n: int
    n_censored: int
    n_excluded: int
    lowest: float | None
    highest: float | None
    residuals: tuple[float | None, ...] = ()
    loss: float | None = None
    rmse_log: float | None = None
    aicc: float | None = None
    warnings: tuple[str, ...] = ()

    def critical_batch_sizes(self, base_batch_size: float = BASE_BATCH_SIZE) -> tuple[CriticalBatchSize, ...]:
        """Each with its definition; one outside the measured batch sizes is a bound."""
        if self.law is None or self.lowest is None or self.highest is None:
            return ()
        sizes = self.law.critical_batch_sizes(base_batch_size)
        ends = [inside(size.value, self.lowest, self.highest) for size in sizes]
        return tuple(
            replace(size, value=end.value, relation=end.relation) for size, end in zip(sizes, ends, strict=True)
        )

    def parameters(self) -> dict[str, End | None]:
        """Symbol to value; T outside the measured range, and what hangs on it, are bounds."""
        if self.law is None or self.lowest is None or self.highest is None:
            return {}
        if isinstance(self.law, Hyperbola):
            return {symbol: End(value) for symbol, value in self.law.parameters.items()}
        flat, straight = self.theta == 0, math.isinf(self.law.T)
        return {
            "C": None if flat else End(self.law.C),
            "T": inside(self.law.T, self.lowest / 2, self.highest / 2),
            "floor": between(0, 2 * self.law.C / self.highest) if straight else End(self.law.floor),
        }

    def regimes(self) -> Regimes | None:
        if self.law is None or self.lowest is None or self.highest is None:
            return None
        return regimes(self.law, self.lowest, self.highest)


@dataclass(frozen=True)
class Comparison:
    """Both laws on one table: the winner's name, or None with the reason in `verdict`.

    `difference` is how much lower the better law's AICc is; None below 5 uncensored cells, where the smaller RMSE wins.
    """

    theorem: Fit
    hyperbola: Fit
    winner: str | None
    verdict: str
    difference: float | None
    warnings: tuple[str, ...]

    @property
    def best(self) -> Fit | None:
        """The winner's fit."""
        return {"theorem": self.theorem, "hyperbola": self.hyperbola}.get(self.winner or "")

    def regimes(self) -> Regimes | None:
        """Under the winner."""
        return self.best.regimes() if self.best else None


def fit_law(
    law: type[Law], batch_sizes: npt.ArrayLike, steps: npt.ArrayLike, censored: npt.ArrayLike | None = None
) -> Fit:
    """`law` (Theorem or Hyperbola) fitted to n cells; see `Fit` for how censored cells enter.

    `batch_sizes` in examples, `steps` in steps: positive, infinite where a cell never reaches and NaN where it is
    unknown (both are left out, with a warning). `censored` is true where `steps` is a lower bound. Raises UserError.
    """
    points = as_points(batch_sizes, steps, censored)
    return _fit_of(law, points, solve(law, points), np.asarray(steps, dtype=np.float64))


def fit(batch_sizes: npt.ArrayLike, steps: npt.ArrayLike, censored: npt.ArrayLike | None = None) -> Comparison:
    """Both laws fitted to n cells and compared; takes and raises what `fit_law` does."""
    points = as_points(batch_sizes, steps, censored)
    solutions = {law: solve(law, points) for law in (Theorem, Hyperbola)}
    seen = np.asarray(steps, dtype=np.float64)
    theorem, hyperbola = (_fit_of(law, points, solution, seen) for law, solution in solutions.items())
    warnings = dict.fromkeys((*theorem.warnings, *hyperbola.warnings))
    reason = (
        verdict.too_few(points)
        or verdict.rising(points)
        or verdict.constant(points, solutions[Hyperbola])
        or verdict.linear(solutions[Theorem], solutions[Hyperbola], float(points.highest()[0]))
    )
    if reason is not None:
        return Comparison(theorem, hyperbola, None, f"neither: {reason}", None, tuple(warnings))
    better, worse = sorted((theorem, hyperbola), key=lambda one: one.loss or 0.0)
    gap = None if better.aicc is None or worse.aicc is None else worse.aicc - better.aicc
    rmse = f"RMSE of ln K {better.rmse_log:.3f} against {worse.rmse_log:.3f}"
    words = f"the {better.name} has the smaller {rmse}"
    if gap is not None:
        words = f"the {better.name} fits {verdict.strength(gap)} (AICc lower by {gap:.1f}; {rmse})"
    return Comparison(theorem, hyperbola, better.name, words, gap, tuple(warnings))


def as_points(batch_sizes: npt.ArrayLike, steps: npt.ArrayLike, censored: npt.ArrayLike | None = None) -> Points:
    """The table as one data set; raises UserError on a value that no cell can have."""
    batch_sizes, steps = np.asarray(batch_sizes, dtype=np.float64), np.asarray(steps, dtype=np.float64)
    flags: BoolArray = np.zeros(steps.shape, bool) if censored is None else np.asarray(censored, dtype=bool)
    if not (batch_sizes.ndim == 1 and batch_sizes.shape == steps.shape == flags.shape):
        raise UserError(
            "batch_sizes, steps, censored: must be one-dimensional and equally long; got shapes "
            f"{batch_sizes.shape}, {steps.shape}, {flags.shape}"
        )
    _require_positive("batch_sizes", batch_sizes, np.isfinite(batch_sizes) & (batch_sizes > 0), "leave the cell out")
    _require_positive("steps", steps, ~(steps <= 0), "use NaN for an unknown cell, inf for one that never reaches")
    if batch_sizes.size == 0:
        raise UserError("batch_sizes: at least one cell is needed; got none")
    return Points.of(batch_sizes, steps[None], flags[None])


def _require_positive(field: str, values: FloatArray, valid: BoolArray, remedy: str) -> None:
    for index in np.flatnonzero(~valid)[:1]:
        raise UserError(f"{field}[{index}]: must be positive; got {values[index]:g}; {remedy}")


def _fit_of(law: type[Law], points: Points, solution: Solution, steps: FloatArray) -> Fit:
    exact, bound = points.exact[0], points.bound[0]
    n, n_censored, n_excluded = int(exact.sum()), int(bound.sum()), int((~exact & ~bound).sum())
    used = exact | bound
    lowest, highest = (float(points.lowest()[0]), float(points.highest()[0])) if used.any() else (None, None)
    warnings = _left_out(n, n_censored, steps)
    reason = verdict.too_few(points)
    if reason is not None or lowest is None or highest is None:
        return Fit(law.name, None, None, n, n_censored, n_excluded, lowest, highest, warnings=(*warnings, str(reason)))
    theta, loss = float(solution.theta[0]), float(solution.loss[0])
    curve = law.of(theta, float(solution.log_scale[0]), float(solution.log_floor[0]))
    left = points.log_steps[0] - np.log(curve(points.batch_sizes))
    left = np.where(bound, np.maximum(left, 0), left)
    found = Fit(
        law.name,
        curve,
        theta,
        n,
        n_censored,
        n_excluded,
        lowest,
        highest,
        residuals=tuple(float(value) if use else None for value, use in zip(left, used, strict=True)),
        loss=loss,
        rmse_log=float(np.sqrt(np.square(left[exact]).mean())),
        aicc=_aicc(max(loss, float(rounding(points)[0])), n),
    )
    return replace(found, warnings=(*warnings, *_weak_points(found)))


def _aicc(loss: float, n: int) -> float | None:
    k = _AICC_PARAMETERS
    return n * math.log(loss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else None


def _left_out(n: int, n_censored: int, steps: FloatArray) -> list[str]:
    counts: Sequence[tuple[Any, str]] = (
        (n_censored, f"of {n + n_censored} cells missed the goal and enter as lower bounds"),
        (int(np.isinf(steps).sum()), "cells never reach the goal and have no finite bound: left out of the fit"),
        (int(np.isnan(steps).sum()), "cells are unknown: left out of the fit"),
    )
    return [f"{count} {text}" for count, text in counts if count]


def _weak_points(found: Fit) -> list[str]:
    """What of a fit cannot be determined, in words."""
    warnings = []
    if found.aicc is None:
        warnings.append(f"AICc needs 5 uncensored cells, there are {found.n}")
    if found.theta == 0:
        return [*warnings, f"{found.name}: no scaling, a constant is the best curve"]
    if found.theta == math.inf:
        warnings.append(f"{found.name}: linear scaling throughout, its shape is not determined")
    for relation, side in (("<=", "smallest"), (">=", "largest")):
        outside = [size for size in found.critical_batch_sizes() if size.relation == relation]
        if outside:
            names = ", ".join(size.name for size in outside)
            end = format_number(outside[0].value)
            warnings.append(f"{found.name}: beyond the {side} batch size measured, {end}, so only bounds: {names}")
    return warnings
