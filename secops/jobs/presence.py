"""Who works right now: workers and the tick give a sign of life, for the page of the running system alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from secops.jobs.models import Worker

EVERY_S = 15.0
# Without a sign for this long a worker counts as gone.
ALIVE = timedelta(seconds=60)
_FORGET = timedelta(days=1)


def note(
    session: Session,
    name: str,
    *,
    role: str,
    now: datetime,
    queues: Sequence[str] = (),
    processes: int = 0,
    started_at: datetime | None = None,
) -> None:
    """Keep that *name* lives; of two that come at once with the same name the first makes the row."""
    found = session.scalar(select(Worker).where(Worker.name == name[:160]))
    if found is None:
        row = Worker(
            name=name[:160], role=role, queues="", processes=0, started_at=started_at or now, seen_at=now
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            return
        found = row
    found.seen_at, found.queues, found.processes = now, ",".join(queues)[:400], processes
    found.started_at = started_at or found.started_at


def leave(session: Session, name: str) -> None:
    """A worker that stops in good order is not missed."""
    session.execute(delete(Worker).where(Worker.name == name[:160]))


def sweep(session: Session, *, now: datetime) -> None:
    """Forget what has been gone for a day."""
    if session.scalar(select(Worker.id).where(Worker.seen_at < now - _FORGET).limit(1)) is not None:
        session.execute(delete(Worker).where(Worker.seen_at < now - _FORGET))
