"""Sets the blocks of a document with typst; data goes in as JSON and is never evaluated."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

import typst

from reports.blocks import Block, Bullets, Chart, Document, Heading, Paragraph, State, Table, Turn, on_paper
from reports.errors import RenderFailed
from reports.fonts import FAMILY, fonts, printable
from reports.terms import CELL_LOOKS
from reports.text import clean, shorten

MEDIA_TYPE = "application/pdf"


def pdf_bytes(document: Document, *, author: str, made_at: datetime) -> bytes:
    """Set the document; *made_at* carries the zone of its time stamp.

    Raises:
        RenderFailed: typst refused.
    """
    charts: dict[str, bytes] = {}
    data = {
        **{name: getattr(document, name) for name in ("title", "number", "language", "head", "marking", "draft", "contents", "table_word", "page_of")},
        "subtitle": shorten(clean(document.subtitle, keep_newlines=False), 60),
        "author": clean(author),
        "font": FAMILY,
        "cover": [asdict(one) for one in document.cover],
        "boxes": [asdict(one) for one in document.boxes],
        "looks": {state: asdict(look) for state, look in CELL_LOOKS.items()},
        "blocks": [_plain(block, charts) for block in document.blocks if not _is_for_sheets(block)],
    }  # fmt: skip
    sources: Any = {
        "main": _template(),
        "data.json": json.dumps(printable(data), ensure_ascii=False).encode(),
        **charts,
    }
    try:
        made: bytes = typst.compile(sources, font_paths=fonts(), timestamp=made_at)
    except typst.TypstError as error:
        raise RenderFailed("pdf", str(error)) from error
    return made


@lru_cache(maxsize=1)
def _template() -> bytes:
    return files("reports.paper").joinpath("template.typ").read_bytes()


def _is_for_sheets(block: Block) -> bool:
    return isinstance(block, Table) and block.sheet_only


def _plain(block: Block, charts: dict[str, bytes]) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "words": block.words, "numbered": block.numbered}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "words": block.words, "bold": block.bold}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "lines": list(block.lines)}
    if isinstance(block, Turn):
        return {"kind": "turn", "wide": block.wide}
    if isinstance(block, Chart):
        name = f"chart-{len(charts)}.svg"
        charts[name] = block.svg.encode()
        return {"kind": "chart", "file": name, "caption": block.caption, "share": block.share}
    return _plain_table(block)


def _plain_table(block: Table) -> dict[str, Any]:
    return {
        "kind": "table",
        "caption": block.caption,
        "heads": list(block.heads),
        "widths": list(block.widths),
        "numbers": list(block.numbers),
        "nothing": block.nothing,
        "rows": [
            [
                {"state": cell.key, "words": cell.words}
                if isinstance(cell, State)
                else {"state": "", "words": cell}
                for cell in map(on_paper, row)
            ]
            for row in block.rows
        ],
    }
