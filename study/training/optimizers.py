"""Updates of a flat parameter vector, and the schedules of their learning rate."""

from collections.abc import Mapping

from torch import Tensor

Metaparameters = Mapping[str, float]


def sgd(weights: Tensor, gradient: Tensor, velocity: Tensor, learning_rate: float, momentum: float) -> None:
    """W ← w − ηg."""
    weights.add_(gradient, alpha=-learning_rate)


def momentum(weights: Tensor, gradient: Tensor, velocity: Tensor, learning_rate: float, momentum: float) -> None:
    """V ← μv + g, w ← w − ηv."""
    velocity.mul_(momentum).add_(gradient)
    weights.add_(velocity, alpha=-learning_rate)


def nesterov(weights: Tensor, gradient: Tensor, velocity: Tensor, learning_rate: float, momentum: float) -> None:
    """V ← μv + g, w ← w − η(g + μv)."""
    velocity.mul_(momentum).add_(gradient)
    weights.add_(gradient, alpha=-learning_rate).add_(velocity, alpha=-learning_rate * momentum)


OPTIMIZERS = {"sgd": sgd, "momentum": momentum, "nesterov": nesterov}


def constant(metaparameters: Metaparameters, step: int) -> float:
    """η."""
    return metaparameters["learning_rate"]


def linear(metaparameters: Metaparameters, step: int) -> float:
    """η·(1 − (1 − f)·min(k, T)/T), then flat at fη; T is `decay_steps`, f `end_learning_rate_factor`."""
    decay_steps, factor = metaparameters["decay_steps"], metaparameters["end_learning_rate_factor"]
    progress = min(step, decay_steps) / decay_steps
    return metaparameters["learning_rate"] * (1 - (1 - factor) * progress)


SCHEDULES = {"constant": constant, "linear": linear}
