import itertools
import math

import numpy as np
import pandas as pd
import pytest

from analysis.bootstrap import best_of_curve, bootstrap, expected_best, last_doubling
from analysis.intervals import End, end_of, percentile_end
from analysis.laws import Theorem
from analysis.resample import cells_of, minima
from analysis.scaling import fit
from study.errors import UserError

GROUPS = ["workload", "sparsity", "pruning_method"]
BUDGET = 40_000


def search(law=None, trials=40, sparsity=0.0, method="none", seed=0, budget=BUDGET, batch_sizes=None):
    """A cell a batch size, its trials drawn above the law; some diverge, those over the budget are censored."""
    law = law or Theorem(5e3, 32)
    batch_sizes = 2 ** np.arange(1, 11) if batch_sizes is None else batch_sizes
    generator = np.random.default_rng(seed)
    frames = []
    for batch_size in batch_sizes:
        steps = np.ceil(law(batch_size) * np.exp(2 * generator.random(trials)))
        diverged = generator.random(trials) < 0.2
        ending = np.where(diverged, "diverged", np.where(steps <= budget, "reached", "budget"))
        reached = pd.array(np.where(ending == "reached", steps, np.nan)).astype("Int64")
        frames.append(
            pd.DataFrame({"batch_size": batch_size, "trial_index": range(trials), "steps_to_goal": reached})
            .assign(steps_run=np.where(diverged, 7, np.minimum(steps, budget)), ending=ending)
            .assign(workload="mnist", sparsity=sparsity, pruning_method=method)
        )
    return pd.concat(frames, ignore_index=True)


def table(*rows):
    """Trials of workload w: (batch_size, trial_index, steps_to_goal, steps_run, ending)."""
    names = ["batch_size", "trial_index", "steps_to_goal", "steps_run", "ending"]
    return pd.DataFrame(rows, columns=names).assign(workload="w")


def test_estimates_are_those_of_the_plain_fit():
    trials = search()
    result = bootstrap(trials, GROUPS, resamples=50)
    best = trials.groupby("batch_size")["steps_to_goal"].min().astype(float)
    both = fit(best.index, best)
    estimates = result.parameters.set_index(["law", "symbol"])["estimate"]
    expected = {("theorem", "C"): both.theorem.law.C, ("theorem", "two_T"): 2 * both.theorem.law.T}
    expected |= {("hyperbola", "c1"): both.hyperbola.law.c1, ("hyperbola", "B_crit"): both.hyperbola.law.B_crit}
    for key, value in expected.items():
        assert estimates[key] == pytest.approx(value, rel=1e-7)
    assert (result.cells["estimate"].to_numpy() == best.to_numpy()).all()


def test_a_minimum_has_a_one_sided_interval_that_begins_at_itself():
    cells = bootstrap(search(), GROUPS, resamples=200).cells
    assert (cells["low"] == cells["estimate"]).all()
    assert (cells["high"] >= cells["low"]).all()
    assert (cells["high"] > cells["low"]).any()
    assert set(cells["sided"]) == {"upper"}


def test_the_upper_end_is_the_order_statistic_that_resampling_converges_to():
    # Of 10 trials the best is missing from a resample with probability 0.9^10 = 0.349, the best two with 0.107 and the
    # best three with 0.028: the 90% end is the third smallest.
    trials = table(*[(8, index, 100 + index, 100 + index, "reached") for index in range(10)])
    cells = bootstrap(trials, ["workload"], resamples=20_000).cells
    assert cells["high"].tolist() == [102]
    cells = bootstrap(trials, ["workload"], resamples=20_000, level=0.6).cells
    assert cells["high"].tolist() == [100]


def test_the_seed_decides_the_draws():
    trials = search()
    one, again, other = (bootstrap(trials, GROUPS, resamples=60, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one.parameters, again.parameters)
    pd.testing.assert_frame_equal(one.cells, again.cells)
    assert not one.parameters.equals(other.parameters)
    generator = bootstrap(trials, GROUPS, resamples=60, seed=np.random.default_rng(1))
    pd.testing.assert_frame_equal(one.parameters, generator.parameters)


def test_the_order_of_the_rows_does_not_matter():
    trials = search()
    shuffled = trials.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        bootstrap(trials, GROUPS, resamples=40).parameters, bootstrap(shuffled, GROUPS, resamples=40).parameters
    )


