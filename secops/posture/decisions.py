"""What an assessor decided in the last closed assessment, where the machine has nothing newer to say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controls.terms import Verdict
from secops.assessments.models import (
    Assessment,
    AssessmentRecord,
    AssessmentState,
    AssessmentTarget,
    RecordOrigin,
)
from secops.objects.models import System
from secops.posture.catalogue import EDITION

# A judgement is no picture of the present for longer; a setting of this platform, not official.
STANDS_FOR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Stood:
    """One decided cell of the last closed assessment."""

    verdict: Verdict
    at: datetime
    number: str
    evidence_ids: tuple[int, ...]

    def reason(self, *, over: bool = False) -> dict[str, str]:
        day = self.at.date().isoformat()
        zh, en = f"测评 {self.number} 于 {day} 判定", f"decided in {self.number} on {day}"
        if over:
            zh, en = f"{zh}，此后没有新的检查结果", f"{en}; no newer result since"
        return {"zh": zh, "en": en, "kind": "decision"}


def decisions_of(
    session: Session, system: System, now: datetime, units: Collection[str] | None = None
) -> Mapping[tuple[str, int | None], Stood]:
    """(unit, asset or None for the whole system) → what stands; two queries.

    Only of the newest closed assessment of the classified protection, and only while it is not too old.
    """
    last = session.execute(
        select(Assessment.id, Assessment.number).where(
            Assessment.system_id == system.id,
            Assessment.framework == EDITION,
            Assessment.state == AssessmentState.CLOSED,
            Assessment.id
            == select(func.max(Assessment.id))
            .where(
                Assessment.system_id == system.id,
                Assessment.framework == EDITION,
                Assessment.state == AssessmentState.CLOSED,
            )
            .scalar_subquery(),
        )
    ).first()
    if last is None:
        return {}
    query = (
        select(
            AssessmentRecord.unit_id, AssessmentTarget.asset_id, AssessmentRecord.verdict,
            AssessmentRecord.decided_at, AssessmentRecord.evidence_ids,
        )
        .join(AssessmentTarget, AssessmentTarget.id == AssessmentRecord.target_id)
        .where(
            AssessmentRecord.assessment_id == last.id,
            AssessmentRecord.verdict.is_not(None),
            AssessmentRecord.origin.not_in((RecordOrigin.INHERITED, RecordOrigin.EXCLUSION)),
            AssessmentRecord.decided_at > now - STANDS_FOR,
        )
    )  # fmt: skip
    if units is not None:
        query = query.where(AssessmentRecord.unit_id.in_(sorted(units)))
    return {
        (row.unit_id, row.asset_id): Stood(
            Verdict(row.verdict), row.decided_at, last.number, tuple(row.evidence_ids)
        )
        for row in session.execute(query)
    }
