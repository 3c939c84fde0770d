"""Made-up studies around a known law, for tests that need records and no training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from study.config import Fingerprint, TrialConfig, round_metaparameter
from study.records import CurvePoint, Ending, LayerCount, TrialRecord
from study.store.store import Store

FINGERPRINT = Fingerprint(train_examples=60_000, test_examples=10_000, digest="f" * 32)
VALIDATION_EXAMPLES = 6_000
LAYERS: Mapping[str, int] = {"conv1": 800, "conv2": 51_200, "dense": 10_240}
_KEEPS: Mapping[str, float] = {"conv1": 3.0, "conv2": 0.9, "dense": 1.4}  # how much readier a layer is to keep a weight
SPACE: Mapping[str, Mapping[str, Any]] = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1.0},
    "momentum": {"scale": "reverse-log", "low": 0.9, "high": 0.9999},
}
_START = "2026-01-01T00:00:00+00:00"


def hyperbola(batch_size: int, sparsity: float) -> float:
    """The steps that a perfect search would find: c1/B + c2, both growing with sparsity; 2.35 times as many at 90%."""
    slower = 1 + 1.5 * sparsity
    return slower * (20_000 / batch_size + 60)


def fake_records(
    batch_sizes: Sequence[int] = (16, 64, 256, 1024),
    sparsities: Sequence[float] = (0.0, 0.9),
    trials: int = 16,
    *,
    optimizer: str = "momentum",
    law: Callable[[int, float], float] = hyperbola,
    budget_steps: int = 4_000,
    goal_error: float = 0.02,
    goal_test_every: int = 16,
    also_goals: Sequence[float] = (),
    pruning_method: str = "snip",
    untrainable: Sequence[tuple[float, int]] = (),
    failed: Sequence[int] = (),
    seed: int = 0,
    curve_points: int = 12,
    **config: Any,
) -> list[TrialRecord]:
    """A record a trial of a search around `law`, in the order cell by cell.

    Trial i has the same metaparameters and the same luck in every cell, as in a real study. Steps grow with the
    distance of the learning rate and the momentum from their best, large effective learning rates diverge, what would
    take longer than `budget_steps` ends as budget. `untrainable` names (sparsity, trial index) pairs, `failed` trial
    indices that end so everywhere. `config` sets other fields of TrialConfig.
    """
    generator = np.random.default_rng(seed)
    points = generator.random((trials, 2))
    luck = generator.normal(0.0, 0.05, trials)
    records = []
    for batch_size in batch_sizes:
        for sparsity in sparsities:
            for index in range(trials):
                values = _point(points[index], optimizer)
                resolved = TrialConfig(
                    **{
                        "data": "mnist",
                        "fingerprint": FINGERPRINT,
                        "model": "simple-cnn",
                        "optimizer": optimizer,
                        "schedule": "constant",
                        "goal_error": goal_error,
                        "goal_test_every": goal_test_every,
                        "batch_size": batch_size,
                        "sparsity": sparsity,
                        "metaparameters": values,
                        "seed": seed,
                        "trial_index": index,
                        "budget_steps": budget_steps,
                        "pruning_method": pruning_method,
                        "also_goals": tuple(also_goals),
                        **config,
                    }
                )
                if index in failed:
                    records.append(
                        TrialRecord(resolved, Ending.FAILED, 0, error="RuntimeError: made up", host="fake", attempt=3)
                    )
                elif (sparsity, index) in untrainable:
                    records.append(_finish(resolved, Ending.UNTRAINABLE, 0, curve_points))
                else:
                    records.append(_trained(resolved, law(batch_size, sparsity), luck[index], curve_points))
    return records


def fake_study(folder: Path, records: Sequence[TrialRecord] | None = None, *, name: str = "fake", **made: Any) -> Path:
    """Write `records`, or those of `fake_records(**made)`, as a study under `folder` in a few parts; its path."""
    records = fake_records(**made) if records is None else records
    root = folder / name
    store = Store(root)
    space = {key: scale for key, scale in SPACE.items() if not records or key in records[0].config.metaparameters}
    store.write_specification({"name": name, "search_space": space}, FINGERPRINT)
    size = max(1, -(-len(records) // 3))
    for start in range(0, len(records), size):
        store.add(list(records[start : start + size]))
    return root


def _point(unit: np.ndarray, optimizer: str) -> dict[str, float]:
    rate = round_metaparameter(10.0 ** (-4 + 4 * unit[0]))
    if optimizer == "sgd":
        return {"learning_rate": rate}
    return {"learning_rate": rate, "momentum": round_metaparameter(1 - 10.0 ** (-1 - 3 * unit[1]))}


def _trained(config: TrialConfig, fewest: float, luck: float, points: int) -> TrialRecord:
    momentum = config.metaparameters.get("momentum", 0.0)
    effective = np.log10(config.metaparameters["learning_rate"] / (1 - momentum))
    best = min(0.6, -1.3 + 0.35 * np.log2(config.batch_size) / 2) - 0.2 * config.sparsity
    if effective > best + 1.4:
        return _finish(config, Ending.DIVERGED, int(16 + 100 * abs(luck)), points)
    slowness = 0.9 * (effective - best) ** 2 + 0.15 * (np.log10(1 - momentum) + 1.5) ** 2 + abs(luck)
    every = config.goal_test_every
    steps = int(np.ceil(fewest * np.exp(slowness) / every) * every)
    return _finish(config, Ending.REACHED if steps <= config.budget_steps else Ending.BUDGET, steps, points)


def _finish(config: TrialConfig, ending: Ending, steps: int, points: int) -> TrialRecord:
    run = min(steps, config.budget_steps)
    also = {}
    for goal in config.also_goals:
        earlier = (
            int(np.ceil(steps * (config.goal_error / goal) ** 0.5 / config.goal_test_every)) * config.goal_test_every
        )
        also[goal] = earlier if ending in (Ending.REACHED, Ending.BUDGET) and 0 < earlier <= run else None
    seconds = run * (0.001 + 0.0003 * config.batch_size)
    record = TrialRecord(
        config=config,
        ending=ending,
        steps_run=run,
        steps_to_goal=steps if ending is Ending.REACHED else None,
        also_steps=also,
        test_error=config.goal_error * 1.05 if ending is Ending.REACHED else None,
        kept=_kept(config),
        examples_seen=run * config.batch_size,
        train_seconds=seconds,
        evaluate_seconds=seconds * 0.3,
        prune_seconds=0.4 if config.sparsity else 0.0,
        numerics={"engine": "1", "device": "cpu", "threads": "1"},
        versions={"python": "3.11", "torch": "2.13.0"},
        host="fake",
        finished_at=_START,
    )
    return replace(record, curve=_curve(config, ending, run, points))


def _curve(config: TrialConfig, ending: Ending, run: int, points: int) -> tuple[CurvePoint, ...]:
    goal = int(config.goal_error * VALIDATION_EXAMPLES)
    steps = sorted({int(step) for step in np.linspace(0, run, points + 1)[1:]}) if run and points else []
    curve = []
    for step in steps:
        last = step == run and ending is Ending.REACHED
        loss = 2.3 * np.exp(-4 * step / run) + 0.02
        examples = VALIDATION_EXAMPLES if last or step == steps[len(steps) // 2] else goal + 80
        curve.append(CurvePoint(step, float(loss), goal if last else goal + 1 + int(40 * loss), examples))
    return tuple(curve)


def _kept(config: TrialConfig) -> tuple[LayerCount, ...]:
    kept = round(sum(LAYERS.values()) * (1 - config.sparsity))
    weights = {name: count * (_KEEPS[name] if config.sparsity else 1.0) for name, count in LAYERS.items()}
    shares = {name: weight / sum(weights.values()) for name, weight in weights.items()}
    return tuple(
        LayerCount(name, min(count, round(kept * shares[name]) - config.trial_index % 3 * bool(config.sparsity)), count)
        for name, count in LAYERS.items()
    )
