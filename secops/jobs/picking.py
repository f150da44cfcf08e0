"""Which waiting job a free worker takes: the department that was served longest ago comes first.

A message only says that there is work in a queue. So a thousand jobs of one department delay another's single job
by one job, not by a thousand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from secops.jobs.kinds import heavy_kinds
from secops.jobs.models import Job, JobState

# Who was served before this is equal to who never was.
_MEMORY = timedelta(hours=1)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def pick(session: Session, queue: str, *, now: datetime, per_network: int) -> list[int]:
    """Ids of jobs that may start now, the fairest first: one of each department and network.

    Left out: what waits for its next attempt, networks into which *per_network* jobs reach already, and a heavy
    job beside another one.
    """
    running = session.execute(
        select(Job.department_id, Job.network, Job.kind, Job.queue, func.count().label("many"))
        .where(Job.state == JobState.RUNNING)
        .group_by(Job.department_id, Job.network, Job.kind, Job.queue)
    ).all()
    networks: dict[str, int] = {}
    departments: dict[int, int] = {}
    for row in running:
        networks[row.network] = networks.get(row.network, 0) + row.many
        if row.queue == queue:
            departments[row.department_id] = departments.get(row.department_id, 0) + row.many
    full = [name for name, count in networks.items() if name and count >= per_network]
    heavy = heavy_kinds()
    query = select(Job.department_id, func.min(Job.id).label("first")).where(
        Job.state == JobState.QUEUED,
        Job.queue == queue,
        Job.cancel_requested.is_(False),
        Job.attempt < Job.max_attempts,
        or_(Job.not_before.is_(None), Job.not_before <= now),
    )
    if full:
        query = query.where(Job.network.not_in(full))
    if any(row.kind in heavy for row in running):
        query = query.where(Job.kind.not_in(heavy))
    waiting = session.execute(query.group_by(Job.department_id, Job.network)).all()
    if len(waiting) < 2:
        return [row.first for row in waiting]
    last = session.execute(
        select(Job.department_id, func.max(Job.started_at).label("at"))
        .where(Job.queue == queue, Job.started_at > now - _MEMORY)
        .group_by(Job.department_id)
    ).all()
    served: dict[int, datetime] = {row.department_id: row.at for row in last}

    def turn(row: tuple[int, int]) -> tuple[int, datetime, int]:
        return departments.get(row[0], 0), served.get(row[0]) or _NEVER, row[1]

    return [row[1] for row in sorted(((row.department_id, row.first) for row in waiting), key=turn)]
