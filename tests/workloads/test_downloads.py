import fcntl
import gzip
import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from study.errors import UserError
from study.workloads import transfer
from study.workloads.datasets import DATASETS, load
from study.workloads.downloads import REMOTES, Remote, fetch
from study.workloads.fingerprints import known
from study.workloads.idx import FILES

CONTENT = np.random.default_rng(0).integers(0, 256, 5_000, dtype=np.uint8).tobytes()
FILE = "train-images-idx3-ubyte.gz"
GZIPPED = gzip.compress(CONTENT, mtime=0)


@dataclass
class Mirror:
    """A server on this machine that misbehaves as told; `asked` lists each request's path and Range."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    heeds_range: bool = True
    sends_length: bool = True
    bytes_per_answer: int | None = None
    answers_from: int = 0
    hangs: bool = False
    redirects: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def remote(self, *folders: str, content: bytes = CONTENT) -> Remote:
        mirrors = tuple(f"{self.address}/{folder}/" for folder in folders)
        return Remote(FILE, mirrors, hashlib.sha256(content).hexdigest())


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    told = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append((self.path, self.headers["Range"]))
            if self.path in told.redirects:
                self.send_response(302)
                self.send_header("Location", told.redirects[self.path])
                self.end_headers()
            elif self.path not in told.files:
                self.send_error(404)
            else:
                self.answer(told.files[self.path])

        def answer(self, content: bytes) -> None:
            start = int((self.headers["Range"] or "bytes=0-")[6:-1]) if told.heeds_range else 0
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            start += told.answers_from
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if told.sends_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = None if told.bytes_per_answer is None else start + told.bytes_per_answer
            self.wfile.write(content[start:end])
            if told.hangs:
                self.wfile.flush()
                told.released.wait(30)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        told.address = f"http://127.0.0.1:{server.server_port}"
        yield told
        told.released.set()
        server.shutdown()
        thread.join()


def part_of(root: Path) -> Path:
    folder = root / "mnist"
    folder.mkdir(exist_ok=True)
    return folder / f"{FILE}.part"


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".fetch.lock")


def test_a_file_arrives_verified_and_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    seen: list[tuple[str, int, int | None]] = []
    written = fetch("mnist", tmp_path, remotes=[mirror.remote("a")], progress=lambda *step: seen.append(step))
    assert written == (tmp_path / "mnist" / FILE,)
    assert written[0].read_bytes() == GZIPPED
    assert files_in(tmp_path / "mnist") == [FILE]
    assert seen[-1] == (FILE, len(GZIPPED), len(GZIPPED))

    assert fetch("mnist", tmp_path, remotes=[mirror.remote("a")]) == ()
    assert len(mirror.asked) == 1


def test_a_file_that_was_compressed_again_is_the_same_file(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = gzip.compress(CONTENT, compresslevel=1, mtime=7)
    assert len(fetch("mnist", tmp_path, remotes=[mirror.remote("a")])) == 1


def test_a_file_that_is_there_decompressed_is_not_fetched(mirror: Mirror, tmp_path: Path) -> None:
    part_of(tmp_path).with_name(FILE.removesuffix(".gz")).write_bytes(CONTENT)
    assert fetch("mnist", tmp_path, remotes=[mirror.remote("a")]) == ()
    assert mirror.asked == []


def test_an_answer_without_length_is_taken_whole(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.sends_length = False
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert written.read_bytes() == GZIPPED


def test_a_mirror_of_the_user_s_goes_first(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/mine/{FILE}"] = mirror.files[f"/a/{FILE}"] = GZIPPED
    fetch("mnist", tmp_path, remotes=[mirror.remote("a")], mirrors=[f"{mirror.address}/mine"])
    assert mirror.asked == [(f"/mine/{FILE}", None)]


def test_a_broken_transfer_goes_on_where_it_broke(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.bytes_per_answer = 2_000
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert written.read_bytes() == GZIPPED
    assert [asked for _, asked in mirror.asked] == [None, "bytes=2000-", "bytes=4000-"]


def test_what_arrived_is_kept_for_the_next_fetch(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.bytes_per_answer = 100
    with pytest.raises(UserError, match=r"500 of 5,\d+ bytes, then the connection ended.*what arrived is kept"):
        fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert part_of(tmp_path).read_bytes() == GZIPPED[:500]
    mirror.bytes_per_answer = None
    mirror.asked.clear()
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert written.read_bytes() == GZIPPED
    assert mirror.asked == [(f"/a/{FILE}", "bytes=500-")]


def test_a_server_that_ignores_range_sends_all_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.heeds_range = False
    part_of(tmp_path).write_bytes(GZIPPED[:1_000])
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert written.read_bytes() == GZIPPED
    assert mirror.asked == [(f"/a/{FILE}", "bytes=1000-")]


def test_a_server_that_truncates_and_ignores_range_is_left(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.heeds_range = False
    mirror.bytes_per_answer = 1_000
    with pytest.raises(UserError, match="1,000 of 5,"):
        fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    "left", [b"x" * 1_000, b"x" * len(GZIPPED), GZIPPED + b"x"], ids=["shorter", "as long", "longer"]
)
def test_a_part_that_is_not_the_file_s_beginning_is_thrown_away(mirror: Mirror, tmp_path: Path, left: bytes) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    part_of(tmp_path).write_bytes(left)
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert written.read_bytes() == GZIPPED
    assert [asked for _, asked in mirror.asked] == [f"bytes={len(left)}-", None]


def test_a_part_that_was_complete_is_asked_for_no_more(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    part_of(tmp_path).write_bytes(GZIPPED)
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert written.read_bytes() == GZIPPED
    assert len(mirror.asked) == 1


CORRUPT = GZIPPED[:100] + bytes([GZIPPED[100] ^ 1]) + GZIPPED[101:]


@pytest.mark.parametrize("bad", [None, CORRUPT, GZIPPED[:-20], CONTENT, gzip.compress(b"other"), b""])
def test_a_mirror_that_fails_gives_way_to_the_next(mirror: Mirror, tmp_path: Path, bad: bytes | None) -> None:
    if bad is not None:
        mirror.files[f"/a/{FILE}"] = bad
    mirror.files[f"/b/{FILE}"] = GZIPPED
    (written,) = fetch("mnist", tmp_path, remotes=[mirror.remote("a", "b")])
    assert written.read_bytes() == GZIPPED
    assert mirror.asked == [(f"/a/{FILE}", None), (f"/b/{FILE}", None)]


def test_where_every_mirror_fails_the_message_says_what_each_answered(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/b/{FILE}"] = CORRUPT
    mirror.files[f"/c/{FILE}"] = gzip.compress(b"other")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refused = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    remote = mirror.remote("a", "b", "c")
    with pytest.raises(UserError) as caught:
        fetch("mnist", tmp_path, remotes=[replace(remote, mirrors=(*remote.mirrors, refused))])
    message = str(caught.value)
    assert f"no mirror gave '{FILE}'" in message
    assert f"{mirror.address}/a/{FILE}: HTTP 404 Not Found" in message
    assert f"{mirror.address}/b/{FILE}: not a whole gzip file" in message
    assert f"{mirror.address}/c/{FILE}: SHA-256 {hashlib.sha256(b'other').hexdigest()[:12]}" in message
    assert f"{refused}{FILE}: " in message
    assert "Connection refused" in message
    assert "--mirror" in message
    assert "\n" not in message
    assert files_in(tmp_path / "mnist") == []


def test_a_server_that_falls_silent_is_left(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.05)
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.bytes_per_answer = 0
    mirror.hangs = True
    with pytest.raises(UserError, match="timed out"):
        fetch("mnist", tmp_path, remotes=[mirror.remote("a")])


def test_an_answer_with_other_bytes_than_asked_for_is_refused(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mirror.answers_from = 5
    part_of(tmp_path).write_bytes(GZIPPED[:1_000])
    with pytest.raises(UserError, match="asked for the bytes from 1,000, it answered 'bytes 1005-"):
        fetch("mnist", tmp_path, remotes=[mirror.remote("a")])


def test_a_redirect_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    mirror.files[f"/b/{FILE}"] = GZIPPED
    mirror.redirects[f"/a/{FILE}"] = f"/b/{FILE}"
    assert len(fetch("mnist", tmp_path, remotes=[mirror.remote("a")])) == 1


@pytest.mark.parametrize(
    "target", ["http://example.com/x", "http://127.0.0.1.example.com/x", "ftp://127.0.0.1/x", "//example.com/x"]
)
def test_a_redirect_that_leaves_https_is_refused(mirror: Mirror, tmp_path: Path, target: str) -> None:
    mirror.redirects[f"/a/{FILE}"] = target
    with pytest.raises(UserError, match=r"an address must begin with https://.*example|.*ftp://"):
        fetch("mnist", tmp_path, remotes=[mirror.remote("a")])


@pytest.mark.parametrize("address", ["http://example.com/", "ftp://localhost/", "file:///etc/", "mirror", "https://["])
def test_an_address_that_is_not_https_is_refused(tmp_path: Path, address: str) -> None:
    remote = Remote(FILE, (), "0" * 64)
    with pytest.raises(UserError, match=r"an address must begin with https://|is no address"):
        fetch("mnist", tmp_path, remotes=[remote], mirrors=[address])


@pytest.mark.parametrize("name", [FILE, FILE.removesuffix(".gz")])
def test_a_file_with_other_content_is_left_alone(mirror: Mirror, tmp_path: Path, name: str) -> None:
    mirror.files[f"/a/{FILE}"] = GZIPPED
    mine = part_of(tmp_path).with_name(name)
    mine.write_bytes(b"mine")
    with pytest.raises(UserError, match=f"'{mine}' is not the published file.*remove it"):
        fetch("mnist", tmp_path, remotes=[mirror.remote("a")])
    assert mine.read_bytes() == b"mine"


def test_two_fetches_do_not_write_to_one_folder(mirror: Mirror, tmp_path: Path) -> None:
    part_of(tmp_path)
    with open(tmp_path / "mnist" / ".fetch.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another `study data fetch` writes to"):
            fetch("mnist", tmp_path, remotes=[mirror.remote("a")])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=rf"cannot write to '{tmp_path}/file/mnist'.*--data-root"):
        fetch("mnist", tmp_path / "file")


def test_digits_and_unknown_names_have_nothing_to_fetch(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'digits' is embedded"):
        fetch("digits", tmp_path)
    with pytest.raises(UserError, match="did you mean 'mnist'"):
        fetch("mnits", tmp_path)


def archive(mirror: Mirror, members: dict[str, bytes], link: str | None = None) -> Remote:
    """An archive on the mirror, of `members` by path, and what a fetch of two batches of it expects."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, content in members.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        if link:
            member = tarfile.TarInfo(link)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(member)
    mirror.files["/a/x.tar.gz"] = packed.getvalue()
    return Remote(
        "x.tar.gz",
        (f"{mirror.address}/a/",),
        hashlib.sha256(packed.getvalue()).hexdigest(),
        members=("data_batch_1.bin", "test_batch.bin"),
        member_bytes=3073,
    )


