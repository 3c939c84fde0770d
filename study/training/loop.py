"""The training loop: steps of one trial, to the next goal test."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from study.config import TrialConfig
from study.training.numerics import MICRO_BATCH
from study.training.optimizers import OPTIMIZERS, SCHEDULES
from study.workloads.batches import LabelledImages, Order
from study.workloads.models import FlatModel


@dataclass
class TrainState:
    """A network in training. `velocity` and `mask` have the order and the shape of `model.flat`; a dense network has
    no mask. `losses` holds the training loss of every step since the last goal test, on the device."""

    model: FlatModel
    velocity: Tensor
    mask: Tensor | None
    order: Order
    steps: int = 0
    losses: list[Tensor] = field(default_factory=list)


def train_until(
    state: TrainState, config: TrialConfig, examples: LabelledImages, step: int, pause: Callable[[], bool]
) -> None:
    """Train `state` up to `step` steps in all, or until `pause()`, asked after each step, says so."""
    model, update, schedule = state.model, OPTIMIZERS[config.optimizer], SCHEDULES[config.schedule]
    momentum = config.metaparameters.get("momentum", 0.0)
    while state.steps < step:
        index = torch.from_numpy(state.order.take(config.batch_size))
        model.gradient.zero_()
        loss = torch.zeros((), dtype=model.flat.dtype, device=model.flat.device)
        for part in index.split(MICRO_BATCH):
            images, labels = examples.batch(part)
            part_loss = F.cross_entropy(model(images), labels, reduction="sum") / config.batch_size
            part_loss.backward()
            loss += part_loss.detach()
        if state.mask is not None:
            model.gradient.mul_(state.mask)
        update(model.flat, model.gradient, state.velocity, schedule(config.metaparameters, state.steps), momentum)
        state.losses.append(loss)
        state.steps += 1
        if pause():
            return
