"""What the platform does by itself again and again. The tick asks; a job of each kind is open at most once.

A kind here needs its line in ``kinds.py`` too. The job belongs to the platform's own system.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from secops.jobs.models import Job
from secops.jobs.services import enqueue
from secops.objects.models import System

DUTIES: dict[str, timedelta] = {
    "audit-verify": timedelta(hours=24),
    "clock-reminders": timedelta(hours=6),
    "evidence-expiry": timedelta(hours=1),
    "finding-sweep": timedelta(hours=1),
    "upload-cleanup": timedelta(hours=6),
    "vault-recovery": timedelta(hours=1),
    "vault-scrub": timedelta(hours=24),
    "inheritance-expiry": timedelta(hours=1),
}


def start_duties(session: Session, *, now: datetime) -> int:
    """Add a job for each duty whose last one began longer ago than its period; returns how many."""
    own = session.execute(
        select(System.id, System.department_id)
        .where(System.is_platform.is_(True))
        .order_by(System.id)
        .limit(1)
    ).one_or_none()
    if own is None:
        return 0
    query = select(Job.kind, func.max(Job.created_at)).where(Job.kind.in_(sorted(DUTIES))).group_by(Job.kind)
    last = {row[0]: row[1] for row in session.execute(query)}
    started = 0
    for kind, period in DUTIES.items():
        if kind not in last or now - last[kind] >= period:
            enqueue(
                session, kind=kind, department_id=own.department_id, system_id=own.id, payload={},
                actor="platform:duty", now=now, cause="duty", dedupe_key=f"duty:{kind}",
            )  # fmt: skip
            started += 1
    return started