RECORDS = {"data_batch_1.bin": b"\x01" + bytes(3072), "test_batch.bin": b"\x02" + bytes(3072)}


def test_an_archive_leaves_its_batches_alone(mirror: Mirror, tmp_path: Path) -> None:
    inner = {f"cifar-10-batches-bin/{name}": content for name, content in RECORDS.items()}
    remote = archive(mirror, {"readme.html": b"x", "../../outside.bin": b"x", **inner}, link="batches.meta.txt")
    written = fetch("cifar-10", tmp_path, remotes=[remote])
    assert {path.name: path.read_bytes() for path in written} == RECORDS
    assert files_in(tmp_path / "cifar-10") == sorted(RECORDS)
    assert files_in(tmp_path) == ["cifar-10"]
    assert load("cifar-10", tmp_path).train_labels.tolist() == [1]

    assert fetch("cifar-10", tmp_path, remotes=[remote]) == ()
    assert len(mirror.asked) == 1


def test_an_archive_cannot_write_outside_its_folder(mirror: Mirror, tmp_path: Path) -> None:
    root = tmp_path / "root"
    remote = archive(mirror, {"../../test_batch.bin": RECORDS["test_batch.bin"], "/data_batch_1.bin": bytes(3073)})
    fetch("cifar-10", root, remotes=[remote])
    assert files_in(tmp_path) == ["root"]
    assert files_in(root / "cifar-10") == sorted(RECORDS)


