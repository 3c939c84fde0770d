"""Figures from finished tables."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest
from fakes import fake_records, fake_study

from analysis import gallery, style
from analysis.evidence import Evidence, gather
from analysis.figures.best_of_n import plot_best_of_n
from analysis.figures.curves import plot_curves
from analysis.figures.fits import plot_fits
from analysis.figures.ratio import plot_ratio
from analysis.figures.search import CELLS_A_PAGE, plot_search
from analysis.figures.smoothness import plot_smoothness
from analysis.figures.steps import plot_steps


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A study with every ending but beaten, and with censored cells at batch size 8."""
    made = fake_records(
        (8, 64, 512), (0.0, 0.5, 0.9), 24, budget_steps=2_000, failed=[3], untrainable=[(0.9, 2)], also_goals=(0.05,)
    )
    return gather([fake_study(tmp_path_factory.mktemp("figures"), made)])


def _points(figure: go.Figure, chosen: Callable[[go.Scatter], bool]) -> set[tuple[float, float]]:
    found = [trace for trace in figure.data if chosen(trace)]
    return {(float(x), float(y)) for trace in found for x, y in zip(trace.x, trace.y, strict=True)}


def _is_limit(trace: go.Scatter) -> bool:
    return trace.marker.symbol == "triangle-up-open"


def test_the_powers_of_two_stand_at_the_ticks() -> None:
    axis = style.log2_axis([16, 1024], "batch size")
    assert axis["tickvals"] == [16, 32, 64, 128, 256, 512, 1024]
    assert axis["ticktext"][0] == "2<sup>4</sup>"
    assert axis["range"][0] < math.log10(16) < math.log10(1024) < axis["range"][1]


@pytest.mark.parametrize("values", [[], [7.0], [100.0, 101.0], [1.0, 2.0**40], [0.001, 1.0], [math.nan]])
def test_an_axis_has_two_ticks_at_least_and_eight_at_most(values: list[float]) -> None:
    for axis in (style.log2_axis(values, ""), style.log10_axis(values, "")):
        inside = [v for v in axis["tickvals"] if axis["range"][0] <= math.log10(v) <= axis["range"][1]]
        assert 2 <= len(inside) <= 14
        assert inside == axis["tickvals"]


def test_a_sparsity_has_a_colour_and_a_marker_of_its_own() -> None:
    marks = style.sparsity_marks([0.0, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98])
    assert len({mark.colour for mark in marks.values()}) == len({mark.symbol for mark in marks.values()}) == 7
    assert style.sparsity_marks([0.9])[0.9] == marks[0.9]


def test_steps_draws_every_cell_in_three_panels_and_limits_as_triangles(evidence: Evidence) -> None:
    figure = plot_steps(evidence.series)
    cells = evidence.series
    reached, limits = cells[cells["steps_to_result"].notna()], cells[cells["censored"]]
    assert len(limits) > 0
    wanted = set(zip(reached["batch_size"].astype(float), reached["steps"], strict=True))
    assert wanted <= _points(figure, lambda trace: trace.mode == "lines+markers")
    assert set(zip(limits["batch_size"].astype(float), limits["steps"], strict=True)) <= _points(figure, _is_limit)
    texts = [text for trace in figure.data if _is_limit(trace) for text in trace.customdata]
    assert all("not reached within 2,000 steps" in text for text in texts)
    assert len(list(figure.select_xaxes())) == 4


def test_one_legend_entry_a_sparsity_rules_every_panel(evidence: Evidence) -> None:
    for figure in (plot_steps(evidence.series), plot_ratio(evidence.ratios), plot_steps(evidence.series, stacked=True)):
        shown = [trace.legendgroup for trace in figure.data if trace.showlegend]
        assert len(shown) == len(set(shown))
        assert {trace.legendgroup for trace in figure.data} == set(shown)


