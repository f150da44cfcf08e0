"""What administrators do to accounts and grants after they were made: disable, enable, revoke.

The three administrators' roles are kept alive: the last account that holds one of them can be neither disabled nor
stripped of it.
"""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import Session

from secops.accounts import throttle
from secops.accounts.models import ADMINISTRATORS, Account, RoleGrant
from secops.accounts.rules import end_sessions_of, keep_last, keep_last_of
from secops.accounts.services import active_grants
from secops.accounts.sessions import Ending, end_all
from secops.audit_log.services import record
from secops.errors import BadInput, Refused


def disable_account(session: Session, account: Account, *, by: str, reason: str, now: datetime) -> None:
    """Close an account and end its sessions.

    Raises:
        BadInput: no reason given.
        Refused: one's own account, or the last one of an administrator's role.
    """
    reason = require_reason(reason)
    user = session.get_one(User, account.user_id)
    if user.username == by:
        raise Refused("不能停用自己的账号。", "Nobody disables their own account.")
    keep_last(session, account.user_id, now)
    user.active = False
    end_sessions_of(session, account, now=now, why=Ending.DISABLED)
    record(session, "account.disable", account, object_id=user.username, now=now, reason=reason)
    session.flush()


def enable_account(session: Session, account: Account, *, by: str, reason: str, now: datetime) -> None:
    """Open an account again, and lift its lock.

    Raises:
        BadInput: no reason given.
        Refused: one's own account.
    """
    reason = require_reason(reason)
    user = session.get_one(User, account.user_id)
    if user.username == by:
        raise Refused("不能启用自己的账号。", "Nobody enables their own account.")
    user.active = True
    throttle.forgive(session, account.user_id)
    account.locked_until = None
    record(session, "account.enable", account, object_id=user.username, now=now, reason=reason)
    session.flush()


def set_end(
    session: Session, account: Account, until: datetime | None, *, by: str, reason: str, now: datetime
) -> None:
    """Give an account an end, move it, or take it away (None).

    Raises:
        BadInput: no reason given, or the end lies in the past.
        Refused: one's own account, or an administrator's: the last of each kind must not lapse.
    """
    reason = require_reason(reason)
    user = session.get_one(User, account.user_id)
    if user.username == by:
        raise Refused("不能修改自己账号的到期日。", "Nobody moves the end of their own account.")
    if until is not None:
        if until <= now:
            raise BadInput("到期日须晚于今天。", "The end must lie in the future.", "until")
        if {grant.role for grant in active_grants(session, account.user_id, now)} & ADMINISTRATORS:
            raise Refused(
                "管理员账号不设到期日，请先收回角色。",
                "An administrator's account has no end; take the role back first.",
            )
    before, account.valid_until = account.valid_until, until
    record(
        session, "account.set-end", account, object_id=user.username, now=now, reason=reason,
        detail={"from": before.isoformat() if before else "", "to": until.isoformat() if until else ""},
    )  # fmt: skip
    session.flush()


def end_sessions(session: Session, account: Account, *, reason: str, now: datetime) -> int:
    """End every session of somebody's account; gives how many there were.

    Raises:
        BadInput: no reason given.
    """
    reason = require_reason(reason)
    user = session.get_one(User, account.user_id)
    ended = end_all(session, account, now=now, why=Ending.ADMINISTRATOR)
    record(
        session,
        "session.end",
        account,
        object_id=user.username,
        now=now,
        reason=reason,
        detail={"ended": ended},
    )
    session.flush()
    return ended


def revoke_grant(session: Session, grant: RoleGrant, *, by: str, reason: str, now: datetime) -> None:
    """Take a role back, at once; the account's sessions end.

    Raises:
        BadInput: no reason given.
        Refused: one's own grant, one that holds no more, or the last one of an administrator's role.
    """
    reason = require_reason(reason)
    user = session.get_one(User, grant.user_id)
    if user.username == by:
        raise Refused("不能收回自己的角色。", "Nobody revokes a role of their own.")
    if grant.revoked_at is not None:
        raise Refused("这项授权已经收回。", "This grant was revoked before.")
    if grant.role in ADMINISTRATORS:
        keep_last_of(session, grant.role, grant.user_id)
    grant.revoked_at = now
    end_sessions_of(session, session.get_one(Account, grant.user_id), now=now)
    record(
        session,
        "role.revoke",
        grant,
        object_id=user.username,
        now=now,
        reason=reason,
        detail={"role": grant.role.value},
    )
    session.flush()


def require_reason(reason: str) -> str:
    """Give the reason without spaces around it; a change of rights is never made without one."""
    reason = reason.strip()
    if len(reason) < 2:
        raise BadInput(
            "请填写理由，它会写入审计日志。", "Give a reason; it goes into the audit log.", "reason"
        )
    return reason[:400]
