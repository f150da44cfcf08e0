"""Classification report in Word, PDF and Excel."""

from __future__ import annotations

from reports.classification.document import build_document
from reports.paper.renderer_of import papers

RENDERERS = papers("classification", build_document)
