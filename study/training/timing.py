"""How long a step and a goal test take on this machine, measured on noise: no data needed."""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from study.training.numerics import MICRO_BATCH, fix_numerics
from study.workloads.models import FlatModel, initial_parameters

_LARGEST_MEASURED = 512
_PASS_EXAMPLES = 512


@dataclass(frozen=True)
class Timing:
    """Seconds of one worker: `step_seconds` by batch size, and for one example evaluated."""

    step_seconds: dict[int, float]
    evaluate_seconds: float


def measure(model: str, image_shape: tuple[int, int, int], batch_sizes: list[int], at_most_seconds: float) -> Timing:
    """Time steps at the powers of two up to 512 around the batch sizes; between them a step's seconds are interpolated,
    beyond they grow with the examples in it."""
    fix_numerics()
    network = FlatModel(model)
    network.flat.copy_(network.place(initial_parameters(network, np.random.default_rng(0)).float()))
    low, high = (math.log2(min(size, _LARGEST_MEASURED)) for size in (min(batch_sizes), max(batch_sizes)))
    sizes = [2**power for power in range(math.floor(low), math.ceil(high) + 1)]
    share = at_most_seconds / (len(sizes) + 1)
    seconds = [_repeat(functools.partial(_step, network, image_shape, size), share) for size in sizes]

    def evaluate() -> None:
        with torch.inference_mode():
            network(_noise(_PASS_EXAMPLES, image_shape))

    steps = {size: float(np.interp(size, sizes, seconds)) * max(size / _LARGEST_MEASURED, 1) for size in batch_sizes}
    return Timing(steps, _repeat(evaluate, share) / _PASS_EXAMPLES)


def _step(network: FlatModel, image_shape: tuple[int, int, int], size: int) -> None:
    network.gradient.zero_()
    for start in range(0, size, MICRO_BATCH):
        part = min(MICRO_BATCH, size - start)
        F.cross_entropy(network(_noise(part, image_shape)), torch.zeros(part, dtype=torch.long)).backward()


def _noise(count: int, image_shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.rand(count, *image_shape).contiguous(memory_format=torch.channels_last)


def _repeat(work: Callable[[], None], at_most_seconds: float) -> float:
    """The fastest of up to five runs within the time, after one that is not counted where there is time for it."""
    begun, best = time.perf_counter(), float("inf")
    for turn in range(6):
        before = time.perf_counter()
        work()
        now = time.perf_counter()
        if turn or now - begun > at_most_seconds:
            best = min(best, now - before)
        if now - begun > at_most_seconds:
            break
    return best
