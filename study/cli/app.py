"""The command `study` and its exit codes."""

import errno
import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from study.cli import data, export, fit, plan, report, run, status
from study.errors import UserError

EXIT_CODES = (
    "Exit codes: 0 done; 1 failed; 2 a mistake in what was asked; 3 done, but some trials failed; 130 interrupted."
)

app = typer.Typer(
    help="How batch size and sparsity change the number of steps that a neural network needs to train.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("report")(report.report)
app.command("fit")(fit.fit)
app.command("export")(export.export)
app.add_typer(data.app, name="data")


def _version(asked: bool) -> None:
    if asked:
        import importlib.metadata

        typer.echo(f"study {importlib.metadata.version('steps-to-result')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; a mistake of the user's is one line and exit code 2, never a traceback."""
    code = _exit_code()
    sys.stdout.flush()
    sys.stderr.flush()
    if "torch" in sys.modules and "ray" not in sys.modules:
        # PyTorch's backward pass on a thread that has ended aborts a process that leaves in the usual way ("terminate
        # called without an active exception"). All that matters is on the disk by now.
        os._exit(code)
    sys.exit(code)


def _exit_code() -> int:
    try:
        app()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except UserError as error:
        return _say(str(error), 2)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO):
            raise
        where = f" ({error.filename})" if error.filename else ""
        return _say(f"{error.strerror}{where}; what is finished is kept, and the same command goes on from there", 1)
    return 0


def _say(message: str, code: int) -> int:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"study: {message}", markup=False)
    return code
