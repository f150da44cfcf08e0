"""What one person asks for and another decides: to accept a risk for a time, or to have more time for the fix."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.db import local_day
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.findings import acceptance
from secops.findings.models import (
    Finding,
    FindingRequest,
    FindingState,
    RequestKind,
    RequestState,
)
from secops.findings.moving import add_event, move
from secops.findings.services import require
from secops.objects.models import Asset, System
from secops.scope import Principal


def waiting(session: Session, finding_id: int) -> Mapping[str, FindingRequest]:
    """The requests of a finding that nobody decided yet, by kind."""
    rows = session.scalars(
        select(FindingRequest).where(
            FindingRequest.finding_id == finding_id, FindingRequest.state == RequestState.ASKED
        )
    )
    return {row.kind.value: row for row in rows}


def ask(
    session: Session,
    finding: Finding,
    kind: RequestKind,
    *,
    reason: str,
    until: date,
    who: Principal,
    now: datetime,
    compensation: str = "",
    version: int | None = None,
) -> FindingRequest:
    """Ask for an acceptance until a day, or for a later due date. The finding goes on as it is until somebody decides.

    Raises:
        BadInput, Refused, Conflict: the same was asked already.
    """
    name = f"ask-{kind.value}"
    require(session, finding, name, who=who, note=reason, version=version)
    _check_until(session, finding, kind, until, now)
    if kind is RequestKind.ACCEPTANCE and len(compensation.strip()) < 2:
        raise BadInput(
            "请写明接受期间的补偿措施。",
            "Say what makes up for it while the risk is accepted.",
            "compensation",
        )
    if kind.value in waiting(session, finding.id):
        raise Refused("同样的申请正在等待决定。", "The same request waits for a decision already.")
    request = FindingRequest(
        department_id=finding.department_id, system_id=finding.system_id, finding_id=finding.id, kind=kind,
        state=RequestState.ASKED, reason=reason.strip(), compensation=compensation.strip(), until=until, basis={},
        asked_by=who.name, asked_at=now,
    )  # fmt: skip
    session.add(request)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict from error
    detail = {"request": request.id, "until": until.isoformat()}
    add_event(session, finding, who.name, name, now, note=reason.strip(), detail=detail)
    record(session, f"finding.{name}", finding, now=now, reason=reason[:200], detail=detail)
    return request


def _check_until(session: Session, finding: Finding, kind: RequestKind, until: date, now: datetime) -> None:
    today = local_day(session, now)
    if until <= today:
        raise BadInput("日期须晚于今天。", "The date must lie after today.", "until")
    if kind is RequestKind.EXTENSION:
        due = finding.due or finding.suggested_due
        if due is not None and until <= due:
            raise BadInput(
                f"须晚于现在的期限 {due}。", f"Must be later than the present date, {due}.", "until"
            )
        return
    most = int(session.get_bind().get_execution_options().get("acceptance_days", 365))
    if until > today + timedelta(days=most):
        raise BadInput(f"风险最长接受 {most} 天。", f"A risk is accepted for {most} days at most.", "until")


def decide(
    session: Session,
    finding: Finding,
    kind: RequestKind,
    *,
    granted: bool,
    note: str,
    who: Principal,
    now: datetime,
    version: int | None = None,
) -> FindingRequest:
    """Grant or refuse what somebody else asked for; two at once: the second gets a conflict.

    Raises:
        BadInput, Refused, Conflict, NotFound
    """
    name = f"{'grant' if granted else 'refuse'}-{kind.value}"
    require(session, finding, name, who=who, note=note, version=version)
    request = waiting(session, finding.id).get(kind.value)
    if request is None:
        raise NotFound("没有等待决定的申请。", "There is no request that waits for a decision.")
    if request.asked_by == who.name:
        raise Refused("申请须由另一人决定。", "Somebody else than who asked decides.")
    if granted:
        _check_until(session, finding, kind, request.until, now)
    request.state = RequestState.GRANTED if granted else RequestState.REFUSED
    request.decided_by, request.decided_at, request.decision_note = who.name, now, note.strip()
    detail = {"request": request.id, "until": request.until.isoformat(), "asked_by": request.asked_by}
    if granted and kind is RequestKind.ACCEPTANCE:
        system = session.get_one(System, finding.system_id)
        asset = session.get(Asset, finding.asset_id) if finding.asset_id is not None else None
        request.basis = acceptance.basis_of(finding, system, asset)
        move(
            session, finding, FindingState.RISK_ACCEPTED, actor=who.name, action=name, now=now, note=note.strip(),
            detail=detail,
        )  # fmt: skip
        return request
    if granted:
        finding.due = request.until
    add_event(session, finding, who.name, name, now, note=note.strip(), detail=detail)
    record(session, f"finding.{name}", finding, now=now, reason=note[:200], detail=detail)
    return request


def withdraw(
    session: Session, finding: Finding, kind: RequestKind, *, who: Principal, now: datetime
) -> FindingRequest:
    """Take one's own request back.

    Raises:
        NotFound, Refused
    """
    request = waiting(session, finding.id).get(kind.value)
    if request is None:
        raise NotFound("没有等待决定的申请。", "There is no request that waits for a decision.")
    if request.asked_by != who.name:
        raise Refused("只有申请人可以撤回。", "Only who asked may take it back.")
    request.state = RequestState.WITHDRAWN
    request.ended_at, request.ended_why = now, "withdrawn"
    name = f"withdraw-{kind.value}"
    add_event(session, finding, who.name, name, now, detail={"request": request.id})
    record(session, f"finding.{name}", finding, now=now, detail={"request": request.id})
    return request


def revoke(
    session: Session,
    finding: Finding,
    *,
    note: str,
    who: Principal,
    now: datetime,
    version: int | None = None,
) -> None:
    """End an acceptance before its day; the finding opens again.

    Raises:
        BadInput, Refused, Conflict, NotFound
    """
    require(session, finding, "end-acceptance", who=who, note=note, version=version)
    request = session.scalar(
        select(FindingRequest).where(
            FindingRequest.finding_id == finding.id,
            FindingRequest.kind == RequestKind.ACCEPTANCE,
            FindingRequest.state == RequestState.GRANTED,
        )
    )
    if request is None:
        # Accepted before requests were kept: there is nothing to end but the state.
        move(
            session,
            finding,
            FindingState.OPEN,
            actor=who.name,
            action="end-acceptance",
            now=now,
            note=note.strip(),
        )
        return
    acceptance.end(session, finding, request, why="revoked", actor=who.name, now=now, note=note.strip())
