"""Which figures a report has, in their order."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis import budget, series, style
from analysis.evidence import Evidence
from analysis.figures.best_of_n import plot_best_of_n
from analysis.figures.curves import plot_curves
from analysis.figures.edges import plot_edges
from analysis.figures.fits import plot_fits
from analysis.figures.goals import plot_goals
from analysis.figures.layers import plot_layers
from analysis.figures.optimizers import plot_optimizers
from analysis.figures.ratio import plot_ratio
from analysis.figures.search import CELLS_A_PAGE, plot_search
from analysis.figures.seconds import plot_seconds
from analysis.figures.steps import plot_steps
from analysis.tables import cell_numbers
from study.records import Ending

PAGES = 3
CURVE_COLUMNS = 6
GROUPS = 4


@dataclass(frozen=True)
class Drawing:
    """A figure under a name for its file, with what a reader must know beside it; `stacked` is for a narrow page."""

    name: str
    caption: str
    figure: go.Figure
    stacked: go.Figure | None = None


def every(evidence: Evidence, cells: tuple[int, int] | None = None) -> Iterator[Drawing]:
    """All figures; `cells` bounds those of the search, counted from 1."""
    first, last = cells or (1, CELLS_A_PAGE * PAGES)
    yield from steps(evidence)
    yield from fits(evidence)
    yield from ratio(evidence)
    yield from search(evidence, first - 1, last)
    yield from edges(evidence)
    yield from best_of_n(evidence)
    yield from optimizers(evidence)
    yield from goals(evidence)
    yield from curves(evidence)
    yield from layers(evidence)
    yield from seconds(evidence)


def steps(evidence: Evidence) -> Iterator[Drawing]:
    """Figure 5.1, where there is a cell with a number to draw."""
    drawn = evidence.series[evidence.series["steps"].notna()]
    if drawn.empty:
        return
    caption = (
        "Fewest steps to the goal at each batch size, both axes in powers of two. Dashed: perfect scaling, where twice "
        "the batch takes half the steps. An open triangle points up from the steps spent where no trial reached "
        "the goal. Last panel: each series divided by its own first value."
    )
    yield Drawing("steps", caption, plot_steps(drawn), plot_steps(drawn, stacked=True))


def fits(evidence: Evidence) -> Iterator[Drawing]:
    """Both laws over the points of each series, a figure for each of the first four groups."""
    groups = list(evidence.series.groupby("group", sort=True))
    for number, (group, own) in enumerate(groups[:GROUPS], 1):
        drawn = own[own["steps"].notna()]
        found = [fit for fit in evidence.fits if fit.group == group and len(fit.curves)]
        if drawn.empty or not found:
            continue
        names = {sparsity: style.sparsity_name(sparsity) for sparsity in own["sparsity"]}
        points = drawn.assign(group=drawn["sparsity"].map(names))
        caption = (
            f"{_of(group)}Both laws, fitted to the fewest steps at each batch size. "
            f"{'' if evidence.intervals is None else _bars(evidence.intervals.level)}"
            f"No curve where neither law is supported.{_first(len(groups))}"
        )
        if evidence.intervals is not None:
            known = points["steps_to_result_high_relation"] == "="
            upper = points["steps_to_result_high"].where(known & np.isfinite(points["steps_to_result_high"]))
            points = points.assign(lower=points["steps"].where(upper.notna()), upper=upper)
        curves = pd.concat([fit.curves.assign(group=names[fit.sparsity]) for fit in found])
        yield Drawing(f"fits-{number}", caption, plot_fits(points, curves))


def search(evidence: Evidence, first: int = 0, last: int = CELLS_A_PAGE * PAGES) -> Iterator[Drawing]:
    """Figure 5.3 (5.4 without momentum), at most 24 cells each, of the cells `first` to `last` in a report's order."""
    pages = [page for own in _by_group(evidence.results) for page in _pages(own)]
    numbers = cell_numbers(evidence.trials)
    done = 0
    for number, page in enumerate(pages, 1):
        done += len(page)
        if done <= first or done - len(page) >= last:
            continue
        trials = evidence.trials[np.isin(numbers, page["cell"])]
        trials = trials[trials["ending"] != Ending.FAILED]
        if len(trials):
            label = page["group"].iloc[0]
            caption = (
                f"{_of(label)}Every trial of {len(page)} cells in its search space; the star is the "
                "trial with the fewest steps. Failed trials are missing."
            )
            yield Drawing(f"search-{number}", caption, plot_search(trials, page))


def ratio(evidence: Evidence) -> Iterator[Drawing]:
    """Figure 5.12, where a sparse cell stands beside a dense one that reached its goal."""
    if len(evidence.ratios):
        bars = (
            ""
            if evidence.intervals is None
            else f" Bars: {evidence.intervals.level:.0%} intervals; one that is only a bound is not drawn."
        )
        caption = (
            "Steps-to-result of sparse networks over those of dense ones. Dotted: as many. An open triangle points up "
            f"from a lower bound, where no sparse trial reached the goal.{bars}"
        )
        yield Drawing("ratio", caption, plot_ratio(evidence.ratios))


