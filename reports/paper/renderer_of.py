"""Renderers of a kind whose document is made of blocks: one class for all kinds and forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from reports import codec, workbook
from reports.base import RenderedFile
from reports.blocks import Document
from reports.paper import docx, pdf
from reports.paper.model import PaperModel
from reports.paper.plain import csv_bytes
from reports.read_model import Language
from reports.text import safe_file_stem

ModelT = TypeVar("ModelT", bound=PaperModel)
_PRINTED: dict[str, tuple[str, Callable[..., bytes]]] = {
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
        suffix, media_type, content = self._written(model, lang)
        return RenderedFile(file_name(self.kind, model, lang, suffix), media_type, content)

    def _written(self, model: ModelT, language: Language) -> tuple[str, str, bytes]:
        if self.format == "json":
            return "json", "application/json", f"{codec.dumps(model)}\n".encode()
        document = self._build_document(model, language)
        if self.format == "csv":
            suffix, content = csv_bytes(document)
            return suffix, "text/csv; charset=utf-8" if suffix == "csv" else "application/zip", content
        media_type, write = _PRINTED[self.format]
        made_at = model.meta.generated_at.astimezone(model.meta.zone)
        return self.format, media_type, write(document, author=model.meta.generator, made_at=made_at)


def file_name(kind: str, model: PaperModel, language: Language, suffix: str) -> str:
    """Give ``<report number>-<kind>-<language>.<suffix>``, safe on any file system."""
    return f"{safe_file_stem(f'{model.meta.report_number}-{kind}', 90)}-{language.value}.{suffix}"


def papers(
    kind: str, build_document: Callable[[Any, Language], Document], *formats: str
) -> tuple[PaperRenderer[Any], ...]:
    """The renderers of one kind: docx, pdf, xlsx, csv and json unless told otherwise."""
    return tuple(PaperRenderer(kind, one, build_document) for one in formats or (*_PRINTED, "csv", "json"))
