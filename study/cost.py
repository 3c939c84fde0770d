"""What a study will cost before it is paid: trials, steps, goal tests, and hours of one worker."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.goals import validation_examples
from study.plan import Plan


@dataclass(frozen=True)
class CellCost:
    """The most that a cell can cost, every trial spending its budget on full goal tests; hours where timed."""

    batch_size: int
    sparsity: float
    pruning_method: str
    trials: int
    steps: int
    goal_tests: int
    hours: float | None = None


def cost_of(
    plan: Plan, step_seconds: Mapping[int, float] | None = None, evaluate_seconds: float = 0.0
) -> list[CellCost]:
    """What each cell costs at most; in hours too, given the seconds of a step (by batch size) and of an evaluation."""
    validating = validation_examples(plan.fingerprint.train_examples)
    costs = []
    for cell in plan.cells:
        steps = cell.trials * cell.budget_steps
        tests = steps // cell.goal_test_every
        hours = None
        if step_seconds is not None:
            tested = tests * validating + cell.trials * plan.fingerprint.test_examples
            hours = (steps * step_seconds[cell.batch_size] + tested * evaluate_seconds) / 3600
        costs.append(
            CellCost(cell.batch_size, cell.sparsity, cell.axes["pruning_method"], cell.trials, steps, tests, hours)
        )
    return costs
