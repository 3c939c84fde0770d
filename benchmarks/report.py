"""How long a report and a status of a large study take, and how much memory.

    python benchmarks/report.py [--trials 179]

Writes 560 cells (14 batch sizes; dense, and 13 sparsities x 3 pruning methods) x 179 made-up trials, 100,240 records in
ten parts, into a temporary folder, and prints seconds and peak memory of each command, each in a process of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from study.config import Fingerprint, TrialConfig
from study.plan import Plan, make_plan
from study.records import CurvePoint, Ending, LayerCount, TrialRecord
from study.spec import parse_spec
from study.store.store import Store

FINGERPRINT = Fingerprint(train_examples=60_000, test_examples=10_000, digest="f" * 32)
SPARSITIES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98]
SPEC = {
    "name": "large",
    "workload": {"data": "mnist", "model": "simple-cnn", "goal_error": 0.02, "also_goals": [0.05]},
    "cells": {
        "batch_size": [2**power for power in range(1, 15)],
        "sparsity": SPARSITIES,
        "pruning_method": ["snip", "random", "magnitude"],
    },
    "search_space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
        "momentum": {"scale": "reverse-log", "low": 0.9, "high": 0.9999},
    },
    "budget_steps": 40_000,
}
PARTS = 10
LAYERS = {"conv1": 800, "conv2": 51_200, "dense": 10_240}
_CLI = "from study.cli.app import main; main()"


def records(plan: Plan) -> Iterator[TrialRecord]:
    """A record a trial around a hyperbola: slower away from the best learning rate, diverged far above it."""
    generator = np.random.default_rng(0)
    for cell in plan.cells:
        for config in plan.trials(cell):
            rate = config.metaparameters["learning_rate"] / (1 - config.metaparameters["momentum"])
            distance = np.log10(rate) - min(0.0, -1.5 + 0.15 * np.log2(cell.batch_size))
            scatter = np.exp(distance**2 + 0.2 * generator.random())
            steps = int(np.ceil((40_000 / cell.batch_size + 60) * (1 + 2 * cell.sparsity) * scatter / 16) * 16)
            yield record(config, steps, diverged=bool(distance > 1.2))


def record(config: TrialConfig, steps: int, diverged: bool) -> TrialRecord:
    """As a real trial leaves it: a curve of a dozen points, the counts of its mask, how it was run."""
    reached = not diverged and steps <= config.budget_steps
    run = 100 if diverged else min(steps, config.budget_steps)
    points = sorted({max(1, run * part // 12) for part in range(1, 13)})
    return TrialRecord(
        config=config,
        ending=Ending.DIVERGED if diverged else Ending.REACHED if reached else Ending.BUDGET,
        steps_run=run,
        steps_to_goal=run if reached else None,
        also_steps={0.05: run // 32 * 16 or None},
        test_error=0.021 if reached else None,
        curve=tuple(CurvePoint(step, 2.3 / step, 120 + (step < run), 6_000) for step in points),
        kept=tuple(LayerCount(name, round(n * (1 - config.sparsity)), n) for name, n in LAYERS.items()),
        examples_seen=run * config.batch_size,
        train_seconds=0.001 * run,
        evaluate_seconds=0.0003 * run,
        numerics={"engine": "1", "device": "cpu", "threads": "1"},
        versions={"python": "3.11", "torch": "2.13.0"},
        host="made-up",
        finished_at="2026-01-01T00:00:00+00:00",
    )


def write(root: Path, trials: int) -> int:
    """Write the study under `root`; how many records it has."""
    spec = parse_spec({**SPEC, "trials": trials})
    plan, store = make_plan(spec, FINGERPRINT), Store(root)
    store.write_specification(spec.model_dump(mode="json"), FINGERPRINT)
    size, part = -(-plan.total // PARTS), []
    for made in records(plan):
        part.append(made)
        if len(part) == size:
            store.add(part)
            part = []
    if part:
        store.add(part)
    return plan.total


def measure(*arguments: str) -> tuple[float, float]:
    """Seconds and peak gigabytes of `study` with `arguments`, in a process of its own."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", _CLI, *arguments], stdout=subprocess.DEVNULL)
    _, code, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    if code:
        raise SystemExit(f"study {' '.join(arguments)} failed")
    return seconds, used.ru_maxrss / 1e6  # kilobytes on Linux


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=179, help="in each of 560 cells")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "large"
        count = write(root, options.trials)
        print(f"{count:,} records, 560 cells, {PARTS} parts")
        for name, arguments in (
            ("study report, resampling", ("report", str(root))),
            ("study report, intervals kept", ("report", str(root))),
            ("study report --resamples 0", ("report", str(root), "--resamples", "0")),
            ("study status --json", ("status", str(root), "--json")),
        ):
            seconds, gigabytes = measure(*arguments)
            print(f"{name:30} {seconds:6.1f} s  {gigabytes:5.2f} GB", flush=True)


if __name__ == "__main__":
    main()
