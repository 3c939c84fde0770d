"""Figure 5.1: steps-to-result against batch size."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import style
from analysis.figures import lines

_STEPS = "steps to result"
_BATCH = "batch size"


def plot_steps(table: pd.DataFrame, stacked: bool = False) -> go.Figure:
    """Steps-to-result over batch size, log₂–log₂, from `series`: the lowest sparsity, the highest, all, all normalised.

    A row a group. Dashed: perfect scaling from the first cell. Open triangles point up from a cell's limit where no
    trial reached the goal. `stacked` puts the four panels of a group below each other, for a narrow page.
    """
    groups = list(dict.fromkeys(table["group"]))
    sparsities = sorted(table["sparsity"].unique())
    marks = style.sparsity_marks(sparsities)
    panels = [([sparsities[0]], False), ([sparsities[-1]], False), (sparsities, False), (sparsities, True)]
    titles = [style.sparsity_name(sparsities[0]), style.sparsity_name(sparsities[-1]), "all", "all, ÷ own first value"]
    if len(sparsities) == 1:
        panels, titles = [panels[0], panels[3]], [titles[0], titles[3]]
    columns = 1 if stacked else len(panels)
    rows = len(groups) * len(panels) // columns
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[
            f"{style.label(group)}{'<br>' if group else ''}<b>{title}</b>" for group in groups for title in titles
        ],
        horizontal_spacing=0.075,
        vertical_spacing=min(0.12, 0.4 / rows) if rows > 1 else 0.1,
    )
    names = [style.sparsity_name(sparsity) for sparsity in sparsities]
    seen: set[str] = set()
    for index in range(rows * columns):
        place = {"row": index // columns + 1, "col": index % columns + 1}
        chosen, relative = panels[index % len(panels)]
        part = table[(table["group"] == groups[index // len(panels)]) & table["sparsity"].isin(chosen)]
        shown = "relative_steps" if relative else "steps"
        parts = {sparsity: own for sparsity, own in part.groupby("sparsity") if own[shown].notna().any()}
        traces = [_perfect(own, f"perfect_{shown}") for own in list(parts.values())[: 1 if relative else None]]
        for sparsity, own in parts.items():
            traces += lines.traces(own, shown, marks[sparsity], style.sparsity_name(sparsity), False)
        for trace in traces:
            trace.legendrank = 1 if trace.legendgroup == "perfect" else 2 + names.index(trace.legendgroup)
            trace.showlegend = len(trace.x) > 0 and trace.legendgroup not in seen
            seen.update([trace.legendgroup] if trace.showlegend else [])
        style.add(figure, traces, **place)
        figure.update_xaxes(style.log2_axis(part["batch_size"], _BATCH, 7), **place)
        figure.update_yaxes(style.log2_axis(part[shown], "steps ÷ first steps" if relative else _STEPS), **place)
    return style.finish(figure, 90 + 280 * rows, 300 if stacked else 260 * columns, top=110 if stacked else 84)


def _perfect(own: pd.DataFrame, column: str) -> go.Scatter:
    own = own[own[column].notna()]
    return go.Scatter(
        x=own["batch_size"],
        y=own[column],
        mode="lines",
        name="perfect scaling",
        legendgroup="perfect",
        hoverinfo="skip",
        line={"color": style.GREY, "width": 1.3, "dash": "dash"},
    )
