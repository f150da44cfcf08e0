"""Risk analysis of what is not met, and what makes a shortfall good elsewhere (整体测评)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.highrisk import HighRiskCase, high_risk_guide
from controls.ids import UnitId
from controls.terms import Scope, Verdict
from secops.assessments.deciding import begin_change
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentCompensation, AssessmentRecord, AssessmentRisk
from secops.assessments.planning import note
from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, NotFound
from secops.scope import principal_of

LEVELS = ("low", "medium", "high")
# Likelihood × impact; not official, a setting of this platform and shown as such.
MATRIX: Mapping[tuple[str, str], str] = {
    ("low", "low"): "low", ("low", "medium"): "low", ("low", "high"): "medium",
    ("medium", "low"): "low", ("medium", "medium"): "medium", ("medium", "high"): "high",
    ("high", "low"): "medium", ("high", "medium"): "high", ("high", "high"): "high",
}  # fmt: skip
_RANK = {Verdict.NON_COMPLIANT.value: 0, Verdict.PARTIAL.value: 1, Verdict.COMPLIANT.value: 2}


@dataclass(frozen=True, slots=True)
class RiskInput:
    """What a person says of one unit; ``cases`` are ``{"id", "matched", "mitigated"}``."""

    unit_id: str
    likelihood: str
    impact: str
    cases: Sequence[Mapping[str, Any]] = ()
    major: bool = False
    major_fixed: bool = False
    analysis: str = ""
    cost: int | None = None
    version: int = 0


def cases_for(assessment: Assessment, unit: AssessmentUnit) -> list[HighRiskCase]:
    """Cases of the guide that concern a unit at this system's level."""
    extensions = {Scope(name) for name in assessment.extensions}
    return [
        case
        for case in high_risk_guide().for_unit(UnitId(str(unit.id)))
        if case.applies_at(int(unit.level), extensions)
    ]


def level_of(assessment: Assessment, unit: AssessmentUnit, given: RiskInput) -> str:
    """The level of a risk: a matched case that nothing lowers makes it high, else the matrix says."""
    known = {case.id: case for case in cases_for(assessment, unit)}
    for chosen in given.cases:
        case = known.get(chosen["id"])
        if case is None:
            raise BadInput(
                f"判例 {chosen['id']} 与该单元无关。", f"Case {chosen['id']} does not concern it.", "cases"
            )
        places = [*chosen.get("matched", ()), *chosen.get("mitigated", ())]
        if any(not isinstance(place, int) or not 0 <= place < len(case.situations) for place in places):
            raise BadInput("判例没有这种情形。", "The case has no such situation.", "cases")
        if case.stays_high(chosen.get("matched", ()), chosen.get("mitigated", ())):
            return "high"
    found = MATRIX[(given.likelihood, given.impact)]
    lowered = any(chosen.get("matched") for chosen in given.cases)
    # A matched case whose mitigation was accepted is no high risk any more, whatever the matrix says.
    return "medium" if lowered and found == "high" else found


def judge_risk(
    session: Session, assessment: Assessment, frame: Frame, given: RiskInput, *, now: datetime
) -> AssessmentRisk:
    """Write the risk analysis of one unit.

    Raises:
        BadInput: unknown unit or words, a fixed major risk that is none.
        Conflict: somebody else was faster.
        Refused
    """
    begin_change(session, assessment)
    unit = frame.unit_of.get(given.unit_id)
    if unit is None:
        raise BadInput("没有这个测评单元。", "There is no such unit.", "unit")
    if given.likelihood not in LEVELS or given.impact not in LEVELS:
        raise BadInput("请选择可能性和影响。", "Choose likelihood and impact.", "likelihood")
    if given.major_fixed and not given.major:
        raise BadInput("整改的前提是存在重大风险隐患。", "Only a major risk can be fixed.", "major_fixed")
    level = level_of(assessment, unit, given)
    row = session.scalar(
        select(AssessmentRisk).where(
            AssessmentRisk.assessment_id == assessment.id, AssessmentRisk.unit_id == given.unit_id
        )
    )
    if (row.version if row is not None else 0) != given.version:
        raise Conflict
    actor = principal_of(session).name
    values = {
        "cases": [dict(one) for one in given.cases], "likelihood": given.likelihood, "impact": given.impact,
        "level": level, "major": given.major, "major_fixed": given.major_fixed,
        "analysis": given.analysis.strip()[:4000], "cost": given.cost, "decided_by": actor, "decided_at": now,
    }  # fmt: skip
    before: dict[str, Any] = {}
    if row is None:
        row = AssessmentRisk(
            department_id=assessment.department_id, system_id=assessment.system_id, assessment_id=assessment.id,
            unit_id=given.unit_id, **values,
        )  # fmt: skip
        session.add(row)
    else:
        before = {"level": row.level, "major": row.major, "analysis": row.analysis}
        for name, value in values.items():
            setattr(row, name, value)
    note(session, assessment, "risk", actor, now, unit_id=given.unit_id, before=before,
         after={"level": level, "major": given.major, "analysis": values["analysis"]})  # fmt: skip
    record(session, "assessment.risk", assessment, now=now,
           detail={"unit": given.unit_id, "level": level, "major": given.major})  # fmt: skip
    session.flush()
    return row


