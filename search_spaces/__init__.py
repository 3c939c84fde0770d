"""Scales, Sobol points, and the study files that use them."""
