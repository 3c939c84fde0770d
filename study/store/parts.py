"""Records as Parquet parts under `records/`: written one by one, read as one table, compacted when they are many."""

import hashlib
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from study.records import Ending, TrialRecord
from study.store import schema
from study.store.folder import Folder

RECORDS = "records"
SET_ASIDE = "set-aside"
_SUFFIX = ".parquet"
MERGE_COLUMNS = ("trial_id", "ending", "steps_run", "steps_to_goal")
_FINAL = (Ending.REACHED, Ending.DIVERGED, Ending.UNTRAINABLE)


@dataclass(frozen=True)
class Damage:
    """A part that could not be read, and why; `newer` where a later version of this project wrote it."""

    name: str
    reason: str
    newer: bool = False


@dataclass(frozen=True)
class Contents:
    """What the parts hold: one row a trial (schema.SCHEMA), the parts read, those that could not be, and conflicts."""

    table: pa.Table
    parts: tuple[str, ...]
    damaged: tuple[Damage, ...]
    conflicts: tuple[str, ...]


def write(folder: Folder, records: list[TrialRecord]) -> None:
    """Store `records` as one part; once this returns they are on the disk. The part is named after its content."""
    _write_table(folder, schema.to_table(records))


def read(folder: Folder, columns: list[str] | None = None) -> Contents:
    """Every readable record, merged: one row a trial. A damaged part is named, never fatal to the rest."""
    tables, names, damaged = [], [], []
    for name in folder.names(RECORDS, _SUFFIX):
        content = folder.read(name)
        if content is None:  # compacted away by the driver since the listing
            continue
        table = _parse(name, content, columns)
        if isinstance(table, Damage):
            damaged.append(table)
        else:
            tables.append(table)
            names.append(name)
    fields = schema.SCHEMA if columns is None else pa.schema([schema.SCHEMA.field(column) for column in columns])
    table = pa.concat_tables(tables) if tables else fields.empty_table()
    merged, conflicts = _merge(table)
    return Contents(merged, tuple(names), tuple(damaged), conflicts)


def set_aside(folder: Folder, damaged: tuple[Damage, ...]) -> None:
    """Move unreadable parts out of `records/`; one that a later version wrote stays where it is."""
    for damage in damaged:
        if not damage.newer:
            folder.move(damage.name, damage.name.replace(RECORDS, SET_ASIDE, 1))


def compact(folder: Folder, contents: Contents) -> None:
    """Rewrite the parts read as one. Killed at any moment it leaves equal duplicates, which merge when read."""
    if len(contents.parts) < 2:
        return
    new = _write_table(folder, contents.table)
    for name in contents.parts:
        if name != new:
            folder.delete(name)


def _write_table(folder: Folder, table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    name = f"{RECORDS}/{_digest(content)}{_SUFFIX}"
    folder.write(name, content)
    return name


def _parse(name: str, content: bytes, columns: list[str] | None) -> pa.Table | Damage:
    if name != f"{RECORDS}/{_digest(content)}{_SUFFIX}":
        return Damage(name, "its content does not match its name: torn, changed, or not ours")
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
    except pa.ArrowInvalid as error:
        return Damage(name, f"not a Parquet file: {error}")
    metadata = file.schema_arrow.metadata or {}
    if metadata.get(b"format") != schema.FORMAT:
        return Damage(name, "a Parquet file of something else")
    version = int(metadata.get(b"schema_version", b"0"))
    if version > schema.SCHEMA_VERSION:
        return Damage(name, f"schema version {version}; this version reads up to {schema.SCHEMA_VERSION}", newer=True)
    return file.read(columns=columns)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _merge(table: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """One row a trial: the furthest one. Conflicting trials (both final, results unequal) are named."""
    ids = table.column("trial_id")
    counts = pc.value_counts(ids)
    repeated = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    if not repeated:
        return table, ()
    wanted = set(repeated)
    rows: dict[str, list[int]] = {trial_id: [] for trial_id in repeated}
    for index, trial_id in enumerate(ids.to_pylist()):
        if trial_id in wanted:
            rows[trial_id].append(index)
    endings, steps = table.column("ending").to_pylist(), table.column("steps_run").to_pylist()
    goals = table.column("steps_to_goal").to_pylist()
    drop: set[int] = set()
    conflicts = []
    for trial_id, indices in rows.items():
        final = {(endings[i], steps[i], goals[i]) for i in indices if endings[i] in _FINAL}
        if len(final) > 1:
            conflicts.append(
                f"{trial_id}: " + " and ".join(f"{end} after {run} steps" for end, run, _ in sorted(final))
            )
        best = max(indices, key=lambda i: (endings[i] != Ending.FAILED, endings[i] in _FINAL, steps[i]))
        drop.update(set(indices) - {best})
    kept = pa.array([index for index in range(len(table)) if index not in drop])
    return table.take(kept), tuple(conflicts)
