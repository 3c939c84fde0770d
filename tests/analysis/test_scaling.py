import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.laws import EXCESS_OF_T, Hyperbola, Theorem
from analysis.least_squares import Points, best_scale, loss_at, solve
from analysis.regimes import SAVING, regimes
from analysis.scaling import fit, fit_law
from study.errors import UserError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scaling_fits.json").read_text())
BATCH_SIZES = 2.0 ** np.arange(1, 15)
LAWS = [Theorem(1e5, 100), Theorem(3e4, 7), Theorem(1e6, 2500), Hyperbola(1e5, 10), Hyperbola(2e6, 1500)]


def noisy(law, seed, scatter=0.05, batch_sizes=BATCH_SIZES):
    noise = np.random.default_rng(seed).standard_normal(batch_sizes.size)
    return law(batch_sizes) * np.exp(scatter * noise)


@pytest.mark.parametrize("series", GOLDEN["series"])
def test_golden_series_are_refitted(series):
    golden = GOLDEN["series"][series]
    result = fit(GOLDEN["batch_sizes"], golden["steps"])
    theorem, hyperbola = result.theorem, result.hyperbola
    sizes = {size.symbol: size.value for size in hyperbola.critical_batch_sizes()}
    assert hyperbola.law.c2 == pytest.approx(golden["hyperbola"]["a"], rel=0.005)
    assert hyperbola.law.c1 == pytest.approx(golden["hyperbola"]["b"], rel=0.005)
    assert sizes["cbs_20pct"] == pytest.approx(golden["hyperbola"]["cbs_20pct"], rel=0.005)
    assert hyperbola.rmse_log == pytest.approx(golden["hyperbola"]["rmse_log"], abs=0.002)
    two_t, *_ = theorem.critical_batch_sizes()
    assert two_t.value == pytest.approx(golden["theorem"]["two_T"], rel=0.005)
    assert theorem.rmse_log == pytest.approx(golden["theorem"]["rmse_log"], abs=0.002)
    assert result.winner == "hyperbola"
    assert result.difference > 10
    assert "far better" in result.verdict


@pytest.mark.parametrize("law", LAWS)
def test_known_law_is_recovered_from_noiseless_data(law):
    found = fit_law(type(law), BATCH_SIZES, law(BATCH_SIZES))
    for symbol, value in law.parameters.items():
        assert found.law.parameters[symbol] == pytest.approx(value, rel=1e-7)
    assert found.rmse_log < 1e-9
    assert fit(BATCH_SIZES, law(BATCH_SIZES)).winner == law.name


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(3))
def test_no_curve_nearby_is_closer_than_the_fit(law, seed):
    steps = noisy(law, seed, 0.2)
    found = fit_law(type(law), BATCH_SIZES, steps).law
    first, second = list(found.parameters.values())[:2]

    def loss(curve):
        return np.square(np.log(steps) - np.log(curve(BATCH_SIZES))).sum()

    for a in (0.999, 1, 1.001):
        for b in (0.999, 1, 1.001):
            assert loss(type(law)(first * a, second * b)) >= loss(found) - 1e-12


def test_theorem_is_continuous_with_its_derivative_at_two_t():
    law, step = Theorem(C=3e4, T=50), 1e-4
    below, at, above = law([100 - step, 100, 100 + step])
    assert at == pytest.approx(2 * law.C / law.T)
    assert (at - below) / step == pytest.approx(-law.C / law.T**2, rel=1e-5)
    assert (above - at) / step == pytest.approx(-law.C / law.T**2, rel=1e-5)
    assert law([1e12])[0] == pytest.approx(law.floor)
    assert law([40])[0] == pytest.approx(4 * law.C / 40)


def test_critical_batch_sizes_mean_what_they_say():
    theorem, hyperbola = Theorem(1e5, 100), Hyperbola(1e5, 50)
    values = {size.symbol: size.value for size in theorem.critical_batch_sizes()}
    assert values["two_T"] == 200
    assert values["excess_20pct"] == pytest.approx(338.0, abs=0.05)
    assert values["excess_20pct"] * theorem([values["excess_20pct"]])[0] == pytest.approx(1.2 * 4 * theorem.C)
    values = {size.symbol: size.value for size in hyperbola.critical_batch_sizes(base_batch_size=64)}
    assert hyperbola([values["B_crit"]])[0] == pytest.approx(2 * hyperbola.S_min)
    assert values["excess_20pct"] * hyperbola([values["excess_20pct"]])[0] == pytest.approx(1.2 * hyperbola.E_min)
    assert values["cbs_20pct"] * hyperbola([values["cbs_20pct"]])[0] == pytest.approx(1.2 * 64 * hyperbola([64])[0])
    assert all(size.definition for law in (theorem, hyperbola) for size in law.critical_batch_sizes())
    assert "64" in hyperbola.critical_batch_sizes(64)[2].definition


