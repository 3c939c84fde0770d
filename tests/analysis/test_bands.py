"""Bands of fitted curves."""

import math

import numpy as np
import pytest

from analysis import bands
from analysis.laws import LAWS, Hyperbola, Law, Theorem
from analysis.least_squares import Points, solve

BATCH_SIZES = 2.0 ** np.arange(2, 11)


def _points(steps: np.ndarray) -> Points:
    return Points.of(BATCH_SIZES, steps, np.zeros(steps.shape, bool))


@pytest.mark.parametrize(
    "law",
    [Theorem(5e3, 32), Hyperbola(2e4, 60), Hyperbola(2e4, 0), Hyperbola(0, 60), Theorem(5e3, math.inf)],
    ids=str,
)
def test_without_scatter_the_band_is_the_curve(law: Law) -> None:
    points = _points(np.tile(law(BATCH_SIZES), (6, 1)))
    found = bands.band(type(law), points, solve(type(law), points), 0.9)
    assert found["steps"].to_numpy() == pytest.approx(law(found["batch_size"]), rel=1e-6)
    assert found["lower"].to_numpy() == pytest.approx(found["steps"].to_numpy())
    assert found["upper"].to_numpy() == pytest.approx(found["steps"].to_numpy())
    assert found["batch_size"].iloc[[0, -1]].to_numpy() == pytest.approx(BATCH_SIZES[[0, -1]])


@pytest.mark.parametrize("law", LAWS.values())
def test_the_band_holds_nine_of_ten_curves_at_each_batch_size(law: type[Law]) -> None:
    scales = np.concatenate([[1.0], np.linspace(0.5, 1.5, 101)])
    points = _points(scales[:, None] * Hyperbola(2e4, 60)(BATCH_SIZES))
    found = bands.band(law, points, solve(law, points), 0.9)
    assert (found["lower"] / found["steps"]).to_numpy() == pytest.approx(0.55, abs=0.011)
    assert (found["upper"] / found["steps"]).to_numpy() == pytest.approx(1.45, abs=0.011)


def test_resamples_without_a_curve_leave_an_end_open() -> None:
    steps = np.tile(Hyperbola(2e4, 60)(BATCH_SIZES), (20, 1))
    steps[10:, 2:] = np.nan
    points = _points(steps)
    found = bands.band(Hyperbola, points, solve(Hyperbola, points), 0.9)
    assert found[["lower", "upper"]].isna().all(axis=None)
    assert found["steps"].notna().all()
    none = points.rows(slice(10, None))
    assert len(bands.band(Hyperbola, none, solve(Hyperbola, none), 0.9)) == 0
