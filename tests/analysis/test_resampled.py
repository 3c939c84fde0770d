"""The bootstrap of a report's cells: which trials stand behind them, and their intervals beside them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import fake_records, fake_study

from analysis import tables
from analysis.evidence import gather
from analysis.resampled import resampled, trials_of, with_intervals
from analysis.series import series


def test_a_dense_cell_that_serves_two_methods_has_one_interval(tmp_path: Path) -> None:
    sparse = [fake_records(sparsities=(0.9,), pruning_method=method) for method in ("snip", "random")]
    found = gather([fake_study(tmp_path, [*fake_records(sparsities=(0.0,)), *sparse[0], *sparse[1]])], 40)
    dense = found.series[found.series["sparsity"] == 0]
    assert set(dense["group"]) == {"snip", "random"}
    assert (dense.groupby("batch_size")["steps_to_result_high"].nunique() == 1).all()
    assert found.ratios["ratio_high"].notna().all()


def test_the_upper_end_is_not_below_the_result_and_ratios_have_both_ends(tmp_path: Path) -> None:
    found = gather([fake_study(tmp_path, trials=24)], 60)
    assert (found.series["steps_to_result_high"] >= found.series["steps_to_result"].astype(float)).all()
    assert (found.ratios["ratio_low"] <= found.ratios["ratio_high"]).all()
    without = gather([tmp_path / "fake"])
    assert without.intervals is None
    assert "steps_to_result_high" not in without.series


def test_trials_of_another_seed_are_other_trials(tmp_path: Path) -> None:
    study = fake_study(tmp_path, [*fake_records(trials=5), *fake_records(trials=5, seed=1)])
    trials = tables.load(study)
    lines = series(tables.steps_to_result(trials))
    (own,) = trials_of(trials, lines).values()
    assert sorted(own["trial_index"].unique()) == list(range(10))
    assert (resampled(trials, lines, 10).cells["trials"] == 10).all()


def test_studies_that_share_a_curve_are_resampled_as_one(tmp_path: Path) -> None:
    halves = [fake_study(tmp_path, name=f"half {i}", batch_sizes=sizes) for i, sizes in enumerate(((16, 64), (256,)))]
    found = gather(halves, 10)
    assert set(found.series["group"]) == {""}
    assert {len(fit.curves["law"].unique()) for fit in found.fits} <= {0, 2}
    assert (found.intervals.cells.groupby("sparsity").size() == 3).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("ends", [("high",), ("low", "high")])
def test_no_interval_leaves_the_table_as_it_is(ends: tuple[str, ...]) -> None:
    table = pd.DataFrame({"group": [""], "sparsity": [0.0], "batch_size": [8]})
    assert with_intervals(table, pd.DataFrame(), "ratio", ends) is table
    intervals = table.assign(low=1.0, low_relation="=", high=np.inf, high_relation="=")
    added = set(with_intervals(table, intervals, "ratio", ends)) - set(table)
    assert added == {name for end in ends for name in (f"ratio_{end}", f"ratio_{end}_relation")}
