"""Decided → submitted → accepted or returned; nobody reviews what they decided themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, func, insert, literal, select, tuple_, update
from sqlalchemy.orm import Session

from secops.assessments.deciding import begin_change
from secops.assessments.frame import Frame
from secops.assessments.models import (
    Assessment,
    AssessmentChange,
    AssessmentRecord,
    AssessmentTask,
    RecordState,
)
from secops.assessments.planning import note
from secops.audit_log.services import record
from secops.db import UtcDateTime
from secops.errors import BadInput, NotFound
from secops.scope import principal_of

S = RecordState
PARTS = ("class", "target", "unit")


@dataclass(frozen=True, slots=True)
class Moved:
    """How many records went on, and how many stay because the same person decided them."""

    moved: int
    own: int = 0


def submit(session: Session, assessment: Assessment, *, now: datetime, mine: bool = True) -> Moved:
    """Hand decided records to review: one's own, or (``mine`` False) everybody's.

    Raises:
        Refused: closed, or the person only reads.
    """
    revision = begin_change(session, assessment)
    who = principal_of(session)
    clauses = [
        AssessmentRecord.assessment_id == assessment.id,
        AssessmentRecord.state == S.DECIDED,
        AssessmentRecord.text_draft.is_(False),
    ]
    if mine:
        clauses.append(AssessmentRecord.assessor == who.name)
    moved = _move(session, clauses, revision, state=S.SUBMITTED)
    record(session, "assessment.submit", assessment, now=now, detail={"cells": moved})
    if moved:
        note(session, assessment, "submit", who.name, now, after={"cells": moved})
    return Moved(moved)


def review(
    session: Session, assessment: Assessment, cells: Collection[tuple[str, int]], *, accept: bool, reason: str,
    now: datetime,
) -> Moved:  # fmt: skip
    """Accept or return submitted records; those that this person decided stay where they are.

    Args:
        cells: empty takes all submitted ones.

    Raises:
        BadInput: returned without a reason.
        Refused
    """
    if not accept and len(reason.strip()) < 2:
        raise BadInput("退回须写明理由。", "Say why it goes back.", "reason")
    revision = begin_change(session, assessment)
    who = principal_of(session)
    clauses: list[Any] = [
        AssessmentRecord.assessment_id == assessment.id,
        AssessmentRecord.state == S.SUBMITTED,
    ]
    if cells:
        clauses.append(tuple_(AssessmentRecord.unit_id, AssessmentRecord.target_id).in_(list(cells)))
    own = session.scalar(
        select(func.count())
        .select_from(AssessmentRecord)
        .where(*clauses, AssessmentRecord.assessor == who.name)
    )
    action = "accept" if accept else "return"
    others = [*clauses, AssessmentRecord.assessor != who.name]
    _remember_each(session, assessment, others, action, reason.strip()[:400], now)
    moved = _move(
        session, others, revision,
        state=S.ACCEPTED if accept else S.RETURNED, reviewer=who.name, reviewed_at=now,
        review_note=reason.strip()[:400],
    )  # fmt: skip
    record(session, f"assessment.{action}", assessment, now=now, reason=reason[:200], detail={"cells": moved})
    if moved:
        note(session, assessment, action, who.name, now, after={"cells": moved}, note=reason.strip()[:400])
    return Moved(moved, own or 0)


def _remember_each(
    session: Session, assessment: Assessment, clauses: list[Any], action: str, reason: str, now: datetime
) -> None:
    """One line in the history of every cell that a review moves; one statement, however many there are."""
    r, change = AssessmentRecord, AssessmentChange
    empty = literal({}, JSON)
    columns = [change.department_id, change.system_id, change.assessment_id, change.unit_id, change.target_id,
               change.at, change.actor, change.action, change.before, change.after, change.note]  # fmt: skip
    values = [r.department_id, r.system_id, r.assessment_id, r.unit_id, r.target_id,
              literal(now, UtcDateTime), literal(principal_of(session).name), literal(action), empty, empty,
              literal(reason)]  # fmt: skip
    session.execute(insert(change).from_select(columns, select(*values).where(*clauses)))


def _move(session: Session, clauses: list[Any], revision: int, **values: Any) -> int:
    done = session.execute(
        update(AssessmentRecord)
        .where(*clauses)
        .values(revision=revision, version=AssessmentRecord.version + 1, **values),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()
    return int(done.rowcount)  # type: ignore[attr-defined]


def assign(
    session: Session, assessment: Assessment, frame: Frame, *, part: str, value: str, person: str, due: date | None,
    now: datetime,
) -> AssessmentTask:  # fmt: skip
    """Give a class, a target or a unit to a person.

    Raises:
        BadInput: no such part.
    """
    begin_change(session, assessment)
    known = {
        "class": {str(unit.class_code) for unit in frame.units},
        "target": {str(target.id) for target in frame.targets},
        "unit": set(frame.unit_of),
    }
    if part not in known or value not in known[part]:
        raise BadInput("没有这部分工作。", "There is no such part.", "value")
    if not person:
        raise BadInput("请选择人员。", "Choose a person.", "person")
    row = session.scalar(
        select(AssessmentTask).where(
            AssessmentTask.assessment_id == assessment.id, AssessmentTask.part == part,
            AssessmentTask.value == value, AssessmentTask.person == person,
        )
    )  # fmt: skip
    actor = principal_of(session).name
    if row is None:
        row = AssessmentTask(
            department_id=assessment.department_id, system_id=assessment.system_id, assessment_id=assessment.id,
            part=part, value=value, person=person, due=due, assigned_by=actor, assigned_at=now,
        )  # fmt: skip
        session.add(row)
    else:
        row.due = due
    note(session, assessment, "assign", actor, now, after={"part": part, "value": value, "person": person})
    record(
        session,
        "assessment.assign",
        assessment,
        now=now,
        detail={"part": part, "value": value, "person": person},
    )
    session.flush()
    return row


def unassign(session: Session, assessment: Assessment, task_id: int, *, now: datetime) -> None:
    """Take a task back.

    Raises:
        NotFound
    """
    begin_change(session, assessment)
    row = session.scalar(
        select(AssessmentTask).where(
            AssessmentTask.id == task_id, AssessmentTask.assessment_id == assessment.id
        )
    )
    if row is None:
        raise NotFound
    detail = {"part": row.part, "value": row.value, "person": row.person}
    note(session, assessment, "unassign", principal_of(session).name, now, before=detail)
    record(session, "assessment.unassign", assessment, now=now, detail=detail)
    session.delete(row)
    session.flush()
