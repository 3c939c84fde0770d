import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import edges, tables
from analysis.figures.edges import plot_edges
from analysis.importance import importances
from analysis.spaces import Space, load_spaces
from search_spaces.scales import Discrete, Integer, Linear, Log, ReverseLog, Scale
from study.errors import UserError
from study.records import Ending, TrialRecord
from study.store.store import Store
from tests.fakes import FINGERPRINT, fake_records, fake_study

SPACE = {"learning_rate": Log(1e-4, 1.0), "momentum": ReverseLog(0.9, 0.9999)}


def trials_at(
    values: list[dict[str, float]], endings: list[Ending], steps: list[int] | None = None
) -> list[TrialRecord]:
    """Records of one dense cell with these metaparameters; the first that reached is the best unless `steps` say."""
    records = []
    for index, (point, ending) in enumerate(zip(values, endings, strict=True)):
        made = fake_records([64], [0.0], 1, seed=1, metaparameters=point, trial_index=index)[0]
        ran = steps[index] if steps else 16 * (index + 1)
        reached = ran if ending is Ending.REACHED else None
        records.append(TrialRecord(made.config, ending, ran, reached, finished_at=made.finished_at))
    return records


def diagnosis(folder: Path, records: list[TrialRecord], space: Space) -> pd.DataFrame:
    return edges.diagnose(tables.load(fake_study(folder, records)), {"fake": space})


@pytest.mark.parametrize(
    ("scale", "values", "position", "edge"),
    [
        (Log(1e-4, 1.0), [0.01], 0.5, ""),
        (Log(1e-4, 1.0), [0.5], 0.9247, "high"),
        (Log(1e-4, 1.0), [2e-4], 0.0753, "low"),
        (ReverseLog(0.9, 0.9999), [0.99], 1 / 3, ""),
        (ReverseLog(0.9, 0.9999), [0.9998], 0.8997, ""),
        (ReverseLog(0.9, 0.9999), [0.99981], 0.9071, "high"),
        (Linear(0.0, 2.0), [0.1], 0.05, "low"),
        (Integer(1, 3), [1], 0.0, "low"),
        (Integer(1, 3), [2], 0.5, ""),
        (Integer(1, 2), [1], 0.0, ""),
        (Discrete((0.1, 7, 0.01)), [7], 1.0, "high"),
        (Discrete((0.1, 7, 0.01)), [0.1], 0.5, ""),
        (Discrete((0.1, 7)), [7], 1.0, ""),
        (Discrete((7,)), [7], 0.0, ""),
    ],
)
def test_where_the_best_lies(tmp_path: Path, scale: Scale, values: list[float], position: float, edge: str) -> None:
    records = trials_at([{"learning_rate": value} for value in values], [Ending.REACHED] * len(values))
    row = diagnosis(tmp_path, records, {"learning_rate": scale}).iloc[0]
    assert row["position"] == pytest.approx(position, abs=1e-4)
    assert (row["edge"], row["at_edge"]) == (edge, edge != "")
    assert row["best_value"] == values[0]


def test_the_reached_region_touches_an_edge_though_the_best_does_not(tmp_path: Path) -> None:
    points = [{"learning_rate": value} for value in (0.01, 0.8, 0.001, 1.5e-4)]
    endings = [Ending.REACHED, Ending.REACHED, Ending.REACHED, Ending.BUDGET]
    row = diagnosis(tmp_path, trials_at(points, endings), {"learning_rate": Log(1e-4, 1.0)}).iloc[0]
    assert not row["at_edge"]
    assert (row["reaches_low"], row["reaches_high"]) == (False, True)
    assert (row["reached_from"], row["reached_to"]) == pytest.approx((0.25, 0.9758), abs=1e-4)
    assert (row["suggested_low"], row["suggested_high"]) == (1e-4, 10.0)


