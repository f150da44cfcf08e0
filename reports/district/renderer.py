"""District overview in Word, PDF and Excel."""

from __future__ import annotations

from reports.district.document import build_document
from reports.paper.renderer_of import papers

RENDERERS = papers("district", build_document)
