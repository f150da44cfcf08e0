"""Writes the posture report as a workbook of six sheets."""

from __future__ import annotations

from typing import ClassVar

from reports.base import RenderedFile
from reports.posture.check import check
from reports.posture.naming import file_name
from reports.posture.view import build_view
from reports.read_model import Language, PostureReport
from reports.text import clean, utc_naive
from reports.xlsx_posture.book import Book
from reports.xlsx_posture.overview import write_overview
from reports.xlsx_posture.tables import Tables

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class XlsxPosture:
    """Renders :class:`~reports.read_model.PostureReport` to xlsx."""

    renderer_id: ClassVar[str] = "xlsx_posture"
    kind: ClassVar[str] = "posture"
    format: ClassVar[str] = "xlsx"

    def render(self, model: PostureReport, language: str | None = None) -> RenderedFile:
        """Write the workbook; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        check(model)
        view = build_view(model, lang)
        properties = {
            "title": view.title,
            "subject": clean(model.system.name, keep_newlines=False)[:200],
            "author": clean(model.meta.generator, keep_newlines=False),
            "comments": view.report_number,
            "created": utc_naive(model.meta.generated_at),
        }
        book = Book(lang, model.meta.zone, properties)
        write_overview(book, model, view)
        tables = Tables(book, model, view)
        tables.write_items()
        tables.write_gaps()
        tables.write_evidence()
        tables.write_scans()
        tables.write_versions()
        return RenderedFile(file_name(model, lang, self.format), MEDIA_TYPE, book.finish())


RENDERER = XlsxPosture()
