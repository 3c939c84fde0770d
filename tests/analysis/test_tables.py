"""From records to tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import VALIDATION_EXAMPLES, fake_records, fake_study

from analysis import series, tables
from study.errors import UserError
from study.records import Ending, TrialRecord


def _ended(record: TrialRecord, ending: Ending, steps: int) -> TrialRecord:
    reached = steps if ending is Ending.REACHED else None
    return replace(record, ending=ending, steps_run=steps, steps_to_goal=reached, curve=())


def _cell(tmp_path: Path, *endings: tuple[Ending, int]) -> pd.Series:
    """The row of a study of one cell whose trials ended so."""
    records = fake_records([16], [0.0], len(endings))
    study = fake_study(tmp_path, [_ended(record, *end) for record, end in zip(records, endings, strict=True)])
    return tables.steps_to_result(tables.load(study)).iloc[0]


def test_load_holds_every_record(tmp_path: Path) -> None:
    records = fake_records(failed=[3], trials=5)
    trials = tables.load(fake_study(tmp_path, records)).set_index("trial_id")
    assert len(trials) == len(records)
    for record in records:
        row = trials.loc[record.trial_id]
        assert row["ending"] == record.ending
        assert (None if pd.isna(row["steps_to_goal"]) else row["steps_to_goal"]) == record.steps_to_goal
        assert row["learning_rate"] == record.config.metaparameters["learning_rate"]
        assert row["momentum"] == record.config.metaparameters["momentum"]
        assert row["effective_learning_rate"] == pytest.approx(row["learning_rate"] / (1 - row["momentum"]))
        assert row["pruning_method"] == ("snip" if record.config.sparsity else "none")


def test_dtypes_do_not_depend_on_the_records(tmp_path: Path) -> None:
    full = tables.load(fake_study(tmp_path, name="full")).dtypes
    for name, records in {"none": [], "failed": fake_records([16], [0.0], 1, failed=[0])}.items():
        found = tables.load(fake_study(tmp_path, records, name=name))
        own = [column for column in found.columns if column != "momentum"]
        for column in own:
            if full[column] == "category":
                assert isinstance(found[column].dtype, pd.CategoricalDtype), column
            else:
                assert found[column].dtype == full[column], column
        assert tables.steps_to_result(found)["steps_to_result"].dtype == "Int64"
        assert len(tables.steps_to_result(found)) == (0 if name == "none" else 1)


def test_a_metaparameter_that_few_trials_have_is_missing_in_the_others(tmp_path: Path) -> None:
    sgd = fake_study(tmp_path, name="sgd", optimizer="sgd", trials=2)
    trials = tables.load(sgd, fake_study(tmp_path, name="momentum", trials=2))
    assert tables.metaparameters(trials) == ["learning_rate", "momentum"]
    plain = trials[trials["optimizer"] == "sgd"]
    assert plain["momentum"].isna().all()
    assert (plain["effective_learning_rate"] == plain["learning_rate"]).all()
    assert set(trials["study"]) == {"sgd", "momentum"}


def test_studies_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first, second = fake_study(tmp_path / "a", trials=1), fake_study(tmp_path / "b", trials=1)
    assert tables.load(first, second)["study"].nunique() == 2
    assert len(tables.load(first, first)) == len(tables.load(first))


def test_a_folder_without_a_study_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a folder that holds a study"):
        tables.load(tmp_path)
    with pytest.raises(UserError, match="at least one folder"):
        tables.load()


def test_the_result_is_the_fewest_steps_and_ties_go_to_the_lower_index(tmp_path: Path) -> None:
    reached = Ending.REACHED
    row = _cell(tmp_path, (Ending.FAILED, 0), (reached, 64), (reached, 32), (reached, 32), (Ending.BUDGET, 999))
    assert (row["steps_to_result"], row["best_trial"]) == (32, 2)
    assert pd.isna(row["censored_at"])
    assert [row[ending] for ending in tables.ENDINGS] == [3, 1, 0, 0, 0, 1]
    assert row["trials"] == 5
    assert row["spread"] == 1.0


def test_a_cell_without_a_result_is_censored_where_its_first_trial_stopped(tmp_path: Path) -> None:
    row = _cell(tmp_path, (Ending.BUDGET, 400), (Ending.BEATEN, 500), (Ending.DIVERGED, 900), (Ending.FAILED, 0))
    assert pd.isna(row["steps_to_result"])
    assert pd.isna(row["best_trial"])
    assert row["censored_at"] == 400


def test_diverged_trials_bound_nothing(tmp_path: Path) -> None:
    row = _cell(tmp_path, (Ending.DIVERGED, 400), (Ending.UNTRAINABLE, 0))
    assert pd.isna(row["steps_to_result"])
    assert pd.isna(row["censored_at"])


def test_every_cell_agrees_with_a_plain_loop(tmp_path: Path) -> None:
    records = fake_records(sparsities=(0.0, 0.5, 0.9), trials=12, budget_steps=1_500, failed=[1])
    cells = tables.steps_to_result(tables.load(fake_study(tmp_path, records)))
    assert len(cells) == 12
    for cell in cells.itertuples():
        own = [r for r in records if (r.config.batch_size, r.config.sparsity) == (cell.batch_size, cell.sparsity)]
        steps = sorted((r.steps_to_goal, r.config.trial_index) for r in own if r.steps_to_goal is not None)
        if steps:
            assert (cell.steps_to_result, cell.best_trial) == steps[0]
        else:
            assert cell.censored_at == min(r.steps_run for r in own if r.ending is Ending.BUDGET)
        assert cell.trials == sum(getattr(cell, ending) for ending in tables.ENDINGS) == len(own)
        total = sum(r.train_seconds + r.evaluate_seconds + r.prune_seconds for r in own)
        assert cell.seconds == pytest.approx(total)


def test_looser_goals_are_cells_of_their_own(tmp_path: Path) -> None:
    records = fake_records(trials=24, also_goals=(0.05, 0.1), budget_steps=1_000)
    found = tables.steps_to_result(tables.goals(fake_study(tmp_path, records)))
    assert sorted(found["goal_error"].unique()) == [0.02, 0.05, 0.1]
    for cell in found[found["goal_error"] == 0.1].itertuples():
        own = [r for r in records if (r.config.batch_size, r.config.sparsity) == (cell.batch_size, cell.sparsity)]
        steps = [s for r in own if (s := r.also_steps[0.1]) is not None]
        assert (None if pd.isna(cell.steps_to_result) else cell.steps_to_result) == min(steps, default=None)
        assert cell.reached == len(steps)


def test_curves_and_layers_are_those_recorded(tmp_path: Path) -> None:
    records = fake_records(trials=3)
    study = fake_study(tmp_path, records)
    wanted = records[4]
    points = tables.curves(study, [wanted.trial_id])
    assert list(zip(points["step"], points["train_loss"], strict=True)) == [
        (p.step, p.train_loss) for p in wanted.curve
    ]
    counts = tables.layers(study).set_index("trial_id")
    assert len(counts) == sum(len(record.kept) for record in records)
    assert counts.loc[wanted.trial_id, "layer"].tolist() == [layer.layer for layer in wanted.kept]
    assert counts.loc[wanted.trial_id, "kept"].tolist() == [layer.kept for layer in wanted.kept]
    assert tables.curves(study, []).empty


def test_a_trial_in_two_parts_is_read_once(tmp_path: Path) -> None:
    record = next(r for r in fake_records() if r.ending is Ending.REACHED)
    earlier = replace(record, ending=Ending.BUDGET, steps_run=1, steps_to_goal=None, curve=record.curve[:1])
    study = fake_study(tmp_path, [earlier, record])
    assert tables.load(study)["steps_run"].tolist() == [record.steps_run]
    assert tables.curves(study, [record.trial_id])["step"].tolist() == [point.step for point in record.curve]


def test_an_early_exit_is_no_validation_error(tmp_path: Path) -> None:
    records = [r for r in fake_records() if r.ending is Ending.REACHED]
    study = fake_study(tmp_path, records)
    steps = tables.load(study).set_index("trial_id")["steps_to_goal"]
    points = series.full_errors(tables.curves(study, steps.index), steps)
    full = points["validation_examples"] == VALIDATION_EXAMPLES
    assert 0 < full.sum() < len(points)
    assert (points["validation_error"].notna() == full).all()


def test_a_dense_cell_serves_every_pruning_method(tmp_path: Path) -> None:
    records = fake_records() + fake_records(sparsities=(0.9,), pruning_method="random")
    cells = tables.steps_to_result(tables.load(fake_study(tmp_path, records)))
    assert (cells["sparsity"] == 0).sum() == 4
    lines = series.series(cells)
    assert set(lines["group"]) == {"snip", "random"}
    assert (lines[lines["sparsity"] == 0].groupby("group").size() == 4).all()


def test_cells_of_other_saliency_options_are_apart(tmp_path: Path) -> None:
    records = fake_records() + fake_records(sparsities=(0.9,), saliency_examples=100)
    cells = tables.steps_to_result(tables.load(fake_study(tmp_path, records)))
    assert len(cells) == 12
    assert set(series.series(cells)["group"]) == {"all examples", "100 examples"}


def test_series_are_relative_to_their_own_first_result(tmp_path: Path) -> None:
    records = fake_records(batch_sizes=(8, 16, 32, 64), budget_steps=2_000, trials=32)
    lines = series.series(tables.steps_to_result(tables.load(fake_study(tmp_path, records))))
    for _, own in lines.groupby("sparsity"):
        first = own[own["steps_to_result"].notna()].iloc[0]
        assert first["relative_steps"] == 1
        np.testing.assert_allclose(own["relative_steps"], own["steps"] / first["steps"])
        np.testing.assert_allclose(own["perfect_steps"] * own["batch_size"], first["steps"] * first["batch_size"])
    assert lines["censored"].any()


def test_ratios_pair_batch_sizes_and_mark_bounds(tmp_path: Path) -> None:
    records = fake_records(batch_sizes=(16, 64), trials=32, budget_steps=2_500)
    lines = series.series(tables.steps_to_result(tables.load(fake_study(tmp_path, records))))
    steps = lines.set_index(["sparsity", "batch_size"])
    found = series.ratios(lines).set_index("batch_size")
    assert found["censored"].to_dict() == {16: True, 64: False}
    assert found.loc[64, "ratio"] == steps.loc[(0.9, 64), "steps"] / steps.loc[(0.0, 64), "steps"]
    assert found.loc[16, "ratio"] == 2_500 / steps.loc[(0.0, 16), "steps"]


def test_a_mask_counts_once_whatever_the_batch_sizes(tmp_path: Path) -> None:
    study = fake_study(tmp_path, trials=4)
    found = series.densities(tables.load(study), tables.layers(study))
    assert set(found["masks"]) == {4}
    assert (found.loc[found["sparsity"] == 0, "density"] == 1).all()
    assert (found["lowest"] <= found["density"]).all()
    assert (found["density"] <= found["highest"]).all()
