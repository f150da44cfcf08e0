"""A schedule is a row; one beat entry asks every few seconds which are due. What became of each due moment is one too."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime, Versioned, enum_column
from secops.scope import SystemScoped


class CatchUp(StrEnum):
    """What is done about due moments that passed while nothing could be started."""

    SKIP = "skip"
    ONCE = "once"
    # The newest of them, up to a number.
    ALL = "all"


class RunState(StrEnum):
    STARTED = "started"
    # The same work was still going on.
    SKIPPED = "skipped"
    MISSED = "missed"
    FAILED = "failed"


class Schedule(SystemScoped, Versioned, Base):
    """Either ``cron`` in ``time_zone`` or ``every_seconds``.

    ``due_at`` is the next moment by the rule. ``next_run_at`` is when the dispatcher looks: later by the jitter, or
    when the window opens; it is what the dispatcher claims.
    """

    __tablename__ = "schedule"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False)
    kind: Mapped[str] = mapped_column(String(40), nullable=False)
    cron: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    every_seconds: Mapped[int | None] = mapped_column(Integer)
    time_zone: Mapped[str] = mapped_column(String(60), nullable=False)
    # Minutes after midnight on the clocks of ``time_zone``; both or neither.
    window_from: Mapped[int | None] = mapped_column(Integer)
    window_until: Mapped[int | None] = mapped_column(Integer)
    jitter_seconds: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    catch_up: Mapped[CatchUp] = mapped_column(enum_column(CatchUp, 8), nullable=False, default=CatchUp.ONCE)
    catch_up_most: Mapped[int] = mapped_column(Integer, nullable=False, default=1)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    enabled: Mapped[bool] = mapped_column(Boolean, nullable=False, default=True)
    max_runs: Mapped[int | None] = mapped_column(Integer)
    runs: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    owner: Mapped[str] = mapped_column(String(120), nullable=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)


class ScheduleRun(SystemScoped, Base):
    """One due moment and what became of it; unique, so that of two dispatchers one alone starts the work."""

    __tablename__ = "schedule_run"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("schedule_id", "due_at", name="uq_schedule_run_due"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("schedule.id"), nullable=False)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    state: Mapped[RunState] = mapped_column(enum_column(RunState, 12), nullable=False)
    # ``schedule``, or ``schedule-now`` when a person asked for it.
    cause: Mapped[str] = mapped_column(String(20), nullable=False)
    reason: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    # The first job it started; ``jobs`` counts them.
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"), index=True)
    jobs: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    actor: Mapped[str] = mapped_column(String(120), nullable=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
