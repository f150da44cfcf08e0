"""Decide cells: one with all its words, or many at once; nothing is overwritten that the person has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.terms import Method, Verdict
from secops.assessments.frame import Frame, asks_dak, dak_verdict, frame_of
from secops.assessments.models import (
    Assessment,
    AssessmentChange,
    AssessmentRecord,
    AssessmentState,
    RecordOrigin,
    RecordState,
)
from secops.assessments.planning import ROLES, note, targets_of
from secops.assessments.suggestions import Proposal, draft_text, proposals
from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.evidence.models import Evidence
from secops.scope import principal_of

VERDICTS = tuple(one.value for one in Verdict)
MAX_BULK = 20_000
_METHODS = frozenset(one.value for one in Method)
_STEP_ANSWERS = frozenset({"yes", "no", "na"})
# Fields of a record that a person writes, in the form that the history keeps.
WRITTEN = ("verdict", "text", "comment", "methods", "steps", "evidence_ids", "crypto")


class CellConflict(Conflict):
    """Somebody decided the cell after this person had read it; ``theirs`` is what stands there now.

    A plain copy: the session of the refused change is rolled back before anybody looks.
    """

    def __init__(self, theirs: AssessmentRecord) -> None:
        super().__init__(
            "这一格刚刚被别人改过，请对照后再决定。",
            "Somebody changed this cell in between; compare before you decide.",
        )
        self.theirs = {
            "verdict": theirs.verdict,
            "text": theirs.text,
            "comment": theirs.comment,
            "assessor": theirs.assessor,
            "at": theirs.decided_at,
            "version": theirs.version,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person says of one cell. None leaves a field as it is; ``version`` is what they had read, 0 for none."""

    unit_id: str
    target_id: int
    version: int
    verdict: str | None = None
    text: str | None = None
    comment: str | None = None
    methods: Sequence[str] | None = None
    steps: Mapping[str, str] | None = None
    evidence_ids: Sequence[int] | None = None
    crypto: Mapping[str, Any] | None = None
    clear: bool = False
    origin: RecordOrigin = RecordOrigin.PERSON


