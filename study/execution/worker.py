"""What one worker does with a pack: its trials one after the other, in slices of time."""

import dataclasses
import socket
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from study.config import TrialConfig
from study.execution.packs import Pack, PlannedTrial, Update
from study.execution.scores import ScoreCache
from study.records import Ending, TrialRecord
from study.training.goal import Difficulty
from study.training.numerics import fix_numerics
from study.training.trial import Trial
from study.workloads.batches import Workbench, prepare
from study.workloads.datasets import Dataset

# How long a worker trains before it says how far it is: short beside a person's patience, long beside the 10 ms that
# a message costs the driver.
SLICE_SECONDS = 2.0


class Worker:
    """One worker's data, saliency scores and example difficulty, which its trials share."""

    def __init__(self, dataset: Dataset, scores: Path | None, device: str = "cpu") -> None:
        fix_numerics()
        self.bench: Workbench = prepare(dataset, device)
        self.scores = ScoreCache(scores)
        self.difficulty = Difficulty(len(self.bench.validation_index))

    def start(self, config: TrialConfig) -> Trial:
        return Trial(config, self.bench, self.scores, self.difficulty)


class PackRun:
    """A pack being run; `advance` returns when a trial ends, when its slice is over, or when `stop()` says so."""

    def __init__(self, pack: Pack, start: Callable[[TrialConfig], Trial]) -> None:
        self._queue = list(reversed(pack.trials))
        self._start = start
        self._trial: Trial | None = None

    @property
    def finished(self) -> bool:
        return not self._queue

    def advance(self, stop: Callable[[], bool] = lambda: False) -> Update:
        """Run on with the first trial that has not ended; a trial that raises ends as failed."""
        planned = self._queue[-1]
        until = time.monotonic() + SLICE_SECONDS
        before = self._trial.steps if self._trial else 0
        try:
            if self._trial is None:
                self._trial = self._start(planned.config)
            ended = self._trial.advance(lambda: time.monotonic() > until or stop())
            record = self._trial.record() if ended else None
        except Exception:
            record = _failure(planned, self._trial.steps if self._trial else 0)
        steps = (self._trial.steps if self._trial else 0) - before
        if record is None:
            return Update(steps=steps)
        self._queue.pop()
        self._trial = None
        return Update((dataclasses.replace(record, attempt=planned.attempt),), steps)


def _failure(planned: PlannedTrial, steps: int) -> TrialRecord:
    return TrialRecord(
        config=planned.config,
        ending=Ending.FAILED,
        steps_run=steps,
        host=socket.gethostname(),
        error=traceback.format_exc(),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
