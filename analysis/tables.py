"""From study folders to tidy tables: one row a trial, then one row a cell."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis import arrow
from study.errors import UserError
from study.records import Ending
from study.store.store import Store, open_study

PRUNING = ("pruning_method", "saliency_examples", "prunable")
CELL = ("study", "workload", "data", "model", "optimizer", "schedule", "goal_error", *PRUNING, "sparsity", "batch_size")
DENSE = "none"
ENDINGS = tuple(ending.value for ending in Ending)
CENSORED = (Ending.BUDGET, Ending.BEATEN)

_NAMES = ("study", "workload", "data", "model", "optimizer", "schedule", *PRUNING, "device", "host")
_STORED = ("trial_id", "workload", "data", "model", "optimizer", "schedule", "goal_error", "batch_size", "sparsity",
           "pruning_method", "seed", "trial_index", "budget_steps", "ending", "steps_run", "steps_to_goal",
           "test_error", "examples_seen", "train_seconds", "evaluate_seconds", "prune_seconds", "device", "host",
           "attempt", "error", "finished_at")  # fmt: skip
_SCALARS = ("study", *_STORED, "saliency_examples", "prunable")
_FIRST = ("learning_rate", "momentum", "decay_steps", "end_learning_rate_factor")
_SECONDS = ("train_seconds", "evaluate_seconds", "prune_seconds")


def load(*folders: Path | str) -> pd.DataFrame:
    """One row a trial: the stored scalars, `study`, a float column a metaparameter and `effective_learning_rate`.

    `study` is the study's name, or its folder's where two share one. `effective_learning_rate` is η/(1 − μ), and η
    where there is no momentum. A dense network is the same whatever would have pruned it, so at sparsity 0
    `pruning_method`, `saliency_examples` and `prunable` read "none". `steps_to_goal` is a nullable Int64; names are
    categories, `ending` over every ending there is. Raises UserError for a folder that holds no study.
    """
    return _frame([(name, store.read([*_STORED, "metaparameters", "config"]).table) for name, store in named(folders)])


def goals(*folders: Path | str) -> pd.DataFrame:
    """The rows of `load` once for every goal that a trial was tested for, its own and each of `also_goals`.

    `goal_error`, `steps_to_goal`, `steps_run` and `ending` are those of that goal, so `steps_to_result` of this table
    has a row a cell and goal. A trial that passed a looser goal and diverged later has reached the looser one.
    """
    stored = [
        (name, store.read([*_STORED, "metaparameters", "config", "also_steps"])) for name, store in named(folders)
    ]
    trials = _frame([(name, contents.table) for name, contents in stored])
    also = arrow.flatten_structs(pa.chunked_array([c for _, s in stored for c in s.table.column("also_steps").chunks]))
    looser = trials.iloc[also.pop("row")].reset_index(drop=True)
    steps = also["steps"].astype("Int64")
    looser = looser.assign(
        goal_error=also["goal_error"],
        steps_to_goal=steps,
        steps_run=steps.fillna(looser["steps_run"]).astype("int64"),
        ending=looser["ending"].mask(steps.notna().to_numpy(), Ending.REACHED.value),
    )
    return pd.concat([trials, looser], ignore_index=True)


def metaparameters(table: pd.DataFrame) -> list[str]:
    """The names of the metaparameter columns, in their order: they stand before `effective_learning_rate`.

    `table` comes from `load` or `steps_to_result`; columns added behind do not matter.
    """
    columns = list(table.columns)
    end = columns.index("effective_learning_rate")
    start = max(columns.index(name) for name in ("prunable", "best_test_error") if name in columns[:end]) + 1
    return columns[start:end]


def cell_numbers(trials: pd.DataFrame) -> np.ndarray:
    """(rows,): for each trial of `load` the number of its cell's row in `steps_to_result`."""
    return trials.groupby(list(CELL), observed=True, sort=True).ngroup().to_numpy()


