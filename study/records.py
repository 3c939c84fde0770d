"""What one trial left behind: its ending, how far it came, and what that cost."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from study.config import TrialConfig


class Ending(enum.StrEnum):
    """How a trial ended. Names are added, never removed."""

    REACHED = "reached"  # the goal error, on the whole validation set
    BUDGET = "budget"  # spent without the goal
    DIVERGED = "diverged"  # a training loss that is not finite
    UNTRAINABLE = "untrainable"  # every kept weight's gradient is zero at the masked start
    BEATEN = "beaten"  # in a race: its cell's result can no longer be this trial's
    FAILED = "failed"  # a fault of a machine or of code: missing data, tried again


def settles(ending: str, steps_run: int, budget_steps: int) -> bool:
    """Whether nothing is left to run, under a budget of `budget_steps`, of a trial that ended so."""
    if ending in (Ending.REACHED, Ending.DIVERGED, Ending.UNTRAINABLE):
        return True
    return ending == Ending.BUDGET and steps_run >= budget_steps


@dataclass(frozen=True)
class CurvePoint:
    """One goal test: the mean training loss since the point before, and the validation errors that were counted.

    A goal test stops once the goal is certainly missed, so `validation_errors` of `validation_examples` is a count on
    the hardest examples first, not an estimate of the error; where the goal was reached it is the exact count.
    """

    step: int
    train_loss: float
    validation_errors: int
    validation_examples: int


@dataclass(frozen=True)
class LayerCount:
    """How many of a layer's prunable parameters the mask kept."""

    layer: str
    kept: int
    total: int


@dataclass(frozen=True)
class TrialRecord:
    """One finished trial.

    `steps_to_goal` is None where the goal was not reached: the trial is then censored at `steps_run`. `also_steps`
    maps each looser goal to the first step that reached it. `test_error` is a fraction, measured once at the end and
    never used to choose. Seconds are of one worker's clock.
    """

    config: TrialConfig
    ending: Ending
    steps_run: int
    steps_to_goal: int | None = None
    also_steps: Mapping[float, int | None] = field(default_factory=dict)
    test_error: float | None = None
    curve: tuple[CurvePoint, ...] = ()
    kept: tuple[LayerCount, ...] = ()
    examples_seen: int = 0
    train_seconds: float = 0.0
    evaluate_seconds: float = 0.0
    prune_seconds: float = 0.0
    numerics: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = "cpu"
    host: str = ""
    attempt: int = 1
    error: str | None = None
    finished_at: str = ""

    @property
    def trial_id(self) -> str:
        return self.config.trial_id

    def result(self) -> tuple[Any, ...]:
        """What depends on the configuration alone: equal for equal configurations wherever they ran."""
        losses = tuple((point.step, point.train_loss) for point in self.curve)
        also = tuple(sorted(self.also_steps.items()))
        return (self.ending, self.steps_run, self.steps_to_goal, also, self.test_error, self.kept, losses)
