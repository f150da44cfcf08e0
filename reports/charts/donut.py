"""A ring of the five states, the examined share in its middle."""

from __future__ import annotations

from reports.charts._canvas import FONT_PX, INK, MUTED, Canvas, LinkFor, number
from reports.charts._geometry import Frame, ring_paths
from reports.read_model import STATES, Counts, Language, Text, percent
from reports.terms import STATE_LOOKS, STATE_NAMES
from reports.text import percent_text, width_em


def verdict_donut(
    counts: Counts,
    *,
    language: str = "zh",
    title: Text | None = None,
    link: LinkFor | None = None,
    standalone: bool = False,
    width: float = 470,
    code: str = "",
) -> str:
    """Draw the ring with a table of numbers beside it, so that no slice needs a label of its own.

    Args:
        link: Gets *code* and the state.
        width: Pixels; at least 400.
    """
    lang = Language.parse(language)
    heading = (title or Text("判定分布", "Distribution of results")).in_(lang)
    words = [f"{STATE_NAMES[state].in_(lang)} {counts.of(state)}" for state in STATES]
    side = 200.0
    canvas = Canvas(width, side, heading, ", ".join(words), f"donut{counts!r}{lang}{code}")
    frame = Frame(side, side, 2, 2, 2, 2)
    if counts.total:
        slices = ring_paths(frame, [counts.of(state) for state in STATES], 0.68)
    else:
        slices = [(None, 0.0, 0.0)] * len(STATES)
        ring = {"cx": "100", "cy": "100", "r": "75", "fill": "none", "stroke": "#d5dbe5", "stroke-width": "2"}
        canvas.element("circle", ring)
    row_height = 30.0
    top = side / 2 - row_height * (len(STATES) - 1) / 2
    for place, (state, (path, _x, _y)) in enumerate(zip(STATES, slices, strict=True)):
        look, value = STATE_LOOKS[state], counts.of(state)
        share = percent_text(percent(value, counts.total))
        name = STATE_NAMES[state].in_(lang)
        group = canvas.mark(f"{name} {value} ({share})", link(code, state) if link else None)
        if path:
            canvas.element(
                "path",
                {
                    "d": path,
                    "transform": f"translate({number(frame.left)} {number(frame.top)})",
                    "fill": canvas.fill(look),
                    "stroke": look.colour if look.pattern == "open" else "#ffffff",
                    "stroke-width": "1",
                    "fill-rule": "evenodd",
                    "class": f"chart-{state}",
                },
                parent=group,
            )
        y = top + place * row_height
        canvas.swatch(side + 16, y - 6, look, parent=group)
        canvas.text(side + 36, y, name, parent=group)
        canvas.text(width - 66, y, str(value), anchor="end", parent=group, bold=True)
        canvas.text(width - 1, y, share, anchor="end", size=FONT_PX - 1, ink=MUTED, parent=group)
    label = Text("已检查", "examined").in_(lang)
    share = percent_text(counts.examined_percent)
    size = min(26.0, 120 / max(width_em(share), 1))
    canvas.text(side / 2, side / 2 - 8, share, anchor="middle", size=size, bold=True, ink=INK)
    canvas.text(side / 2, side / 2 + 16, label, anchor="middle", ink=MUTED)
    return canvas.finish(standalone=standalone)
