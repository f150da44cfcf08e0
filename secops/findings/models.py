"""Findings, their history and the measures that close them."""

from __future__ import annotations

import json
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint, column, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.objects.models import Asset, System
from secops.scope import SystemScoped


class FindingState(StrEnum):
    OPEN = "open"
    PLANNED = "planned"
    IN_PROGRESS = "in-progress"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    VERIFIED = "verified"
    RISK_ACCEPTED = "risk-accepted"
    FALSE_POSITIVE = "false-positive"
    CLOSED = "closed"


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class FindingSource(StrEnum):
    """What it was found by."""

    RULE = "rule"
    REGISTER = "register"
    ASSESSMENT = "assessment"
    MANUAL = "manual"
    NOTICE = "notice"


_RANKS = {"high": 0, "medium": 1, "low": 2}


def _rank_of(context: Any) -> int:
    return _RANKS[str(context.get_current_parameters()["severity"])]


def _due_of(context: Any) -> Any:
    values = context.get_current_parameters()
    return values.get("due") or values.get("suggested_due")


def _words_of(context: Any) -> str:
    values = context.get_current_parameters()
    return _words(values.get("title") or {}, values.get("rule_id") or "", values.get("target") or "")


def _words(title: Any, rule_id: str, target: str) -> str:
    if isinstance(title, str):
        # Another default of the same statement may have been written as JSON already.
        title = json.loads(title)
    return f"{title.get('zh', '')} {title.get('en', '')} {rule_id} {target}".casefold()[:600]


class Finding(SystemScoped, Versioned, Base):
    """One weakness at one target, or of the system as a whole. ``key`` tells it: found again, it is the same row.

    ``rank``, ``due_on`` and ``words`` repeat what stands elsewhere in a form that lists sort and search by quickly.
    """

    __tablename__ = "finding"
    __table_args__ = (
        UniqueConstraint("system_id", "key"),
        Index("ix_finding_counts", "state", "severity", "layer", "system_id", "due_on"),
        Index("ix_finding_of_system", "system_id", "state", "severity"),
        Index("ix_finding_rank", "rank", "id"),
        Index("ix_finding_due_on", "due_on", "system_id", "state"),
        Index("ix_finding_board", "state", "rank", "due_on", "id"),
        Index("ix_finding_owner", "owner", "state", "due_on"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(240), nullable=False)
    title: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    rule_id: Mapped[str] = mapped_column(String(80), nullable=False, index=True)
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"), index=True)
    source: Mapped[FindingSource] = mapped_column(
        enum_column(FindingSource), nullable=False, default=FindingSource.RULE
    )
    target: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    severity: Mapped[Severity] = mapped_column(enum_column(Severity), nullable=False, index=True)
    severity_reason: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)
    layer: Mapped[str] = mapped_column(String(20), nullable=False, index=True)
    units: Mapped[list[str]] = mapped_column(JSON, nullable=False)
    observed: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)
    advice: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)
    high_risk_case: Mapped[str] = mapped_column(String(60), nullable=False, default="")
    state: Mapped[FindingState] = mapped_column(enum_column(FindingState), nullable=False, index=True)
    owner: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    suggested_due: Mapped[date | None] = mapped_column(Date)
    due: Mapped[date | None] = mapped_column(Date, index=True)
    rank: Mapped[int] = mapped_column(Integer, nullable=False, default=_rank_of)
    due_on: Mapped[date | None] = mapped_column(Date, default=_due_of)
    # What the search box looks in: title in both languages, rule and target, folded.
    words: Mapped[str] = mapped_column(String(600), nullable=False, default=_words_of)
    first_scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    last_scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of a supervisory notice (通报): issuer, number, date; else empty.
    origin: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)

    asset: Mapped[Asset | None] = relationship(lazy="raise")
    system: Mapped[System] = relationship(lazy="raise")
    events: Mapped[list[FindingEvent]] = relationship(back_populates="finding", lazy="raise")


