import dataclasses

import pytest
from fakes import fake_records

from study.records import Ending, settles


@pytest.mark.parametrize(
    ("ending", "steps_run", "settled"),
    [
        (Ending.REACHED, 16, True),
        (Ending.DIVERGED, 3, True),
        (Ending.UNTRAINABLE, 0, True),
        (Ending.BUDGET, 160, True),
        (Ending.BUDGET, 144, False),
        (Ending.BEATEN, 160, False),
        (Ending.FAILED, 160, False),
    ],
)
def test_what_settles_a_trial_of_160_steps(ending: Ending, steps_run: int, settled: bool) -> None:
    assert settles(ending, steps_run, 160) is settled
    assert settles(ending.value, steps_run, 160) is settled


def test_clocks_hosts_and_the_length_of_goal_tests_are_no_result() -> None:
    record = fake_records(trials=1)[0]
    curve = tuple(dataclasses.replace(point, validation_examples=1) for point in record.curve)
    other = dataclasses.replace(record, host="x", train_seconds=1e9, attempt=7, finished_at="", curve=curve)
    assert other.result() == record.result()
    assert dataclasses.replace(record, steps_run=record.steps_run + 1).result() != record.result()
