import dataclasses
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import fake_records

from study.records import Ending, TrialRecord
from study.store import parts, schema
from study.store.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def records() -> list[TrialRecord]:
    return fake_records(trials=3)


def stored(folder: Folder) -> dict[str, TrialRecord]:
    return {record.trial_id: record for record in schema.from_table(parts.read(folder).table)}


def test_a_record_comes_back_as_it_was(records: list[TrialRecord]) -> None:
    full = dataclasses.replace(
        records[0],
        error="Traceback …",
        also_steps={0.1: 3, 0.2: None},
        versions={"torch": "2"},
        numerics={"device": "cpu"},
    )
    assert schema.from_table(schema.to_table([full, *records[1:]])) == [full, *records[1:]]


def test_every_field_of_a_record_has_a_column() -> None:
    fields = {field.name for field in dataclasses.fields(TrialRecord)}
    assert fields <= set(schema.SCHEMA.names)


def test_parts_are_read_as_one(folder: Folder, records: list[TrialRecord]) -> None:
    for record in records:
        parts.write(folder, [record])
    assert list(stored(folder).values()) == sorted(
        records, key=lambda record: list(stored(folder)).index(record.trial_id)
    )
    assert len(parts.read(folder).parts) == len(records)


def test_equal_duplicates_merge(folder: Folder, records: list[TrialRecord]) -> None:
    parts.write(folder, records)
    parts.write(folder, [dataclasses.replace(record, host="another", train_seconds=9.0) for record in records])
    contents = parts.read(folder)
    assert len(contents.table) == len(records)
    assert contents.conflicts == ()


def test_contradicting_duplicates_are_named(folder: Folder, records: list[TrialRecord]) -> None:
    record = next(record for record in records if record.ending is Ending.REACHED)
    parts.write(folder, [record])
    parts.write(folder, [dataclasses.replace(record, steps_run=record.steps_run + 16)])
    (conflict,) = parts.read(folder).conflicts
    assert record.trial_id in conflict
    assert len(parts.read(folder).table) == 1


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ((Ending.FAILED, 0), (Ending.BUDGET, 16), (Ending.BUDGET, 16)),
        ((Ending.BUDGET, 16), (Ending.FAILED, 99), (Ending.BUDGET, 16)),
        ((Ending.BUDGET, 16), (Ending.BUDGET, 32), (Ending.BUDGET, 32)),
        ((Ending.BUDGET, 32), (Ending.REACHED, 40), (Ending.REACHED, 40)),
    ],
)
def test_the_furthest_record_of_a_trial_counts(
    folder: Folder,
    records: list[TrialRecord],
    first: tuple,
    second: tuple,
    kept: tuple,  # type: ignore[type-arg]
) -> None:
    for ending, steps in (first, second):
        parts.write(folder, [dataclasses.replace(records[0], ending=ending, steps_run=steps)])
    (record,) = stored(folder).values()
    assert (record.ending, record.steps_run) == kept
    assert parts.read(folder).conflicts == ()


def _damages(folder: Folder, records: list[TrialRecord]) -> dict[str, str]:
    """A damaged part by name, and the reason that must be given."""
    parts.write(folder, records[1:2])
    (name,) = (name for name in parts.read(folder).parts if "x" not in name)
    content = folder.read(name)
    assert content is not None
    torn = content[: len(content) // 2]
    (folder.root / name).unlink()

    def named(content: bytes) -> str:
        return f"records/{parts._digest(content)}.parquet"

    def parquet(metadata: dict[str, str]) -> bytes:
        sink = io.BytesIO()
        pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), sink)
        return sink.getvalue()

    newer = parquet({"format": schema.FORMAT.decode(), "schema_version": "999"})
    cases = {
        name: (torn, "its content does not match its name"),
        named(torn): (torn, "not a Parquet file"),
        "records/notes.parquet": (b"hello", "its content does not match its name"),
        named(parquet({})): (parquet({}), "a Parquet file of something else"),
        named(newer): (newer, "schema version 999"),
    }
    for path, (content, _) in cases.items():
        folder.write(path, content)
    return {path: reason for path, (_, reason) in cases.items()}


def test_a_damaged_part_is_named_and_set_aside_and_harms_no_other(folder: Folder, records: list[TrialRecord]) -> None:
    expected = _damages(folder, records)
    parts.write(folder, records[:1])
    contents = parts.read(folder)
    assert {damage.name for damage in contents.damaged} == set(expected)
    for damage in contents.damaged:
        assert expected[damage.name] in damage.reason
    parts.set_aside(folder, contents.damaged)
    again = parts.read(folder)
    assert [damage.newer for damage in again.damaged] == [True]
    assert list(stored(folder)) == [records[0].trial_id]
    assert len(folder.names(parts.SET_ASIDE)) == len(expected) - 1


def test_compaction_keeps_every_record_even_when_it_is_broken_off(
    folder: Folder, records: list[TrialRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    for record in records:
        parts.write(folder, [record])
    before = stored(folder)
    deleted = []

    def delete(name: str) -> None:
        if len(deleted) == 3:
            raise KeyboardInterrupt
        deleted.append(name)
        (folder.root / name).unlink()

    with monkeypatch.context() as patched:
        patched.setattr(folder, "delete", delete)
        with pytest.raises(KeyboardInterrupt):
            parts.compact(folder, parts.read(folder))
    assert stored(folder) == before
    parts.compact(folder, parts.read(folder))
    assert stored(folder) == before
    assert len(parts.read(folder).parts) == 1