@dataclass
class Bulk:
    """What a decision over many cells does, or would do."""

    changed: int = 0
    same: int = 0
    overwritten: int = 0
    # (unit, target) → why it is left alone, as pairs of words; the first hundred.
    skipped: list[tuple[str, int, str, str]] = field(default_factory=list)
    skipped_count: int = 0

    def skip(self, unit_id: str, target_id: int, zh: str, en: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < 100:
            self.skipped.append((unit_id, target_id, zh, en))


def get_assessment(session: Session, assessment_id: int) -> Assessment:
    """One assessment in scope.

    Raises:
        NotFound
    """
    found = session.scalar(select(Assessment).where(Assessment.id == assessment_id))
    if found is None:
        raise NotFound
    return found


def load_frame(session: Session, assessment: Assessment) -> Frame:
    return frame_of(assessment.scope, targets_of(session, assessment.id))


def begin_change(session: Session, assessment: Assessment) -> int:
    """Give the next revision; whoever has it is alone in this assessment until the commit.

    Raises:
        Refused: it is closed, or this person only reads.
    """
    if not principal_of(session).has(*ROLES):
        raise Refused("由网络安全专员或测评人员判定。", "A security officer or an assessor decides.")
    session.execute(
        update(Assessment).where(Assessment.id == assessment.id).values(revision=Assessment.revision + 1),
        execution_options={"synchronize_session": False},
    )
    session.refresh(assessment)
    if assessment.state is not AssessmentState.RUNNING:
        raise Refused("测评已关闭，不能再修改。", "The assessment is closed.")
    return assessment.revision


def decide(
    session: Session, assessment: Assessment, frame: Frame, given: Decision, *, now: datetime
) -> AssessmentRecord:
    """Write one cell.

    Raises:
        BadInput: no such cell, a verdict the unit does not know, na without words, foreign evidence.
        CellConflict: the record is not the one that was read.
        Refused: the assessment is closed, or the cell was settled before the start.
    """
    revision = begin_change(session, assessment)
    _check(session, assessment, frame, given)
    row = session.scalar(
        select(AssessmentRecord).where(
            AssessmentRecord.assessment_id == assessment.id,
            AssessmentRecord.unit_id == given.unit_id,
            AssessmentRecord.target_id == given.target_id,
        )
    )
    if (row.version if row is not None else 0) != given.version:
        if row is None:
            raise Conflict
        raise CellConflict(row)
    if row is not None and row.origin in (RecordOrigin.INHERITED, RecordOrigin.EXCLUSION):
        raise Refused(
            "这一格在开始前已由继承或不适用审批确定。", "This cell was settled before the assessment began."
        )
    proposal = proposals(session, assessment, frame, [(given.unit_id, given.target_id)]).get(
        (given.unit_id, given.target_id)
    )
    before = written(row)
    if row is None:
        row = AssessmentRecord(
            department_id=assessment.department_id, system_id=assessment.system_id, assessment_id=assessment.id,
            unit_id=given.unit_id, target_id=given.target_id, state=RecordState.OPEN, origin=given.origin,
            text="", comment="", methods=[], steps={}, evidence_ids=[], crypto={}, suggestion={}, text_draft=False,
            verdict=None,
        )  # fmt: skip
        session.add(row)
    _apply(row, given, principal_of(session).name, now, revision, proposal)
    if row.verdict == Verdict.NA.value and len(row.text.strip()) < 4:
        raise BadInput("判为不适用须写明理由。", "Say why it does not apply.", "text")
    _remember(session, assessment, row, "decide", before, now)
    session.flush()
    record(session, "assessment.decide", assessment, now=now,
           detail={"unit": given.unit_id, "target": given.target_id, "verdict": row.verdict or ""})  # fmt: skip
    return row


def written(row: AssessmentRecord | None) -> dict[str, Any]:
    """What people wrote in a record, as the history keeps it."""
    if row is None:
        return {}
    return {name: getattr(row, name) for name in WRITTEN} | {"state": row.state.value}


def _check(session: Session, assessment: Assessment, frame: Frame, given: Decision) -> None:
    if not frame.applies(given.unit_id, given.target_id):
        raise BadInput(
            f"{given.unit_id} 与该对象不构成测评格。",
            f"{given.unit_id} is not judged on that target.",
            "unit",
        )
    unit = frame.unit_of[given.unit_id]
    if asks_dak(unit) and given.verdict not in (None, Verdict.NA.value):
        raise BadInput(
            f"{given.unit_id} 由 D、A、K 得出判定，请逐项填写。",
            f"The verdict of {given.unit_id} comes from D, A and K; answer these.",
            "verdict",
        )
    if given.verdict is not None:
        if given.verdict not in VERDICTS:
            raise BadInput(
                f"判定只能是 {'、'.join(VERDICTS)}。",
                f"A verdict is one of {', '.join(VERDICTS)}.",
                "verdict",
            )
        if given.verdict == Verdict.PARTIAL.value and not unit.partial_possible:
            raise BadInput(
                f"{given.unit_id} 没有“部分符合”。",
                f"{given.unit_id} knows no partial compliance.",
                "verdict",
            )
    if given.methods is not None and set(given.methods) - _METHODS:
        raise BadInput("测评方法只有 I、E、T。", "Methods are I, E and T.", "methods")
    if given.steps is not None:
        numbers = {str(step.number) for step in unit.steps}
        if set(given.steps) - numbers or set(given.steps.values()) - _STEP_ANSWERS:
            raise BadInput("步骤的回答不正确。", "A step has no such answer.", "steps")
    if given.crypto is not None:
        _check_crypto(unit, given)
    if given.evidence_ids:
        known = session.scalars(
            select(Evidence.id).where(
                Evidence.id.in_(list(given.evidence_ids)), Evidence.system_id == assessment.system_id
            )
        ).all()
        if set(given.evidence_ids) - set(known):
            raise BadInput(
                "所选证据不属于该系统。", "A piece of evidence does not belong to the system.", "evidence"
            )


def _check_crypto(unit: AssessmentUnit, given: Decision) -> None:
    wrong = BadInput("D、A、K 的取值不正确。", "D, A or K has no such value.", "crypto")
    if not asks_dak(unit):
        raise wrong
    for key, value in (given.crypto or {}).items():
        if key in ("d", "a", "k"):
            if not isinstance(value, bool):
                raise wrong
        elif key in ("ra", "rk"):
            least, most = (0.000001, 1) if key == "ra" else (1, 1.5)
            if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
                raise wrong
        elif key != "compensated_by" or not isinstance(value, str | None):
            raise wrong


def _apply(
    row: AssessmentRecord,
    given: Decision,
    actor: str,
    now: datetime,
    revision: int,
    proposal: Proposal | None,
) -> None:
    if given.clear:
        row.verdict = None
    elif given.verdict is not None:
        row.verdict = given.verdict
    for name in ("text", "comment"):
        value = getattr(given, name)
        if value is not None:
            setattr(row, name, value.strip()[:8000])
    if given.text is not None:
        row.text_draft = False
    if given.methods is not None:
        row.methods = sorted(given.methods, key="IET".index)
    if given.steps is not None:
        row.steps = dict(given.steps)
    if given.evidence_ids is not None:
        row.evidence_ids = sorted(set(given.evidence_ids))
    if given.crypto is not None:
        row.crypto = dict(given.crypto)
        # "Not applicable" is said in words; every other verdict of such a unit follows from its answers.
        if given.verdict is None:
            row.verdict = dak_verdict(row.crypto)
    row.state = RecordState.DECIDED if row.verdict is not None else RecordState.OPEN
    row.origin = given.origin
    row.assessor, row.decided_at, row.revision = actor, now, revision
    row.reviewer, row.reviewed_at, row.review_note = "", None, ""
    if proposal is not None:
        row.suggestion = proposal.as_data()
    row.differs = _differs(row.verdict, proposal)


def _differs(verdict: str | None, proposal: Proposal | None) -> bool:
    return proposal is not None and None not in (proposal.verdict, verdict) and proposal.verdict != verdict


def _remember(
    session: Session,
    assessment: Assessment,
    row: AssessmentRecord,
    action: str,
    before: dict[str, Any],
    now: datetime,
) -> None:
    session.add(
        AssessmentChange(
            department_id=assessment.department_id, system_id=assessment.system_id, assessment_id=assessment.id,
            unit_id=row.unit_id, target_id=row.target_id, at=now, actor=principal_of(session).name, action=action,
            before=before, after=written(row), note="",
        )
    )  # fmt: skip


def decide_many(
    session: Session,
    assessment: Assessment,
    frame: Frame,
    cells: Iterable[tuple[str, int]],
    *,
    verdict: str | None,
    text: str = "",
    overwrite: bool = False,
    now: datetime,
    apply: bool = True,
) -> Bulk:
    """Give one verdict to many cells, or (``verdict`` None) accept to each what the machine proposes.

    Cells that people decided stay as they are unless *overwrite*; cells settled before the start always do.
    With ``apply`` False nothing is written: that is the preview.

    Raises:
        BadInput, Refused
    """
    wanted = list(dict.fromkeys(cells))
    if not wanted or len(wanted) > MAX_BULK:
        raise BadInput(f"请选择 1 到 {MAX_BULK} 格。", f"Choose 1 to {MAX_BULK} cells.", "cells")
    if verdict is not None and verdict not in VERDICTS:
        raise BadInput("没有这种判定。", "There is no such verdict.", "verdict")
    if verdict == Verdict.NA.value and len(text.strip()) < 4:
        raise BadInput("判为不适用须写明理由。", "Say why it does not apply.", "text")
    revision = begin_change(session, assessment) if apply else assessment.revision
    known = records_of(session, assessment, wanted)
    proposed = proposals(session, assessment, frame, wanted)
    done = Bulk()
    writer = CellWriter(session, assessment, "bulk", revision, now)
    for cell in wanted:
        row, proposal = known.get(cell), proposed.get(cell)
        choice = _choose(frame, cell, row, proposal, verdict, overwrite, done)
        if choice is None:
            continue
        done.changed += 1
        done.overwritten += row is not None and row.verdict is not None
        if apply:
            writer.put(
                cell, row, _bulk_values(frame, cell, choice, text, proposal, verdict is None), proposal
            )
    if apply:
        writer.flush()
        record(session, "assessment.bulk", assessment, now=now,
               detail={"cells": done.changed, "verdict": verdict or "suggested", "overwritten": done.overwritten})  # fmt: skip
    return done


def records_of(
    session: Session, assessment: Assessment, cells: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], AssessmentRecord]:
    query = select(AssessmentRecord).where(AssessmentRecord.assessment_id == assessment.id)
    units = {unit for unit, _ in cells}
    targets = {target for _, target in cells}
    if len(units) <= 400:
        query = query.where(AssessmentRecord.unit_id.in_(sorted(units)))
    if len(targets) <= 400:
        query = query.where(AssessmentRecord.target_id.in_(sorted(targets)))
    return {(row.unit_id, row.target_id): row for row in session.scalars(query)}


