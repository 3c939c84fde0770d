"""Everything that a report draws on, read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from analysis import arrow, budget, edges, kept, series, spaces, tables
from analysis.bootstrap import Bootstrap
from analysis.importance import importances
from analysis.resampled import resampled, with_intervals
from analysis.series_fits import SeriesFit, fit_series
from study.errors import UserError
from study.records import Ending

_LEVEL = 0.9


@dataclass(frozen=True)
class Evidence:
    """The tables of one or more studies: what `analysis.tables` and `analysis.series` make of their folders.

    `curves` holds the best trial of each cell, with the cell's columns. `conditions` has a row a way of running: study,
    numerics, versions, device, host and how many trials. `mixed` counts the cells whose trials differ in numerics.
    `intervals` is None where nothing was resampled; else `series` has steps_to_result_high and `ratios` ratio_low and
    ratio_high, each with its relation. `best_of` comes from `budget`, `diagnosis` from `edges`, `importance` from
    `importance`. `warnings` are lines about what could not be read and records that contradict each other.
    """

    names: tuple[str, ...]
    trials: pd.DataFrame
    results: pd.DataFrame
    series: pd.DataFrame
    ratios: pd.DataFrame
    goals: pd.DataFrame
    curves: pd.DataFrame
    densities: pd.DataFrame
    conditions: pd.DataFrame
    mixed: int
    intervals: Bootstrap | None
    fits: tuple[SeriesFit, ...]
    best_of: pd.DataFrame
    diagnosis: pd.DataFrame
    importance: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def studies(self) -> str:
        return " and ".join(self.names)


def gather(folders: Sequence[Path | str], resamples: int = 0) -> Evidence:
    """Read the studies in `folders`; raises UserError for a folder that holds none.

    Intervals come from `resamples` resamples of the trials, none where it is 0. They and the importances are kept in
    the first folder.
    """
    trials = tables.load(*folders)
    results = tables.steps_to_result(trials)
    lines = series.series(results)
    with_goals = tables.goals(*folders)
    several = len(with_goals) > len(trials)
    conditions, mixed = _conditions(folders, trials)
    found = _intervals(Path(folders[0]), trials, lines, resamples)
    ratios = series.ratios(lines)
    if found is not None:
        ratios = with_intervals(ratios, found.ratios, "ratio", ("low", "high"))
        lines = with_intervals(lines, found.cells, "steps_to_result", ("high",))
    searched, lacking = _spaces(folders)
    known = trials[trials["study"].isin(searched)]
    return Evidence(
        names=tuple(name for name, _ in tables.named(folders)),
        trials=trials,
        results=results,
        series=lines,
        ratios=ratios,
        goals=series.series(tables.steps_to_result(with_goals)) if several else lines.iloc[:0],
        curves=_curves(folders, results, trials),
        densities=series.densities(trials, _masks(folders, trials)),
        conditions=conditions,
        mixed=mixed,
        intervals=found,
        fits=fit_series(lines, found),
        best_of=budget.best_of_n(trials, lines),
        diagnosis=edges.diagnose(known, searched),
        importance=_importance(Path(folders[0]), known, searched),
        warnings=(*_warnings(folders), *lacking),
    )


def _intervals(root: Path, trials: pd.DataFrame, lines: pd.DataFrame, resamples: int) -> Bootstrap | None:
    if resamples == 0 or trials.empty:
        return None
    options = {"of": "intervals", "resamples": resamples, "level": _LEVEL}
    found = kept.kept(root, trials, options, lambda: vars(resampled(trials, lines, resamples, _LEVEL)))
    return Bootstrap(**{**found, "warnings": tuple(found["warnings"])})


def _importance(root: Path, trials: pd.DataFrame, searched: Mapping[str, spaces.Space]) -> pd.DataFrame:
    scales = {study: {name: repr(scale) for name, scale in space.items()} for study, space in searched.items()}
    options = {"of": "importance", "spaces": scales}
    return kept.kept(root, trials, options, lambda: {"importance": importances(trials, searched)})["importance"]


def _spaces(folders: Sequence[Path | str]) -> tuple[Mapping[str, spaces.Space], list[str]]:
    """The search space of each study that has a readable one, and what is said of the others."""
    found, lacking = {}, []
    for name, store in tables.named(folders):
        try:
            found[name] = spaces.space_of(store)
        except UserError as error:
            lacking.append(f"The search is not diagnosed: {error}")
    return found, lacking


def _curves(folders: Sequence[Path | str], results: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    best = results["best_trial_id"].dropna()
    points = pd.concat([tables.curves(folder, best) for folder in folders], ignore_index=True)
    steps = trials.drop_duplicates("trial_id").set_index("trial_id")["steps_to_goal"]
    points = series.full_errors(points.drop_duplicates(["trial_id", "position"]), steps)
    cells = series.series(results)
    names = ["group", "sparsity", "batch_size", *tables.metaparameters(cells), "best_trial"]
    cells = cells.dropna(subset="best_trial_id").rename(columns={"best_trial_id": "trial_id"})
    return cells[["trial_id", *names]].merge(points, on="trial_id")


def _masks(folders: Sequence[Path | str], trials: pd.DataFrame) -> pd.DataFrame:
    smallest = trials.groupby(["study", "workload", "sparsity"], observed=True)["batch_size"].transform("min")
    some = trials.loc[trials["batch_size"] == smallest, "trial_id"]  # a trial's mask is the same at every batch size
    layers = pd.concat([tables.layers(folder, some) for folder in folders], ignore_index=True)
    return layers.drop_duplicates(["trial_id", "position"])


def _conditions(folders: Sequence[Path | str], trials: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    stored = [store.read(["numerics", "versions"]).table for _, store in tables.named(folders)]
    columns = {}
    for name in ("numerics", "versions"):
        chunks = [chunk for table in stored for chunk in table.column(name).chunks]
        values = arrow.map_columns(pa.chunked_array(chunks, pa.map_(pa.string(), pa.string())), None)
        frame = pd.DataFrame(values, index=trials.index).fillna("").astype("str")
        columns[name] = _joined(frame)
    ways = trials[["study", "device", "host"]].assign(**columns)
    ran = trials[trials["ending"] != Ending.FAILED]
    mixed = ways["numerics"].loc[ran.index].groupby([ran[name] for name in tables.CELL], observed=True).nunique()
    keys = ["study", "numerics", "versions", "device", "host"]
    return ways.groupby(keys, observed=True).size().rename("trials").reset_index(), int((mixed > 1).sum())


def _joined(frame: pd.DataFrame) -> pd.Series:
    """The columns of each row as one text, `name value, name value`; few rows differ, so each is made once."""
    if frame.shape[1] == 0:
        return pd.Series("", index=frame.index, dtype="str")
    rows = frame.groupby(list(frame.columns)).ngroup()
    distinct = frame.assign(row=rows).drop_duplicates("row").set_index("row")
    texts = {
        row: ", ".join(f"{name} {value}" for name, value in values.items() if value)
        for row, values in distinct.iterrows()
    }
    return rows.map(texts).astype("str")


def _warnings(folders: Sequence[Path | str]) -> tuple[str, ...]:
    lines = []
    for name, store in tables.named(folders):
        contents = store.read(["trial_id"])
        lines += [f"{name}: {damage.name} could not be read: {damage.reason}" for damage in contents.damaged]
        lines += [f"{name}: records that contradict each other: {conflict}" for conflict in contents.conflicts]
    return tuple(lines)
