"""Lists as workbooks, CSV and JSON."""

from __future__ import annotations

from reports.lists.document import assets, audit_extract, evidence_index, findings, statement
from reports.paper.renderer_of import papers

_FORMS = ("xlsx", "csv", "json")
RENDERERS = (
    *papers("soa", statement, *_FORMS),
    *papers("evidence-index", evidence_index, *_FORMS),
    *papers("assets", assets, *_FORMS),
    *papers("findings", findings, *_FORMS),
    *papers("audit-extract", audit_extract, *_FORMS),
)
