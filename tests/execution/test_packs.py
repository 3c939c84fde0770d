import pytest
from fakes import fake_records

from study.execution.packs import PlannedTrial, make_packs


def cells(sizes: list[int]) -> list[list[PlannedTrial]]:
    return [
        [PlannedTrial(record.config) for record in fake_records((2**place,), (0.0,), trials=size)] if size else []
        for place, size in enumerate(sizes, start=4)
    ]


@pytest.mark.parametrize(
    ("sizes", "workers", "packs"),
    [
        ([4, 4], 1, 2),
        ([4, 4], 2, 2),
        ([4, 4], 3, 3),
        ([4, 4], 100, 8),
        ([5], 2, 2),
        ([1], 8, 1),
        ([0, 3], 1, 1),
        ([0], 2, 0),
    ],
)
def test_a_pack_a_cell_and_more_only_where_workers_would_wait(sizes: list[int], workers: int, packs: int) -> None:
    planned = cells(sizes)
    made = make_packs(planned, workers)
    assert len(made) == packs
    ids = sorted(trial.config.trial_id for pack in made for trial in pack.trials)
    assert ids == sorted(trial.config.trial_id for cell in planned for trial in cell)
    assert all(len({trial.config.batch_size for trial in pack.trials}) == 1 for pack in made)
    assert [pack.cost for pack in made] == sorted((pack.cost for pack in made), reverse=True)
