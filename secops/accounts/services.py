"""Accounts, grants, and the decision who somebody is right now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from secops.accounts import throttle
from secops.accounts.factors import FACTOR
from secops.accounts.identity import LOCAL
from secops.accounts.models import ADMINISTRATORS, Account, PasswordHistory, Role, RoleGrant
from secops.accounts.passwords import (
    HISTORY,
    check_password,
    hash_password,
    is_outdated,
    one_time_password,
    require_acceptable,
)
from secops.accounts.sessions import Ending, end_all
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused
from secops.keyring import keys_of
from secops.objects.models import Department, System
from secops.scope import Principal, principal_of

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
    needs_code: bool = False


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
    valid_until: datetime | None = None,
) -> Account:
    """Add an account without any role; its first log-in must change the password.

    Raises:
        BadInput: the name is taken, the password breaks a rule, or the end lies in the past.
    """
    if valid_until is not None and valid_until <= now:
        raise BadInput("到期日须晚于今天。", "The end must lie in the future.", "until")
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
        password=hash_password(password, keys_of(session)),
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
        valid_until=valid_until,
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


def grants_with_places(
    session: Session, user_id: int, now: datetime
) -> list[tuple[RoleGrant, str, str | None]]:
    """Grants that hold at *now*, each with its department and, for a single system, that system; one query."""
    rows = session.execute(
        select(RoleGrant, Department.name, System.name)
        .join(Department, Department.id == RoleGrant.department_id)
        .outerjoin(System, System.id == RoleGrant.system_id)
        .where(
            RoleGrant.user_id == user_id,
            RoleGrant.revoked_at.is_(None),
            or_(RoleGrant.valid_until.is_(None), RoleGrant.valid_until > now),
        )
        .order_by(RoleGrant.id)
    )
    return [(row[0], row[1], row[2]) for row in rows]


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


def acting_for(session: Session, name: str, now: datetime) -> Principal | None:
    """Who *name* is now, for work that goes on in that person's name; None when the account is gone or disabled.

    What the platform or the console asked for goes on with the platform's own eye.
    """
    user = session.scalar(select(User).where(User.username == name))
    if user is not None:
        if not user.active or session.get_one(Account, user.id).ended(now):
            return None
        return principal_for(session, user, now)
    # Asked for last: an account that calls itself so gets no more than its own grants.
    if name == "cli" or name.startswith("platform:"):
        return Principal.platform(name.removeprefix("platform:"))
    return None


def authenticate(
    session: Session, username: str, password: str, *, now: datetime, address: str
) -> LoginResult:
    """Check a password under the limits of :mod:`secops.accounts.throttle`; known and unknown names cost one hash.

    Writes its own audit event; the caller commits before it answers.
    """
    user = session.scalar(select(User).where(User.username == username))
    account = session.get(Account, user.id) if user is not None else None
    attempt = throttle.begin(session, throttle.Path.LOGIN, user.id if user else None, address, now)
    actor = Principal(name=username[:100], user_id=user.id if user else None, address=address)
    # Over the limit of an address or in total nothing is looked at, whoever is named: the hash is what costs.
    looked_at = attempt.refused not in ("address", "total")
    right = looked_at and LOCAL.check(session, user, password)
    why = _refusal(user, account, right, now) if looked_at else attempt.refused
    if why is None and attempt.refused:
        why = attempt.refused
    if why is None:
        assert user is not None
        assert account is not None
        throttle.succeed(session, attempt)
        needs_code = FACTOR.is_enrolled(session, user.id)
        if is_outdated(user.password):
            user.password = hash_password(password, keys_of(session))
        if needs_code:
            record(session, "login.password", account, object_id=username, now=now, actor=actor)
            return LoginResult(user.id, "ok", needs_code=True)
        throttle.forgive(session, user.id)
        account.locked_until = None
        user.last_login = now.replace(tzinfo=None)
        user.login_count = (user.login_count or 0) + 1
        record(session, "login", account, object_id=username, now=now, actor=actor)
        return LoginResult(user.id, "ok")
    record(
        session, "login", account, object_id=username[:80], now=now, actor=actor, result="refused", reason=why
    )
    if account is not None and why == "password":
        note_failure(session, account, username, now=now, actor=actor)
    return LoginResult(None, why)


def note_failure(
    session: Session, account: Account, username: str, *, now: datetime, actor: Principal
) -> None:
    """Lock the account when this failure was one too many, and say so."""
    if throttle.lock_if_due(session, account, now):
        record(session, "account.lock", account, object_id=username, now=now, actor=actor)


def confirm_identity(
    session: Session, account: Account, password: str, *, now: datetime, address: str
) -> bool:
    """Ask a signed-in person for the password again, under the same limits; the caller commits."""
    user = session.get_one(User, account.user_id)
    attempt = throttle.begin(session, throttle.Path.REAUTH, user.id, address, now)
    right = not attempt.refused and LOCAL.check(session, user, password)
    locked = account.locked_until is not None and account.locked_until > now
    if right and not locked:
        throttle.succeed(session, attempt)
        record(session, "reauth", account, object_id=user.username, now=now)
        return True
    why = "locked" if locked else attempt.refused or "password"
    record(session, "reauth", account, object_id=user.username, now=now, result="refused", reason=why)
    note_failure(session, account, user.username, now=now, actor=principal_of(session))
    return False


def check_factor(
    session: Session, account: Account, answer: str, *, now: datetime, address: str, path: throttle.Path
) -> bool:
    """Check a second factor under the limits of every secret; the caller commits, whatever the answer.

    At the log-in this is its second half, so the log-in counts as done only here.
    """
    user = session.get_one(User, account.user_id)
    attempt = throttle.begin(session, path, user.id, address, now)
    locked = account.locked_until is not None and account.locked_until > now
    right = not attempt.refused and not locked and bool(user.active) and not account.ended(now)
    right = right and FACTOR.verify(session, user.id, answer, now)
    action = "login" if path is throttle.Path.CODE else "reauth"
    actor = Principal(name=user.username, user_id=user.id, address=address)
    if not right:
        why = "locked" if locked else attempt.refused or ("code" if user.active else "disabled")
        record(
            session,
            action,
            account,
            object_id=user.username,
            now=now,
            actor=actor,
            result="refused",
            reason=why,
        )
        note_failure(session, account, user.username, now=now, actor=actor)
        return False
    throttle.succeed(session, attempt)
    record(session, action, account, object_id=user.username, now=now, actor=actor, detail={"factor": True})
    if path is throttle.Path.CODE:
        throttle.forgive(session, user.id)
        user.last_login = now.replace(tzinfo=None)
        user.login_count = (user.login_count or 0) + 1
    return True


def _refusal(user: User | None, account: Account | None, right: bool, now: datetime) -> str | None:
    if user is None or account is None:
        return "unknown"
    if not user.active:
        return "disabled"
    if account.ended(now):
        return "ended"
    if account.locked_until is not None and account.locked_until > now:
        return "locked"
    return None if right else "password"


def change_password(session: Session, user: User, *, old: str, new: str, again: str, now: datetime) -> None:
    """Replace the password and end every session of the account.

    Raises:
        BadInput: the old one is wrong, the two new ones differ, the new one breaks a rule or is the old one.
    """
    account = session.get_one(Account, user.id)
    keys = keys_of(session)
    if not check_password(user.password, old, keys):
        raise BadInput("原密码不正确。", "The current password is wrong.", "old_password")
    if new != again:
        raise BadInput("两次输入的新密码不一致。", "The two new passwords differ.", "again")
    if new == old:
        raise BadInput("新密码不能与原密码相同。", "The new password equals the old one.", "new_password")
    require_acceptable(new, user.username)
    _require_unused(session, user, new)
    _keep_old(session, user, now)
    user.password = hash_password(new, keys)
    account.must_change_password = False
    account.password_changed_at = now
    end_all(session, account, now=now, why=Ending.PASSWORD)
    record(session, "password.change", account, object_id=user.username, now=now)


def _require_unused(session: Session, user: User, new: str) -> None:
    keys = keys_of(session)
    used = select(PasswordHistory.hash).where(PasswordHistory.user_id == user.id)
    latest = session.scalars(used.order_by(PasswordHistory.id.desc()).limit(HISTORY - 1)).all()
    if any(check_password(stored, new, keys) for stored in latest):
        raise BadInput(
            f"不能使用最近 {HISTORY} 个用过的密码。",
            f"The last {HISTORY} passwords can't be used again.",
            "new_password",
        )


def _keep_old(session: Session, user: User, now: datetime) -> None:
    """Remember the hash that is about to go; what is older than the history is forgotten."""
    if not user.password:
        return
    session.add(PasswordHistory(user_id=user.id, hash=user.password, replaced_at=now))
    session.flush()
    newest = (
        select(PasswordHistory.id)
        .where(PasswordHistory.user_id == user.id)
        .order_by(PasswordHistory.id.desc())
        .limit(HISTORY - 1)
    )
    kept = session.scalars(newest).all()
    session.execute(
        delete(PasswordHistory).where(PasswordHistory.user_id == user.id, PasswordHistory.id.not_in(kept))
    )


def is_expired(account: Account, days: int, now: datetime) -> bool:
    """Whether a password of one's own is older than *days*; a one-time password must be changed anyway."""
    changed = account.password_changed_at
    return changed is not None and now - changed >= timedelta(days=days)


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
    _keep_old(session, user, now)
    user.password = hash_password(password, keys_of(session))
    account.must_change_password = True
    throttle.forgive(session, user.id)
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