def _choose(
    frame: Frame, cell: tuple[str, int], row: AssessmentRecord | None, proposal: Proposal | None,
    verdict: str | None, overwrite: bool, done: Bulk,
) -> str | None:  # fmt: skip
    unit_id, target_id = cell
    if not frame.applies(unit_id, target_id):
        done.skip(*cell, "不构成测评格", "not judged on that target")
        return None
    if row is not None and row.origin in (RecordOrigin.INHERITED, RecordOrigin.EXCLUSION):
        done.skip(*cell, "开始前已确定（继承或不适用）", "settled before the start")
        return None
    if asks_dak(frame.unit_of[unit_id]) and verdict != Verdict.NA.value:
        done.skip(*cell, "由 D、A、K 得出判定", "its verdict comes from D, A and K")
        return None
    choice = verdict if verdict is not None else proposal.verdict if proposal is not None else None
    if choice is None:
        done.skip(*cell, "没有建议", "nothing is proposed")
        return None
    if choice == Verdict.PARTIAL.value and not frame.unit_of[unit_id].partial_possible:
        done.skip(*cell, "该单元没有部分符合", "the unit knows no partial compliance")
        return None
    if row is not None and row.verdict == choice:
        done.same += 1
        return None
    if row is not None and row.verdict is not None and not overwrite:
        done.skip(*cell, "已有判定", "decided already")
        return None
    return choice


