"""`study run`: start a study, or go on with it; the same command."""

import contextlib
import enum
import functools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from study.cli.options import DataRoot, Spec

if TYPE_CHECKING:
    from study.driver import Executor
    from study.plan import Plan
    from study.store.store import Store
    from study.workloads.datasets import Dataset


class ExecutorName(enum.StrEnum):
    """Who runs the trials."""

    RAY = "ray"
    LOCAL = "local"


def run(
    spec: Spec,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The study folder.", show_default=False)],
    executor: Annotated[ExecutorName, typer.Option(help="Ray Tune, or this process alone.")] = ExecutorName.RAY,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at once; default: one a core.", show_default=False)
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="A running Ray cluster: auto, or host:port.", show_default=False)
    ] = None,
    gpus_per_worker: Annotated[float, typer.Option(min=0, help="GPUs, or a fraction of one, a worker.")] = 0.0,
    data_root: DataRoot = None,
) -> None:
    """Run what a study has planned and not yet settled. Interrupt it and run it again: nothing is lost."""
    from study import driver
    from study.errors import UserError
    from study.progress import View, describe
    from study.spec import read_spec
    from study.store.store import Store
    from study.workloads.datasets import load

    if address is not None and address.startswith("ray://"):
        raise UserError(
            f"--address: must be the cluster's own, not a client's; got {address}: under ray:// the driver and --out "
            "would move to the head node; run this command on a node of the cluster with --address auto"
        )
    if executor is ExecutorName.LOCAL and (address is not None or gpus_per_worker):
        raise UserError(
            "--executor local: must run in this process alone; got --address or --gpus-per-worker; leave them out"
        )
    study = read_spec(spec)
    store = Store(out)
    dataset = functools.cache(lambda: load(study.workload.data, data_root))
    plan = driver.prepare(study, store, lambda: dataset().fingerprint)
    store.folder.make_writable()
    console = Console(highlight=False, soft_wrap=True)
    with _drain(console) as stop, View(console) as view:
        progress = driver.run(
            plan,
            store,
            lambda: _executor(
                executor, workers or os.cpu_count() or 1, address, gpus_per_worker, plan, store, dataset()
            ),
            view,
            stop,
            lambda message: console.print(f"study: {message}", markup=False),
        )
        stopped = stop()
    if stopped and progress.remaining:
        console.print(
            f"interrupted; {progress.remaining} of {plan.total} trials remain; the same command goes on from here"
        )
        raise typer.Exit(130)
    failed = sum(cell.endings["failed"] for cell in progress.cells.values())
    if not console.is_terminal:
        for cell in progress.cells.values():
            console.print(f"batch size {cell.cell.batch_size}, sparsity {cell.cell.sparsity:g}: {describe(cell)}")
    console.print(f"{plan.total} trials done in {out}; `study report {out}` draws them")
    if failed:
        console.print(
            f"{failed} trials failed; `study status {out}` says which cells; the same command tries them again"
        )
        raise typer.Exit(3)


def _executor(
    name: ExecutorName,
    workers: int,
    address: str | None,
    gpus_per_worker: float,
    plan: "Plan",
    store: "Store",
    dataset: "Dataset",
) -> "Executor":
    from study.driver import Executor
    from study.errors import UserError

    if dataset.fingerprint != plan.fingerprint:
        raise UserError(
            f"data: must be the data that the study began with, {plan.fingerprint}; got {dataset.fingerprint}; "
            "point --data-root at those, or choose another --out"
        )
    scores = store.root / "saliency"
    scores.mkdir(exist_ok=True)
    if name is ExecutorName.LOCAL:
        from study.execution.local import run_local

        return Executor(workers, lambda packs, report, stop: run_local(packs, dataset, scores, workers, report, stop))
    from study.execution.tune import Cluster, run_tune

    cluster = Cluster(workers, address, gpus_per_worker)
    return Executor(workers, lambda packs, report, stop: run_tune(packs, dataset, scores, cluster, report, stop))


@contextlib.contextmanager
def _drain(console: Console) -> Iterator[Callable[[], bool]]:
    """Whether to stop: after a first SIGINT or SIGTERM, what is finished is stored; a second one stops at once."""
    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            os._exit(130)
        asked = True
        console.print("stopping: what is finished is being stored; once more stops at once")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
