"""A study as one page of results: HTML that needs no network."""

import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from analysis import law_section, search_section, sections
from analysis.evidence import Evidence, gather
from analysis.figures.search import CELLS_A_PAGE
from analysis.gallery import PAGES
from analysis.page import page
from analysis.resampled import RESAMPLES
from study.errors import UserError

Section = Callable[[Evidence], str]


def write(
    folders: Sequence[Path | str], out: Path, cells: tuple[int, int] | None = None, resamples: int = RESAMPLES
) -> Path:
    """Write the report of the studies in `folders` to the file `out`, and return it.

    `cells` are the first and the last cell (from 1, in the order of the report) whose search is drawn; the first 72 by
    default. Intervals come from `resamples` resamples of the trials, none where it is 0. The file appears whole or not
    at all. Raises UserError where a folder holds no study or `out` cannot be written.
    """
    content = render(gather(folders, resamples), cells)
    temporary = out.with_name(f".writing-{uuid.uuid4().hex}")
    try:
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(
            f"--out: must be a file that can be written; got {out} ({error.strerror}); choose another"
        ) from None
    return out


def render(evidence: Evidence, cells: tuple[int, int] | None = None) -> str:
    """The report as a string."""
    first, last = cells or (1, CELLS_A_PAGE * PAGES)
    parts: list[Section] = [
        sections.opening,
        sections.results,
        sections.steps,
        sections.ratio,
        law_section.laws,
        partial(sections.search, first=first - 1, last=last),
        search_section.diagnosis,
        search_section.trial_budget,
        sections.optimizers,
        sections.goals,
        sections.curves,
        sections.layers,
        sections.seconds,
        sections.cells,
        sections.conditions,
        sections.tables,
    ]
    return page(f"Steps to result: {evidence.studies}", "".join(part(evidence) for part in parts))
