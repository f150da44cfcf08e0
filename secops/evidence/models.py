"""Evidence: what was given or collected, how it is kept, and which units it speaks to."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    column,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.scope import SystemScoped


class EvidenceSource(StrEnum):
    UPLOAD = "upload"
    SCAN = "scan"
    REPORT = "report"


class EvidenceState(StrEnum):
    REQUESTED = "requested"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class BlobState(StrEnum):
    """Two phases: a row is shown only once its bytes are whole and in place."""

    PENDING = "pending"
    OK = "ok"
    DAMAGED = "damaged"
    SHREDDED = "shredded"


class Evidence(SystemScoped, Versioned, Base):
    """One piece of evidence; its bytes lie sealed in the vault under ``blob_id``."""

    __tablename__ = "evidence"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200), nullable=False)
    source: Mapped[EvidenceSource] = mapped_column(enum_column(EvidenceSource), nullable=False)
    state: Mapped[EvidenceState] = mapped_column(enum_column(EvidenceState), nullable=False)
    file_name: Mapped[str] = mapped_column(String(255), nullable=False)
    media_type: Mapped[str] = mapped_column(String(120), nullable=False)
    size: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0)
    sm3: Mapped[str] = mapped_column(String(64), nullable=False, default="", index=True)
    blob_id: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    blob_state: Mapped[BlobState] = mapped_column(enum_column(BlobState), nullable=False, index=True)
    # The row's copy of the container header; it counts before the one in the file.
    blob_header: Mapped[bytes] = mapped_column(LargeBinary, nullable=False)
    # What a machine made it for, such as ``scan:12:local:127.0.0.1``; one living row each, so a retry adds none.
    origin_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    note: Mapped[str] = mapped_column(Text, nullable=False, default="")
    effective_from: Mapped[date | None] = mapped_column(Date)
    effective_until: Mapped[date | None] = mapped_column(Date)
    given_by: Mapped[str] = mapped_column(String(120), nullable=False)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)

    # May only narrow what the system's own label lets through; secops.sensitivity.
    sensitivity: Mapped[int] = mapped_column(Integer, nullable=False, default=1, index=True)

    links: Mapped[list[EvidenceLink]] = relationship(back_populates="evidence", lazy="raise")


class EvidenceLink(SystemScoped, Base):
    """This evidence speaks to that assessment unit, for one target or for the system."""

    __tablename__ = "evidence_link"
    __table_args__ = (
        UniqueConstraint("evidence_id", "edition", "unit_id", "asset_id"),
        # Nulls never equal each other, so links for the whole system need a rule of their own.
        Index(
            "uq_evidence_link_system",
            "evidence_id",
            "edition",
            "unit_id",
            unique=True,
            sqlite_where=column("asset_id").is_(None),
            postgresql_where=column("asset_id").is_(None),
        ),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), nullable=False, index=True)
    edition: Mapped[str] = mapped_column(String(40), nullable=False)
    unit_id: Mapped[str] = mapped_column(String(16), nullable=False, index=True)
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id"))

    evidence: Mapped[Evidence] = relationship(back_populates="links", lazy="raise")
