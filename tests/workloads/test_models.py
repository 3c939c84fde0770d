import json
from pathlib import Path

import numpy as np
import pytest
import torch

from study import spec
from study.workloads.datasets import DATASETS
from study.workloads.models import MODELS, FlatModel, initial_parameters

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "networks.json").read_text())
INPUTS = {"simple-cnn": (1, 1, 28, 28), "resnet-8": (1, 3, 32, 32)}


@pytest.mark.parametrize(("name", "weights", "biases"), [("simple-cnn", 62_240, 106), ("resnet-8", 74_800, 250)])
def test_parameter_counts(name: str, weights: int, biases: int) -> None:
    model = FlatModel(name)
    assert (model.weights, model.size - model.weights) == (weights, biases)
    assert model.prunable("weights") == weights
    assert model.prunable("weights_and_biases") == weights + biases


@pytest.mark.parametrize("name", MODELS)
def test_logits_of_the_golden_networks(name: str) -> None:
    model = FlatModel(name, dtype=torch.float64)
    weights = [layer for layer in model.layers if layer.is_weight]
    biases = [layer for layer in model.layers if not layer.is_weight]
    vector = torch.zeros(model.size, dtype=torch.float64)
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        fan_in = int(np.prod(weight.shape[1:]))
        index = torch.arange(weight.size, dtype=torch.float64)
        vector[weight.start : weight.start + weight.size] = torch.sin(1 + 0.7 * index + number) / fan_in**0.5
        index = torch.arange(bias.size, dtype=torch.float64)
        vector[bias.start : bias.start + bias.size] = 0.01 * torch.cos(index + number)
    model.flat.copy_(model.place(vector))
    shape = INPUTS[name]
    images = torch.sin(0.013 * torch.arange(int(np.prod(shape)), dtype=torch.float64)).view(shape)
    expected = torch.tensor(GOLDEN[name.replace("-", "_")], dtype=torch.float64)
    assert torch.allclose(model(images)[0], expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", MODELS)
def test_initial_variance_is_one_over_fan_in_and_biases_are_zero(name: str) -> None:
    model = FlatModel(name)
    start = initial_parameters(model, np.random.default_rng(0))
    for layer in model.layers:
        values = start[layer.start : layer.start + layer.size]
        if not layer.is_weight:
            assert not values.any()
            continue
        fan_in = float(np.prod(layer.shape[1:]))
        assert values.abs().max() <= 2 * fan_in**-0.5 / 0.8796256
        assert float(values.var() * fan_in) == pytest.approx(1, abs=4 * (2 / layer.size) ** 0.5)


def test_canonical_order_is_row_major_and_undoes_the_placement() -> None:
    model = FlatModel("simple-cnn")
    numbers = torch.arange(model.size, dtype=torch.float32)
    model.flat.copy_(model.place(numbers))
    assert torch.equal(model.canonical(model.flat), numbers)
    second = model.layers[1]
    expected = numbers[second.start : second.start + second.size].view(second.shape)
    assert torch.equal(model.module.conv2.weight.detach(), expected)


def test_the_backward_pass_adds_into_the_flat_gradient() -> None:
    model = FlatModel("simple-cnn")
    model.flat.copy_(model.place(initial_parameters(model, np.random.default_rng(0)).float()))
    model(torch.ones(2, 1, 28, 28)).sum().backward()
    once = model.gradient.clone()
    model(torch.ones(2, 1, 28, 28)).sum().backward()
    assert once.abs().sum() > 0
    assert torch.equal(model.gradient, 2 * once)


def test_a_study_file_knows_every_model_and_what_it_takes() -> None:
    assert set(spec.MODEL_INPUTS) == set(MODELS)
    assert {spec.MODEL_INPUTS[name] for name in MODELS} == {entry.image_shape for entry in DATASETS.values()}
