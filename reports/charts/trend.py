"""Lines over time: examined share and compliance rate above, open findings below, on one time scale."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from reports.charts._canvas import MUTED, Canvas, LinkFor, number
from reports.charts._geometry import Frame, Polyline, time_points
from reports.read_model import Language, Text, TrendPoint
from reports.terms import Look
from reports.text import percent_text, width_em

_SERIES = (
    (
        "examined_percent",
        Text("已检查占比", "Examined share"),
        Look("#5b6678", "#5b6678", "#eee", "■", "stripes"),
    ),
    (
        "conformity_examined",
        Text("符合率（按已检查）", "Compliance rate (examined)"),
        Look("#1f5f99", "#1f5f99", "#e3eef6", "●", "solid"),
    ),
    (
        "open_findings",
        Text("未关闭问题数", "Open findings"),
        Look("#b83a2e", "#9c2a20", "#f8e3e0", "▲", "hatch"),
    ),
)
_UPPER = 150.0
_LOWER = 70.0


def trend_lines(
    points: Sequence[TrendPoint],
    *,
    language: str = "zh",
    title: Text | None = None,
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 720,
) -> str:
    """Draw the trend; a missing value leaves a gap. *link* gets the ISO date and the field's name.

    Args:
        points: In any order; of two on one day the later entry counts.
    """
    lang = Language.parse(language)
    heading = (title or Text("变化趋势", "Trend")).in_(lang)
    days = sorted({point.on: point for point in points}.values(), key=lambda point: point.on)
    top = 34.0
    middle = top + _UPPER + 22
    height = middle + _LOWER + 30
    canvas = Canvas(width, height, heading, _describe(days, lang), f"trend{days!r}{lang}")
    canvas.legend(0.5, 9, width, [(name.in_(lang), look) for _, name, look in _SERIES])
    if not days:
        words = Text("暂无历史数据", "No history yet").in_(lang)
        canvas.text(width / 2, height / 2, words, anchor="middle", ink=MUTED)
        return canvas.finish(standalone=standalone)
    highest = _nice(max(point.open_findings for point in days))
    upper = Frame(width, height, 52, 44, top, height - top - _UPPER)
    lower = Frame(width, height, 52, 44, middle, height - middle - _LOWER)
    rates = [[_float(getattr(point, field)) for point in days] for field, _, _ in _SERIES[:2]]
    counts: list[float | None] = [float(point.open_findings) for point in days]
    ordinals = [point.on.toordinal() for point in days]
    scale = _guides(canvas, upper, ordinals, 100.0, (0.0, 50.0, 100.0), " %")
    _guides(canvas, lower, ordinals, highest, (0.0, highest), "")
    lines = [*time_points(upper, ordinals, rates, 100.0), *time_points(lower, ordinals, [counts], highest)]
    lifts = (*_apart(lines[0], lines[1]), -9.0)
    for (field, name, look), line, lift in zip(_SERIES, lines, lifts, strict=True):
        _draw(canvas, days, line, field, name.in_(lang), look, link, lift)
    _dates(canvas, [point.on for point in days], scale, height - 12)
    return canvas.finish(standalone=standalone)


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _apart(first: Polyline, second: Polyline) -> tuple[float, float]:
    """Give how far above (-) or below (+) their last points two figures stand so that they don't touch."""
    ends = [next((point[1] for point in reversed(line.points) if point), None) for line in (first, second)]
    if ends[0] is None or ends[1] is None or abs(ends[0] - ends[1]) > 24:
        return -9.0, -9.0
    return (-9.0, 10.0) if ends[0] < ends[1] else (10.0, -9.0)


def _nice(value: int) -> float:
    """Round up to a number that reads well at the top of a scale."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if value <= step * factor * 2:
                return float(step * factor * 2)
        step *= 10


def _guides(
    canvas: Canvas, frame: Frame, days: Sequence[int], top: float, values: Sequence[float], unit: str
) -> Polyline:
    """Draw the level lines with their figures; give the points of the lowest one, for the dates."""
    levels = time_points(frame, days, [[value] * len(days) for value in values], top)
    for value, level in zip(values, levels, strict=True):
        first = level.points[0]
        if first is not None:
            canvas.line(frame.left, first[1], frame.width - frame.right, first[1])
            canvas.text(frame.left - 7, first[1], f"{value:.0f}{unit}", anchor="end", size=11, ink=MUTED)
    return levels[0]


def _draw(
    canvas: Canvas,
    days: Sequence[TrendPoint],
    line: Polyline,
    field: str,
    name: str,
    look: Look,
    link: LinkFor | None,
    lift: float,
) -> None:
    path, pen_down = "", False
    for point in line.points:
        if point is not None:
            path += f"{'L' if pen_down else 'M'}{number(point[0])} {number(point[1])}"
        pen_down = point is not None
    if path:
        pen = {"fill": "none", "stroke": look.colour, "stroke-width": "2"}
        dashes = {"stripes": {"stroke-dasharray": "6 3"}, "hatch": {"stroke-dasharray": "2 2"}}
        canvas.element("path", {"d": path, **pen, **dashes.get(look.pattern, {})})
    last = max((place for place, point in enumerate(line.points) if point is not None), default=-1)
    for place, (day, point) in enumerate(zip(days, line.points, strict=True)):
        if point is None:
            continue
        value = getattr(day, field)
        words = str(value) if isinstance(value, int) else percent_text(value)
        group = canvas.mark(f"{day.on} · {name} {words}", link(day.on.isoformat(), field) if link else None)
        _marker(canvas, group, point, look)
        if place == last:
            canvas.text(point[0] + 5, point[1] + lift, words, size=11, ink=look.ink, bold=True, parent=group)


def _marker(canvas: Canvas, group: object, point: tuple[float, float], look: Look) -> None:
    x, y = point
    shapes = {
        "■": f"M{number(x - 3)} {number(y - 3)}h6v6h-6z",
        "▲": f"M{number(x)} {number(y - 4)}l4 7h-8z",
        "●": f"M{number(x - 3.5)} {number(y)}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z",
    }
    canvas.element("path", {"d": shapes[look.sign], "fill": look.colour}, parent=group)  # type: ignore[arg-type]


def _dates(canvas: Canvas, days: Sequence[date], scale: Polyline, y: float) -> None:
    """Write as many dates as fit, the first and the last always."""
    need = width_em("2026-11-25") * 11 + 10
    spots = [(day, point[0]) for day, point in zip(days, scale.points, strict=True) if point is not None]
    taken: list[float] = []
    for day, x in (spots[0], spots[-1], *spots[1:-1]):
        if all(abs(x - other) >= need for other in taken):
            taken.append(x)
            canvas.text(x, y, day.isoformat(), anchor="middle", size=11, ink=MUTED)


def _describe(days: Sequence[TrendPoint], lang: Language) -> str:
    parts = []
    for day in days[-1:]:
        for field, name, _look in _SERIES:
            value = getattr(day, field)
            parts.append(f"{name.in_(lang)} {value if isinstance(value, int) else percent_text(value)}")
    return f"{days[-1].on}: {', '.join(parts)}" if days else ""
