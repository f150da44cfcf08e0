"""The chained event and the head of the chain."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime

_Sequence = BigInteger().with_variant(Integer, "sqlite")


class AuditEvent(Base):
    """One thing that happened. ``seq`` has no gap; ``prev`` and ``hash`` chain the rows (SM3)."""

    __tablename__ = "audit_event"
    __audited__ = False

    seq: Mapped[int] = mapped_column(_Sequence, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False, index=True)
    actor: Mapped[str] = mapped_column(String(120), nullable=False, index=True)
    actor_id: Mapped[int | None] = mapped_column(Integer)
    roles: Mapped[str] = mapped_column(String(200), nullable=False, default="")
    session_ref: Mapped[str] = mapped_column(String(64), nullable=False, default="")
    address: Mapped[str] = mapped_column(String(64), nullable=False, default="")
    action: Mapped[str] = mapped_column(String(60), nullable=False, index=True)
    object_type: Mapped[str] = mapped_column(String(60), nullable=False, default="")
    object_id: Mapped[str] = mapped_column(String(80), nullable=False, default="", index=True)
    result: Mapped[str] = mapped_column(String(16), nullable=False, default="ok")
    reason: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    request_id: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    prev: Mapped[str] = mapped_column(String(64), nullable=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False)
    # HMAC-SM3 of the hash and the id of the key behind it; empty in rows older than ``AuditHead.mac_from``.
    kid: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    mac: Mapped[str] = mapped_column(String(64), nullable=False, default="")


class AuditHead(Base):
    """The one row that says where the chain ends; locked last, just before the commit."""

    __tablename__ = "audit_head"
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    log_id: Mapped[str] = mapped_column(String(32), nullable=False)
    seq: Mapped[int] = mapped_column(_Sequence, nullable=False)
    hash: Mapped[str] = mapped_column(String(64), nullable=False)
    mac_from: Mapped[int | None] = mapped_column(_Sequence)
    kid: Mapped[str] = mapped_column(String(40), nullable=False, default="")
    mac: Mapped[str] = mapped_column(String(64), nullable=False, default="")
