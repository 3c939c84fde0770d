"""How every figure looks: colours, markers, axes, fonts."""

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

# Okabe and Ito's palette, which colour-blind readers tell apart; its yellow is darkened to be seen on white.
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, YELLOW, GREY = "#CC79A7", "#56B4E9", "#000000", "#B8A800", "#6B6B6B"
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"


@dataclass(frozen=True)
class Mark:
    """A colour with a marker of its own, so that neither has to be told apart alone."""

    colour: str
    symbol: str


_SPARSITY = {0.0: Mark(BLUE, "circle"), 0.5: Mark(GREEN, "diamond"), 0.7: Mark(ORANGE, "square"),
             0.9: Mark(VERMILLION, "pentagon")}  # fmt: skip
_OTHERS = (Mark(PURPLE, "hexagon"), Mark(SKY, "cross"), Mark(BLACK, "x"), Mark(YELLOW, "star-diamond"),
           Mark(GREY, "hourglass"), Mark("#8C510A", "bowtie"), Mark("#5E3C99", "hexagram"))  # fmt: skip
_OPTIMIZER = {"sgd": Mark(BLACK, "circle"), "momentum": Mark(BLUE, "square"), "nesterov": Mark(VERMILLION, "diamond")}
ENDING = {
    "budget": Mark(ORANGE, "square-open"),
    "beaten": Mark(SKY, "triangle-down-open"),
    "diverged": Mark(VERMILLION, "x-thin-open"),
    "untrainable": Mark(BLACK, "cross-thin-open"),
    "reached": Mark(BLUE, "circle"),
}
BEST = Mark(YELLOW, "star")


def sparsity_marks(sparsities: Iterable[float]) -> dict[float, Mark]:
    """A mark a sparsity; the thesis's four have the same one in every figure."""
    return _assign(_SPARSITY, sorted(set(sparsities)))


def optimizer_marks(optimizers: Iterable[str]) -> dict[str, Mark]:
    """A mark an optimiser."""
    return _assign(_OPTIMIZER, sorted(set(optimizers)))


def plain_marks(names: Iterable[Any]) -> dict[Any, Mark]:
    """A mark a name, in the order given."""
    return _assign({}, list(dict.fromkeys(names)), (*_SPARSITY.values(), *_OTHERS))


def fill(colour: str, opacity: float) -> str:
    """`colour`, given as #RRGGBB, made transparent."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def sparsity_name(sparsity: float) -> str:
    return "dense" if sparsity == 0 else f"{100 * sparsity:g}% sparse"


def log2_axis(values: Iterable[float], title: str, ticks: int = 8) -> dict[str, Any]:
    """A logarithmic axis around `values`, labelled with powers of two: 2<sup>k</sup>, or the number below 1."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    low, high = (math.log2(min(positive)), math.log2(max(positive))) if positive else (0.0, 1.0)
    margin = 0.04 * (high - low) + 0.25
    low, high = low - margin, high + margin
    if math.floor(high) - math.ceil(low) < 2:
        low, high = math.floor(low) - 0.1, math.ceil(high) + 0.1
    first, last = math.ceil(low), math.floor(high)
    stride = max(1, math.ceil((last - first + 1) / ticks))
    exponents = [k for k in range(first, last + 1) if k % stride == 0]
    return {
        "type": "log",
        "title": {"text": title},
        "range": [low * math.log10(2), high * math.log10(2)],
        "tickvals": [2.0**k for k in exponents],
        "ticktext": [f"2<sup>{k}</sup>".replace("-", "−") for k in exponents],
    }


