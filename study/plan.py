"""From a study and its data to cells and trials: a pure function, the same on every machine."""

import functools
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.sobol import metaparameters
from study.config import Fingerprint, TrialConfig, canonical_json, ids_of, workload_name
from study.errors import UserError
from study.goals import allowed_errors, validation_examples
from study.spec import StudySpec


@dataclass(frozen=True)
class Cell:
    """One value of each axis, and what a trial of it may spend."""

    workload: str
    axes: Mapping[str, Any]
    trials: int
    budget_steps: int
    goal_test_every: int

    @property
    def batch_size(self) -> int:
        return self.axes["batch_size"]

    @property
    def sparsity(self) -> float:
        return self.axes["sparsity"]

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells cells of a study apart."""
        return tuple(self.axes.values())


@dataclass(frozen=True)
class Plan:
    """A study, resolved against its data."""

    spec: StudySpec
    fingerprint: Fingerprint
    cells: tuple[Cell, ...]

    @property
    def total(self) -> int:
        """How many trials there are."""
        return sum(cell.trials for cell in self.cells)

    @functools.cached_property
    def points(self) -> list[dict[str, float | int]]:
        """Trial i of every cell has the metaparameters `points[i]`, however many trials are asked for."""
        return metaparameters(self.spec.space, self.spec.trials)

    @functools.cached_property
    def _point_texts(self) -> list[str]:
        return [canonical_json(point) for point in self.points]

    def ids(self, cell: Cell) -> list[str]:
        """The ids of the trials of one cell, by index."""
        return ids_of(self.trial(cell, 0), self._point_texts)

    def trials(self, cell: Cell) -> Iterator[TrialConfig]:
        """The trials of one cell, by index."""
        return (self.trial(cell, index) for index in range(cell.trials))

    def trial(self, cell: Cell, index: int) -> TrialConfig:
        """Trial `index` of a cell."""
        spec, workload = self.spec, self.spec.workload
        return TrialConfig(
            data=workload.data,
            fingerprint=self.fingerprint,
            model=workload.model,
            optimizer=workload.optimizer,
            schedule=workload.schedule,
            goal_error=workload.goal_error,
            also_goals=tuple(sorted(workload.also_goals)),
            goal_test_every=cell.goal_test_every,
            budget_steps=cell.budget_steps,
            batch_size=cell.batch_size,
            sparsity=cell.sparsity,
            pruning_method=cell.axes["pruning_method"],
            saliency_examples=spec.pruning.saliency_examples,
            prunable=spec.pruning.prunable,
            metaparameters=self.points[index],
            seed=spec.seed,
            trial_index=index,
        )


def make_plan(spec: StudySpec, fingerprint: Fingerprint) -> Plan:
    """The plan of a study; raises UserError where the study asks more than its data have."""
    _check(spec, fingerprint)
    workload = spec.workload
    name = workload_name(workload.data, workload.model, workload.optimizer, workload.schedule, workload.goal_error)
    sizes = sorted(spec.cells.batch_size)
    sparsities = sorted(sparsity + 0.0 for sparsity in spec.cells.sparsity)  # -0.0 becomes 0.0
    cells = []
    for method, sparsity, size in itertools.product(spec.cells.pruning_method, sparsities, sizes):
        # A dense trial is the same trial whatever the method, so there is one dense cell.
        if sparsity > 0 or method == spec.cells.pruning_method[0]:
            axes = {"batch_size": size, "sparsity": sparsity, "pruning_method": method}
            cells.append(Cell(name, axes, spec.trials, spec.budget_of(size), spec.goal_test_every_of(size)))
    return Plan(spec, fingerprint, tuple(cells))


def _check(spec: StudySpec, fingerprint: Fingerprint) -> None:
    validating = validation_examples(fingerprint.train_examples)
    training = fingerprint.train_examples - validating
    for index, size in enumerate(spec.cells.batch_size):
        if size > training:
            raise UserError(
                f"cells.batch_size[{index}]: must be at most the {training:,} training examples of "
                f"{spec.workload.data}; got {size}"
            )
    goal = spec.workload.goal_error
    if allowed_errors(goal, validating) == 0:
        raise UserError(
            f"workload.goal_error: must allow at least one error among {validating:,} validation examples; got {goal}; "
            f"the smallest useful goal is {_smallest_goal(validating)}"
        )
    examples = spec.pruning.saliency_examples
    if examples != "all" and examples > training:
        raise UserError(
            f"pruning.saliency_examples: must be at most the {training:,} training examples; got {examples}"
        )


def _smallest_goal(validating: int) -> str:
    """1/n rounded up to four significant digits, so that it allows one error."""
    goal = 1 / validating
    text = f"{goal:.4g}"
    return text if allowed_errors(float(text), validating) >= 1 else f"{goal * 1.0001:.4g}"