def test_cells_that_share_seeds_take_the_same_trials():
    dense = search()
    sparse = dense.assign(sparsity=0.9, pruning_method="snip", steps_to_goal=2 * dense["steps_to_goal"])
    trials = pd.concat([dense, sparse])
    paired = bootstrap(trials, GROUPS, resamples=100).ratios
    assert (paired[["estimate", "low", "high"]] == 2).all(axis=None)
    loose = bootstrap(trials, GROUPS, resamples=100, paired=False).ratios
    assert (loose["estimate"] == 2).all()
    assert (loose["low"] < 2).any()
    assert (loose["high"] > 2).any()


def test_workloads_do_not_share_draws_and_do_not_disturb_each_other():
    alone = search()
    both = pd.concat([alone, search(seed=1).assign(workload="other")])
    result = bootstrap(both, GROUPS, resamples=60).parameters
    first = result[result["workload"] == "mnist"].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, bootstrap(alone, GROUPS, resamples=60).parameters)


def test_a_dense_cell_serves_every_pruning_method():
    frames = [search(), search(sparsity=0.5, method="snip", seed=1), search(sparsity=0.5, method="random", seed=2)]
    ratios = bootstrap(pd.concat(frames), GROUPS, resamples=20).ratios
    assert ratios.groupby("pruning_method").size().to_dict() == {"random": 10, "snip": 10}
    assert bootstrap(pd.concat(frames[1:]), GROUPS, resamples=20).ratios.empty


def test_an_end_among_censored_resamples_is_a_bound():
    # The one trial that reached is missing from 36% of the resamples of 40.
    rows = [(8, index, None, 5000, "budget") for index in range(39)]
    cells = bootstrap(table(*rows, (8, 39, 300, 300, "reached")), ["workload"], resamples=500).cells
    assert end_of(cells.iloc[0], "low") == End(300)
    high = end_of(cells.iloc[0], "high")
    assert (high, high.censored, str(high)) == (End(5000, ">="), True, "≥ 5,000")
    assert 0.3 < cells["bound_share"][0] < 0.42


def test_a_cell_whose_trials_all_missed_is_a_bound_and_enters_the_fit_as_one():
    trials = search(budget=1500)
    result = bootstrap(trials, GROUPS, resamples=50)
    missed = result.cells[result.cells["reached"] == 0]
    assert set(missed["estimate_relation"]) == set(missed["high_relation"]) == {">="}
    best = trials.groupby("batch_size")["steps_to_goal"].min().astype(float)
    both = fit(best.index, best.fillna(1500), best.isna())
    found = result.parameters.set_index("symbol")["estimate"]
    assert found["C"] == pytest.approx(both.theorem.law.C, rel=1e-7)
    assert any("never reached the goal: bounds alone" in warning for warning in result.warnings)


def test_diverged_and_untrainable_trials_never_reach():
    rows = [(8, 0, None, 3, "diverged"), (8, 1, None, 1, "untrainable"), (16, 0, None, 3, "diverged")]
    result = bootstrap(table(*rows, (16, 1, 50, 50, "reached")), ["workload"], resamples=400)
    never, rare = (end_of(result.cells.iloc[row], "high") for row in (0, 1))
    assert (never, str(never)) == (End(math.inf), "never")
    assert rare == End(math.inf)
    assert end_of(result.cells.iloc[1], "low") == End(50)
    assert result.cells["never_share"].tolist() == [1.0, pytest.approx(0.25, abs=0.07)]
    assert any("diverged and untrainable trials alone" in warning for warning in result.warnings)


