"""`study report`: a page of results, or its figures as images."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from study.errors import UserError


class Format(enum.StrEnum):
    """What a report is written as."""

    HTML = "html"
    PNG = "png"
    SVG = "svg"


def report(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of studies; several are compared.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where to; DIR/report.html, or the folder DIR/figures for images."),
    ] = None,
    format: Annotated[Format, typer.Option(help="One self-contained page, or every figure as an image.")] = Format.HTML,
    cells: Annotated[
        str | None,
        typer.Option(metavar="FIRST-LAST", help="Cells whose search is drawn, as counted in the report; 1-72."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(metavar="N", min=0, help="Resamples of the trials, for intervals; 0 for none.")
    ] = 2000,
) -> None:
    """Write what the studies in DIR... have found: one HTML file that needs no network, or images."""
    chosen = _cells(cells)
    if format is Format.HTML:
        from analysis import report as html

        typer.echo(html.write(folders, out or folders[0] / "report.html", chosen, resamples))
        return
    from analysis import images

    for path in images.write(folders, out or folders[0] / "figures", format.value, chosen, resamples):
        typer.echo(path)


def _cells(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise UserError(f"--cells: must be FIRST-LAST, counted from 1, such as 25-48; got {text}")
    return int(first), int(last)
