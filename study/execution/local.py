"""Trials in this process: one after the other, or on threads, a core each, since PyTorch computes without the GIL."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path

from study.execution.packs import Pack, Update
from study.workloads.datasets import Dataset


def run_local(
    packs: list[Pack],
    dataset: Dataset,
    scores: Path,
    workers: int,
    report: Callable[[Update], None],
    stop: Callable[[], bool],
) -> int:
    """Run `packs` on `workers` threads; `report` is called in this thread, with each update as it comes.

    Ends early once `stop()` holds; what `report` or a worker raises ends the run and is raised here. Returns 0: no
    machine breaks off a pack without taking this process along.
    """
    from study.execution.worker import PackRun, Worker

    waiting = queue.SimpleQueue[Pack]()
    for pack in packs:
        waiting.put(pack)
    news = queue.SimpleQueue[Update | BaseException | None]()
    ending = threading.Event()

    def work() -> None:
        try:
            worker = Worker(dataset, scores)
            while not ending.is_set():
                run = PackRun(waiting.get_nowait(), worker.start)
                while not run.finished and not ending.is_set():
                    news.put(run.advance(ending.is_set))
        except queue.Empty:
            pass
        except BaseException as error:
            news.put(error)
        finally:
            news.put(None)

    threads = [threading.Thread(target=work, name=f"worker-{number}") for number in range(min(workers, len(packs)))]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            if stop():
                ending.set()
            try:
                update = news.get(timeout=0.2)
            except queue.Empty:
                continue
            if update is None:
                running -= 1
            elif isinstance(update, BaseException):
                raise update
            else:
                report(update)
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    return 0
