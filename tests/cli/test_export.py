from pathlib import Path

import optuna
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from analysis import tables
from study.cli.export import export
from study.errors import UserError
from study.store.store import Store
from tests.fakes import FINGERPRINT, fake_study

SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "momentum": {"scale": "reverse-log", "low": 0.9, "high": 0.9999},
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = fake_study(tmp_path, batch_sizes=[64, 256], trials=6, failed=[2])
    Store(root).write_specification({"name": "fake", "search_space": SPACE}, FINGERPRINT)
    return root


def run(*arguments: object) -> str:
    app = typer.Typer()
    app.command()(export)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", ["trials.csv", "trials.parquet", "TRIALS.CSV"])
def test_a_file_holds_the_trials_table(tmp_path: Path, root: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("what was here before")
    assert f"24 trials written to {file}" in run(root, file).replace("\n", "")
    expected = tables.load(root)
    if file.suffix == ".parquet":
        pd.testing.assert_frame_equal(pd.read_parquet(file), expected)
    else:
        written = pd.read_csv(file)
        assert list(written.columns) == list(expected.columns)
        for column in ("trial_id", "ending", "batch_size", "learning_rate", "momentum", "pruning_method"):
            assert written[column].to_list() == expected[column].to_list()
        assert written["steps_to_goal"].isna().to_list() == expected["steps_to_goal"].isna().to_list()
    assert not list(tmp_path.glob(".writing-*"))


def test_an_optuna_storage_opens_with_optuna(tmp_path: Path, root: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    assert f"24 trials added to {url}, in 4 Optuna studies" in run(root, "--optuna", url).replace("\n", "")
    assert "0 trials added" in run(root, tmp_path / "both.csv", "--optuna", url)
    assert (tmp_path / "both.csv").exists()
    studies = [optuna.load_study(study_name=name, storage=url) for name in optuna.get_all_study_names(url)]
    assert [len(study.trials) for study in studies] == [6] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{root}"], "FILE: must be given, or --optuna URL"),
        (["{root}", "{folder}/trials.xlsx"], "FILE: must end in .csv or .parquet"),
        (["{root}", "{folder}/trials"], "FILE: must end in .csv or .parquet"),
        (["{root}", "{folder}/no/trials.csv"], "FILE: must lie in a folder that is there"),
        (["{root}", "{folder}/folder.csv"], "FILE: must be a file; got the folder"),
        (["{root}", "{folder}/trials.csv", "--optuna", "study.db"], "--optuna: must be a database's URL"),
        (["{folder}", "{folder}/trials.csv"], "DIR: must be a folder that holds a study"),
    ],
)
def test_a_mistake_is_named_and_nothing_written(tmp_path: Path, root: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError) as caught:
        run(*(argument.format(root=root, folder=tmp_path) for argument in arguments))
    assert message in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "trials.csv"
    file.write_text("old")

    def half(frame: pd.DataFrame, path: Path, index: bool) -> None:
        path.write_text("ha")
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(UserError, match="must lie in a folder that can be written"):
        run(root, file)
    assert file.read_text() == "old"
    assert not list(tmp_path.glob(".writing-*"))
