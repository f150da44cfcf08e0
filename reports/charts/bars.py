"""Horizontal stacked bars: verdicts per class or layer, findings per layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.charts._canvas import FONT_PX, MUTED, Canvas, LinkFor, number
from reports.charts._geometry import Box, Frame, stacked_boxes
from reports.read_model import STATES, CountRow, Language, Layer, Severity, Text
from reports.terms import LAYER_NAMES, SEVERITY_LOOKS, SEVERITY_NAMES, STATE_LOOKS, STATE_NAMES, Look
from reports.text import clean, width_em, wrap

_ROW_PX = 30.0
# A label of two lines needs more, else the labels of neighbours touch.
_TWO_LINES_PX = 38.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One part that every bar is made of."""

    key: str
    label: Text
    look: Look


@dataclass(frozen=True, slots=True)
class StackRow:
    """One bar; ``values`` has one number >= 0 per segment, in their order. ``note`` is written at its end."""

    code: str
    label: Text
    values: tuple[int, ...]
    note: str | None = None


def verdict_bars(
    rows: Sequence[CountRow],
    *,
    language: str = "zh",
    title: Text | None = None,
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 720,
) -> str:
    """Draw one bar per row, parted by the five states.

    Args:
        rows: Per class or per layer, top to bottom.
        link: Gets the row's code and the state.
        width: Pixels; the height follows from the number of rows.
    """
    segments = [Segment(state, STATE_NAMES[state], STATE_LOOKS[state]) for state in STATES]
    bars = [
        StackRow(
            row.code,
            row.label,
            tuple(row.counts.of(state) for state in STATES),
            f"{row.counts.examined}/{row.counts.total}",
        )
        for row in rows
    ]
    heading = title or Text("各类判定结果", "Results by group")
    note = Text("已检查/总数", "examined/all")
    return stacked_bars(
        bars,
        segments,
        title=heading,
        language=language,
        link=link,
        standalone=standalone,
        width=width,
        note=note,
    )


def finding_bars(
    counts: Mapping[Layer, Mapping[Severity, int]],
    *,
    language: str = "zh",
    title: Text | None = None,
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 720,
) -> str:
    """Draw one bar per layer, parted by severity; layers and severities that are missing count as 0.

    Critical and info are shown only when some finding has them. *link* gets the layer and the severity.
    """
    shown = [
        severity
        for severity in Severity
        if severity in (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
        or any(row.get(severity, 0) for row in counts.values())
    ]
    segments = [Segment(each.value, SEVERITY_NAMES[each], SEVERITY_LOOKS[each]) for each in shown]
    bars = [
        StackRow(layer.value, LAYER_NAMES[layer], tuple(counts.get(layer, {}).get(each, 0) for each in shown))
        for layer in Layer
    ]
    heading = title or Text("未关闭问题（按层面与等级）", "Open findings by layer and severity")
    return stacked_bars(
        bars, segments, title=heading, language=language, link=link, standalone=standalone, width=width
    )


def stacked_bars(
    rows: Sequence[StackRow],
    segments: Sequence[Segment],
    *,
    title: Text,
    language: str = "zh",
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 720,
    note: Text | None = None,
) -> str:
    """Draw bars of any segments. *note* is the heading over the figures at the ends of the bars."""
    lang = Language.parse(language)
    labels = [clean(row.label.in_(lang), keep_newlines=False) for row in rows]
    widest = max((width_em(each) for each in labels), default=0.0) * FONT_PX
    left = min(max(widest + 14, 60.0), width * 0.36)
    names = [wrap(each, (left - 10) / FONT_PX, 2) for each in labels]
    pitch = _TWO_LINES_PX if any(len(name) > 1 for name in names) else _ROW_PX
    ends = [row.note if row.note is not None else str(sum(row.values)) for row in rows]
    heads = [note.in_(lang)] if note else []
    right = max((width_em(each) for each in (*ends, *heads)), default=2.0) * (FONT_PX - 1) + 16
    top = _legend_height(segments, lang, width) + (18 if note else 4)
    height = top + max(len(rows), 1) * pitch + 8
    canvas = Canvas(width, height, title.in_(lang), _describe(rows, segments, lang), f"bars{rows!r}")
    canvas.legend(0.5, 9, width, [(each.label.in_(lang), each.look) for each in segments])
    if not rows or not segments:
        canvas.text(
            width / 2, top + pitch / 2, Text("暂无数据", "No data").in_(lang), anchor="middle", ink=MUTED
        )
        return canvas.finish(standalone=standalone)
    if note:
        canvas.text(width - 1, top - 10, note.in_(lang), anchor="end", size=FONT_PX - 2, ink=MUTED)
    frame = Frame(width, height, left, right, top, 8)
    table = [[row.values[position] for row in rows] for position in range(len(segments))]
    boxes = stacked_boxes(frame, table) if any(map(any, table)) else None
    canvas.line(left, top, left, height - 8)
    for place, row in enumerate(rows):
        middle = top + (place + 0.5) * pitch
        canvas.lines(left - 8, middle, names[place], anchor="end")
        parts = [column[place] for column in boxes] if boxes else []
        end = _draw_bar(canvas, middle, row, labels[place], segments, parts, lang, link, left)
        if note:
            canvas.text(width - 1, middle, ends[place], anchor="end", size=FONT_PX - 1, ink=MUTED)
        else:
            canvas.text(end + 8, middle, ends[place], size=FONT_PX - 1, ink=MUTED)
    return canvas.finish(standalone=standalone)


def _draw_bar(
    canvas: Canvas,
    middle: float,
    row: StackRow,
    label: str,
    segments: Sequence[Segment],
    boxes: Sequence[Box],
    lang: Language,
    link: LinkFor | None,
    left: float,
) -> float:
    """Draw the parts of one bar and give the x where it ends."""
    total = sum(row.values)
    end = left
    for segment, value, box in zip(segments, row.values, boxes, strict=False):
        if value == 0:
            continue
        share = f"{value / total:.1%}".replace("%", " %")
        words = f"{label} · {segment.label.in_(lang)} {value} ({share})"
        group = canvas.mark(words, link(row.code, segment.key) if link else None)
        canvas.element(
            "rect",
            {
                "x": number(box.x),
                "y": number(middle - 10),
                "width": number(box.width),
                "height": "20",
                "fill": canvas.fill(segment.look),
                "stroke": segment.look.colour,
                "class": f"chart-{segment.key}",
            },
            parent=group,
        )
        if box.width >= width_em(str(value)) * 11.5 + 8:
            canvas.badge(box.x + box.width / 2, middle, str(value), parent=group)
        end = box.x + box.width
    return end


def _legend_height(segments: Sequence[Segment], lang: Language, width: float) -> float:
    lines, left = 1, 0.0
    for segment in segments:
        need = 36 + width_em(segment.label.in_(lang)) * FONT_PX
        if left > 0 and left + need > width:
            lines, left = lines + 1, 0.0
        left += need
    return lines * FONT_PX * 1.7 + 6


def _describe(rows: Sequence[StackRow], segments: Sequence[Segment], lang: Language) -> str:
    parts = []
    for row in rows:
        values = ", ".join(
            f"{segment.label.in_(lang)} {value}" for segment, value in zip(segments, row.values, strict=True)
        )
        parts.append(f"{row.label.in_(lang)}: {values}")
    return "; ".join(parts)
