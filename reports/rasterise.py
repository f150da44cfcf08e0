"""Turns a standalone SVG of :mod:`reports.charts` into a PNG, for formats that take no SVG."""

from __future__ import annotations

from typing import Any

import typst

from reports.errors import RenderFailed
from reports.fonts import fonts

_PAGE = b'#set page(width: auto, height: auto, margin: 0pt, fill: white)\n#image("drawing.svg")\n'


def png(svg: str, *, ppi: float = 200) -> bytes:
    """Draw *svg* at *ppi*; the same drawing gives the same bytes.

    Raises:
        RenderFailed: the drawing cannot be read.
    """
    sources: Any = {"main": _PAGE, "drawing.svg": svg.encode()}
    try:
        made = typst.compile(sources, format="png", ppi=ppi, font_paths=fonts())
    except typst.TypstError as error:
        raise RenderFailed("png", str(error)) from error
    return made
