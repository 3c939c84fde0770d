import errno
import gzip
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from study.config import Fingerprint
from study.errors import UserError
from study.workloads import datasets
from study.workloads.datasets import DATASETS, Dataset, data_root, find, fingerprint_of, load
from study.workloads.fingerprints import known

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@pytest.fixture(autouse=True)
def _no_data_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if "real_data" not in request.keywords:
        monkeypatch.delenv("STUDY_DATA_ROOT", raising=False)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
        monkeypatch.setattr(datasets, "DEBIAN_FASHION_MNIST", tmp_path / "debian")


def idx(array: np.ndarray) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes((0, 0, 8, array.ndim)) + shape + array.astype(np.uint8).tobytes()


def mnist_arrays(train: int = 5, test: int = 3) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        IDX_FILES[0]: random.integers(0, 256, (train, 28, 28)),
        IDX_FILES[1]: random.integers(0, 10, train),
        IDX_FILES[2]: random.integers(0, 256, (test, 28, 28)),
        IDX_FILES[3]: random.integers(0, 10, test),
    }


def write_mnist(folder: Path, arrays: dict[str, np.ndarray] | None = None, compress: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (arrays or mnist_arrays()).items():
        content = idx(array)
        (folder / (name + ".gz" * compress)).write_bytes(gzip.compress(content) if compress else content)


def cifar_batch(records: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (records, 3072), dtype=np.uint8), random.integers(0, 10, records, dtype=np.uint8)


CIFAR_BATCHES = {"data_batch_1": cifar_batch(4, 1), "data_batch_3": cifar_batch(2, 3), "test_batch": cifar_batch(3, 9)}


def write_cifar_binary(folder: Path, compress: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (pixels, labels) in CIFAR_BATCHES.items():
        content = np.concatenate([labels[:, None], pixels], axis=1).tobytes()
        path = folder / (name + ".bin" + ".gz" * compress)
        path.write_bytes(gzip.compress(content) if compress else content)


def write_cifar_pickles(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (pixels, labels) in CIFAR_BATCHES.items():
        batch = {b"batch_label": b"a batch", b"data": pixels, b"labels": labels.tolist(), b"filenames": [b"a.png"]}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def python_2_pickle(pixels: np.ndarray, labels: np.ndarray, typecode: bytes = b"u1") -> bytes:
    """What Python 2's cPickle writes for a batch: strings as STRING opcodes, which Python 3 cannot be told to write."""

    def text(value: bytes) -> bytes:
        return b"T" + struct.pack("<I", len(value)) + value

    dtype = (
        b"cnumpy\ndtype\n"
        + text(typecode)
        + b"K\x00K\x01\x87R(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    shape = b"".join(b"M" + struct.pack("<H", size) for size in pixels.shape) + b"\x86"
    array = start + b"(K\x01" + shape + dtype + b"\x89" + text(pixels.tobytes()) + b"tb"
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + b"u."


def same(left: Dataset, right: Dataset) -> bool:
    halves = ("train_images", "train_labels", "test_images", "test_labels")
    return all(np.array_equal(getattr(left, half), getattr(right, half)) for half in halves)


def test_digits_are_pytorch_s_interpolation_rounded() -> None:
    pixels = torch.from_numpy(load_digits().images)[:, None] * (255 / 16)
    exact = torch.nn.functional.interpolate(pixels, size=(28, 28), mode="bilinear", align_corners=False).numpy()

    digits = load("digits")
    ours = np.concatenate([digits.train_images, digits.test_images])

    half_way = np.abs(exact - np.floor(exact) - 0.5) < 1e-9
    assert 0 < half_way.mean() < 0.002
    assert np.array_equal(ours[~half_way], np.rint(exact)[~half_way])
    # Halfway, the sum's order decides which way floating point rounds; ours goes to the even neighbour.
    assert np.array_equal(ours[half_way], 2 * np.rint(exact[half_way] / 2))


def test_the_last_297_digits_are_the_test_set() -> None:
    digits, labels = load("digits"), load_digits().target
    assert digits.train_images.shape == (1500, 1, 28, 28)
    assert digits.test_images.shape == (297, 1, 28, 28)
    assert digits.train_images.dtype == np.uint8
    assert digits.train_labels.dtype == np.int64
    assert digits.train_labels.tolist() == labels[:1500].tolist()
    assert digits.test_labels.tolist() == labels[1500:].tolist()


def test_digits_have_the_fingerprint_of_the_table() -> None:
    assert load("digits").fingerprint == known("digits") == fingerprint_of("digits")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("compress", [False, True])
def test_idx_files_load(tmp_path: Path, name: str, compress: bool) -> None:
    arrays = mnist_arrays()
    write_mnist(tmp_path / name, arrays, compress)
    dataset = load(name, tmp_path)
    assert dataset.train_images.shape == (5, *DATASETS[name].image_shape)
    assert np.array_equal(dataset.train_images[:, 0], arrays[IDX_FILES[0]])
    assert np.array_equal(dataset.test_labels, arrays[IDX_FILES[3]])
    assert [source.examples for source in dataset.sources] == [5, 3]
    assert dataset.train_images.flags.writeable


def test_fashion_mnist_is_found_where_debian_puts_it_after_the_root(tmp_path: Path) -> None:
    write_mnist(tmp_path / "debian", mnist_arrays(train=7))
    assert len(load("fashion-mnist", tmp_path / "root").train_images) == 7
    write_mnist(tmp_path / "root" / "fashion-mnist", mnist_arrays(train=4))
    assert len(load("fashion-mnist", tmp_path / "root").train_images) == 4


IMAGES, LABELS = (idx(mnist_arrays()[name]) for name in IDX_FILES[:2])


@pytest.mark.parametrize(
    ("file", "content", "expected", "received"),
    [
        (IDX_FILES[0], LABELS, "idx magic 00000803", "got 00000801"),
        (IDX_FILES[0], b"", "idx magic", "got no bytes"),
        (IDX_FILES[0], IMAGES[:9], "a header of 16 bytes", "got 9 bytes"),
        (IDX_FILES[0], IMAGES[:-1], "3,936 bytes (5×28×28 and a header)", "got 3,935"),
        (IDX_FILES[0], IMAGES + b"x", "3,936 bytes", "got 3,937"),
        (IDX_FILES[0], idx(np.zeros((5, 28, 27))), "28×28 pixels", "got 5×28×27"),
        (IDX_FILES[0], idx(np.zeros((0, 28, 28))), "at least one image", "got 0×28×28"),
        (IDX_FILES[0], bytes((0, 0, 8, 3)) + b"\xff" * 12, "bytes", "got 16"),
        (IDX_FILES[1], idx(np.zeros(4)), "5 labels", "got 4"),
        (IDX_FILES[1], idx(np.array([0, 1, 10, 3, 4])), "labels in 0..9", "got 10 at index 2"),
        (IDX_FILES[0] + ".gz", gzip.compress(IMAGES)[:-9], "a whole gzip file", "do not decompress"),
        (IDX_FILES[0] + ".gz", IMAGES, "a whole gzip file", "do not decompress"),
        (IDX_FILES[0] + ".gz", gzip.compress(IMAGES)[:-8] + bytes(8), "a whole gzip file", "do not decompress"),
        (IDX_FILES[0] + ".gz", gzip.compress(IMAGES)[:20] + b"\xff" * 99, "a whole gzip file", "do not decompress"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, file: str, content: bytes, expected: str, received: str) -> None:
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / file.removesuffix(".gz")).unlink()
    (tmp_path / "mnist" / file).write_bytes(content)
    with pytest.raises(UserError) as caught:
        load("mnist", tmp_path)
    message = str(caught.value)
    assert f"'{tmp_path / 'mnist' / file}'" in message
    assert expected in message
    assert received in message
    assert "study data fetch" in message


def test_an_unreadable_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    write_mnist(tmp_path / "mnist")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        UserError, match=rf"'.*{IDX_FILES[0]}': expected a file that can be read; got Permission denied"
    ):
        load("mnist", tmp_path)


def test_idx_files_that_are_lacking_are_named(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    (tmp_path / "mnist" / IDX_FILES[3]).unlink()
    with pytest.raises(UserError, match=r"add t10k-labels-idx1-ubyte\[.gz\], or run `study data fetch`"):
        load("mnist", tmp_path)


@pytest.mark.parametrize("folder", ["cifar-10", "cifar-10/cifar-10-batches-bin", "cifar-10-batches-bin"])
@pytest.mark.parametrize("compress", [False, True])
def test_whichever_binary_batches_are_there_load(tmp_path: Path, folder: str, compress: bool) -> None:
    write_cifar_binary(tmp_path / folder, compress)
    dataset = load("cifar-10", tmp_path)
    assert dataset.train_images.shape == (6, 3, 32, 32)
    assert np.array_equal(dataset.train_images[4].reshape(-1), CIFAR_BATCHES["data_batch_3"][0][0])
    assert np.array_equal(dataset.test_labels, CIFAR_BATCHES["test_batch"][1])
    assert [(source.path.name.split(".")[0], source.examples) for source in dataset.sources] == [
        ("data_batch_1", 4),
        ("data_batch_3", 2),
        ("test_batch", 3),
    ]


@pytest.mark.parametrize("folder", ["cifar-10", "cifar-10/cifar-10-batches-py", "cifar-10-batches-py"])
def test_the_python_layout_equals_the_binary_one(tmp_path: Path, folder: str) -> None:
    write_cifar_binary(tmp_path / "binary" / "cifar-10")
    write_cifar_pickles(tmp_path / "python" / folder)
    binary, python = load("cifar-10", tmp_path / "binary"), load("cifar-10", tmp_path / "python")
    assert same(binary, python)
    assert binary.fingerprint == python.fingerprint


def test_python_2_s_own_pickles_load(tmp_path: Path) -> None:
    (tmp_path / "cifar-10").mkdir()
    for name, (pixels, labels) in CIFAR_BATCHES.items():
        (tmp_path / "cifar-10" / name).write_bytes(python_2_pickle(pixels, labels))
    write_cifar_binary(tmp_path / "binary" / "cifar-10")
    assert same(load("cifar-10", tmp_path), load("cifar-10", tmp_path / "binary"))


def test_the_binary_layout_goes_before_the_python_one(tmp_path: Path) -> None:
    write_cifar_pickles(tmp_path / "cifar-10")
    write_cifar_binary(tmp_path / "cifar-10-batches-bin")
    assert find("cifar-10", tmp_path) == tmp_path / "cifar-10-batches-bin"


class Call:
    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (lambda marker: pickle.dumps(Call(os.system, f"touch {marker}"), protocol=2), "posix.system"),
        (lambda marker: b"cos\nsystem\n(S'touch %s'\ntR." % str(marker).encode(), "os.system"),
        (lambda marker: pickle.dumps(Call(eval, f"open({str(marker)!r}, 'w')"), protocol=4), "builtins.eval"),
        (lambda marker: b"cnumpy.testing._private.utils\nruncommand\n.", "runcommand"),
        (lambda marker: b"cnumpy\nload\n(S'%s'\ntR." % str(marker).encode(), "numpy.load"),
        (lambda marker: pickle.dumps({b"data": np.array([marker], dtype=object)}, protocol=2), "dtype 'O8'"),
        (lambda marker: python_2_pickle(*CIFAR_BATCHES["test_batch"], typecode=b"O8"), "dtype b'O8'"),
        (lambda marker: pickle.dumps({b"data": np.zeros((2, 3072))}, protocol=2), "dtype 'f8'"),
        (lambda marker: pickle.dumps(np.zeros(9, np.uint8), protocol=2)[:-7], "Ran out of input"),
        (lambda marker: b"", "EOFError"),
        (lambda marker: b"not a pickle", "UnpicklingError"),
    ],
)
def test_a_pickle_that_calls_anything_else_is_refused(tmp_path: Path, payload: object, named: str) -> None:
    write_cifar_pickles(tmp_path / "cifar-10")
    marker = tmp_path / "marker"
    (tmp_path / "cifar-10" / "data_batch_1").write_bytes(payload(marker))  # type: ignore[operator]
    with pytest.raises(UserError, match="nothing else; got ") as caught:
        load("cifar-10", tmp_path)
    assert named in str(caught.value)
    assert "data_batch_1'" in str(caught.value)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1], "a pickled mapping"),
        ({b"data": [1], b"labels": [1]}, "'data', an array n×3,072"),
        ({b"data": np.zeros((2, 5), np.uint8), b"labels": [1, 2]}, "got 2×5"),
        ({b"data": np.zeros((2, 3072), np.uint8)}, "'labels', a list of integers"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1, "2"]}, "'labels', a list of integers"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}, "2 labels, as many as images; got 1"),
        ({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1, 10]}, "labels in 0..9; got 10 at index 1"),
    ],
)
def test_a_pickle_that_is_no_batch_is_refused(tmp_path: Path, value: object, expected: str) -> None:
    write_cifar_pickles(tmp_path / "cifar-10")
    (tmp_path / "cifar-10" / "test_batch").write_bytes(pickle.dumps(value, protocol=2))
    with pytest.raises(UserError) as caught:
        load("cifar-10", tmp_path)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("data_batch_1.bin", bytes(3073 * 2 + 1), "records of 3,073 bytes, at least one; got 6,147 bytes"),
        ("data_batch_1.bin", b"", "at least one; got 0 bytes"),
        ("test_batch.bin", b"\x0a" + bytes(3072), "labels in 0..9; got 10 at index 0"),
    ],
)
def test_a_damaged_binary_batch_is_named(tmp_path: Path, file: str, content: bytes, expected: str) -> None:
    write_cifar_binary(tmp_path / "cifar-10")
    (tmp_path / "cifar-10" / file).write_bytes(content)
    with pytest.raises(UserError) as caught:
        load("cifar-10", tmp_path)
    assert expected in str(caught.value)
    assert f"'{tmp_path / 'cifar-10' / file}'" in str(caught.value)


