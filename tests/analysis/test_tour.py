"""The tour, run from its first cell to its last."""

import runpy
from pathlib import Path

import plotly.graph_objects as go
import pytest
from fakes import fake_study

from analysis import bands


def test_the_tour_loads_fits_and_plots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_study(tmp_path, name="studies/quickstart", batch_sizes=(16, 64, 256, 1024, 4096))
    shown: list[go.Figure] = []
    monkeypatch.setattr(go.Figure, "show", lambda figure: shown.append(figure))
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(Path(bands.__file__).with_name("tour.py")))
    assert found["fit"].winner == "hyperbola"
    assert [len(figure.data) > 0 for figure in shown] == [True, True]
    assert "the hyperbola fits" in capsys.readouterr().out
