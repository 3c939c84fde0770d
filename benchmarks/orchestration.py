"""What orchestration costs a trial: a study whose trials do nothing, planned, run through Ray Tune, and stored.

    python benchmarks/orchestration.py --trials 200

Prints the milliseconds a trial costs beyond its own work, from the first record to the last, and with Ray's start.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from study import driver
from study.config import TrialConfig
from study.execution.tune import Cluster, run_tune
from study.records import Ending, TrialRecord
from study.spec import parse_spec
from study.store.store import Store
from study.workloads.datasets import Dataset, load

_STUDY = {
    "name": "nothing",
    "workload": {"goal_error": 0.1},
    "cells": {"batch_size": [4], "sparsity": [0]},
    "search_space": {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
        "momentum": {"scale": "reverse-log", "low": 0.9, "high": 0.9999},
    },
    "budget_steps": 1,
    "goal_test_every": 1,
}


class _IdleWorker:
    def __init__(self, dataset: Dataset, scores: Path, device: str) -> None:
        pass

    def start(self, config: TrialConfig) -> "_IdleTrial":
        return _IdleTrial(config)


class _IdleTrial:
    steps = 0

    def __init__(self, config: TrialConfig) -> None:
        self._config = config

    def advance(self, pause: Callable[[], bool]) -> bool:
        return True

    def record(self) -> TrialRecord:
        return TrialRecord(self._config, Ending.UNTRAINABLE, 0)


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--cells", type=int, default=4)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    cells = {"batch_size": [2**power for power in range(options.cells)], "sparsity": [0]}
    spec = parse_spec({**_STUDY, "cells": cells, "trials": options.trials // options.cells})
    dataset = load("digits", None)
    times: list[float] = []

    def watch(progress: driver.Progress, records: tuple[TrialRecord, ...]) -> None:
        times.extend(time.perf_counter() for _ in records)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        plan = driver.prepare(spec, store, lambda: dataset.fingerprint)
        cluster = Cluster(options.workers)

        def executor() -> driver.Executor:
            return driver.Executor(
                options.workers,
                lambda packs, report, stop: run_tune(
                    packs, dataset, Path(folder), cluster, report, stop, make_worker=_IdleWorker
                ),
            )

        begun = time.perf_counter()
        driver.run(plan, store, executor, watch, lambda: False, print)
        ended = time.perf_counter()
    count = len(times)
    print(f"{count} trials that do nothing, {options.cells} cells, {options.workers} workers")
    print(f"from the first record to the last: {(times[-1] - times[0]) / (count - 1) * 1000:.1f} ms a trial")
    whole = ended - begun
    print(f"Ray's start and end included:      {whole / count * 1000:.1f} ms a trial, {whole:.1f} s in all")


if __name__ == "__main__":
    main()
