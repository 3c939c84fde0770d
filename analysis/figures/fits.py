"""Scaling laws with their intervals, over the cells that they were fitted to."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style

_DASHES = ("solid", "dash", "dot", "dashdot")
_COLOURS = (style.VERMILLION, style.BLUE, style.GREEN, style.PURPLE)


def plot_fits(points: pd.DataFrame, curves: pd.DataFrame) -> go.Figure:
    """Steps over batch size: the cells' points, each law's curve and the band of its interval; a panel a group.

    `points`: group, batch_size, steps, censored (a limit, drawn as an open triangle), and lower and upper where there
    are intervals of the points. `curves`: group, law, batch_size, steps, lower, upper; NaN where there is no band.
    """
    groups, laws = list(dict.fromkeys(points["group"])), list(dict.fromkeys(curves["law"]))
    wide = len(groups) if len(groups) <= 4 else 3
    rows = -(-len(groups) // wide)
    figure = style.grid([style.label(group) for group in groups], wide, 300, 260)
    for index, group in enumerate(groups):
        traces = []
        for number, law in enumerate(laws):
            own = curves[(curves["group"] == group) & (curves["law"] == law)].sort_values("batch_size")
            traces += _law(own, style.label(law), number, index == 0)
        traces += _points(points[points["group"] == group], index == 0)
        style.add(figure, traces, index // wide + 1, index % wide + 1)
    figure.update_xaxes(style.log2_axis(points["batch_size"], "batch size", 7))
    figure.update_yaxes(style.log2_axis(_drawn(points, curves), ""))
    figure.update_yaxes(title_text="steps to result", col=1)
    return style.finish(figure, 110 + 280 * rows, 60 + 260 * wide)


def _drawn(*tables: pd.DataFrame) -> pd.Series:
    """Every number on the vertical axis, the ends of bars and bands too."""
    return pd.concat(
        [table[name] for table in tables for name in ("steps", "lower", "upper") if name in table]
    ).dropna()


def _law(own: pd.DataFrame, name: str, number: int, legend: bool) -> list[go.Scatter]:
    colour = _COLOURS[number % len(_COLOURS)]
    band = own.dropna(subset=["lower", "upper"])
    around = go.Scatter(
        x=pd.concat([band["batch_size"], band["batch_size"][::-1]]),
        y=pd.concat([band["upper"], band["lower"][::-1]]),
        fill="toself",
        fillcolor=style.fill(colour, 0.15),
        line={"width": 0},
        mode="lines",
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )
    line = go.Scatter(
        x=own["batch_size"],
        y=own["steps"],
        mode="lines",
        name=name,
        legendgroup=name,
        showlegend=legend,
        line={"color": colour, "width": 2, "dash": _DASHES[number % len(_DASHES)]},
        hovertemplate=f"{name}, batch %{{x:,.0f}}<br>%{{y:,.0f}} steps<extra></extra>",
    )
    return [around, line] if len(band) else [line]


def _points(own: pd.DataFrame, legend: bool) -> list[go.Scatter]:
    traces = []
    for name, symbol, part in (
        ("result", "circle", own[~own["censored"]]),
        ("not reached, at least", "triangle-up-open", own[own["censored"]]),
    ):
        bars = {}
        if "lower" in part and part[["lower", "upper"]].notna().any(axis=None):
            bars = {
                "error_y": {
                    "array": (part["upper"] - part["steps"]).to_numpy(),
                    "arrayminus": (part["steps"] - part["lower"]).to_numpy(),
                    "thickness": 1.2,
                }
            }
        trace = go.Scatter(
            x=part["batch_size"],
            y=part["steps"],
            mode="markers",
            name=name,
            legendgroup=name,
            showlegend=legend,
            marker={"symbol": symbol, "size": 9, "color": style.BLACK},
            hovertemplate=f"{name}<br>batch %{{x:,}}: %{{y:,}} steps<extra></extra>",
            **bars,
        )
        if len(part) or legend:
            traces.append(trace)
    return traces
