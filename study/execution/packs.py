"""Packs: the trials of one cell that one worker holds, and what comes back from it."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from study.config import TrialConfig
from study.records import TrialRecord


@dataclass(frozen=True)
class PlannedTrial:
    """A trial to run, and how often it will then have been tried."""

    config: TrialConfig
    attempt: int = 1


@dataclass(frozen=True)
class Pack:
    """Trials of one cell, in the order in which one worker runs them."""

    trials: tuple[PlannedTrial, ...]

    @property
    def cost(self) -> int:
        """Training examples at most, which is what takes the time."""
        return sum(trial.config.budget_steps * trial.config.batch_size for trial in self.trials)


@dataclass(frozen=True)
class Update:
    """News from a worker: trials that have ended, and steps trained since its last news."""

    records: tuple[TrialRecord, ...] = ()
    steps: int = 0


def make_packs(cells: Sequence[Sequence[PlannedTrial]], workers: int) -> list[Pack]:
    """One pack a cell, the costliest first; a cell is split only where there are fewer cells than workers."""
    queue = [(-pack.cost, index, pack) for index, pack in enumerate(Pack(tuple(cell)) for cell in cells if cell)]
    heapq.heapify(queue)
    count = len(queue)
    while queue and count < workers and len(queue[0][2].trials) > 1:
        _, _, pack = heapq.heappop(queue)
        for half in (Pack(pack.trials[::2]), Pack(pack.trials[1::2])):
            heapq.heappush(queue, (-half.cost, len(queue) + count * workers, half))
        count += 1
    return [pack for _, _, pack in sorted(queue, key=lambda item: (item[0], item[1]))]
