import numpy as np
import pytest
import torch

from study.workloads.batches import Order, Workbench, split, statistics
from study.workloads.datasets import Dataset


def test_split_of_mnist_begins_as_published() -> None:
    train, validation = split(60_000)
    assert validation[:5].tolist() == [3048, 19563, 58303, 8870, 40228]
    assert (len(train), len(validation)) == (54_000, 6_000)
    assert sorted([*train, *validation]) == list(range(60_000))


def test_statistics_are_those_of_the_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1203, 3, 4, 5)).astype(np.uint8)
    mean, std = statistics(images)
    assert mean == pytest.approx((images / 255).mean((0, 2, 3)))
    assert std == pytest.approx((images / 255).std((0, 2, 3)))


def test_a_batch_is_standardised(dataset: Dataset, bench: Workbench) -> None:
    index = torch.tensor([3, 0, 7])
    images, labels = bench.training.batch(index)
    pixels = dataset.train_images[index] / 255
    expected = (pixels - (dataset.train_images / 255).mean()) / (dataset.train_images / 255).std()
    assert images.numpy() == pytest.approx(expected, abs=1e-5)
    assert labels.tolist() == dataset.train_labels[index].tolist()
    assert images.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("count", [1, 3, 7, 10])
def test_every_epoch_holds_every_example_once(count: int) -> None:
    order = Order(np.arange(10, 20), np.random.default_rng(0))
    stream = np.concatenate([order.take(count) for _ in range(70 // count)])
    for epoch in range(len(stream) // 10):
        assert sorted(stream[10 * epoch : 10 * epoch + 10]) == list(range(10, 20))


def test_order_refuses_more_than_an_epoch() -> None:
    with pytest.raises(ValueError, match=r"count: must be at most an epoch \(10\); got 11"):
        Order(np.arange(10), np.random.default_rng(0)).take(11)
