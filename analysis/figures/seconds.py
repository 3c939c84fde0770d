"""Where the time went."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style

_PARTS = (("train_hours", "training", style.BLUE, ""), ("evaluate_hours", "evaluating", style.ORANGE, "/"),
          ("prune_hours", "pruning", style.GREEN, "x"))  # fmt: skip


def plot_seconds(table: pd.DataFrame) -> go.Figure:
    """Hours of one worker's clock by cell, stacked; from `series` with train_hours, evaluate_hours, prune_hours."""
    groups, sparsities = list(dict.fromkeys(table["group"])), sorted(table["sparsity"].unique())
    figure = style.panels(groups, [style.sparsity_name(sparsity) for sparsity in sparsities], 240, 240)
    for i, group in enumerate(groups, 1):
        for j, sparsity in enumerate(sparsities, 1):
            own = table[(table["group"] == group) & (table["sparsity"] == sparsity)]
            for column, name, colour, pattern in _PARTS:
                bar = go.Bar(
                    x=[f"{batch_size:,}" for batch_size in own["batch_size"]],
                    y=own[column],
                    name=name,
                    legendgroup=name,
                    showlegend=i == j == 1,
                    marker={
                        "color": colour,
                        "pattern": {"shape": pattern, "fgcolor": "white", "size": 5, "fillmode": "overlay"},
                    },
                    hovertemplate=f"batch %{{x}}<br>{name} %{{y:.3g}} hours<extra></extra>",
                )
                figure.add_trace(bar, i, j)
    figure.update_layout(barmode="stack", bargap=0.25)
    figure.update_xaxes(type="category", tickangle=-45)
    figure.update_xaxes(title_text="batch size", row=len(groups))
    figure.update_yaxes(matches="y", rangemode="tozero")
    figure.update_yaxes(title_text="hours", col=1)
    return style.finish(figure, 130 + 230 * len(groups), 60 + 210 * len(sparsities), right=30)
