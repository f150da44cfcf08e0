"""Accounts, grants, and the decision who somebody is right now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from secops.accounts.models import ADMINISTRATORS, Account, Role, RoleGrant
from secops.accounts.passwords import check_password, hash_password, one_time_password, require_acceptable
from secops.accounts.sessions import Ending, end_all
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused
from secops.objects.models import Department
from secops.scope import Principal

MAX_FAILURES = 5
LOCK_FOR = timedelta(minutes=30)
FAB_ROLE = "secops"
TOGETHER = (
    "三员分立：管理员角色之间、管理员与业务角色之间不能兼任。",
    "An administrator's role is held alone: not with another administrator's, not with a business role.",
)


@dataclass(frozen=True, slots=True)
class LoginResult:
    """Outcome of one attempt; the page says the same for every refusal, the audit log says which it was."""

    user_id: int | None
    why: str


def create_account(
    session: Session,
    *,
    username: str,
    display_name: str,
    department: Department,
    password: str,
    now: datetime,
    post: str = "",
    email: str = "",
    is_example: bool = False,
) -> Account:
    """Add an account without any role; its first log-in must change the password."""
    require_acceptable(password, username)
    if session.scalar(select(User).where(User.username == username)) is not None:
        raise BadInput(f"用户名 {username} 已存在。", f"The user name {username} is taken.", "username")
    fab_role = session.scalar(select(FabRole).where(FabRole.name == FAB_ROLE))
    if fab_role is None:
        fab_role = FabRole(name=FAB_ROLE)
        session.add(fab_role)
    user = User(
        username=username,
        first_name=display_name,
        last_name="",
        email=email or f"{username}@local.invalid",
        active=True,
        password=hash_password(password),
        roles=[fab_role],
    )
    session.add(user)
    session.flush()
    account = Account(
        user_id=user.id,
        department_id=department.id,
        display_name=display_name,
        post=post,
        must_change_password=True,
        is_example=is_example,
    )
    session.add(account)
    record(
        session,
        "account.create",
        account,
        object_id=username,
        now=now,
        detail={"department": department.code},
    )
    session.flush()
    return account


def grant_role(
    session: Session,
    *,
    account: Account,
    role: Role,
    department: Department,
    by: str,
    now: datetime,
    system_id: int | None = None,
    valid_until: datetime | None = None,
    reason: str = "",
    assignment: str = "",
    approved_by: str = "",
) -> RoleGrant:
    """Give one role and end the sessions of the account.

    The database holds the same rules by triggers, so that two grants at one time or a write past this function
    can't break them.

    Args:
        assignment: the assessment that an assessor was called for.
        approved_by: the second person, for grants that need one; see ``secops.accounts.approvals``.

    Raises:
        BadInput: an assessor's grant without an end, or an end in the past.
        Refused: the account would hold two administrators' roles, or one beside a business role; *by* or the
            second person grants to itself; a person grants alone what takes two.
    """
    from secops.accounts.rules import end_sessions_of, require_lawful

    user = session.get_one(User, account.user_id)
    wanted = require_lawful(
        session, user, role, department, system_id, valid_until, by=by, approved_by=approved_by, now=now
    )
    grant = RoleGrant(
        user_id=account.user_id,
        role=wanted,
        department_id=department.id,
        system_id=system_id,
        valid_until=valid_until,
        granted_by=by,
        granted_at=now,
        assignment=assignment,
        approved_by=approved_by,
    )
    session.add(grant)
    end_sessions_of(session, account, now=now)
    record(
        session,
        "role.grant",
        grant,
        object_id=user.username,
        now=now,
        reason=reason,
        detail={
            "role": role.value,
            "department": department.code,
            "system": system_id,
            "assignment": assignment,
            "approved_by": approved_by,
        },
    )
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused(*TOGETHER) from error
    return grant


def active_grants(session: Session, user_id: int, now: datetime) -> list[RoleGrant]:
    """Grants that hold at *now*."""
    query = select(RoleGrant).where(
        RoleGrant.user_id == user_id,
        RoleGrant.revoked_at.is_(None),
        or_(RoleGrant.valid_until.is_(None), RoleGrant.valid_until > now),
    )
    return list(session.scalars(query))


def principal_for(session: Session, user: User, now: datetime, **where: str) -> Principal:
    """What this user may see and is, from the grants that hold now; *where* = address, session_ref, request_id."""
    grants = active_grants(session, user.id, now)
    roles = frozenset(grant.role.value for grant in grants)
    departments: set[int] = set()
    systems: set[int] = set()
    everything = False
    tops = {
        grant.department_id
        for grant in grants
        if grant.system_id is None and grant.role not in ADMINISTRATORS
    }
    systems.update(grant.system_id for grant in grants if grant.system_id is not None)
    if tops:
        rows = session.execute(select(Department.id, Department.path, Department.parent_id)).all()
        paths = {row.id: row.path for row in rows}
        roots = {row.id for row in rows if row.parent_id is None}
        everything = bool(tops & roots)
        departments = {
            row.id for row in rows if any(row.path.startswith(paths[top]) for top in tops if top in paths)
        }
    return Principal(
        name=user.username,
        user_id=user.id,
        roles=roles,
        department_ids=frozenset(departments),
        system_ids=frozenset(systems),
        everything=everything,
        # Read with the account, which the request holds already.
        clearance=session.get_one(Account, user.id).clearance,
        **where,
    )


# Checked when the name is unknown, so that both cases take the same time.
_NOBODYS_HASH: list[str] = []


def authenticate(
    session: Session, username: str, password: str, *, now: datetime, address: str
) -> LoginResult:
    """Check a password, count failures, lock after five; always costs one hash.

    Writes its own audit event; the caller commits before it answers.
    """
    if not _NOBODYS_HASH:
        _NOBODYS_HASH.append(hash_password("nobody has this password"))
    user = session.scalar(select(User).where(User.username == username))
    account = session.get(Account, user.id) if user is not None else None
    stored = user.password if user is not None and user.password else _NOBODYS_HASH[0]
    right = check_password(stored, password)
    why = _refusal(user, account, right, now)
    actor = Principal(name=username[:100], user_id=user.id if user else None, address=address)
    if why is None:
        assert user is not None
        assert account is not None
        account.failed_logins = 0
        account.locked_until = None
        user.last_login = now.replace(tzinfo=None)
        user.login_count = (user.login_count or 0) + 1
        record(session, "login", account, object_id=username, now=now, actor=actor)
        return LoginResult(user.id, "ok")
    if account is not None and why == "password":
        account.failed_logins += 1
        if account.failed_logins >= MAX_FAILURES:
            account.locked_until = now + LOCK_FOR
            account.failed_logins = 0
    record(
        session, "login", account, object_id=username[:80], now=now, actor=actor, result="refused", reason=why
    )
    return LoginResult(None, why)


def _refusal(user: User | None, account: Account | None, right: bool, now: datetime) -> str | None:
    if user is None or account is None:
        return "unknown"
    if not user.active:
        return "disabled"
    if account.locked_until is not None and account.locked_until > now:
        return "locked"
    return None if right else "password"


def change_password(session: Session, user: User, *, old: str, new: str, again: str, now: datetime) -> None:
    """Replace the password and end every session of the account.

    Raises:
        BadInput: the old one is wrong, the two new ones differ, the new one breaks a rule or is the old one.
    """
    account = session.get_one(Account, user.id)
    if not check_password(user.password, old):
        raise BadInput("原密码不正确。", "The current password is wrong.", "old_password")
    if new != again:
        raise BadInput("两次输入的新密码不一致。", "The two new passwords differ.", "again")
    if new == old:
        raise BadInput("新密码不能与原密码相同。", "The new password equals the old one.", "new_password")
    require_acceptable(new, user.username)
    user.password = hash_password(new)
    account.must_change_password = False
    account.password_changed_at = now
    end_all(session, account, now=now, why=Ending.PASSWORD)
    record(session, "password.change", account, object_id=user.username, now=now)


def reset_password(session: Session, username: str, *, now: datetime) -> str:
    """Give an account a new one-time password; ends its sessions and lifts a lock. Returns the password.

    Raises:
        NotFound: no such account.
    """
    user = session.scalar(select(User).where(User.username == username))
    account = session.get(Account, user.id) if user is not None else None
    if user is None or account is None:
        raise NotFound(f"没有账号 {username}。", f"There is no account {username}.")
    password = one_time_password()
    user.password = hash_password(password)
    account.must_change_password = True
    account.failed_logins = 0
    account.locked_until = None
    end_all(session, account, now=now, why=Ending.PASSWORD)
    record(session, "password.reset", account, object_id=username, now=now)
    return password


def account_rows(session: Session) -> list[dict[str, Any]]:
    """Accounts with their departments and roles for the administrators' list; two queries whatever the number."""
    now_grants: dict[int, list[str]] = {}
    for grant in session.scalars(select(RoleGrant).where(RoleGrant.revoked_at.is_(None))):
        now_grants.setdefault(grant.user_id, []).append(grant.role.value)
    query = (
        select(User, Account, Department)
        .join(Account, Account.user_id == User.id)
        .join(Department, Department.id == Account.department_id)
        .order_by(User.username)
    )
    return [
        {"user": user, "account": account, "department": department, "roles": now_grants.get(user.id, [])}
        for user, account, department in session.execute(query)
    ]
