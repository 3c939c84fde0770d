"""The two scaling laws of steps-to-result against batch size, each a frozen dataclass of its parameters."""

import math
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from analysis.intervals import FloatArray, Relation
from study.errors import UserError

EXCESS = 0.2
"""The share of examples above the linear regime's that defines the 20% critical batch sizes."""

BASE_BATCH_SIZE = 256.0
"""B_opt of the rule behind the golden language-model fits: the batch size that the excess is counted from."""

# With e = EXCESS, B K(B) = (1 + e) 4C solves x^2 = 4 (1 + e) (x - 1) for x = B/T: 3.380 at 20%.
EXCESS_OF_T = 2 * (1 + EXCESS) + 2 * math.sqrt((1 + EXCESS) * EXCESS)

# The T of a theorem curve that is flat over any batch size of at least one: K is off by a relative 1e-9.
_FLAT_T = 1e-9


@dataclass(frozen=True)
class CriticalBatchSize:
    """A critical batch size and its definition in words; never shown without it.

    `value` is in examples; it is a bound where `relation` is ">=" or "<=". `symbol` is its key in JSON.
    """

    name: str
    definition: str
    value: float
    symbol: str
    relation: Relation = "="


@dataclass(frozen=True)
class Theorem:
    """K(B) = 4C/B for B <= 2T, C (1/T + 1/(B - T)) for B >= 2T (thesis, Theorem 5.3.1).

    C in steps x examples, T in examples; an infinite T is linear scaling at every batch size.
    """

    C: float
    T: float

    name: ClassVar[str] = "theorem"
    formula: ClassVar[str] = "K = 4C/B up to B = 2T, then C (1/T + 1/(B - T))"
    reach: ClassVar[float] = 0.5
    """The shape parameter, over the largest batch size, from which on the law is linear scaling on the data."""

    def __post_init__(self) -> None:
        if not (0 < self.C < math.inf and self.T > 0):
            raise UserError(f"Theorem: C must be positive and finite and T positive; got C={self.C}, T={self.T}")

    def __call__(self, batch_sizes: npt.ArrayLike) -> FloatArray:
        """Steps at `batch_sizes` (examples), the same shape."""
        return self.C * np.exp(self.log_shape(np.asarray(batch_sizes, dtype=np.float64), np.float64(self.T)))

    @property
    def floor(self) -> float:
        """C/T: the steps that no batch size goes below."""
        return self.C / self.T

    @property
    def parameters(self) -> dict[str, float]:
        return {"C": self.C, "T": self.T, "floor": self.floor}

    @staticmethod
    def log_shape(batch_sizes: FloatArray, theta: FloatArray | np.float64) -> FloatArray:
        """ln(K/C) at T = `theta`, broadcast; holding T at B/2 gives the linear branch, 4/B, in the same formula."""
        held = np.minimum(theta, batch_sizes / 2)
        return np.asarray(np.log(batch_sizes / held / (batch_sizes - held)))

    @staticmethod
    def critical_values(theta: FloatArray | float, base_batch_size: float = BASE_BATCH_SIZE) -> dict[str, FloatArray]:
        """Symbol to critical batch size at T = `theta`, the same shape, each non-decreasing in it."""
        return {"two_T": np.asarray(2 * theta), "excess_20pct": np.asarray(EXCESS_OF_T * theta)}

    @classmethod
    def of(cls, theta: float, log_scale: float, log_floor: float) -> Self:
        """The law with T = `theta`; at zero the curve that is flat at exp(log_floor)."""
        if theta == 0:
            return cls(math.exp(log_floor) * _FLAT_T, _FLAT_T)
        return cls(math.exp(log_scale), theta)

    @staticmethod
    def definitions(base_batch_size: float = BASE_BATCH_SIZE) -> dict[str, tuple[str, str]]:
        """Symbol of a critical batch size to its name and its definition in words."""
        return {
            "two_T": ("2T", "theorem 5.3.1: the largest batch size that scales linearly"),
            "excess_20pct": (
                f"{EXCESS_OF_T:.3f} T",
                "theorem 5.3.1: training takes 20% more examples than in the linear regime",
            ),
        }

    def critical_batch_sizes(self, base_batch_size: float = BASE_BATCH_SIZE) -> tuple[CriticalBatchSize, ...]:
        """Two definitions; `base_batch_size` is the hyperbola's and changes neither."""
        return _named(self.definitions(base_batch_size), self.critical_values(self.T, base_batch_size))


