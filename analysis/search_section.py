"""The section of a report on whether the search was good enough: edges, diverged trials, importance, trial budget."""

import pandas as pd

from analysis import budget, edges, gallery, style
from analysis.evidence import Evidence
from analysis.page import charts, paragraph, section, table, text
from study.records import Ending


def diagnosis(evidence: Evidence) -> str:
    """Where the best trials lie, with a wider range where it looks too narrow; what diverged; what mattered."""
    warnings = "".join(f"<li>{text(line)}</li>" for line in edges.warnings(evidence.diagnosis))
    fine = paragraph("No trial that reached the goal lies near an end of its range.")
    searched = evidence.diagnosis["reached"].sum() > 0
    said = f"<ul>{warnings}</ul>\n" if warnings else fine if searched else ""
    return section(
        "Was the search wide enough", *charts(gallery.edges(evidence)), said, _diverged(evidence), _importance(evidence)
    )


def trial_budget(evidence: Evidence) -> str:
    """What more trials would bring."""
    said = budget.sentence(evidence.best_of)
    drawn = charts(gallery.best_of_n(evidence))
    return section("Were there trials enough", *([paragraph(said)] if said else []), *drawn)


def _diverged(evidence: Evidence) -> str:
    """The share of diverged trials, of all and of the extreme cells."""
    ran = evidence.results["trials"] - evidence.results["failed"]
    cells = evidence.results[ran > 0].assign(share=evidence.results["diverged"] / ran)
    if cells.empty or not cells["diverged"].any():
        return paragraph("No trial diverged.") if len(cells) else ""
    least, most = cells.loc[cells["share"].idxmin()], cells.loc[cells["share"].idxmax()]
    count = int((evidence.trials["ending"] == Ending.DIVERGED).sum())
    total = f"{count:,} of {ran.sum():,} trials diverged ({count / ran.sum():.0%})"
    if len(cells) == 1:
        return paragraph(f"{total}.")
    return paragraph(f"{total}; by cell from {_place(least)} to {_place(most)}.")


def _place(cell: pd.Series) -> str:
    return f"{cell['share']:.0%} (batch size {cell['batch_size']:,}, {style.sparsity_name(cell['sparsity'])})"


def _importance(evidence: Evidence) -> str:
    """A row a study and metaparameter: its share over the cells that can tell; the reason where none can."""
    told = evidence.importance.dropna(subset="importance")
    if told.empty:
        reasons = evidence.importance["reason"].value_counts()
        alone = "the only metaparameter"
        return "" if reasons.empty or alone in reasons else paragraph(_untold(reasons.index[0]), css="quiet")
    several = told["study"].nunique() > 1
    rows = []
    for (study, name), own in told.groupby(["study", "metaparameter"], observed=True, sort=False):
        share = own["importance"]
        title = f"{study}: {name}" if several else str(name)
        spread = f"{share.min():.0%} to {share.max():.0%}"
        rows.append([title.replace("_", " "), f"{share.median():.0%}", spread, f"{len(own)}"])
    caption = (
        "What sets the best tenth of a cell's trials apart (PED-ANOVA): the share of each metaparameter, of the cells "
        "with enough trials to tell"
    )
    return table(["metaparameter", "median share", "over cells", "cells"], rows, caption)


def _untold(reason: str) -> str:
    return f"Which metaparameter matters cannot be told: a cell {reason}."
