"""Tokens of the interface: whose, for what, until when; the token itself is nowhere but with its owner."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime


class ApiToken(Base):
    """One token of one account; it can do no more than its owner, and only in its areas.

    Not under the audit guard, since each use may move ``last_used_at``; making and ending one notes its event.
    """

    __tablename__ = "api_token"
    __audited__ = False
    __table_args__ = (Index("ix_api_token_open", "user_id", "ended_at"), {"extend_existing": False})

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), nullable=False)
    name: Mapped[str] = mapped_column(String(80), nullable=False)
    token_hash: Mapped[str] = mapped_column(String(64), nullable=False, unique=True)
    # Words of secops.api.tokens.AREAS with commas between.
    areas: Mapped[str] = mapped_column(String(400), nullable=False)
    # As for sessions: dead once the account has moved on.
    epoch: Mapped[int] = mapped_column(Integer, nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def ref(self) -> str:
        """What the audit log calls this token."""
        return f"t{self.id}"
