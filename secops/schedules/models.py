"""A schedule is a row; one beat entry asks every few seconds which are due."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime, Versioned
from secops.scope import SystemScoped


class Schedule(SystemScoped, Versioned, Base):
    """Either ``cron`` in ``time_zone`` or ``every_seconds``; ``next_run_at`` is what the dispatcher claims."""

    __tablename__ = "schedule"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    kind: Mapped[str] = mapped_column(String(40), nullable=False)
    cron: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    every_seconds: Mapped[int | None] = mapped_column(Integer)
    time_zone: Mapped[str] = mapped_column(String(60), nullable=False)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    enabled: Mapped[bool] = mapped_column(Boolean, nullable=False, default=True)
    max_runs: Mapped[int | None] = mapped_column(Integer)
    runs: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    next_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner: Mapped[str] = mapped_column(String(120), nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
