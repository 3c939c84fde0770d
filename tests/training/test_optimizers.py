import pytest
import torch

from study import spec
from study.training.optimizers import OPTIMIZERS, SCHEDULES


def _by_hand(name: str, w: float, gradients: list[float], lr: float, mu: float) -> float:
    v = 0.0
    for g in gradients:
        v = mu * v + g
        w -= {"sgd": lr * g, "momentum": lr * v, "nesterov": lr * (g + mu * v)}[name]
    return w


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_follow_the_formulas(name: str) -> None:
    gradients = [0.5, -1.25, 2.0, 0.0, 3.5]
    weights, velocity = torch.tensor([1.5], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for gradient in gradients:
        OPTIMIZERS[name](weights, torch.tensor([gradient], dtype=torch.float64), velocity, 0.1, 0.9)
    assert float(weights) == pytest.approx(_by_hand(name, 1.5, gradients, 0.1, 0.9), abs=1e-14)


@pytest.mark.parametrize(("step", "rate"), [(0, 0.2), (5, 0.11), (10, 0.02), (99, 0.02)])
def test_linear_decay_goes_to_its_end_and_stays(step: int, rate: float) -> None:
    values = {"learning_rate": 0.2, "decay_steps": 10, "end_learning_rate_factor": 0.1}
    assert SCHEDULES["linear"](values, step) == pytest.approx(rate)
    assert SCHEDULES["constant"](values, step) == 0.2


def test_a_study_file_knows_every_optimizer_and_schedule() -> None:
    assert set(spec.OPTIMIZERS) == set(OPTIMIZERS)
    assert set(spec.SCHEDULES) == set(SCHEDULES)
