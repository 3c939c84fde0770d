"""Saliency scores at initialisation: the higher, the more a parameter is worth keeping."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from study.workloads.models import FlatModel

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Scorer:
    """`score(model, batches, generator)` gives scores (parameters,), float64, on the CPU, in canonical order.

    Whatever the scorer, they depend on the model and the trial's seeds; `on_data` says that they depend on the
    examples as well, and so on the data set and on `saliency_examples`.
    """

    score: Callable[[FlatModel, Batches, np.random.Generator], Tensor]
    on_data: bool


def snip(model: FlatModel, batches: Batches, generator: np.random.Generator) -> Tensor:
    """Connection sensitivity |w · ∂L/∂w| / Σ|w · ∂L/∂w|, with the gradient of the loss over all of `batches`.

    Thesis ch. 3 and 5: the gradient is summed with its sign, then taken absolutely.
    """
    total = torch.zeros(model.size, dtype=torch.float64)
    for images, labels in batches:
        model.gradient.zero_()
        F.cross_entropy(model(images), labels, reduction="sum").backward()
        total += model.gradient.cpu()
    model.gradient.zero_()
    scores = (model.canonical(model.flat).cpu() * model.canonical(total.to(model.flat.device)).cpu()).abs()
    return scores / scores.sum().clamp_min(torch.finfo(torch.float64).tiny)


def magnitude(model: FlatModel, batches: Batches, generator: np.random.Generator) -> Tensor:
    """|w| at initialisation: biases, which start at zero, go first."""
    return model.canonical(model.flat).abs().double().cpu()


def random(model: FlatModel, batches: Batches, generator: np.random.Generator) -> Tensor:
    """Uniform on [0, 1): every parameter is as likely to stay."""
    return torch.from_numpy(generator.random(model.size))


SALIENCY = {
    "snip": Scorer(snip, on_data=True),
    "random": Scorer(random, on_data=False),
    "magnitude": Scorer(magnitude, on_data=False),
}