@dataclass(frozen=True)
class Hyperbola:
    """K(B) = c1/B + c2 (thesis, App. 5.A; McCandlish et al. 2018, S = S_min (1 + B_crit/B)).

    c1 = E_min in steps x examples, c2 = S_min in steps; either may be zero, not both.
    """

    c1: float
    c2: float

    name: ClassVar[str] = "hyperbola"
    formula: ClassVar[str] = "K = c1/B + c2"
    reach: ClassVar[float] = 1e4

    def __post_init__(self) -> None:
        if not (0 <= self.c1 < math.inf and 0 <= self.c2 < math.inf and self.c1 + self.c2 > 0):
            raise UserError(
                f"Hyperbola: c1 and c2 must be finite, not negative and not both zero; got c1={self.c1}, c2={self.c2}"
            )

    def __call__(self, batch_sizes: npt.ArrayLike) -> FloatArray:
        """Steps at `batch_sizes` (examples), the same shape."""
        return np.asarray(self.c1 / np.asarray(batch_sizes, dtype=np.float64) + self.c2)

    @property
    def S_min(self) -> float:
        return self.c2

    @property
    def E_min(self) -> float:
        return self.c1

    @property
    def B_crit(self) -> float:
        """c1/c2 in examples; infinite where c2 is zero."""
        return self.c1 / self.c2 if self.c2 > 0 else math.inf

    @property
    def parameters(self) -> dict[str, float]:
        return {"c1": self.c1, "c2": self.c2, "S_min": self.c2, "E_min": self.c1}

    @staticmethod
    def log_shape(batch_sizes: FloatArray, theta: FloatArray | np.float64) -> FloatArray:
        """ln(K/c1) at B_crit = `theta` > 0, broadcast."""
        return np.asarray(np.log(1 / batch_sizes + 1 / theta))

    @staticmethod
    def critical_values(theta: FloatArray | float, base_batch_size: float = BASE_BATCH_SIZE) -> dict[str, FloatArray]:
        """Symbol to critical batch size at B_crit = `theta`, the same shape, each non-decreasing in it."""
        return {
            "B_crit": np.asarray(1.0 * theta),
            "excess_20pct": np.asarray(EXCESS * theta),
            "cbs_20pct": np.asarray((1 + EXCESS) * base_batch_size + EXCESS * theta),
        }

    @classmethod
    def of(cls, theta: float, log_scale: float, log_floor: float) -> Self:
        """The law with B_crit = `theta`: c1 = 0 where it is zero, c2 = 0 where it is infinite."""
        return cls(math.exp(log_scale), math.exp(log_floor))

    @staticmethod
    def definitions(base_batch_size: float = BASE_BATCH_SIZE) -> dict[str, tuple[str, str]]:
        """Symbol of a critical batch size to its name and its definition in words."""
        start = f"B_opt = {base_batch_size:g}"
        return {
            "B_crit": (
                "B_crit",
                "McCandlish et al. 2018: c1/c2, where training takes twice the fewest steps and examples",
            ),
            "excess_20pct": (
                "0.2 B_crit",
                "hyperbola: training takes 20% more examples than in the limit of small batches",
            ),
            "cbs_20pct": (
                f"1.2 B_opt + c1/(5 c2), {start}",
                f"hyperbola: training takes 20% more examples than at {start}",
            ),
        }

    def critical_batch_sizes(self, base_batch_size: float = BASE_BATCH_SIZE) -> tuple[CriticalBatchSize, ...]:
        """Three definitions, the last counted from `base_batch_size`."""
        return _named(self.definitions(base_batch_size), self.critical_values(self.B_crit, base_batch_size))


def _named(definitions: dict[str, tuple[str, str]], values: dict[str, FloatArray]) -> tuple[CriticalBatchSize, ...]:
    return tuple(CriticalBatchSize(*words, float(values[symbol]), symbol) for symbol, words in definitions.items())


Law = Theorem | Hyperbola
LAWS: dict[str, type[Theorem] | type[Hyperbola]] = {"theorem": Theorem, "hyperbola": Hyperbola}