@pytest.mark.parametrize("law", [Theorem(1e5, 100), Hyperbola(1e5, 50)])
def test_regimes_follow_their_rules(law):
    found = regimes(law, 1, 1e6)
    saved = 1 - law([2 * found.maximal_from.value])[0] / law([found.maximal_from.value])[0]
    assert saved == pytest.approx(SAVING)
    assert found.of(2) == "linear scaling"
    assert found.of((found.linear_until.value + found.maximal_from.value) / 2) == "diminishing returns"
    assert found.of(1e6) == "maximal data parallelism"
    narrow = regimes(law, 1, 4)
    assert narrow.linear_until.relation == narrow.maximal_from.relation == ">="
    assert narrow.of(4) == "linear scaling"
    wide = regimes(law, 1e5, 1e6)
    assert wide.linear_until.relation == wide.maximal_from.relation == "<="
    assert wide.of(1e5) == "maximal data parallelism"


@pytest.mark.parametrize("law", [Theorem, Hyperbola])
@pytest.mark.parametrize("seed", range(6))
def test_censoring_a_cell_pulls_the_curve_up_never_down(law, seed):
    steps = noisy(Theorem(1e5, 60), seed, 0.2)
    plain = fit_law(law, BATCH_SIZES, steps)
    for cell in range(BATCH_SIZES.size):
        censored = np.arange(BATCH_SIZES.size) == cell
        bounded = fit_law(law, BATCH_SIZES, steps, censored)
        assert bounded.law(BATCH_SIZES[cell]) >= plain.law(BATCH_SIZES[cell]) * (1 - 1e-6)
        assert (bounded.n, bounded.n_censored) == (13, 1)


@pytest.mark.parametrize("law", [Theorem, Hyperbola])
def test_a_bound_moves_the_curve_only_where_it_is_above_it(law):
    steps = noisy(Theorem(1e5, 60), 4, 0.1)
    known = np.arange(1, BATCH_SIZES.size)
    without = fit_law(law, BATCH_SIZES[known], steps[known])
    censored = ~np.isin(np.arange(BATCH_SIZES.size), known)
    at = float(without.law(BATCH_SIZES[0]))
    cleared = fit_law(law, BATCH_SIZES, np.where(censored, 0.8 * at, steps), censored)
    assert cleared.law.parameters == pytest.approx(without.law.parameters, rel=1e-6)
    missed = fit_law(law, BATCH_SIZES, np.where(censored, 2 * at, steps), censored)
    assert at < float(missed.law(BATCH_SIZES[0])) < 2 * at
    assert missed.residuals[0] > 0
    assert cleared.residuals[0] == 0
    assert "1 of 14 cells missed the goal" in missed.warnings[0]


def test_closed_form_scale_minimises_the_penalised_loss():
    generator = np.random.default_rng(3)
    residuals = generator.standard_normal((200, 9))
    exact = generator.random((200, 9)) < 0.5
    exact[:, 0] = True
    scale, loss = best_scale(residuals, exact, ~exact)
    for nudge in (-1e-3, 1e-3):
        assert (loss_at(residuals, scale + nudge, exact, ~exact) > loss).all()


@pytest.mark.parametrize("law", [Theorem, Hyperbola])
def test_many_data_sets_at_once_equal_one_at_a_time(law):
    generator = np.random.default_rng(5)
    steps = np.stack([noisy(Theorem(1e5, 10.0 ** generator.uniform(0, 4)), seed, 0.2) for seed in range(40)])
    steps[generator.random(steps.shape) < 0.1] = np.nan
    censored = generator.random(steps.shape) < 0.15
    together = solve(law, Points.of(BATCH_SIZES, steps, censored))
    for row in range(40):
        alone = fit_law(law, BATCH_SIZES, steps[row], censored[row])
        assert alone.theta == pytest.approx(together.theta[row], rel=1e-6)
        assert alone.loss == pytest.approx(together.loss[row], rel=1e-9, abs=1e-20)


def test_steps_in_other_units_scale_the_curve_and_nothing_else():
    steps = noisy(Hyperbola(1e5, 50), 2)
    one, ten = fit(BATCH_SIZES, steps), fit(BATCH_SIZES, 10 * steps)
    assert ten.theorem.theta == pytest.approx(one.theorem.theta, rel=1e-6)
    assert ten.hyperbola.law.c1 == pytest.approx(10 * one.hyperbola.law.c1, rel=1e-6)
    assert ten.difference == pytest.approx(one.difference, rel=1e-6)


def test_aicc_is_the_textbook_formula():
    found = fit_law(Hyperbola, BATCH_SIZES, noisy(LAWS[3], 1))
    assert found.loss == pytest.approx(14 * found.rmse_log**2)
    assert found.aicc == pytest.approx(14 * math.log(found.loss / 14) + 6 + 24 / 10)


