"""Nested arrow columns as flat ones, without a Python step a row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.store import schema
from study.store.store import Store

_BATCH_ROWS = 4096


def map_columns(column: pa.ChunkedArray, missing: Any) -> dict[str, np.ndarray]:
    """A column a key of a map column, in rows; `missing` where a row lacks the key."""
    found: dict[str, np.ndarray] = {}
    start = 0
    for chunk in column.chunks:
        offsets = chunk.offsets.to_numpy()
        rows = start + np.repeat(np.arange(len(chunk)), np.diff(offsets))
        inner = slice(offsets[0], offsets[-1])
        keys = chunk.keys[inner].dictionary_encode()
        items = chunk.items[inner].to_numpy(zero_copy_only=False)
        codes = keys.indices.to_numpy()
        for code, name in enumerate(keys.dictionary.to_pylist()):
            values = found.setdefault(name, np.full(len(column), missing, dtype=items.dtype))
            values[rows[codes == code]] = items[codes == code]
        start += len(chunk)
    return found


def flatten_structs(column: pa.ChunkedArray) -> pd.DataFrame:
    """A list column of structs as one row a struct: `row`, `position` in its list, and the struct's fields."""
    frames = []
    start = 0
    for chunk in column.chunks:
        rows = pc.list_parent_indices(chunk).to_numpy(zero_copy_only=False).astype("int64")
        values = chunk.flatten()
        fields = {
            field.name: pd.Series(values.field(field.name).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
            for field in values.type
        }
        first = np.searchsorted(rows, rows)  # rows come in order, so a list begins where its row first appears
        frames.append(pd.DataFrame({"row": rows + start, "position": np.arange(len(rows)) - first, **fields}))
        start += len(chunk)
    if not frames:
        return pd.DataFrame({"row": [], "position": [], **{field.name: [] for field in column.type.value_type}})
    return pd.concat(frames, ignore_index=True)


def json_scalar(column: pa.ChunkedArray, key: str) -> pa.ChunkedArray:
    """The scalar under `key` in a column of JSON objects, as text without quotes; null where the key is missing."""
    return pc.struct_field(pc.extract_regex(column, rf'"{key}": ?"?(?P<value>[^",}}]*)'), "value")


def nested(store: Store, column: str, trial_ids: set[str] | None) -> pd.DataFrame:
    """The structs of `column` ("curve" or "kept") for the trials named, or for all: trial_id, position, fields.

    Read in batches, because the curves of a large study together do not fit into memory.
    """
    contents = store.read(["trial_id"])
    keys = contents.table.select(["trial_id", "steps_run", "ending"]).to_pandas()
    if trial_ids is not None:
        keys = keys[keys["trial_id"].isin(trial_ids)]
    wanted = set(keys.itertuples(index=False, name=None))
    ids = pa.array(sorted({key[0] for key in wanted}), pa.string())
    frames = []
    for batch in _batches(store, contents.parts, ["trial_id", "steps_run", "ending", column]):
        batch = batch.filter(pc.is_in(batch.column("trial_id"), ids))
        keep = []
        for key in zip(*(batch.column(i).to_pylist() for i in range(3)), strict=True):
            keep.append(key in wanted)  # a trial that two parts hold is read once, as far as it came
            wanted.discard(key)
        batch = batch.filter(pa.array(keep, pa.bool_()))
        flat = flatten_structs(pa.chunked_array([batch.column(column)]))
        flat = flat.astype({name: "int64" for name in flat.columns if flat[name].dtype == "Int64"})
        flat.insert(0, "trial_id", batch.column("trial_id").to_pandas().astype("str").to_numpy()[flat.pop("row")])
        frames.append(flat)
    if frames:
        return pd.concat(frames, ignore_index=True)
    empty = flatten_structs(pa.chunked_array([], schema.SCHEMA.field(column).type))
    empty.insert(0, "trial_id", pd.Series(dtype="str"))
    return empty.drop(columns="row")


def _batches(store: Store, parts: tuple[str, ...], columns: list[str]) -> Iterator[pa.RecordBatch]:
    for name in parts:
        content = store.folder.read(name)
        if content is not None:
            yield from pq.ParquetFile(pa.BufferReader(content)).iter_batches(_BATCH_ROWS, columns=columns)
