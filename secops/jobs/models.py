"""The job row: state, lease, fencing, progress, cancel flag."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Float, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from secops.db import Base, UtcDateTime, enum_column
from secops.scope import SystemScoped


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    # Gave up after the last attempt; waits for a person.
    DEAD = "dead"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class Job(SystemScoped, Base):
    """Work to do once. A Celery message carries this row's id and nothing else.

    ``attempt`` is the fencing token: every write of a worker names the attempt it claimed, and a write of an
    older attempt changes nothing. ``dedupe_key`` is unique while the job is open.
    """

    __tablename__ = "job"
    __audited__ = False
    __table_args__ = (
        Index("ix_job_state_lease", "state", "lease_until"),
        Index("ix_job_queue_started", "queue", "started_at"),
        Index("ix_job_finished", "finished_at"),
        {"extend_existing": False},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), nullable=False, index=True)
    queue: Mapped[str] = mapped_column(String(24), nullable=False)
    dedupe_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    state: Mapped[JobState] = mapped_column(enum_column(JobState), nullable=False)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    attempt: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    max_attempts: Mapped[int] = mapped_column(Integer, nullable=False, default=3)
    lease_owner: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # A failed attempt is not tried again before this moment.
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What it talks to, such as 192.0.2.0/24; only so many at once reach into the same network.
    network: Mapped[str] = mapped_column(String(64), nullable=False, default="")
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    progress: Mapped[float] = mapped_column(Float, nullable=False, default=0.0)
    step: Mapped[str] = mapped_column(String(80), nullable=False, default="")
    cancel_requested: Mapped[bool] = mapped_column(Boolean, nullable=False, default=False)
    cause: Mapped[str] = mapped_column(String(40), nullable=False, default="manual")
    actor: Mapped[str] = mapped_column(String(120), nullable=False)
    error: Mapped[str] = mapped_column(Text, nullable=False, default="")
    result: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False, index=True)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Worker(Base):
    """A worker, or the tick, and when it last gave a sign of life; tells of the running system and decides nothing."""

    __tablename__ = "worker"
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), nullable=False, unique=True)
    # ``worker`` or ``tick``.
    role: Mapped[str] = mapped_column(String(16), nullable=False)
    queues: Mapped[str] = mapped_column(String(400), nullable=False, default="")
    processes: Mapped[int] = mapped_column(Integer, nullable=False, default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, nullable=False)
