"""The assessment report as a PDF."""

from __future__ import annotations

from typing import ClassVar

from reports.assessment.document import build_document
from reports.assessment.model import AssessmentReport
from reports.assessment.naming import file_name
from reports.base import RenderedFile
from reports.paper.pdf import MEDIA_TYPE, pdf_bytes
from reports.read_model import Language


class PdfAssessment:
    """Renders :class:`~reports.assessment.model.AssessmentReport` to PDF."""

    renderer_id: ClassVar[str] = "pdf_assessment"
    kind: ClassVar[str] = "assessment-2025"
    format: ClassVar[str] = "pdf"

    def render(self, model: AssessmentReport, language: str | None = None) -> RenderedFile:
        """Write the report; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        made_at = model.meta.generated_at.astimezone(model.meta.zone)
        content = pdf_bytes(build_document(model, lang), author=model.meta.generator, made_at=made_at)
        return RenderedFile(file_name(model, lang, self.format), MEDIA_TYPE, content)


RENDERER = PdfAssessment()
