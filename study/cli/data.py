"""`study data`: which data sets are here, whether they are whole, and how to get them."""

from typing import Annotated

import typer

from study.cli.options import DataRoot

app = typer.Typer(help="List, check and fetch data sets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="digits, mnist, fashion-mnist or cifar-10.")]


@app.command("list")
def list_sets(data_root: DataRoot = None) -> None:
    """Show every known data set, and where it was found."""
    from rich.console import Console
    from rich.table import Table

    from study.errors import UserError
    from study.workloads import datasets, fingerprints

    console = Console()
    table = Table("data set", "shape", "classes", "train", "test", box=None, pad_edge=False)
    places = []
    for name, entry in datasets.DATASETS.items():
        folder = datasets.find(name, data_root)
        counts = ("", "")
        try:
            if folder or entry.find is None:
                found = datasets.load(name, data_root).fingerprint if folder else fingerprints.known(name)
                assert found is not None  # an embedded set has its line in the table
                counts = (f"{found.train_examples:,}", f"{found.test_examples:,}")
            place = str(folder) if folder else "embedded" if entry.find is None else "not found"
        except UserError:
            place = f"{folder}: damaged; see `study data check {name}`"
        table.add_row(name, "×".join(map(str, entry.image_shape)), str(entry.classes), *counts)
        places.append(f"{name}: {place}")
    console.print(table)
    console.print()
    for place in places:
        console.print(place, soft_wrap=True, markup=False, highlight=False)
    if any(place.endswith(": not found") for place in places):
        console.print("`study data fetch NAME` downloads one", highlight=False)


@app.command()
def check(name: Name, data_root: DataRoot = None) -> None:
    """Read a data set, and say what it holds and whether it is the published one."""
    from study.workloads import datasets, fingerprints

    dataset = datasets.load(name, data_root)
    found, published = dataset.fingerprint, fingerprints.known(name)
    for source in dataset.sources:
        typer.echo(f"{source.path}: {source.examples:,}")
    typer.echo(f"{found.train_examples:,} training and {found.test_examples:,} test examples")
    typer.echo(f"fingerprint {found.digest}")
    counts = fingerprints.published_examples(name)
    if found == published:
        typer.echo("the complete published set")
    elif (found.train_examples, found.test_examples) != counts:
        typer.echo(f"not the complete published set, which has {counts[0]:,} and {counts[1]:,}")
    elif published is None:
        typer.echo("as many as the published set; no fingerprint is known to compare its content with")
    else:
        typer.echo(f"not the published set, though as many: its fingerprint is {published.digest}")


@app.command()
def fetch(
    name: Name,
    data_root: DataRoot = None,
    mirror: Annotated[
        list[str] | None, typer.Option(help="Address of a folder to try first; may be repeated.", metavar="URL")
    ] = None,
) -> None:
    """Download a data set from its mirrors, and verify it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

    from study.workloads import datasets

    if datasets.entry(name).find is None:
        typer.echo(f"{name} is embedded: nothing to fetch")
        return

    from study.workloads import downloads

    with Progress(TextColumn("{task.description}"), BarColumn(bar_width=15), DownloadColumn()) as bars:
        tasks: dict[str, TaskID] = {}

        def show(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = bars.add_task(file, total=total)
            bars.update(tasks[file], completed=done, total=total)

        written = downloads.fetch(name, data_root, mirrors=tuple(mirror or ()), progress=show)
    folder = datasets.data_root(data_root) / name
    files = "1 file" if len(written) == 1 else f"{len(written)} files"
    typer.echo(f"{files} verified and written to {folder}" if written else f"complete already in {folder}")