def test_search_shows_each_trial_once_by_its_ending(evidence: Evidence) -> None:
    figure = plot_search(evidence.trials, evidence.results)
    counts: dict[str, int] = {}
    for trace in figure.data:
        counts[trace.name] = counts.get(trace.name, 0) + len(trace.x)
    wanted = evidence.trials["ending"].value_counts()
    best = int(evidence.results["steps_to_result"].notna().sum())
    assert counts == {
        "reached": wanted["reached"] - best,
        "best": best,
        "budget": wanted["budget"],
        "diverged": wanted["diverged"],
        "untrainable": wanted["untrainable"],
    }
    marks = {(trace.name, trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len({mark[1] for mark in marks}) == len({mark[2] for mark in marks}) == len(counts)


def test_search_without_momentum_stands_against_steps(tmp_path: Path) -> None:
    found = gather([fake_study(tmp_path, optimizer="sgd", trials=8)])
    figure = plot_search(found.trials, found.results)
    reached = found.trials[found.trials["ending"] == "reached"]
    wanted = set(zip(reached["learning_rate"], reached["steps_run"].astype(float), strict=True))
    assert wanted <= _points(figure, lambda trace: trace.name in ("reached", "best"))


def test_search_pages_hold_24_cells_at_most_and_all_together_every_trial(tmp_path: Path) -> None:
    study = fake_study(tmp_path, batch_sizes=[2**k for k in range(1, 15)], sparsities=(0.0, 0.5, 0.7, 0.9), trials=2)
    found = gather([study])
    pages = list(gallery.search(found))
    assert len(pages) == 3
    assert sum(len(trace.x) for page in pages for trace in page.figure.data) == len(found.trials)
    for page in pages:
        assert len(list(page.figure.select_xaxes())) <= CELLS_A_PAGE
    assert [page.name for page in gallery.search(found, 24, 48)] == ["search-2"]


def test_curves_draw_an_error_only_where_all_was_counted(evidence: Evidence) -> None:
    figure = plot_curves(evidence.curves)
    counted = evidence.curves[evidence.curves["validation_error"].notna()]
    drawn = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert sum(len(trace.x) for trace in drawn) == len(counted) < len(evidence.curves)
    assert sum(len(trace.x) for trace in figure.data) == len(counted) + len(evidence.curves)
    assert any("all of the validation set" in note.text for note in figure.layout.annotations)


def test_every_drawing_has_a_name_of_its_own_and_labelled_axes(evidence: Evidence) -> None:
    drawings = list(gallery.every(evidence))
    names = [drawing.name for drawing in drawings]
    assert names == [
        "steps",
        "ratio",
        "search-1",
        "edges",
        "best-of-n-1",
        "goals",
        "curves-1",
        "layers",
        "seconds",
    ]
    for drawing in drawings:
        assert drawing.caption
        for axes in (drawing.figure.select_xaxes(), drawing.figure.select_yaxes()):
            assert any(axis.title.text for axis in axes), drawing.name
        assert drawing.figure.layout.height > 200


def test_optimizers_are_compared_where_there_are_several(tmp_path: Path) -> None:
    studies = [fake_study(tmp_path, name=name, optimizer=name, trials=8) for name in ("sgd", "momentum", "nesterov")]
    found = gather(studies)
    (drawing,) = gallery.optimizers(found)
    assert {trace.name for trace in drawing.figure.data if trace.showlegend} == {"sgd", "momentum", "nesterov"}


def test_fits_draw_points_curves_and_bands() -> None:
    points = pd.DataFrame(
        {
            "group": "dense",
            "batch_size": [16, 64, 256],
            "steps": [1000.0, 300.0, 90.0],
            "censored": [True, False, False],
        }
    )
    curves = pd.DataFrame({"group": "dense", "law": "hyperbola", "batch_size": [16.0, 256.0], "steps": [1000.0, 95.0]})
    figure = plot_fits(points, curves.assign(lower=curves["steps"] * 0.9, upper=curves["steps"] * 1.1))
    assert _points(figure, _is_limit) == {(16.0, 1000.0)}
    assert sum(trace.fill == "toself" for trace in figure.data) == 1
    bare = plot_fits(points, curves.assign(lower=math.nan, upper=math.nan))
    assert not any(trace.fill for trace in bare.data)


@pytest.mark.parametrize(
    ("plot", "columns"),
    [
        (plot_best_of_n, {"batch_size": [16, 16], "sparsity": [0.0, 0.9], "n": [1, 2], "steps": [100.0, math.nan]}),
        (plot_smoothness, {"step": [0, 100], "lipschitz": [0.5, 0.7], "sparsity": [0.0, 0.9]}),
    ],
)
def test_a_line_a_sparsity(plot: Callable[[pd.DataFrame], go.Figure], columns: Mapping[str, list[float]]) -> None:
    figure = plot(pd.DataFrame(columns))
    assert [trace.name for trace in figure.data] == ["dense", "90% sparse"]


def test_optimizers_of_studies_of_their_own_share_their_panels(tmp_path: Path) -> None:
    studies = [fake_study(tmp_path, name=f"study {name}", optimizer=name, trials=8) for name in ("sgd", "momentum")]
    (drawing,) = gallery.optimizers(gather(studies))
    assert len(list(drawing.figure.select_xaxes())) == 2
    again = gather([studies[0], fake_study(tmp_path, name="other", optimizer="sgd", trials=8)])
    assert set(again.series["group"]) == {"study sgd", "other"}
