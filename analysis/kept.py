"""What takes long to compute, kept in a study folder under a digest of what it follows from."""

import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from study.store.folder import Folder

VERSION = 1
"""Raised whenever the same trials and options give another result, or it is written otherwise."""

_FOLDER = "analysis"


Content = Mapping[str, Any]
"""Tables, and values that JSON has, under their names."""


def kept(root: Path, trials: pd.DataFrame, options: Mapping[str, Any], compute: Callable[[], Content]) -> Content:
    """What `compute` gives for `trials` and `options`, read from root/analysis where it was kept, else kept there.

    `options` are JSON values that say what is computed and how. A tuple comes back as a list. A folder that cannot be
    read or written, or a damaged file, costs the time to compute it, nothing else.
    """
    folder, name = Folder(root), f"{_FOLDER}/{digest(trials, options)}.json"
    found = _read(folder, name)
    if found is None:
        found = compute()
        # ValueError: DIR/analysis is a link that leads out of DIR.
        with contextlib.suppress(OSError, ValueError):
            folder.write(name, encode(found))
    return found


def digest(trials: pd.DataFrame, options: Mapping[str, Any]) -> str:
    """32 hexadecimal digits over how each trial of `load` ended, in whatever order, the options and `VERSION`."""
    ordered = trials.sort_values(["study", "trial_id"])
    made = hashlib.blake2b(json.dumps([VERSION, dict(options)], sort_keys=True).encode(), digest_size=16)
    for name in ("study", "trial_id", "ending"):
        made.update("\n".join(ordered[name].astype("str")).encode() + b"\0")
    for name in ("steps_run", "steps_to_goal"):
        made.update(ordered[name].fillna(-1).to_numpy(dtype="<i8").tobytes())
    return made.hexdigest()


def encode(found: Content) -> bytes:
    """`found` as JSON with a checksum; what is not finite is written as a word, since JSON has no number for it."""
    content = {name: _plain(value) for name, value in found.items()}
    return json.dumps({"checksum": _checksum(content), "content": content}, allow_nan=False).encode()


def decode(text: bytes) -> Content:
    """The inverse of `encode`; raises ValueError, KeyError or TypeError on anything else."""
    values = json.loads(text)
    content = values["content"]
    if values["checksum"] != _checksum(content):
        raise ValueError("the checksum does not match")
    return {name: _table(value) if isinstance(value, dict) else value for name, value in content.items()}


def _read(folder: Folder, name: str) -> Content | None:
    try:
        text = folder.read(name)
        return None if text is None else decode(text)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _checksum(content: Any) -> str:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    if not isinstance(value, pd.DataFrame):
        return value
    return {name: [str(column.dtype), [_number(item) for item in column.tolist()]] for name, column in value.items()}


def _number(item: Any) -> Any:
    return str(item) if isinstance(item, float) and not math.isfinite(item) else item


def _table(columns: Mapping[str, tuple[str, list[Any]]]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(items, dtype=kind) for name, (kind, items) in columns.items()})
