"""A CSV table of batch sizes and steps, read with every mistake named by line and column."""

import csv
import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from study.errors import UserError

_FLAGS = {"0": False, "1": True, "false": False, "true": True}
_REQUIRED = ("batch_size", "steps")
_CENSORED = "censored"


@dataclass(frozen=True)
class Series:
    """The rows of one group, in the file's order: batch sizes in examples, steps, and whether each is a lower bound."""

    group: dict[str, str]
    batch_sizes: tuple[float, ...]
    steps: tuple[float, ...]
    censored: tuple[bool, ...]


@dataclass(frozen=True)
class _Row:
    line: int
    group: tuple[str, ...]
    batch_size: float
    steps: float
    censored: bool


def read_series(file: Path) -> list[Series]:
    """The groups of `file` in the order they first appear.

    Columns `batch_size` and `steps`, optionally `censored` (0 or 1, false or true); every other column is a group.
    Raises UserError naming the line, the column, the value and the remedy.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = [name.strip() for name in next(reader, [])]
            _check_header(file, header)
            rows = [_row(file, reader.line_num, header, fields) for fields in reader if any(map(str.strip, fields))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{file}: must be a readable UTF-8 CSV file; {error}") from error
    if not rows:
        raise UserError(f"{file}: needs at least one row under its header; got none")
    _refuse_repeats(file, rows)
    names = list(_group_columns(header))
    groups = dict.fromkeys(row.group for row in rows)
    return [_series(names, group, [row for row in rows if row.group == group]) for group in groups]


def _check_header(file: Path, header: list[str]) -> None:
    if not any(header):
        raise UserError(
            f"{file}: must begin with a header; got an empty line; write batch_size,steps above the numbers"
        )
    for column in _REQUIRED:
        if column not in header:
            nearest = difflib.get_close_matches(column, [name.lower() for name in header], n=1, cutoff=0.5)
            remedy = f"write {column} into the header, columns apart by commas"
            if nearest:
                own = next(name for name in header if name.lower() == nearest[0])
                remedy = f"rename the column {own!r} to {column}"
            raise UserError(f"{file}: the column {column} is missing; got {', '.join(header)}; {remedy}")
    for position, name in enumerate(header, start=1):
        if not name:
            raise UserError(f"{file}: column {position} of the header must have a name; name it or leave it out")
        if header.count(name) > 1:
            raise UserError(f"{file}: the column {name} must be there once; got it {header.count(name)} times")


def _group_columns(header: list[str]) -> Iterator[str]:
    return (name for name in header if name not in (*_REQUIRED, _CENSORED))


def _row(file: Path, line: int, header: list[str], fields: list[str]) -> _Row:
    where = f"{file}: line {line}"
    if len(fields) != len(header):
        raise UserError(f"{where}: must have {len(header)} fields like the header; got {len(fields)}")
    values = dict(zip(header, map(str.strip, fields), strict=True))
    flag = values.get(_CENSORED, "0").lower()
    if flag not in _FLAGS:
        raise UserError(
            f"{where}: {_CENSORED}: must be 0, 1, false or true; got {values[_CENSORED]!r}; write 1 where steps is a "
            "lower bound"
        )
    group = tuple(values[name] for name in _group_columns(header))
    numbers = [_positive(where, column, values[column]) for column in _REQUIRED]
    return _Row(line, group, numbers[0], numbers[1], _FLAGS[flag])


def _positive(where: str, column: str, text: str) -> float:
    never = f"where the goal was never reached write the steps run and {_CENSORED} 1, or leave the row out"
    remedy = never if column == "steps" else "write the number of examples in a batch"
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where}: {column}: must be a number in plain digits; got {text!r}; {remedy}") from None
    if not 0 < value < math.inf:
        raise UserError(f"{where}: {column}: must be positive and finite; got {text}; {remedy}")
    return value


def _refuse_repeats(file: Path, rows: list[_Row]) -> None:
    first: dict[tuple[tuple[str, ...], float], int] = {}
    for row in rows:
        earlier = first.setdefault((row.group, row.batch_size), row.line)
        if earlier != row.line:
            raise UserError(
                f"{file}: line {row.line}: batch_size: must occur once in a group; got {row.batch_size:g}, as in line "
                f"{earlier}; keep the fewer steps, or add a column that tells the two apart"
            )


def _series(names: list[str], group: tuple[str, ...], rows: list[_Row]) -> Series:
    return Series(
        dict(zip(names, group, strict=True)),
        tuple(row.batch_size for row in rows),
        tuple(row.steps for row in rows),
        tuple(row.censored for row in rows),
    )
