"""How messages put what they found: the nearest known name, a value cut to a line."""

import difflib
from collections.abc import Iterable
from typing import Any


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean …?` for the nearest of the known names, or else all of them."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else f"; the known ones are {', '.join(known)}"


def short(value: Any) -> str:
    """`value` as Python writes it, in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
