"""Grants that matter take two people: one asks, another decides, and until then nothing is in force.

Which grants those are says :func:`secops.accounts.rules.needs_two`, and a clearance above the usual one. Who may
decide says the setting ``grant_approvers``; never the one who asked, and never the one who would get the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from secops.accounts.administration import require_reason
from secops.accounts.factors import FACTOR, remove
from secops.accounts.models import Account, GrantKind, GrantRequest, RequestState, Role, RoleGrant
from secops.accounts.rules import end_sessions_of, needs_two, require_lawful
from secops.accounts.services import grant_role
from secops.audit_log.services import record
from secops.config import Settings
from secops.errors import BadInput, Refused
from secops.objects.models import Department
from secops.scope import Principal
from secops.sensitivity import USUAL, Sensitivity


@dataclass(frozen=True, slots=True)
class Wanted:
    """A role grant as somebody asks for it."""

    account: Account
    role: Role
    department: Department
    system_id: int | None = None
    valid_until: datetime | None = None
    assignment: str = ""


def ask_for_role(
    session: Session, wanted: Wanted, *, by: str, reason: str, now: datetime, settings: Settings
) -> RoleGrant | GrantRequest:
    """Grant at once what one person may grant, else leave a request for a second one.

    Raises:
        BadInput, Refused: the grant breaks a rule, or the same request is open already.
    """
    reason = require_reason(reason)
    account, department = wanted.account, wanted.department
    if not needs_two(wanted.role, department, wanted.system_id):
        return grant_role(
            session,
            account=account,
            role=wanted.role,
            department=department,
            by=by,
            now=now,
            system_id=wanted.system_id,
            valid_until=wanted.valid_until,
            reason=reason,
            assignment=wanted.assignment,
        )
    user = session.get_one(User, account.user_id)
    require_lawful(
        session,
        user,
        wanted.role,
        department,
        wanted.system_id,
        wanted.valid_until,
        by=by,
        approved_by="",
        now=now,
        asking=True,
    )
    request = GrantRequest(
        kind=GrantKind.ROLE,
        user_id=account.user_id,
        role=wanted.role,
        department_id=department.id,
        system_id=wanted.system_id,
        valid_until=wanted.valid_until,
        assignment=wanted.assignment,
    )
    return _ask(session, request, user, by=by, reason=reason, now=now, settings=settings)


def ask_for_clearance(
    session: Session,
    account: Account,
    clearance: Sensitivity,
    *,
    by: str,
    reason: str,
    now: datetime,
    settings: Settings,
) -> GrantRequest | None:
    """Lower a clearance, or raise it to the usual one, at once (None); above that leave a request.

    Raises:
        BadInput: no reason, or nothing would change.
        Refused: one's own clearance, or the same request is open already.
    """
    reason = require_reason(reason)
    user = session.get_one(User, account.user_id)
    if user.username == by:
        raise Refused("不能调整自己的可查看级别。", "Nobody changes their own clearance.")
    if clearance == account.clearance:
        raise BadInput("可查看级别没有变化。", "The clearance is this already.", "clearance")
    if clearance < account.clearance or clearance <= USUAL:
        _set_clearance(session, account, user, clearance, reason=reason, now=now, approved_by="")
        return None
    request = GrantRequest(kind=GrantKind.CLEARANCE, user_id=account.user_id, clearance=int(clearance))
    return _ask(session, request, user, by=by, reason=reason, now=now, settings=settings)


def ask_for_factor_reset(
    session: Session, account: Account, *, by: str, reason: str, now: datetime, settings: Settings
) -> GrantRequest:
    """Ask for the removal of somebody's second factor; one who may decide on grants removes it.

    Raises:
        BadInput: no reason.
        Refused: one's own, an account without one, or the same request is open already.
    """
    reason = require_reason(reason)
    user = session.get_one(User, account.user_id)
    if user.username == by:
        raise Refused("不能重置自己的第二因素。", "Nobody resets their own second factor.")
    if not FACTOR.is_enrolled(session, account.user_id):
        raise Refused("此账号没有第二因素。", "This account has no second factor.")
    request = GrantRequest(kind=GrantKind.FACTOR, user_id=account.user_id)
    return _ask(session, request, user, by=by, reason=reason, now=now, settings=settings)


def _ask(
    session: Session,
    request: GrantRequest,
    user: User,
    *,
    by: str,
    reason: str,
    now: datetime,
    settings: Settings,
) -> GrantRequest:
    same = select(GrantRequest.id).where(
        waiting(now),
        GrantRequest.user_id == request.user_id,
        GrantRequest.kind == request.kind,
        GrantRequest.role == request.role if request.role else GrantRequest.role.is_(None),
    )
    if session.scalar(same.limit(1)) is not None:
        raise Refused("此人已有同样的申请等待批准。", "The same request for this person is waiting already.")
    request.reason = reason
    request.requested_by = by
    request.requested_at = now
    request.expires_at = now + timedelta(days=settings.grant_request_days)
    request.state = RequestState.PENDING
    session.add(request)
    record(
        session,
        "grant.request",
        request,
        object_id=user.username,
        now=now,
        reason=reason,
        detail=_told(request),
    )
    session.flush()
    return request


def approve(
    session: Session, request: GrantRequest, *, who: Principal, reason: str, now: datetime, settings: Settings
) -> None:
    """Put a request in force; the second of two who decide at one time gets ``StaleDataError``.

    Raises:
        Refused: not one who may decide, or the request is over, or a rule is broken by now.
    """
    user, account = _decide(session, request, RequestState.APPROVED, who, reason, now, settings)
    if request.kind is GrantKind.FACTOR:
        remove(session, account, now=now, action="factor.reset", reason=request.reason)
        return
    if request.kind is GrantKind.CLEARANCE:
        level = Sensitivity(request.clearance if request.clearance is not None else USUAL)
        _set_clearance(session, account, user, level, reason=request.reason, now=now, approved_by=who.name)
        return
    if request.role is None or request.department_id is None:
        raise Refused("申请内容不完整。", "The request is incomplete.")
    grant_role(
        session,
        account=account,
        role=request.role,
        department=session.get_one(Department, request.department_id),
        by=request.requested_by,
        approved_by=who.name,
        now=now,
        system_id=request.system_id,
        valid_until=request.valid_until,
        reason=request.reason,
        assignment=request.assignment,
    )


def refuse(
    session: Session, request: GrantRequest, *, who: Principal, reason: str, now: datetime, settings: Settings
) -> None:
    """Turn a request down; nothing changes but the request.

    Raises:
        Refused: not one who may decide, or the request is over.
    """
    _decide(session, request, RequestState.REFUSED, who, reason, now, settings)


def withdraw(session: Session, request: GrantRequest, *, who: Principal, reason: str, now: datetime) -> None:
    """The one who asked takes the request back.

    Raises:
        Refused: somebody else's request, or one that is over.
    """
    reason = require_reason(reason)
    if request.requested_by != who.name:
        raise Refused("只有申请人可以撤回申请。", "Only the one who asked can withdraw it.")
    _require_open(request, now)
    request.state = RequestState.WITHDRAWN
    request.decided_at = now
    request.decision_reason = reason
    record(session, "grant.withdraw", request, now=now, reason=reason, detail=_told(request))
    session.flush()


def _decide(
    session: Session,
    request: GrantRequest,
    state: RequestState,
    who: Principal,
    reason: str,
    now: datetime,
    settings: Settings,
) -> tuple[User, Account]:
    reason = require_reason(reason)
    user = session.get_one(User, request.user_id)
    if who.name in (request.requested_by, user.username):
        raise Refused(
            "不能批准自己提出的、或给自己的授权；须由第二个人决定。",
            "Nobody decides on what they asked for or would get; it takes a second person.",
        )
    if not who.has(*approvers(settings)):
        raise Refused("您不是授权批准人。", "You are not one who approves grants.")
    _require_open(request, now)
    request.state = state
    request.decided_by = who.name
    request.decided_at = now
    request.decision_reason = reason
    record(
        session,
        "grant.approve" if state is RequestState.APPROVED else "grant.refuse",
        request,
        object_id=user.username,
        now=now,
        reason=reason,
        detail=_told(request),
    )
    # At once, so that of two decisions one fails on the version before it grants anything.
    session.flush()
    return user, session.get_one(Account, request.user_id)


def _require_open(request: GrantRequest, now: datetime) -> None:
    if request.state is not RequestState.PENDING:
        raise Refused("这项申请已经处理过。", "This request was decided before.")
    if request.expires_at <= now:
        raise Refused("这项申请已过期，请重新提出。", "This request has expired; ask again.")


def _set_clearance(
    session: Session,
    account: Account,
    user: User,
    clearance: Sensitivity,
    *,
    reason: str,
    now: datetime,
    approved_by: str,
) -> None:
    before = Sensitivity(account.clearance)
    account.clearance = int(clearance)
    end_sessions_of(session, account, now=now)
    record(
        session,
        "clearance.change",
        account,
        object_id=user.username,
        now=now,
        reason=reason,
        detail={"from": before.word, "to": clearance.word, "approved_by": approved_by},
    )
    session.flush()


def approvers(settings: Settings) -> tuple[str, ...]:
    """Roles that may decide on requests."""
    return tuple(part.strip() for part in settings.grant_approvers.split(",") if part.strip())


def waiting(now: datetime) -> ColumnElement[bool]:
    """Condition for requests that can still be decided."""
    return and_(GrantRequest.state == RequestState.PENDING, GrantRequest.expires_at > now)


def waiting_count(session: Session, who: Principal, now: datetime) -> int:
    """How many requests wait for this person."""
    query = (
        select(func.count())
        .select_from(GrantRequest)
        .where(waiting(now), GrantRequest.requested_by != who.name, GrantRequest.user_id != who.user_id)
    )
    return session.scalar(query) or 0


def _told(request: GrantRequest) -> dict[str, str | int | None]:
    return {
        "kind": request.kind.value,
        "role": request.role.value if request.role else None,
        "department": request.department_id,
        "system": request.system_id,
        "clearance": Sensitivity(request.clearance).word if request.clearance is not None else None,
    }
