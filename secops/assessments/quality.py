"""What should be looked at before an assessment is closed, each with the cells it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.terms import Verdict
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentRecord, RecordOrigin, RecordState
from secops.assessments.result import GAPS
from secops.assessments.risks import cases_for, risks_of
from secops.evidence.models import Evidence, EvidenceState

Cell = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of fault. A blocking one has to be mended or closed over with a reason that stands in the history."""

    key: str
    zh: str
    en: str
    blocking: bool
    cells: tuple[Cell, ...]
    help_zh: str = ""
    help_en: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    unit_id: str
    target_id: int
    verdict: str | None
    state: RecordState
    origin: RecordOrigin
    has_text: bool
    text_draft: bool
    steps: dict[str, str]
    evidence_ids: list[int]
    decided_at: Any
    assessor: str
    reviewer: str
    overruled_without_words: bool

    @property
    def cell(self) -> Cell:
        return self.unit_id, self.target_id


def checks(session: Session, assessment: Assessment, frame: Frame, *, today: date) -> list[Check]:
    """Every check, those without a cell included; five queries."""
    rows = list(_rows(session, assessment.id))
    evidence = _evidence(session, rows)
    touched = {row.cell for row in rows if row.verdict is not None}
    risks = risks_of(session, assessment.id)
    gap_units = dict.fromkeys(row.unit_id for row in rows if row.verdict in GAPS)

    def where(test: Callable[[_Row], bool]) -> tuple[Cell, ...]:
        return tuple(row.cell for row in rows if test(row))

    def first_cells(units: Iterable[str]) -> tuple[Cell, ...]:
        return tuple((unit, frame.places[unit][0].id) for unit in units if frame.places.get(unit))

    return [
        Check("na-without-reason", "不适用没有写明理由", "Not applicable without a reason", True,
              where(lambda r: r.verdict == "na" and not r.has_text)),
        Check("na-not-approved", "不适用未经另一人复核", "Not applicable, not accepted by a second person", True,
              where(lambda r: r.verdict == "na" and r.state is not RecordState.ACCEPTED),
              "提交后由另一人接受。", "Submit it; another person accepts it."),
        Check("draft-text", "结果文字仍是草稿", "The result text is still a draft", True,
              where(lambda r: r.text_draft), "逐格看过后确认，或整批确认。", "Read and confirm, one by one or together."),
        Check("returned", "被退回后未重新判定", "Returned and not decided again", True,
              where(lambda r: r.state is RecordState.RETURNED)),
        Check("contradiction", "步骤与判定矛盾", "Steps and verdict contradict each other", True,
              where(lambda r: _contradicts(frame, r))),
        Check("expired-inheritance", "继承的结论已过期", "The inherited result has expired", True,
              tuple(_expired(frame, rows, today))),
        Check("evidence-gone", "引用的证据已退回、过期或被替代", "The evidence was returned, expired or replaced", False,
              where(lambda r: any(evidence.get(one, (None, None))[0] in _DEAD for one in r.evidence_ids))),
        Check("compliant-without-evidence", "判为符合但没有证据", "Compliant without evidence", False,
              where(lambda r: r.verdict == "compliant" and not r.evidence_ids
                    and r.origin not in (RecordOrigin.INHERITED, RecordOrigin.EXCLUSION))),
        Check("older-than-evidence", "判定早于证据", "Decided before its evidence was given", False,
              where(lambda r: r.decided_at is not None and any(
                  (given := evidence.get(one, (None, None))[1]) is not None and given > r.decided_at
                  for one in r.evidence_ids))),
        Check("without-text", "没有结果记录文字", "Without a result text", False,
              where(lambda r: r.verdict is not None and r.verdict != "na" and not r.has_text)),
        Check("overruled", "与建议不同且没有说明", "Differs from the suggestion without a word", False,
              where(lambda r: r.overruled_without_words)),
        Check("not-accepted", "尚未经复核接受", "Not accepted by a reviewer yet", False,
              where(lambda r: r.verdict is not None and r.verdict != "na" and r.state is not RecordState.ACCEPTED)),
        Check("without-risk", "不符合项没有风险分析", "A shortfall without risk analysis", False,
              first_cells(unit for unit in gap_units if unit not in risks)),
        Check("high-risk-case", "涉及高风险判例，风险分析未选定情形", "A high-risk case may apply and was not weighed", False,
              first_cells(
                  unit for unit in gap_units
                  if unit in frame.unit_of and cases_for(assessment, frame.unit_of[unit])
                  and not (unit in risks and risks[unit].cases))),
        Check("without-target", "没有登记对应类型的测评对象，按整个系统判定", "No target of its kinds; judged on the whole", False,
              tuple((str(unit.id), frame.whole.id) for unit in frame.without_target())),
        Check("not-examined", "未检查", "Not examined", False,
              tuple(cell for cell in frame.cells() if cell not in touched),
              "未检查的格在报告中如实标出，不计入符合率。", "Cells not examined are shown as such and are in no rate."),
    ]  # fmt: skip


