"""Gap analysis in Word, PDF and Excel."""

from __future__ import annotations

from reports.gap.document import build_document
from reports.paper.renderer_of import papers

RENDERERS = papers("gap", build_document)
