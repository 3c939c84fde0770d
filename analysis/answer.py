"""The question and its answer in sentences, written from the numbers."""

import pandas as pd

from analysis import budget, edges, style
from analysis.evidence import Evidence
from study.records import Ending

_FEW_TRIALS = 20
_FEW_REACHED = 3


def question(evidence: Evidence) -> str:
    """What the studies ask and how large they are, in a sentence or two."""
    trials, cells = evidence.trials, evidence.results
    if trials.empty:
        return "No trial has been recorded yet."
    kinds = trials[["model", "data", "optimizer", "schedule", "goal_error"]].drop_duplicates()
    settings = [
        f"{row.model} on {row.data}, trained by {row.optimizer} ({row.schedule} schedule) to a validation error of "
        f"{100 * row.goal_error:g}%"
        for row in kinds.itertuples()
    ]
    methods = sorted(set(trials["pruning_method"]) - {"none"})
    pruned = f" after pruning at initialisation by {_listed(methods)}" if methods else ""
    most = int(cells["trials"].max())
    return (
        f"How many training steps does it take to reach a goal error, at every batch size and sparsity? "
        f"{'; '.join(settings)}{pruned}. {_count(len(cells), 'cell')} (batch size {_span(cells['batch_size'])}, "
        f"sparsity {_listed([f'{value:g}' for value in sorted(cells['sparsity'].unique())])}), "
        f"{_count(len(trials), 'trial')}; the result of a cell is the fewest steps that any of its {most} trials took."
    )


def answer(evidence: Evidence) -> list[str]:
    """How steps fall with the batch size and what sparsity costs, a text a group."""
    if evidence.trials.empty:
        return []
    if evidence.results["steps_to_result"].isna().all():
        return ["No trial has reached its goal, so there is no steps-to-result to compare."]
    groups = list(dict.fromkeys(evidence.series["group"]))
    sentences = []
    for group in groups:
        own = evidence.series[evidence.series["group"] == group]
        own_ratios = evidence.ratios[evidence.ratios["group"] == group]
        prefix = f"{group}: " if group else ""
        sentences.append(f"{prefix}{_falls(own)} {_costs(own, own_ratios)}".strip())
    return sentences


def caveats(evidence: Evidence) -> list[str]:
    """Where the numbers do not suffice: few trials, cells without a result, missing trials."""
    cells = evidence.results
    lines: list[str] = []
    if cells.empty:
        return lines
    most = int((cells["trials"] - cells["failed"]).max())
    if 0 < most < _FEW_TRIALS:
        lines.append(
            f"With at most {_count(most, 'trial')} in a cell the fewest steps are a lucky draw that more trials would "
            "lower: read differences of a few tens of per cent as noise."
        )
    none = cells[cells["steps_to_result"].isna()]
    bounded = int(none["censored_at"].notna().sum())
    if bounded:
        lines.append(
            f"In {bounded} of {_count(len(cells), 'cell')} no trial reached the goal: these are known only to need at "
            "least as many steps as were spent, printed as ≥."
        )
    hopeless = none[none["censored_at"].isna() & (none["trials"] > none["failed"])]
    if len(hopeless):
        lines.append(f"In {_count(len(hopeless), 'cell')} every trial diverged or could not train, printed as —.")
    thin = cells[cells["reached"].between(1, _FEW_REACHED - 1)]
    if len(thin):
        verb = "rests" if len(thin) == 1 else "rest"
        lines.append(f"{_count(len(thin), 'cell')} {verb} on fewer than {_FEW_REACHED} trials that reached the goal.")
    lines += _too_narrow(evidence)
    lines += _too_few(evidence)
    failed = int((evidence.trials["ending"] == Ending.FAILED).sum())
    if failed:
        lines.append(f"{_count(failed, 'trial')} failed for reasons of machine or code and count in no result.")
    return lines


def _too_narrow(evidence: Evidence) -> list[str]:
    """The warnings of metaparameters at whose edge a best trial lies; others stand with the diagnosis."""
    table = evidence.diagnosis
    if table.empty:
        return []
    touched = table.groupby(["study", "metaparameter"], observed=True)["at_edge"].transform("any").astype(bool)
    return [f"The search may be too narrow: {line}." for line in edges.warnings(table[touched])]


def _too_few(evidence: Evidence) -> list[str]:
    cells = evidence.best_of.dropna(subset="saved").drop_duplicates(["group", "sparsity", "batch_size"])
    short = cells[cells["saved"] >= budget.ENOUGH]
    if short.empty:
        return []
    return [
        f"The last doubling of the trials still lowered the steps of {len(short)} of {_count(len(cells), 'cell')} by "
        f"{budget.ENOUGH:.0%} or more ({short['saved'].max():.0%} at most): more trials would find fewer steps."
    ]


def _falls(own: pd.DataFrame) -> str:
    sentences = []
    for sparsity in (min(own["sparsity"]), max(own["sparsity"])):
        reached = own[(own["sparsity"] == sparsity) & own["steps_to_result"].notna()]
        if len(reached) < 2:
            continue
        first, last = reached.iloc[0], reached.iloc[-1]
        bigger, fewer = last["batch_size"] / first["batch_size"], first["steps"] / last["steps"]
        verb = "fall" if fewer > 1 else "do not fall"
        text = (
            f"{style.sparsity_name(sparsity)} networks' steps {verb} from {first['steps']:,.0f} at batch size "
            f"{first['batch_size']:,} to {last['steps']:,.0f} at {last['batch_size']:,}: {fewer:.3g} times fewer for a "
            f"batch {bigger:.3g} times as large"
        )
        if text not in sentences:
            sentences.append(text)
    if not sentences:
        return "No sparsity has results at two batch sizes, so nothing can be said about how steps fall."
    joined = "; ".join(sentences) + "."
    return joined[0].upper() + joined[1:]


def _costs(own: pd.DataFrame, ratios: pd.DataFrame) -> str:
    sparsest = max(own["sparsity"])
    if sparsest == 0:
        return ""
    exact = ratios[(ratios["sparsity"] == sparsest) & ~ratios["censored"]]["ratio"]
    if exact.empty:
        return (
            f"No batch size has a result both dense and at {style.sparsity_name(sparsest)}, so no ratio can be given."
        )
    if len(exact) == 1:
        return f"{style.sparsity_name(sparsest)} networks take {exact.iloc[0]:.2f} times the steps of dense ones."
    return (
        f"{style.sparsity_name(sparsest)} networks take {exact.min():.2f} to {exact.max():.2f} times the steps of "
        f"dense ones (median {exact.median():.2f} over {len(exact)} batch sizes)."
    )


def _span(values: pd.Series) -> str:
    return f"{values.min():,}" if values.min() == values.max() else f"{values.min():,} to {values.max():,}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
