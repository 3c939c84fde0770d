import math
import re

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.scales import SCALES, Discrete, Integer, Linear, Log, ReverseLog, Scale
from study.config import round_metaparameter

LAST = math.nextafter(1.0, 0.0)
EXAMPLES = [
    Linear(-2.0, 3.0),
    Log(1e-4, 1.0),
    ReverseLog(0.9, 0.9999),
    Integer(30000, 60000),
    Discrete((0.1, 7, 0.01)),
]


@pytest.mark.parametrize(
    ("scale", "first", "middle", "last"),
    [
        (Linear(-2.0, 3.0), -2.0, 0.5, 3.0),
        (Log(1e-4, 1.0), 1e-4, 0.01, 1.0),
        (ReverseLog(0.9, 0.9999), 0.9, 0.9968377223, 0.9999),
        (ReverseLog(0.0, 0.99), 0.0, 0.9, 0.99),
        (Integer(30000, 60000), 30000, 45000, 60000),
        (Integer(1, 2), 1, 2, 2),
        (Discrete((3,)), 3, 3, 3),
        (Discrete((0.1, 7, 0.01)), 0.1, 7, 0.01),
    ],
)
def test_the_ends_and_the_middle_of_a_scale(scale: Scale, first: float, middle: float, last: float) -> None:
    assert (scale.value(0.0), scale.value(0.5), scale.value(LAST)) == (first, middle, last)


@pytest.mark.parametrize("scale", EXAMPLES, ids=lambda scale: type(scale).__name__)
@given(u=st.floats(0, LAST))
def test_unit_inverts_value_and_value_stays_inside(scale: Scale, u: float) -> None:
    value = scale.value(u)
    unit = scale.unit(value)
    assert -1e-9 <= unit <= 1 + 1e-9
    if isinstance(scale, Integer | Discrete):
        assert scale.value(unit) == value
    else:
        # Ten digits of a momentum leave five of its distance from 1.
        assert unit == pytest.approx(u, abs=1e-6)
        assert value == round_metaparameter(value)


@pytest.mark.parametrize("size", [2, 3, 7, 10, 49, 1000, 30001])
def test_unit_hits_every_integer_in_spite_of_rounding(size: int) -> None:
    scale = Integer(5, 4 + size)
    assert all(scale.value(scale.unit(value)) == value for value in range(scale.low, scale.high + 1))


def test_the_bins_of_an_integer_scale_are_equally_wide() -> None:
    scale = Integer(-1, 5)
    drawn = [scale.value(index / 700) for index in range(700)]
    assert [drawn.count(value) for value in range(-1, 6)] == [100] * 7


def test_kinds_of_numbers() -> None:
    assert type(Integer(1, 4).value(0.3)) is int
    assert [type(value) for value in Discrete((1, 2.0)).values] == [int, float]
    assert Discrete([1, 2]) == Discrete((1, 2))


@pytest.mark.parametrize("u", [-0.1, 1.0, math.nan])
def test_value_refuses_what_is_not_in_the_unit_interval(u: float) -> None:
    for scale in EXAMPLES:
        with pytest.raises(ValueError, match=re.escape("u: must be in [0, 1)")):
            scale.value(u)


@pytest.mark.parametrize(
    ("scale", "ends", "message"),
    [
        ("linear", {"low": 0.1, "high": 0.1}, "high: must be above low (0.1); got 0.1"),
        ("linear", {"low": "a", "high": 0.1}, "low: must be a finite number; got 'a'"),
        ("linear", {"low": False, "high": True}, "low: must be a finite number; got False"),
        ("linear", {"low": 0, "high": math.inf}, "high: must be a finite number; got inf"),
        ("log", {"low": 0.0, "high": 1.0}, "low: must be above 0 on a log scale; got 0.0"),
        ("log", {"low": 1.0, "high": 0.1}, "high: must be above low (1.0); got 0.1"),
        ("reverse-log", {"low": 0.9, "high": 1.0}, "high: must be below 1 on a reverse-log scale"),
        ("reverse-log", {"low": 0.9, "high": 1 - 1e-12}, "in its first 10 digits too; got 0.999999999999"),
        ("integer", {"low": 1, "high": 2.5}, "high: must be an integer on an integer scale; got 2.5"),
        ("integer", {"low": 3, "high": 3}, "high: must be above low (3); got 3"),
        ("discrete", {"values": []}, "values: must be a list of at least 1 number; got []"),
        ("discrete", {"values": [1, "b"]}, "values[1]: must be a finite number; got 'b'"),
        ("discrete", {"values": [1, 1.0]}, "values: must differ in their first 10 digits; got [1, 1.0]"),
    ],
)
def test_a_scale_is_checked_where_it_is_made(scale: str, ends: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        SCALES[scale](**ends)


@pytest.mark.parametrize("scale", EXAMPLES, ids=lambda scale: type(scale).__name__)
@given(u=st.floats(0, LAST))
def test_optuna_accepts_every_value(scale: Scale, u: float) -> None:
    name = scale.optuna_name("momentum")
    trial = optuna.create_trial(
        value=1.0,
        params={name: scale.to_optuna(scale.value(u))},
        distributions={name: scale.distribution()},
    )
    assert trial.state is optuna.trial.TrialState.COMPLETE


def test_optuna_accepts_values_of_ends_with_more_than_ten_digits() -> None:
    for scale in (Linear(0.123456789012, 0.2), Log(0.123456789012, 0.2), ReverseLog(0.1234567890123, 0.99)):
        for u in (0.0, LAST):
            assert scale.distribution()._contains(scale.to_optuna(scale.value(u)))


def test_reverse_log_is_a_log_distribution_of_the_distance_from_one() -> None:
    scale = ReverseLog(0.9, 0.9999)
    assert scale.optuna_name("momentum") == "one_minus_momentum"
    assert scale.to_optuna(0.9) == 0.1
    assert scale.distribution() == optuna.distributions.FloatDistribution(1e-4, 0.1, log=True)
    assert Integer(3, 9).distribution() == optuna.distributions.IntDistribution(3, 9)
