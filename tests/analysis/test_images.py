"""Figures as files: what is said where they cannot be made."""

import sys
from pathlib import Path

import pytest
from fakes import fake_study

from analysis import images
from study.errors import UserError


def test_without_kaleido_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(UserError, match=r"--format: png needs kaleido.*pip install kaleido"):
        images.write([fake_study(tmp_path, trials=1)], tmp_path / "figures", "png")
    assert not (tmp_path / "figures").exists()


def test_without_a_chromium_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kaleido = pytest.importorskip("kaleido")
    errors = pytest.importorskip("choreographer.errors")

    def missing(*_: object, **__: object) -> None:
        raise errors.ChromeNotFoundError("none here")

    monkeypatch.setattr(kaleido, "write_fig_sync", missing)
    with pytest.raises(UserError, match=r"none was found; install Chromium"):
        images.write([fake_study(tmp_path, trials=1)], tmp_path / "figures", "svg")
