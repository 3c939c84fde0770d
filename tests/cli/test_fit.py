import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from study.cli.fit import fit
from study.errors import UserError

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "scaling_fits.json").read_text())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the command on a table given as text, on a terminal of 60 columns."""
    monkeypatch.setenv("COLUMNS", "60")
    app = typer.Typer()
    app.command("fit")(fit)

    def run_on(text, *options, encoding="utf-8"):
        file = tmp_path / "table.csv"
        file.write_text(text, encoding=encoding)
        return CliRunner().invoke(app, [str(file), *options])

    return run_on


def golden_csv():
    rows = [
        f"{batch_size},{steps},{name}"
        for name, series in GOLDEN["series"].items()
        for batch_size, steps in zip(GOLDEN["batch_sizes"], series["steps"], strict=True)
    ]
    return "\n".join(["batch_size,steps,model", *rows])


def test_golden_table_prints_both_laws_within_sixty_columns(run):
    result = run(golden_csv())
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 60
    flat = " ".join(result.output.split())
    for words in (
        "model 85M",
        "model 302M",
        "The hyperbola fits far better (AICc lower by 13.3",
        "2T: 1,036 (855.5 to 1,239) theorem 5.3.1: the largest batch size that scales linearly",
        "1.2 B_opt + c1/(5 c2), B_opt = 256: 745.3",
        "c2 = S_min 1,294 1,195 to 1,398",
        "RMSE of ln K 0.049",
        "Regimes under the hyperbola Linear scaling: up to 438.1 up to 0.2 B_crit",
        "doubling the batch size saves less than 5% of the steps",
    ):
        assert words in flat


def test_json_has_the_symbols_as_keys(run):
    document = json.loads(run(golden_csv(), "--json").output)
    first, second = document["groups"]
    assert (first["group"], second["group"]) == ({"model": "85M"}, {"model": "302M"})
    assert first["winner"] == "hyperbola"
    golden = GOLDEN["series"]["85M"]
    hyperbola, theorem = first["hyperbola"], first["theorem"]
    assert hyperbola["c2"] == hyperbola["S_min"] == pytest.approx(golden["hyperbola"]["a"], rel=0.005)
    assert hyperbola["c1"] == hyperbola["E_min"] == pytest.approx(golden["hyperbola"]["b"], rel=0.005)
    assert hyperbola["B_crit"] == pytest.approx(hyperbola["c1"] / hyperbola["c2"])
    assert hyperbola["cbs_20pct"] == pytest.approx(golden["hyperbola"]["cbs_20pct"], rel=0.005)
    assert theorem["two_T"] == pytest.approx(2 * theorem["T"])
    assert {"C", "T", "two_T", "excess_20pct", "rmse_log", "aicc"} <= theorem.keys()
    assert theorem["intervals"]["two_T"]["low"] < theorem["two_T"] < theorem["intervals"]["two_T"]["high"]
    assert set(hyperbola["definitions"]) == {"B_crit", "excess_20pct", "cbs_20pct"}


def test_options_set_the_level_and_the_base_batch_size(run):
    wide, narrow = (json.loads(run(golden_csv(), "--json", "--level", level).output) for level in ("0.9", "0.5"))
    ends = [document["groups"][0]["theorem"]["intervals"]["T"] for document in (wide, narrow)]
    assert ends[0]["low"] < ends[1]["low"] < ends[1]["high"] < ends[0]["high"]
    moved = json.loads(run(golden_csv(), "--json", "--base-batch-size", "64").output)["groups"][0]["hyperbola"]
    assert moved["cbs_20pct"] == pytest.approx(1.2 * 64 + moved["B_crit"] / 5)


@pytest.mark.parametrize("flag", ["1", "true", "True"])
def test_censored_rows_enter_as_bounds(run, flag):
    text = f"batch_size,steps,censored\n2,1900,{flag}\n4,2000,0\n8,1000,0\n16,500,0\n32,250,0\n64,125,0\n"
    group = json.loads(run(text, "--json").output)["groups"][0]
    assert (group["n"], group["n_censored"]) == (5, 1)
    assert group["verdict"].startswith("neither: both laws reduce to linear scaling")
    assert group["theorem"]["two_T"] is None
    assert group["theorem"]["bounds"]["two_T"] == {"value": 64, "relation": ">="}
    assert group["theorem"]["intervals"]["T"]["high"] is None
    printed = " ".join(run(text).output.split())
    assert "6 batch sizes, 2 to 64; 1 censored" in printed
    assert "2T: ≥ 64 (from " in printed
    assert "Warning: theorem: linear scaling throughout" in printed


def test_a_table_that_determines_nothing_says_why_and_prints_no_number(run):
    text = "batch_size,steps\n2,100\n4,50\n"
    assert "Neither: a law needs 3 uncensored batch sizes and there are 2." in " ".join(run(text).output.split())
    group = json.loads(run(text, "--json").output)["groups"][0]
    assert group["theorem"] is group["hyperbola"] is group["winner"] is None


def test_blank_lines_spaces_and_a_byte_order_mark_do_no_harm(run):
    plain = run("batch_size,steps\n2,100\n4,52\n8,30\n", "--json").output
    odd = run("batch_size, steps\n\n2, 100\n4,52 \n8,30\n\n", "--json", encoding="utf-8-sig").output
    assert plain == odd


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize,steps\n2,3\n", r"the column batch_size is missing; got batchsize, steps; rename .*'batchsize'"),
        ("batch_size,Step\n2,3\n", r"the column steps is missing; .* rename the column 'Step' to steps"),
        ("x,y\n2,3\n", r"the column batch_size is missing; got x, y; write batch_size into the header"),
        ("batch_size,steps\n2,3\n4,many\n", r"line 3: steps: must be a number in plain digits; got 'many'"),
        ("batch_size,steps\n2,3\n\n4,\n", r"line 4: steps: must be a number in plain digits; got ''"),
        ("batch_size,steps\n-2,3\n", r"line 2: batch_size: must be positive and finite; got -2"),
        ("batch_size,steps\n2,inf\n", r"line 2: steps: must be positive and finite; got inf; .*censored 1"),
        ("batch_size,steps\n2,nan\n", r"line 2: steps: must be positive and finite; got nan"),
        ("batch_size,steps\n", r"needs at least one row under its header; got none"),
        ("", r"must begin with a header"),
        ("batch_size,steps\n2,3\n4,2\n2,5\n", r"line 4: batch_size: must occur once in a group; got 2, as in line 2"),
        ("batch_size,steps,censored\n2,3,maybe\n", r"line 2: censored: must be 0, 1, false or true; got 'maybe'"),
        ("batch_size,steps\n2,3,4\n", r"line 2: must have 2 fields like the header; got 3"),
        ("batch_size,steps,steps\n2,3,4\n", r"the column steps must be there once; got it 2 times"),
        (",batch_size,steps\n0,2,3\n", r"column 1 of the header must have a name"),
    ],
)
def test_bad_tables_are_named_with_their_remedy(run, text, message):
    error = run(text).exception
    assert isinstance(error, UserError)
    with pytest.raises(UserError, match=message):
        raise error


def test_a_file_that_is_no_text_or_not_there_is_named(run, tmp_path):
    with pytest.raises(UserError, match="must be a readable UTF-8 CSV file"):
        raise run("batch_size,steps\n2,é\n", encoding="latin-1").exception
    with pytest.raises(UserError, match="No such file"):
        fit(tmp_path / "absent.csv")


@pytest.mark.parametrize("options", [("--level", "1"), ("--level", "0"), ("--base-batch-size", "0")])
def test_options_out_of_range_are_named(run, options):
    with pytest.raises(UserError, match=f"{options[0]}: must be"):
        raise run(golden_csv(), *options).exception
