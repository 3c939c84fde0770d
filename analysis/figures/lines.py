"""A series of cells as a line, and the limits of its censored cells."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style
from analysis.figures import hover


def traces(own: pd.DataFrame, shown: str, mark: style.Mark, name: str, legend: bool) -> list[go.Scatter]:
    """Column `shown` of cells from `series` over batch size; open triangles point up from limits."""
    own = own[own[shown].notna()]
    reached, censored = own[~own["censored"]], own[own["censored"]]
    common = {"legendgroup": name, "name": name, "hovertemplate": "%{customdata}<extra></extra>"}
    line = go.Scatter(
        x=reached["batch_size"],
        y=reached[shown],
        customdata=hover.cells(reached),
        mode="lines+markers",
        showlegend=legend,
        marker={"symbol": mark.symbol, "size": 8, "color": mark.colour},
        line={"color": mark.colour, "width": 2},
        **common,
    )
    bound = go.Scatter(
        x=censored["batch_size"],
        y=censored[shown],
        customdata=hover.cells(censored),
        mode="markers",
        showlegend=False,
        marker={"symbol": "triangle-up-open", "size": 11, "color": mark.colour, "line": {"width": 2}},
        **common,
    )
    return [line, bound] if len(censored) else [line]