def steps_to_result(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: the fewest steps any trial took to the goal, which trial that was, and how the others ended.

    `steps_to_result` and `best_trial` (a trial_index; of equals the lowest) are NA where no trial reached the goal.
    Such a cell is right-censored at `censored_at`, the smallest `steps_run` among its budget and beaten trials, since
    any of them may have reached the goal right after; where all diverged or were untrainable no number of steps would
    have helped, and `censored_at` is NA too. `trials` counts
    the records of the cell and is the sum of the columns named after the endings; failed ones are no results.
    `spread` is the second-fewest steps over the fewest. `seconds` adds up training, evaluating and pruning.
    """
    trials = trials.reset_index(drop=True)
    grouped = trials.groupby(list(CELL), observed=True, sort=True)
    cell = grouped.ngroup()
    cells = grouped[list(_SECONDS)].sum().reset_index()
    count = len(cells)
    for ending in ENDINGS:
        cells[ending] = np.bincount(cell[trials["ending"] == ending], minlength=count)
    cells["trials"] = np.bincount(cell, minlength=count)
    cells["seconds"] = cells[list(_SECONDS)].sum(axis=1)

    reached = trials[(trials["ending"] == Ending.REACHED) & trials["steps_to_goal"].notna()]
    ordered = reached.assign(cell=cell).sort_values(["steps_to_goal", "trial_index", "seed"], kind="stable")
    best = ordered.drop_duplicates("cell").set_index("cell").reindex(range(count))
    cells.insert(len(CELL), "steps_to_result", best["steps_to_goal"].astype("Int64"))
    cells.insert(len(CELL) + 1, "best_trial", best["trial_index"].astype("Int64"))
    censored = trials["ending"].isin(CENSORED) & ~cell.isin(reached.index.map(cell))
    limit = trials["steps_run"][censored].groupby(cell[censored]).min()
    cells.insert(len(CELL) + 2, "censored_at", limit.reindex(range(count)).astype("Int64"))
    second = ordered[ordered.duplicated("cell")].drop_duplicates("cell").set_index("cell")["steps_to_goal"]
    cells["spread"] = second.reindex(range(count)).astype(float) / best["steps_to_goal"].astype(float)
    cells["best_trial_id"] = best["trial_id"]
    cells["best_test_error"] = best["test_error"]
    for name in (*metaparameters(trials), "effective_learning_rate"):
        cells[name] = best[name]
    return cells


def curves(folder: Path | str, trial_ids: Iterable[str]) -> pd.DataFrame:
    """The curves of the trials named: trial_id, step, train_loss, validation_errors, validation_examples.

    A goal test that is certainly missed stops early, on the examples most often mistaken: `validation_errors` over
    `validation_examples` is an error only where the whole validation set was counted.
    """
    return arrow.nested(open_study(Path(folder)), "curve", set(trial_ids))


def layers(folder: Path | str, trial_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """The masks' counts, one row a trial and layer: trial_id, position (0 first), layer, kept, total."""
    return arrow.nested(open_study(Path(folder)), "kept", None if trial_ids is None else set(trial_ids))


def named(folders: Sequence[Path | str]) -> list[tuple[str, Store]]:
    """Each folder's store under its study's name; under its folder's where two names agree, then under its path."""
    if not folders:
        raise UserError("DIR: must be at least one folder that holds a study; got none; name one")
    paths = list(dict.fromkeys(Path(folder).resolve() for folder in folders))
    stores = [open_study(path) for path in paths]
    choices = [[_name(store), store.root.name, str(store.root)] for store in stores]
    for level in range(3):
        names = [choice[level] for choice in choices]
        if len(set(names)) == len(names):
            break
    return list(zip(names, stores, strict=True))


def _name(store: Store) -> str:
    specification = store.specification()
    name = specification[0].get("name") if specification else None
    return name if isinstance(name, str) and name else store.root.name


def _frame(stored: list[tuple[str, pa.Table]]) -> pd.DataFrame:
    table = pa.concat_tables(
        [table.append_column("study", pa.repeat(pa.scalar(name), len(table))) for name, table in stored]
    )
    for key in ("saliency_examples", "prunable"):
        table = table.append_column(key, arrow.json_scalar(table.column("config"), key))
    dense = pc.equal(table.column("sparsity"), 0.0)
    for key in PRUNING:
        values = pc.if_else(dense, DENSE, table.column(key))
        table = table.set_column(table.column_names.index(key), key, values)
    frame = table.select(_SCALARS).to_pandas()
    frame["steps_to_goal"] = table.column("steps_to_goal").to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    frame["ending"] = pd.Categorical(frame["ending"], categories=ENDINGS)
    for name in _NAMES:
        frame[name] = frame[name].astype("category")
    for name in ("trial_id", "error", "finished_at"):
        frame[name] = frame[name].astype("str")
    values = arrow.map_columns(table.column("metaparameters"), np.nan)
    values.setdefault("learning_rate", np.full(len(frame), np.nan))
    names = sorted(values, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    momentum = np.nan_to_num(values["momentum"]) if "momentum" in values else 0.0
    columns = {name: values[name] for name in names}
    columns["effective_learning_rate"] = values["learning_rate"] / (1 - momentum)
    return pd.concat([frame, pd.DataFrame(columns)], axis=1)