@pytest.mark.parametrize(
    ("steps", "censored", "reason"),
    [
        ([100, 50, math.nan, math.nan, math.nan], None, "needs 3 uncensored batch sizes and there are 2"),
        ([100, 50, 25, 20, 20], [0, 1, 1, 1, 1], "needs 3 uncensored batch sizes and there is 1"),
        ([100] * 5, [1] * 5, "all 5 cells are censored"),
        ([math.inf] * 5, None, "there are 0"),
        ([1000, 500, 300, 400, 800], None, "steps rise by 167% from batch size 8 to 32"),
        ([1000, 500, 300, 250, 800], [0, 0, 0, 0, 1], "steps rise by 220% from batch size 16 to 32"),
        ([77] * 5, None, "c1 = 0"),
        ([77, 78, 77.5, 78.5, 79], None, "c1 = 0"),
        ([80, 77, 79.5, 76, 78], None, "does not tell it from a constant"),
        ([800, 400, 200, 100, 50], None, "reduce to linear scaling: every critical batch size lies beyond 32"),
    ],
)
def test_data_that_support_neither_law_say_so(steps, censored, reason):
    result = fit([2, 4, 8, 16, 32], steps, censored)
    assert result.winner is None
    assert result.best is None
    assert result.regimes() is None
    assert result.verdict.startswith("neither: ")
    assert reason in result.verdict


def test_too_few_cells_give_no_curve_and_no_number():
    found = fit_law(Theorem, [2, 4], [10, 5])
    assert found.law is found.rmse_log is found.aicc is found.regimes() is None
    assert found.critical_batch_sizes() == ()
    assert found.parameters() == {}
    assert "needs 3 uncensored batch sizes" in found.warnings[0]


def test_a_batch_size_given_twice_counts_once_towards_three():
    assert fit_law(Hyperbola, [2, 2, 4, 4], [10, 11, 5, 6]).law is None
    assert fit_law(Hyperbola, [2, 2, 4, 8], [10, 11, 5, 4]).n == 4


def test_three_cells_have_no_aicc_and_say_so():
    result = fit([2, 8, 512], Theorem(1e3, 8)([2, 8, 512]))
    assert result.winner == "theorem"
    assert result.difference is None
    assert "AICc needs 5 uncensored cells, there are 3" in result.warnings


def test_critical_batch_outside_the_measured_range_is_a_bound():
    small, large = BATCH_SIZES[:5], BATCH_SIZES[-5:]
    found = fit_law(Theorem, small, Theorem(1e5, 1000)(small))
    assert found.theta == math.inf
    assert [(size.value, size.relation) for size in found.critical_batch_sizes()] == [(32, ">=")] * 2
    assert (found.parameters()["T"].value, found.parameters()["T"].relation) == (16, ">=")
    assert found.parameters()["floor"].relation == "<="
    assert found.parameters()["C"].value == pytest.approx(1e5)
    assert any("beyond the largest batch size measured, 32" in warning for warning in found.warnings)
    found = fit_law(Theorem, large, Theorem(1e5, 100)(large))
    assert [(size.value, size.relation) for size in found.critical_batch_sizes()] == [(1024, "<=")] * 2
    assert found.parameters()["C"].value == pytest.approx(1e5, rel=1e-5)
    assert found.parameters()["T"].relation == "<="


def test_constant_data_leave_c_and_the_critical_batch_size_undetermined():
    found = fit_law(Theorem, BATCH_SIZES, np.full(14, 77.0))
    assert found.parameters()["C"] is None
    assert found.parameters()["floor"].value == pytest.approx(77)
    assert found.law(BATCH_SIZES) == pytest.approx(77)
    flat = fit_law(Hyperbola, BATCH_SIZES, np.full(14, 77.0)).law
    assert flat.c1 == 0
    assert flat.c2 == pytest.approx(77)


def test_cells_that_never_reach_or_are_unknown_are_left_out_with_a_warning():
    steps = LAWS[0](BATCH_SIZES)
    steps[0], steps[1] = math.inf, math.nan
    found = fit_law(Theorem, BATCH_SIZES, steps)
    assert (found.n, found.n_excluded) == (12, 2)
    assert found.residuals[:2] == (None, None)
    assert found.lowest == 8
    assert "1 cells never reach" in found.warnings[0]
    assert "1 cells are unknown" in found.warnings[1]
    assert found.theta == pytest.approx(100)


@pytest.mark.parametrize(
    ("batch_sizes", "steps", "message"),
    [
        ([1, 2, 0], [1, 2, 3], r"batch_sizes\[2\]: must be positive; got 0"),
        ([1, 2, math.nan], [1, 2, 3], r"batch_sizes\[2\]: must be positive; got nan"),
        ([1, 2, 3], [1, -2, 3], r"steps\[1\]: must be positive; got -2; use NaN"),
        ([1, 2, 3], [1, 2], r"equally long; got shapes \(3,\), \(2,\)"),
        ([], [], "at least one cell is needed"),
    ],
)
def test_impossible_values_are_named(batch_sizes, steps, message):
    with pytest.raises(UserError, match=message):
        fit(batch_sizes, steps)


@pytest.mark.parametrize("law", [lambda: Theorem(0, 1), lambda: Theorem(1, math.nan), lambda: Hyperbola(-1, 1)])
def test_laws_are_validated_where_they_are_made(law):
    with pytest.raises(UserError, match="must be"):
        law()


def test_excess_of_t_is_the_published_multiple():
    assert f"{EXCESS_OF_T:.3f}" == "3.380"
