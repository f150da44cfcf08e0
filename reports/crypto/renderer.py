"""Crypto self-assessment in Word, PDF and Excel."""

from __future__ import annotations

from reports.crypto.document import build_document
from reports.paper.renderer_of import papers

RENDERERS = papers("crypto", build_document)
