import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import fake_study

ROOT = Path(__file__).parents[2]


def study(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    code = "from study.cli.app import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_a_mistake_is_one_line_and_exit_code_2_and_writes_nothing(tmp_path: Path) -> None:
    spec = tmp_path / "bad.yaml"
    spec.write_text((ROOT / "search_spaces" / "quickstart.yaml").read_text().replace("[0, 0.9]", "[0, 1]"))
    done = study("run", spec, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "study: cells.sparsity[1]: must be less than 1; got 1\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "none.yaml", "--out", "x"), "SPEC: must be a study file; got none.yaml"),
        (("status", "nowhere"), "DIR: must be a folder that holds a study; got nowhere"),
        (("plan", "search_spaces"), "SPEC: must be a study file; got search_spaces"),
        (
            ("run", "search_spaces/quickstart.yaml", "--out", "x", "--address", "ray://a:1"),
            "--address: must be the cluster's own",
        ),
        (
            ("run", "search_spaces/quickstart.yaml", "--out", "x", "--executor", "local", "--address", "auto"),
            "--executor local: must run in this process alone",
        ),
        (("run", "search_spaces/quickstart.yaml", "--out", "/proc/x"), "--out: must be a folder that can be written"),
        (
            ("run", "search_spaces/mnist_small.yaml", "--out", "x", "--data-root", "/nowhere"),
            "`study data fetch mnist",
        ),
    ],
)
def test_mistakes_on_the_command_line(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = study(*arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (ROOT / "x").exists()


def test_the_plan_is_counted_without_data_or_timing() -> None:
    done = study("plan", "search_spaces/mnist_simple_cnn_sgd.yaml", "--no-timing", "--json", "--data-root", "/nowhere")
    plan = json.loads(done.stdout)
    assert plan["trials"] == 5_600
    assert plan["goal_tests"] == 14_000_000  # as the thesis reckons, appendix 5.B
    assert len(plan["cells"]) == 56
    assert plan["worker_hours_at_most"] is None


def test_the_plan_is_timed() -> None:
    done = study("plan", "search_spaces/quickstart.yaml", "--json")
    plan = json.loads(done.stdout)
    assert plan["worker_hours_at_most"] == pytest.approx(sum(cell["hours"] for cell in plan["cells"]))
    assert 0.001 < plan["worker_hours_at_most"] < 10


def test_status_says_how_far_a_study_is(finished: Path) -> None:
    status = json.loads(study("status", finished, "--json").stdout)
    assert list(status) == ["study", "planned", "recorded", "remaining", "endings", "cells"]
    assert (status["planned"], status["recorded"], status["remaining"]) == (4, 4, 0)
    (cell,) = status["cells"]
    assert cell["batch_size"] == 16
    assert cell["axes"] == {"pruning_method": "snip"}
    assert cell["trials"] == cell["recorded"] == sum(cell["endings"].values()) == 4
    assert "done" in study("status", finished).stdout


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    spec = {
        "name": "tiny",
        "workload": {"goal_error": 0.5},
        "cells": {"batch_size": [16], "sparsity": [0]},
        "search_space": {
            "learning_rate": {"scale": "log", "low": 1e-3, "high": 0.3},
            "momentum": {"scale": "reverse-log", "low": 0.5, "high": 0.99},
        },
        "trials": 4,
        "budget_steps": 8,
        "goal_test_every": 8,
    }
    (folder / "tiny.yaml").write_text(json.dumps(spec))
    done = study("run", folder / "tiny.yaml", "--out", folder / "study", "--executor", "local", "--workers", "1")
    assert done.returncode == 0, done.stderr
    return folder / "study"


def test_running_a_finished_study_again_does_nothing(finished: Path) -> None:
    before = sorted(path.name for path in (finished / "records").iterdir())
    done = study("run", finished.parent / "tiny.yaml", "--out", finished)
    assert done.returncode == 0
    assert "4 trials done" in done.stdout
    assert sorted(path.name for path in (finished / "records").iterdir()) == before


def test_the_report_and_the_export_of_a_real_study(finished: Path, tmp_path: Path) -> None:
    assert study("report", finished, "--out", tmp_path / "report.html").returncode == 0
    assert "<html" in (tmp_path / "report.html").read_text()
    assert study("export", finished, tmp_path / "trials.csv").returncode == 0
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 5


def test_help_lists_the_exit_codes_and_the_version_is_printed() -> None:
    assert "130 interrupted" in " ".join(study("--help").stdout.replace("│", " ").split())
    assert study("--version").stdout.startswith("study ")


def test_a_report_is_drawn_beside_a_damaged_part(tmp_path: Path) -> None:
    folder = fake_study(tmp_path)
    (folder / "records" / "notes.parquet").write_text("hello")
    done = study("report", folder, "--out", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
