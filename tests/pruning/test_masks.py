import pytest
import torch

from study.pruning.masks import kept_count, mask_of


@pytest.mark.parametrize(
    ("prunable", "sparsity", "kept"),
    [
        (62_240, 0.9, 6_224),
        (62_346, 0.9, 6_235),
        (74_800, 0.7, 22_440),
        (10, 0.0, 10),
        (3, 0.5, 2),
        (5, 0.5, 2),
        (1000, 0.999, 1),
    ],
)
def test_kept_count_is_exact(prunable: int, sparsity: float, kept: int) -> None:
    assert kept_count(prunable, sparsity) == kept


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_ties_keep_the_count_and_the_first(sparsity: float) -> None:
    scores = torch.tensor([1.0, 0.0, 2.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0] * 10)
    mask = mask_of(scores, len(scores), sparsity)
    assert int(mask.sum()) == kept_count(100, sparsity)
    for value in scores.unique():
        kept = mask[scores == value]
        assert torch.equal(kept, kept.sort(descending=True, stable=True).values)  # kept ones come first
    if 0 < int(mask.sum()) < 100:
        assert scores[mask].min() >= scores[~mask].max()


def test_what_is_not_prunable_stays() -> None:
    mask = mask_of(torch.tensor([3.0, 1.0, 2.0, 0.0, 0.0]), prunable=3, sparsity=0.6)
    assert mask.tolist() == [True, False, False, True, True]


def test_scores_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="scores: must be finite"):
        mask_of(torch.tensor([1.0, float("nan")]), 2, 0.5)
