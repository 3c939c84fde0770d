import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
import pandas as pd
import pytest

from analysis import tables
from analysis.optuna_export import Exported, export, study_name
from search_spaces.scales import Log, ReverseLog
from study.errors import UserError
from study.records import Ending
from study.store.store import Store
from tests.fakes import fake_records, fake_study

SPACES = {"fake": {"learning_rate": Log(1e-4, 1.0), "momentum": ReverseLog(0.9, 0.9999)}}
STATES = {
    "reached": "COMPLETE",
    "budget": "PRUNED",
    "beaten": "PRUNED",
    "diverged": "FAIL",
    "untrainable": "FAIL",
    "failed": "FAIL",
}


@pytest.fixture(scope="module")
def empty_storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, since SQLAlchemy takes half a second to make the tables."""
    file = tmp_path_factory.mktemp("storage") / "optuna.db"
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
    storage.remove_session()
    storage.engine.dispose()
    return file


@pytest.fixture
def url(tmp_path: Path, empty_storage: Path) -> str:
    shutil.copy(empty_storage, tmp_path / "optuna.db")
    return f"sqlite:///{tmp_path / 'optuna.db'}"


def some_trials(folder: Path, batch_sizes: Sequence[int] = (64,)) -> pd.DataFrame:
    records = fake_records(batch_sizes, [0.0, 0.9], 6, budget_steps=600, untrainable=[(0.9, 2)], failed=[1])
    censored = [record for record in records if record.ending is Ending.BUDGET]
    beaten = {record.trial_id for record in censored[::2]}
    return tables.load(
        fake_study(
            folder,
            [replace(record, ending=Ending.BEATEN) if record.trial_id in beaten else record for record in records],
        )
    )


def opened(url: str) -> dict[str, optuna.Study]:
    names = optuna.get_all_study_names(url)
    return {name: optuna.load_study(study_name=name, storage=url) for name in names}


def test_optuna_finds_the_same_trials_states_and_best_value(tmp_path: Path, url: str) -> None:
    trials = some_trials(tmp_path, [64, 1024])
    assert set(trials["ending"]) == set(STATES)
    assert export(trials, SPACES, url) == Exported(studies=4, added=24, kept=0)
    cells = tables.steps_to_result(trials)
    studies = opened(url)
    assert set(studies) == {
        f"fake | batch {size} | sparsity {sparsity}" for size in (64, 1024) for sparsity in ("0", "0.9")
    }
    for cell in cells.itertuples():
        study = studies[f"fake | batch {cell.batch_size} | sparsity {cell.sparsity:g}"]
        own = trials[(trials["batch_size"] == cell.batch_size) & (trials["sparsity"] == cell.sparsity)]
        expected = {row.trial_id: STATES[row.ending] for row in own.itertuples()}
        assert {trial.user_attrs["trial_id"]: trial.state.name for trial in study.trials} == expected
        assert study.direction is optuna.study.StudyDirection.MINIMIZE
        if cell.reached == 0:
            continue  # no state COMPLETE, as seen above, and so no best value
        assert study.best_value == cell.steps_to_result
        best = own[own["trial_id"] == study.best_trial.user_attrs["trial_id"]].iloc[0]  # of equals any
        assert best["steps_to_goal"] == cell.steps_to_result
        assert study.best_params["learning_rate"] == best["learning_rate"]
        assert study.best_params["one_minus_momentum"] == pytest.approx(1 - best["momentum"], rel=1e-6)


def test_a_trial_carries_its_record(tmp_path: Path, url: str) -> None:
    trials = some_trials(tmp_path)
    export(trials, SPACES, url)
    rows = trials.set_index("trial_id")
    for study in opened(url).values():
        for trial in study.trials:
            row = rows.loc[trial.user_attrs["trial_id"]]
            assert trial.number == trial.user_attrs["trial_index"] == row["trial_index"]
            assert trial.user_attrs["ending"] == row["ending"]
            assert trial.user_attrs["steps_run"] == row["steps_run"]
            seconds = row[["train_seconds", "evaluate_seconds", "prune_seconds"]].sum()
            assert trial.duration.total_seconds() == pytest.approx(seconds, abs=1e-5)
            pruned = trial.state is optuna.trial.TrialState.PRUNED
            assert trial.intermediate_values == ({row["steps_run"]: row["steps_run"]} if pruned else {})
            assert ("error" in trial.user_attrs) == (row["ending"] == "failed")


def test_exporting_again_adds_only_what_is_new(tmp_path: Path, url: str) -> None:
    trials = some_trials(tmp_path)
    assert export(trials[trials["trial_index"] < 4], SPACES, url) == Exported(2, 8, 0)
    assert export(trials, SPACES, url) == Exported(2, 4, 8)
    assert export(trials, SPACES, url) == Exported(2, 0, 12)
    assert sum(len(study.trials) for study in opened(url).values()) == 12


def test_a_trial_that_went_on_replaces_what_was_exported_of_it(tmp_path: Path, url: str) -> None:
    records = fake_records([64], [0.0, 0.9], 8, budget_steps=100_000)
    short = [
        replace(record, ending=Ending.BUDGET, steps_run=16, steps_to_goal=None)
        if record.ending is Ending.REACHED and record.config.sparsity
        else record
        for record in records
    ]
    export(tables.load(fake_study(tmp_path / "a", short)), SPACES, url)
    done = export(tables.load(fake_study(tmp_path / "b", records)), SPACES, url)
    assert done == Exported(studies=2, added=8, kept=8)
    sparse = opened(url)["fake | batch 64 | sparsity 0.9"]
    assert len(sparse.trials) == 8
    assert sparse.best_value == min(record.steps_to_goal or 10**9 for record in records[8:])


def test_an_optuna_study_of_something_else_is_left_alone(tmp_path: Path, url: str) -> None:
    trials = some_trials(tmp_path)
    name = "fake | batch 64 | sparsity 0"
    other = optuna.create_study(storage=url, study_name=name)
    other.add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(UserError, match="must be of the same cell and search space as the one to export"):
        export(trials, SPACES, url)
    assert len(opened(url)[name].trials) == 1


def test_a_changed_search_space_is_not_mixed_in(tmp_path: Path, url: str) -> None:
    trials = some_trials(tmp_path).head(1)
    export(trials, SPACES, url)
    wider = {"fake": {**SPACES["fake"], "learning_rate": Log(1e-5, 1.0)}}
    with pytest.raises(UserError, match="name another file"):
        export(trials, wider, url)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("study.db", "write sqlite:///study.db"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("nonsense://host/name", "must be the URL of a database that opens; got 'nonsense://host/name'"),
        ("sqlite:///no/such/folder/study.db", "unable to open database file"),
        ("sqlite:///{folder}/fake/study.json", "file is not a database"),
    ],
)
def test_a_url_that_does_not_open_is_named(tmp_path: Path, bad: str, message: str) -> None:
    trials = some_trials(tmp_path)
    with pytest.raises(UserError, match="--optuna: ") as caught:
        export(trials, SPACES, bad.format(folder=tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sparsity", "method", "expected"),
    [
        (0.0, "none", "quickstart | batch 64 | sparsity 0"),
        (0.9, "snip", "quickstart | batch 64 | sparsity 0.9"),
        (0.9, "random", "quickstart | batch 64 | sparsity 0.9 | random"),
    ],
)
def test_names_are_readable(sparsity: float, method: str, expected: str) -> None:
    cell = {"study": "quickstart", "batch_size": 64, "sparsity": sparsity, "pruning_method": method}
    assert study_name(cell) == expected


def test_the_verbosity_of_optuna_is_as_it_was(tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = optuna.logging.get_verbosity()
    export(some_trials(tmp_path).head(1), SPACES, url)
    assert optuna.logging.get_verbosity() == before
    assert capsys.readouterr() == ("", "")


def test_a_study_without_records_has_nothing_to_export(tmp_path: Path, url: str) -> None:
    root = fake_study(tmp_path, [])
    assert Store(root).specification() is not None
    assert export(tables.load(root), SPACES, url) == Exported(0, 0, 0)
