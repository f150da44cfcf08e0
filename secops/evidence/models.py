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
    REGISTER = "register"
    REUSE = "reuse"


class EvidenceState(StrEnum):
    REQUESTED = "requested"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class RequestState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    DONE = "done"
    WITHDRAWN = "withdrawn"


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

    # What looking into the file said: verdict, found, antivirus; empty for what the platform made itself.
    inspection: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    decided_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Why it was accepted, returned, superseded or let expire; the giver's note stays beside it.
    state_reason: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    # The version before this one; a chain, newest first.
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"), index=True)
    # The evidence of another system whose bytes this one has; no key across systems, so no leak by a join.
    reused_from: Mapped[int | None] = mapped_column(Integer)
    # A kind of policies/documents, and what was read off the paper when it was taken in.
    document_kind: Mapped[str] = mapped_column(String(60), nullable=False, default="", index=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)

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


class EvidenceComment(SystemScoped, Base):
    """A word about one piece of evidence; rows are added, never changed."""

    __tablename__ = "evidence_comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"), nullable=False, index=True)
    author: Mapped[str] = mapped_column(String(120), nullable=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    text: Mapped[str] = mapped_column(String(1000), nullable=False)


class EvidenceRequest(SystemScoped, Versioned, Base):
    """Something that a system still has to give: what, by when, and in words that the holder understands."""

    __tablename__ = "evidence_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    # ``{"zh": …, "en": …}``; what a person typed stands in both.
    title: Mapped[dict[str, str]] = mapped_column(JSON, nullable=False)
    instructions: Mapped[list[dict[str, str]]] = mapped_column(JSON, nullable=False, default=list)
    units: Mapped[list[str]] = mapped_column(JSON, nullable=False, default=list)
    document_kind: Mapped[str] = mapped_column(String(60), nullable=False, default="")
    # Who usually has it: a value of controls.documents.Holder, or empty.
    holder: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    state: Mapped[RequestState] = mapped_column(enum_column(RequestState), nullable=False, index=True)
    due_on: Mapped[date] = mapped_column(Date, nullable=False, index=True)
    asked_by: Mapped[str] = mapped_column(String(120), nullable=False)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    evidence_id: Mapped[int | None] = mapped_column(ForeignKey("evidence.id"), index=True)
    closed_by: Mapped[str] = mapped_column(String(120), nullable=False, default="")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    # System and kind while it is open: asking twice for the same paper adds no second row.
    open_key: Mapped[str | None] = mapped_column(String(120), unique=True)


class EvidenceUpload(SystemScoped, Base):
    """A file on its way in, piece by piece; gone once it is evidence, or a day after the last piece."""

    __tablename__ = "evidence_upload"
    # Holds no decision: the event comes with the evidence it becomes.
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(32), nullable=False, unique=True)
    file_name: Mapped[str] = mapped_column(String(255), nullable=False)
    # What the browser told of the file, so that the same file chosen again goes on where it stopped.
    stamp: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    size: Mapped[int] = mapped_column(BigInteger, nullable=False)
    received: Mapped[int] = mapped_column(BigInteger, nullable=False, default=0)
    given_by: Mapped[str] = mapped_column(String(120), nullable=False, index=True)
    touched_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
