"""The driver: what is planned and not settled goes to an executor, and what comes back to the store."""

import collections
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from study.config import Fingerprint
from study.errors import UserError
from study.execution.packs import Pack, PlannedTrial, Update, make_packs
from study.plan import Cell, Plan, make_plan
from study.records import Ending, TrialRecord, settles
from study.spec import StudySpec, parse_spec
from study.store import lease
from study.store.parts import Contents
from study.store.store import Store

# How often packs that a fault of a machine broke off are handed out again while nothing of them gets done.
_ROUNDS_WITHOUT_NEWS = 3

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Executor:
    """Runs packs on `workers` workers until they are done or `stop()` holds; `execute(packs, report, stop)` returns
    how many packs a fault of a machine broke off."""

    workers: int
    execute: Callable[[list[Pack], Callable[[Update], None], Callable[[], bool]], int]


@dataclass
class CellProgress:
    """How far a cell is: its records by ending, and the best so far (the lower trial index of equal ones)."""

    cell: Cell
    endings: "collections.Counter[str]"
    best: tuple[int, int] | None = None

    @property
    def recorded(self) -> int:
        return sum(self.endings.values())

    def add(self, ending: str, steps_to_goal: int | None, trial_index: int) -> None:
        self.endings[ending] += 1
        if steps_to_goal is not None:
            found = (steps_to_goal, trial_index)
            self.best = found if self.best is None else min(self.best, found)


@dataclass
class Progress:
    """How far a study is, cell by cell; `remaining` counts the trials that are not settled."""

    plan: Plan
    cells: dict[Key, CellProgress]
    remaining: int
    steps: int = 0


def progress_of(plan: Plan, contents: Contents) -> tuple[Progress, dict[Key, list[PlannedTrial]]]:
    """How far the study is, and by cell the trials that are planned and not settled."""
    columns = [
        contents.table.column(name).to_pylist()
        for name in ("trial_id", "ending", "steps_run", "steps_to_goal", "attempt")
    ]
    known = {row[0]: row[1:] for row in zip(*columns, strict=True)}
    progress = Progress(plan, {}, 0)
    todo: dict[Key, list[PlannedTrial]] = {}
    for cell in plan.cells:
        counts = progress.cells[cell.key] = CellProgress(cell, collections.Counter())
        todo[cell.key] = []
        for index, trial_id in enumerate(plan.ids(cell)):
            row = known.get(trial_id)
            if row is None:
                todo[cell.key].append(PlannedTrial(plan.trial(cell, index)))
                continue
            ending, steps_run, steps_to_goal, attempt = row
            if settles(ending, steps_run, cell.budget_steps):
                counts.add(ending, steps_to_goal, index)
            elif ending == Ending.FAILED:
                counts.add(ending, None, index)
                todo[cell.key].append(PlannedTrial(plan.trial(cell, index), attempt + 1))
            else:  # stopped by a smaller budget
                todo[cell.key].append(PlannedTrial(plan.trial(cell, index)))
        progress.remaining += len(todo[cell.key])
    return progress, todo


def prepare(spec: StudySpec, store: Store, fingerprint: Callable[[], Fingerprint]) -> Plan:
    """The plan of `spec` in the study folder `store`, which may hold an earlier state of the same study.

    Raises UserError, with the difference, where the folder holds a study that this one does not extend.
    """
    stored = store.specification()
    if stored is None:
        return make_plan(spec, fingerprint())
    old_values, old_fingerprint = stored
    if old_values == _values(spec):
        return make_plan(spec, old_fingerprint)
    old = make_plan(parse_spec(_int_keys(old_values)), old_fingerprint)
    new = make_plan(spec, old_fingerprint if old.spec.workload.data == spec.workload.data else fingerprint())
    _refuse_unless_extended(old, new, store)
    return new


def planned_of(store: Store) -> Plan:
    """The plan of the study that a folder holds."""
    stored = store.specification()
    assert stored is not None  # `open_study` has looked
    values, fingerprint = stored
    return make_plan(parse_spec(_int_keys(values)), fingerprint)


