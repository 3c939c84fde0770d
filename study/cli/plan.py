"""`study plan`: what a study will do and cost."""

import dataclasses
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from study.cli.options import AsJson, DataRoot, Spec

_TIMING_SECONDS = 8.0


def plan(
    spec: Spec,
    data_root: DataRoot = None,
    timing: Annotated[bool, typer.Option(help="Measure a few steps to estimate the time (at most 10 s).")] = True,
    as_json: AsJson = False,
) -> None:
    """Say what a study will do, and what it costs at most: every trial spending its whole budget."""
    from study.cost import cost_of
    from study.plan import make_plan
    from study.progress import duration
    from study.spec import read_spec
    from study.workloads.datasets import DATASETS, fingerprint_of

    study = read_spec(spec)
    workload = study.workload
    planned = make_plan(study, fingerprint_of(workload.data, data_root))
    if timing:
        from study.training.timing import measure

        shape = DATASETS[workload.data].image_shape
        timed = measure(workload.model, shape, study.cells.batch_size, _TIMING_SECONDS)
        costs = cost_of(planned, timed.step_seconds, timed.evaluate_seconds)
    else:
        costs = cost_of(planned)
    hours = sum(cost.hours or 0 for cost in costs) if timing else None
    totals = {
        "trials": planned.total,
        "steps": sum(c.steps for c in costs),
        "goal_tests": sum(c.goal_tests for c in costs),
    }
    if as_json:
        cells = [dataclasses.asdict(cost) for cost in costs]
        typer.echo(json.dumps({"study": study.name, **totals, "worker_hours_at_most": hours, "cells": cells}))
        return
    console = Console(highlight=False)
    console.print(f"{study.name}: {len(costs)} cells × {study.trials} trials of {planned.cells[0].workload}")
    table = Table(box=None, pad_edge=False)
    for heading in (
        "batch size",
        "sparsity",
        "method",
        "steps at most",
        "goal tests",
        *(["worker time"] if timing else []),
    ):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    for cost in costs:
        method = "dense" if cost.sparsity == 0 else cost.pruning_method
        row = [str(cost.batch_size), f"{cost.sparsity:g}", method, f"{cost.steps:,}", f"{cost.goal_tests:,}"]
        table.add_row(*row, *([duration((cost.hours or 0) * 3600)] if timing else []))
    console.print(table)
    console.print(
        f"{totals['trials']:,} trials, at most {totals['steps']:,} steps and {totals['goal_tests']:,} goal tests"
    )
    if hours is not None:
        console.print(
            f"at most {duration(hours * 3600)} of one worker (a CPU core here), if every trial spent its budget and "
            "every goal test looked at every example; trials that reach the goal or diverge, "
            "and tests that stop early, take less"
        )
