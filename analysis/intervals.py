"""A number that may be only a bound, an interval of two such ends, and their percentiles over resamples."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Relation = Literal["=", ">=", "<="]


@dataclass(frozen=True)
class End:
    """A value, or a bound where `relation` is ">=" or "<="; infinite with "=" where it is never reached."""

    value: float
    relation: Relation = "="

    @property
    def censored(self) -> bool:
        """Whether the value is only a bound."""
        return self.relation != "="

    def __str__(self) -> str:
        if math.isinf(self.value):
            return "never"
        sign = {"=": "", ">=": "≥ ", "<=": "≤ "}[self.relation]
        return sign + format_number(self.value)


@dataclass(frozen=True)
class Interval:
    """An interval at `level`; an end is None where the data leave it open.

    `sided` is "upper" for an interval of a minimum: resampling can only raise a minimum, so its lower end is the
    minimum itself and the upper end is the one-sided `level` percentile.
    """

    low: End | None
    high: End | None
    level: float
    sided: Literal["two", "upper"] = "two"

    @property
    def open_low(self) -> bool:
        return self.low is None

    @property
    def open_high(self) -> bool:
        return self.high is None

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "undetermined"
        if self.low is None:
            return f"up to {self.high}"
        return f"from {self.low}" if self.high is None else f"{self.low} to {self.high}"


def format_number(value: float) -> str:
    """Four significant digits; whole numbers with thousands up to ten million, an exponent beyond."""
    if value == 0:
        return "0"
    if 1000 <= abs(value) < 1e7:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def columns(name: str, end: End | None) -> dict[str, float | str]:
    """An end as two columns of a table, `name` and `name`_relation: NaN and "" for one that is open."""
    return {name: math.nan if end is None else end.value, f"{name}_relation": "" if end is None else end.relation}


def end_of(row: Mapping[str, Any], name: str) -> End | None:
    """The inverse of `columns` on one row of a table."""
    return End(float(row[name]), row[f"{name}_relation"]) if row[f"{name}_relation"] else None


def inside(value: float, lowest: float, highest: float) -> End:
    """`value`, or the end of the measured range as a bound where it lies outside that range."""
    if value > highest:
        return End(highest, ">=")
    if value < lowest:
        return End(lowest, "<=")
    return End(value)


def between(low: float, high: float) -> End | None:
    """What is known of a number in [low, high], both at least 0: the number, a bound, or None for nothing.

    Where both ends are informative the upper one is given, as a bound.
    """
    if low == high:
        return End(low)
    if math.isfinite(high):
        return End(high, "<=")
    return End(low, ">=") if low > 0 else None


def percentile_end(low: FloatArray, high: FloatArray, share: float, side: Literal["low", "high"]) -> End | None:
    """The percentile at `share` of resampled numbers of which each is known only to lie in [low, high].

    An order statistic, never interpolated, so that one among bounds stays a bound: with the bounds at their lowest and
    at their highest the percentile is the same, or the end is reported as ">=" or "<=" (None where nothing is known).
    Where it lies between two finite numbers, the one that makes the interval wider is given.
    """
    rank = max(math.ceil(share * low.size - 1e-9), 1) - 1
    lowest = float(np.partition(low, rank)[rank])
    highest = float(np.partition(high, rank)[rank])
    if lowest != highest and lowest > 0 and math.isfinite(highest):
        return End(lowest) if side == "low" else End(highest)
    return between(lowest, highest)
