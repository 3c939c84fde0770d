"""The data sets that a study may name, as uint8 arrays, and the fingerprints that tell one copy from another."""

import difflib
import functools
import hashlib
import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from study.config import Fingerprint
from study.errors import UserError
from study.workloads import cifar, idx
from study.workloads.digits import read_digits
from study.workloads.examples import Examples, Source
from study.workloads.fingerprints import known

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # of its package dataset-fashion-mnist

_DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images as uint8 (n, channels, height, width) and labels as int64 (n,); `sources` are the files they came from."""

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for half in ("train", "test"):
            images, labels = getattr(self, f"{half}_images"), getattr(self, f"{half}_labels")
            if images.dtype != np.uint8 or images.ndim != 4:
                raise ValueError(f"{half}_images: must be uint8 of 4 dimensions; got {images.dtype} of {images.ndim}")
            if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
                raise ValueError(f"{half}_labels: must be int64 {images.shape[:1]}; got {labels.dtype} {labels.shape}")

    @functools.cached_property
    def fingerprint(self) -> Fingerprint:
        """Counts, and BLAKE2b over each array's shape and bytes (labels as bytes), training before test."""
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(("x".join(map(str, array.shape)) + "\n").encode())
            digest.update(np.ascontiguousarray(array, dtype=np.uint8).reshape(-1).data)
        return Fingerprint(len(self.train_images), len(self.test_images), digest.hexdigest())


@dataclass(frozen=True)
class Entry:
    """A data set as published; `find` gives its folder under a root and is None where the set is embedded."""

    image_shape: tuple[int, int, int]
    classes: int
    read: Callable[[Path, tuple[int, int, int], int], tuple[Examples, Examples]]
    find: Callable[[Path], Path | None] | None = None
    expected: str = ""


_IDX_EXPECTED = ", ".join(f"{name}[.gz]" for name in idx.FILES)
_CIFAR_EXPECTED = "data_batch_1.bin[.gz] to data_batch_5.bin[.gz] and test_batch.bin[.gz], or the python layout"

DATASETS: Mapping[str, Entry] = {
    "digits": Entry((1, 28, 28), 10, lambda _root, shape, _classes: read_digits(*shape[1:])),
    "mnist": Entry((1, 28, 28), 10, idx.read_idx, lambda root: idx.find_idx([root / "mnist"]), _IDX_EXPECTED),
    "fashion-mnist": Entry(
        (1, 28, 28),
        10,
        idx.read_idx,
        lambda root: idx.find_idx([root / "fashion-mnist", DEBIAN_FASHION_MNIST]),
        _IDX_EXPECTED,
    ),
    "cifar-10": Entry((3, 32, 32), 10, cifar.read_cifar, cifar.find_cifar, _CIFAR_EXPECTED),
}


def entry(name: str) -> Entry:
    """The registry's line for `name`; raises UserError with the nearest known name."""
    if name not in DATASETS:
        nearest = difflib.get_close_matches(name.lower(), DATASETS, n=1, cutoff=0.4)
        hint = f"did you mean '{nearest[0]}'? " if nearest else ""
        raise UserError(f"data: unknown data set '{name}'; {hint}known: {', '.join(DATASETS)}")
    return DATASETS[name]


def data_root(option: Path | None = None) -> Path:
    """Where data sets lie, absolute: `option`, else STUDY_DATA_ROOT, else `study data fetch`'s default folder."""
    if option is not None:
        return option.expanduser().absolute()
    if chosen := os.environ.get("STUDY_DATA_ROOT"):
        return Path(chosen).expanduser().absolute()
    shared = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    # The XDG specification has a relative path ignored.
    return (shared if shared.is_absolute() else Path.home() / ".local" / "share") / "steps-to-result"


def find(name: str, root: Path | None = None) -> Path | None:
    """The folder that has files of `name`, or None; `root` as in `data_root`."""
    finder = entry(name).find
    return finder(data_root(root)) if finder else None


def load(name: str, root: Path | None = None) -> Dataset:
    """The data set `name` from `data_root(root)`; raises UserError where files are missing or at fault."""
    published = entry(name)
    folder = find(name, root)
    if folder is None and published.find is not None:
        raise _missing(name, data_root(root))
    train, test = published.read(folder or data_root(root), published.image_shape, published.classes)
    return Dataset(name, train.images, train.labels, test.images, test.labels, train.sources + test.sources)


def fingerprint_of(name: str, root: Path | None = None) -> Fingerprint:
    """What identifies the data that a trial will see.

    Files that are there are read, since a folder may hold a part of a set under its name. Where there are none, a
    complete published set has its fingerprint in a table, so that a machine without data can plan; else UserError.
    """
    published = known(name)
    if published is not None and find(name, root) is None:
        return published
    return load(name, root).fingerprint


def _missing(name: str, root: Path) -> UserError:
    return UserError(
        f"data: no files of '{name}' under '{root}': expected {DATASETS[name].expected}; "
        f"run `study data fetch {name} --data-root {shlex.quote(str(root))}` or point --data-root "
        "(or STUDY_DATA_ROOT) at a folder that has them"
    )
