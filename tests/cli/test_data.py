import functools
import gzip
import hashlib
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from study.cli.data import app
from study.errors import UserError
from study.workloads import datasets, downloads
from study.workloads.fingerprints import known

COLUMNS = 60


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    if "real_data" not in request.keywords:
        monkeypatch.delenv("STUDY_DATA_ROOT", raising=False)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
        monkeypatch.setattr(datasets, "DEBIAN_FASHION_MNIST", tmp_path / "debian")


def study_data(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is None:
        assert result.exit_code == 0
    return result


def write_cifar(folder: Path, records: int = 3) -> None:
    folder.mkdir(parents=True)
    for batch in ("data_batch_1", "test_batch"):
        (folder / f"{batch}.bin").write_bytes(bytes(3073 * records))


def row(output: str, name: str) -> list[str]:
    return next(line.split() for line in output.splitlines() if line.startswith(f"{name} "))


def test_list_says_what_each_set_is_and_where(tmp_path: Path) -> None:
    write_cifar(tmp_path / "cifar-10")
    output = study_data("list", "--data-root", tmp_path).stdout
    assert row(output, "digits") == ["digits", "1×28×28", "10", "1,500", "297"]
    assert row(output, "mnist") == ["mnist", "1×28×28", "10"]
    assert row(output, "cifar-10") == ["cifar-10", "3×32×32", "10", "3", "3"]
    assert "digits: embedded\nmnist: not found\nfashion-mnist: not found\n" in output
    assert f"cifar-10: {tmp_path / 'cifar-10'}\n" in output
    assert "`study data fetch NAME`" in output
    assert all(len(line) <= COLUMNS or str(tmp_path) in line for line in output.splitlines())


def test_list_goes_on_past_a_damaged_set(tmp_path: Path) -> None:
    write_cifar(tmp_path / "cifar-10")
    (tmp_path / "cifar-10" / "test_batch.bin").write_bytes(b"x")
    output = study_data("list", "--data-root", tmp_path).stdout
    assert f"cifar-10: {tmp_path / 'cifar-10'}: damaged; see `study data check cifar-10`" in output
    assert row(output, "digits")[-1] == "297"


def test_list_takes_the_root_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_DATA_ROOT", str(tmp_path))
    write_cifar(tmp_path / "cifar-10")
    assert f"cifar-10: {tmp_path / 'cifar-10'}\n" in study_data("list").stdout


def test_check_recognises_the_published_set() -> None:
    published = known("digits")
    assert published is not None
    assert study_data("check", "digits").stdout.splitlines() == [
        "1,500 training and 297 test examples",
        f"fingerprint {published.digest}",
        "the complete published set",
    ]


def test_check_counts_the_records_of_each_file(tmp_path: Path) -> None:
    write_cifar(tmp_path / "cifar-10", records=1_200)
    output = study_data("check", "cifar-10", "--data-root", tmp_path).stdout
    assert f"{tmp_path / 'cifar-10' / 'data_batch_1.bin'}: 1,200\n" in output
    assert f"{tmp_path / 'cifar-10' / 'test_batch.bin'}: 1,200\n" in output
    assert "1,200 training and 1,200 test examples" in output
    assert "not the complete published set, which has 50,000 and 10,000" in output


def test_fetch_of_digits_says_that_they_are_embedded() -> None:
    assert study_data("fetch", "digits").stdout == "digits is embedded: nothing to fetch\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        pass


def test_fetch_downloads_verifies_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"content"
    (tmp_path / "mirror").mkdir()
    remote = downloads.Remote("t10k-images-idx3-ubyte.gz", (), hashlib.sha256(content).hexdigest())
    (tmp_path / "mirror" / remote.name).write_bytes(gzip.compress(content))
    monkeypatch.setitem(downloads.REMOTES, "mnist", (remote,))
    handler = functools.partial(Quiet, directory=str(tmp_path / "mirror"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        mirror = f"http://127.0.0.1:{server.server_port}"
        lines = study_data("fetch", "mnist", "--data-root", tmp_path, "--mirror", mirror).stdout.splitlines()
        server.shutdown()
        thread.join()
    assert lines[-1] == f"1 file verified and written to {tmp_path / 'mnist'}"
    assert any(remote.name in line and "27/27 bytes" in line for line in lines)
    assert all(len(line) <= COLUMNS for line in lines[:-1])
    assert (tmp_path / "mnist" / remote.name).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "mnits"), "did you mean 'mnist'"),
        (("fetch", "mnits"), "did you mean 'mnist'"),
        (("check", "mnist"), "run `study data fetch mnist"),
        (("fetch", "mnist", "--data-root", os.devnull), "cannot write to '/dev/null/mnist'"),
    ],
)
def test_a_mistake_is_the_user_s_error(arguments: tuple[str, ...], message: str) -> None:
    result = study_data(*arguments)
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)


@pytest.mark.real_data
def test_the_published_sets_are_recognised(data_root: Path) -> None:
    for name in ("mnist", "fashion-mnist"):
        assert study_data("check", name, "--data-root", data_root).stdout.endswith("the complete published set\n")


@pytest.mark.real_data
def test_fetch_leaves_a_complete_set_alone(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    for path in (data_root / "mnist").iterdir():
        (tmp_path / "mnist" / path.name).symlink_to(path.resolve())
    output = study_data("fetch", "mnist", "--data-root", tmp_path).stdout
    assert output.splitlines()[-1] == f"complete already in {tmp_path / 'mnist'}"
