import numpy as np
import pytest
import torch
import torch.nn.functional as F

from study import spec
from study.pruning.saliency import SALIENCY, magnitude, random, snip
from study.workloads.models import FlatModel, initial_parameters


@pytest.fixture
def model() -> FlatModel:
    model = FlatModel("simple-cnn", dtype=torch.float64)
    model.flat.copy_(model.place(initial_parameters(model, np.random.default_rng(1))))
    return model


def _batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(6, 1, 28, 28, generator=generator, dtype=torch.float64)
    labels = torch.arange(6)
    return [(images[:4], labels[:4]), (images[4:], labels[4:])]


def test_snip_is_the_derivative_of_the_loss_by_each_connection(model: FlatModel) -> None:
    scores = snip(model, _batches(), np.random.default_rng(0))
    assert float(scores.sum()) == pytest.approx(1)
    weights = model.canonical(model.flat).clone()

    def loss(values: torch.Tensor) -> float:
        model.flat.copy_(model.place(values))
        with torch.no_grad():
            return sum(float(F.cross_entropy(model(x), y, reduction="sum")) for x, y in _batches())

    chosen = np.random.default_rng(2).choice(model.weights, 12, replace=False)
    derivatives = []
    for place in chosen:
        up, down = weights.clone(), weights.clone()
        up[place] *= 1 + 1e-5
        down[place] *= 1 - 1e-5
        derivatives.append(abs(loss(up) - loss(down)) / 2e-5)
    ratio = torch.tensor(derivatives) / scores[chosen]  # the norm, the same for all
    assert ratio.numpy() == pytest.approx(float(ratio.mean()), rel=1e-4)


def test_magnitude_is_the_size_of_the_weight(model: FlatModel) -> None:
    scores = magnitude(model, [], np.random.default_rng(0))
    assert torch.equal(scores, model.canonical(model.flat).abs())
    assert not scores[model.weights :].any()


def test_random_depends_on_its_stream_alone(model: FlatModel) -> None:
    first = random(model, [], np.random.default_rng(5))
    assert torch.equal(first, random(FlatModel("simple-cnn"), _batches(), np.random.default_rng(5)))
    assert not torch.equal(first, random(model, [], np.random.default_rng(6)))


def test_a_study_file_knows_every_method() -> None:
    assert set(spec.PRUNING_METHODS) == set(SALIENCY)
