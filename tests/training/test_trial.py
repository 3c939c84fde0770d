import dataclasses

import numpy as np
import pytest
import torch

from study.config import TrialConfig
from study.records import Ending
from study.training.goal import Difficulty
from study.training.trial import Trial, run_trial
from study.workloads.batches import Workbench
from study.workloads.datasets import Dataset


@pytest.fixture
def config(dataset: Dataset) -> TrialConfig:
    return TrialConfig(
        data="digits",
        fingerprint=dataset.fingerprint,
        model="simple-cnn",
        optimizer="momentum",
        schedule="constant",
        goal_error=0.1,
        goal_test_every=4,
        batch_size=8,
        sparsity=0.9,
        metaparameters={"learning_rate": 0.005, "momentum": 0.9},
        seed=0,
        trial_index=0,
        budget_steps=200,
    )


def test_a_trial_reaches_its_goal(config: TrialConfig, bench: Workbench) -> None:
    record = run_trial(config, bench)
    assert record.ending is Ending.REACHED
    assert record.steps_to_goal == record.steps_run > 0
    assert record.steps_run % config.goal_test_every == 0
    assert record.curve[-1].validation_errors <= 2
    assert record.curve[-1].validation_examples == 20
    assert record.examples_seen == 8 * record.steps_run
    assert record.test_error is not None
    assert sum(layer.kept for layer in record.kept) == 6_224


def test_a_budget_is_spent_and_no_more(config: TrialConfig, bench: Workbench) -> None:
    slow = dataclasses.replace(config, metaparameters={"learning_rate": 1e-9, "momentum": 0.0}, budget_steps=12)
    record = run_trial(slow, bench)
    assert (record.ending, record.steps_run, record.steps_to_goal) == (Ending.BUDGET, 12, None)


def test_the_first_loss_that_is_not_finite_ends_it(config: TrialConfig, bench: Workbench) -> None:
    wild = dataclasses.replace(config, metaparameters={"learning_rate": 1e20, "momentum": 0.9})
    record = run_trial(wild, bench)
    every_step = run_trial(dataclasses.replace(wild, goal_test_every=1), bench)
    assert record.ending is Ending.DIVERGED
    assert record.steps_run == every_step.steps_run
    assert record.steps_to_goal is None
    assert record.test_error is None


@pytest.mark.parametrize("seed", range(3))
def test_where_a_trial_pauses_changes_nothing(config: TrialConfig, bench: Workbench, seed: int) -> None:
    whole = run_trial(config, bench)
    generator = np.random.default_rng(seed)
    trial = Trial(config, bench, difficulty=Difficulty(20))
    turns = 0
    while not trial.advance(pause=lambda: generator.random() < 0.3):
        turns += 1
    assert turns > 0
    assert trial.record().result() == whole.result()


def test_what_ran_before_changes_nothing(config: TrialConfig, bench: Workbench) -> None:
    difficulty = Difficulty(20)
    Trial(dataclasses.replace(config, trial_index=5), bench, difficulty=difficulty).advance()
    trial = Trial(config, bench, difficulty=difficulty)
    trial.advance()
    assert trial.record().result() == run_trial(config, bench).result()


@pytest.mark.parametrize("method", ["snip", "random", "magnitude"])
def test_pruned_weights_stay_exactly_zero(config: TrialConfig, bench: Workbench, method: str) -> None:
    trial = Trial(dataclasses.replace(config, pruning_method=method), bench)
    trial.advance()
    state = trial._state
    assert state is not None
    assert state.mask is not None
    assert state.steps > 0
    assert not state.model.flat[state.mask == 0].any()
    assert int((state.mask[state.mask == 1]).sum()) == 6_224 + 106
    assert int((state.model.flat != 0).sum()) > 6_000


def test_a_network_without_weights_is_untrainable_at_step_zero(config: TrialConfig, bench: Workbench) -> None:
    record = run_trial(dataclasses.replace(config, sparsity=0.99999), bench)
    assert (record.ending, record.steps_run, record.steps_to_goal) == (Ending.UNTRAINABLE, 0, None)


def test_looser_goals_are_first_reached_on_the_way(config: TrialConfig, bench: Workbench) -> None:
    record = run_trial(dataclasses.replace(config, also_goals=(0.3, 0.6)), bench)
    assert record.steps_to_goal == run_trial(config, bench).steps_to_goal
    for goal in (0.3, 0.6):
        assert record.also_steps[goal] == run_trial(dataclasses.replace(config, goal_error=goal), bench).steps_to_goal


def test_biases_are_pruned_first_where_they_may_be(config: TrialConfig, bench: Workbench) -> None:
    record = run_trial(dataclasses.replace(config, prunable="weights_and_biases", budget_steps=4), bench)
    kept = {layer.layer: layer.kept for layer in record.kept}
    assert sum(kept.values()) == 6_235
    assert kept["conv1.bias"] == kept["conv2.bias"] == kept["linear.bias"] == 0


def test_a_number_of_examples_may_stand_for_all(config: TrialConfig, bench: Workbench) -> None:
    some = run_trial(dataclasses.replace(config, saliency_examples=10), bench)
    assert some.kept != run_trial(config, bench).kept


def test_gradients_in_pieces_equal_the_whole_in_double_precision(dataset: Dataset, config: TrialConfig) -> None:
    from study.training import loop
    from study.training.scores import initial_model
    from study.workloads.batches import Order, prepare

    bench = prepare(dataset, dtype=torch.float64)
    model = initial_model(config, bench)
    order = Order(bench.train_index, np.random.default_rng(0))
    index = torch.from_numpy(Order(bench.train_index, np.random.default_rng(0)).take(150))
    images, labels = bench.training.batch(index)
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    whole = model.gradient.clone()
    state = loop.TrainState(model, torch.zeros_like(model.flat), None, order)
    sized = dataclasses.replace(config, batch_size=150)
    loop.train_until(state, sized, bench.training, 1, pause=lambda: False)
    assert torch.allclose(model.gradient, whole, atol=1e-10, rtol=0)
