"""Saliency scores of a trial's network at initialisation, and what they depend on."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from study.config import TrialConfig
from study.pruning.saliency import SALIENCY, Batches
from study.training import seeds
from study.workloads.batches import Workbench
from study.workloads.models import FlatModel, initial_parameters

_CHUNK = 64


def scores_key(config: TrialConfig) -> dict[str, Any]:
    """Everything that a trial's scores depend on: neither the batch size nor the sparsity."""
    key: dict[str, Any] = {
        "method": config.pruning_method,
        "model": config.model,
        "seed": config.seed,
        "trial_index": config.trial_index,
    }
    if SALIENCY[config.pruning_method].on_data:
        key |= {"digest": config.fingerprint.digest, "examples": config.saliency_examples}
    return key


def compute_scores(config: TrialConfig, bench: Workbench) -> Tensor:
    """Scores (parameters,), float64, on the CPU, of the network that the trial starts from."""
    model = initial_model(config, bench)
    generator = seeds.generator(config.seed, config.trial_index, "pruning")
    index = bench.train_index
    if config.saliency_examples != "all":
        index = generator.permutation(index)[: config.saliency_examples]
    return SALIENCY[config.pruning_method].score(model, batches(bench, index), generator)


def initial_model(config: TrialConfig, bench: Workbench) -> FlatModel:
    """The trial's network before pruning."""
    model = FlatModel(config.model, bench.training.scale.device, bench.training.scale.dtype)
    start = initial_parameters(model, seeds.generator(config.seed, config.trial_index, "initialisation"))
    model.flat.copy_(model.place(start.to(model.flat)))
    return model


def batches(bench: Workbench, index: np.ndarray) -> Batches:
    """The training examples at `index`, once each, in pieces that run at full speed."""
    for part in np.array_split(index, math.ceil(len(index) / _CHUNK)):
        yield bench.training.batch(torch.from_numpy(part))
