"""What determines a trial: its resolved configuration, and the id that follows from it."""

import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

IDENTITY_VERSION = 1

# Values that were built in before a key existed. Such a key enters a trial's identity only where its value
# differs, so that adding it changed no id. A line is added with a key and never edited afterwards.
_BUILT_IN: Mapping[str, Any] = {"also_goals": []}

_PRUNING_KEYS = ("pruning_method", "saliency_examples", "prunable")
_NOT_IDENTITY = ("budget_steps",)


@dataclass(frozen=True)
class Fingerprint:
    """Which data a trial saw: how many examples, and a digest of the decoded pixels and labels."""

    train_examples: int
    test_examples: int
    digest: str


@dataclass(frozen=True)
class TrialConfig:
    """One trial, resolved: everything that its result depends on, and the budget that it may spend.

    `sparsity` is the fraction of the prunable parameters removed, in [0, 1). `metaparameters` are already rounded
    to 10 significant digits. `budget_steps` is no part of the identity: a larger budget continues a trial.
    """

    data: str
    fingerprint: Fingerprint
    model: str
    optimizer: str
    schedule: str
    goal_error: float
    goal_test_every: int
    batch_size: int
    sparsity: float
    metaparameters: Mapping[str, float]
    seed: int
    trial_index: int
    budget_steps: int
    pruning_method: str = "snip"
    saliency_examples: int | Literal["all"] = "all"
    prunable: Literal["weights", "weights_and_biases"] = "weights"
    also_goals: tuple[float, ...] = ()

    @property
    def workload(self) -> str:
        return workload_name(self.data, self.model, self.optimizer, self.schedule, self.goal_error)

    @functools.cached_property
    def trial_id(self) -> str:
        """32 hexadecimal digits of BLAKE2b over the canonical JSON of `identity()`."""
        return _digest(canonical_json(self.identity()))

    def identity(self) -> dict[str, Any]:
        """The keys that the trial's result depends on, as JSON values."""
        leaving = set(_NOT_IDENTITY) | (set(_PRUNING_KEYS) if self.sparsity == 0 else set())
        kept = {
            key: value
            for key, value in self.to_dict().items()
            if key not in leaving and not (key in _BUILT_IN and _BUILT_IN[key] == value)
        }
        return {"identity_version": IDENTITY_VERSION, **kept}

    def to_dict(self) -> dict[str, Any]:
        """The whole configuration as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["fingerprint"] = asdict(self.fingerprint)
        values["metaparameters"] = dict(self.metaparameters)
        values["also_goals"] = list(self.also_goals)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrialConfig":
        """The inverse of `to_dict`; raises TypeError on a key that this version does not know."""
        fingerprint = Fingerprint(**values["fingerprint"])
        return cls(**{**values, "fingerprint": fingerprint, "also_goals": tuple(values["also_goals"])})


def ids_of(config: TrialConfig, points: Sequence[str]) -> list[str]:
    """The ids of the trials that differ from `config` in index and metaparameters alone.

    `points[i]` is the canonical JSON of trial i's metaparameters. Ten times as fast as a configuration each.
    """
    whole = canonical_json({**config.identity(), "metaparameters": "@point", "trial_index": "@index"})
    before, between, after = re.split('"@point"|"@index"', whole)  # in this order, since keys are sorted
    return [_digest(f"{before}{point}{between}{index}{after}") for index, point in enumerate(points)]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def workload_name(data: str, model: str, optimizer: str, schedule: str, goal_error: float) -> str:
    """Data set, model, optimiser, schedule and goal in one readable name."""
    return f"{data}/{model}/{optimizer}/{schedule}/{goal_error:g}"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and Python's shortest exact floats; raises ValueError on NaN or infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def round_metaparameter(value: float) -> float:
    """`value` rounded to 10 significant digits, so that it prints, parses and hashes alike everywhere."""
    return float(f"{value:.10g}")
