"""Reads for the pages of assessments; each costs a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from controls.catalog import CRYPTO, MLPS_EVALUATION, MLPS_REQUIREMENTS, AssessmentUnit, Family
from controls.crosswalk import find_crosswalk
from controls.loader import load_catalog
from secops.assessments.frame import Frame, Target
from secops.assessments.grid import decided_share
from secops.assessments.models import (
    Assessment,
    AssessmentChange,
    AssessmentRecord,
    AssessmentRisk,
    AssessmentTarget,
)
from secops.assessments.suggestions import Proposal, proposals
from secops.catalogue.queries import cases_for
from secops.errors import NotFound
from secops.evidence.models import BlobState, Evidence, EvidenceLink
from secops.objects.models import Department, System
from secops.scans.models import Outcome, ProbeRun

HISTORY = 30


def assessment_statement() -> Select[Any]:
    """Assessments with their system and how far they are."""
    return (
        select(
            Assessment,
            System.name.label("system_name"),
            System.code.label("system_code"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            decided_share(Assessment.id).label("decided"),
        )
        .join(System, System.id == Assessment.system_id)
        .join(Department, Department.id == System.department_id)
    )


@dataclass(frozen=True, slots=True)
class StepNow:
    """One step, what the rules said to it at this target, and what the assessor answered."""

    number: int
    text: Any
    status: str
    answers: Sequence[Any]
    answered: str


@dataclass(frozen=True, slots=True)
class CellPage:
    """Everything beside one cell."""

    unit: AssessmentUnit
    family: Family
    target: Target
    record: AssessmentRecord | None
    proposal: Proposal | None
    steps: Sequence[StepNow]
    evidence: Sequence[Any]
    history: Sequence[AssessmentChange]
    elsewhere: Sequence[Any]
    last_year: Any
    own_texts: Sequence[str]
    cases: Sequence[Any]
    risk: AssessmentRisk | None


def cell_page(
    session: Session, assessment: Assessment, frame: Frame, unit_id: str, target_id: int
) -> CellPage:
    """Read one cell; eight queries.

    Raises:
        NotFound: the unit is not judged on that target.
    """
    if not frame.applies(unit_id, target_id):
        raise NotFound
    unit, target = frame.unit_of[unit_id], frame.target_of[target_id]
    record = session.scalar(
        select(AssessmentRecord).where(
            AssessmentRecord.assessment_id == assessment.id,
            AssessmentRecord.unit_id == unit_id,
            AssessmentRecord.target_id == target_id,
        )
    )
    proposal = proposals(session, assessment, frame, [(unit_id, target_id)]).get((unit_id, target_id))
    return CellPage(
        unit=unit,
        family=load_catalog().family(unit.family),
        target=target,
        record=record,
        proposal=proposal,
        steps=_steps(session, assessment, unit, target, record, proposal),
        evidence=_evidence(session, assessment, unit_id, record, proposal),
        history=session.scalars(
            select(AssessmentChange)
            .where(
                AssessmentChange.assessment_id == assessment.id,
                AssessmentChange.unit_id == unit_id,
                AssessmentChange.target_id == target_id,
            )
            .order_by(AssessmentChange.id.desc())
            .limit(HISTORY)
        ).all(),
        elsewhere=_elsewhere(session, assessment, frame, unit_id, target_id),
        last_year=_last_year(session, assessment, unit_id, target),
        own_texts=_own_texts(session, unit_id, record),
        cases=cases_for(unit),
        risk=session.scalar(
            select(AssessmentRisk).where(
                AssessmentRisk.assessment_id == assessment.id, AssessmentRisk.unit_id == unit_id
            )
        ),
    )


def _steps(
    session: Session, assessment: Assessment, unit: AssessmentUnit, target: Target,
    record: AssessmentRecord | None, proposal: Proposal | None,
) -> list[StepNow]:  # fmt: skip
    by_number = {int(step["number"]): step for step in (proposal.steps if proposal else ())}
    rules = sorted({rule for step in by_number.values() for rule in step.get("rules", ())})
    outcomes: dict[str, list[Any]] = {}
    if rules and target.asset_id is not None:
        query = (
            select(
                Outcome.rule_id, Outcome.outcome, Outcome.reason, Outcome.facts, Outcome.observed_at,
                Outcome.scan_id, Outcome.target, ProbeRun.evidence_id,
            )
            .join(ProbeRun, ProbeRun.id == Outcome.probe_run_id)
            .where(
                Outcome.system_id == assessment.system_id, Outcome.current.is_(True),
                Outcome.asset_id == target.asset_id, Outcome.rule_id.in_(rules),
            )
            .order_by(Outcome.id.desc())
        )  # fmt: skip
        for row in session.execute(query):
            outcomes.setdefault(row.rule_id, []).append(row)
    answered = record.steps if record is not None else {}
    return [
        StepNow(
            step.number,
            step.text,
            by_number.get(step.number, {}).get("status", "open"),
            [
                row
                for rule in by_number.get(step.number, {}).get("rules", ())
                for row in outcomes.get(rule, ())
            ],
            answered.get(str(step.number), ""),
        )
        for step in unit.steps
    ]


def _evidence(
    session: Session, assessment: Assessment, unit_id: str, record: AssessmentRecord | None,
    proposal: Proposal | None,
) -> Sequence[Any]:  # fmt: skip
    """What is linked to the unit, what the posture rests on, and what the record names; newest first."""
    named = {*(record.evidence_ids if record else ()), *(proposal.evidence_ids if proposal else ())}
    linked = select(EvidenceLink.evidence_id).where(
        EvidenceLink.system_id == assessment.system_id,
        EvidenceLink.unit_id.in_([unit_id, *mapped_units(unit_id)]),
    )
    columns = (
        Evidence.id, Evidence.title, Evidence.origin_key, Evidence.source, Evidence.state, Evidence.given_by,
        Evidence.given_at, Evidence.effective_until,
    )  # fmt: skip
    return session.execute(
        select(*columns)
        .where(
            Evidence.system_id == assessment.system_id,
            Evidence.blob_state == BlobState.OK,
            Evidence.id.in_(sorted(named)) | Evidence.id.in_(linked),
        )
        .order_by(Evidence.id.desc())
        .limit(50)
    ).all()


@lru_cache(maxsize=2048)
def mapped_units(unit_id: str) -> tuple[str, ...]:
    """Units of the other framework at the same level whose item the crosswalk joins with this unit's.

    Their evidence is offered here as well; a verdict never travels.
    """
    catalog = load_catalog()
    if not catalog.has_unit(unit_id):
        return ()
    unit = catalog.unit(unit_id)
    ours, other = (MLPS_REQUIREMENTS, CRYPTO) if unit.framework != CRYPTO else (CRYPTO, MLPS_REQUIREMENTS)
    crosswalk = find_crosswalk(ours, other)
    if crosswalk is None or unit.item is None:
        return ()
    family = catalog.family(unit.family)
    ends = {unit.family, *(str(item) for item in family.items)}
    found = {str(pair.right) for pair in crosswalk.pairs if str(pair.left) in ends}
    units = catalog.units(MLPS_EVALUATION if other == MLPS_REQUIREMENTS else CRYPTO, level=int(unit.level))
    return tuple(
        str(one.id)
        for one in units
        if one.family in found or (one.item is not None and str(one.item) in found)
    )


def _elsewhere(
    session: Session, assessment: Assessment, frame: Frame, unit_id: str, target_id: int
) -> Sequence[Any]:
    """The same unit at other targets, decided ones, the first of them."""
    rows = session.execute(
        select(AssessmentRecord.target_id, AssessmentRecord.verdict, AssessmentRecord.text)
        .where(
            AssessmentRecord.assessment_id == assessment.id,
            AssessmentRecord.unit_id == unit_id,
            AssessmentRecord.target_id != target_id,
            AssessmentRecord.verdict.is_not(None),
        )
        .order_by(AssessmentRecord.target_id)
        .limit(8)
    )
    return [
        (frame.target_of[row.target_id], row.verdict, row.text)
        for row in rows
        if row.target_id in frame.target_of
    ]


def _last_year(session: Session, assessment: Assessment, unit_id: str, target: Target) -> Any:
    """What the assessment before said of the same unit at the same asset."""
    if assessment.previous_id is None:
        return None
    same: ColumnElement[bool] = (
        AssessmentTarget.asset_id == target.asset_id
        if target.asset_id is not None
        else AssessmentTarget.asset_id.is_(None)
    )
    return session.execute(
        select(AssessmentRecord.verdict, AssessmentRecord.text, AssessmentRecord.decided_at)
        .join(AssessmentTarget, AssessmentTarget.id == AssessmentRecord.target_id)
        .where(
            AssessmentRecord.assessment_id == assessment.previous_id,
            AssessmentRecord.unit_id == unit_id,
            same,
        )
        .limit(1)
    ).first()


def _own_texts(session: Session, unit_id: str, record: AssessmentRecord | None) -> list[str]:
    """The last texts that people wrote for this unit, in whatever assessment they may see."""
    query = (
        select(AssessmentRecord.text)
        .where(
            AssessmentRecord.unit_id == unit_id,
            AssessmentRecord.text != "",
            AssessmentRecord.text_draft.is_(False),
            AssessmentRecord.id != (record.id if record is not None else 0),
        )
        .order_by(AssessmentRecord.id.desc())
        .limit(12)
    )
    return list(dict.fromkeys(session.scalars(query)))[:3]


def events_of(session: Session, assessment_id: int, limit: int = 40) -> Sequence[AssessmentChange]:
    """What happened to the assessment as a whole, newest first."""
    return session.scalars(
        select(AssessmentChange)
        .where(AssessmentChange.assessment_id == assessment_id, AssessmentChange.unit_id == "")
        .order_by(AssessmentChange.id.desc())
        .limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class Compared:
    """One unit here and in the assessment before; the worst verdict over its targets, "" where none was decided."""

    unit: AssessmentUnit
    before: str
    now: str

    @property
    def change(self) -> str:
        if self.before == self.now:
            return "same"
        if not self.before or not self.now:
            return "new" if self.now else "gone"
        return "better" if _WORST.index(self.now) > _WORST.index(self.before) else "worse"


_WORST = ("non_compliant", "partial", "compliant", "na")


def compare(session: Session, frame: Frame, assessment_id: int, other_id: int) -> list[Compared]:
    """Two assessments side by side, unit by unit; one query."""
    rows = session.execute(
        select(AssessmentRecord.assessment_id, AssessmentRecord.unit_id, AssessmentRecord.verdict).where(
            AssessmentRecord.assessment_id.in_([assessment_id, other_id]),
            AssessmentRecord.verdict.is_not(None),
        )
    )
    worst: dict[tuple[int, str], str] = {}
    for row in rows:
        key = (row.assessment_id, row.unit_id)
        if key not in worst or _WORST.index(row.verdict) < _WORST.index(worst[key]):
            worst[key] = row.verdict
    return [
        Compared(unit, worst.get((other_id, str(unit.id)), ""), worst.get((assessment_id, str(unit.id)), ""))
        for unit in frame.units
    ]


def others_of(session: Session, assessment: Assessment) -> Sequence[Any]:
    """Earlier and later assessments of the same system and framework, newest first."""
    other = aliased(Assessment)
    return session.execute(
        select(other.id, other.number, other.state, other.conclusion, other.begins_on)
        .where(
            other.system_id == assessment.system_id,
            other.framework == assessment.framework,
            other.id != assessment.id,
        )
        .order_by(other.id.desc())
        .limit(20)
    ).all()