def edges(evidence: Evidence) -> Iterator[Drawing]:
    """Where the best trials lie in their search space."""
    if evidence.diagnosis["position"].notna().any():
        caption = (
            "Where the best trial of each cell lies in the range of each metaparameter; a thin line spans all trials "
            "that reached the goal. Shaded: the outer tenths of the range. Ringed: a best trial in one of them."
        )
        yield Drawing("edges", caption, plot_edges(evidence.diagnosis))


def best_of_n(evidence: Evidence) -> Iterator[Drawing]:
    """Expected fewest steps among n trials, a figure for each of the first four groups."""
    groups = list(evidence.best_of.groupby("group", sort=True))
    for number, (group, own) in enumerate(groups[:GROUPS], 1):
        if own["steps"].notna().any():
            caption = (
                f"{_of(group)}The fewest steps to expect of n trials taken from a cell's at random, where at least "
                f"{1 - budget.MOST_BARREN:.0%} of such choices hold one that reached the goal. A line that still falls "
                f"at its end asks for more trials.{_first(len(groups))}"
            )
            yield Drawing(f"best-of-n-{number}", caption, plot_best_of_n(own))


def optimizers(evidence: Evidence) -> Iterator[Drawing]:
    """Figure 5.2, where there are several optimisers."""
    drawn = evidence.series[evidence.series["steps"].notna()]
    if drawn["optimizer"].nunique() > 1:
        caption = "Steps-to-result of the optimisers. An open triangle points up from the steps spent without the goal."
        yield Drawing("optimizers", caption, plot_optimizers(drawn))


def goals(evidence: Evidence) -> Iterator[Drawing]:
    """Figure 5.9, where trials were tested for looser goals too."""
    drawn = evidence.goals[evidence.goals["steps"].notna()]
    if drawn["goal_error"].nunique() > 1:
        caption = (
            "Steps-to-result for each goal, from the same trials. A search that stops at the tightest goal ranks its "
            "trials by all of them."
        )
        yield Drawing("goals", caption, plot_goals(drawn))


def curves(evidence: Evidence) -> Iterator[Drawing]:
    """Figure 5.6 for each of the first four groups, at six batch sizes at most."""
    groups = list(evidence.curves.groupby("group", sort=True))
    for number, (group, own) in enumerate(groups[:GROUPS], 1):
        batch_sizes = sorted(own["batch_size"].unique())
        places = sorted({round(place) for place in np.linspace(0, len(batch_sizes) - 1, CURVE_COLUMNS)})
        some = own[own["batch_size"].isin([batch_sizes[place] for place in places])]
        caption = (
            f"{_of(group)}The best trial of each cell. A goal test that is certainly missed stops "
            "early, having counted the hardest examples first; such a count is no error rate and is not drawn."
            f"{f' {len(places)} of {len(batch_sizes)} batch sizes.' if len(places) < len(batch_sizes) else ''}"
            f"{_first(len(groups))}"
        )
        yield Drawing(f"curves-{number}", caption, plot_curves(some))


def layers(evidence: Evidence) -> Iterator[Drawing]:
    """How dense the masks left each layer."""
    drawn = evidence.densities[evidence.densities["sparsity"] > 0]
    if len(drawn):
        masks = int(drawn["masks"].max())
        caption = f"Share of each layer's parameters that the masks kept: mean and whole range of {masks} masks."
        yield Drawing("layers", caption, plot_layers(drawn))


def seconds(evidence: Evidence) -> Iterator[Drawing]:
    """The time that each cell took."""
    if evidence.results["seconds"].sum() > 0:
        hours = {f"{part}_hours": evidence.series[f"{part}_seconds"] / 3600 for part in ("train", "evaluate", "prune")}
        caption = "Hours of one worker's clock spent on all trials of a cell."
        yield Drawing("seconds", caption, plot_seconds(evidence.series.assign(**hours)))


def _of(group: str) -> str:
    return f"{group}. " if group else ""


def _first(groups: int) -> str:
    return f" The first {GROUPS} of {groups} groups." if groups > GROUPS else ""


def _bars(level: float) -> str:
    return (
        f"Bars and bands: {level:.0%} intervals, from resampling the trials of each cell; resampling can only raise a "
        "minimum, so bars point up and bands lie mostly above their curve. "
    )


def _by_group(results: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The cells of each setting with the label of its series."""
    labelled = series.series(results)
    yield from (own for _, own in labelled.groupby("group", sort=True))


def _pages(own: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """At most 24 cells a page: whole columns of sparsities where they fit."""
    sparsities = sorted(own["sparsity"].unique())
    for top in range(0, len(sparsities), CELLS_A_PAGE):
        rows = own[own["sparsity"].isin(sparsities[top : top + CELLS_A_PAGE])]
        wide = CELLS_A_PAGE // min(CELLS_A_PAGE, len(sparsities))
        batch_sizes = sorted(rows["batch_size"].unique())
        for left in range(0, len(batch_sizes), wide):
            yield rows[rows["batch_size"].isin(batch_sizes[left : left + wide])]
