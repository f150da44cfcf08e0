"""The assessment report as a Word document."""

from __future__ import annotations

from typing import ClassVar

from reports.assessment.document import build_document
from reports.assessment.model import AssessmentReport
from reports.assessment.naming import file_name
from reports.base import RenderedFile
from reports.paper.docx import MEDIA_TYPE, docx_bytes
from reports.read_model import Language


class DocxAssessment:
    """Renders :class:`~reports.assessment.model.AssessmentReport` to docx."""

    renderer_id: ClassVar[str] = "docx_assessment"
    kind: ClassVar[str] = "assessment-2025"
    format: ClassVar[str] = "docx"

    def render(self, model: AssessmentReport, language: str | None = None) -> RenderedFile:
        """Write the document; see :class:`reports.base.Renderer`."""
        lang = Language.parse(language) if language is not None else model.meta.language
        content = docx_bytes(
            build_document(model, lang), author=model.meta.generator, made_at=model.meta.generated_at
        )
        return RenderedFile(file_name(model, lang, self.format), MEDIA_TYPE, content)


RENDERER = DocxAssessment()