def compensate(
    session: Session, assessment: Assessment, frame: Frame, *, unit_id: str, target_id: int, by_unit_id: str,
    verdict: str, reason: str, now: datetime,
) -> AssessmentCompensation:  # fmt: skip
    """Say that another unit makes a shortfall good, and which result stands then.

    Raises:
        BadInput: no such cell, no shortfall there, the other unit is not met, or no better result.
    """
    begin_change(session, assessment)
    row = _record(session, assessment, unit_id, target_id)
    if row is None or row.verdict not in ("partial", "non_compliant"):
        raise BadInput("只有部分符合或不符合的格可以弥补。", "Only a shortfall can be made good.", "unit")
    unit = frame.unit_of[unit_id]
    if verdict not in ("partial", "compliant") or _RANK[verdict] <= _RANK[row.verdict]:
        raise BadInput("弥补后的结果须好于原结果。", "The result must be better than before.", "verdict")
    if verdict == "partial" and not unit.partial_possible:
        raise BadInput("该单元没有部分符合。", "The unit knows no partial compliance.", "verdict")
    if by_unit_id not in frame.unit_of or by_unit_id == unit_id:
        raise BadInput("请选择另一测评单元。", "Choose another unit.", "by_unit")
    helping = session.scalars(
        select(AssessmentRecord.verdict).where(
            AssessmentRecord.assessment_id == assessment.id, AssessmentRecord.unit_id == by_unit_id
        )
    ).all()
    if not helping or any(one not in ("compliant", "na") for one in helping):
        raise BadInput("起弥补作用的单元须已判为符合。", "The unit that helps must be compliant.", "by_unit")
    if len(reason.strip()) < 4:
        raise BadInput("请写明理由。", "Say why.", "reason")
    existing = session.scalar(
        select(AssessmentCompensation).where(
            AssessmentCompensation.assessment_id == assessment.id, AssessmentCompensation.unit_id == unit_id,
            AssessmentCompensation.target_id == target_id,
        )
    )  # fmt: skip
    if existing is not None:
        raise BadInput(
            "这一格已有弥补记录，请先撤回。", "The cell has one already; take it back first.", "unit"
        )
    actor = principal_of(session).name
    made = AssessmentCompensation(
        department_id=assessment.department_id, system_id=assessment.system_id, assessment_id=assessment.id,
        unit_id=unit_id, target_id=target_id, by_unit_id=by_unit_id, verdict=verdict, reason=reason.strip()[:400],
        made_by=actor, made_at=now,
    )  # fmt: skip
    session.add(made)
    note(session, assessment, "compensate", actor, now, unit_id=unit_id, target_id=target_id,
         after={"by": by_unit_id, "verdict": verdict}, note=reason.strip()[:400])  # fmt: skip
    record(session, "assessment.compensate", assessment, now=now, reason=reason[:200],
           detail={"unit": unit_id, "target": target_id, "by": by_unit_id, "verdict": verdict})  # fmt: skip
    session.flush()
    return made


def drop_compensation(session: Session, assessment: Assessment, row_id: int, *, now: datetime) -> None:
    """Take a compensation back.

    Raises:
        NotFound
    """
    begin_change(session, assessment)
    row = session.scalar(
        select(AssessmentCompensation).where(
            AssessmentCompensation.id == row_id, AssessmentCompensation.assessment_id == assessment.id
        )
    )
    if row is None:
        raise NotFound
    detail = {"unit": row.unit_id, "target": row.target_id, "by": row.by_unit_id}
    note(session, assessment, "uncompensate", principal_of(session).name, now, unit_id=row.unit_id,
         target_id=row.target_id, before=detail)  # fmt: skip
    record(session, "assessment.uncompensate", assessment, now=now, detail=detail)
    session.delete(row)
    session.flush()


def _record(
    session: Session, assessment: Assessment, unit_id: str, target_id: int
) -> AssessmentRecord | None:
    return session.scalar(
        select(AssessmentRecord).where(
            AssessmentRecord.assessment_id == assessment.id, AssessmentRecord.unit_id == unit_id,
            AssessmentRecord.target_id == target_id,
        )
    )  # fmt: skip


def risks_of(session: Session, assessment_id: int) -> dict[str, AssessmentRisk]:
    rows = session.scalars(select(AssessmentRisk).where(AssessmentRisk.assessment_id == assessment_id))
    return {row.unit_id: row for row in rows}


def compensations_of(session: Session, assessment_id: int) -> Sequence[AssessmentCompensation]:
    return session.scalars(
        select(AssessmentCompensation)
        .where(AssessmentCompensation.assessment_id == assessment_id)
        .order_by(AssessmentCompensation.unit_id, AssessmentCompensation.id)
    ).all()


def effective(
    verdicts: Mapping[tuple[str, int], str | None], compensations: Iterable[AssessmentCompensation]
) -> dict[tuple[str, int], str | None]:
    """Verdicts after overall assessment; a compensation of a cell that is no shortfall any more does nothing."""
    found = dict(verdicts)
    for row in compensations:
        cell = (row.unit_id, row.target_id)
        before = found.get(cell)
        if before in _RANK and _RANK[row.verdict] > _RANK[str(before)]:
            found[cell] = row.verdict
    return found
