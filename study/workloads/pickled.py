"""Reads a pickle that holds numpy arrays of bytes and plain values, and lets it call nothing else."""

import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from study.errors import UserError


def load_pickled(content: bytes, path: Path) -> Any:
    """The pickled value, a Python 2 string as bytes; raises UserError where the pickle names anything but an array."""
    try:
        return _resolve(_ArraysOnly(io.BytesIO(content), encoding="bytes").load())
    except Exception as error:  # a hostile or torn pickle raises whatever it likes
        reason = f"{type(error).__name__}: {error}"
        raise UserError(
            f"data: '{path}': expected a pickle of uint8 arrays and plain values, nothing else; got {reason}; "
            "remove it and run `study data fetch cifar-10`, which takes the binary layout"
        ) from error


class _Array:
    """Stands in for an array while it is unpickled.

    numpy's own `__setstate__` trusts a dtype whose flags the pickle chose, which is a way to forge object pointers.
    """

    value: np.ndarray | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, dtype, fortran, raw = state
        if not isinstance(dtype, _Bytes):
            raise pickle.UnpicklingError(f"an array of {dtype!r}")
        flat = np.frombuffer(raw, dtype=np.uint8)
        self.value = flat.reshape(shape, order="F" if fortran else "C")


class _Bytes:
    """Stands in for the dtype of unsigned bytes."""

    def __init__(self, name: str | bytes, *_alignment: Any) -> None:
        if name not in ("u1", b"u1"):
            raise pickle.UnpicklingError(f"an array of dtype {name!r}")

    def __setstate__(self, state: Any) -> None:
        """Byte order and alignment, which single bytes do not have."""


def _new_array(*_arguments: Any) -> _Array:
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in protocol 2."""
    if encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}")
    return text.encode("latin-1")


_ADMITTED: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Bytes,
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("_codecs", "encode"): _encode,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"a call of {module}.{name}")
        return _ADMITTED[module, name]


def _resolve(value: Any) -> Any:
    """`value`, or the mapping that it is, with arrays in place of what stood in for them."""
    if isinstance(value, dict):
        return {key: _resolve(item) for key, item in value.items()}
    return value.value if isinstance(value, _Array) else value
