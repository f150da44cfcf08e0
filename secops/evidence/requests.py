"""Requests: what a system still has to give, asked for in one step, answered by an upload, closed by a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.documents.terms import Action
from secops.audit_log.services import record
from secops.db import local_day
from secops.errors import BadInput, NotFound, Refused
from secops.evidence.documents import missing_of
from secops.evidence.models import Evidence, EvidenceRequest, EvidenceState, RequestState
from secops.objects.models import System

Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What is asked for; ``document_kind`` and ``holder`` are empty for what no kind describes."""

    title: Words
    instructions: tuple[Words, ...]
    due_on: date
    units: tuple[str, ...] = ()
    document_kind: str = ""
    holder: str = ""


def ask(session: Session, system: System, new: NewRequest, *, actor: str, now: datetime) -> EvidenceRequest:
    """Ask for one thing.

    Raises:
        BadInput: no title, or a day that is over.
        Refused: the same paper is asked for already.
    """
    if not any(text.strip() for text in new.title.values()):
        raise BadInput("请写明需要什么材料。", "Say what is needed.", "title")
    if new.due_on < local_day(session, now):
        raise BadInput("期限不能早于今天。", "The due date can't lie in the past.", "due_on")
    key = f"{system.id}:{new.document_kind}" if new.document_kind else None
    if key is not None and session.scalar(select(EvidenceRequest.id).where(EvidenceRequest.open_key == key)):
        raise Refused("已经要过这份材料，尚未关闭。", "This document is asked for already.")
    row = EvidenceRequest(
        department_id=system.department_id,
        system_id=system.id,
        title=new.title,
        instructions=list(new.instructions),
        units=list(new.units),
        document_kind=new.document_kind,
        holder=new.holder,
        state=RequestState.OPEN,
        due_on=new.due_on,
        asked_by=actor,
        asked_at=now,
        open_key=key,
    )
    session.add(row)
    record(
        session,
        "evidence-request.ask",
        row,
        now=now,
        detail={"due": new.due_on.isoformat(), "kind": new.document_kind},
    )
    session.flush()
    return row


def ask_missing(session: Session, system: System, *, due_on: date, actor: str, now: datetime) -> int:
    """Ask for every paper that the system lacks and that is not asked for yet; returns how many.

    Raises:
        Refused: the system has no level, so nobody knows what it needs.
        BadInput: the day is over.
    """
    if not system.profile:
        raise Refused(
            "系统尚未定级，无法得出应有材料。", "The system has no level, so what it needs is not known."
        )
    asked = asked_kinds(session, system.id)
    made = 0
    for group in missing_of(session, system, local_day(session, now)):
        for one in group.documents:
            if one.kind.id in asked:
                continue
            # That nothing was given yet needs no words; what is wrong with what was given does.
            why = () if one.action is Action.UPLOAD else one.why
            texts = [*one.instructions, *([one.condition] if one.condition else []), *why]
            new = NewRequest(
                title={"zh": one.kind.name.zh, "en": one.kind.name.en},
                instructions=tuple({"zh": text.zh, "en": text.en} for text in texts),
                due_on=due_on,
                units=tuple(dict.fromkeys(str(place.unit) for place in one.places)),
                document_kind=one.kind.id,
                holder=group.holder.value,
            )
            ask(session, system, new, actor=actor, now=now)
            made += 1
    return made


def asked_kinds(session: Session, system_id: int) -> set[str]:
    """Kinds of papers that this system is asked for at present."""
    query = select(EvidenceRequest.document_kind).where(
        EvidenceRequest.system_id == system_id, EvidenceRequest.open_key.is_not(None)
    )
    return set(session.scalars(query))


def get_open(session: Session, request_id: int) -> EvidenceRequest:
    """One request in scope that can still be answered.

    Raises:
        NotFound, Refused
    """
    row = session.get(EvidenceRequest, request_id)
    if row is None:
        raise NotFound
    if row.state is not RequestState.OPEN:
        raise Refused("该材料请求已答复或已关闭。", "This request was answered or closed already.")
    return row


def answer(session: Session, request_id: int, evidence: Evidence, *, now: datetime) -> None:
    """Note that *evidence* answers the request; whoever decides on it closes the request, or opens it again.

    Raises:
        NotFound: there is none for that system.
    """
    row = session.get(EvidenceRequest, request_id)
    if row is None or row.system_id != evidence.system_id:
        raise NotFound
    if row.state is not RequestState.OPEN:
        # Two people answered at once; the second piece is kept all the same and can be decided on.
        record(session, "evidence-request.answer", row, now=now, result="refused", reason="not open")
        return
    row.state = RequestState.ANSWERED
    row.evidence_id = evidence.id
    record(session, "evidence-request.answer", row, now=now, detail={"evidence": evidence.id})


def follow(session: Session, evidence: Evidence, *, actor: str, now: datetime) -> None:
    """Bring the requests that *evidence* answers to where its decision leads."""
    query = select(EvidenceRequest).where(
        EvidenceRequest.evidence_id == evidence.id, EvidenceRequest.state == RequestState.ANSWERED
    )
    for row in session.scalars(query).all():
        if evidence.state is EvidenceState.ACCEPTED:
            row.state, row.open_key = RequestState.DONE, None
            row.closed_by, row.closed_at = actor, now
            record(session, "evidence-request.done", row, now=now)
        elif evidence.state is EvidenceState.RETURNED:
            row.state, row.evidence_id, row.reason = RequestState.OPEN, None, evidence.state_reason
            record(session, "evidence-request.reopen", row, now=now, reason=evidence.state_reason)


def withdraw(session: Session, request_id: int, *, reason: str, actor: str, now: datetime) -> EvidenceRequest:
    """Take a request back; says why.

    Raises:
        NotFound, Refused, BadInput
    """
    row = get_open(session, request_id)
    if not reason.strip():
        raise BadInput("请说明为什么不再需要。", "Say why it is no longer needed.", "reason")
    row.state, row.open_key = RequestState.WITHDRAWN, None
    row.reason, row.closed_by, row.closed_at = reason.strip()[:400], actor, now
    record(session, "evidence-request.withdraw", row, now=now, reason=row.reason)
    session.flush()
    return row
