"""The page of results."""

import base64
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import typer
from fakes import FINGERPRINT, fake_records, fake_study
from typer.testing import CliRunner

from analysis import answer, page, report
from analysis.evidence import gather
from analysis.report import render
from study.cli.report import report as command
from study.errors import UserError
from study.store.store import Store

_VOID = ("meta", "br", "link", "img")


class _Balance(HTMLParser):
    """Raises where an element closes that is not the one open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(autouse=True)
def _without_plotly_js(monkeypatch: pytest.MonkeyPatch) -> None:
    """plotly.js is 4.8 MB, which no assertion here looks into."""
    monkeypatch.setattr("plotly.offline.get_plotlyjs", lambda: "/* plotly.js */")


def _page(*folders: Path) -> str:
    content = render(gather(folders))
    parser = _Balance()
    parser.feed(content)
    assert parser.open == []
    return content


def _text(content: str) -> str:
    without = re.sub(r"<(script|style).*?</\1>", "", content, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without)))


def test_the_page_answers_and_shows_every_figure(tmp_path: Path) -> None:
    study = fake_study(tmp_path, trials=24, also_goals=(0.05,))
    content = _page(study)
    assert content.count('class="chart"') == 11  # figure 5.1 twice, for wide and for narrow pages
    said = _text(content)
    assert "Dense networks' steps fall from" in said
    assert "times the steps of dense ones" in said
    for heading in (
        "Steps to result",
        "How steps fall",
        "The search",
        "What sparsity costs",
        "How it was run",
        "Tables",
    ):
        assert heading in said


def test_nothing_is_fetched(tmp_path: Path) -> None:
    content = _page(fake_study(tmp_path, trials=4))
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]*"', content)
    assert "@import" not in content
    assert "url(" not in content


def test_the_tables_are_on_the_page_as_csv(tmp_path: Path) -> None:
    study = fake_study(tmp_path, trials=4)
    content = _page(study)
    links = dict(re.findall(r'download="([^"]+)" href="data:text/csv;base64,([^"]+)"', content))
    assert set(links) == {
        "cells.csv",
        "ratios.csv",
        "edges.csv",
        "best_of_n.csv",
        "curves.csv",
        "layers.csv",
        "trials.csv",
    }
    trials = pd.read_csv(io.BytesIO(base64.b64decode(links["trials.csv"])))
    assert len(trials) == 32
    assert trials["steps_to_goal"].notna().sum() == (trials["ending"] == "reached").sum()


def test_a_table_too_large_for_the_page_is_named_instead() -> None:
    link = page.download(pd.DataFrame({"value": range(1_000_000)}), "huge.csv")
    assert "1,000,000 rows" in link
    assert "href" not in link


def test_the_numbers_of_the_table_are_the_results(tmp_path: Path) -> None:
    study = fake_study(tmp_path, batch_sizes=(8, 64), trials=24, budget_steps=2_000)
    found = gather([study])
    said = _text(_page(study))
    for cell in found.results.itertuples():
        shown = f"≥ {cell.censored_at:,}" if pd.isna(cell.steps_to_result) else f"{cell.steps_to_result:,}"
        assert f"{shown} {cell.reached}/{cell.trials}" in said
    assert "no trial reached the goal: these are known only to need at least" in said


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"records": []}, "No trial has been recorded yet"),
        ({"failed": range(16)}, "No trial has reached its goal"),
        ({"untrainable": [(s, i) for s in (0.0, 0.9) for i in range(16)]}, "every trial diverged or could not train"),
        ({"batch_sizes": [64], "sparsities": [0.0]}, "nothing can be said about how steps fall"),
        ({"batch_sizes": [64], "sparsities": [0.9]}, "no ratio can be given"),
        ({"sparsities": [0.0]}, "Dense networks' steps fall"),
        ({"optimizer": "sgd"}, "trained by sgd"),
        ({"trials": 1}, "1 trial in a cell"),
        ({"budget_steps": 1}, "No trial has reached its goal"),
        ({"curve_points": 0}, "Dense networks' steps fall"),
    ],
)
def test_unusual_studies_have_a_page_that_says_so(tmp_path: Path, made: dict, expected: str) -> None:
    assert expected in _text(_page(fake_study(tmp_path, **made)))


def test_several_studies_share_a_page(tmp_path: Path) -> None:
    studies = [fake_study(tmp_path, name=name, optimizer=name, trials=8) for name in ("sgd", "nesterov")]
    said = _text(_page(*studies))
    assert "Steps to result: sgd and nesterov" in said
    assert "Optimisers compared" in said


def test_what_comes_from_files_is_escaped(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>&"
    records = [
        replace(record, host=bad, error=bad, versions={bad: bad}, config=replace(record.config, data=bad, model=bad))
        for record in fake_records(trials=3, failed=[1])
    ]
    study = fake_study(tmp_path, records)
    Store(study).write_specification({"name": bad}, FINGERPRINT)
    content = _page(study)
    assert "<script>alert" not in content
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in content
    scripts = re.findall(r'<script type="application/json">(.*?)</script>', content, flags=re.S)
    assert scripts
    assert not any("<" in script for script in scripts)


def test_mixed_numerics_are_said(tmp_path: Path) -> None:
    records = fake_records(trials=4, failed=[1])
    assert "mix trials of different numerics" not in _text(_page(fake_study(tmp_path, records, name="one")))
    records[0] = replace(records[0], numerics={"engine": "1", "device": "cuda", "threads": "1"})
    assert "1 cell mixes trials" in _text(_page(fake_study(tmp_path, records, name="two")))


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    study = fake_study(tmp_path, trials=4)
    (study / "records" / "torn.parquet").write_bytes(b"PAR1")
    assert "records/torn.parquet could not be read" in _text(_page(study))


def test_few_trials_are_admitted(tmp_path: Path) -> None:
    few = answer.caveats(gather([fake_study(tmp_path, name="few", trials=8)]))
    many = answer.caveats(gather([fake_study(tmp_path, name="many", trials=40)]))
    assert any("lucky draw" in line for line in few)
    assert not any("lucky draw" in line for line in many)


def test_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    study = fake_study(tmp_path, trials=2)
    out = tmp_path / "page" / "report.html"
    with pytest.raises(UserError, match="--out: must be a file that can be written"):
        report.write([study], out)
    out.parent.mkdir()
    out.write_text("old")
    assert report.write([study], out) == out
    assert out.read_text().startswith("<!doctype html>")
    assert list(out.parent.iterdir()) == [out]


def test_the_command_writes_beside_the_records_and_prints_where(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    study = fake_study(tmp_path, trials=2)
    result = CliRunner().invoke(app, [str(study)])
    assert result.exit_code == 0, result.output
    assert (study / "report.html").exists()
    assert "report.html" in result.output.replace("\n", "")


@pytest.mark.parametrize("cells", ["3", "0-4", "5-2", "a-b", "1-"])
def test_the_cells_asked_for_must_be_a_range(tmp_path: Path, cells: str) -> None:
    with pytest.raises(UserError, match="--cells: must be FIRST-LAST"):
        command([tmp_path], cells=cells)
