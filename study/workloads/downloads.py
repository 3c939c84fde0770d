"""Fetches published data sets: from mirrors, verified, each file whole or not there."""

import contextlib
import fcntl
import gzip
import hashlib
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from study.errors import UserError
from study.workloads.datasets import data_root, entry
from study.workloads.examples import find_file
from study.workloads.idx import FILES
from study.workloads.transfer import MirrorError, transfer

Progress = Callable[[str, int, int | None], None]  # file, bytes so far, and of all where the server says


@dataclass(frozen=True)
class Remote:
    """A published file, the folders that mirror it, and what it must hold.

    `sha256` is of the decompressed content, since a mirror may have compressed it again; of an archive, which has
    `members` of `member_bytes` each, it is of the archive itself.
    """

    name: str
    mirrors: tuple[str, ...]
    sha256: str
    members: tuple[str, ...] = ()
    member_bytes: int = 0


def _idx_remotes(mirrors: tuple[str, ...], sha256: tuple[str, str, str, str]) -> tuple[Remote, ...]:
    return tuple(Remote(f"{file}.gz", mirrors, digest) for file, digest in zip(FILES, sha256, strict=True))


REMOTES: Mapping[str, tuple[Remote, ...]] = {
    "mnist": _idx_remotes(
        ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion-mnist": _idx_remotes(
        (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    "cifar-10": (
        Remote(
            "cifar-10-binary.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/",),
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            members=(*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"),
            member_bytes=10_000 * 3_073,
        ),
    ),
}


def fetch(
    name: str,
    root: Path | None = None,
    *,
    mirrors: Sequence[str] = (),
    remotes: Sequence[Remote] | None = None,
    progress: Progress = lambda _file, _done, _total: None,
) -> tuple[Path, ...]:
    """The files written under `data_root(root)`/`name`, none where the set was there already.

    `mirrors` are folder addresses tried before the built-in ones. Raises UserError where every mirror failed, where a
    file that is there holds other content (it is left alone), and where the folder cannot be written.
    """
    if entry(name).find is None:
        raise UserError(f"data.fetch: '{name}' is embedded; there is nothing to fetch")
    folder = data_root(root) / name
    written: list[Path] = []
    try:
        with _sole_writer(folder):
            for remote in REMOTES[name] if remotes is None else remotes:
                if not _present(folder, remote):
                    _obtain(folder, remote, mirrors, progress)
                    written += _place(folder, remote)
    except OSError as error:
        raise UserError(
            f"data.fetch: cannot write to '{folder}' ({error}); name a folder that has room with --data-root"
        ) from error
    return tuple(written)


@contextlib.contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".fetch.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"data.fetch: another `study data fetch` writes to '{folder}'; wait for it") from error
        yield


def _present(folder: Path, remote: Remote) -> bool:
    """Whether what `remote` brings is there; raises UserError where something else is there under its name."""
    if remote.members:
        found = [path for member in remote.members if (path := folder / member).is_file()]
        other = [path for path in found if path.stat().st_size != remote.member_bytes]
    else:
        file = find_file(folder, remote.name.removesuffix(".gz"))
        found = [file] if file else []
        other = [path for path in found if _fault(path, remote, compressed=path.suffix == ".gz")]
    if other:
        raise UserError(
            f"data.fetch: '{other[0]}' is not the published file and would be replaced; "
            "remove it, or name another folder with --data-root"
        )
    return len(found) == max(1, len(remote.members))


def _obtain(folder: Path, remote: Remote, mirrors: Sequence[str], progress: Progress) -> None:
    answers = []
    for base in (*mirrors, *remote.mirrors):
        url = base.rstrip("/") + "/" + remote.name
        try:
            return _obtain_from(url, _part(folder, remote), remote, progress)
        except MirrorError as error:
            answers.append(f"{url}: {error}")
    raise UserError(
        f"data.fetch: no mirror gave '{remote.name}' ({'; '.join(answers)}); try again (what arrived is kept), "
        f"name another with --mirror, or put the file into '{folder}'"
    )


def _obtain_from(url: str, part: Path, remote: Remote, progress: Progress) -> None:
    resumed = part.exists()
    transfer(url, part, lambda done, total: progress(remote.name, done, total))
    fault = _fault(part, remote)
    if fault and resumed:
        # What another mirror or another day left need not be the beginning of this one's bytes.
        part.unlink()
        transfer(url, part, lambda done, total: progress(remote.name, done, total))
        fault = _fault(part, remote)
    if fault:
        part.unlink()
        raise MirrorError(fault)


def _fault(path: Path, remote: Remote, *, compressed: bool = True) -> str | None:
    """What is wrong with the content of `path`, or None."""
    opener = gzip.open if compressed and not remote.members else open
    try:
        with opener(path, "rb") as file:
            received = hashlib.file_digest(file, "sha256").hexdigest()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        return f"not a whole gzip file ({error})"
    return None if received == remote.sha256 else f"SHA-256 {received[:12]}… where {remote.sha256[:12]}… is due"


def _place(folder: Path, remote: Remote) -> list[Path]:
    part = _part(folder, remote)
    if remote.members:
        placed = _extract(part, folder, remote)
        part.unlink()
    else:
        placed = [part.replace(folder / remote.name)]
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return placed


def _extract(archive: Path, folder: Path, remote: Remote) -> list[Path]:
    """The archive's `members`, by their last name alone, so that nothing is written outside `folder`."""
    placed = []
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name).name
            content = tar.extractfile(member) if name in remote.members and member.isfile() else None
            if content is None or member.size != remote.member_bytes:
                continue
            part = folder / f"{name}.part"
            with content, open(part, "wb") as file:
                shutil.copyfileobj(content, file)
                file.flush()
                os.fsync(file.fileno())
            placed.append(part.replace(folder / name))
    missing = sorted(set(remote.members) - {path.name for path in placed})
    if missing:
        raise UserError(f"data.fetch: '{remote.name}' lacks {', '.join(missing)} of {remote.member_bytes:,} bytes")
    return placed


def _part(folder: Path, remote: Remote) -> Path:
    return folder / f"{remote.name}.part"
