"""Reads of the board and of the inbox; a constant number of queries each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from secops.evidence.models import BlobState, Evidence, EvidenceRequest, EvidenceSource, EvidenceState
from secops.evidence.models import RequestState as PaperState
from secops.findings.machine import DECIDERS, JUDGES, OPEN_STATES, WORKING_STATES
from secops.findings.models import (
    Finding,
    FindingRequest,
    FindingState,
    RequestState,
    Severity,
)
from secops.findings.queries import finding_statement
from secops.findings.rollup import FindingRollup
from secops.objects.models import Department, System
from secops.scope import Principal

CARDS = 20
ROWS = 20


@dataclass(frozen=True, slots=True)
class Narrow:
    """What the board is cut down to; None and "" mean all. A department counts with everything below it."""

    department: Department | None = None
    system: System | None = None
    severity: Severity | None = None
    layer: str = ""
    owner: str = ""

    def clauses(self, model: Any) -> list[ColumnElement[bool]]:
        """Conditions on ``Finding`` or ``FindingRollup``; the counts don't know owners."""
        found: list[ColumnElement[bool]] = []
        if self.department is not None:
            below = select(Department.id).where(Department.path.startswith(self.department.path))
            found.append(model.department_id.in_(below))
        if self.system is not None:
            found.append(model.system_id == self.system.id)
        if self.severity is not None:
            found.append(model.severity == self.severity)
        if self.layer:
            found.append(model.layer == self.layer)
        if self.owner and model is Finding:
            found.append(Finding.owner == self.owner)
        return found


@dataclass(frozen=True, slots=True)
class Lane:
    """One state of the board: how many there are, and the first of them, worst and earliest first."""

    state: FindingState
    number: int
    rows: Sequence[Any]


def board(session: Session, narrow: Narrow) -> list[Lane]:
    """One query for the numbers, one for each of the six states."""
    numbers = _numbers(session, narrow)
    lanes = []
    for state in OPEN_STATES:
        rows = session.execute(
            finding_statement()
            .where(Finding.state == state, *narrow.clauses(Finding))
            .order_by(Finding.rank, Finding.due_on, Finding.id)
            .limit(CARDS)
        ).all()
        lanes.append(Lane(state, numbers.get(state, 0), rows))
    return lanes


def _numbers(session: Session, narrow: Narrow) -> Mapping[FindingState, int]:
    if narrow.owner:
        query: Any = (
            select(Finding.state, func.count()).where(*narrow.clauses(Finding)).group_by(Finding.state)
        )
    else:
        query = (
            select(FindingRollup.state, func.sum(FindingRollup.number))
            .where(*narrow.clauses(FindingRollup))
            .group_by(FindingRollup.state)
        )
    return {state: int(number) for state, number in session.execute(query)}


@dataclass(frozen=True, slots=True)
class Work:
    """What waits for one person. ``mine`` are findings to work on, the rest waits for a decision or an answer."""

    mine: Sequence[Any]
    mine_number: int
    confirm: Sequence[Any]
    confirm_number: int
    asked: Sequence[Any]
    papers: Sequence[Any]
    review: Sequence[Any]

    @property
    def empty(self) -> bool:
        return not (self.mine or self.confirm or self.asked or self.papers or self.review)


def work_of(session: Session, who: Principal, today: date) -> Work:
    """Seven queries at most; those of what a role can't do are not asked."""
    mine = [Finding.owner == who.name, Finding.state.in_(WORKING_STATES)]
    confirm = [Finding.state.in_((FindingState.SUBMITTED, FindingState.VERIFIED))]
    judge = bool(who.roles & JUDGES)
    return Work(
        mine=_first(session, mine),
        mine_number=_number(session, mine),
        confirm=_first(session, confirm) if judge else [],
        confirm_number=_confirmable(session) if judge else 0,
        asked=_asked(session, who),
        papers=_papers(session, who),
        review=_review(session) if judge else [],
    )


def _first(session: Session, clauses: Sequence[ColumnElement[bool]]) -> Sequence[Any]:
    query = finding_statement().where(*clauses)
    return session.execute(query.order_by(Finding.due_on, Finding.rank, Finding.id).limit(ROWS)).all()


def _number(session: Session, clauses: Sequence[ColumnElement[bool]]) -> int:
    return session.scalar(select(func.count()).select_from(Finding).where(*clauses)) or 0


def _confirmable(session: Session) -> int:
    states = (FindingState.SUBMITTED, FindingState.VERIFIED)
    return int(
        session.scalar(select(func.sum(FindingRollup.number)).where(FindingRollup.state.in_(states))) or 0
    )


def _asked(session: Session, who: Principal) -> Sequence[Any]:
    """Requests for me to decide, and my own that others have not decided yet."""
    mine = FindingRequest.asked_by == who.name
    return session.execute(
        select(FindingRequest, Finding, System.name.label("system_name"))
        .join(Finding, Finding.id == FindingRequest.finding_id)
        .join(System, System.id == Finding.system_id)
        .where(FindingRequest.state == RequestState.ASKED, *([] if who.roles & DECIDERS else [mine]))
        .order_by(FindingRequest.asked_at, FindingRequest.id)
        .limit(ROWS)
    ).all()


def _papers(session: Session, who: Principal) -> Sequence[Any]:
    """Papers that owners and contacts still have to give."""
    if not who.roles & {"owner", "contact"}:
        return []
    return session.execute(
        select(EvidenceRequest, System.name.label("system_name"))
        .join(System, System.id == EvidenceRequest.system_id)
        .where(EvidenceRequest.state == PaperState.OPEN)
        .order_by(EvidenceRequest.due_on, EvidenceRequest.id)
        .limit(ROWS)
    ).all()


def _review(session: Session) -> Sequence[Any]:
    """Uploaded evidence that nobody has accepted or returned yet, the oldest first."""
    return session.execute(
        select(Evidence, System.name.label("system_name"))
        .join(System, System.id == Evidence.system_id)
        .where(
            Evidence.state == EvidenceState.SUBMITTED,
            Evidence.blob_state == BlobState.OK,
            Evidence.source.in_((EvidenceSource.UPLOAD, EvidenceSource.REUSE)),
        )
        .order_by(Evidence.given_at, Evidence.id)
        .limit(ROWS)
    ).all()
