"""Builds a clean SVG document element by element; nothing gets in that is not asked for here."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from reports.errors import ReportError
from reports.terms import Look
from reports.text import clean, width_em

#: Gives the address behind one mark: ``(group code, state or series) -> address`` or ``None``.
LinkFor = Callable[[str, str], str | None]

FONT_FAMILY = "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif"
INK = "#1f2937"
MUTED = "#5b6678"
RULE = "#d5dbe5"
PAPER = "#ffffff"
FONT_PX = 13.0


class UnsafeLink(ReportError, ValueError):
    """A chart may link to pages, never to a script or a data address."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address

    def __str__(self) -> str:
        return f"not an address a chart may link to: {self.address!r}"


def number(value: float) -> str:
    """Print a coordinate: two decimals at most, no ``-0``."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


class Canvas:
    """One drawing under way. ``seed`` tells drawings on one page apart: it prefixes every id."""

    def __init__(self, width: float, height: float, title: str, description: str, seed: str) -> None:
        self.width = width
        self.height = height
        self.prefix = "c" + hashlib.sha256(f"{seed}\0{title}\0{width}\0{height}".encode()).hexdigest()[:10]
        self.root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {number(width)} {number(height)}",
                "class": "chart",
                "role": "img",
                "aria-labelledby": f"{self.prefix}-t {self.prefix}-d",
                "font-size": number(FONT_PX),
            },
        )
        self.element("title", {"id": f"{self.prefix}-t"}, text=title)
        self.element("desc", {"id": f"{self.prefix}-d"}, text=description)
        self._defs = self.element("defs", {})
        self._patterns: dict[tuple[str, str], str] = {}

    def element(
        self,
        tag: str,
        attributes: dict[str, str],
        *,
        parent: ET.Element | None = None,
        text: str | None = None,
    ) -> ET.Element:
        """Add one element; its text is cleaned and escaped."""
        made = ET.SubElement(self.root if parent is None else parent, tag, attributes)
        if text is not None:
            made.text = clean(text, keep_newlines=False)
        return made

    def fill(self, look: Look) -> str:
        """Give the paint of a look, defining its pattern once."""
        if look.pattern == "solid":
            return look.colour
        key = (look.pattern, look.colour)
        if key not in self._patterns:
            name = f"{self.prefix}-p{len(self._patterns)}"
            self._patterns[key] = name
            self._define_pattern(name, look)
        return f"url(#{self._patterns[key]})"

    def _define_pattern(self, name: str, look: Look) -> None:
        side = "8"
        pattern = self.element(
            "pattern",
            {"id": name, "width": side, "height": side, "patternUnits": "userSpaceOnUse"},
            parent=self._defs,
        )
        ground = PAPER if look.pattern == "open" else look.colour
        self.element("rect", {"width": side, "height": side, "fill": ground}, parent=pattern)
        ink = look.colour if look.pattern == "open" else PAPER
        pen = {"stroke": ink, "stroke-width": "1.2", "fill": "none"}
        if look.pattern == "dots":
            for x, y in ((2, 2), (6, 6)):
                self.element("circle", {"cx": str(x), "cy": str(y), "r": "1", "fill": ink}, parent=pattern)
        else:
            self.element("path", {"d": "M-2 2L2 -2M0 8L8 0M6 10L10 6", **pen}, parent=pattern)
        if look.pattern == "hatch":
            self.element("path", {"d": "M-2 6L2 10M0 0L8 8M6 -2L10 2", **pen}, parent=pattern)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        size: float = FONT_PX,
        ink: str = INK,
        bold: bool = False,
        parent: ET.Element | None = None,
        css: str = "chart-text",
    ) -> None:
        """Write one line; *y* is the middle of the line, not its baseline."""
        attributes = {
            "x": number(x),
            "y": number(y + size * 0.36),
            "text-anchor": anchor,
            "fill": ink,
            "class": css,
        }
        if size != FONT_PX:
            attributes["font-size"] = number(size)
        if bold:
            attributes["font-weight"] = "700"
        self.element("text", attributes, parent=parent, text=words)

    def lines(
        self,
        x: float,
        y: float,
        words: Sequence[str],
        *,
        anchor: str = "start",
        size: float = FONT_PX,
        ink: str = INK,
    ) -> None:
        """Write several lines, centred on *y* as a block."""
        step = size * 1.25
        top = y - step * (len(words) - 1) / 2
        for row, line in enumerate(words):
            self.text(x, top + row * step, line, anchor=anchor, size=size, ink=ink)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, ink: str = RULE, width: float = 1.0
    ) -> None:
        """Draw a straight rule."""
        self.element(
            "path",
            {
                "d": f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}",
                "stroke": ink,
                "stroke-width": number(width),
                "fill": "none",
                "class": "chart-rule",
            },
        )

    def mark(self, label: str, address: str | None) -> ET.Element:
        """Open a group for one mark with its title, inside a link when there is an address.

        Raises:
            UnsafeLink: the address is not ``http``, ``https`` or a path.
        """
        parent: ET.Element | None = None
        if address:
            if urlsplit(address.strip()).scheme not in ("", "http", "https") or address.strip().startswith(
                "//"
            ):
                raise UnsafeLink(address)
            parent = self.element("a", {"href": clean(address, keep_newlines=False), "class": "chart-link"})
        group = self.element("g", {"class": "chart-mark"}, parent=parent)
        self.element("title", {}, parent=group, text=label)
        return group

    def legend(self, x: float, y: float, width: float, entries: Sequence[tuple[str, Look]]) -> float:
        """Write swatches with words, wrapping at *width*; give the height used."""
        left, line = x, y
        step = FONT_PX * 1.7
        for words, look in entries:
            need = 18 + width_em(words) * FONT_PX + 18
            if left > x and left + need > x + width:
                left, line = x, line + step
            self.swatch(left, line - 6, look)
            self.text(left + 19, line, words)
            left += need
        return line - y + step

    def swatch(self, x: float, y: float, look: Look, parent: ET.Element | None = None) -> None:
        """Draw the small box of a legend."""
        self.element(
            "rect",
            {
                "x": number(x),
                "y": number(y),
                "width": "13",
                "height": "12",
                "rx": "2",
                "fill": self.fill(look),
                "stroke": look.colour,
            },
            parent=parent,
        )

    def badge(self, x: float, y: float, words: str, *, parent: ET.Element, size: float = 11.5) -> None:
        """Write words on a light plate, so that they read on any pattern."""
        width = width_em(words) * size + 6
        self.element(
            "rect",
            {
                "x": number(x - width / 2),
                "y": number(y - size * 0.7),
                "width": number(width),
                "height": number(size * 1.4),
                "rx": "3",
                "fill": PAPER,
                "fill-opacity": "0.9",
                "class": "chart-plate",
            },
            parent=parent,
        )
        self.text(x, y, words, anchor="middle", size=size, parent=parent, bold=True, css="chart-value")

    def finish(self, *, standalone: bool) -> str:
        """Give the SVG text."""
        if self.root.find(".//a") is not None:
            # Links inside an image would be hidden from who can't see it.
            self.root.set("role", "group")
        if standalone:
            self.root.set("width", number(self.width))
            self.root.set("height", number(self.height))
            self.root.set("font-family", FONT_FAMILY)
            # typst draws a variable font at its thinnest unless the axis is named
            self.root.set("font-variation-settings", "'wght' 400")
            for each in self.root.iter("text"):
                if each.get("font-weight") == "700":
                    each.set("font-variation-settings", "'wght' 700")
        body = ET.tostring(self.root, encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n' if standalone else body
