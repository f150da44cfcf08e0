"""Figures of the running system: queues, workers, throughput, schedules, storage. Counts only, no business data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from secops.config import Settings
from secops.evidence.models import BlobState, Evidence
from secops.jobs import services
from secops.jobs.kinds import QUEUES
from secops.jobs.models import Job, JobState, Worker
from secops.jobs.presence import ALIVE
from secops.schedules.dispatch import LATE
from secops.schedules.models import Schedule, ScheduleRun

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Queue:
    """One queue; ``messages`` None while the broker can't be seen."""

    name: str
    waiting: int = 0
    later: int = 0
    running: int = 0
    oldest: datetime | None = None
    messages: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Ended jobs of one kind and end state."""

    kind: str
    state: str
    last_hour: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Place:
    """A folder's file system, in bytes; ``fault`` instead of figures when it could not be looked at."""

    name: str
    free: int = 0
    total: int = 0
    fault: str = ""


@dataclass
class Overview:
    now: datetime
    queues: list[Queue]
    workers: Sequence[Worker]
    tick_at: datetime | None
    done: list[Done]
    dead: int
    schedules_late: int
    runs: dict[str, int]
    places: list[Place]
    database_bytes: int | None
    blobs: int
    blob_bytes: int
    alive: list[Worker] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        return sum(queue.waiting for queue in self.queues)

    @property
    def oldest(self) -> datetime | None:
        found = [queue.oldest for queue in self.queues if queue.oldest is not None]
        return min(found, default=None)

    def finished(self, state: str) -> int:
        """How many ended so within the last hour."""
        return sum(one.last_hour for one in self.done if one.state == state)

    @property
    def unserved(self) -> list[str]:
        """Queues with waiting jobs that no living worker takes from."""
        served = {name for worker in self.alive for name in worker.queues.split(",")}
        return [queue.name for queue in self.queues if queue.waiting and queue.name not in served]


def overview(session: Session, settings: Settings, *, now: datetime) -> Overview:
    """All of it, by a fixed number of queries; the session must see everything."""
    rows = session.scalars(select(Worker).order_by(Worker.name)).all()
    workers = [row for row in rows if row.role == "worker"]
    tick = next((row.seen_at for row in rows if row.role == "tick"), None)
    blobs, size = session.execute(
        select(func.count(), func.coalesce(func.sum(Evidence.size), 0)).where(
            Evidence.blob_state == BlobState.OK
        )
    ).one()
    late = select(func.count()).where(Schedule.enabled.is_(True), Schedule.next_run_at < now - LATE)
    runs = (
        select(ScheduleRun.state, func.count()).where(ScheduleRun.at >= now - DAY).group_by(ScheduleRun.state)
    )
    return Overview(
        now=now,
        queues=_queues(session, now),
        workers=workers,
        tick_at=tick,
        done=_done(session, now),
        dead=session.scalar(select(func.count()).where(Job.state == JobState.DEAD)) or 0,
        schedules_late=session.scalar(late) or 0,
        runs={state.value: count for state, count in session.execute(runs)},
        places=_places(settings),
        database_bytes=_database_bytes(session, settings),
        blobs=blobs,
        blob_bytes=int(size),
        alive=[row for row in workers if now - row.seen_at <= ALIVE],
    )


def _queues(session: Session, now: datetime) -> list[Queue]:
    found = {name: Queue(name) for name in QUEUES}
    ready = or_(Job.not_before.is_(None), Job.not_before <= now)
    rows = session.execute(
        select(Job.queue, Job.state, ready.label("ready"), func.count().label("many"), func.min(Job.created_at).label("first"))
        .where(Job.state.in_((JobState.QUEUED, JobState.RUNNING)))
        .group_by(Job.queue, Job.state, ready)
    )  # fmt: skip
    for row in rows:
        queue = found.setdefault(row.queue, Queue(row.queue))
        if row.state is JobState.RUNNING:
            queue.running += row.many
        elif row.ready:
            queue.waiting += row.many
            queue.oldest = row.first
        else:
            queue.later += row.many
    known = services.depths[0](sorted(found))
    for queue in found.values():
        queue.messages = known.get(queue.name, 0) if known is not None else None
    return list(found.values())


def _done(session: Session, now: datetime) -> list[Done]:
    recent = func.count().filter(Job.finished_at >= now - HOUR)
    rows = session.execute(
        select(Job.kind, Job.state, recent.label("hour"), func.count().label("day"))
        .where(Job.finished_at >= now - DAY)
        .group_by(Job.kind, Job.state)
        .order_by(Job.kind, Job.state)
    )
    return [Done(row.kind, row.state.value, row.hour, row.day) for row in rows]


def _places(settings: Settings) -> list[Place]:
    named = {"home": settings.home}
    if settings.backup_folder:
        named["backup"] = Path(settings.backup_folder)
    found = []
    for name, path in named.items():
        try:
            disk = shutil.disk_usage(path)
            found.append(Place(name, disk.free, disk.total))
        except OSError as error:
            found.append(Place(name, fault=os.strerror(error.errno or 0)))
    return found


def _database_bytes(session: Session, settings: Settings) -> int | None:
    """Size of the database; None where it can't be told."""
    if session.get_bind().dialect.name == "postgresql":
        return session.scalar(select(func.pg_database_size(func.current_database())))
    path = session.get_bind().engine.url.database
    try:
        return sum(
            Path(name).stat().st_size for name in (str(path), f"{path}-wal") if path and Path(name).exists()
        )
    except OSError:
        return None
