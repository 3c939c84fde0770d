"""The live view: a bar a cell, the best so far, rate and time left; plain lines where the output is no terminal."""

import time
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.driver import CellProgress, Progress
from study.records import Ending, TrialRecord

_PLAIN_SECONDS = 10.0
_OTHER_ROWS = 6


class View:
    """Shows a `Progress` each time it is called with one; a context manager, so that the terminal is left in order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._begun = time.monotonic()
        self._shown = 0.0
        self._finished = 0
        self._cells_done: set[object] = set()

    def __enter__(self) -> "View":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, progress: Progress, records: tuple[TrialRecord, ...]) -> None:
        self._finished += len(records)
        if self._live:
            self._live.update(Group(self._table(progress), self.summary(progress)))
        else:
            self._lines(progress, records)

    def _table(self, progress: Progress) -> Table:
        table = Table(box=None, pad_edge=False, expand=False)
        for heading in ("batch", "sparsity", "trials", "", "steps-to-result"):
            table.add_column(heading, justify="right" if heading in ("batch", "sparsity", "trials") else "left")
        cells = sorted(progress.cells.values(), key=lambda cell: cell.recorded >= cell.cell.trials)
        room = max(self._console.height - _OTHER_ROWS, 1)
        for cell in cells[:room]:
            bar = ProgressBar(total=cell.cell.trials, completed=cell.recorded, width=12)
            size, sparsity = str(cell.cell.batch_size), f"{cell.cell.sparsity:g}"
            table.add_row(size, sparsity, f"{cell.recorded}/{cell.cell.trials}", bar, describe(cell))
        if len(cells) > room:
            table.add_row("", "", "", "", Text(f"and {len(cells) - room} more cells", style="dim"))
        return table

    def _lines(self, progress: Progress, records: tuple[TrialRecord, ...]) -> None:
        for key, cell in progress.cells.items():
            if records and cell.recorded >= cell.cell.trials and key not in self._cells_done:
                self._cells_done.add(key)
                self._console.print(
                    f"batch size {cell.cell.batch_size}, sparsity {cell.cell.sparsity:g}: {describe(cell)}"
                )
        if time.monotonic() - self._shown > _PLAIN_SECONDS:
            self._shown = time.monotonic()
            self._console.print(self.summary(progress))

    def summary(self, progress: Progress) -> str:
        """Trials done, the rate, and the time left at that rate."""
        total, elapsed = progress.plan.total, time.monotonic() - self._begun
        text = f"{total - progress.remaining} of {total} trials"
        if not self._finished:
            return text
        left = progress.remaining * elapsed / self._finished
        rates = f"{self._finished / elapsed * 60:.1f} a minute, {progress.steps / elapsed:.0f} steps/s"
        return f"{text}, {rates}, about {duration(left)} left"


def describe(cell: CellProgress) -> str:
    """The best so far, and how the other trials ended."""
    best = f"{cell.best[0]:,} (trial {cell.best[1]})" if cell.best else "none yet"
    others = [
        f"{count} {ending}" for ending, count in sorted(cell.endings.items()) if count and ending != Ending.REACHED
    ]
    return ", ".join([best, *others])


def duration(seconds: float) -> str:
    """`seconds` in the two units that matter."""
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 1:
        return f"{seconds:.0f} s"
    if hours < 1:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"
