"""The idx layout, in which MNIST and Fashion-MNIST are published."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from study.errors import UserError
from study.workloads.examples import Examples, Source, damaged, find_file, labels_below, read_file

TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
FILES = TRAIN_FILES + TEST_FILES

Shape = tuple[int, int, int]

_UNSIGNED_BYTE = 0x08


def find_idx(folders: Iterable[Path]) -> Path | None:
    """The first of `folders` that has any of the four files, or None."""
    return next((folder for folder in folders if any(find_file(folder, name) for name in FILES)), None)


def read_idx(folder: Path, image_shape: Shape, classes: int) -> tuple[Examples, Examples]:
    """Training and test examples, images of shape (n, *image_shape); raises UserError naming a file at fault."""
    missing = [name for name in FILES if not find_file(folder, name)]
    if missing:
        names = ", ".join(f"{name}[.gz]" for name in missing)
        raise UserError(f"data: '{folder}' has only some of its files: add {names}, or run `study data fetch`")
    return _half(folder, TRAIN_FILES, image_shape, classes), _half(folder, TEST_FILES, image_shape, classes)


def _half(folder: Path, names: tuple[str, str], image_shape: Shape, classes: int) -> Examples:
    images_path, labels_path = (find_file(folder, name) or folder / name for name in names)
    images, labels = _array(images_path, 3), _array(labels_path, 1)
    if images.shape[1:] != image_shape[1:] or len(images) == 0:
        shape = "×".join(map(str, images.shape))
        raise damaged(images_path, f"at least one image of {image_shape[1]}×{image_shape[2]} pixels", shape)
    if len(labels) != len(images):
        raise damaged(
            labels_path, f"{len(images):,} labels, as many as '{images_path.name}' has images", f"{len(labels):,}"
        )
    # The copy is writable, as PyTorch asks of an array that it shares.
    pixels = images.reshape(-1, *image_shape).copy()
    return Examples(pixels, labels_below(classes, labels, labels_path), (Source(images_path, len(images)),))


def _array(path: Path, dimensions: int) -> np.ndarray:
    """The file's array of uint8, which must have `dimensions` dimensions and end where its header says."""
    content = read_file(path)
    header = 4 + 4 * dimensions
    magic = bytes((0, 0, _UNSIGNED_BYTE, dimensions))
    if content[:4] != magic:
        raise damaged(
            path, f"idx magic {magic.hex()} (unsigned bytes, {dimensions}-d)", content[:4].hex() or "no bytes"
        )
    if len(content) < header:
        raise damaged(path, f"a header of {header} bytes", f"{len(content)} bytes")
    shape = [int.from_bytes(content[start : start + 4], "big") for start in range(4, header, 4)]
    if len(content) != header + math.prod(shape):
        extent = "×".join(map(str, shape))
        raise damaged(path, f"{header + math.prod(shape):,} bytes ({extent} and a header)", f"{len(content):,}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
