"""Figure 5.12: what sparsity costs, as a ratio of steps."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analysis import style
from analysis.figures import lines


def plot_ratio(table: pd.DataFrame) -> go.Figure:
    """Sparse over dense steps-to-result against batch size, from `ratios`; the dotted line is the dense network's 1.

    An open triangle points up from a lower bound, where no sparse trial reached the goal. Bars are drawn where `table`
    has ratio_low and ratio_high, to the ends that are no bounds.
    """
    groups, sparsities = list(dict.fromkeys(table["group"])), sorted(table["sparsity"].unique())
    marks = style.sparsity_marks(sparsities)
    figure = style.panels([""], groups, 300, 300)
    seen: set[float] = set()
    for column, group in enumerate(groups, 1):
        for sparsity, own in table[table["group"] == group].groupby("sparsity"):
            name = style.sparsity_name(sparsity)
            traces = lines.traces(own, "ratio", marks[sparsity], name, sparsity not in seen)
            if "ratio_low" in own:
                traces[0].error_y = _bars(own[~own["censored"]], marks[sparsity])
            style.add(figure, traces, 1, column)
            seen.add(sparsity)
    figure.add_hline(1, line={"color": style.GREY, "dash": "dot", "width": 1.3})
    figure.update_xaxes(style.log2_axis(table["batch_size"], "batch size", 7))
    figure.update_yaxes(rangemode="tozero", matches="y")
    figure.update_yaxes(title_text="steps, sparse ÷ dense", col=1)
    return style.finish(figure, 400, 60 + 280 * len(groups))


def _bars(own: pd.DataFrame, mark: style.Mark) -> dict[str, Any]:
    """From each ratio to the ends of its interval; no length where an end is a bound or open."""
    ends = {}
    for end, sign in (("high", 1), ("low", -1)):
        length = sign * (own[f"ratio_{end}"] - own["ratio"])
        drawn = (own[f"ratio_{end}_relation"] == "=") & np.isfinite(length)
        ends[end] = length.where(drawn, 0.0).clip(lower=0).to_numpy()
    return {"array": ends["high"], "arrayminus": ends["low"], "thickness": 1.2, "width": 3, "color": mark.colour}
