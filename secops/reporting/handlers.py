"""The report job: freeze the read model, render each form, keep each in the vault."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reports.assessment.model import AssessmentReport
from reports.read_model import PostureReport
from reports.registry import renderer
from secops.assessments.deciding import get_assessment, load_frame
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store_bytes
from secops.jobs.runner import JobContext
from secops.objects.models import System
from secops.objects.services import get_system
from secops.reporting.assessment_model import build as build_assessment
from secops.reporting.models import ReportFile
from secops.reporting.posture_model import build as build_posture
from secops.scope import Principal


def build(context: JobContext) -> dict[str, Any]:
    """Job kind ``report``; a form that an earlier attempt finished is not built again."""
    payload = context.claim.payload
    made_at = datetime.fromisoformat(payload["at"])
    settings = context.platform.settings
    with context.platform.work("report") as session:
        system = get_system(session, int(payload["system_id"]))
        model = build_model(session, system, payload, now=made_at, zone=settings.time_zone)
        done = {
            row.renderer: row.id
            for row in session.scalars(select(ReportFile).where(ReportFile.job_id == context.claim.job_id))
        }
    wanted = list(payload["renderers"])
    for position, name in enumerate(wanted):
        if name in done:
            continue
        context.progress(position / len(wanted), name)
        rendered = renderer(name).render(model, language=payload["language"])
        done[name] = _keep(context, name, rendered)
    return {"number": payload["number"], "reports": done}


def build_model(
    session: Session, system: System, asked: Mapping[str, Any], *, now: datetime, zone: str
) -> PostureReport | AssessmentReport:
    """The read model of one kind of report.

    Args:
        asked: ``kind``, ``number``, ``language``, and ``assessment_id`` for a report of an assessment.
    """
    words = {"number": asked["number"], "language": asked["language"], "now": now, "zone": zone}
    if asked["kind"] == "assessment-2025":
        assessment = get_assessment(session, int(asked["assessment_id"]))
        return build_assessment(session, assessment, load_frame(session, assessment), **words)
    return build_posture(session, system, **words)


def _keep(context: JobContext, renderer_id: str, rendered: Any) -> int:
    payload = context.claim.payload
    new = NewEvidence(
        system_id=context.claim.system_id,
        title=f"报告 {payload['number']}",
        file_name=rendered.name,
        source=EvidenceSource.REPORT,
        state=EvidenceState.ACCEPTED,
        media_type=rendered.media_type,
        origin_key=f"report:{context.claim.job_id}:{renderer_id}",
        extra={"given_by": context.claim.actor},
    )
    evidence_id = store_bytes(context.platform, Principal.platform("job:report"), new, rendered.content)
    with context.transaction() as session:
        row = ReportFile(
            department_id=context.claim.department_id,
            system_id=context.claim.system_id,
            number=payload["number"],
            kind=payload["kind"],
            renderer=renderer_id,
            language=payload["language"],
            evidence_id=evidence_id,
            job_id=context.claim.job_id,
            built_by=context.claim.actor,
            built_at=utc_now(),
        )
        session.add(row)
        record(
            session, "report.build", row, now=utc_now(), detail={"number": row.number, "form": renderer_id}
        )
        session.flush()
        return row.id
