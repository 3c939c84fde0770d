"""Whole files in a local folder: written atomically and durably, or not at all."""

import errno
import os
import uuid
from pathlib import Path

from study.errors import UserError

_TEMPORARY = ".writing-"


class Folder:
    """Named byte strings under `root`; a name may contain `/` and stays under the root.

    Once `write` has returned, the content is on the disk under its name, whatever happens next. Before that, the name
    holds its old content or nothing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        """The content of `name`, or None where there is none."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Put `content` under `name` in one step: temporary name, fsync, rename, fsync of the folder."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{_TEMPORARY}{uuid.uuid4().hex}")
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def names(self, prefix: str, suffix: str = "") -> list[str]:
        """The names of the finished files directly under the folder `prefix`, sorted."""
        folder = self._path(prefix)
        if not folder.is_dir():
            return []
        names = (entry.name for entry in folder.iterdir())
        return sorted(f"{prefix}/{name}" for name in names if name.endswith(suffix) and name[0] != ".")

    def move(self, name: str, to: str) -> None:
        """Rename within the folder; both folders are synced."""
        source, target = self._path(name), self._path(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        _sync_folder(target.parent)
        _sync_folder(source.parent)

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def sweep(self, prefix: str) -> None:
        """Remove what writers that were killed left half-written under `prefix`."""
        folder = self._path(prefix)
        for leftover in folder.glob(f"{_TEMPORARY}*") if folder.is_dir() else ():
            leftover.unlink(missing_ok=True)

    def make_writable(self) -> None:
        """Create the folder and prove that a file can be written there; raises UserError where it cannot."""
        probe = f"{_TEMPORARY}probe-{uuid.uuid4().hex}"
        try:
            self.write(probe, b"x" * 65536)
            self.delete(probe)
        except OSError as error:
            remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "choose another folder"
            raise UserError(
                f"--out: must be a folder that can be written; got {self.root} ({error.strerror}); {remedy}"
            ) from None

    def _path(self, name: str) -> Path:
        path = self.root / name
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise ValueError(f"a name must stay under its folder; got {name!r}")
        return path


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
