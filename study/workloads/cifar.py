"""CIFAR-10's two layouts: binary records, and pickled batches."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from study.errors import UserError
from study.workloads.examples import Examples, Source, damaged, find_file, labels_below, read_file
from study.workloads.pickled import load_pickled

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"

_BINARY, _PYTHON = ".bin", ""  # what follows a batch's name in each layout

Shape = tuple[int, int, int]
Reader = Callable[[Path, int], tuple[np.ndarray, np.ndarray]]


def find_cifar(root: Path) -> Path | None:
    """The first folder under `root` that has any batch, binary layout before python layout, or None."""
    for suffix, inner in ((_BINARY, "cifar-10-batches-bin"), (_PYTHON, "cifar-10-batches-py")):
        for folder in (root / "cifar-10", root / "cifar-10" / inner, root / inner):
            if _has_batches(folder, suffix):
                return folder
    return None


def read_cifar(folder: Path, image_shape: Shape, classes: int) -> tuple[Examples, Examples]:
    """Training and test examples from whichever batches are there, each with any whole number of records.

    Raises UserError where there is no training batch or no test batch, and for a file at fault.
    """
    suffix = _BINARY if _has_batches(folder, _BINARY) else _PYTHON
    train = [path for batch in TRAIN_BATCHES if (path := find_file(folder, batch + suffix))]
    test = find_file(folder, TEST_BATCH + suffix)
    if not train or test is None:
        lacking = TEST_BATCH if train else TRAIN_BATCHES[0]
        remedy = f"add {lacking}{suffix}[.gz], or run `study data fetch cifar-10`"
        raise UserError(f"data: '{folder}' needs a test batch and at least one training batch: {remedy}")
    read = _READERS[suffix]
    return _join(train, read, image_shape, classes), _join([test], read, image_shape, classes)


def _has_batches(folder: Path, suffix: str) -> bool:
    return any(find_file(folder, batch + suffix) for batch in (*TRAIN_BATCHES, TEST_BATCH))


def _join(paths: list[Path], read: Reader, image_shape: Shape, classes: int) -> Examples:
    pixels, labels, sources = [], [], []
    for path in paths:
        batch_pixels, batch_labels = read(path, math.prod(image_shape))
        pixels.append(batch_pixels)
        labels.append(labels_below(classes, batch_labels, path))
        sources.append(Source(path, len(batch_labels)))
    return Examples(np.concatenate(pixels).reshape(-1, *image_shape), np.concatenate(labels), tuple(sources))


def _read_records(path: Path, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Records of a label byte and `pixels` pixel bytes: uint8 (n, pixels) and uint8 (n,)."""
    content = read_file(path)
    if not content or len(content) % (1 + pixels):
        raise damaged(
            path, f"a whole number of records of {1 + pixels:,} bytes, at least one", f"{len(content):,} bytes"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, 1 + pixels)
    return records[:, 1:], records[:, 0]


def _read_pickle(path: Path, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """A pickled mapping with `data`, uint8 (n, pixels), and `labels`, n integers; keys are bytes or text."""
    batch = load_pickled(read_file(path), path)
    if not isinstance(batch, dict):
        raise damaged(path, "a pickled mapping with 'data' and 'labels'", type(batch).__name__)
    data, labels = (batch.get(key.encode(), batch.get(key)) for key in ("data", "labels"))
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.shape[1] != pixels or len(data) == 0:
        shape = "×".join(map(str, data.shape)) if isinstance(data, np.ndarray) else type(data).__name__
        raise damaged(path, f"'data', an array n×{pixels:,} of uint8 with n ≥ 1", shape)
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label < 256 for label in labels):
        raise damaged(path, "'labels', a list of integers in 0..255", f"{labels!r:.60}")
    if len(labels) != len(data):
        raise damaged(path, f"{len(data):,} labels, as many as images", f"{len(labels):,}")
    return data, np.array(labels, dtype=np.uint8)


_READERS: Mapping[str, Reader] = {_BINARY: _read_records, _PYTHON: _read_pickle}
