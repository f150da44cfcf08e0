"""Sets the blocks of an assessment report with typst; data goes in as JSON and is never evaluated."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from typing import Any, ClassVar

import typst

from reports.assessment.document import build_document
from reports.assessment.model import AssessmentReport
from reports.assessment.naming import file_name
from reports.base import RenderedFile
from reports.blocks import Block, Bullets, Heading, Paragraph, State, Table, Turn
from reports.errors import RenderFailed
from reports.fonts import FAMILY, fonts, printable
from reports.read_model import Language
from reports.terms import STATE_LOOKS
from reports.text import clean, shorten


class PdfAssessment:
    """Renders :class:`~reports.assessment.model.AssessmentReport` to PDF."""

    renderer_id: ClassVar[str] = "pdf_assessment"
    kind: ClassVar[str] = "assessment-2025"
    format: ClassVar[str] = "pdf"

    def render(self, model: AssessmentReport, language: str | None = None) -> RenderedFile:
        """Write the report; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        document = build_document(model, lang)
        data = {
            **{name: getattr(document, name) for name in ("title", "number", "language", "head", "marking", "draft", "contents", "table_word", "page_of")},
            "subtitle": shorten(clean(document.subtitle, keep_newlines=False), 60),
            "author": clean(model.meta.generator),
            "font": FAMILY,
            "cover": [asdict(one) for one in document.cover],
            "boxes": [asdict(one) for one in document.boxes],
            "looks": {state: asdict(look) for state, look in STATE_LOOKS.items()},
            "blocks": [_plain(block) for block in document.blocks],
        }  # fmt: skip
        sources: Any = {
            "main": _template(),
            "data.json": json.dumps(printable(data), ensure_ascii=False).encode(),
        }
        try:
            content = typst.compile(
                sources, font_paths=fonts(), timestamp=model.meta.generated_at.astimezone(model.meta.zone)
            )
        except typst.TypstError as error:
            raise RenderFailed(self.renderer_id, str(error)) from error
        return RenderedFile(file_name(model, lang, self.format), "application/pdf", content)


@lru_cache(maxsize=1)
def _template() -> bytes:
    return files("reports.pdf_assessment").joinpath("template.typ").read_bytes()


def _plain(block: Block) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"kind": "heading", "level": block.level, "words": block.words, "numbered": block.numbered}
    if isinstance(block, Paragraph):
        return {"kind": "paragraph", "words": block.words, "bold": block.bold}
    if isinstance(block, Bullets):
        return {"kind": "bullets", "lines": list(block.lines)}
    if isinstance(block, Turn):
        return {"kind": "turn", "wide": block.wide}
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
                for cell in row
            ]
            for row in block.rows
        ],
    }


RENDERER = PdfAssessment()
