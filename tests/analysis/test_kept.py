"""What is read again instead of computed."""

import json
from pathlib import Path

import pandas as pd
import pytest
from fakes import FINGERPRINT, SPACE, fake_records, fake_study

from analysis import evidence, kept, tables
from analysis.bootstrap import Bootstrap
from analysis.evidence import gather
from analysis.resampled import resampled
from analysis.series import series
from study.store.store import Store

_OPTIONS = {"resamples": 20}


@pytest.fixture
def trials(tmp_path: Path) -> pd.DataFrame:
    """With censored cells, so that there are bounds and infinities to write."""
    return tables.load(fake_study(tmp_path, batch_sizes=(8, 64, 512, 2048), trials=12, budget_steps=2_000))


@pytest.fixture
def found(trials: pd.DataFrame) -> kept.Content:
    made = vars(resampled(trials, series(tables.steps_to_result(trials)), 20))
    return {**made, "warnings": list(made["warnings"])}


def _assert_equal(one: kept.Content, other: kept.Content) -> None:
    assert list(one) == list(other)
    for name, left in one.items():
        if isinstance(left, pd.DataFrame):
            pd.testing.assert_frame_equal(left, other[name])
        else:
            assert left == other[name]


def test_what_is_read_equals_what_was_written(found: kept.Content) -> None:
    assert not pd.isna(found["parameters"]["estimate"]).all()
    _assert_equal(kept.decode(kept.encode(found)), found)
    assert json.loads(kept.encode(found), parse_constant=pytest.fail)


def test_it_is_computed_once(tmp_path: Path, trials: pd.DataFrame, found: kept.Content) -> None:
    first = kept.kept(tmp_path, trials, _OPTIONS, lambda: found)
    again = kept.kept(tmp_path, trials.sample(frac=1, random_state=0), _OPTIONS, lambda: pytest.fail("computed again"))
    assert first is found
    _assert_equal(again, found)
    assert [path.suffix for path in (tmp_path / "analysis").iterdir()] == [".json"]


def test_another_result_has_another_digest(trials: pd.DataFrame) -> None:
    changed = trials["steps_to_goal"].where(trials.index != trials["steps_to_goal"].first_valid_index(), 1)
    others = [
        (trials.iloc[1:], _OPTIONS),
        (trials.assign(steps_run=trials["steps_run"] + 1), _OPTIONS),
        (trials.assign(steps_to_goal=changed), _OPTIONS),
        (trials.assign(ending=trials["ending"].mask(trials["ending"] == "reached", "beaten")), _OPTIONS),
        (trials, {"resamples": 21}),
        (trials, _OPTIONS),
    ]
    assert len({kept.digest(*other) for other in others}) == len(others)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"checksum": "0", "content": {}}'])
def test_a_damaged_file_is_computed_again_and_replaced(
    tmp_path: Path, trials: pd.DataFrame, found: kept.Content, damage: bytes
) -> None:
    path = tmp_path / "analysis" / f"{kept.digest(trials, _OPTIONS)}.json"
    path.parent.mkdir()
    path.write_bytes(damage)
    assert kept.kept(tmp_path, trials, _OPTIONS, lambda: found) is found
    assert path.read_bytes() == kept.encode(found)


def test_a_changed_number_is_not_believed(tmp_path: Path, trials: pd.DataFrame, found: kept.Content) -> None:
    path = tmp_path / "analysis" / f"{kept.digest(trials, _OPTIONS)}.json"
    path.parent.mkdir()
    path.write_bytes(kept.encode(found).replace(b'"resamples": 20', b'"resamples": 30'))
    assert kept.kept(tmp_path, trials, _OPTIONS, lambda: found) is found


@pytest.mark.parametrize("obstacle", ["file", "link"])
def test_a_folder_that_cannot_be_written_costs_time_only(
    tmp_path: Path, trials: pd.DataFrame, found: kept.Content, obstacle: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    if obstacle == "file":
        (root / "analysis").write_text("in the way")
    else:
        (root / "analysis").symlink_to(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert kept.kept(root, trials, _OPTIONS, lambda: found) is found
    assert sorted(tmp_path.iterdir()) == before


def test_a_report_resamples_once_for_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = fake_records(trials=6)
    study, other = fake_study(tmp_path, records[:-1]), fake_study(tmp_path, trials=4, name="other", optimizer="sgd")
    calls: list[int] = []

    def counted(trials: pd.DataFrame, lines: pd.DataFrame, resamples: int, level: float) -> Bootstrap:
        calls.append(resamples)
        return resampled(trials, lines, resamples, level)

    monkeypatch.setattr(evidence, "resampled", counted)
    first, second = gather([study], 10), gather([study], 10)
    pd.testing.assert_frame_equal(first.series, second.series)
    assert calls == [10]
    fake_study(tmp_path, records[-1:])
    gather([study], 10)
    assert calls == [10, 10]
    gather([study, other], 10)
    assert not (other / "analysis").exists()
    gather([study])
    assert calls == [10, 10, 10]


def test_importances_are_computed_once_for_a_search_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = fake_study(tmp_path, trials=24)
    first = gather([study]).importance
    monkeypatch.setattr(evidence, "importances", lambda *_: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(gather([study]).importance, first)
    other = {**SPACE, "momentum": {"scale": "reverse-log", "low": 0.5, "high": 0.9999}}
    Store(study).write_specification({"name": "fake", "search_space": other}, FINGERPRINT)
    with pytest.raises(pytest.fail.Exception):
        gather([study])