@pytest.mark.parametrize(
    ("name", "scale", "end", "expected"),
    [
        ("learning_rate", Log(1e-4, 1.0), "high", (1e-4, 10.0)),
        ("learning_rate", Log(1e-4, 1.0), "low", (1e-5, 1.0)),
        ("learning_rate", Linear(0.1, 1.0), "low", (0.05, 1.0)),
        ("learning_rate", Linear(0.1, 1.0), "high", (0.1, 1.2)),
        ("learning_rate", Integer(1, 5), "high", (1, 6)),
        ("momentum", ReverseLog(0.9, 0.9999), "high", (0.9, 0.999982)),
        ("momentum", ReverseLog(0.9, 0.9999), "low", (0.44, 0.9999)),
        ("momentum", ReverseLog(0.0, 0.99), "low", (math.nan, math.nan)),
        ("momentum", ReverseLog(0.1, 0.99), "low", (0.0, 0.99)),
        ("momentum", Linear(0.5, 0.99), "high", (0.5, 0.995)),
        ("momentum", Discrete((0.1, 0.5, 0.9)), "high", (math.nan, math.nan)),
        ("decay_steps", Integer(100, 60_000), "low", (1, 60_000)),
        ("end_learning_rate_factor", Log(1e-4, 0.1), "high", (1e-4, 0.56)),
        ("end_learning_rate_factor", Linear(0.0, 1.0), "high", (math.nan, math.nan)),
        ("other", Linear(-1.0, 1.0), "low", (-1.5, 1.0)),
    ],
)
def test_a_suggested_range_is_wider_on_its_own_scale_and_possible(
    tmp_path: Path, name: str, scale: Scale, end: str, expected: tuple[float, float]
) -> None:
    value = scale.value(0.0 if end == "low" else math.nextafter(1.0, 0.0))
    point = {"learning_rate": 0.01} | {name: value}
    row = diagnosis(tmp_path, trials_at([point], [Ending.REACHED]), {name: scale}).iloc[0]
    assert row["edge"] == end
    assert (row["suggested_low"], row["suggested_high"]) == pytest.approx(expected, rel=0.02, nan_ok=True)


@given(
    low=st.floats(-0.999, 0.99),
    width=st.floats(1e-6, 1.0),
    kind=st.sampled_from([Linear, ReverseLog]),
    end=st.booleans(),
)
def test_a_suggested_momentum_stays_below_one_and_not_below_zero(
    low: float, width: float, kind: type[Scale], end: bool
) -> None:
    low = abs(low)
    scale = kind(low, low + width * (0.9999 - low))  # type: ignore[call-arg]
    wider = edges._wider("momentum", scale)[end]
    assert 0 <= wider < 1
    assert wider > scale.high if end else wider < scale.low or scale.low == 0  # type: ignore[attr-defined]


def test_a_cell_that_never_reached_has_no_position_and_no_warning(tmp_path: Path) -> None:
    points = [{"learning_rate": 0.9}, {"learning_rate": 0.95}, {"learning_rate": 0.99}]
    endings = [Ending.DIVERGED, Ending.BUDGET, Ending.FAILED]
    table = diagnosis(tmp_path, trials_at(points, endings), {"learning_rate": Log(1e-4, 1.0)})
    row = table.iloc[0]
    assert math.isnan(row["position"])
    assert not row["at_edge"]
    assert (row["trials"], row["reached"], row["diverged_share"]) == (2, 0, 0.5)
    assert edges.warnings(table) == []


def test_a_study_without_records_has_no_rows(tmp_path: Path) -> None:
    table = diagnosis(tmp_path, [], SPACE)
    assert len(table) == 0
    assert edges.warnings(table) == []
    assert len(plot_edges(table).data) == 0


def test_rows_of_a_study_agree_with_its_results(tmp_path: Path) -> None:
    trials = tables.load(fake_study(tmp_path, trials=40, failed=[3]))
    cells = tables.steps_to_result(trials)
    table = edges.diagnose(trials, {"fake": SPACE})
    assert len(table) == 2 * len(cells)
    for name, rows in table.groupby("metaparameter"):
        assert rows["best_value"].to_list() == cells[name].to_list()
        assert rows["best_trial"].to_list() == cells["best_trial"].to_list()
        assert rows["diverged_share"].to_list() == (cells["diverged"] / 39).to_list()
    found = table[table["position"].notna()]
    assert (found["reached_from"] <= found["position"]).all()
    assert (found["position"] <= found["reached_to"]).all()
    with pytest.raises(ValueError, match="lacks fake"):
        edges.diagnose(trials, {"another": SPACE})


