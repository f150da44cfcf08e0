"""The report job: freeze the read model, render each form, keep each in the vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from reports.base import RenderedFile
from reports.registry import renderer
from secops.assessments.deciding import get_assessment, load_frame
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store_bytes
from secops.jobs.runner import JobContext
from secops.objects.models import System
from secops.objects.services import get_system
from secops.reporting import lists_model
from secops.reporting.assessment_model import build as build_assessment
from secops.reporting.classification_model import build as build_classification
from secops.reporting.crypto_model import build as build_crypto
from secops.reporting.district_model import build as build_district
from secops.reporting.gap_model import build as build_gap
from secops.reporting.models import ReportFile
from secops.reporting.paper_model import Asked
from secops.reporting.posture_model import build as build_posture
from secops.reporting.remediation_model import build as build_remediation
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


_PAPERS: dict[str, Callable[[Session, Asked], Any]] = {
    "classification": build_classification,
    "district": build_district,
    "gap": build_gap,
    "remediation": build_remediation,
    "soa": lists_model.statement,
    "catalog": lists_model.statement,
    "evidence-index": lists_model.evidence_index,
    "assets": lists_model.assets,
    "findings": lists_model.findings,
    "audit-extract": lists_model.audit_extract,
}


def build_model(
    session: Session, system: System | None, asked: Mapping[str, Any], *, now: datetime, zone: str
) -> Any:
    """The read model of one kind of report.

    Args:
        system: None for a report on all that the session may see.
        asked: ``kind``, ``number``, ``language``, and ``assessment_id`` for a report of an assessment.
    """
    kind = asked["kind"]
    paper = Asked(system, asked["number"], asked["language"], now, zone)
    if kind in _PAPERS:
        return _PAPERS[kind](session, paper)
    if kind == "crypto":
        return build_crypto(session, int(asked["assessment_id"]), paper)
    words = {"number": asked["number"], "language": asked["language"], "now": now, "zone": zone}
    if kind == "assessment-2025":
        assessment = get_assessment(session, int(asked["assessment_id"]))
        return build_assessment(session, assessment, load_frame(session, assessment), **words)
    if kind == "posture" and system is not None:
        return build_posture(session, system, **words)
    raise ValueError(f"nothing builds a report of kind {kind}")


def district_files(
    session: Session, kind: str, renderers: Sequence[str], *, language: str, now: datetime, zone: str
) -> tuple[str, list[RenderedFile]]:
    """A report on all that the session may see, made at once; gives its number and its files."""
    number = f"DISTRICT-{now.astimezone(ZoneInfo(zone)):%Y%m%d-%H%M%S}"
    asked = {"kind": kind, "number": number, "language": language}
    model = build_model(session, None, asked, now=now, zone=zone)
    return number, [renderer(name).render(model, language=language) for name in renderers]


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
