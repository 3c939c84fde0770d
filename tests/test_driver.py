"""A study's life: run, killed, resumed, extended, refused; here or through Ray, one worker or two."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study import driver
from study.errors import UserError
from study.execution.local import run_local
from study.execution.packs import Pack, Update
from study.records import Ending, TrialRecord
from study.spec import parse_spec
from study.store import parts
from study.store.schema import from_table
from study.store.store import Store
from study.training.trial import Trial
from study.workloads.datasets import Dataset

ROOT = Path(__file__).parents[1]
STUDY: dict[str, Any] = {
    "name": "small",
    "workload": {"goal_error": 0.1},
    "cells": {"batch_size": [4, 16], "sparsity": [0, 0.9]},
    "search_space": {
        "learning_rate": {"scale": "log", "low": 1e-5, "high": 0.3},
        "momentum": {"scale": "reverse-log", "low": 0.5, "high": 0.99},
    },
    "trials": 4,
    "budget_steps": 16,
    "goal_test_every": 8,
}


def run(
    out: Path, dataset: Dataset, values: dict[str, Any], workers: int = 1, stop: Callable[[], bool] = lambda: False
) -> driver.Progress:
    store = Store(out)
    plan = driver.prepare(parse_spec(values), store, lambda: dataset.fingerprint)

    def execute(packs: list[Pack], report: Callable[[Update], None], stop: Callable[[], bool]) -> int:
        return run_local(packs, dataset, out / "saliency", workers, report, stop)

    return driver.run(plan, store, lambda: driver.Executor(workers, execute), lambda *_: None, stop, lambda _: None)


def results(out: Path) -> dict[str, Any]:
    return {record.trial_id: record.result() for record in records(out)}


def records(out: Path) -> list[TrialRecord]:
    return from_table(Store(out).read().table)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Path:
    out = tmp_path_factory.mktemp("whole")
    run(out, dataset, STUDY)
    return out


def test_every_planned_trial_is_recorded_once(whole: Path) -> None:
    assert len(results(whole)) == 16
    assert {record.ending for record in records(whole)} >= {Ending.REACHED, Ending.BUDGET}


def test_two_workers_give_the_results_of_one(whole: Path, tmp_path: Path, dataset: Dataset) -> None:
    run(tmp_path, dataset, STUDY, workers=2)
    assert results(tmp_path) == results(whole)


def test_a_finished_study_starts_no_worker(whole: Path, dataset: Dataset) -> None:
    store = Store(whole)
    plan = driver.prepare(parse_spec(STUDY), store, lambda: dataset.fingerprint)

    def executor() -> driver.Executor:
        raise AssertionError("nothing is left to run")

    progress = driver.run(plan, store, executor, lambda *_: None, lambda: False, lambda _: None)
    assert progress.remaining == 0


@pytest.mark.parametrize("after", [0, 1, 7, 15])
def test_a_study_broken_off_goes_on_where_it_was(whole: Path, tmp_path: Path, dataset: Dataset, after: int) -> None:
    store = Store(tmp_path)
    run(tmp_path, dataset, STUDY, stop=lambda: len(store.read().table) >= after)
    assert after <= len(results(tmp_path)) < 16
    run(tmp_path, dataset, STUDY)
    assert results(tmp_path) == results(whole)
    assert len(records(tmp_path)) == 16


def test_more_trials_keep_those_that_are_there(whole: Path, tmp_path: Path, dataset: Dataset) -> None:
    run(tmp_path, dataset, STUDY)
    before = {record.trial_id: record for record in records(tmp_path)}
    run(tmp_path, dataset, {**STUDY, "trials": 8})
    after = {record.trial_id: record for record in records(tmp_path)}
    assert len(after) == 32
    assert {trial_id: after[trial_id] for trial_id in before} == before


def test_a_larger_budget_goes_on_with_the_trials_that_the_smaller_stopped(tmp_path: Path, dataset: Dataset) -> None:
    run(tmp_path, dataset, {**STUDY, "budget_steps": 8})
    settled = {r.trial_id: r for r in records(tmp_path) if r.ending is not Ending.BUDGET}
    run(tmp_path, dataset, STUDY)
    fresh = tmp_path / "fresh"
    run(fresh, dataset, STUDY)
    assert results(tmp_path) == results(fresh)
    again = {record.trial_id: record for record in records(tmp_path)}
    assert {trial_id: again[trial_id] for trial_id in settled} == settled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"budget_steps": 8}, r"the budget may only grow: budget_steps 16 there, 8 here"),
        ({"trials": 2}, r"8 of its 16 recorded trials are not in this study: trials 4 there, 2 here"),
        ({"seed": 1}, r"16 of its 16 recorded trials are not in this study: seed 0 there, 1 here"),
        ({"cells": {"batch_size": [4], "sparsity": [0, 0.9]}}, r"cells.batch_size \[4, 16\] there, \[4\] here"),
    ],
)
def test_a_change_that_would_lose_records_is_refused(
    whole: Path, dataset: Dataset, change: dict[str, Any], message: str
) -> None:
    before = results(whole)
    with pytest.raises(UserError, match=message):
        run(whole, dataset, {**STUDY, **change})
    assert results(whole) == before


def test_a_trial_that_raises_ends_as_failed_and_is_tried_again(
    whole: Path, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Trial.advance

    def broken(trial: Trial, pause: Callable[[], bool]) -> bool:
        if trial.config.trial_index == 2:
            raise MemoryError("no room")
        return advance(trial, pause)

    with monkeypatch.context() as patched:
        patched.setattr(Trial, "advance", broken)
        progress = run(tmp_path, dataset, STUDY)
    failed = [record for record in records(tmp_path) if record.ending is Ending.FAILED]
    assert len(failed) == progress.remaining == 4
    assert all("MemoryError: no room" in (record.error or "") for record in failed)
    run(tmp_path, dataset, STUDY)
    assert results(tmp_path) == results(whole)
    assert {record.attempt for record in records(tmp_path) if record.config.trial_index == 2} == {2}


def test_what_the_store_raises_ends_the_run_and_keeps_what_is_stored(
    whole: Path, tmp_path: Path, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = parts.write, []

    def full(folder: Any, new: list[TrialRecord]) -> None:
        if len(written) == 5:
            raise OSError(28, "No space left on device")
        written.extend(new)
        write(folder, new)

    with monkeypatch.context() as patched:
        patched.setattr(parts, "write", full)
        with pytest.raises(OSError, match="No space left"):
            run(tmp_path, dataset, STUDY)
    assert len(results(tmp_path)) == 5
    run(tmp_path, dataset, STUDY)
    assert results(tmp_path) == results(whole)


# ---- the command itself, in a process of its own ---------------------------------------------------------------------


def command(spec: Path, out: Path, *options: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        "from study.cli.app import main; main()",
        "run",
        str(spec),
        "--out",
        str(out),
        *options,
    ]


@pytest.fixture(scope="module")
def spec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "small.yaml"
    path.write_text(json.dumps({**STUDY, "workload": {"goal_error": 0.15}, "trials": 6, "budget_steps": 48}))
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, spec_file: Path) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "study"
    subprocess.run(command(spec_file, out, "--executor", "local", "--workers", "1"), cwd=ROOT, check=True)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ray_gives_the_results_of_this_process(
    spec_file: Path, undisturbed: Path, tmp_path: Path, workers: str
) -> None:
    subprocess.run(command(spec_file, tmp_path / "study", "--workers", workers), cwd=ROOT, check=True)
    assert results(tmp_path / "study") == results(undisturbed)


def _wait_for_records(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    while len(Store(out).folder.names("records", ".parquet")) < count:
        assert process.poll() is None, "it ended too soon"
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["ray", "local"])
def test_a_killed_driver_loses_nothing(spec_file: Path, undisturbed: Path, tmp_path: Path, executor: str) -> None:
    out = tmp_path / "study"
    with subprocess.Popen(command(spec_file, out, "--executor", executor), cwd=ROOT) as process:
        _wait_for_records(out, 3, process)
        process.send_signal(signal.SIGKILL)
    acknowledged = results(out)
    assert len(acknowledged) < 24
    subprocess.run(command(spec_file, out, "--executor", executor), cwd=ROOT, check=True)
    assert results(out) == results(undisturbed)
    assert acknowledged.items() <= results(out).items()
    assert len(records(out)) == 24


@pytest.mark.slow
def test_a_terminated_driver_drains(spec_file: Path, undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    with subprocess.Popen(command(spec_file, out), cwd=ROOT, stdout=subprocess.PIPE) as process:
        _wait_for_records(out, 2, process)
        process.terminate()
        printed, _ = process.communicate()
    assert process.returncode == 130
    assert b"the same command goes on from here" in printed
    assert all(path.suffix == ".parquet" for path in (out / "records").iterdir())
    assert results(out).items() <= results(undisturbed).items()
