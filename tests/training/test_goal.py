import numpy as np
import pytest
import torch

from study.training.goal import Difficulty, count_errors
from study.training.numerics import fix_numerics
from study.workloads.batches import LabelledImages, Workbench
from study.workloads.models import FlatModel, initial_parameters


class _Answers:
    """A model that gets the examples right that it is told to; an image's first pixel says which example it is."""

    def __init__(self, right: np.ndarray) -> None:
        self._right = torch.from_numpy(right)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(len(images), 2)
        logits[:, 0] = self._right[images[:, 0, 0, 0].long()].float() - 0.5
        return logits


def _examples(count: int) -> LabelledImages:
    images = torch.arange(count, dtype=torch.int64).view(-1, 1, 1, 1).to(torch.uint8)
    one = torch.ones(1, 1, 1, 1)
    return LabelledImages(images, torch.zeros(count, dtype=torch.int64), one, torch.zeros(1, 1, 1, 1))


@pytest.mark.parametrize("seed", range(200))
def test_stopping_early_decides_as_the_plain_count(seed: int) -> None:
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 250))
    difficulty = Difficulty(count)
    index = generator.permutation(count)
    for _ in range(4):
        right = generator.random(count) < generator.random()
        limit = int(generator.integers(0, count + 1))
        errors = int((~right).sum())
        found = count_errors(_Answers(right), _examples(count), index, limit, difficulty)  # type: ignore[arg-type]
        assert (found.errors <= limit) == (errors <= limit)
        assert found.errors <= errors
        if errors <= limit:
            assert found.complete
            assert found.errors == errors
        if found.complete:
            assert found.examples == count


def test_hardest_first_finds_a_miss_in_the_first_chunk() -> None:
    right = np.ones(250, bool)
    right[200:230] = False
    difficulty = Difficulty(250)
    first = count_errors(_Answers(right), _examples(250), np.arange(250), 20, difficulty)  # type: ignore[arg-type]
    again = count_errors(_Answers(right), _examples(250), np.arange(250), 20, difficulty)  # type: ignore[arg-type]
    assert (first.examples, again.examples) == (250, 128)


def test_logits_that_are_not_numbers_are_errors() -> None:
    def model(images: torch.Tensor) -> torch.Tensor:
        return torch.full((len(images), 2), float("nan"))

    assert count_errors(model, _examples(5), np.arange(5), 5).errors == 5  # type: ignore[arg-type]


def test_an_example_gets_the_same_logits_whatever_stands_beside_it(bench: Workbench) -> None:
    fix_numerics()
    model = FlatModel("simple-cnn")
    model.flat.copy_(model.place(initial_parameters(model, np.random.default_rng(0)).float()))
    index = torch.from_numpy(np.random.default_rng(1).permutation(200)[:128])
    shuffled = torch.from_numpy(np.random.default_rng(2).permutation(128))
    with torch.inference_mode():
        plain = model(bench.training.batch(index)[0])
        mixed = model(bench.training.batch(index[shuffled])[0])
    assert torch.equal(plain[shuffled], mixed)
