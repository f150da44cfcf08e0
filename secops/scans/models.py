"""Authorisation, scan, probe run, outcome."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.objects.models import Asset
from secops.scope import SystemScoped


class AuthorizationState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    REVOKED = "revoked"


class ScanState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"


class ScanAuthorization(SystemScoped, Versioned, Base):
    """Who may scan which networks with which probes until when; the requester never approves."""

    __tablename__ = "scan_authorization"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(160), nullable=False)
    networks: Mapped[list[str]] = mapped_column(JSON, nullable=False)
    exceptions: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    path_roots: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    probes: Mapped[list[str]] = mapped_column(JSON, nullable=False)
    reason: Mapped[str] = mapped_column(Text, nullable=False)
    state: Mapped[AuthorizationState] = mapped_column(enum_column(AuthorizationState), nullable=False)
    requested_by: Mapped[str] = mapped_column(String(120), nullable=False)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class Scan(SystemScoped, Base):
    """One run over the targets of one system under one authorisation."""

    __tablename__ = "scan"

    id: Mapped[int] = mapped_column(primary_key=True)
    authorization_id: Mapped[int] = mapped_column(ForeignKey("scan_authorization.id"), nullable=False)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("schedule.id"))
    # A retest asks about one finding.
    finding_id: Mapped[int | None] = mapped_column(Integer, index=True)
    state: Mapped[ScanState] = mapped_column(enum_column(ScanState), nullable=False, index=True)
    cause: Mapped[str] = mapped_column(String(40), nullable=False)
    plan: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False)
    requested_by: Mapped[str] = mapped_column(String(120), nullable=False)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, nullable=False, default="")

    runs: Mapped[list[ProbeRun]] = relationship(back_populates="scan", lazy="raise")


class ProbeRun(SystemScoped, Base):
    """One probe at one target: completed with a result, or failed with a reason. Unique, so a retry replaces."""

    __tablename__ = "probe_run"
    __table_args__ = (UniqueConstraint("scan_id", "probe", "target"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"), nullable=False, index=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), nullable=False)
    probe: Mapped[str] = mapped_column(String(40), nullable=False)
    target: Mapped[str] = mapped_column(String(200), nullable=False)
    # The entry of the plan that was asked, ports filled in; a retest asks exactly it again.
    entry: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    state: Mapped[RunState] = mapped_column(enum_column(RunState), nullable=False)
    reason: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    detail: Mapped[str] = mapped_column(Text, nullable=False, default="")
    attempt: Mapped[int] = mapped_column(nullable=False, default=1)
    result: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    finished_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)

    scan: Mapped[Scan] = relationship(back_populates="runs", lazy="raise")
    asset: Mapped[Asset] = relationship(lazy="raise")


class Outcome(SystemScoped, Base):
    """What one rule said in one probe run.

    ``target`` tells two services of one asset apart (``127.0.0.1:443``); ``current`` marks the latest per asset,
    target and rule.
    """

    __tablename__ = "outcome"
    __table_args__ = (
        UniqueConstraint("probe_run_id", "rule_id"),
        Index("ix_outcome_current", "system_id", "current"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    probe_run_id: Mapped[int] = mapped_column(ForeignKey("probe_run.id"), nullable=False)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"), nullable=False, index=True)
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id"), nullable=False, index=True)
    target: Mapped[str] = mapped_column(String(200), nullable=False)
    rule_id: Mapped[str] = mapped_column(String(80), nullable=False, index=True)
    check_id: Mapped[str] = mapped_column(String(24), nullable=False, default="")
    outcome: Mapped[str] = mapped_column(String(8), nullable=False)
    reason: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False, default=dict)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    answers: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False, default=list)
    current: Mapped[bool] = mapped_column(Boolean, nullable=False, default=True)
    observed_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