@event.listens_for(Finding, "before_update")
def _keep_in_step(mapper: Any, connection: Any, finding: Finding) -> None:
    finding.rank = _RANKS[finding.severity.value]
    finding.due_on = finding.due or finding.suggested_due
    finding.words = _words(finding.title, finding.rule_id, finding.target)


class FindingEvent(SystemScoped, Base):
    """A step in the life of a finding; rows are added, never changed."""

    __tablename__ = "finding_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), nullable=False, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    actor: Mapped[str] = mapped_column(String(120), nullable=False)
    action: Mapped[str] = mapped_column(String(40), nullable=False)
    from_state: Mapped[str] = mapped_column(String(20), nullable=False, default="")
    to_state: Mapped[str] = mapped_column(String(20), nullable=False, default="")
    note: Mapped[str] = mapped_column(Text, nullable=False, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)

    finding: Mapped[Finding] = relationship(back_populates="events", lazy="raise")


class RequestKind(StrEnum):
    ACCEPTANCE = "acceptance"
    EXTENSION = "extension"


class RequestState(StrEnum):
    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


class FindingRequest(SystemScoped, Versioned, Base):
    """One person asks for a finding's risk to be accepted, or for more time; another decides.

    ``until`` is the last day of the acceptance, or the new due date. ``basis`` is what the risk looked like when it
    was accepted: an acceptance ends when it grows beyond that.
    """

    __tablename__ = "finding_request"
    __table_args__ = (
        Index("ix_finding_request_state", "state", "kind", "until"),
        # One open question of a kind at a time.
        Index(
            "uq_finding_request_open",
            "finding_id",
            "kind",
            unique=True,
            sqlite_where=column("state") == "asked",
            postgresql_where=column("state") == "asked",
        ),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), nullable=False, index=True)
    kind: Mapped[RequestKind] = mapped_column(enum_column(RequestKind), nullable=False)
    state: Mapped[RequestState] = mapped_column(enum_column(RequestState), nullable=False)
    reason: Mapped[str] = mapped_column(Text, nullable=False)
    compensation: Mapped[str] = mapped_column(Text, nullable=False, default="")
    until: Mapped[date] = mapped_column(Date, nullable=False)
    basis: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    asked_by: Mapped[str] = mapped_column(String(120), nullable=False)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_note: Mapped[str] = mapped_column(Text, nullable=False, default="")
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_why: Mapped[str] = mapped_column(String(40), nullable=False, default="")


class AttachmentKind(StrEnum):
    """What a paper says of a finding: proof of the fix, the reply to a notice, its closure letter, or anything else."""

    PROOF = "proof"
    REPLY = "reply"
    CLOSURE = "closure"
    OTHER = "other"


class FindingEvidence(SystemScoped, Base):
    """A piece of evidence that belongs to a finding; its bytes lie in the vault."""

    __tablename__ = "finding_evidence"
    __table_args__ = (UniqueConstraint("finding_id", "evidence_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), nullable=False)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), nullable=False, index=True)
    kind: Mapped[AttachmentKind] = mapped_column(enum_column(AttachmentKind), nullable=False)
    added_by: Mapped[str] = mapped_column(String(120), nullable=False)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class Measure(SystemScoped, Versioned, Base):
    """What will be done, by whom, until when, at what cost; one measure may close many findings."""

    __tablename__ = "measure"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text, nullable=False)
    owner: Mapped[str] = mapped_column(String(120), nullable=False)
    due: Mapped[date] = mapped_column(Date, nullable=False)
    cost: Mapped[int | None] = mapped_column(Integer, comment="CNY")
    created_by: Mapped[str] = mapped_column(String(120), nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class MeasureFinding(SystemScoped, Base):
    """Which findings a measure is meant to close."""

    __tablename__ = "measure_finding"
    __table_args__ = (UniqueConstraint("measure_id", "finding_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    measure_id: Mapped[int] = mapped_column(ForeignKey("measure.id"), nullable=False)
    finding_id: Mapped[int] = mapped_column(ForeignKey("finding.id"), nullable=False, index=True)
