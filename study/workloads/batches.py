"""A data set as a trial uses it: split, standardised as a batch is taken, and drawn in an endless reshuffled order."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from study.goals import validation_examples
from study.workloads.datasets import Dataset


@dataclass(frozen=True)
class LabelledImages:
    """Labelled images: uint8 (n, channels, height, width) and int64 (n,), standardised when a batch is taken.

    `shift` and `scale` have shape (1, channels, 1, 1): standardised = pixel · scale + shift.
    """

    images: Tensor
    labels: Tensor
    scale: Tensor
    shift: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised images (batch, channels, height, width), channels last, and their labels (batch,)."""
        images = self.images[index].to(self.scale.dtype, memory_format=torch.channels_last)
        return images.mul_(self.scale).add_(self.shift), self.labels[index]


@dataclass(frozen=True)
class Workbench:
    """What trials on one data set share: its examples, and which of the training examples train and which validate."""

    training: LabelledImages
    train_index: np.ndarray
    validation_index: np.ndarray
    test: LabelledImages


def prepare(dataset: Dataset, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Workbench:
    """`dataset` as tensors on `device`; on a CPU the pixels stay where they are, uncopied."""
    train_index, validation_index = split(len(dataset.train_labels))
    mean, std = statistics(dataset.train_images)
    shape = (1, len(mean), 1, 1)
    scale = torch.tensor(1 / (255 * std), dtype=dtype, device=device).view(shape)
    shift = torch.tensor(-mean / std, dtype=dtype, device=device).view(shape)

    def examples(images: np.ndarray, labels: np.ndarray) -> LabelledImages:
        return LabelledImages(_tensor(images).to(device), _tensor(labels.astype(np.int64)).to(device), scale, shift)

    training = examples(dataset.train_images, dataset.train_labels)
    return Workbench(training, train_index, validation_index, examples(dataset.test_images, dataset.test_labels))


def split(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices that train and that validate: the first tenth after `RandomState(0).shuffle` validates."""
    indices = np.arange(count)
    np.random.RandomState(0).shuffle(indices)
    validation = validation_examples(count)
    return indices[validation:], indices[:validation]


def statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel of uint8 `images`, in units of 255; exact, from pixel counts."""
    channels = images.shape[1]
    counts = np.zeros((channels, 256), np.int64)
    for start in range(0, len(images), 1000):  # bincount widens to int64: eight times the memory
        for channel in range(channels):
            counts[channel] += np.bincount(images[start : start + 1000, channel].ravel(), minlength=256)
    levels = np.arange(256) / 255
    share = counts / counts.sum(1, keepdims=True)
    mean = share @ levels
    return mean, np.sqrt(share @ levels**2 - mean**2)


class Order:
    """Training indices without replacement, reshuffled each epoch, endless; a batch may cross epochs."""

    def __init__(self, indices: np.ndarray, generator: np.random.Generator) -> None:
        self._indices = indices
        self._generator = generator
        self._epoch = generator.permutation(indices)
        self._next = 0

    def take(self, count: int) -> np.ndarray:
        """The next `count` indices, at most an epoch's worth."""
        if count > len(self._indices):
            raise ValueError(f"count: must be at most an epoch ({len(self._indices)}); got {count}")
        taken = self._epoch[self._next : self._next + count]
        self._next += count
        if len(taken) == count:
            return taken
        self._epoch = self._generator.permutation(self._indices)
        self._next = count - len(taken)
        return np.concatenate([taken, self._epoch[: self._next]])


def _tensor(array: np.ndarray) -> Tensor:
    with warnings.catch_warnings():
        # Arrays in shared memory are read-only, and nothing here writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)
