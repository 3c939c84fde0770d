"""Steps-to-result of several kinds of study side by side: figures 5.2 and 5.9."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis import style
from analysis.figures import lines


def plot_by_sparsity(
    table: pd.DataFrame, row: str, line: str, names: Mapping[Any, str], marks: Mapping[Any, style.Mark]
) -> go.Figure:
    """Steps-to-result over batch size: a panel a sparsity and value of column `row`, a line a value of `line`."""
    rows, sparsities = list(dict.fromkeys(table[row])), sorted(table["sparsity"].unique())
    figure = style.panels(rows, [style.sparsity_name(sparsity) for sparsity in sparsities], 250, 240)
    seen: set[object] = set()
    for i, setting in enumerate(rows, 1):
        for j, sparsity in enumerate(sparsities, 1):
            panel = table[(table[row] == setting) & (table["sparsity"] == sparsity)]
            traces = []
            for value, own in panel.groupby(line, sort=True):
                traces += lines.traces(own, "steps", marks[value], style.label(names[value]), value not in seen)
                seen.add(value)
            style.add(figure, traces, i, j)
    figure.update_xaxes(style.log2_axis(table["batch_size"], "", 7))
    figure.update_yaxes(style.log2_axis(table["steps"].dropna(), ""))
    figure.update_xaxes(title_text="batch size", row=len(rows))
    figure.update_yaxes(title_text="steps to result", col=1)
    return style.finish(figure, 120 + 250 * len(rows), 60 + 230 * len(sparsities), right=30)
