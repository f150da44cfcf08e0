"""Reads for the pages of schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from secops.errors import NotFound
from secops.jobs.models import Job
from secops.objects.models import Department, System
from secops.scans.models import Scan, ScanAuthorization
from secops.schedules.models import Schedule, ScheduleRun
from secops.web.people import person


def schedule_statement() -> Select[Any]:
    """Schedules with system, department and owner."""
    statement: Any = (
        select(
            Schedule,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            person(Schedule.owner).label("owner_name"),
        )
        .join(System, System.id == Schedule.system_id)
        .join(Department, Department.id == System.department_id)
    )
    return statement


def get_schedule(session: Session, schedule_id: int) -> tuple[Schedule, System]:
    """One schedule in scope with its system.

    Raises:
        NotFound
    """
    row = session.execute(
        select(Schedule, System)
        .join(System, System.id == Schedule.system_id)
        .where(Schedule.id == schedule_id)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1]


def authorization_of(session: Session, schedule: Schedule) -> ScanAuthorization | None:
    """The authorisation under which its scans run, when it is still in scope."""
    found = schedule.payload.get("authorization_id")
    if not isinstance(found, int):
        return None
    return session.scalar(select(ScanAuthorization).where(ScanAuthorization.id == found))


def run_statement() -> Select[Any]:
    """Due moments with their schedule, system, department, actor, and the state of the job that was started."""
    statement: Any = (
        select(
            ScheduleRun,
            Schedule.name.label("schedule_name"),
            Schedule.kind.label("kind"),
            System.name.label("system_name"),
            Department.name.label("department_name"),
            Job.state.label("job_state"),
            person(ScheduleRun.actor).label("actor_name"),
        )
        .join(Schedule, Schedule.id == ScheduleRun.schedule_id)
        .join(System, System.id == ScheduleRun.system_id)
        .join(Department, Department.id == System.department_id)
        .outerjoin(Job, Job.id == ScheduleRun.job_id)
    )
    return statement


def runs_of(session: Session, schedule_id: int, limit: int = 20) -> Sequence[Any]:
    """The newest due moments of one schedule, the missed among them, with job and scan of each."""
    query = (
        select(ScheduleRun, Job.state.label("job_state"), Scan.id.label("scan_id"))
        .outerjoin(Job, Job.id == ScheduleRun.job_id)
        .outerjoin(Scan, Scan.job_id == ScheduleRun.job_id)
        .where(ScheduleRun.schedule_id == schedule_id)
        .order_by(ScheduleRun.due_at.desc())
        .limit(limit)
    )
    return session.execute(query).all()
