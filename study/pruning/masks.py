"""From scores to a mask: exactly κ parameters kept over the whole network."""

from fractions import Fraction

import torch
from torch import Tensor


def kept_count(prunable: int, sparsity: float) -> int:
    """κ = round(m·(1 − S)), exactly, half to even; `prunable` is m."""
    return round(prunable * (1 - Fraction(str(sparsity))))


def mask_of(scores: Tensor, prunable: int, sparsity: float) -> Tensor:
    """A mask (parameters,) of booleans that keeps the κ highest of the first `prunable` scores, and all the others.

    Of equal scores the earlier parameter is kept. Raises ValueError where a score is not finite.
    """
    if not torch.isfinite(scores).all():
        raise ValueError("scores: must be finite to be ranked; got NaN or infinity")
    ranked = torch.argsort(scores[:prunable], descending=True, stable=True)
    mask = torch.ones(len(scores), dtype=torch.bool)
    mask[ranked[kept_count(prunable, sparsity) :]] = False
    return mask
