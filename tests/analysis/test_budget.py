"""Whether there were trials enough."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes import fake_study

from analysis import budget
from analysis.best_of import last_doubling
from analysis.evidence import gather


def test_the_line_of_a_cell_ends_at_its_result(tmp_path: Path) -> None:
    found = gather([fake_study(tmp_path, trials=24, failed=[3])])
    last = found.best_of.drop_duplicates(["sparsity", "batch_size"], keep="last")
    assert (last["n"] == 23).all()
    merged = last.merge(found.series, on=["group", "sparsity", "batch_size"])
    assert (merged["steps_x"] == merged["steps_to_result"].astype(float)).all()
    lines = found.best_of.dropna(subset="steps").groupby(["sparsity", "batch_size"])["steps"]
    assert lines.apply(lambda steps: steps.is_monotonic_decreasing).all()


def test_the_saving_is_a_share_of_what_half_the_trials_found(tmp_path: Path) -> None:
    found = gather([fake_study(tmp_path, batch_sizes=(256,), sparsities=(0.0,), trials=16, budget_steps=10**9)])
    steps = found.trials["steps_to_goal"].astype(float).fillna(np.inf)
    assert set(found.trials["ending"]) == {"reached", "diverged"}
    bought = last_doubling(steps)
    assert bought is not None
    assert found.best_of["saved"].iloc[0] == pytest.approx(1 - 1 / (1 + bought.value))


def test_cells_without_a_result_have_no_line(tmp_path: Path) -> None:
    found = gather([fake_study(tmp_path, budget_steps=1)])
    assert found.best_of.empty
    assert budget.sentence(found.best_of) == ""


def _cells(*saved: float) -> pd.DataFrame:
    sizes = [2 ** (k + 2) for k in range(len(saved))]
    return pd.DataFrame({"group": "", "sparsity": 0.9, "batch_size": sizes, "trials": 40, "saved": saved})


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        ([0.0, 0.03], "40 trials were enough: doubling the trials from 20 to 40 lowered the steps of no cell by 5% or"),
        ([0.0, 0.1, 0.3], "40 trials were enough in 1 of 3 cells: in the others doubling the trials from 20 to 40"),
        ([0.1, 0.3], "by 20% (median) and by 30% at most (batch size 8, sparsity 0.9)"),
        ([0.1], "40 trials were not enough: doubling"),
    ],
)
def test_the_sentence_counts_the_cells_that_still_fell(saved: list[float], expected: str) -> None:
    assert expected in budget.sentence(_cells(*saved))
