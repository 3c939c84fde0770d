from pathlib import Path

import pytest

from study.errors import UserError
from study.store.folder import Folder


@pytest.mark.parametrize("broken", ["open", "fsync", "rename"])
def test_a_write_that_breaks_off_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    folder = Folder(tmp_path)
    folder.write("a/b", b"old")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(
            "builtins.open" if broken == "open" else "os.fsync" if broken == "fsync" else "pathlib.Path.rename", fail
        )
        with pytest.raises(OSError, match="No space"):
            folder.write("a/b", b"new")
    assert folder.read("a/b") == b"old"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]


def test_what_a_killed_writer_left_is_no_file_and_is_swept(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("records/whole.parquet", b"1")
    (tmp_path / "records" / ".writing-123").write_bytes(b"half")
    assert folder.names("records") == ["records/whole.parquet"]
    folder.sweep("records")
    assert [path.name for path in (tmp_path / "records").iterdir()] == ["whole.parquet"]


def test_a_name_stays_under_the_root(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must stay under its folder"):
        Folder(tmp_path / "study").write("../outside", b"")


def test_a_folder_that_cannot_be_written_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--out: must be a folder that can be written; got .*; choose another folder"):
        Folder(tmp_path / "file" / "study").make_writable()


def test_a_full_disk_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"No space left on device.*; free some space"):
        Folder(tmp_path).make_writable()
