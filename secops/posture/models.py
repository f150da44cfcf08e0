"""Posture: recomputed, never judged by a person; the assessment keeps its own tables and nothing writes both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime
from secops.scope import SystemScoped


class PostureCell(SystemScoped, Base):
    """State of one unit at one target now. ``verdict`` null means not examined, and ``reasons`` says why.

    ``suggested`` is what the machine alone makes of it: no decision of a person, nothing inherited or excluded.
    """

    __tablename__ = "posture_cell"
    __audited__ = False
    __table_args__ = (Index("ix_posture_unit", "system_id", "unit_id"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False)
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))
    verdict: Mapped[str | None] = mapped_column(String(16))
    suggested: Mapped[str | None] = mapped_column(String(16))
    reasons: Mapped[list[dict[str, str]]] = mapped_column(JSON, nullable=False, default=list)
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSON, nullable=False, default=list)
    evidence_ids: Mapped[list[int]] = mapped_column(JSON, nullable=False, default=list)
    computed_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class PostureSummary(SystemScoped, Base):
    """The roll-up of one system at one moment; the newest row is the present, the rest is the trend."""

    __tablename__ = "posture_summary"
    __audited__ = False
    __table_args__ = (Index("ix_posture_summary_at", "system_id", "computed_at"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    computed_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    catalogue: Mapped[str] = mapped_column(String(60), nullable=False)
    profile: Mapped[str] = mapped_column(String(12), nullable=False)
    applicable: Mapped[int] = mapped_column(nullable=False)
    compliant: Mapped[int] = mapped_column(nullable=False)
    partial: Mapped[int] = mapped_column(nullable=False)
    non_compliant: Mapped[int] = mapped_column(nullable=False)
    na: Mapped[int] = mapped_column(nullable=False)
    not_examined: Mapped[int] = mapped_column(nullable=False)
    examined_share: Mapped[Any] = mapped_column(Numeric(7, 4), nullable=False)
    open_findings: Mapped[int] = mapped_column(nullable=False, default=0)
    by_class: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    by_layer: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    current: Mapped[bool] = mapped_column(nullable=False, default=True, index=True)
