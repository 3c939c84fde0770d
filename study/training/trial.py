"""A trial: a network pruned at initialisation and trained to its goal, as a thing that advances."""

import math
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import torch
from torch import Tensor

from study.config import TrialConfig
from study.goals import allowed_errors
from study.pruning.masks import mask_of
from study.records import CurvePoint, Ending, LayerCount, TrialRecord
from study.training import seeds
from study.training.goal import Difficulty, count_errors
from study.training.loop import TrainState, train_until
from study.training.numerics import fix_numerics, numerics, versions
from study.training.scores import batches, compute_scores, initial_model
from study.workloads.batches import Order, Workbench
from study.workloads.models import FlatModel

_CURVE_POINTS = 64


def run_trial(config: TrialConfig, bench: Workbench) -> TrialRecord:
    """Run one trial to its end; raises what its code raises, and leaves no trace outside its return value."""
    fix_numerics()
    trial = Trial(config, bench)
    trial.advance()
    return trial.record()


class Trial:
    """One trial, which advances until it ends or its turn does; where it pauses does not change its result.

    `scores` gives the saliency scores of the network at initialisation (parameters,); without it they are computed.
    `difficulty` orders goal tests and is shared by trials on the same data. Its stages are pruning, then training.
    """

    def __init__(
        self,
        config: TrialConfig,
        bench: Workbench,
        scores: Callable[[TrialConfig, Workbench], Tensor] = compute_scores,
        difficulty: Difficulty | None = None,
    ) -> None:
        self.config = config
        self.ending: Ending | None = None
        self._bench = bench
        self._scores = scores
        self._difficulty = difficulty or Difficulty(len(bench.validation_index))
        self._state: TrainState | None = None
        self._curve = _Curve()
        self._goals: dict[float, int | None] = dict.fromkeys((config.goal_error, *config.also_goals))
        self._kept: tuple[LayerCount, ...] = ()
        self._test_error: float | None = None
        self._seconds = {"prune": 0.0, "train": 0.0, "evaluate": 0.0}

    @property
    def steps(self) -> int:
        """How many steps it has trained."""
        return self._state.steps if self._state else 0

    def advance(self, pause: Callable[[], bool] = lambda: False) -> bool:
        """Go on until the trial ends, or until `pause()`, asked after each step, says so; True when it has ended."""
        if self._state is None:
            self._prune()
        while self.ending is None and not pause():
            self._train(pause)
        return self.ending is not None

    def record(self) -> TrialRecord:
        """What the finished trial leaves behind."""
        if self.ending is None:
            raise ValueError("a trial that has not ended has no record")
        config, device = self.config, self._bench.training.scale.device
        return TrialRecord(
            config=config,
            ending=self.ending,
            steps_run=self.steps,
            steps_to_goal=self._goals[config.goal_error],
            also_steps={goal: self._goals[goal] for goal in config.also_goals},
            test_error=self._test_error,
            curve=self._curve.points(),
            kept=self._kept,
            examples_seen=self.steps * config.batch_size,
            train_seconds=self._seconds["train"],
            evaluate_seconds=self._seconds["evaluate"],
            prune_seconds=self._seconds["prune"],
            numerics=numerics(device),
            versions=versions(),
            device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            host=socket.gethostname(),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _prune(self) -> None:
        begun = time.perf_counter()
        config, bench = self.config, self._bench
        model = initial_model(config, bench)
        mask = None
        if config.sparsity > 0:
            prunable = model.prunable(config.prunable)
            kept = mask_of(self._scores(config, bench), prunable, config.sparsity)
            self._kept = _layer_counts(model, kept, prunable)
            mask = model.place(kept.to(model.flat))
            model.flat.mul_(mask)
            if not _trainable(model, mask, bench):
                self.ending = Ending.UNTRAINABLE
        else:
            prunable = model.prunable(config.prunable)
            self._kept = _layer_counts(model, torch.ones(model.size, dtype=torch.bool), prunable)
        order = Order(bench.train_index, seeds.generator(config.seed, config.trial_index, "order"))
        self._state = TrainState(model, torch.zeros_like(model.flat), mask, order)
        self._seconds["prune"] += time.perf_counter() - begun

    def _train(self, pause: Callable[[], bool]) -> None:
        """Train to the next goal test and take it, or end the trial at the budget."""
        assert self._state is not None
        state, config = self._state, self.config
        begun = time.perf_counter()
        test_at = (state.steps // config.goal_test_every + 1) * config.goal_test_every
        if not (state.steps % config.goal_test_every == 0 and state.losses):  # paused right before its goal test
            train_until(state, config, self._bench.training, min(test_at, config.budget_steps), pause)
        self._seconds["train"] += time.perf_counter() - begun
        if state.steps % config.goal_test_every == 0:
            begun = time.perf_counter()
            self._test_goal(state)
            self._seconds["evaluate"] += time.perf_counter() - begun

    def _test_goal(self, state: TrainState) -> None:
        losses = torch.stack(state.losses).tolist()
        state.losses.clear()
        for place, loss in enumerate(losses):
            if not math.isfinite(loss):
                state.steps -= len(losses) - 1 - place
                self.ending = Ending.DIVERGED
                return
        bench, config = self._bench, self.config
        allowed = {goal: allowed_errors(goal, len(bench.validation_index)) for goal in self._goals}
        limit = max(allowed[goal] for goal, reached in self._goals.items() if reached is None)
        count = count_errors(state.model, bench.training, bench.validation_index, limit, self._difficulty)
        for goal, reached in self._goals.items():
            if reached is None and count.complete and count.errors <= allowed[goal]:
                self._goals[goal] = state.steps
        self._curve.add(CurvePoint(state.steps, math.fsum(losses) / len(losses), count.errors, count.examples))
        if self._goals[config.goal_error] is not None:
            self.ending = Ending.REACHED
        elif state.steps >= config.budget_steps:
            self.ending = Ending.BUDGET
        if self.ending is not None:
            everything = torch.arange(len(bench.test)).numpy()
            test = count_errors(state.model, bench.test, everything, limit=len(everything))
            self._test_error = test.errors / test.examples


class _Curve:
    """At most 64 goal tests, evenly spread: when they are too many every other one goes. The last one stays."""

    def __init__(self) -> None:
        self._points: list[CurvePoint] = []
        self._stride = 1
        self._seen = 0
        self._last: CurvePoint | None = None

    def add(self, point: CurvePoint) -> None:
        if self._seen % self._stride == 0:
            self._points.append(point)
        self._seen += 1
        self._last = point
        if len(self._points) > _CURVE_POINTS:
            self._points = self._points[::2]
            self._stride *= 2

    def points(self) -> tuple[CurvePoint, ...]:
        if self._last is None or self._points[-1] is self._last:
            return tuple(self._points)
        return (*self._points, self._last)


def _trainable(model: FlatModel, mask: Tensor, bench: Workbench) -> bool:
    """Whether any kept weight has a gradient at the masked start; stops at the first examples that give one."""
    kept = mask.bool().clone()
    kept[model.weights :] = False
    for images, labels in batches(bench, bench.train_index):
        model.gradient.zero_()
        torch.nn.functional.cross_entropy(model(images), labels, reduction="sum").backward()
        if bool((model.gradient[kept] != 0).any()):
            return True
    return False


def _layer_counts(model: FlatModel, kept: Tensor, prunable: int) -> tuple[LayerCount, ...]:
    return tuple(
        LayerCount(layer.name, int(kept[layer.start : layer.start + layer.size].sum()), layer.size)
        for layer in model.layers
        if layer.start < prunable
    )
