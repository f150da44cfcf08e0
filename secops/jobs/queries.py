"""Reads for the page of jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from secops.errors import NotFound
from secops.jobs.models import Job, JobState
from secops.objects.models import Department, System
from secops.web.people import person


def dead_statement() -> Select[Any]:
    """Jobs that gave up or were refused: they wait for a person."""
    return job_statement().where(Job.state.in_((JobState.DEAD, JobState.FAILED)))


def get_job(session: Session, job_id: int) -> Any:
    """One job in scope with the names around it.

    Raises:
        NotFound
    """
    row = session.execute(job_statement().where(Job.id == job_id)).first()
    if row is None:
        raise NotFound
    return row


def job_statement() -> Select[Any]:
    """Jobs with system, department and who asked for them."""
    statement: Any = (
        select(
            Job,
            System.name.label("system_name"),
            Department.name.label("department_name"),
            person(Job.actor).label("actor_name"),
        )
        .join(System, System.id == Job.system_id)
        .join(Department, Department.id == System.department_id)
    )
    return statement
