import collections
import io

import pytest
from rich.console import Console
from test_spec import GOOD

from study.config import Fingerprint
from study.driver import CellProgress, Progress
from study.plan import make_plan
from study.progress import View, duration
from study.spec import parse_spec


@pytest.fixture
def progress() -> Progress:
    plan = make_plan(parse_spec(GOOD), Fingerprint(60_000, 10_000, "f" * 32))
    cells = {cell.key: CellProgress(cell, collections.Counter()) for cell in plan.cells}
    first = cells[plan.cells[0].key]
    for ending, steps, index in (("reached", 48, 3), ("reached", 48, 1), ("budget", None, 0), ("diverged", None, 2)):
        first.add(ending, steps, index)
    return Progress(plan, cells, remaining=12, steps=500)


@pytest.mark.parametrize("width", [60, 120])
def test_a_terminal_shows_every_cell_and_the_whole_summary(progress: Progress, width: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width, height=24, color_system=None)
    with View(console) as view:
        view(progress, ())
    shown = screen.getvalue()
    assert "4/4" in shown
    assert shown.count("0/4") >= 3
    assert "48 (trial 1)" in shown
    assert "4 of 16 trials" in shown
    assert "…" not in shown


def test_without_a_terminal_a_finished_cell_is_one_plain_line(progress: Progress) -> None:
    lines = io.StringIO()
    with View(Console(file=lines, width=120)) as view:
        view(progress, ())
        view(progress, (None,))  # type: ignore[arg-type]
        view(progress, (None,))  # type: ignore[arg-type]
    assert lines.getvalue().splitlines() == [
        "4 of 16 trials",
        "batch size 16, sparsity 0: 48 (trial 1), 1 budget, 1 diverged",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "3 s"), (150, "2 min"), (5400, "1.5 h"), (172_800, "2.0 days"), (1.4e7, "162.0 days")],
)
def test_durations_are_told_in_the_unit_that_matters(seconds: float, text: str) -> None:
    assert duration(seconds) == text