@pytest.mark.parametrize(
    ("removed", "lacking"),
    [(["test_batch"], "test_batch.bin"), (["data_batch_1", "data_batch_3"], "data_batch_1.bin")],
)
def test_cifar_needs_a_training_and_the_test_batch(tmp_path: Path, removed: list[str], lacking: str) -> None:
    write_cifar_binary(tmp_path / "cifar-10")
    for batch in removed:
        (tmp_path / "cifar-10" / f"{batch}.bin").unlink()
    with pytest.raises(UserError, match=rf"needs a test batch and .* training batch: add {lacking}\[.gz\]"):
        load("cifar-10", tmp_path)


@pytest.mark.parametrize("name", [name for name, entry in DATASETS.items() if entry.find])
def test_missing_files_say_what_to_run(tmp_path: Path, name: str) -> None:
    for root, shown in ((tmp_path, tmp_path), (None, tmp_path / "share" / "steps-to-result")):
        with pytest.raises(UserError) as caught:
            load(name, root)
        message = str(caught.value)
        assert message.startswith(f"data: no files of '{name}' under '{shown}': expected {DATASETS[name].expected}")
        assert f"`study data fetch {name} --data-root {shown}`" in message
        assert "STUDY_DATA_ROOT" in message


@pytest.mark.parametrize(
    ("name", "hint"),
    [("mnits", "did you mean 'mnist'?"), ("CIFAR10", "did you mean 'cifar-10'?"), ("x", "known: digits, mnist")],
)
def test_an_unknown_name_gets_the_nearest_known_one(name: str, hint: str) -> None:
    for function in (load, fingerprint_of, find):
        with pytest.raises(UserError, match=f"unknown data set '{name}'") as caught:
            function(name)
        assert hint in str(caught.value)


