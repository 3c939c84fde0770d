"""What a reader of a data set hands over, and the files that it reads: gzipped or not, each fault naming its file."""

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from study.errors import UserError


class Source(NamedTuple):
    """A file, and how many examples it held."""

    path: Path
    examples: int


class Examples(NamedTuple):
    """One half of a data set: images as uint8 (n, channels, height, width), labels as int64 (n,)."""

    images: np.ndarray
    labels: np.ndarray
    sources: tuple[Source, ...] = ()


def find_file(folder: Path, name: str) -> Path | None:
    """`name` in `folder`, else `name`.gz, else None."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def read_file(path: Path) -> bytes:
    """The file's content, decompressed where its name ends in .gz; raises UserError naming the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path, "a file that can be read", error.strerror or str(error)) from error
    if path.suffix != ".gz":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, "a whole gzip file", f"{len(content):,} bytes that do not decompress ({error})") from error


def labels_below(classes: int, labels: np.ndarray, path: Path) -> np.ndarray:
    """`labels` as int64; raises UserError where one is outside [0, classes)."""
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise damaged(path, f"labels in 0..{classes - 1}", f"{labels[wrong[0]]} at index {wrong[0]}")
    return labels.astype(np.int64)


def damaged(path: Path, expected: str, received: str) -> UserError:
    """The error for a file of a data set that does not hold what its layout says."""
    remedy = "remove it and run `study data fetch`, or point --data-root (or STUDY_DATA_ROOT) at another copy"
    return UserError(f"data: '{path}': expected {expected}; got {received}; {remedy}")