def _bulk_values(
    frame: Frame, cell: tuple[str, int], choice: str, text: str, proposal: Proposal | None, accepted: bool
) -> dict[str, Any]:
    unit, target = frame.unit_of[cell[0]], frame.target_of[cell[1]]
    values: dict[str, Any] = {
        "verdict": choice,
        "origin": RecordOrigin.SUGGESTION if accepted else RecordOrigin.PERSON,
    }
    if text.strip():
        values |= {"text": text.strip()[:8000], "text_draft": False}
    elif accepted:
        values |= {"text": draft_text(unit, target, proposal), "text_draft": True}
    if accepted and proposal is not None:
        values["evidence_ids"] = list(proposal.evidence_ids)
    return values


_EMPTY: Mapping[str, Any] = {
    "text": "", "text_draft": False, "comment": "", "methods": [], "steps": {}, "evidence_ids": [], "crypto": {},
}  # fmt: skip


class CellWriter:
    """Gathers many changed cells and writes them with their history in as few statements as there can be."""

    def __init__(
        self, session: Session, assessment: Assessment, action: str, revision: int, now: datetime
    ) -> None:
        self._session = session
        self._place = {
            "department_id": assessment.department_id,
            "system_id": assessment.system_id,
            "assessment_id": assessment.id,
        }
        actor = principal_of(session).name
        self._signed: dict[str, Any] = {
            "assessor": actor, "decided_at": now, "revision": revision, "reviewer": "", "reviewed_at": None,
            "review_note": "",
        }  # fmt: skip
        self._event: dict[str, Any] = {"at": now, "actor": actor, "action": action}
        self._new: list[dict[str, Any]] = []
        self._history: list[dict[str, Any]] = []

    def put(
        self,
        cell: tuple[str, int],
        row: AssessmentRecord | None,
        values: Mapping[str, Any],
        proposal: Proposal | None,
        remark: str = "",
    ) -> None:
        """Change *row*, or make it where it is None; ``values`` hold the verdict and what else is written."""
        verdict = values["verdict"]
        filled = {
            **values, **self._signed,
            "state": RecordState.DECIDED if verdict else RecordState.OPEN,
            "suggestion": proposal.as_data() if proposal is not None else {},
            "differs": _differs(verdict, proposal),
        }  # fmt: skip
        where = self._place | {"unit_id": cell[0], "target_id": cell[1]}
        before = written(row)
        if row is None:
            filled = {**_EMPTY, **filled}
            self._new.append(where | filled)
            after = {name: filled[name] for name in WRITTEN} | {"state": filled["state"].value}
        else:
            for name, value in filled.items():
                setattr(row, name, value)
            after = written(row)
        self._history.append(where | self._event | {"before": before, "after": after, "note": remark[:400]})

    def flush(self) -> int:
        """Write all of it; gives the number of cells."""
        if self._new:
            self._session.execute(insert(AssessmentRecord), self._new)
        if self._history:
            self._session.execute(insert(AssessmentChange), self._history)
        self._session.flush()
        return len(self._history)


def confirm_texts(
    session: Session, assessment: Assessment, *, now: datetime, unit_ids: Sequence[str] = ()
) -> int:
    """A person has read the drafted texts (of these units, or all) and stands by them."""
    revision = begin_change(session, assessment)
    clauses = [AssessmentRecord.assessment_id == assessment.id, AssessmentRecord.text_draft.is_(True)]
    if unit_ids:
        clauses.append(AssessmentRecord.unit_id.in_(list(unit_ids)))
    count = session.scalar(select(func.count()).select_from(AssessmentRecord).where(*clauses)) or 0
    session.execute(
        update(AssessmentRecord)
        .where(*clauses)
        .values(text_draft=False, revision=revision, version=AssessmentRecord.version + 1),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()
    note(session, assessment, "confirm-texts", principal_of(session).name, now, after={"cells": count})
    record(session, "assessment.confirm-texts", assessment, now=now, detail={"cells": count})
    return count
