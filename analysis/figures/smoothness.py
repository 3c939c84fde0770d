"""Figure 5.5: how smooth the gradient is along training."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style


def plot_smoothness(table: pd.DataFrame) -> go.Figure:
    """L̂, the local Lipschitz constant of the gradient, over steps: a line a sparsity, a panel a group.

    `table`: step, lipschitz, sparsity, and group where there are several.
    """
    table = table.assign(group=table.get("group", ""))
    groups = list(dict.fromkeys(table["group"]))
    marks = style.sparsity_marks(table["sparsity"])
    wide = min(3, len(groups))
    figure = style.grid([style.label(group) for group in groups], wide, 300, 260)
    seen: set[float] = set()
    for (group, sparsity), own in table.groupby(["group", "sparsity"]):
        index, mark, name = groups.index(group), marks[sparsity], style.sparsity_name(sparsity)
        trace = go.Scatter(
            x=own["step"],
            y=own["lipschitz"],
            mode="lines+markers",
            name=name,
            legendgroup=name,
            showlegend=sparsity not in seen,
            marker={"symbol": mark.symbol, "size": 6, "color": mark.colour},
            line={"color": mark.colour, "width": 1.8},
            hovertemplate=f"{name}, step %{{x:,}}<br>L̂ %{{y:.4g}}<extra></extra>",
        )
        figure.add_trace(trace, index // wide + 1, index % wide + 1)
        seen.add(sparsity)
    figure.update_xaxes(title_text="steps", rangemode="tozero")
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title_text="local Lipschitz constant L̂", col=1)
    return style.finish(figure, 110 + 280 * -(-len(groups) // wide), 60 + 270 * wide)
