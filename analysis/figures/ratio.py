"""Figure 5.12: what sparsity costs, as a ratio of steps."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style
from analysis.figures import lines


def plot_ratio(table: pd.DataFrame) -> go.Figure:
    """Sparse over dense steps-to-result against batch size, from `ratios`; the dotted line is the dense network's 1.

    An open triangle points up from a lower bound, where no sparse trial reached the goal.
    """
    groups, sparsities = list(dict.fromkeys(table["group"])), sorted(table["sparsity"].unique())
    marks = style.sparsity_marks(sparsities)
    figure = style.panels([""], groups, 300, 300)
    seen: set[float] = set()
    for column, group in enumerate(groups, 1):
        for sparsity, own in table[table["group"] == group].groupby("sparsity"):
            name = style.sparsity_name(sparsity)
            for trace in lines.traces(own, "ratio", marks[sparsity], name, sparsity not in seen):
                figure.add_trace(trace, 1, column)
            seen.add(sparsity)
    figure.add_hline(1, line={"color": style.GREY, "dash": "dot", "width": 1.3})
    figure.update_xaxes(style.log2_axis(table["batch_size"], "batch size", 7))
    figure.update_yaxes(rangemode="tozero", matches="y")
    figure.update_yaxes(title_text="steps, sparse ÷ dense", col=1)
    return style.finish(figure, 400, 60 + 280 * len(groups))
