"""Asks pygal where things go, and takes only numbers out of its drawing.

pygal's own output carries a style sheet, a script, inline styles, comments with the date and label widths made
for Latin letters; none of that leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pygal

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_OPTIONS = {
    "js": [],
    "show_legend": False,
    "show_x_labels": False,
    "show_y_labels": False,
    "no_prefix": True,
    "print_values": False,
    "no_data_text": "",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The whole drawing and the free room round its plot, in pixels; every side > 0."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float

    def options(self) -> dict[str, Any]:
        """Give pygal's names for it."""
        return {
            "width": self.width,
            "height": self.height,
            "margin_left": self.left,
            "margin_right": self.right,
            "margin_top": self.top,
            "margin_bottom": self.bottom,
            **_OPTIONS,
        }


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Polyline:
    """Where a series runs: one entry per value, ``None`` where there is no value."""

    points: tuple[tuple[float, float] | None, ...]


def stacked_boxes(frame: Frame, table: Sequence[Sequence[int]]) -> list[list[Box]]:
    """Lay out horizontal stacked bars: ``table[series][row]``; row 0 comes out on top.

    pygal keeps some air before zero and after the longest bar; here the bars fill the frame.
    """
    chart = pygal.HorizontalStackedBar(**frame.options())
    for position, series in enumerate(table):
        chart.add(str(position), list(reversed(series)))
    root = chart.render_tree()
    result = []
    for position in range(len(table)):
        rects = [
            each
            for group in _series(root, position)
            for each in group.iter()
            if _tag(each) == "rect" and "reactive" in each.get("class", "")
        ]
        result.append([_box(frame, rect) for rect in reversed(rects)])
    return _stretched(frame, result)


def _stretched(frame: Frame, columns: list[list[Box]]) -> list[list[Box]]:
    zero = min(box.x for column in columns for box in column)
    end = max(box.x + box.width for column in columns for box in column)
    scale = (frame.width - frame.left - frame.right) / ((end - zero) or 1.0)
    return [
        [Box(frame.left + (box.x - zero) * scale, box.y, box.width * scale, box.height) for box in column]
        for column in columns
    ]


def ring_paths(
    frame: Frame, values: Sequence[int], inner_radius: float
) -> list[tuple[str | None, float, float]]:
    """Lay out a ring: for each value its path (``None`` for 0) and the middle of its slice."""
    chart = pygal.Pie(inner_radius=inner_radius, **frame.options())
    for position, value in enumerate(values):
        chart.add(str(position), value)
    root = chart.render_tree()
    result: list[tuple[str | None, float, float]] = []
    for position in range(len(values)):
        path: str | None = None
        where: dict[str, float] = {}
        for node in (each for group in _series(root, position) for each in group.iter()):
            css = node.get("class", "")
            if _tag(node) == "path" and "slice" in css:
                path = _round_path(node.get("d"))
            elif _tag(node) == "desc" and css.split()[:1] in (["x"], ["y"]):
                where[css.split()[0]] = float(node.text)
        result.append((path, frame.left + where.get("x", 0.0), frame.top + where.get("y", 0.0)))
    return result


def web_points(
    frame: Frame, axes: int, series: Sequence[Sequence[float | None]], top: float
) -> list[Polyline]:
    """Lay out a radar of *axes* spokes clockwise from the top; a value of *top* lies on the rim."""
    chart = pygal.Radar(**frame.options())
    chart.y_labels = [0, top]
    chart.x_labels = [str(each) for each in range(axes)]
    for position, values in enumerate(series):
        chart.add(str(position), [_clockwise(values)[each] or 0 for each in range(axes)])
    root = chart.render_tree()
    left, upper = _offset(root)
    result = []
    for position, values in enumerate(series):
        dots = _clockwise(list(_dots(root, position, left, upper)))
        result.append(
            Polyline(tuple(d if v is not None else None for d, v in zip(dots, values, strict=True)))
        )
    return result


def time_points(
    frame: Frame, days: Sequence[int], series: Sequence[Sequence[float | None]], top: float
) -> list[Polyline]:
    """Lay out lines over time: *days* are ordinals, ascending; 0 lies at the bottom and *top* at the top."""
    span = (days[0], days[-1]) if days[-1] > days[0] else (days[0] - 1, days[0] + 1)
    chart = pygal.XY(**frame.options(), range=(0, top), xrange=span)
    for position, values in enumerate(series):
        chart.add(str(position), [(d, v) for d, v in zip(days, values, strict=True) if v is not None])
    root = chart.render_tree()
    left, upper = _offset(root)
    result = []
    for position, values in enumerate(series):
        dots = iter(_dots(root, position, left, upper))
        result.append(Polyline(tuple(None if value is None else next(dots) for value in values)))
    return result


def _clockwise(values: Sequence[Any]) -> list[Any]:
    # pygal runs anticlockwise; keep the first spoke on top and turn the others round (its own inverse)
    return [values[0], *reversed(values[1:])] if values else []


def _dots(root: Any, position: int, left: float, upper: float) -> Iterator[tuple[float, float]]:
    for group in _series(root, position):
        for node in group.iter():
            if _tag(node) == "circle" and "dot" in node.get("class", ""):
                yield left + float(node.get("cx")), upper + float(node.get("cy"))


def _tag(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _series(root: Any, position: int) -> Iterable[Any]:
    wanted = f"serie-{position}"
    return [each for each in root.iter() if _tag(each) == "g" and wanted in each.get("class", "").split()]


def _offset(root: Any) -> tuple[float, float]:
    for node in root.iter():
        if _tag(node) == "g" and node.get("class") == "plot":
            left, upper = (float(each) for each in _NUMBER.findall(node.get("transform")))
            return left, upper
    return 0.0, 0.0


def _box(frame: Frame, rect: Any) -> Box:
    x, y, width, height = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
    return Box(frame.left + x, frame.top + y, width, height)


def _round_path(path: str) -> str:
    # five decimals: a whole ring ends a thousandth of a pixel before its start
    return _NUMBER.sub(lambda match: f"{float(match.group()):.5f}".rstrip("0").rstrip("."), path)
