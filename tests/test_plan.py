import pytest
from test_spec import GOOD, changed

from study.config import Fingerprint
from study.plan import make_plan
from study.spec import parse_spec

MNIST = Fingerprint(60_000, 10_000, "f" * 32)


def ids(values: dict) -> list[str]:  # type: ignore[type-arg]
    plan = make_plan(parse_spec(values), MNIST)
    return [config.trial_id for cell in plan.cells for config in plan.trials(cell)]


def test_a_cell_for_every_value_of_every_axis() -> None:
    plan = make_plan(parse_spec(GOOD), MNIST)
    assert [cell.key for cell in plan.cells] == [
        (16, 0.0, "snip"),
        (64, 0.0, "snip"),
        (16, 0.9, "snip"),
        (64, 0.9, "snip"),
    ]
    assert plan.total == 16
    assert len(set(ids(GOOD))) == 16


def test_several_methods_share_their_dense_cell() -> None:
    plan = make_plan(parse_spec(changed("cells.pruning_method", ["random", "snip"])), MNIST)
    assert [cell.key for cell in plan.cells if cell.sparsity == 0] == [(16, 0.0, "random"), (64, 0.0, "random")]
    assert len(plan.cells) == 6
    assert set(ids(GOOD)) < set(ids(changed("cells.pruning_method", ["random", "snip"])))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("trials", 8),
        ("budget_steps", 320),
        ("budget_steps", {16: 160, 64: 320}),
        ("cells.batch_size", [256, 64, 16]),
        ("cells.sparsity", [0.9, 0.5, 0]),
    ],
)
def test_a_larger_study_contains_the_smaller(path: str, value: object) -> None:
    assert set(ids(GOOD)) <= set(ids(changed(path, value)))


def test_ids_made_at_once_are_those_of_the_configurations() -> None:
    plan = make_plan(parse_spec(changed("workload.also_goals", [0.5])), MNIST)
    for cell in plan.cells:
        assert plan.ids(cell) == [config.trial_id for config in plan.trials(cell)]


def test_trials_of_all_cells_are_paired() -> None:
    plan = make_plan(parse_spec(GOOD), MNIST)
    first, *others = [list(plan.trials(cell)) for cell in plan.cells]
    for trials in others:
        assert [trial.metaparameters for trial in trials] == [trial.metaparameters for trial in first]
        assert [trial.trial_index for trial in trials] == [0, 1, 2, 3]


def test_the_budget_may_depend_on_the_batch_size() -> None:
    plan = make_plan(parse_spec(changed("budget_steps", {16: 160, 64: 320})), MNIST)
    assert {(cell.batch_size, cell.budget_steps) for cell in plan.cells} == {(16, 160), (64, 320)}
