"""Both scaling laws fitted to every series of a report."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import bands
from analysis.bootstrap import Bootstrap
from analysis.intervals import Interval, end_of
from analysis.scaling import Comparison, fit

_NO_BAND = float("nan")


@dataclass(frozen=True)
class SeriesFit:
    """Both laws on the cells of one group and sparsity.

    `curves` has a row a law and batch size to draw: law, batch_size, steps, lower, upper (NaN without a band); none
    where neither law is supported. `parameters` are the rows of `Bootstrap.parameters`, None without intervals.
    """

    group: str
    sparsity: float
    comparison: Comparison
    curves: pd.DataFrame
    parameters: pd.DataFrame | None
    level: float

    def interval(self, law: str, symbol: str) -> Interval | None:
        """The interval of a parameter or a critical batch size; None where nothing was resampled."""
        if self.parameters is None:
            return None
        rows = self.parameters[(self.parameters["law"] == law) & (self.parameters["symbol"] == symbol)]
        if rows.empty:
            return None
        row = rows.iloc[0].to_dict()
        return Interval(end_of(row, "low"), end_of(row, "high"), self.level)


def fit_series(lines: pd.DataFrame, found: Bootstrap | None) -> tuple[SeriesFit, ...]:
    """A fit for each group and sparsity of `lines` from `series`, with the intervals that `found` holds of it.

    A cell without a result is a bound at its limit; one in which no trial could train or all diverged never reaches.
    """
    fits = []
    for (group, sparsity), own in lines.groupby(["group", "sparsity"], sort=True):
        never = own["steps"].isna() & (own["trials"] > own["failed"])
        comparison = fit(own["batch_size"], own["steps"].mask(never, np.inf), own["censored"])
        if found is None:
            fits.append(SeriesFit(group, sparsity, comparison, _curves(comparison), None, _NO_BAND))
            continue
        curves, parameters = (
            table[(table["group"] == group) & (table["sparsity"] == sparsity)]
            for table in (found.curves, found.parameters)
        )
        supported = curves if comparison.winner else curves.iloc[:0]
        fits.append(SeriesFit(group, sparsity, comparison, supported, parameters, found.level))
    return tuple(fits)


def _curves(comparison: Comparison) -> pd.DataFrame:
    frames = [pd.DataFrame(columns=["law", "batch_size", "steps", "lower", "upper"])]
    for found in (comparison.theorem, comparison.hyperbola) if comparison.winner else ():
        if found.law is not None and found.lowest is not None and found.highest is not None:
            sizes = bands.sizes(found.lowest, found.highest)
            curve = {"law": found.name, "batch_size": sizes, "steps": found.law(sizes)}
            frames.append(pd.DataFrame({**curve, "lower": np.nan, "upper": np.nan}))
    return pd.concat(frames[1:] or frames, ignore_index=True)
