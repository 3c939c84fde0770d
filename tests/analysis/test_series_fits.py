"""Both laws on every series."""

from pathlib import Path

import numpy as np
import pytest
from fakes import fake_study

from analysis.evidence import gather

_SIZES = [2**k for k in range(4, 12)]


def test_every_series_is_fitted_with_its_intervals(tmp_path: Path) -> None:
    study = fake_study(tmp_path, batch_sizes=_SIZES, sparsities=(0.0, 0.5, 0.9), trials=24)
    found = gather([study], 40)
    assert [fit.sparsity for fit in found.fits] == [0.0, 0.5, 0.9]
    for fit in found.fits:
        assert fit.comparison.winner == "hyperbola"
        interval = fit.interval("hyperbola", "B_crit")
        assert interval is not None
        assert interval.level == 0.9
        assert interval.low.value <= interval.high.value  # type: ignore[union-attr]
        assert fit.interval("hyperbola", "unknown") is None


def test_the_curves_are_those_of_the_fit_with_and_without_intervals(tmp_path: Path) -> None:
    study = fake_study(tmp_path, batch_sizes=_SIZES, trials=24)
    for fit, bare in zip(gather([study], 10).fits, gather([study]).fits, strict=True):
        assert bare.interval("theorem", "two_T") is None
        assert bare.curves["lower"].isna().all()
        assert fit.curves["lower"].notna().all()
        np.testing.assert_allclose(fit.curves["steps"], bare.curves["steps"], rtol=1e-6)
        np.testing.assert_allclose(fit.curves["batch_size"], bare.curves["batch_size"])


@pytest.mark.parametrize("resamples", [0, 10])
def test_a_series_with_too_few_cells_has_a_reason_and_no_curve(tmp_path: Path, resamples: int) -> None:
    found = gather([fake_study(tmp_path, batch_sizes=(16, 64))], resamples)
    for fit in found.fits:
        assert fit.comparison.winner is None
        assert "a law needs 3 uncensored batch sizes" in fit.comparison.verdict
        assert fit.curves.empty
