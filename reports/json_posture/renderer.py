"""Writes the read model as JSON, whole and in both languages; ``PostureReport.from_json`` reads it back."""

from __future__ import annotations

from typing import ClassVar

from reports.base import RenderedFile
from reports.posture.check import check
from reports.posture.naming import file_name
from reports.read_model import Language, PostureReport


class JsonPosture:
    """Renders :class:`~reports.read_model.PostureReport` to JSON."""

    renderer_id: ClassVar[str] = "json_posture"
    kind: ClassVar[str] = "posture"
    format: ClassVar[str] = "json"

    def render(self, model: PostureReport, language: str | None = None) -> RenderedFile:
        """Write the model; the language is in the name only, as every text is there in both."""
        lang = Language.parse(language) if language is not None else model.meta.language
        check(model)
        # lone surrogates cannot be encoded; escaped they survive the way back
        content = model.to_json().encode("utf-8", errors="backslashreplace") + b"\n"
        return RenderedFile(file_name(model, lang, self.format), "application/json", content)


RENDERER = JsonPosture()