def log10_axis(values: Iterable[float], title: str) -> dict[str, Any]:
    """A logarithmic axis around `values`, labelled with powers of ten; where few fit, between them too."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    low, high = (math.log10(min(positive)), math.log10(max(positive))) if positive else (0.0, 1.0)
    margin = 0.06 * (high - low) + 0.06
    low, high = low - margin, high + margin
    if high - low < 0.5:
        low, high = math.floor(low) - 0.05, math.ceil(high) + 0.05
    exponents = range(math.floor(low), math.ceil(high) + 1)
    ticks = [10.0**k for k in exponents if low <= k <= high]
    texts = [f"10<sup>{k}</sup>".replace("-", "−") for k in exponents if low <= k <= high]
    if len(ticks) < 3:
        between = (1, 3) if high - low > 1 else (1, 2, 5)  # more would overlap on a small panel
        ticks = [m * 10.0**k for k in exponents for m in between if low <= k + math.log10(m) <= high]
        texts = [f"{value:g}" for value in ticks]
    return {"type": "log", "title": {"text": title}, "range": [low, high], "tickvals": ticks, "ticktext": texts}


def template() -> go.layout.Template:
    """White ground, thin grey grid, dark text of 13 px: legible in print and on a phone."""
    axis = {
        "showline": True,
        "linecolor": "#888",
        "gridcolor": "#E5E5E5",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "#888",
        "ticklen": 4,
        "tickangle": 0,
        "title": {"standoff": 8, "font": {"size": 13}},
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": "#222"},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": "white",
                "bordercolor": "#999",
                "font": {"family": FONT, "size": 13},
                "align": "left",
            },
            "legend": {
                "orientation": "h",
                "yref": "container",
                "y": 1,
                "yanchor": "top",
                "x": 0,
                "xanchor": "left",
                "groupclick": "togglegroup",
                "itemsizing": "constant",
                "tracegroupgap": 0,
            },
            "hovermode": "closest",
        }
    )


def finish(figure: go.Figure, height: int, min_width: int = 300, top: int = 76, right: int = 16) -> go.Figure:
    """`figure` in the house's look, `height` px high; a page gives it `min_width` px at least, and scrolls for it."""
    figure.update_annotations(font={"size": 13})
    margin = {"l": 64, "r": right, "t": top, "b": 56}
    return figure.update_layout(template=template(), height=height, margin=margin, meta={"min_width": min_width})


def add(figure: go.Figure, traces: list[go.Scatter], row: int, col: int) -> None:
    """Draw `traces` in one panel: one call, since plotly takes as long for a call as for a trace."""
    figure.add_traces(traces, rows=[row] * len(traces), cols=[col] * len(traces))


def panels(rows: list[str], columns: list[str], min_width: int, height: int) -> go.Figure:
    """A grid of panels with a heading a row and a column, at least `min_width` by `height` px each."""
    gap = min(0.9 / max(1, len(columns) - 1), 60 / (min_width * len(columns)))
    return make_subplots(
        len(rows),
        len(columns),
        column_titles=[f"<b>{label(column)}</b>" for column in columns] if any(columns) else None,
        row_titles=[label(row) for row in rows] if any(rows) else None,
        horizontal_spacing=gap,
        vertical_spacing=min(0.9 / max(1, len(rows) - 1), 60 / (height * len(rows))),
    )


def grid(titles: list[str], wide: int, min_width: int, height: int) -> go.Figure:
    """A panel a title, `wide` of them in a row, at least `min_width` by `height` px each."""
    rows = -(-len(titles) // wide)
    return make_subplots(
        rows,
        wide,
        subplot_titles=[f"<b>{title}</b>" if title else "" for title in titles],
        horizontal_spacing=min(0.9 / max(1, wide - 1), 60 / (min_width * wide)),
        vertical_spacing=min(0.9 / max(1, rows - 1), 90 / (height * rows)),
    )


def label(name: object) -> str:
    """`name` as plotly shall show it: not as markup."""
    return html.escape(str(name), quote=False)


def _assign(known: dict[Any, Mark], wanted: list[Any], others: tuple[Mark, ...] = _OTHERS) -> dict[Any, Mark]:
    unknown = [name for name in wanted if name not in known]
    rest = {name: others[index % len(others)] for index, name in enumerate(unknown)}
    return {name: known.get(name) or rest[name] for name in wanted}
