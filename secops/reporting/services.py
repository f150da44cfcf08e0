"""Ask for a report; the job builds it and keeps it in the vault."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused
from secops.jobs.models import Job
from secops.jobs.services import enqueue
from secops.objects.models import System
from secops.reporting.kinds import ASSESSMENT, KINDS
from secops.reporting.models import ReportFile

USUAL = ("pdf_posture", "xlsx_posture")
# Forms that are ticked when nobody chose: one to read, one to filter.
_USUAL_FORMATS = ("pdf", "xlsx")


def usual(kind: str) -> tuple[str, ...]:
    """Renderers that are taken when nobody chose."""
    by_format = KINDS[kind].by_format
    found = tuple(by_format[name] for name in _USUAL_FORMATS if name in by_format)
    return found or KINDS[kind].renderers[:1]


def request_report(
    session: Session,
    system: System,
    *,
    kind: str,
    renderers: Sequence[str],
    language: str,
    actor: str,
    now: datetime,
    assessment_id: int | None = None,
) -> Job:
    """Queue a report in the given forms; a report of an assessment names it.

    Raises:
        BadInput: unknown kind, form or language, or no assessment for a report of one.
        Refused: the system has no level yet.
    """
    if kind not in KINDS or not renderers or set(renderers) - set(KINDS[kind].renderers):
        raise BadInput("未知的报告类型或格式。", "Unknown kind or form of report.", "kind")
    if (ASSESSMENT in KINDS[kind].of) != (assessment_id is not None):
        raise BadInput("这种报告须指明测评。", "This kind of report names an assessment.", "assessment")
    if language not in ("zh", "en"):
        raise BadInput("语言须为 zh 或 en。", "The language is zh or en.", "language")
    if KINDS[kind].needs_level and not system.profile:
        raise Refused("系统尚未定级，不能生成报告。", "The system has no level yet; classify it first.")
    number = next_number(session, system, now)
    job = enqueue(
        session,
        kind="report",
        department_id=system.department_id,
        system_id=system.id,
        payload={
            "system_id": system.id,
            "kind": kind,
            "renderers": list(renderers),
            "language": language,
            "number": number,
            "at": now.isoformat(),
            **({"assessment_id": assessment_id} if assessment_id is not None else {}),
        },
        actor=actor,
        now=now,
    )
    record(session, "report.request", job, now=now, detail={"number": number, "kind": kind})
    return job


def next_number(session: Session, system: System, now: datetime) -> str:
    """``CODE-20261125-03``: the third report of this system on that day."""
    prefix = f"{system.code}-{now:%Y%m%d}-"
    count = session.scalar(
        select(func.count(func.distinct(Job.id))).where(
            Job.system_id == system.id,
            Job.kind == "report",
            Job.created_at >= now.replace(hour=0, minute=0, second=0),
        )
    )
    return f"{prefix}{int(count or 0) + 1:02}"


def get_report(session: Session, report_id: int) -> ReportFile:
    """One report in this scope, with its evidence row.

    Raises:
        NotFound
    """
    report = session.scalar(
        select(ReportFile).options(joinedload(ReportFile.evidence)).where(ReportFile.id == report_id)
    )
    if report is None:
        raise NotFound
    return report
