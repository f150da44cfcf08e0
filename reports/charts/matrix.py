"""A matrix of states, items down and targets across: the whole picture on few pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from reports.charts._canvas import MUTED, Canvas, LinkFor, number
from reports.read_model import Language, Text
from reports.terms import STATE_LOOKS, STATE_NAMES
from reports.text import clean, shorten, width_em


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One item: its number, a short name, its overall state and one state per column, ``""`` for none."""

    code: str
    label: str
    overall: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the cells lie, in pixels."""

    left: float
    top: float
    pitch: float
    row: float
    size: float


def verdict_matrix(
    rows: Sequence[MatrixRow],
    columns: Sequence[str],
    *,
    language: str = "zh",
    title: Text | None = None,
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 1000,
    row_px: float = 16,
    marks: bool = True,
) -> str:
    """Draw one sign per item and column; the first column is the overall state.

    Args:
        columns: Short codes, one per entry of ``MatrixRow.states``; at most about 40 stay readable.
        link: Gets the row's code and the column's.
        marks: Give every cell its own title. Without, all cells of one state are a single shape, which
            keeps a document of thousands of cells small.
    """
    lang = Language.parse(language)
    heading = (title or Text("要求项与对象判定一览", "Items and targets")).in_(lang)
    size = row_px * 0.62
    code_width = min(max((width_em(row.code) for row in rows), default=6.0) * size + 10, width * 0.2)
    least = code_width + 15 * size
    pitch = min((width - least) / (len(columns) + 1.5), 60.0)
    left = width - pitch * (len(columns) + 1.5)
    names = [shorten(clean(row.label, keep_newlines=False), (left - code_width) / size - 1) for row in rows]
    height = row_px * (len(rows) + 1) + 2
    described = f"{len(rows)} × {len(columns)}"
    canvas = Canvas(width, height, heading, described, f"matrix{rows!r}{columns!r}{lang}")
    grid = _Grid(left, row_px, pitch, row_px, size)
    _head(canvas, grid, columns, lang, width)
    for place, (row, name) in enumerate(zip(rows, names, strict=True)):
        middle = grid.top + (place + 0.5) * row_px
        canvas.text(3, middle, shorten(row.code, code_width / size), size=size)
        canvas.text(code_width, middle, name, size=size, ink=MUTED)
        canvas.line(0, grid.top + (place + 1) * row_px, width, grid.top + (place + 1) * row_px, width=0.5)
    if marks:
        _draw_marks(canvas, grid, rows, columns, lang, link)
    else:
        _draw_shapes(canvas, grid, rows)
    return canvas.finish(standalone=standalone)


def _head(canvas: Canvas, grid: _Grid, columns: Sequence[str], lang: Language, width: float) -> None:
    canvas.element("rect", {"width": number(width), "height": number(grid.row), "fill": "#1f4e79"})
    middle = grid.row / 2
    heads = (Text("综合", "All").in_(lang), *columns)
    for place, words in enumerate(heads):
        x = grid.left + (place + 0.5) * grid.pitch + (0.5 * grid.pitch if place else 0)
        size = min(grid.size, grid.pitch / max(width_em(words), 1) * 0.95)
        canvas.text(x, middle, words, anchor="middle", size=size, ink="#ffffff", bold=True)
    corner = Text("测评单元 · 控制点", "Unit · control point").in_(lang)
    canvas.text(3, middle, corner, size=grid.size, ink="#ffffff", bold=True)


def _cells(grid: _Grid, rows: Sequence[MatrixRow]) -> list[tuple[float, float, str, int, int]]:
    """Give left, top, state, row and column of every filled cell; column 0 is the overall state."""
    found = []
    for down, row in enumerate(rows):
        for across, state in enumerate((row.overall, *row.states)):
            if state:
                x = grid.left + across * grid.pitch + (0.5 * grid.pitch if across else 0)
                found.append((x, grid.top + down * grid.row, state, down, across))
    return found


def _draw_shapes(canvas: Canvas, grid: _Grid, rows: Sequence[MatrixRow]) -> None:
    grounds: dict[str, list[str]] = {}
    signs: dict[str, list[str]] = {}
    for x, y, state, _down, _across in _cells(grid, rows):
        grounds.setdefault(state, []).append(_ground(grid, x, y))
        signs.setdefault(state, []).append(_sign(grid, x, y, state))
    for state, paths in grounds.items():
        canvas.element("path", {"d": "".join(paths), "fill": STATE_LOOKS[state].tint})
        canvas.element("path", {"d": "".join(signs[state]), **_pen(state)})


def _draw_marks(
    canvas: Canvas,
    grid: _Grid,
    rows: Sequence[MatrixRow],
    columns: Sequence[str],
    lang: Language,
    link: LinkFor | None,
) -> None:
    for x, y, state, down, across in _cells(grid, rows):
        row = rows[down]
        column = columns[across - 1] if across else ""
        words = " · ".join(part for part in (row.code, column, STATE_NAMES[state].in_(lang)) if part)
        group: Element = canvas.mark(words, link(row.code, column) if link else None)
        canvas.element("path", {"d": _ground(grid, x, y), "fill": STATE_LOOKS[state].tint}, parent=group)
        canvas.element("path", {"d": _sign(grid, x, y, state), **_pen(state)}, parent=group)


def _ground(grid: _Grid, x: float, y: float) -> str:
    return f"M{number(x + 0.5)} {number(y + 0.5)}h{number(grid.pitch - 1)}v{number(grid.row - 1)}h-{number(grid.pitch - 1)}z"


def _pen(state: str) -> dict[str, str]:
    ink = STATE_LOOKS[state].ink
    if state == "compliant":
        return {"fill": ink, "class": f"chart-{state}"}
    if state == "partial":
        return {
            "fill": ink,
            "stroke": ink,
            "stroke-width": "0.8",
            "fill-rule": "evenodd",
            "class": f"chart-{state}",
        }
    width = "1" if state == "not_examined" else "1.8"
    return {"fill": "none", "stroke": ink, "stroke-width": width, "class": f"chart-{state}"}


def _sign(grid: _Grid, x: float, y: float, state: str) -> str:
    """Draw the sign of a state round the middle of its cell."""
    middle_x, middle_y, r = x + grid.pitch / 2, y + grid.row / 2, grid.row * 0.27
    a, b, n = number(middle_x), number(middle_y), number(r)
    ring = f"M{number(middle_x - r)} {b}a{n} {n} 0 1 0 {number(2 * r)} 0a{n} {n} 0 1 0 -{number(2 * r)} 0z"
    if state in ("compliant", "not_examined"):
        return ring
    if state == "partial":  # a ring whose right half is taken out again by the even-odd rule
        return f"{ring}M{a} {number(middle_y - r)}a{n} {n} 0 0 1 0 {number(2 * r)}z"
    if state == "na":
        return f"M{number(middle_x - r)} {b}h{number(2 * r)}"
    d = r * 0.9
    return (
        f"M{number(middle_x - d)} {number(middle_y - d)}l{number(2 * d)} {number(2 * d)}"
        f"m0 -{number(2 * d)}l-{number(2 * d)} {number(2 * d)}"
    )
