"""From records to tables, scaling laws and figures; in a notebook: `analysis.load(DIR)`, `.steps_to_result`, `.fit`."""

from analysis.scaling import fit
from analysis.tables import load, steps_to_result

__all__ = ["fit", "load", "steps_to_result"]
