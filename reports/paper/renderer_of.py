"""Renderers of a kind whose document is made of blocks: one class for all kinds and forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from reports import workbook
from reports.base import RenderedFile
from reports.blocks import Document
from reports.paper import docx, pdf
from reports.paper.model import PaperModel
from reports.read_model import Language
from reports.text import safe_file_stem

ModelT = TypeVar("ModelT", bound=PaperModel)
_FORMS: dict[str, tuple[str, Callable[..., bytes]]] = {
    "docx": (docx.MEDIA_TYPE, docx.docx_bytes),
    "pdf": (pdf.MEDIA_TYPE, pdf.pdf_bytes),
    "xlsx": (workbook.MEDIA_TYPE, workbook.workbook_bytes),
}


class PaperRenderer(Generic[ModelT]):
    """Renders one kind of paper to one form; see :class:`reports.base.Renderer`."""

    def __init__(
        self, kind: str, format_: str, build_document: Callable[[ModelT, Language], Document]
    ) -> None:
        self.renderer_id = f"{format_}_{kind.replace('-', '_')}"
        self.kind = kind
        self.format = format_
        self._build_document = build_document

    def render(self, model: ModelT, language: str | None = None) -> RenderedFile:
        """Write the paper."""
        lang = Language.parse(language) if language is not None else model.meta.language
        media_type, write = _FORMS[self.format]
        made_at = model.meta.generated_at.astimezone(model.meta.zone)
        content = write(self._build_document(model, lang), author=model.meta.generator, made_at=made_at)
        return RenderedFile(file_name(self.kind, model, lang, self.format), media_type, content)


def file_name(kind: str, model: PaperModel, language: Language, suffix: str) -> str:
    """Give ``<report number>-<kind>-<language>.<suffix>``, safe on any file system."""
    return f"{safe_file_stem(f'{model.meta.report_number}-{kind}', 90)}-{language.value}.{suffix}"


def papers(
    kind: str, build_document: Callable[[Any, Language], Document], *formats: str
) -> tuple[PaperRenderer[Any], ...]:
    """The renderers of one kind: docx, pdf and xlsx unless told otherwise."""
    return tuple(PaperRenderer(kind, one, build_document) for one in formats or tuple(_FORMS))