def test_a_warning_names_the_range_the_cells_and_a_wider_range(tmp_path: Path) -> None:
    points = [{"learning_rate": 0.9, "momentum": 0.99}, {"learning_rate": 0.01, "momentum": 0.9998999}]
    table = diagnosis(tmp_path, trials_at(points, [Ending.REACHED] * 2), SPACE)
    assert edges.warnings(table) == [
        "learning_rate of fake, searched on [0.0001, 1]: within a tenth of its high end lie the best trial of 1 and "
        "reached trials of 1 of 1 cells; try [0.0001, 10]",
        "momentum of fake, searched on [0.9, 0.9999]: within a tenth of its high end lie reached trials of 1 of 1 "
        "cells; try [0.9, 0.999982]",
    ]


def test_importance_finds_the_metaparameter_that_decides(tmp_path: Path) -> None:
    points = [
        {"learning_rate": 10 ** (-4 + 4 * (i * 0.618 % 1)), "momentum": 1 - 10 ** (-1 - 3 * i / 60)} for i in range(60)
    ]
    distance = [abs(math.log10(point["learning_rate"]) + 2) for point in points]
    endings = [Ending.REACHED if far < 1 else Ending.DIVERGED for far in distance]
    records = trials_at(points, endings, [16 + int(1000 * far) for far in distance])
    found = importances(tables.load(fake_study(tmp_path, records)), {"fake": SPACE}).set_index("metaparameter")
    assert found["importance"].sum() == pytest.approx(1)
    assert found.loc["learning_rate", "importance"] > 0.9
    assert (found["reason"] == "").all()


@pytest.mark.parametrize(
    ("reached", "steps", "names", "reason"),
    [
        (4, None, 2, "needs 5 trials that reached the goal among 10; has 4 among 12"),
        (12, [32] * 12, 2, "all trials took the same steps"),
        (12, None, 1, "the only metaparameter"),
    ],
)
def test_importance_says_why_it_cannot_be_told(
    tmp_path: Path, reached: int, steps: list[int] | None, names: int, reason: str
) -> None:
    space = dict(list(SPACE.items())[:names])
    points = [{name: scale.value(index / 12) for name, scale in space.items()} for index in range(12)]
    endings = [Ending.REACHED] * reached + [Ending.BUDGET] * (12 - reached)
    found = importances(tables.load(fake_study(tmp_path, trials_at(points, endings, steps))), {"fake": space})
    assert found["importance"].isna().all()
    assert set(found["reason"]) == {reason}


def test_the_figure_shows_every_best_trial_and_rings_those_at_an_edge(tmp_path: Path) -> None:
    trials = tables.load(fake_study(tmp_path, trials=40))
    table = edges.diagnose(trials, {"fake": SPACE})
    figure = plot_edges(table)
    shown = sorted(y for trace in figure.data for y in trace.y)
    assert shown == sorted(table["position"].dropna())
    rings = [colour for trace in figure.data for colour in trace.marker.line.color]
    assert rings.count("#000000") == table["at_edge"].sum()
    assert [trace.name for trace in figure.data if trace.showlegend] == ["dense", "90% sparse"]
    bands = [(shape.y0, shape.y1, shape.yref) for shape in figure.layout.shapes]
    assert bands == [(0, edges.EDGE, "y"), (1 - edges.EDGE, 1, "y"), (0, edges.EDGE, "y2"), (1 - edges.EDGE, 1, "y2")]


def test_spaces_come_from_the_study_folder(tmp_path: Path) -> None:
    root = fake_study(tmp_path)
    space = {
        "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
        "momentum": {"scale": "discrete", "values": [0.5, 0.9]},
    }
    Store(root).write_specification({"name": "fake", "search_space": space}, FINGERPRINT)
    assert load_spaces(root) == {"fake": {"learning_rate": Log(1e-4, 1), "momentum": Discrete((0.5, 0.9))}}
    Store(root).write_specification({"name": "fake", "search_space": {"momentum": {"scale": "cubic"}}}, FINGERPRINT)
    with pytest.raises(UserError, match="got 'cubic'"):
        load_spaces(root)
    Store(root).write_specification({"name": "fake"}, FINGERPRINT)
    with pytest.raises(UserError, match="must name its search_space; got None"):
        load_spaces(root)
