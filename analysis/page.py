"""Pieces of a self-contained page: escaped text, tables, charts, downloads."""

import base64
import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from analysis.gallery import Drawing

_LARGEST_DOWNLOAD_BYTES = 2_000_000


@dataclass(frozen=True)
class Raw:
    """HTML that was escaped where it was made."""

    html: str


def text(value: Any) -> str:
    """`value` escaped for HTML; Raw stays as it is."""
    return value.html if isinstance(value, Raw) else html.escape(str(value))


def paragraph(*sentences: Any, css: str = "") -> str:
    return f'<p class="{css}">{" ".join(text(sentence) for sentence in sentences)}</p>\n'


def section(title: str, *parts: str) -> str:
    """A section under a heading; nothing where every part is empty."""
    inside = "".join(parts)
    return f"<section><h2>{text(title)}</h2>\n{inside}</section>\n" if inside else ""


def details(summary: str, *parts: str) -> str:
    return f"<details><summary>{text(summary)}</summary>\n{''.join(parts)}</details>\n"


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], caption: str = "") -> str:
    """A table in a box of its own that scrolls; the first cell of a row is its heading."""
    cells = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{text(row[0])}</th>' + "".join(f"<td>{text(cell)}</td>" for cell in row[1:]) + "</tr>\n"
        for row in rows
    )
    said = f"<caption>{text(caption)}</caption>" if caption else ""
    return f'<div class="scroll"><table>{said}<thead><tr>{cells}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def download(frame: pd.DataFrame, name: str) -> str:
    """A link that holds `frame` as CSV; a table too large for a page is said to be, with the command that writes it."""
    sample = len(frame.head(200).to_csv(index=False)) / max(1, min(200, len(frame)))
    if sample * len(frame) > _LARGEST_DOWNLOAD_BYTES:
        left = f"{text(name)}: {len(frame):,} rows, too many for this page; <code>study export</code> writes them"
        return f"<span>{left}</span>"
    content = base64.b64encode(frame.to_csv(index=False).encode()).decode()
    return f'<a download="{text(name)}" href="data:text/csv;base64,{content}">{text(name)}</a>'


def chart(figure: go.Figure, caption: str, css: str = "") -> str:
    """A chart drawn once it comes into view, at least as wide as it asks for, in a box that scrolls where it must."""
    layout = figure.layout
    width = layout.meta["min_width"]
    size = f"min-width:{width}px;max-width:{2 * width}px;height:{layout.height}px"
    # "<" would let a name from a file close the script element.
    content = figure.to_json().replace("<", "\\u003c")
    return (
        f'<figure class="{css}"><div class="scroll"><div class="chart" style="{size}">'
        f'<script type="application/json">{content}</script></div></div>'
        f"<figcaption>{text(caption)}</figcaption></figure>\n"
    )


def charts(drawings: Iterable[Drawing]) -> list[str]:
    """The charts of drawings; one that has a form for narrow pages is there twice."""
    parts = []
    for drawing in drawings:
        if drawing.stacked is None:
            parts.append(chart(drawing.figure, drawing.caption))
        else:
            wide = chart(drawing.figure, drawing.caption, "wide")
            parts.append(wide + chart(drawing.stacked, drawing.caption, "narrow"))
    return parts


def page(title: str, body: str) -> str:
    """The whole document, plotly.js and all."""
    from plotly.offline import get_plotlyjs

    own = files("analysis")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{own.joinpath('report.css').read_text()}</style>\n</head>\n"
        f"<body><main>\n{body}</main>\n<script>{get_plotlyjs()}</script>\n"
        f"<script>{own.joinpath('report.js').read_text()}</script>\n</body></html>\n"
    )
