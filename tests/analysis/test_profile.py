import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import f as f_distribution

from analysis.laws import Hyperbola, Theorem
from analysis.profile import profile_intervals
from analysis.scaling import fit_law

BATCH_SIZES = 2.0 ** np.arange(1, 15)


def noisy(law, seed, scatter=0.05, batch_sizes=BATCH_SIZES):
    noise = np.random.default_rng(seed).standard_normal(batch_sizes.size)
    return law(batch_sizes) * np.exp(scatter * noise)


@pytest.mark.parametrize("law", [Theorem(1e5, 100), Hyperbola(1e5, 50)])
@pytest.mark.parametrize("censored", [None, [True] + [False] * 12 + [True]])
def test_interval_holds_the_estimate_and_widens_with_the_level(law, censored):
    steps = noisy(law, 3)
    found = fit_law(type(law), BATCH_SIZES, steps, censored)
    narrow, wide = (
        profile_intervals(type(law), BATCH_SIZES, steps, censored, level=level).intervals for level in (0.5, 0.95)
    )
    estimates = found.law.parameters | {size.symbol: size.value for size in found.law.critical_batch_sizes()}
    assert set(narrow) == set(wide) == set(estimates)
    for symbol, estimate in estimates.items():
        ends = [wide[symbol].low, narrow[symbol].low, narrow[symbol].high, wide[symbol].high]
        values = [end.value for end in ends]
        assert values == sorted(values)
        assert values[1] < estimate < values[2]


@pytest.mark.parametrize(("symbol", "law"), [("c1", Hyperbola(1e5, 50)), ("c2", Hyperbola(1e5, 50))])
@pytest.mark.parametrize("censored", [np.zeros(14, bool), np.arange(14) == 1])
def test_ends_of_a_scale_lie_on_the_profile_computed_directly(symbol, law, censored):
    steps = noisy(law, 1, 0.1)
    interval = profile_intervals(Hyperbola, BATCH_SIZES, steps, censored, level=0.9).intervals[symbol]
    n = int((~censored).sum())

    def loss(c1, c2):
        left = np.log(steps) - np.log(Hyperbola(c1, c2)(BATCH_SIZES))
        return np.square(np.where(censored, np.maximum(left, 0), left)).sum()

    def profile(fixed):
        def of(log_other):
            other = np.exp(log_other)
            return loss(fixed, other) if symbol == "c1" else loss(other, fixed)

        centre = np.log(law.c2 if symbol == "c1" else law.c1)
        return minimize_scalar(of, bounds=(centre - 2, centre + 2), method="bounded", options={"xatol": 1e-10}).fun

    least = fit_law(Hyperbola, BATCH_SIZES, steps, censored).loss
    reach = 1 + f_distribution.ppf(0.9, 1, n - 2) / (n - 2)
    for end in (interval.low, interval.high):
        assert profile(end.value) == pytest.approx(reach * least, rel=1e-4)


def test_critical_batch_sizes_are_intervals_of_one_shape():
    found = profile_intervals(Theorem, BATCH_SIZES, noisy(Theorem(1e5, 100), 0)).intervals
    assert found["two_T"].low.value == pytest.approx(2 * found["T"].low.value)
    assert found["excess_20pct"].high.value == pytest.approx(3.3798 * found["T"].high.value, rel=1e-4)
    found = profile_intervals(Hyperbola, BATCH_SIZES, noisy(Hyperbola(1e5, 50), 0), base_batch_size=64).intervals
    assert found["cbs_20pct"].low.value == pytest.approx(1.2 * 64 + 0.2 * found["B_crit"].low.value)


@pytest.mark.parametrize("law", [Theorem(1e5, 100), Hyperbola(1e5, 50)])
def test_noiseless_data_leave_no_width(law):
    found = profile_intervals(type(law), BATCH_SIZES, law(BATCH_SIZES)).intervals
    for interval in found.values():
        assert interval.high.value == pytest.approx(interval.low.value, rel=1e-5)


@pytest.mark.parametrize("law", [Theorem, Hyperbola])
def test_linear_data_leave_the_critical_batch_size_open_above(law):
    steps = noisy(Theorem(1e5, np.inf), 1)
    found = profile_intervals(law, BATCH_SIZES, steps).intervals
    shape, scale, floor = ("T", "C", "floor") if law is Theorem else ("B_crit", "c1", "c2")
    assert found[shape].open_high
    assert not found[shape].open_low
    assert found[floor].open_low
    assert not found[floor].open_high
    assert not found[scale].open_low
    assert not found[scale].open_high
    assert str(found[shape]).startswith("from ")


@pytest.mark.parametrize("law", [Theorem, Hyperbola])
def test_flat_data_leave_the_critical_batch_size_open_below(law):
    found = profile_intervals(law, BATCH_SIZES, noisy(Hyperbola(0, 77), 2)).intervals
    shape, scale, floor = ("T", "C", "floor") if law is Theorem else ("B_crit", "c1", "c2")
    assert found[shape].open_low
    assert found[scale].open_low
    assert found[floor].low.value < 77 < found[floor].high.value
    assert str(found[shape]).startswith("up to ")


def test_noiseless_linear_and_constant_data_keep_what_is_determined():
    found = profile_intervals(Hyperbola, BATCH_SIZES, 1e5 / BATCH_SIZES).intervals
    assert found["c1"].low.value == pytest.approx(1e5, rel=1e-3)
    assert found["c1"].high.value == pytest.approx(1e5, rel=1e-3)
    assert found["B_crit"].low.value > 1e6
    assert found["B_crit"].open_high
    found = profile_intervals(Hyperbola, BATCH_SIZES, np.full(14, 77.0)).intervals
    assert found["c2"].low.value == pytest.approx(77, rel=1e-3)
    assert found["c2"].high.value == pytest.approx(77, rel=1e-3)
    assert found["B_crit"].open_low
    assert found["B_crit"].high.value < 1


def test_theorem_inside_its_linear_regime_keeps_c_closed():
    batch_sizes = BATCH_SIZES[:6]
    found = profile_intervals(Theorem, batch_sizes, noisy(Theorem(1e5, 1e4), 0, batch_sizes=batch_sizes)).intervals
    assert found["two_T"].open_high
    assert found["C"].low.value < 1e5 < found["C"].high.value


@pytest.mark.parametrize(
    ("steps", "censored"), [([100, 50], None), ([100, 50, 30], [0, 0, 1]), ([100, 50, 30], [1, 1, 1])]
)
def test_too_few_cells_have_no_interval_and_say_so(steps, censored):
    found = profile_intervals(Theorem, [2, 4, 8][: len(steps)], steps, censored)
    assert found.intervals == {}
    assert found.warnings == ("profile intervals need 3 uncensored batch sizes",)


def test_ninety_percent_intervals_hold_the_truth_about_that_often():
    truth = Theorem(1e5, 64)
    held = 0
    for seed in range(60):
        interval = profile_intervals(Theorem, BATCH_SIZES, noisy(truth, seed)).intervals["two_T"]
        held += interval.low.value <= 128 <= interval.high.value
    assert 48 <= held <= 59
