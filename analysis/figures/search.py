"""Figures 5.3 and 5.4: every trial of a cell in its search space."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import style
from analysis.figures import hover

CELLS_A_PAGE = 24
_RATE = "learning rate"


def plot_search(trials: pd.DataFrame, results: pd.DataFrame) -> go.Figure:
    """Trials by learning rate and 1 − momentum, told apart by how they ended; batch sizes across, sparsities down.

    `trials` from `load` and `results` from `steps_to_result` hold the same cells of one workload, at most 24. Where no
    trial has a momentum, the learning rate stands against the steps that the trial ran. A star marks the best trial.
    Failed trials are missing.
    """
    batch_sizes, sparsities = sorted(results["batch_size"].unique()), sorted(results["sparsity"].unique())
    plane = "momentum" in trials and bool(trials["momentum"].notna().any())
    trials = trials[trials["ending"] != "failed"]
    height = (1 - trials["momentum"]) if plane else trials["steps_run"].clip(lower=1).astype(float)
    trials = trials.assign(height=height)
    figure = make_subplots(
        len(sparsities),
        len(batch_sizes),
        column_titles=[f"<b>batch {batch_size:,}</b>" for batch_size in batch_sizes],
        row_titles=[f"<b>{style.sparsity_name(sparsity)}</b>" for sparsity in sparsities],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=min(0.02, 0.1 / len(batch_sizes)),
        vertical_spacing=min(0.04, 0.15 / len(sparsities)),
    )
    best = set(results["best_trial_id"].dropna())
    named: set[str] = set()
    for row, sparsity in enumerate(sparsities, 1):
        for column, batch_size in enumerate(batch_sizes, 1):
            own = trials[(trials["sparsity"] == sparsity) & (trials["batch_size"] == batch_size)]
            starred = own["trial_id"].isin(best)
            parts = {ending: own[(own["ending"] == ending) & ~starred] for ending in style.ENDING}
            parts = {ending: part for ending, part in {**parts, "best": own[starred]}.items() if len(part)}
            dots = [_dots(part, ending, ending not in named) for ending, part in parts.items()]
            style.add(figure, dots, row, column)
            named.update(parts)
    y = style.log10_axis(height, "1 − momentum") if plane else style.log2_axis(height, "steps run")
    figure.update_xaxes(style.log10_axis(trials["learning_rate"], ""))
    figure.update_yaxes({**y, "title": {"text": ""}})
    figure.update_xaxes(title_text=_RATE, row=len(sparsities))
    figure.update_yaxes(title_text=y["title"]["text"], col=1)
    return style.finish(figure, 130 + 180 * len(sparsities), 90 + 160 * len(batch_sizes), top=64, right=30)


def _dots(part: pd.DataFrame, ending: str, legend: bool) -> go.Scatter:
    mark = style.BEST if ending == "best" else style.ENDING[ending]
    edge = {"width": 1, "color": style.BLACK} if ending == "best" else {"width": 1.6, "color": mark.colour}
    return go.Scatter(
        x=part["learning_rate"],
        y=part["height"],
        customdata=hover.trials(part),
        hovertemplate="%{customdata}<extra></extra>",
        mode="markers",
        name=ending,
        legendgroup=ending,
        showlegend=legend,
        marker={"symbol": mark.symbol, "color": mark.colour, "size": 15 if ending == "best" else 7, "line": edge},
    )
