"""The Parquet form of records: one row a trial, the columns that an analysis wants, and the whole configuration."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from study.config import TrialConfig
from study.records import CurvePoint, Ending, LayerCount, TrialRecord

SCHEMA_VERSION = 1
FORMAT = b"steps-to-result records"

_TEXT = pa.string()
SCHEMA = pa.schema(
    [
        # From the configuration, for reading without parsing it.
        ("trial_id", _TEXT),
        ("workload", _TEXT),
        ("data", _TEXT),
        ("model", _TEXT),
        ("optimizer", _TEXT),
        ("schedule", _TEXT),
        ("goal_error", pa.float64()),
        ("batch_size", pa.int64()),
        ("sparsity", pa.float64()),
        ("pruning_method", _TEXT),
        ("seed", pa.int64()),
        ("trial_index", pa.int64()),
        ("budget_steps", pa.int64()),
        ("metaparameters", pa.map_(_TEXT, pa.float64())),
        ("config", _TEXT),
        # The result.
        ("ending", _TEXT),
        ("steps_run", pa.int64()),
        ("steps_to_goal", pa.int64()),
        ("also_steps", pa.list_(pa.struct([("goal_error", pa.float64()), ("steps", pa.int64())]))),
        ("test_error", pa.float64()),
        (
            "curve",
            pa.list_(
                pa.struct(
                    [
                        ("step", pa.int64()),
                        ("train_loss", pa.float64()),
                        ("validation_errors", pa.int64()),
                        ("validation_examples", pa.int64()),
                    ]
                )
            ),
        ),
        ("kept", pa.list_(pa.struct([("layer", _TEXT), ("kept", pa.int64()), ("total", pa.int64())]))),
        # How it was run.
        ("examples_seen", pa.int64()),
        ("train_seconds", pa.float64()),
        ("evaluate_seconds", pa.float64()),
        ("prune_seconds", pa.float64()),
        ("numerics", pa.map_(_TEXT, _TEXT)),
        ("versions", pa.map_(_TEXT, _TEXT)),
        ("device", _TEXT),
        ("host", _TEXT),
        ("attempt", pa.int64()),
        ("error", _TEXT),
        ("finished_at", _TEXT),
    ],
    metadata={b"format": FORMAT, b"schema_version": str(SCHEMA_VERSION).encode()},
)

_FROM_CONFIG = ("data", "model", "optimizer", "schedule", "goal_error", "batch_size", "sparsity", "pruning_method",
                "seed", "trial_index", "budget_steps")  # fmt: skip
_AS_THEY_ARE = ("steps_run", "steps_to_goal", "test_error", "examples_seen", "train_seconds", "evaluate_seconds",
                "prune_seconds", "device", "host", "attempt", "error", "finished_at")  # fmt: skip


def to_table(records: Iterable[TrialRecord]) -> pa.Table:
    """A table of `SCHEMA`, one row a record."""
    return pa.Table.from_pylist([_row(record) for record in records], schema=SCHEMA)


def from_table(table: pa.Table) -> list[TrialRecord]:
    """The inverse of `to_table`."""
    return [_record(row) for row in table.to_pylist()]


def _row(record: TrialRecord) -> dict[str, Any]:
    config = record.config
    return {
        "trial_id": record.trial_id,
        "workload": config.workload,
        **{name: getattr(config, name) for name in _FROM_CONFIG},
        "metaparameters": list(config.metaparameters.items()),
        "config": json.dumps(config.to_dict(), sort_keys=True),
        "ending": record.ending.value,
        **{name: getattr(record, name) for name in _AS_THEY_ARE},
        "also_steps": [{"goal_error": goal, "steps": steps} for goal, steps in sorted(record.also_steps.items())],
        "curve": [asdict(point) for point in record.curve],
        "kept": [asdict(layer) for layer in record.kept],
        "numerics": list(record.numerics.items()),
        "versions": list(record.versions.items()),
    }


def _record(row: dict[str, Any]) -> TrialRecord:
    return TrialRecord(
        config=TrialConfig.from_dict(json.loads(row["config"])),
        ending=Ending(row["ending"]),
        **{name: row[name] for name in _AS_THEY_ARE},
        also_steps={item["goal_error"]: item["steps"] for item in row["also_steps"]},
        curve=tuple(CurvePoint(**point) for point in row["curve"]),
        kept=tuple(LayerCount(**layer) for layer in row["kept"]),
        numerics=dict(row["numerics"]),
        versions=dict(row["versions"]),
    )