@pytest.mark.parametrize(("size", "link"), [(3072, None), (None, "x/test_batch.bin")])
def test_an_archive_without_a_batch_is_refused(
    mirror: Mirror, tmp_path: Path, size: int | None, link: str | None
) -> None:
    members = {"x/data_batch_1.bin": RECORDS["data_batch_1.bin"]}
    if size is not None:
        members["x/test_batch.bin"] = bytes(size)
    with pytest.raises(UserError, match=r"'x.tar.gz' lacks test_batch.bin of 3,073 bytes"):
        fetch("cifar-10", tmp_path, remotes=[archive(mirror, members, link)])


def test_a_partial_batch_is_not_replaced(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "cifar-10").mkdir()
    (tmp_path / "cifar-10" / "test_batch.bin").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"test_batch.bin' is not the published file"):
        fetch("cifar-10", tmp_path, remotes=[archive(mirror, RECORDS)])


def test_an_archive_that_is_corrupt_is_not_unpacked(mirror: Mirror, tmp_path: Path) -> None:
    remote = archive(mirror, RECORDS)
    mirror.files["/a/x.tar.gz"] = mirror.files["/a/x.tar.gz"][:-1] + b"x"
    with pytest.raises(UserError, match="SHA-256"):
        fetch("cifar-10", tmp_path, remotes=[remote])
    assert files_in(tmp_path / "cifar-10") == []


def test_every_published_file_has_a_digest_and_addresses_over_https() -> None:
    assert set(REMOTES) == {name for name, entry in DATASETS.items() if entry.find}
    for remotes in REMOTES.values():
        for remote in remotes:
            assert len(bytes.fromhex(remote.sha256)) == 32
            assert remote.mirrors
            assert all(urlsplit(address).scheme == "https" and address.endswith("/") for address in remote.mirrors)
    digests = [remote.sha256 for remotes in REMOTES.values() for remote in remotes]
    assert len(set(digests)) == len(digests)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_published_sets_pass_their_digests(mirror: Mirror, tmp_path: Path, data_root: Path, name: str) -> None:
    mirror.files = {f"/{file}.gz": (data_root / name / f"{file}.gz").read_bytes() for file in FILES}
    assert len(fetch(name, tmp_path, mirrors=[mirror.address])) == len(FILES)
    assert load(name, tmp_path).fingerprint == known(name)