_DEAD = frozenset({EvidenceState.RETURNED, EvidenceState.EXPIRED, EvidenceState.SUPERSEDED})


def blocking(found: Sequence[Check]) -> list[Check]:
    """Those that stand in the way."""
    return [one for one in found if one.blocking and one.cells]


def _rows(session: Session, assessment_id: int) -> Iterable[_Row]:
    record = AssessmentRecord
    columns = (
        record.unit_id, record.target_id, record.verdict, record.state, record.origin, record.text,
        record.text_draft, record.steps, record.evidence_ids, record.decided_at, record.assessor, record.reviewer,
        record.differs, record.comment,
    )  # fmt: skip
    for row in session.execute(select(*columns).where(record.assessment_id == assessment_id)):
        yield _Row(
            row.unit_id, row.target_id, row.verdict, row.state, row.origin, bool(row.text.strip()), row.text_draft,
            row.steps, row.evidence_ids, row.decided_at, row.assessor, row.reviewer,
            row.differs and not row.text.strip() and not row.comment.strip(),
        )  # fmt: skip


def _evidence(session: Session, rows: Sequence[_Row]) -> dict[int, tuple[EvidenceState, Any]]:
    wanted = {one for row in rows for one in row.evidence_ids}
    found: dict[int, tuple[EvidenceState, Any]] = {}
    ids = sorted(wanted)
    for first in range(0, len(ids), 5000):
        part = ids[first : first + 5000]
        query = select(Evidence.id, Evidence.state, Evidence.given_at).where(Evidence.id.in_(part))
        found |= {row.id: (row.state, row.given_at) for row in session.execute(query)}
    return found


def _contradicts(frame: Frame, row: _Row) -> bool:
    """The assessor's own answers to the steps against the verdict by the unit's rule."""
    unit = frame.unit_of.get(row.unit_id)
    if unit is None or row.verdict is None or not row.steps:
        return False
    answers = row.steps
    fulfilled = any(
        all(answers.get(str(number)) in ("yes", "na") for number in group)
        for group in unit.rule.expanded(len(unit.steps))
    )
    all_answered = len(answers) == len(unit.steps)
    if row.verdict == Verdict.COMPLIANT.value:
        return all_answered and not fulfilled
    if row.verdict == Verdict.NON_COMPLIANT.value:
        return fulfilled
    if row.verdict == Verdict.PARTIAL.value:
        return fulfilled or (all_answered and all(answer == "no" for answer in answers.values()))
    return any(answer in ("yes", "no") for answer in answers.values())


def _expired(frame: Frame, rows: Sequence[_Row], today: date) -> Iterable[Cell]:
    for row in rows:
        if row.origin is RecordOrigin.INHERITED:
            expires = frame.inherited.get(row.unit_id, {}).get("expires")
            if expires is None or date.fromisoformat(expires) < today:
                yield row.cell
