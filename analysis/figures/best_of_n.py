"""Was the trial budget enough: the best of n trials against n."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style


def plot_best_of_n(table: pd.DataFrame) -> go.Figure:
    """Expected fewest steps among n trials over n: a panel a batch size, a line a sparsity.

    A curve that still falls at its end asks for more trials. `table` is one
    group's: batch_size, sparsity, n, steps; NaN where too few trials reached the goal to say.
    """
    batch_sizes = sorted(table["batch_size"].unique())
    marks = style.sparsity_marks(table["sparsity"])
    wide = min(4, len(batch_sizes))
    figure = style.grid([f"batch {batch_size:,}" for batch_size in batch_sizes], wide, 240, 220)
    seen: set[float] = set()
    traces: dict[int, list[go.Scatter]] = {}
    for (batch_size, sparsity), own in table.groupby(["batch_size", "sparsity"]):
        index, mark, name = batch_sizes.index(batch_size), marks[sparsity], style.sparsity_name(sparsity)
        trace = go.Scatter(
            x=own["n"],
            y=own["steps"],
            mode="lines+markers",
            name=name,
            legendgroup=name,
            showlegend=sparsity not in seen,
            marker={"symbol": mark.symbol, "size": 6, "color": mark.colour},
            line={"color": mark.colour, "width": 1.8},
            hovertemplate=f"{name}, best of %{{x}}<br>%{{y:,.0f}} steps expected<extra></extra>",
        )
        traces.setdefault(index, []).append(trace)
        seen.add(sparsity)
    for index, own in traces.items():
        style.add(figure, own, index // wide + 1, index % wide + 1)
    figure.update_xaxes(style.log2_axis(table["n"], "trials, n"))
    figure.update_yaxes(style.log2_axis(table["steps"].dropna(), ""))
    figure.update_yaxes(title_text="expected best steps", col=1)
    return style.finish(figure, 110 + 250 * -(-len(batch_sizes) // wide), 60 + 220 * wide)
