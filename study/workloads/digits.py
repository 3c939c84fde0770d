"""The embedded data set: scikit-learn's 1,797 handwritten digits of 8×8 pixels, enlarged."""

import numpy as np

from study.workloads.examples import Examples

_TRAIN = 1_500
_LARGEST = 16  # of scikit-learn's pixel values


def read_digits(height: int, width: int) -> tuple[Examples, Examples]:
    """The first 1,500 digits to train on and the last 297 to test on, uint8 (n, 1, height, width).

    Values 0..16 are scaled by 255/16, interpolated (bilinear, half-pixel centres: PyTorch's `align_corners=False`),
    then rounded, halves to the even neighbour.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = _enlarge(digits.images.astype(np.int64), height, width)[:, None]
    labels = digits.target.astype(np.int64)
    return Examples(images[:_TRAIN], labels[:_TRAIN]), Examples(images[_TRAIN:], labels[_TRAIN:])


def _enlarge(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Integers (n, h, w) in 0..16 to uint8 (n, height, width) in 0..255.

    In whole numbers throughout: at 28×28 some 1,900 pixels fall exactly halfway between two integers, where floating
    point rounds by the order of its sums, and these pixels enter every trial's identity.
    """
    rows, columns = _weights(images.shape[1], height), _weights(images.shape[2], width)
    numerator = 255 * (rows @ images @ columns.T)
    denominator = _LARGEST * 2 * height * 2 * width
    quotient, rest = np.divmod(numerator, denominator)
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (quotient % 2 == 1))
    return (quotient + up).astype(np.uint8)


def _weights(size: int, target: int) -> np.ndarray:
    """Linear interpolation from `size` samples to `target`: int64 (target, size), each row summing to 2·target."""
    weights = np.zeros((target, size), dtype=np.int64)
    for index in range(target):
        position = max((2 * index + 1) * size - target, 0)  # in units of 1/(2·target) of a sample
        below, rest = divmod(position, 2 * target)
        weights[index, below] += 2 * target - rest
        weights[index, min(below + 1, size - 1)] += rest
    return weights
