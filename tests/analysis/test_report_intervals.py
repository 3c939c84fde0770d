"""What the page of results says about intervals, laws and the search."""

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from fakes import FINGERPRINT, SPACE, fake_records, fake_study
from typer.testing import CliRunner

from analysis import answer, gallery, law_section, search_section, sections
from analysis.evidence import Evidence, gather
from analysis.figures.ratio import plot_ratio
from study.cli.report import report as command
from study.records import Ending
from study.store.store import Store


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Dense cells of every size; of the sparse ones the small two are censored, which leaves too few for a law."""
    made = fake_records([2**k for k in range(5, 12)], (0.0,), 24)
    made += fake_records((8, 16, 64, 1024), (0.9,), 24, budget_steps=2_000)
    return gather([fake_study(tmp_path_factory.mktemp("intervals"), made)], 50)


def _text(content: str) -> str:
    without = re.sub(r"<(script|style).*?</\1>", "", content, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without)))


def test_a_result_stands_beside_the_upper_end_of_its_interval(evidence: Evidence) -> None:
    said = _text(sections.results(evidence))
    for cell in evidence.series[evidence.series["steps_to_result"].notna()].itertuples():
        assert f"{cell.steps_to_result:,} (≤ {cell.steps_to_result_high:,.0f}) {cell.reached}/{cell.trials}" in said
    assert "one-sided" in said
    assert "one-sided" not in _text(sections.results(replace(evidence, intervals=None)))


@pytest.mark.parametrize(("relation", "expected"), [("=", "(≤ 500)"), (">=", "(to ≥ 500)"), ("", "96 ")])
def test_an_upper_end_may_be_a_bound(evidence: Evidence, relation: str, expected: str) -> None:
    cells = evidence.series.iloc[:1].assign(
        steps_to_result=96, steps_to_result_high=500.0, steps_to_result_high_relation=relation
    )
    said = _text(sections.results(replace(evidence, series=cells)))
    assert expected in said
    assert ("(≤" in said or "(to" in said) == bool(relation)


def test_an_upper_end_may_be_never(evidence: Evidence) -> None:
    cells = evidence.series.iloc[:1].assign(steps_to_result_high=float("inf"), steps_to_result_high_relation="=")
    assert f"{cells['steps_to_result'].iloc[0]:,} (to never)" in _text(
        sections.results(replace(evidence, series=cells))
    )


def test_both_laws_have_their_numbers_or_a_sentence(evidence: Evidence) -> None:
    said = _text(law_section.laws(evidence))
    dense, sparse = evidence.fits
    for fit in (dense.comparison.theorem, dense.comparison.hyperbola):
        assert f"{fit.rmse_log:.3f}" in said
        for size in fit.critical_batch_sizes():
            assert f"{size.name} {size.definition}" in said
            interval = dense.interval(fit.name, size.symbol)
            assert f"({interval})" in said or size.relation != "="
    assert dense.comparison.winner is not None
    assert "90% sparse: neither: a law needs 3 uncensored batch sizes and there are 2." in said
    assert "linear scaling diminishing returns maximal data parallelism" in said
    assert sparse.curves.empty
    assert said.count("90% sparse") == 1


def test_the_laws_are_drawn_with_bands_and_bars_that_point_up(evidence: Evidence) -> None:
    (drawing,) = gallery.fits(evidence)
    assert sum(trace.fill == "toself" for trace in drawing.figure.data) == 2
    bars = [trace.error_y for trace in drawing.figure.data if trace.error_y.array is not None]
    assert bars
    for bar in bars:
        assert (bar.arrayminus == 0).all()
        assert (bar.array >= 0).all()
    (bare,) = gallery.fits(gather_without(evidence))
    assert not any(trace.fill for trace in bare.figure.data)


def gather_without(evidence: Evidence) -> Evidence:
    bare = [replace(fit, curves=fit.curves.assign(lower=float("nan"), upper=float("nan"))) for fit in evidence.fits]
    return replace(evidence, intervals=None, fits=tuple(bare))


def test_ratios_have_bars_to_the_ends_that_are_known(evidence: Evidence) -> None:
    table = evidence.ratios.assign(ratio=2.0, ratio_low=1.5, ratio_high=2.5, ratio_low_relation="=", censored=False)
    for relation, length in (("=", 0.5), (">=", 0.0), ("", 0.0)):
        bars = plot_ratio(table.assign(ratio_high_relation=relation)).data[0].error_y
        assert set(bars.arrayminus) == {0.5}
        assert set(bars.array) == {length}
    without = plot_ratio(table[[name for name in table if not name.startswith("ratio_")]])
    assert without.data[0].error_y.array is None


def test_best_trials_at_an_edge_are_said_twice_with_a_wider_range(tmp_path: Path) -> None:
    records = fake_records(trials=24)
    best = gather([fake_study(tmp_path, records)]).results
    high = best["learning_rate"].max()  # leaves that cell its best trial, now at the very end
    left = [record for record in records if record.config.metaparameters["learning_rate"] <= high]
    study = fake_study(tmp_path, left, name="narrow")
    narrow = {**SPACE, "learning_rate": {"scale": "log", "low": 1e-4, "high": high}}
    Store(study).write_specification({"name": "narrow", "search_space": narrow}, FINGERPRINT)
    found = gather([study])
    line = f"learning_rate of narrow, searched on [0.0001, {high:.10g}]: within a tenth of its high end lie the best"
    assert any(f"The search may be too narrow: {line}" in caveat for caveat in answer.caveats(found))
    said = _text(search_section.diagnosis(found))
    assert line in said
    assert "try [" in said


def test_the_search_section_counts_the_diverged_and_weighs_metaparameters(evidence: Evidence) -> None:
    said = _text(search_section.diagnosis(evidence))
    diverged = int((evidence.trials["ending"] == Ending.DIVERGED).sum())
    assert f"{diverged:,} of {len(evidence.trials):,} trials diverged" in said
    assert re.search(r"learning rate \d+% \d+% to \d+% \d+", said)
    assert "trials were" in _text(search_section.trial_budget(evidence))


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"trials": 4}, "Which metaparameter matters cannot be told: a cell needs 5 trials"),
        ({"law": lambda batch_size, sparsity: 1.0, "budget_steps": 10, "goal_test_every": 1}, "trials diverged"),
        ({"optimizer": "sgd", "trials": 24}, "diverged"),
    ],
)
def test_small_studies_are_diagnosed_as_far_as_they_go(tmp_path: Path, made: dict, expected: str) -> None:
    found = gather([fake_study(tmp_path, **made)])
    assert expected in _text(search_section.diagnosis(found))


def test_a_study_without_a_search_space_has_a_report_that_says_so(tmp_path: Path) -> None:
    study = fake_study(tmp_path, trials=4)
    Store(study).write_specification({"name": "bare"}, FINGERPRINT)
    found = gather([study])
    assert found.diagnosis.empty
    assert any(line.startswith("The search is not diagnosed: DIR: the study in") for line in found.warnings)
    assert "trials diverged" in _text(search_section.diagnosis(found))


def test_trials_that_still_paid_are_said_at_the_top(tmp_path: Path) -> None:
    few = answer.caveats(gather([fake_study(tmp_path, trials=8)]))
    assert any("The last doubling of the trials still lowered the steps of" in line for line in few)


@pytest.mark.parametrize(("option", "resampled"), [("0", False), ("5", True)])
def test_the_command_resamples_as_often_as_asked(tmp_path: Path, option: str, resampled: bool) -> None:
    app = typer.Typer()
    app.command()(command)
    study = fake_study(tmp_path, trials=6)
    result = CliRunner().invoke(app, [str(study), "--resamples", option])
    assert result.exit_code == 0, result.output
    assert ("5 resamples of the trials" in (study / "report.html").read_text()) == resampled
    assert CliRunner().invoke(app, [str(study), "--resamples", "-1"]).exit_code == 2
