"""What a reader sees on pointing at a trial or a cell."""

from typing import Any

import pandas as pd

from analysis import style
from analysis.tables import metaparameters


def trials(table: pd.DataFrame) -> list[str]:
    """A text a trial: its index, how it ended and when, its metaparameters."""
    rows = zip(*_lists(table, "trial_index", "ending", "steps_run"), _points(table), strict=True)
    return [f"trial {index}: {ending} after {steps:,} steps{point}" for index, ending, steps, point in rows]


def cells(table: pd.DataFrame) -> list[str]:
    """A text a cell: its result, or that it has none, and the best trial's metaparameters."""
    names = ("batch_size", "sparsity", "steps_to_result", "censored_at", "best_trial", "reached", "trials", "failed")
    texts = []
    for row in zip(*_lists(table, *names), _points(table), strict=True):
        batch_size, sparsity, steps, limit, best, reached, recorded, failed, point = row
        head = f"batch {batch_size:,}, {style.sparsity_name(sparsity)}<br>"
        if pd.isna(steps):
            within = "" if pd.isna(limit) else f" within {limit:,} steps"
            texts.append(f"{head}not reached{within}<br>by any of {recorded - failed} trials")
        else:
            of = f"{reached} of {recorded - failed} trials reached the goal"
            texts.append(f"{head}<b>{steps:,} steps</b>, trial {best}<br>{of}{point}")
    return texts


def _points(table: pd.DataFrame) -> list[str]:
    """Each row's metaparameters, and the effective learning rate where it is another one."""
    names = metaparameters(table)
    said = [*names, "effective_learning_rate"] if len(names) > 1 else names
    words = [name.replace("_", " ") for name in said]
    return [
        "".join(f"<br>{word} {value:.4g}" for word, value in zip(words, values, strict=True) if value == value)
        for values in zip(*_lists(table, *said), strict=True)
    ]


def _lists(table: pd.DataFrame, *names: str) -> list[list[Any]]:
    return [table[name].tolist() for name in names]
