"""Sobol points of a search space: unscrambled, the origin skipped, so that a study can be extended."""

from collections.abc import Iterable, Mapping

import numpy as np

from search_spaces.scales import Scale

# Fixed, since which dimension of the sequence a metaparameter gets decides its values.
_FIRST_DIMENSIONS = ("learning_rate", "momentum", "decay_steps", "end_learning_rate_factor")


def points(dimensions: int, count: int) -> np.ndarray:
    """Points 1 to `count` of the Sobol sequence, in [0, 1), shaped (count, dimensions).

    A call is a prefix of any longer one.
    """
    from scipy.stats import qmc  # 0.6 s, so only where points are drawn

    sequence = qmc.Sobol(dimensions, scramble=False)
    # The origin is the low end of every range. Skipping it also keeps scipy from asking for powers of two.
    sequence.fast_forward(1)
    return sequence.random(count)


def dimension_order(names: Iterable[str]) -> list[str]:
    """The names in the order of their Sobol dimensions: the thesis's four first, the others by name."""
    rank = {name: index for index, name in enumerate(_FIRST_DIMENSIONS)}
    return sorted(names, key=lambda name: (rank.get(name, len(rank)), name))


def metaparameters(space: Mapping[str, Scale], count: int) -> list[dict[str, float | int]]:
    """The first `count` points of a search space, each a value by name; the mapping's order does not matter."""
    names = dimension_order(space)
    drawn = points(len(names), count).tolist()
    return [{name: space[name].value(u) for name, u in zip(names, point, strict=True)} for point in drawn]
