"""`study export`: the trials of a study as a table, or as Optuna studies."""

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.options import Study
from study.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".parquet")


def export(
    folder: Study,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A .csv or .parquet file: a row a trial.")
    ] = None,
    optuna: Annotated[str | None, typer.Option(metavar="URL", help="An Optuna storage: sqlite:///study.db.")] = None,
) -> None:
    """Write every trial of a study to a table, or to an Optuna storage that optuna-dashboard opens."""
    from analysis.tables import load

    if file is None and optuna is None:
        raise UserError(f"FILE: must be given, or --optuna URL; got neither; try study export {folder} trials.csv")
    if file is not None:
        _check(file)
    trials = load(folder)
    if optuna is not None:  # first, since it can fail for more reasons than the file
        from analysis.optuna_export import export as export_to_optuna
        from analysis.spaces import load_spaces

        done = export_to_optuna(trials, load_spaces(folder), optuna)
        there = f", {done.kept:,} were there already" if done.kept else ""
        typer.echo(f"{done.added:,} trials added to {optuna}, in {done.studies:,} Optuna studies, one a cell{there}")
    if file is not None:
        _write(trials, file)
        typer.echo(f"{len(trials):,} trials written to {file}")


def _check(file: Path) -> None:
    if file.suffix.lower() not in _SUFFIXES:
        raise UserError(f"FILE: must end in {' or '.join(_SUFFIXES)}; got {file}; try {file.with_suffix('.csv')}")
    if file.is_dir():
        raise UserError(f"FILE: must be a file; got the folder {file}; name a file in it")
    if not file.parent.is_dir():
        raise UserError(f"FILE: must lie in a folder that is there; got {file}; make {file.parent} first")


def _write(trials: "pd.DataFrame", file: Path) -> None:
    """Write under a temporary name and rename, so that `file` is whole or untouched."""
    temporary = file.with_name(f".writing-{uuid.uuid4().hex}")
    try:
        if file.suffix.lower() == ".csv":
            trials.to_csv(temporary, index=False)
        else:
            trials.to_parquet(temporary, index=False)
        temporary.replace(file)
    except PermissionError:
        raise UserError(f"FILE: must lie in a folder that can be written; got {file}; choose another") from None
    finally:
        temporary.unlink(missing_ok=True)