def test_beaten_trials_are_censored_where_they_stopped():
    cells = cells_of(table((8, 0, 100, 100, "reached"), (8, 1, None, 120, "beaten")), ["workload"])
    assert cells.low.tolist() == [[100, 120]]
    assert cells.high.tolist() == [[100, math.inf]]
    low, high = minima(cells, 300, 0, paired=True)
    assert set(zip(low[0], high[0], strict=True)) == {(100, 100), (120, math.inf)}


def test_failed_trials_are_missing_and_counted():
    whole = search(trials=20)
    trials = pd.concat([whole, whole.assign(trial_index=whole["trial_index"] + 20, ending="failed")])
    result = bootstrap(trials, GROUPS, resamples=30)
    assert set(result.cells["failed"]) == set(result.cells["trials"]) == {20}
    assert "200 trials failed: missing, left out" in result.warnings
    pd.testing.assert_frame_equal(result.parameters, bootstrap(whole, GROUPS, resamples=30).parameters)
    alone = bootstrap(table((8, 0, None, 1, "failed")), ["workload"], resamples=30).cells
    assert end_of(alone.iloc[0], "estimate") is None
    assert end_of(alone.iloc[0], "high") is None


def test_a_table_too_small_for_a_law_has_intervals_of_minima_and_no_parameters():
    trials = search(batch_sizes=[8, 16])
    result = bootstrap(trials, GROUPS, resamples=20)
    assert set(result.parameters["estimate_relation"]) == set(result.parameters["high_relation"]) == {""}
    assert set(result.parameters["curveless"]) == {20}
    assert (result.cells["high_relation"] == "=").all()


def test_critical_batch_sizes_beyond_the_measured_range_are_bounds():
    trials = search(Theorem(5e3, 3e4), batch_sizes=2 ** np.arange(1, 7))
    found = bootstrap(trials, GROUPS, resamples=50).parameters.set_index(["law", "symbol"])
    assert end_of(found.loc["theorem", "excess_20pct"], "high") == End(64, ">=")
    assert end_of(found.loc["theorem", "T"], "high") == End(32, ">=")
    assert found["definition"]["theorem", "two_T"].startswith("theorem 5.3.1")


@pytest.mark.parametrize(
    ("low", "high", "share", "side", "expected"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 0.5, "high", End(2)),
        ([1, 2, 3, 4], [1, 2, 3, 4], 0.51, "high", End(3)),
        ([1, 2, 3, 4], [1, 2, 3, math.inf], 0.75, "high", End(3)),
        ([1, 2, 3, 4], [1, 2, 3, math.inf], 0.9, "high", End(4, ">=")),
        ([0, 2, 3, 4], [1, 2, 3, 4], 0.1, "low", End(1, "<=")),
        ([0, 2], [math.inf, 2], 0.9, "high", End(2, ">=")),
        ([0, 2], [math.inf, 2], 0.1, "low", End(2, "<=")),
        ([0, 0], [math.inf, math.inf], 0.5, "low", None),
        ([math.inf] * 2, [math.inf] * 2, 0.5, "high", End(math.inf)),
        ([3, 3], [5, 5], 0.5, "low", End(3)),
        ([3, 3], [5, 5], 0.5, "high", End(5)),
    ],
)
def test_percentiles_of_partly_known_numbers(low, high, share, side, expected):
    assert percentile_end(np.array(low, float), np.array(high, float), share, side) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ending": "lost"}, r"trials.ending\[0\]: must be one of reached, .*; got lost"),
        ({"steps_to_goal": None}, r"trials.steps_to_goal\[0\]: .*positive steps"),
        ({"ending": "budget", "steps_run": None}, r"trials.steps_run\[0\]"),
        (
            {"trial_index": 1},
            r"trials.trial_index\[1\]: must occur once a cell; got 1 again in workload=w, batch_size=8",
        ),
    ],
)
def test_impossible_trials_are_named(change, message):
    trials = table((8, 0, 100, 100, "reached"), (8, 1, 90, 90, "reached"))
    for column, value in change.items():
        trials[column] = [value, trials[column][1]]
    with pytest.raises(UserError, match=message):
        bootstrap(trials, ["workload"], resamples=5)


