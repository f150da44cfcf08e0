"""Writes the posture report as a Word document, in the chapters of the PDF."""

from __future__ import annotations

from typing import ClassVar

from reports.base import RenderedFile
from reports.docx_posture.chapters import Chapters
from reports.docx_posture.writer import Writer
from reports.posture.check import check
from reports.posture.naming import file_name
from reports.posture.view import build_view
from reports.read_model import Language, PostureReport
from reports.text import clean, utc_naive

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class DocxPosture:
    """Renders :class:`~reports.read_model.PostureReport` to docx."""

    renderer_id: ClassVar[str] = "docx_posture"
    kind: ClassVar[str] = "posture"
    format: ClassVar[str] = "docx"

    def render(self, model: PostureReport, language: str | None = None) -> RenderedFile:
        """Write the document; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        check(model)
        view = build_view(model, lang)
        writer = Writer(lang)
        Chapters(writer, view, model, lang).write()
        core = writer.document.core_properties
        core.title = clean(view.title, keep_newlines=False)[:255]
        core.subject = clean(model.system.name, keep_newlines=False)[:255]
        core.author = clean(model.meta.generator, keep_newlines=False)[:255]
        core.last_modified_by = core.author
        core.comments = view.report_number[:255]
        core.created = core.modified = utc_naive(model.meta.generated_at)
        return RenderedFile(file_name(model, lang, self.format), MEDIA_TYPE, writer.finish())


RENDERER = DocxPosture()
