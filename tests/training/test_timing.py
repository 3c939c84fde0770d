import pytest

from study.training.timing import measure


def test_every_batch_size_is_timed_and_large_ones_by_their_examples() -> None:
    timing = measure("simple-cnn", (1, 28, 28), [3, 700, 1400], at_most_seconds=0.2)
    assert list(timing.step_seconds) == [3, 700, 1400]
    assert timing.step_seconds[1400] == pytest.approx(2 * timing.step_seconds[700])
    assert 0 < timing.step_seconds[3] < timing.step_seconds[700]
    assert timing.evaluate_seconds > 0