def test_the_root_is_the_option_then_the_variable_then_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_root() == tmp_path / "share" / "steps-to-result"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert data_root() == Path.home() / ".local" / "share" / "steps-to-result"
    monkeypatch.setenv("STUDY_DATA_ROOT", "")
    assert data_root() == Path.home() / ".local" / "share" / "steps-to-result"
    monkeypatch.setenv("STUDY_DATA_ROOT", "some/where")
    assert data_root() == tmp_path / "some" / "where"
    assert data_root(Path("~/else")) == Path.home() / "else"


def test_load_finds_what_lies_in_the_default_root(tmp_path: Path) -> None:
    write_mnist(tmp_path / "share" / "steps-to-result" / "mnist")
    assert len(load("mnist").train_labels) == 5


def test_a_fingerprint_changes_with_every_part_of_the_content() -> None:
    def dataset(seed: int = 0, train: int = 4) -> Dataset:
        random = np.random.default_rng(seed)
        images = random.integers(0, 256, (6, 1, 3, 4), dtype=np.uint8)
        labels = random.integers(0, 10, 6)
        return Dataset("x", images[:train], labels[:train], images[train:], labels[train:])

    base = dataset()
    assert base.fingerprint == dataset().fingerprint
    assert base.fingerprint == Fingerprint(4, 2, base.fingerprint.digest)
    assert len(base.fingerprint.digest) == 32
    pixel, label, turned = dataset(), dataset(), dataset()
    pixel.train_images[0, 0, 0, 0] ^= 1
    label.test_labels[1] = (label.test_labels[1] + 1) % 10
    shape = (-1, 1, 4, 3)
    turned = Dataset(
        "x", base.train_images.reshape(shape), base.train_labels, base.test_images.reshape(shape), base.test_labels
    )
    variants = [base, pixel, label, turned, dataset(train=3)]
    assert len({variant.fingerprint.digest for variant in variants}) == len(variants)


