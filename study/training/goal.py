"""The goal test: exact, and no longer than it takes to be certain."""

from dataclasses import dataclass

import numpy as np
import torch

from study.workloads.batches import LabelledImages
from study.workloads.models import FlatModel

# Always so many at a time, so that an example's logits do not depend on how many others are left to look at; 64 and
# more run at full speed, and a small chunk stops a test early.
_CHUNK = 128

# How fast an example's share of mistakes forgets: a half-life of about two tests.
_FORGET = 0.7


@dataclass(frozen=True)
class Count:
    """Errors among the examples looked at; `complete` where those are all there are."""

    errors: int
    examples: int
    complete: bool


class Difficulty:
    """How often each validation example was wrong of late, shared by trials on the same data.

    It orders a goal test hardest first. It changes how long a test takes, never what it finds.
    """

    def __init__(self, examples: int) -> None:
        self._mistakes = np.zeros(examples, np.float32)

    def hardest_first(self) -> np.ndarray:
        return np.argsort(-self._mistakes, kind="stable")

    def learn(self, index: np.ndarray, wrong: np.ndarray) -> None:
        self._mistakes[index] = _FORGET * self._mistakes[index] + (1 - _FORGET) * wrong


def count_errors(
    model: FlatModel, examples: LabelledImages, index: np.ndarray, limit: int, difficulty: Difficulty | None = None
) -> Count:
    """Errors among `examples[index]`, hardest first, counted until they exceed `limit` or all are counted.

    It stops early only when the goal is certainly missed, which needs examples that do not influence each other (no
    batch normalisation in training mode). A logit that is not a number counts as an error.
    """
    order = np.arange(len(index)) if difficulty is None else difficulty.hardest_first()
    errors = 0
    chunk = min(_CHUNK, len(index))
    with torch.inference_mode():
        for start in range(0, len(order), chunk):
            places = order[start : start + chunk]
            padded = np.concatenate([places, np.repeat(places[:1], chunk - len(places))])
            images, labels = examples.batch(torch.from_numpy(index[padded]))
            logits = model(images)
            right = (logits.argmax(1) == labels) & logits.isfinite().all(1)
            wrong = ~right[: len(places)].cpu().numpy()
            if difficulty is not None:
                difficulty.learn(places, wrong)
            errors += int(wrong.sum())
            if errors > limit:
                break
    looked_at = min(start + chunk, len(order))
    return Count(errors, looked_at, looked_at == len(order))
