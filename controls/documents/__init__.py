"""Documents and on-site looks: what must be given, by whom, how old it may be. Data under ``policies``.

Presence, approval, age and cross-references are checked, the meaning of a text never. So an answer has the
strength ``document`` and proposes no verdict of compliance.
"""

from __future__ import annotations

from controls.documents.checks import AspectOutcome, KindOutcome, check_documents, evidence_of
from controls.documents.loader import DocumentKinds, load_kinds
from controls.documents.missing import HolderRequests, RequestedDocument, missing
from controls.documents.model import ABSENT, DocumentKind, DocumentRecord, Period
from controls.documents.onsite import load_sheets
from controls.documents.onsite_checks import OnsiteAnswer, check_answers, checklist
from controls.documents.scope import DocumentScope, Place
from controls.documents.terms import Aspect, Field, Holder, ReviewState, Trait

__all__ = [
    "ABSENT",
    "Aspect",
    "AspectOutcome",
    "DocumentKind",
    "DocumentKinds",
    "DocumentRecord",
    "DocumentScope",
    "Field",
    "Holder",
    "HolderRequests",
    "KindOutcome",
    "OnsiteAnswer",
    "Period",
    "Place",
    "RequestedDocument",
    "ReviewState",
    "Trait",
    "check_answers",
    "check_documents",
    "checklist",
    "evidence_of",
    "load_kinds",
    "load_sheets",
    "missing",
]
