"""Remediation plan and progress in Word, PDF and Excel."""

from __future__ import annotations

from reports.paper.renderer_of import papers
from reports.remediation.document import build_document

RENDERERS = papers("remediation", build_document)
