"""What tests share: real data where there are some, small data where there need be none."""

import os
from pathlib import Path

import numpy as np
import pytest

from study.workloads.batches import Workbench, prepare
from study.workloads.datasets import Dataset


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data; a test that asks for it is marked `real_data`."""
    return Path(os.environ["STUDY_DATA_ROOT"])


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """200 + 40 images that a network can tell apart: a bright square whose place says the class."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 240)
    images = generator.integers(0, 60, (240, 1, 28, 28))
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 4)
        image[0, 2 + 8 * row : 8 + 8 * row, 1 + 7 * column : 6 + 7 * column] += 150
    images = images.astype(np.uint8)
    return Dataset("digits", images[:200], labels[:200], images[200:], labels[200:])


@pytest.fixture(scope="session")
def bench(dataset: Dataset) -> Workbench:
    return prepare(dataset)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "STUDY_DATA_ROOT" in os.environ:
        return
    left_out = [item for item in items if item.get_closest_marker("real_data")]
    if left_out:
        items[:] = [item for item in items if not item.get_closest_marker("real_data")]
        config.hook.pytest_deselected(items=left_out)
        config.stash[_LEFT_OUT] = len(left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    count = config.stash.get(_LEFT_OUT, 0)
    if count:
        terminalreporter.write_line(f"{count} tests on real data were left out: set STUDY_DATA_ROOT to run them")


_LEFT_OUT = pytest.StashKey[int]()
