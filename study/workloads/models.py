"""The networks of the thesis, their initialisation, and their parameters as one flat vector."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The standard deviation of a standard normal cut at ±2.
_TRUNCATED_STD = 0.87962566103423978


class SimpleCNN(nn.Module):
    """Conv 5×5×32, max-pool, conv 5×5×64, max-pool, linear: images (batch, 1, 28, 28) to logits (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 5)
        self.conv2 = nn.Conv2d(32, 64, 5)
        self.linear = nn.Linear(1024, 10)

    def forward(self, images: Tensor) -> Tensor:
        # ReLU after pooling gives the same values as before it, on a quarter of the elements.
        hidden = F.relu(F.max_pool2d(self.conv1(images), 2))
        hidden = F.relu(F.max_pool2d(self.conv2(hidden), 2))
        return self.linear(hidden.flatten(1))


class ResNet8(nn.Module):
    """Three pre-activation residual blocks without normalisation: images (batch, 3, 32, 32) to logits (batch, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1)
        self.block1 = _Block(16, 16, 1)
        self.block2 = _Block(16, 32, 2)
        self.block3 = _Block(32, 64, 2)
        self.linear = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.block3(self.block2(self.block1(self.stem(images))))
        return self.linear(F.relu(hidden).mean((2, 3)))


class _Block(nn.Module):
    """ReLU, conv, ReLU, conv, plus a shortcut: the input itself where the width is unchanged, else the activated
    input, average-pooled by the stride and padded with zero channels."""

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride, padding=1)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, padding=1)
        self.stride = stride
        self.new_channels = width_out - width_in

    def forward(self, inputs: Tensor) -> Tensor:
        active = F.relu(inputs)
        shortcut = inputs
        if self.new_channels:
            pooled = F.avg_pool2d(active, self.stride) if self.stride > 1 else active
            shortcut = F.pad(pooled, (0, 0, 0, 0, 0, self.new_channels))
        return self.conv2(F.relu(self.conv1(active))) + shortcut


MODELS: dict[str, type[nn.Module]] = {"simple-cnn": SimpleCNN, "resnet-8": ResNet8}


@dataclass(frozen=True)
class Layer:
    """Where a parameter lies among all of them: positions `start` to `start + size`, row-major in `shape`."""

    name: str
    shape: tuple[int, ...]
    start: int
    size: int

    @property
    def is_weight(self) -> bool:
        return len(self.shape) > 1


class FlatModel:
    """A model whose parameters are views of one vector, into whose `gradient` the backward pass adds.

    Parameters are counted all weights first, layers forward, then all biases: the order in which ties between
    saliency scores are broken. Scores, masks and initial values, all of shape (parameters,), are in that order;
    `place` brings them into the order of `flat`, where a convolution's weights lie channels last (at 32 examples a
    step of Simple-CNN then takes 8.0 ms instead of 11.6), and `canonical` brings them back. The first `weights`
    parameters are those that `prunable: weights` means.
    """

    def __init__(self, name: str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.module = MODELS[name]().to(device, dtype)
        named = list(self.module.named_parameters())
        ordered = [item for item in named if item[1].dim() > 1] + [item for item in named if item[1].dim() == 1]
        starts = np.cumsum([0, *(parameter.numel() for _, parameter in ordered)]).tolist()
        self.layers = tuple(
            Layer(name, tuple(parameter.shape), start, parameter.numel())
            for (name, parameter), start in zip(ordered, starts[:-1], strict=True)
        )
        self.weights = sum(layer.size for layer in self.layers if layer.is_weight)
        self.size = starts[-1]
        self.flat = torch.zeros(self.size, device=device, dtype=dtype)
        self.gradient = torch.zeros_like(self.flat)
        positions = torch.arange(self.size, device=device)
        for layer, (_, parameter) in zip(self.layers, ordered, strict=True):
            parameter.data = _view(self.flat, layer)
            parameter.grad = _view(self.gradient, layer)
        self._position = torch.cat([_view(positions, layer).flatten() for layer in self.layers])

    def __call__(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of standardised images (batch, channels, height, width)."""
        return self.module(images)

    def place(self, vector: Tensor) -> Tensor:
        """`vector` (parameters,), counted weights first and row-major, in the order of `flat`."""
        placed = torch.empty_like(vector)
        placed[self._position] = vector
        return placed

    def canonical(self, vector: Tensor) -> Tensor:
        """The inverse of `place`."""
        return vector[self._position]

    def prunable(self, which: str) -> int:
        """How many parameters, counted from the first, may be pruned under `weights | weights_and_biases`."""
        return self.weights if which == "weights" else self.size


def _view(vector: Tensor, layer: Layer) -> Tensor:
    part = vector[layer.start : layer.start + layer.size]
    if len(layer.shape) != 4:
        return part.view(layer.shape)
    out, channels, height, width = layer.shape
    return part.view(out, height, width, channels).permute(0, 3, 1, 2)


def initial_parameters(model: FlatModel, generator: np.random.Generator) -> Tensor:
    """Initial parameters (parameters,) on the CPU, float64, canonical order: weights normal, cut at ±2σ, with variance
    1/fan-in after the cut; biases zero."""
    values = np.zeros(model.size)
    for layer in model.layers:
        if layer.is_weight:
            scale = 1 / math.sqrt(math.prod(layer.shape[1:])) / _TRUNCATED_STD
            values[layer.start : layer.start + layer.size] = scale * _truncated_normal(layer.size, generator)
    return torch.from_numpy(values)


def _truncated_normal(count: int, generator: np.random.Generator) -> np.ndarray:
    return np.concatenate(list(_accepted(count, generator)))[:count]


def _accepted(count: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    while count > 0:
        draws = generator.standard_normal(count)
        draws = draws[np.abs(draws) <= 2]
        yield draws
        count -= len(draws)