def test_missing_column_and_empty_table_are_named():
    with pytest.raises(UserError, match=r"trials\.steps_run: the column is missing"):
        bootstrap(search().drop(columns="steps_run"), GROUPS)
    with pytest.raises(UserError, match="at least one trial"):
        bootstrap(search().iloc[:0], GROUPS)


@pytest.mark.parametrize("n", range(1, 7))
def test_expected_best_is_the_mean_over_all_choices(n):
    steps = [90, 20, 50, 70, 20, 35]
    choices = [min(choice) for choice in itertools.combinations(steps, n)]
    found = expected_best(steps, n)
    assert found.mean.value == pytest.approx(np.mean(choices))
    assert found.mean == found.mean_reached or found.mean.value == pytest.approx(found.mean_reached.value)
    assert found.median.value == sorted(choices)[(len(choices) - 1) // 2]
    assert found.none_reached == 0


@pytest.mark.parametrize("n", range(1, 6))
def test_expected_best_with_trials_that_never_reach(n):
    steps = np.array([30, math.inf, 10, math.inf, 60])
    choices = np.array([min(choice) for choice in itertools.combinations(steps, n)])
    found = expected_best(steps, n)
    assert found.none_reached == pytest.approx(np.isinf(choices).mean())
    assert (found.mean is None) == np.isinf(choices).any()
    assert found.mean_reached.value == pytest.approx(choices[np.isfinite(choices)].mean())
    assert found.median == End(float(np.sort(choices)[(choices.size - 1) // 2]))


def test_expected_best_among_censored_trials_is_a_bound():
    steps, censored = [100, 500, 500, 500], [False, True, True, True]
    assert expected_best(steps, 1, censored).median == End(500, ">=")
    assert expected_best(steps, 1, censored).mean is None
    assert expected_best(steps, 4, censored).mean == End(100)
    assert expected_best([500, 500], 2, [True, True]).median == End(500, ">=")
    assert expected_best([500, 500], 2, [True, True]).mean_reached is None
    early = expected_best([100, 40, 200], 2, [False, True, False])
    assert early.mean_reached.relation == "<="
    assert early.mean_reached.value == pytest.approx((100 + 100 + 200) / 3)


def test_best_of_curve_falls_to_the_minimum():
    steps = np.random.default_rng(0).integers(100, 900, 100)
    curve = best_of_curve(steps)
    assert curve["n"].tolist() == [1, 3, 6, 12, 25, 50, 100]
    assert curve["mean"].is_monotonic_decreasing
    assert curve["mean"].iloc[0] == pytest.approx(steps.mean())
    assert curve["mean"].iloc[-1] == steps.min()
    assert last_doubling(steps).value == pytest.approx(curve["mean"].iloc[-2] / steps.min() - 1)
    assert last_doubling([100] * 8) == End(0)
    assert last_doubling([math.inf] * 8) is None
    assert last_doubling([100]) is None


@pytest.mark.parametrize(("steps", "n"), [([1, 2], 3), ([1, 2], 0), ([], 1), ([0, 1], 1), ([math.nan], 1)])
def test_expected_best_refuses_what_it_cannot_do(steps, n):
    with pytest.raises(UserError, match="must be"):
        expected_best(steps, n)


def test_a_ratio_has_a_two_sided_interval():
    # Every dense trial takes 100 steps; the sparse minima are 100, 101, 102 with probability 0.651, 0.242, 0.079: the
    # 90% percentile, the upper end at level 0.8, is 102 and the 80% percentile would be 101.
    dense = table(*[(8, index, 100, 100, "reached") for index in range(10)]).assign(sparsity=0.0)
    sparse = table(*[(8, index, 100 + index, 100 + index, "reached") for index in range(10)]).assign(sparsity=0.9)
    trials = pd.concat([dense, sparse])
    ratios = bootstrap(trials, ["workload", "sparsity"], resamples=20_000, level=0.8).ratios
    assert ratios[["estimate", "low", "high"]].to_numpy().tolist() == [[1.0, 1.0, 1.02]]
