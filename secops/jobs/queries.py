"""Reads for the page of jobs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from secops.jobs.models import Job
from secops.objects.models import Department, System
from secops.web.people import person


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
