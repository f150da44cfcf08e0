"""A radar of compliance rates per class; a class nobody looked at has no point, not a zero."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reports.charts._canvas import FONT_PX, MUTED, RULE, Canvas, LinkFor, number
from reports.charts._geometry import Frame, Polyline, web_points
from reports.read_model import CountRow, Language, Text
from reports.terms import Look
from reports.text import clean, percent_text, wrap

_RINGS = (20.0, 40.0, 60.0, 80.0, 100.0)
_EXAMINED = Look("#1f5f99", "#1f5f99", "#e3eef6", "●", "solid")
_APPLICABLE = Look("#b06a00", "#8a5a00", "#fbf0d9", "■", "stripes")


def conformity_radar(
    rows: Sequence[CountRow],
    *,
    language: str = "zh",
    title: Text | None = None,
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 560,
) -> str:
    """Draw both compliance rates, 0–100 %, one spoke per row; needs three rows, else it says so.

    *link* gets the row's code and ``conformity_examined`` or ``conformity_applicable``.
    """
    lang = Language.parse(language)
    heading = (title or Text("各类符合率", "Compliance rate by class")).in_(lang)
    described = "; ".join(f"{row.label.in_(lang)} {percent_text(row.conformity_examined)}" for row in rows)
    height = width * 0.78
    canvas = Canvas(width, height, heading, described, f"radar{rows!r}{lang}")
    names = (
        Text("符合率（按已检查）", "Rate over examined").in_(lang),
        Text("符合率（按全部适用）", "Rate over all applicable").in_(lang),
    )
    canvas.legend(0.5, 9, width, [(names[0], _EXAMINED), (names[1], _APPLICABLE)])
    if len(rows) < 3:
        words = Text("至少三类才能绘制雷达图", "A radar needs at least three groups").in_(lang)
        canvas.text(width / 2, height / 2, words, anchor="middle", ink=MUTED)
        return canvas.finish(standalone=standalone)
    label_room = width * 0.2
    plot = min(width - 2 * label_room, height - 30 - 44)
    side = (width - plot) / 2
    frame = Frame(width, height, side, side, 30 + 22, height - 52 - plot)
    rates = [
        [_float(row.conformity_examined) for row in rows],
        [_float(row.conformity_applicable) for row in rows],
    ]
    rings = [[ring] * len(rows) for ring in _RINGS]
    lines = web_points(frame, len(rows), [*rings, *rates], 100.0)
    _draw_web(canvas, lines[: len(_RINGS)])
    rim = [point for point in lines[len(_RINGS) - 1].points if point is not None]
    centre = (sum(x for x, _ in rim) / len(rim), sum(y for _, y in rim) / len(rim))
    _draw_labels(canvas, rows, rim, centre, lang, label_room)
    for position, (look, name) in enumerate(((_APPLICABLE, names[1]), (_EXAMINED, names[0]))):
        field = ("conformity_applicable", "conformity_examined")[position]
        series = lines[len(_RINGS) + (1 - position)]
        _draw_series(canvas, rows, series, look, name, field, lang, link)
    return canvas.finish(standalone=standalone)


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _draw_web(canvas: Canvas, rings: Sequence[Polyline]) -> None:
    for ring in rings:
        canvas.element(
            "path",
            {"d": _path(ring, close=True), "fill": "none", "stroke": RULE, "class": "chart-rule"},
        )
    rim = [point for point in rings[-1].points if point is not None]
    x0 = sum(x for x, _ in rim) / len(rim)
    y0 = sum(y for _, y in rim) / len(rim)
    for x, y in rim:
        canvas.line(x0, y0, x, y)
    for ring, value in zip(rings, _RINGS, strict=True):
        first = ring.points[0]
        if first is not None:
            canvas.text(first[0] + 4, first[1] + 7, f"{value:.0f}", size=10, ink=MUTED)


def _draw_labels(
    canvas: Canvas,
    rows: Sequence[CountRow],
    rim: Sequence[tuple[float, float]],
    centre: tuple[float, float],
    lang: Language,
    room: float,
) -> None:
    for row, (x, y) in zip(rows, rim, strict=True):
        dx, dy = x - centre[0], y - centre[1]
        length = math.hypot(dx, dy) or 1.0
        sideways, down = dx / length, dy / length
        anchor = "middle" if abs(sideways) < 0.25 else ("start" if sideways > 0 else "end")
        words = clean(row.label.in_(lang), keep_newlines=False)
        lines = wrap(words, (room - 6) / (FONT_PX - 1), 3)
        if anchor == "middle":
            lines = wrap(words, room * 1.8 / (FONT_PX - 1), 1)
        if row.conformity_examined is None:
            lines = [*lines, Text("（无判定）", "(no result)").in_(lang)]
        lift = down * (10 + 7 * (len(lines) - 1 if anchor == "middle" else 0))
        canvas.lines(x + sideways * 10, y + lift, lines, anchor=anchor, size=FONT_PX - 1)


def _draw_series(
    canvas: Canvas,
    rows: Sequence[CountRow],
    series: Polyline,
    look: Look,
    name: str,
    field: str,
    lang: Language,
    link: LinkFor | None,
) -> None:
    whole = None not in series.points
    canvas.element(
        "path",
        {
            "d": _path(series, close=whole),
            "fill": look.colour if whole else "none",
            "fill-opacity": "0.12",
            "stroke": look.colour,
            "stroke-width": "2",
            **({"stroke-dasharray": "6 3"} if look is _APPLICABLE else {}),
        },
    )
    for row, point in zip(rows, series.points, strict=True):
        if point is None:
            continue
        value = percent_text(getattr(row, field))
        group = canvas.mark(
            f"{row.label.in_(lang)} · {name} {value}", link(row.code, field) if link else None
        )
        if look is _APPLICABLE:
            square = {"x": number(point[0] - 3.5), "y": number(point[1] - 3.5), "width": "7", "height": "7"}
            canvas.element("rect", {**square, "fill": look.colour}, parent=group)
        else:
            dot = {"cx": number(point[0]), "cy": number(point[1]), "r": "4", "fill": look.colour}
            canvas.element("circle", dot, parent=group)


def _path(series: Polyline, *, close: bool) -> str:
    """Write the line, lifting the pen over spokes without a value; an open web still joins its ends."""
    points = list(series.points)
    if not close and len(points) > 1:
        points.append(points[0])
    steps: list[str] = []
    pen_down = False
    for point in points:
        if point is None:
            pen_down = False
            continue
        steps.append(f"{'L' if pen_down else 'M'}{number(point[0])} {number(point[1])}")
        pen_down = True
    return "".join(steps) + ("Z" if close else "")
