"""The search-space diagnosis: where each cell's best trial lies in the range of each metaparameter."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analysis import style
from analysis.edges import EDGE

_BAND = {"fillcolor": style.ORANGE, "opacity": 0.16, "line_width": 0, "layer": "below", "exclude_empty_subplots": False}
_SPREAD = 0.35  # doublings of the batch size to either side, so that sparsities with one best trial stay apart


def plot_edges(table: pd.DataFrame) -> go.Figure:
    """Position of the best trial on the unit scale over batch size, a panel a metaparameter, from `edges.diagnose`.

    A row of panels a study. The outer tenths of a range are shaded, ringed marks lie in them, and a thin line spans
    all trials of the cell that reached the goal. Cells that never reached it have no mark.
    """
    studies, names = list(dict.fromkeys(table["study"])), list(dict.fromkeys(table["metaparameter"]))
    sparsities = sorted(table["sparsity"].unique())
    marks = style.sparsity_marks(sparsities)
    shifts = 2.0 ** np.linspace(-_SPREAD, _SPREAD, len(sparsities)) if len(sparsities) > 1 else np.ones(len(sparsities))
    width = 60 + 260 * max(1, len(names))
    titles = [name.replace("_", " ") for name in names]
    figure = make_subplots(
        max(1, len(studies)),
        max(1, len(names)),
        subplot_titles=[f"{study}: {title}" if len(studies) > 1 else title for study in studies for title in titles],
        horizontal_spacing=75 / width,
        vertical_spacing=min(0.16, 0.4 / max(1, len(studies))),
    )
    named: set[float] = set()
    for row, study in enumerate(studies, 1):
        for column, name in enumerate(names, 1):
            panel = table[(table["study"] == study) & (table["metaparameter"] == name)]
            if len(panel) == 0:
                continue
            for sparsity, shift in zip(sparsities, shifts, strict=True):
                own = panel[(panel["sparsity"] == sparsity) & panel["position"].notna()]
                if len(own):
                    trace = _dots(own, shift, marks[sparsity], style.sparsity_name(sparsity), sparsity not in named)
                    figure.add_trace(trace, row, column)
                    named.add(sparsity)
            for bottom, top in ((0, EDGE), (1 - EDGE, 1)):
                figure.add_hrect(bottom, top, row=row, col=column, **_BAND)
            figure.update_xaxes(style.log2_axis(panel["batch_size"], "batch size"), row=row, col=column)
            figure.update_yaxes(_unit_axis(panel.iloc[0]), row=row, col=column)
    return style.finish(figure, 90 + 270 * max(1, len(studies)), width, top=80)


def _dots(own: pd.DataFrame, shift: float, mark: style.Mark, name: str, legend: bool) -> go.Scatter:
    rings = [style.BLACK if at_edge else mark.colour for at_edge in own["at_edge"]]
    return go.Scatter(
        x=own["batch_size"] * shift,
        y=own["position"],
        error_y={
            "type": "data",
            "array": own["reached_to"] - own["position"],
            "arrayminus": own["position"] - own["reached_from"],
            "thickness": 1,
            "width": 0,
            "color": mark.colour,
        },
        customdata=[_hover(cell) for cell in own.itertuples()],
        hovertemplate="%{customdata}<extra></extra>",
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=legend,
        marker={"symbol": mark.symbol, "size": 9, "color": mark.colour, "line": {"width": 2, "color": rings}},
    )


def _hover(cell: object) -> str:
    where = f"<br>in the outer tenth at the {cell.edge} end" if cell.at_edge else ""  # type: ignore[attr-defined]
    return (
        f"batch {cell.batch_size:,}, {style.sparsity_name(cell.sparsity)}<br>"  # type: ignore[attr-defined]
        f"best trial {cell.best_trial}: {cell.metaparameter.replace('_', ' ')} {cell.best_value:.6g}{where}<br>"  # type: ignore[attr-defined]
        f"{cell.reached} of {cell.trials} trials reached the goal"  # type: ignore[attr-defined]
    )


def _unit_axis(first: pd.Series) -> dict[str, object]:
    """The unit scale, its ends labelled with the values of the range."""
    return {
        "range": [-0.04, 1.04],
        "tickvals": [0, 0.5, 1],
        "ticktext": [f"{first['low']:g}", "", f"{first['high']:g}"],
        "title": {"text": f"{first['scale']} scale"},
    }
