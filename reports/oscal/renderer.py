"""OSCAL documents as JSON files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reports.base import RenderedFile
from reports.oscal.base import written
from reports.oscal.controls import catalog, profile
from reports.oscal.poam import of_remediation
from reports.oscal.results import of_assessment, of_gap
from reports.read_model import Language
from reports.text import safe_file_stem


class OscalRenderer:
    """Renders a read model to one OSCAL document; see :class:`reports.base.Renderer`."""

    format = "oscal"

    def __init__(
        self, name: str, kind: str, document: str, build: Callable[[Any, Language], Mapping[str, Any]]
    ) -> None:
        self.renderer_id = f"oscal_{name}"
        self.kind = kind
        self._document = document
        self._build = build

    def render(self, model: Any, language: str | None = None) -> RenderedFile:
        """Write the document."""
        lang = Language.parse(language) if language is not None else model.meta.language
        stem = safe_file_stem(f"{model.meta.report_number}-oscal-{self._document}", 90)
        content = written(self._build(model, lang))
        return RenderedFile(f"{stem}-{lang.value}.json", "application/json", content)


RENDERERS = (
    OscalRenderer("gap", "gap", "assessment-results", of_gap),
    OscalRenderer("assessment", "assessment-2025", "assessment-results", of_assessment),
    OscalRenderer("remediation", "remediation", "poam", of_remediation),
    OscalRenderer("soa", "soa", "profile", profile),
    OscalRenderer("catalog", "catalog", "catalog", catalog),
)
