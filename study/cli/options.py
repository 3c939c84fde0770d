"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DataRoot = Annotated[
    Path | None,
    typer.Option("--data-root", help="Folder with the data sets; default STUDY_DATA_ROOT.", show_default=False),
]
Spec = Annotated[Path, typer.Argument(metavar="SPEC", help="A study file (YAML).", show_default=False)]
Study = Annotated[Path, typer.Argument(metavar="DIR", help="A study folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
