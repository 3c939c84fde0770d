"""Plotly figures, a file a figure; each is drawn from a finished table and computes nothing."""
