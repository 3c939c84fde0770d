"""Studies in Optuna's form, so that optuna-dashboard and optuna.visualization open them: one Optuna study a cell."""

import contextlib
import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.spaces import Space
from analysis.tables import CELL
from study.errors import UserError
from study.records import Ending

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from optuna.study import Study
    from optuna.trial import FrozenTrial

_PRUNED = (Ending.BUDGET, Ending.BEATEN)
_SECONDS = ["train_seconds", "evaluate_seconds", "prune_seconds"]
_ATTRIBUTES = ("trial_id", "trial_index", "ending", "steps_run", "test_error", "effective_learning_rate", "seconds",
               "host", "error")  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """What an export did: Optuna studies written to, trials added, trials that were there already."""

    studies: int
    added: int
    kept: int


def export(trials: pd.DataFrame, spaces: Mapping[str, Space], storage_url: str) -> Exported:
    """Write every trial into the Optuna storage at `storage_url`, such as sqlite:///study.db; one Optuna study a cell.

    A reached trial is COMPLETE and its value, to be minimised, its steps to the goal. A censored one (budget, beaten)
    is PRUNED, with `steps_run`, the bound on its value, as its intermediate value. Diverged, untrainable and failed
    ones are FAIL. Trials that are there already are left alone; where one has since been run further or again, its
    Optuna study is written anew, since Optuna does not change a finished trial. SQLite takes some 15 ms a trial.

    `trials` comes from `tables.load`, `spaces` from `load_spaces`. Raises UserError for a URL that does not open and
    for an Optuna study of the same name that holds something else.
    """
    # In order, so that an Optuna trial has its trial_index for a number.
    trials = trials.assign(seconds=trials[_SECONDS].sum(axis=1)).sort_values(["trial_index", "seed"])
    added = kept = studies = 0
    with _opened(storage_url) as storage:
        for _, rows in trials.groupby(list(CELL), observed=True, sort=True):
            cell = rows[list(CELL)].head(1).to_dict("records")[0]
            space = spaces[cell["study"]]
            study, present = _matching_study(storage, cell, space, rows)
            new = [row for row in rows.to_dict("records") if row["trial_id"] not in present]
            study.add_trials(frozen_trial(row, space) for row in new)
            studies, added, kept = studies + 1, added + len(new), kept + len(rows) - len(new)
    return Exported(studies, added, kept)


def study_name(cell: Mapping[str, Any]) -> str:
    """The Optuna study's name: "quickstart | batch 64 | sparsity 0.9", and the pruning method where it is not SNIP."""
    parts = [cell["study"], f"batch {cell['batch_size']}", f"sparsity {cell['sparsity']:g}"]
    if cell["sparsity"] and cell["pruning_method"] != "snip":
        parts.append(cell["pruning_method"])
    return " | ".join(parts)


def frozen_trial(row: Mapping[str, Any], space: Space) -> "FrozenTrial":
    """A row of the trials table, with its `seconds`, as a finished Optuna trial."""
    import optuna

    ending, steps = Ending(row["ending"]), row["steps_run"]
    trial = optuna.create_trial(
        state=_state(ending),
        value=float(row["steps_to_goal"]) if ending is Ending.REACHED else None,
        params={scale.optuna_name(name): scale.to_optuna(row[name]) for name, scale in space.items()},
        distributions={scale.optuna_name(name): scale.distribution() for name, scale in space.items()},
        user_attrs={name: row[name] for name in _ATTRIBUTES if not pd.isna(row[name])},
        intermediate_values={steps: float(steps)} if ending in _PRUNED else {},
    )
    if row["finished_at"]:  # else Optuna takes the present
        finished = datetime.datetime.fromisoformat(row["finished_at"]).astimezone().replace(tzinfo=None)
        trial.datetime_complete = finished
        trial.datetime_start = finished - datetime.timedelta(seconds=row["seconds"])
    return trial


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from announcing every study that is made, and restore its verbosity."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _state(ending: Ending) -> Any:
    from optuna.trial import TrialState

    if ending is Ending.REACHED:
        return TrialState.COMPLETE
    return TrialState.PRUNED if ending in _PRUNED else TrialState.FAIL


@contextlib.contextmanager
def _opened(url: str) -> Iterator["RDBStorage"]:
    from optuna.exceptions import OptunaError
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    if "://" not in url:
        raise UserError(f"--optuna: must be a database's URL; got {url!r}; write sqlite:///{url or 'study.db'}")
    if url.rstrip("/") == "sqlite:" or url.endswith(":memory:"):
        raise UserError(f"--optuna: must name a file; got {url!r}, which is in memory; write sqlite:///study.db")
    with quiet():
        try:
            storage = RDBStorage(url)
        except (SQLAlchemyError, OptunaError, ImportError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"--optuna: must be the URL of a database that opens; got {url!r} ({reason}); try sqlite:///study.db"
            ) from None
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _matching_study(
    storage: "RDBStorage", cell: dict[str, Any], space: Space, rows: pd.DataFrame
) -> tuple["Study", set[str]]:
    """The Optuna study of a cell and the ids of the trials that it holds; made, or made anew, where it has to be."""
    import optuna
    from optuna.distributions import distribution_to_json

    name = study_name(cell)
    ranges = {scale.optuna_name(key): distribution_to_json(scale.distribution()) for key, scale in space.items()}
    identity = {"cell": cell, "search_space": ranges}
    study = optuna.create_study(storage=storage, study_name=name, direction="minimize", load_if_exists=True)
    found = {trial.user_attrs.get("trial_id"): trial.user_attrs for trial in study.get_trials(deepcopy=False)}
    if found and any(study.user_attrs.get(key) != value for key, value in identity.items()):
        raise UserError(
            f"--optuna: its study {name!r} must be of the same cell and search space as the one to export; it is not; "
            "name another file"
        )
    records = {row["trial_id"]: row for row in rows.to_dict("records")}
    changed = [
        key
        for key, attributes in found.items()
        if key in records and any(attributes[name] != records[key][name] for name in ("ending", "steps_run"))
    ]
    if changed and None in found:
        raise UserError(
            f"--optuna: its study {name!r} must hold exported trials alone to be brought up to date; it has others; "
            "name another file"
        )
    if changed:
        optuna.delete_study(study_name=name, storage=storage)
        study = optuna.create_study(storage=storage, study_name=name, direction="minimize")
        found = {}
    if not found:
        for key, value in identity.items():
            study.set_user_attr(key, value)
    return study, set(found)
