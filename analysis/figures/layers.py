"""How dense the masks leave each layer."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style


def plot_layers(table: pd.DataFrame) -> go.Figure:
    """Share of kept parameters by layer and sparsity, from `densities`: the mean over masks, and their whole range."""
    table = table[table["sparsity"] > 0]
    groups = list(dict.fromkeys(table["group"]))
    marks = style.sparsity_marks(table["sparsity"])
    figure = style.panels([""], groups, 320, 300)
    seen: set[float] = set()
    for column, group in enumerate(groups, 1):
        for sparsity, own in table[table["group"] == group].groupby("sparsity"):
            name, mark = style.sparsity_name(sparsity), marks[sparsity]
            trace = go.Scatter(
                x=[style.label(layer) for layer in own["layer"]],
                y=own["density"],
                customdata=own[["lowest", "highest", "masks"]].astype(float).to_numpy().tolist(),
                error_y={
                    "array": (own["highest"] - own["density"]).to_numpy(),
                    "arrayminus": (own["density"] - own["lowest"]).to_numpy(),
                    "thickness": 1.2,
                    "width": 4,
                },
                mode="lines+markers",
                name=name,
                legendgroup=name,
                showlegend=sparsity not in seen,
                marker={"symbol": mark.symbol, "size": 8, "color": mark.colour},
                line={"color": mark.colour, "width": 1.5},
                hovertemplate=f"{name}, %{{x}}<br>kept %{{y:.2%}} (%{{customdata[0]:.2%}} to %{{customdata[1]:.2%}} "
                "over %{customdata[2]} masks)<extra></extra>",
            )
            figure.add_trace(trace, 1, column)
            seen.add(sparsity)
    figure.update_xaxes(type="category", title_text="layer")
    figure.update_yaxes(tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(title_text="parameters kept", col=1)
    return style.finish(figure, 380, 60 + 280 * len(groups))
