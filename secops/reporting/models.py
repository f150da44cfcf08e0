"""A finished report: which system, which form, and where its bytes lie (as evidence in the vault)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from secops.db import Base, UtcDateTime
from secops.evidence.models import Evidence
from secops.scope import SystemScoped


class ReportFile(SystemScoped, Base):
    """One file of one report; a report in two forms is two rows with one ``number``."""

    __tablename__ = "report_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(60), nullable=False, index=True)
    kind: Mapped[str] = mapped_column(String(40), nullable=False)
    renderer: Mapped[str] = mapped_column(String(40), nullable=False)
    language: Mapped[str] = mapped_column(String(4), nullable=False)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), nullable=False)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    built_by: Mapped[str] = mapped_column(String(120), nullable=False)
    built_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)

    evidence: Mapped[Evidence] = relationship(lazy="raise")
