"""Figure 5.2: optimisers compared at each sparsity."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style
from analysis.figures.compare import plot_by_sparsity


def plot_optimizers(table: pd.DataFrame) -> go.Figure:
    """Steps-to-result over batch size from `series`, a panel a sparsity (and setting), a line an optimiser."""
    optimizers = sorted(table["optimizer"].unique())
    return plot_by_sparsity(
        table, "setting", "optimizer", {name: name for name in optimizers}, style.optimizer_marks(optimizers)
    )
