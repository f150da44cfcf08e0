"""One assessment as a document: frozen scope, editions, records, risks and result."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentState
from secops.assessments.result import Result, work_out
from secops.assessments.risks import compensations_of, risks_of
from secops.objects.models import System

FORMAT = "secops-assessment/1"


def export_of(session: Session, assessment: Assessment, frame: Frame) -> dict[str, Any]:
    """The document; a closed assessment gives what was frozen when it was closed."""
    if assessment.state is AssessmentState.CLOSED:
        frozen: dict[str, Any] = assessment.result["export"]
        return frozen
    return export_document(session, assessment, frame, work_out(session, assessment, frame))


def export_document(session: Session, assessment: Assessment, frame: Frame, result: Result) -> dict[str, Any]:
    """Everything the assessment says now. ``scoring`` is the exact input of ``secops score``, or null."""
    system = session.get_one(System, assessment.system_id)
    records = session.scalars(
        select(AssessmentRecord)
        .where(AssessmentRecord.assessment_id == assessment.id)
        .order_by(AssessmentRecord.unit_id, AssessmentRecord.target_id)
    )
    names = {target.id: target.name for target in frame.targets}
    return {
        "format": FORMAT,
        "id": assessment.id,
        "number": assessment.number,
        "title": assessment.title,
        "state": assessment.state.value,
        "system": {"code": system.code, "name": system.name},
        "framework": assessment.framework,
        "catalogue": assessment.catalogue,
        "edition": assessment.edition,
        "profile": assessment.profile,
        "extensions": list(assessment.extensions),
        "rules": dict(assessment.rules),
        "begins_on": assessment.begins_on.isoformat(),
        "ends_on": assessment.ends_on.isoformat() if assessment.ends_on else None,
        "closed_at": assessment.closed_at.isoformat() if assessment.closed_at else None,
        "closed_by": assessment.closed_by,
        "scope": {
            "units": list(assessment.scope["units"]),
            "excluded": assessment.scope["excluded"],
            "inherited": assessment.scope["inherited"],
            "targets": [
                {"id": one.id, "kind": one.kind, "name": one.name, "address": one.address}
                for one in frame.targets
            ],
            "cells": assessment.cells,
        },
        "records": [_record(row, names) for row in records],
        "risks": [
            {
                "unit": row.unit_id, "level": row.level, "likelihood": row.likelihood, "impact": row.impact,
                "cases": row.cases, "major": row.major, "major_fixed": row.major_fixed, "analysis": row.analysis,
                "cost": row.cost,
            }
            for row in sorted(risks_of(session, assessment.id).values(), key=lambda row: row.unit_id)
        ],
        "compensations": [
            {
                "unit": row.unit_id, "target": names.get(row.target_id, ""), "by_unit": row.by_unit_id,
                "verdict": row.verdict, "reason": row.reason,
            }
            for row in compensations_of(session, assessment.id)
        ],
        "results": result.output,
        "scoring": result.scoring,
        "not_examined": list(result.not_examined),
        "counts": {key or "not_examined": number for key, number in result.counts.items()},
    }  # fmt: skip


def _record(row: AssessmentRecord, names: dict[int, str]) -> dict[str, Any]:
    return {
        "unit": row.unit_id,
        "target": names.get(row.target_id, ""),
        "target_id": row.target_id,
        "verdict": row.verdict,
        "state": row.state.value,
        "origin": row.origin.value,
        "text": row.text,
        "text_draft": row.text_draft,
        "comment": row.comment,
        "methods": row.methods,
        "steps": row.steps,
        "evidence": row.evidence_ids,
        "crypto": row.crypto,
        "suggestion": row.suggestion,
        "assessor": row.assessor,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "reviewer": row.reviewer,
    }
