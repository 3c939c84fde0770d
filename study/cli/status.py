"""`study status`: how far a study is."""

import collections
import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from study.cli.options import AsJson, Study

_WATCH_SECONDS = 2.0


def status(
    folder: Study,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option(help="Stay, and show it again every two seconds until it is done.")] = False,
) -> None:
    """Say how far a study is, cell by cell."""
    console = Console(highlight=False)
    if not watch:
        values, warnings = _status(folder)
        typer.echo(json.dumps(values)) if as_json else console.print(_table(values, warnings))
        return
    with Live(console=console, auto_refresh=False) as live:
        while True:
            values, warnings = _status(folder)
            live.update(_table(values, warnings), refresh=True)
            if not values["remaining"]:
                return
            time.sleep(_WATCH_SECONDS)


def _status(folder: Path) -> tuple[dict[str, Any], list[str]]:
    from study.driver import planned_of, progress_of
    from study.store.store import open_study

    store = open_study(folder)
    contents = store.read(["attempt", "numerics"])
    progress, _ = progress_of(planned_of(store), contents)
    cells = []
    endings: collections.Counter[str] = collections.Counter()
    for cell in progress.cells.values():
        endings.update(cell.endings)
        axes = dict(cell.cell.axes)
        cells.append(
            {
                "workload": cell.cell.workload,
                "batch_size": axes.pop("batch_size"),
                "sparsity": axes.pop("sparsity"),
                "axes": axes,
                "trials": cell.cell.trials,
                "recorded": cell.recorded,
                "endings": {ending: count for ending, count in cell.endings.items() if count},
                "steps_to_result": cell.best[0] if cell.best else None,
                "best_trial": cell.best[1] if cell.best else None,
            }
        )
    values = {
        "study": progress.plan.spec.name,
        "planned": progress.plan.total,
        "recorded": sum(endings.values()),
        "remaining": progress.remaining,
        "endings": dict(endings),
        "cells": cells,
    }
    warnings = [f"{damage.name}: {damage.reason}" for damage in contents.damaged]
    warnings += [f"records that contradict each other: {conflict}" for conflict in contents.conflicts]
    kinds = {tuple(pairs) for pairs in contents.table.column("numerics").to_pylist() if pairs}
    if len(kinds) > 1:
        warnings.append(f"trials were run in {len(kinds)} different arithmetics (device, threads, slots or engine)")
    return values, warnings


def _table(values: dict[str, Any], warnings: list[str]) -> Table:
    table = Table(box=None, pad_edge=False, title_justify="left", caption_justify="left")
    table.title = f"{values['study']}: {values['recorded']} of {values['planned']} trials"
    for heading in ("batch size", "sparsity", "trials", "steps-to-result", "others"):
        table.add_column(heading, justify="left" if heading == "others" else "right")
    for cell in values["cells"]:
        others = ", ".join(
            f"{count} {ending}" for ending, count in sorted(cell["endings"].items()) if ending != "reached"
        )
        best = "-" if cell["steps_to_result"] is None else f"{cell['steps_to_result']:,}"
        size, sparsity = str(cell["batch_size"]), f"{cell['sparsity']:g}"
        table.add_row(size, sparsity, f"{cell['recorded']}/{cell['trials']}", best, others)
    table.caption = "\n".join([f"{values['remaining']} remain" if values["remaining"] else "done", *warnings])
    return table
