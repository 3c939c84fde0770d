"""How a metaparameter's range is laid out over [0, 1): linear, log, reverse-log, integer, discrete."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.config import round_metaparameter

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


class Scale(ABC):
    """A range of one metaparameter and its map from the unit interval; validated where it is made (ValueError)."""

    @abstractmethod
    def value(self, u: float) -> float | int:
        """The metaparameter at `u` in [0, 1), rounded to 10 significant digits; u = 0 is the low end."""

    @abstractmethod
    def unit(self, value: float) -> float:
        """Where `value` lies, in [0, 1]: the inverse of `value`, and the middle of the bin where the scale has bins.

        A value outside a continuous or integer range gives a number outside [0, 1].
        """

    @abstractmethod
    def distribution(self) -> "BaseDistribution":
        """The same range in Optuna's vocabulary, for the parameter `optuna_name`."""

    def optuna_name(self, name: str) -> str:
        """The parameter's name in an Optuna study."""
        return name

    def to_optuna(self, value: float) -> float | int:
        """The parameter's value in an Optuna study, of the type that its distribution holds."""
        return value


@dataclass(frozen=True)
class Linear(Scale):
    """Uniform on [low, high)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)

    def value(self, u: float) -> float:
        return round_metaparameter(self.low + _checked(u) * (self.high - self.low))

    def unit(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)

    def distribution(self) -> "BaseDistribution":
        return _float_distribution(self.low, self.high, log=False)


@dataclass(frozen=True)
class Log(Scale):
    """Log-uniform on [low, high), for values that matter by their ratio, such as a learning rate."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"low: must be above 0 on a log scale; got {self.low!r}")

    def value(self, u: float) -> float:
        return round_metaparameter(_between(self.low, self.high, _checked(u)))

    def unit(self, value: float) -> float:
        return math.log(value / self.low) / math.log(self.high / self.low)

    def distribution(self) -> "BaseDistribution":
        return _float_distribution(self.low, self.high, log=True)


@dataclass(frozen=True)
class ReverseLog(Scale):
    """1 - value log-uniform on (1 - high, 1 - low], for values that matter by their distance from 1, such as momentum.

    In Optuna it is the log parameter `one_minus_<name>`, whose low end is this one's high end.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high)
        if round_metaparameter(self.high) >= 1:
            raise ValueError(
                f"high: must be below 1 on a reverse-log scale, in its first 10 digits too; got {self.high!r}"
            )

    def value(self, u: float) -> float:
        return round_metaparameter(1 - _between(1 - self.low, 1 - self.high, _checked(u)))

    def unit(self, value: float) -> float:
        return math.log((1 - value) / (1 - self.low)) / math.log((1 - self.high) / (1 - self.low))

    def distribution(self) -> "BaseDistribution":
        return _float_distribution(self.to_optuna(self.high), self.to_optuna(self.low), log=True)

    def optuna_name(self, name: str) -> str:
        return f"one_minus_{name}"

    def to_optuna(self, value: float) -> float:
        return round_metaparameter(1 - round_metaparameter(value))


@dataclass(frozen=True)
class Integer(Scale):
    """Uniform on the integers from low to high, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        for name, end in (("low", self.low), ("high", self.high)):
            if not isinstance(end, int) or isinstance(end, bool):
                raise ValueError(f"{name}: must be an integer on an integer scale; got {end!r}")
        _check_ends(self.low, self.high)

    def value(self, u: float) -> int:
        return self.low + math.floor(_checked(u) * (self.high - self.low + 1))

    def unit(self, value: float) -> float:
        return (value - self.low + 0.5) / (self.high - self.low + 1)

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high)

    def to_optuna(self, value: float) -> int:
        return int(value)


@dataclass(frozen=True)
class Discrete(Scale):
    """Uniform on the values listed, in the order listed."""

    values: tuple[float | int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.values, list | tuple) or not self.values:
            raise ValueError(f"values: must be a list of at least 1 number; got {self.values!r}")
        for index, value in enumerate(self.values):
            _check_number(f"values[{index}]", value)
        rounded = tuple(value if isinstance(value, int) else round_metaparameter(value) for value in self.values)
        if len(set(rounded)) < len(rounded):
            raise ValueError(f"values: must differ in their first 10 digits; got {list(self.values)!r}")
        object.__setattr__(self, "values", rounded)

    def value(self, u: float) -> float | int:
        return self.values[math.floor(_checked(u) * len(self.values))]

    def unit(self, value: float) -> float:
        """The middle of the value's bin; raises ValueError for a value that is not listed."""
        return (self.values.index(value) + 0.5) / len(self.values)

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def to_optuna(self, value: float) -> float | int:
        return self.values[self.values.index(value)]


SCALES: Mapping[str, type[Scale]] = {
    "linear": Linear,
    "log": Log,
    "reverse-log": ReverseLog,
    "integer": Integer,
    "discrete": Discrete,
}


def _between(start: float, end: float, u: float) -> float:
    """The point at `u` on a log scale from start to end, either way round."""
    return start * (end / start) ** u


def _float_distribution(low: float, high: float, log: bool) -> "BaseDistribution":
    from optuna.distributions import FloatDistribution

    # Rounded like the values: rounding is monotone, so every value lies inside, as Optuna insists.
    return FloatDistribution(round_metaparameter(low), round_metaparameter(high), log=log)


def _checked(u: float) -> float:
    if not 0 <= u < 1:
        raise ValueError(f"u: must be in [0, 1); got {u!r}")
    return u


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{name}: must be a finite number; got {value!r}")


def _check_ends(low: Any, high: Any) -> None:
    _check_number("low", low)
    _check_number("high", high)
    if not high > low:
        raise ValueError(f"high: must be above low ({low!r}); got {high!r}")