def run(
    plan: Plan,
    store: Store,
    executor: Callable[[], Executor],
    watch: Callable[[Progress, tuple[TrialRecord, ...]], None],
    stop: Callable[[], bool],
    warn: Callable[[str], None],
) -> Progress:
    """Run what is planned and not settled, and return how far the study is then.

    `executor()` is called only where something is left to run. `watch` hears of the start and of every update, after
    its records are stored; `warn` of parts that could not be read. `stop()` ends it early: what is finished is stored.
    """
    with lease.hold(store.folder):
        store.write_specification(_values(plan.spec), plan.fingerprint)
        contents = store.tidy()
        for damage in contents.damaged:
            warn(f"{damage.name}: {damage.reason}; " + ("left alone" if damage.newer else "moved to set-aside/"))
        for conflict in contents.conflicts:
            warn(f"records that contradict each other: {conflict}; the first is used")
        progress, todo = progress_of(plan, contents)
        watch(progress, ())
        if progress.remaining:
            _run_rounds(progress, todo, store, executor(), watch, stop)
            store.tidy()
        return progress


def _run_rounds(
    progress: Progress,
    todo: dict[Key, list[PlannedTrial]],
    store: Store,
    executor: Executor,
    watch: Callable[[Progress, tuple[TrialRecord, ...]], None],
    stop: Callable[[], bool],
) -> None:
    retried = {trial.config.trial_id for trials in todo.values() for trial in trials if trial.attempt > 1}
    done: set[str] = set()

    def report(update: Update) -> None:
        progress.steps += update.steps
        if update.records:
            store.add(list(update.records))
        for record in update.records:
            key = (record.config.batch_size, record.config.sparsity, record.config.pruning_method)
            if record.trial_id in retried:
                progress.cells[key].endings[Ending.FAILED] -= 1
            progress.cells[key].add(record.ending, record.steps_to_goal, record.config.trial_index)
            progress.remaining -= settles(record.ending, record.steps_run, record.config.budget_steps)
            done.add(record.trial_id)
        watch(progress, update.records)

    quiet_rounds = 0
    while not stop():
        left = [[trial for trial in trials if trial.config.trial_id not in done] for trials in todo.values()]
        if not any(left):
            return
        before = len(done)
        broken = executor.execute(make_packs(left, executor.workers), report, stop)
        quiet_rounds = 0 if len(done) > before else quiet_rounds + 1
        if broken and quiet_rounds == _ROUNDS_WITHOUT_NEWS:
            raise RuntimeError(f"{broken} workers died {_ROUNDS_WITHOUT_NEWS} times over without finishing a trial")


def _refuse_unless_extended(old: Plan, new: Plan, store: Store) -> None:
    """Raise UserError unless every recorded trial is planned still, with at least the budget that it was given."""
    recorded = set(store.read(["trial_id"]).table.column("trial_id").to_pylist())
    if not recorded:
        return
    planned = {trial_id for cell in new.cells for trial_id in new.ids(cell)}
    budgets = {cell.key: cell.budget_steps for cell in old.cells}
    smaller = any(cell.budget_steps < budgets.get(cell.key, 0) for cell in new.cells)
    lost = len(recorded - planned)
    if not lost and not smaller:
        return
    difference = "; ".join(_difference(_values(old.spec), _values(new.spec)))
    what = (
        f"{lost} of its {len(recorded)} recorded trials are not in this study" if lost else "the budget may only grow"
    )
    raise UserError(
        f"--out: must be a new folder or one that holds this study; got {store.root}, where {what}: "
        f"{difference or 'other data'}; "
        "choose another folder, or undo the change"
    )


def _difference(old: Any, new: Any, path: str = "") -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = dict.fromkeys([*old, *new])
        return [line for key in keys for line in _difference(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [f"{path} {old} there, {new} here"]


def _values(spec: StudySpec) -> dict[str, Any]:
    """The specification as JSON reads it back: with words for keys."""
    return json.loads(spec.model_dump_json())


def _int_keys(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has words for keys: batch sizes become numbers again."""
    mended = dict(values)
    for field in ("budget_steps", "goal_test_every"):
        if isinstance(values.get(field), dict):
            mended[field] = {int(size): steps for size, steps in values[field].items()}
    return mended
