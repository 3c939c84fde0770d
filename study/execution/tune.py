"""Trials through Ray Tune: one Tune trial runs one pack, on actors that are reused. The only room that imports ray."""

import logging
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.errors import UserError
from study.execution.packs import Pack, Update
from study.workloads.datasets import Dataset

os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")  # the driver drains on SIGINT and SIGTERM itself
os.environ.setdefault("TUNE_WARN_THRESHOLD_S", "60")  # a record's fsync is no news
os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")  # the new one prints a banner at any verbosity
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import tune


@dataclass(frozen=True)
class Cluster:
    """Where to run: `address` of a running cluster, or None for one of its own with `workers` workers."""

    workers: int
    address: str | None = None
    gpus_per_worker: float = 0.0


def run_tune(
    packs: list[Pack],
    dataset: Dataset,
    scores: Path,
    cluster: Cluster,
    report: Callable[[Update], None],
    stop: Callable[[], bool],
    make_worker: Callable[[Dataset, Path, str], Any] | None = None,
) -> int:
    """Run `packs` on a Ray cluster and return how many a fault of a machine broke off.

    `report` is called in this thread, with each update as it comes. Ends early once `stop()` holds; what `report`
    raises ends the run and is raised here. `make_worker` makes another worker than study.execution.worker.Worker, of
    (data set, score folder, device).
    """
    _connect(cluster)
    listener = _Listener(report)
    trainable = tune.with_parameters(
        PackTrainable, packs=packs, dataset=dataset, scores=scores, make_worker=make_worker
    )
    resources = {"cpu": 1.0, "gpu": cluster.gpus_per_worker}
    with tempfile.TemporaryDirectory(prefix="study-tune-") as scratch:
        results = tune.Tuner(
            tune.with_resources(trainable, resources),
            param_space={"pack": tune.grid_search(list(range(len(packs))))},
            tune_config=tune.TuneConfig(
                reuse_actors=True,
                max_concurrent_trials=cluster.workers,
                trial_name_creator=lambda trial: f"pack-{trial.config['pack']}",
                trial_dirname_creator=lambda trial: f"pack-{trial.config['pack']}",
            ),
            run_config=tune.RunConfig(
                storage_path=scratch,  # Tune writes pickles there: never into a study
                name="packs",
                verbose=0,
                callbacks=[listener],
                stop=_Stop(lambda: stop() or listener.error is not None),
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            ),
        ).fit()
    if listener.error is not None:
        raise listener.error
    return results.num_errors


class PackTrainable(tune.Trainable):
    """Runs one pack; each result carries one `Update`."""

    def setup(
        self,
        config: dict[str, Any],
        packs: list[Pack],
        dataset: Dataset,
        scores: Path,
        make_worker: Callable[[Dataset, Path, str], Any] | None,
    ) -> None:
        from study.execution.worker import Worker

        self._packs = packs
        self._worker = (make_worker or Worker)(dataset, scores, "cuda" if ray.get_gpu_ids() else "cpu")
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        from study.execution.worker import PackRun

        self._run = PackRun(self._packs[new_config["pack"]], self._worker.start)
        return True

    def step(self) -> dict[str, Any]:
        update = self._run.advance()
        return {"update": update, "done": self._run.finished}


class _Unpickled:
    """Tune pickles what it is given, for a restore that is never asked for here; what belongs to the driver stays."""

    def __getstate__(self) -> dict[str, Any]:
        return {}


class _Listener(_Unpickled, tune.Callback):
    """Hands every update on; keeps the first error instead of raising it inside Tune's loop."""

    def __init__(self, report: Callable[[Update], None]) -> None:
        self._report = report
        self.error: BaseException | None = None

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if self.error is None:
            try:
                self._report(result.pop("update"))
            except Exception as error:
                self.error = error
        result.pop("update", None)


class _Stop(_Unpickled, tune.Stopper):
    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition = condition

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return self._condition()

    def stop_all(self) -> bool:
        return self._condition()


def _connect(cluster: Cluster) -> None:
    if ray.is_initialized():
        return
    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": True}
    try:
        if cluster.address is None:
            ray.init(address="local", num_cpus=cluster.workers, include_dashboard=False, **quiet)
        else:
            ray.init(address=cluster.address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        if cluster.address is None:
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"--address: must be the address of a running Ray cluster; got {cluster.address} ({reason})"
        ) from None
    for number, handler in ours.items():  # ray.init takes SIGTERM for itself, and would not drain
        signal.signal(number, handler)
