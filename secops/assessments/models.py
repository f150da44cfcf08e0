"""Assessments: what was decided by people over a frozen scope. Nothing here is written by the posture."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.scope import DepartmentScoped, SystemScoped


class AssessmentState(StrEnum):
    RUNNING = "running"
    CLOSED = "closed"
    ABANDONED = "abandoned"


class RecordState(StrEnum):
    """``open``: words but no verdict yet; ``returned`` waits for the assessor again."""

    OPEN = "open"
    DECIDED = "decided"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"


class RecordOrigin(StrEnum):
    """Where a record comes from; the last two are written when the assessment begins."""

    PERSON = "person"
    SUGGESTION = "suggestion"
    SHEET = "sheet"
    INHERITED = "inherited"
    EXCLUSION = "exclusion"


class AssessmentCampaign(DepartmentScoped, Versioned, Base):
    """Assessments of many systems planned as one."""

    __tablename__ = "assessment_campaign"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(160), nullable=False)
    edition: Mapped[str] = mapped_column(String(20), nullable=False)
    begins_on: Mapped[date | None] = mapped_column(Date)
    ends_on: Mapped[date | None] = mapped_column(Date)
    created_by: Mapped[str] = mapped_column(String(120), nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class Assessment(SystemScoped, Versioned, Base):
    """One assessment. ``scope`` and ``rules`` are frozen when it begins, ``result`` when it is closed.

    ``revision`` counts the changes of its records; a page asks for what came after the one it knows.
    """

    __tablename__ = "assessment"
    __table_args__ = (
        Index("ix_assessment_of_system", "system_id", "state", "id"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(48), nullable=False, unique=True)
    title: Mapped[str] = mapped_column(String(160), nullable=False)
    state: Mapped[AssessmentState] = mapped_column(
        enum_column(AssessmentState), nullable=False, default=AssessmentState.RUNNING, index=True
    )
    framework: Mapped[str] = mapped_column(String(40), nullable=False)
    catalogue: Mapped[str] = mapped_column(String(60), nullable=False)
    edition: Mapped[str] = mapped_column(String(20), nullable=False)
    profile: Mapped[str] = mapped_column(String(12), nullable=False)
    extensions: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    scope: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    begins_on: Mapped[date] = mapped_column(Date, nullable=False)
    ends_on: Mapped[date | None] = mapped_column(Date)
    lead: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("assessment_campaign.id"), index=True)
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("assessment.id"))
    cells: Mapped[int] = mapped_column(Integer, nullable=False)
    revision: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    created_by: Mapped[str] = mapped_column(String(120), nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    # With everything an export needs: large, so lists do not read it.
    result: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict, deferred=True)
    conclusion: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    # Score or rate as it is shown, such as "88.40" or "91.23%"; "" where there is none.
    figure: Mapped[str] = mapped_column(String(16), nullable=False, default="", server_default="")
    closed_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Reopening is asked for by one person and granted by another.
    reopen_reason: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    reopen_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")


class AssessmentTarget(SystemScoped, Base):
    """A target in the frozen scope: one of the system's assets, the whole system, or a provider's report."""

    __tablename__ = "assessment_target"
    __table_args__ = (UniqueConstraint("assessment_id", "position"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), nullable=False, index=True)
    position: Mapped[int] = mapped_column(Integer, nullable=False)
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"), index=True)
    kind: Mapped[str] = mapped_column(String(32), nullable=False)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    address: Mapped[str] = mapped_column(String(64), nullable=False, default="")
    importance: Mapped[str] = mapped_column(String(16), nullable=False, default="")
    # Why it was chosen; the sampling rule in both languages.
    reason: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)


class AssessmentRecord(SystemScoped, Versioned, Base):
    """What stands in one cell of the grid. A cell nobody touched has no row and is not examined."""

    __tablename__ = "assessment_record"
    __table_args__ = (
        UniqueConstraint("assessment_id", "unit_id", "target_id"),
        Index("ix_assessment_record_target", "assessment_id", "target_id"),
        Index("ix_assessment_record_revision", "assessment_id", "revision"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), nullable=False)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False)
    target_id: Mapped[int] = mapped_column(ForeignKey("assessment_target.id"), nullable=False)
    verdict: Mapped[str | None] = mapped_column(String(16))
    state: Mapped[RecordState] = mapped_column(enum_column(RecordState), nullable=False)
    origin: Mapped[RecordOrigin] = mapped_column(enum_column(RecordOrigin), nullable=False)
    text: Mapped[str] = mapped_column(Text, nullable=False, default="")
    # Drafted from facts and not yet read by a person.
    text_draft: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    comment: Mapped[str] = mapped_column(Text, nullable=False, default="")
    methods: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    # Step number → "yes", "no" or "na", as the assessor sees it.
    steps: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)
    evidence_ids: Mapped[list[int]] = mapped_column(JSON, nullable=False, default=list)
    # The crypto assessment's d, a, k, ra, rk and compensated_by; empty elsewhere.
    crypto: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    # What the machine proposed when it was decided; an overruled suggestion stays beside the verdict.
    suggestion: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    differs: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    assessor: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewer: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    review_note: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    revision: Mapped[int] = mapped_column(Integer, nullable=False, default=0)


class AssessmentChange(SystemScoped, Base):
    """One change of a record or of the assessment; rows are added, never changed."""

    __tablename__ = "assessment_change"
    __table_args__ = (
        Index("ix_assessment_change_cell", "assessment_id", "unit_id", "target_id"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), nullable=False)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False, default="")
    target_id: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    actor: Mapped[str] = mapped_column(String(120), nullable=False)
    action: Mapped[str] = mapped_column(String(40), nullable=False)
    before: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    note: Mapped[str] = mapped_column(String(400), nullable=False, default="")


class AssessmentTask(SystemScoped, Base):
    """Who works on what part: a class, a target, or one unit."""

    __tablename__ = "assessment_task"
    __table_args__ = (
        UniqueConstraint("assessment_id", "part", "value", "person"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), nullable=False)
    part: Mapped[str] = mapped_column(String(16), nullable=False)
    value: Mapped[str] = mapped_column(String(40), nullable=False)
    person: Mapped[str] = mapped_column(String(120), nullable=False, index=True)
    due: Mapped[date | None] = mapped_column(Date)
    assigned_by: Mapped[str] = mapped_column(String(120), nullable=False)
    assigned_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class AssessmentRisk(SystemScoped, Versioned, Base):
    """The risk analysis of one unit that is not met."""

    __tablename__ = "assessment_risk"
    __table_args__ = (UniqueConstraint("assessment_id", "unit_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), nullable=False)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False)
    # [{"id", "matched": [places], "mitigated": [places]}] of the high-risk guide.
    cases: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False, default=list)
    likelihood: Mapped[str] = mapped_column(String(8), nullable=False)
    impact: Mapped[str] = mapped_column(String(8), nullable=False)
    level: Mapped[str] = mapped_column(String(8), nullable=False)
    major: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    major_fixed: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    analysis: Mapped[str] = mapped_column(Text, nullable=False, default="")
    cost: Mapped[int | None] = mapped_column(Integer, comment="CNY")
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class AssessmentCompensation(SystemScoped, Base):
    """A shortfall in one cell made good by another one (整体测评). Source: GB/T 28448-2019, chapter 11."""

    __tablename__ = "assessment_compensation"
    __table_args__ = (UniqueConstraint("assessment_id", "unit_id", "target_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"), nullable=False)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False)
    target_id: Mapped[int] = mapped_column(ForeignKey("assessment_target.id"), nullable=False)
    by_unit_id: Mapped[str] = mapped_column(String(16), nullable=False)
    verdict: Mapped[str] = mapped_column(String(16), nullable=False)
    reason: Mapped[str] = mapped_column(String(400), nullable=False)
    made_by: Mapped[str] = mapped_column(String(120), nullable=False)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
