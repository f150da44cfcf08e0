"""Sets the posture report with typst: data goes in as JSON, charts as SVG, a PDF comes out."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from typing import Any, ClassVar

import typst

from reports.base import RenderedFile
from reports.codec import to_plain
from reports.errors import RenderFailed
from reports.fonts import FAMILY, fonts, printable
from reports.pdf_posture.drawings import MatrixPart, draw_charts, draw_matrix
from reports.posture.check import check
from reports.posture.naming import file_name
from reports.posture.shapes import View
from reports.posture.view import build_view
from reports.posture.words import words_in
from reports.read_model import Language, PostureReport
from reports.terms import SEVERITY_LOOKS, STATE_LOOKS, STATE_NAMES
from reports.text import clean, shorten


class PdfPosture:
    """Renders :class:`~reports.read_model.PostureReport` to PDF."""

    renderer_id: ClassVar[str] = "pdf_posture"
    kind: ClassVar[str] = "posture"
    format: ClassVar[str] = "pdf"

    def render(self, model: PostureReport, language: str | None = None) -> RenderedFile:
        """Write the report; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        check(model)
        view = build_view(model, lang)
        parts, drawings = draw_matrix(view, lang)
        # kept in memory: the template can reach these names and nothing else that matters
        sources: Any = {
            "main": _template(),
            "data.json": _data(model, view, parts, lang),
            **draw_charts(model, lang),
            **drawings,
        }
        try:
            content = typst.compile(
                sources,
                font_paths=fonts(),
                timestamp=model.meta.generated_at.astimezone(model.meta.zone),
            )
        except typst.TypstError as error:
            raise RenderFailed(self.renderer_id, str(error)) from error
        return RenderedFile(file_name(model, lang, self.format), "application/pdf", content)


@lru_cache(maxsize=1)
def _template() -> bytes:
    return files("reports.pdf_posture").joinpath("template.typ").read_bytes()


def _data(model: PostureReport, view: View, matrix: list[MatrixPart], language: Language) -> bytes:
    data = {
        "view": to_plain(view),
        "words": words_in(language),
        "states": {state: name.in_(language) for state, name in STATE_NAMES.items()},
        "looks": {state: asdict(look) for state, look in STATE_LOOKS.items()},
        "severity_looks": {severity.value: asdict(look) for severity, look in SEVERITY_LOOKS.items()},
        "font": FAMILY,
        "author": clean(model.meta.generator),
        "cover_system": shorten(clean(model.system.name, keep_newlines=False), 60),
        "has_trend": bool(model.trend),
        "matrix": [to_plain(part) for part in matrix],
    }
    return json.dumps(printable(data), ensure_ascii=False).encode()


RENDERER = PdfPosture()
