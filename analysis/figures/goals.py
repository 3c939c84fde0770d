"""Figure 5.9: how the goal error changes steps-to-result."""

import pandas as pd
import plotly.graph_objects as go

from analysis import style
from analysis.figures.compare import plot_by_sparsity


def plot_goals(table: pd.DataFrame) -> go.Figure:
    """Steps-to-result over batch size, a panel a sparsity, a line a goal, from `series` of what `goals` loads."""
    values = sorted(table["goal_error"].unique())
    names = {goal: f"goal {100 * goal:g}%" for goal in values}
    return plot_by_sparsity(table, "aim", "goal_error", names, style.plain_marks(values))
