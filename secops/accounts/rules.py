"""The rules of role grants: who may hold what together, what takes two people, who stays as the last one.

Everything that gives or takes a role asks here, so that pages, API and console can't differ.
"""

from __future__ import annotations

from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from secops.accounts.models import ADMINISTRATORS, Account, Role, RoleGrant
from secops.accounts.services import TOGETHER, active_grants
from secops.accounts.sessions import Ending, end_all
from secops.errors import BadInput, Refused
from secops.objects.models import Department
from secops.scope import principal_of

# Seen or steered from the top of the tree, these two reach every system.
_WIDE = frozenset({Role.OFFICER, Role.INSPECTOR})

_NAMES: dict[Role, tuple[str, str]] = {
    Role.SYSTEM_ADMIN: ("系统管理员", "system administrator"),
    Role.SECURITY_ADMIN: ("安全管理员", "security administrator"),
    Role.AUDIT_ADMIN: ("审计管理员", "audit administrator"),
}


def needs_two(role: Role, department: Department, system_id: int | None) -> bool:
    """Whether a grant takes a second person: an administrator's role, or a wide one at the root."""
    return role in ADMINISTRATORS or (role in _WIDE and department.parent_id is None and system_id is None)


def require_lawful(
    session: Session,
    user: User,
    role: Role,
    department: Department,
    system_id: int | None,
    valid_until: datetime | None,
    *,
    by: str,
    approved_by: str,
    now: datetime,
    asking: bool = False,
) -> Role:
    """Check one grant against every rule; with *asking* the second person may still be missing.

    Raises:
        BadInput, Refused: as :func:`secops.accounts.services.grant_role` says.
    """
    if user.username in (by, approved_by):
        raise Refused("不能给自己授权。", "Nobody grants a role to themselves.")
    if approved_by and approved_by == by:
        raise Refused("申请人与批准人不能是同一人。", "The one who asks can't be the one who approves.")
    if role is Role.ASSESSOR and valid_until is None:
        raise BadInput("测评人员的授权必须有截止日期。", "An assessor's grant needs an end date.", "until")
    if valid_until is not None and valid_until <= now:
        raise BadInput("截止日期须晚于今天。", "The end must lie in the future.", "until")
    together = {grant.role for grant in active_grants(session, user.id, now)} | {role}
    if together & ADMINISTRATORS and len(together) > 1:
        raise Refused(*TOGETHER)
    if role in ADMINISTRATORS and session.get_one(Account, user.id).valid_until is not None:
        raise Refused("有到期日的账号不能担任管理员。", "An account that ends can't be an administrator's.")
    # The console and the platform itself have no user: who owns the machine is outside of this rule.
    alone = principal_of(session).user_id is not None and not approved_by
    if alone and not asking and needs_two(role, department, system_id):
        raise Refused("这项授权需要第二个人批准。", "This grant needs a second person.")
    return role


def end_sessions_of(
    session: Session, account: Account, *, now: datetime, why: Ending = Ending.RIGHTS
) -> None:
    """A change of rights ends what runs under the old ones, at once and on every web worker."""
    end_all(session, account, now=now, why=why)


def keep_last(session: Session, user_id: int, now: datetime) -> None:
    """Refuse when the account is the last one of an administrator's role; holds a lock on the role until the commit.

    Raises:
        Refused
    """
    for grant in active_grants(session, user_id, now):
        if grant.role in ADMINISTRATORS:
            keep_last_of(session, grant.role, user_id)


def keep_last_of(session: Session, role: Role, user_id: int) -> None:
    """The same for one role. Only grants without an end count: one that ends by itself would leave nobody."""
    _lock(session, role)
    others = session.scalar(
        select(func.count(func.distinct(RoleGrant.user_id)))
        .join(User, User.id == RoleGrant.user_id)
        .where(
            RoleGrant.role == role,
            RoleGrant.user_id != user_id,
            RoleGrant.revoked_at.is_(None),
            RoleGrant.valid_until.is_(None),
            User.active.is_(True),
        )
    )
    if not others:
        raise Refused(
            f"这是最后一个{_NAMES[role][0]}，不能停用或收回。请先另外授权一人。",
            f"This is the last {_NAMES[role][1]}; grant the role to somebody else first.",
        )


def _lock(session: Session, role: Role) -> None:
    """Let removals from one role come one after the other: a write that changes nothing locks on either database."""
    session.execute(
        update(RoleGrant)
        .where(RoleGrant.role == role, RoleGrant.revoked_at.is_(None))
        .values(granted_at=RoleGrant.granted_at),
        execution_options={"synchronize_session": False},
    )
