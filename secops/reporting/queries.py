"""Reads for the page of reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from secops.errors import NotFound
from secops.evidence.models import Evidence
from secops.jobs.models import OPEN_STATES, Job, JobState
from secops.objects.models import Department, System
from secops.reporting.models import ReportFile
from secops.web.people import person


def report_statement() -> Select[Any]:
    """Report files with system, size, digest and who asked for them."""
    statement: Any = (
        select(
            ReportFile,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            Evidence.size.label("size"),
            Evidence.sm3.label("sm3"),
            Evidence.file_name.label("file_name"),
            person(ReportFile.built_by).label("builder"),
        )
        .join(System, System.id == ReportFile.system_id)
        .join(Department, Department.id == System.department_id)
        .join(Evidence, Evidence.id == ReportFile.evidence_id)
    )
    return statement


def unfinished(session: Session, limit: int = 5) -> Sequence[Any]:
    """The newest reports that are being built, or that nobody could build, with their systems; one query."""
    query = (
        select(Job, System.name.label("system_name"))
        .join(System, System.id == Job.system_id)
        .where(Job.kind == "report", Job.state.in_((*OPEN_STATES, JobState.DEAD, JobState.FAILED)))
        .order_by(Job.id.desc())
        .limit(limit)
    )
    return session.execute(query).all()


def report_job(session: Session, job_id: int) -> tuple[Job, str]:
    """One report job in scope with the name of its system.

    Raises:
        NotFound
    """
    row = session.execute(
        select(Job, System.name)
        .join(System, System.id == Job.system_id)
        .where(Job.id == job_id, Job.kind == "report")
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1]
