"""Cells as series over batch sizes: what a figure of steps-to-result draws, finished."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.tables import DENSE, PRUNING

_SETTING = ("data", "model", "optimizer", "schedule", "goal_error", *PRUNING)
_SERIES = ["group", "sparsity"]


def series(results: pd.DataFrame) -> pd.DataFrame:
    """The cells of `steps_to_result` ready to draw: who belongs together, and each beside its series' first value.

    `group` names what sets cells apart other than batch size and sparsity, and only where the table has several of it;
    `setting` is the same without the optimiser, `aim` the same without the goal. A dense cell appears once in every
    group of its workload, since it serves every pruning method. `steps` is `steps_to_result`, or the limit
    `censored_at` where `censored`; NaN where there is neither. `relative_steps` divides by the steps of the smallest
    batch size of the series that reached the goal, and `perfect_steps` is that first value under perfect scaling:
    halved whenever the batch doubles. `cell` is the number of the cell's row in `results`.
    """
    table = _serve_every_method(results.assign(cell=np.arange(len(results))))
    varying = [name for name in _SETTING if table[name].nunique() > 1]
    if table.duplicated([*varying, "sparsity", "batch_size"]).any():
        varying.insert(0, "study")  # what alone sets apart two studies of the same cells
    table["group"] = _label(table, varying)
    table["setting"] = _label(table, [name for name in varying if name != "optimizer"])
    table["aim"] = _label(table, [name for name in varying if name != "goal_error"])
    table["censored"] = table["steps_to_result"].isna() & table["censored_at"].notna()
    table["steps"] = table["steps_to_result"].fillna(table["censored_at"]).astype(float)
    table = table.sort_values(["group", "sparsity", "batch_size"], ignore_index=True)
    reached = table[table["steps_to_result"].notna()].drop_duplicates(_SERIES)
    first = table[_SERIES].merge(reached[[*_SERIES, "batch_size", "steps"]], "left", on=_SERIES)
    table["relative_steps"] = table["steps"] / first["steps"]
    table["perfect_steps"] = first["steps"] * first["batch_size"] / table["batch_size"]
    table["perfect_relative_steps"] = first["batch_size"] / table["batch_size"]
    return table


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Steps of each sparse cell over those of the dense cell of its group and batch size: columns `ratio`, `censored`.

    Where the sparse cell is censored the ratio is a lower bound and `censored` says so. Cells without a dense one that
    reached the goal have no row.
    """
    dense = table[(table["sparsity"] == 0) & table["steps_to_result"].notna()]
    paired = table[(table["sparsity"] > 0) & table["steps"].notna()].merge(
        dense[["group", "batch_size", "steps"]].rename(columns={"steps": "dense_steps"}), on=["group", "batch_size"]
    )
    paired["ratio"] = paired["steps"] / paired["dense_steps"]
    return paired


def densities(trials: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """How dense the masks left each layer: one row a workload, pruning, sparsity and layer: density, lowest, highest.

    A trial's mask is the same at every batch size, so each is counted once. Rows follow the layers' order.
    """
    keys = ["study", "data", "model", *PRUNING, "sparsity"]
    known = trials[trials["trial_id"].isin(layers["trial_id"])]
    distinct = known.drop_duplicates([*keys, "seed", "trial_index"])
    table = distinct[["trial_id", *keys]].merge(layers, on="trial_id")
    table["density"] = table["kept"] / table["total"]
    grouped = table.groupby([*keys, "position", "layer"], observed=True)["density"]
    counts = grouped.agg(density="mean", lowest="min", highest="max", masks="size").reset_index()
    varying = [name for name in keys[:-1] if counts.loc[counts["sparsity"] > 0, name].nunique() > 1]
    return counts.assign(group=_label(counts, varying))


def full_errors(curves: pd.DataFrame, steps_to_goal: pd.Series) -> pd.DataFrame:
    """`curves` with `validation_error`, a fraction, where the whole validation set was counted, and NaN elsewhere.

    How large the whole set is shows at the step where a trial reached its goal: only a full count can say so.
    `steps_to_goal` is indexed by trial_id.
    """
    at_goal = curves["step"] == curves["trial_id"].map(steps_to_goal).astype(float)
    whole = curves["validation_examples"].where(at_goal).groupby(curves["trial_id"]).transform("max")
    error = curves["validation_errors"] / curves["validation_examples"]
    return curves.assign(validation_error=error.where(curves["validation_examples"] == whole))


def _serve_every_method(results: pd.DataFrame) -> pd.DataFrame:
    """Every dense cell once a pruning method of its workload; where there is none it stays as it is."""
    workload = ["study", "workload", "goal_error"]
    plain = results.astype(dict.fromkeys((*workload[:2], *_SETTING[:4], *PRUNING), "str"))
    methods = plain.loc[plain["sparsity"] > 0, [*workload, *PRUNING]].drop_duplicates()
    dense = plain[plain["sparsity"] == 0].drop(columns=list(PRUNING)).merge(methods, "left", on=workload)
    dense[list(PRUNING)] = dense[list(PRUNING)].fillna(DENSE)
    return pd.concat([dense[plain.columns], plain[plain["sparsity"] > 0]], ignore_index=True)


def _label(table: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    words = {
        "goal_error": lambda values: "goal " + values.map("{:g}".format),
        "saliency_examples": lambda values: values + " examples",
    }
    columns = [words.get(name, lambda values: values)(table[name]).astype("str") for name in names]
    label = pd.Series(np.full(len(table), "", dtype=object), index=table.index, dtype="str")
    for column in columns:
        label = label.where(label == "", label + " · ") + column
    return label
