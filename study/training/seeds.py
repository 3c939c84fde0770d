"""Random streams of a trial: the same in every cell, so that cells are paired."""

import numpy as np

_STREAMS = {"initialisation": 0, "order": 1, "pruning": 2}


def generator(seed: int, trial_index: int, stream: str) -> np.random.Generator:
    """The stream `initialisation | order | pruning` of trial `trial_index` in a study with this `seed`."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(trial_index, _STREAMS[stream])))
