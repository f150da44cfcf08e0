"""All that a renderer may know of a list: frozen rows under a head."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from reports.paper.model import Subject
from reports.read_model import Counts, Importance, ReportMeta, Text, Verdict

__all__ = [
    "AssetList",
    "AssetRow",
    "AuditExtract",
    "AuditRow",
    "EvidenceIndex",
    "EvidenceLine",
    "Statement",
    "StatementRow",
]


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One unit: whether it applies and why, who answers it, and how it stands.

    ``state``: ``in``, ``out`` (the level does not ask it), ``excluded``, or ``asked`` (an exclusion waits for approval).
    ``responsibility`` and what follows are set where a provider answers it or shares in it.
    """

    unit: str
    clause: str
    class_name: Text
    point: Text
    summary: Text
    state: str
    why: Text
    reason: str
    requested_by: str
    decided_by: str
    responsibility: Text | None
    provider: str
    provider_verdict: Verdict | None
    report: str
    expires_on: date | None
    verdict: Verdict | None
    evidence: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Statement of applicability of one system."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    rows: tuple[StatementRow, ...]


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One piece of evidence; ``is_held`` is False where its bytes are damaged or were shredded."""

    number: str
    system: str
    title: str
    file_name: str
    kind: Text
    source: Text
    state: Text
    is_held: bool
    size_bytes: int
    sm3: str
    given_by: str
    given_at: datetime
    decided_by: str
    effective_from: date | None
    effective_until: date | None
    units: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class EvidenceIndex:
    """Evidence of a system, or of all systems in scope."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    rows: tuple[EvidenceLine, ...]


@dataclass(frozen=True, slots=True)
class AssetRow:
    """One registered target."""

    system_code: str
    system: str
    name: str
    kind: Text
    address: str
    importance: Importance
    group: str
    sampled: bool
    open_findings: int
    note: str


@dataclass(frozen=True, slots=True)
class AssetList:
    """Targets of a system, or of all systems in scope."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    rows: tuple[AssetRow, ...]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One event of the audit log, with the hash that chains it."""

    seq: int
    at: datetime
    actor: str
    roles: str
    address: str
    action: Text
    object: str
    result: str
    reason: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditExtract:
    """The last events of the audit log and the head it had; ``total`` events stood in the log."""

    meta: ReportMeta
    subject: Subject
    counts: Counts
    total: int
    log_id: str
    head_seq: int
    head_hash: str
    rows: tuple[AuditRow, ...]
