"""Figure 5.6: training loss and validation error of the best trials."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style

_SUBTITLE = "validation error only where all of the validation set was counted"


def plot_curves(table: pd.DataFrame) -> go.Figure:
    """Training loss and validation error over steps of each cell's best trial: batch sizes across, a line a sparsity.

    `table` is one group's part of `Evidence.curves`: batch_size, sparsity, trial_id, step, train_loss, and
    validation_error, NaN where the count stopped early (it is then on the hardest examples first, and no error rate).
    """
    batch_sizes = sorted(table["batch_size"].unique())
    marks = style.sparsity_marks(table["sparsity"])
    figure = style.panels(["", ""], [f"batch {batch_size:,}" for batch_size in batch_sizes], 220, 200)
    seen: set[float] = set()
    losses: dict[int, list[go.Scatter]] = {}
    errors: dict[int, list[go.Scatter]] = {}
    for (batch_size, sparsity), own in table.groupby(["batch_size", "sparsity"]):
        column, mark, name = batch_sizes.index(batch_size) + 1, marks[sparsity], style.sparsity_name(sparsity)
        common = {"name": name, "legendgroup": name, "line": {"color": mark.colour, "width": 1.8}}
        loss = go.Scatter(
            x=own["step"],
            y=own["train_loss"],
            mode="lines",
            showlegend=sparsity not in seen,
            hovertemplate=f"{name}, step %{{x:,}}<br>training loss %{{y:.4g}}<extra></extra>",
            **common,
        )
        counted = own[own["validation_error"].notna()]
        error = go.Scatter(
            x=counted["step"],
            y=counted["validation_error"],
            mode="lines+markers",
            showlegend=False,
            marker={"symbol": mark.symbol, "size": 7, "color": mark.colour},
            hovertemplate=f"{name}, step %{{x:,}}<br>validation error %{{y:.2%}}<extra></extra>",
            **common,
        )
        losses.setdefault(column, []).append(loss)
        errors.setdefault(column, []).append(error)
        seen.add(sparsity)
    for row, panels in enumerate((losses, errors), 1):
        for column, traces in panels.items():
            style.add(figure, traces, row, column)
    figure.update_xaxes(rangemode="tozero", nticks=5)
    figure.update_xaxes(title_text="steps", row=2)
    for column in range(1, len(batch_sizes) + 1):
        figure.update_xaxes(matches="x" if column == 1 else f"x{column}", row=2, col=column)
    figure.update_yaxes(style.log10_axis(table["train_loss"], ""), row=1)
    figure.update_yaxes(rangemode="tozero", tickformat=".1%", row=2)
    figure.update_yaxes(title_text="training loss", row=1, col=1)
    figure.update_yaxes(title_text="validation error", row=2, col=1)
    style.finish(figure, 520, 80 + 200 * len(batch_sizes), top=96)
    note = {"text": _SUBTITLE, "font": {"size": 12, "color": style.GREY}, "showarrow": False, "xref": "paper"}
    return figure.add_annotation(**note, yref="paper", x=0, y=1, yshift=36, xanchor="left", yanchor="bottom")