def test_a_fingerprint_heeds_the_values_and_not_how_they_lie_in_memory() -> None:
    images = np.arange(48, dtype=np.uint8).reshape(4, 1, 3, 4)
    labels = np.arange(4)
    base = Dataset("x", images, labels, images, labels)
    strided = np.asfortranarray(images)
    assert Dataset("x", strided, np.repeat(labels, 2)[::2], strided, labels).fingerprint == base.fingerprint


@pytest.mark.parametrize(
    ("images", "labels", "rule"),
    [
        (np.zeros((2, 1, 3, 3)), np.zeros(2, np.int64), "train_images: must be uint8"),
        (np.zeros((2, 3, 3), np.uint8), np.zeros(2, np.int64), "train_images: must be uint8 of 4 dimensions"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(2, np.uint8), "train_labels: must be int64"),
        (np.zeros((2, 1, 3, 3), np.uint8), np.zeros(3, np.int64), "train_labels: must be int64"),
    ],
)
def test_a_dataset_is_validated_where_it_is_made(images: np.ndarray, labels: np.ndarray, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Dataset("x", images, labels, images, labels)


def test_planning_reads_what_is_there_and_else_the_table(tmp_path: Path) -> None:
    assert fingerprint_of("mnist", tmp_path) == known("mnist")
    write_mnist(tmp_path / "mnist")
    assert fingerprint_of("mnist", tmp_path) == load("mnist", tmp_path).fingerprint != known("mnist")
    (tmp_path / "mnist" / IDX_FILES[0]).unlink()
    with pytest.raises(UserError, match="only some of its files"):
        fingerprint_of("mnist", tmp_path)
    assert known("cifar-10") is None
    with pytest.raises(UserError, match="no files of 'cifar-10'"):
        fingerprint_of("cifar-10", tmp_path)


def test_planning_loads_no_heavy_library() -> None:
    code = """
import sys
from study.workloads import datasets
datasets.fingerprint_of("digits")
print([name for name in ("torch", "sklearn", "scipy", "ray", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_published_sets_have_the_fingerprints_of_the_table(data_root: Path, name: str) -> None:
    dataset = load(name, data_root)
    assert dataset.train_images.shape == (60_000, 1, 28, 28)
    assert np.bincount(dataset.train_labels).min() > 5_000
    assert dataset.fingerprint == known(name)


@pytest.mark.real_data
def test_a_partial_cifar_10_says_what_it_holds(data_root: Path) -> None:
    dataset = load("cifar-10", data_root)
    assert dataset.fingerprint.train_examples == sum(source.examples for source in dataset.sources[:-1])
    assert dataset.train_images.shape[1:] == (3, 32, 32)
    # Natural images: a pixel resembles its neighbour to the right far more than the next channel's scrambling would.
    pixels = dataset.test_images[:500].astype(float)
    assert np.corrcoef(pixels[..., :-1].ravel(), pixels[..., 1:].ravel())[0, 1] > 0.9
