"""Lists of accounts and grants: statements with everything a row shows, and how their columns read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, String, and_, cast, func, or_, select
from sqlalchemy.orm import Session

from secops.accounts.models import Account, RoleGrant
from secops.clock import utc_now
from secops.objects.models import Department
from secops.web.filters import local_time
from secops.web.labels import LABELS, label
from secops.web.lang import t
from secops.web.table_filters import Choice, Days
from secops.web.tables import Column, Statement, Table


def holds(now: datetime) -> ColumnElement[bool]:
    """Condition for grants that hold at *now*."""
    return and_(
        RoleGrant.revoked_at.is_(None), or_(RoleGrant.valid_until.is_(None), RoleGrant.valid_until > now)
    )


def account_statement(now: datetime) -> Statement:
    """Accounts with user, department and the roles that hold now as one comma-separated text."""
    roles = (
        select(func.aggregate_strings(cast(RoleGrant.role, String(32)), ","))
        .where(RoleGrant.user_id == Account.user_id, holds(now))
        .scalar_subquery()
        .label("roles")
    )
    return (
        select(Account, User, Department, roles)
        .join(User, User.id == Account.user_id)
        .join(Department, Department.id == Account.department_id)
    )


def account_state(row: Any) -> str:
    """``active``, ``first-login``, ``locked``, ``ended`` or ``disabled``."""
    if not row.User.active:
        return "disabled"
    if row.Account.ended(utc_now()):
        return "ended"
    if row.Account.locked_until is not None and row.Account.locked_until > utc_now():
        return "locked"
    return "first-login" if row.Account.must_change_password else "active"


def _account_clause(state: str) -> ColumnElement[bool]:
    now = utc_now()
    ended = and_(Account.valid_until.is_not(None), Account.valid_until <= now)
    open_ = and_(User.active.is_(True), ~ended)
    locked = and_(Account.locked_until.is_not(None), Account.locked_until > now)
    clauses = {
        "disabled": User.active.is_(False),
        "ended": and_(User.active.is_(True), ended),
        "locked": and_(open_, locked),
        "first-login": and_(open_, ~locked, Account.must_change_password.is_(True)),
        "active": and_(open_, ~locked, Account.must_change_password.is_(False)),
    }
    return clauses[state]


def _role_clause(role: str) -> ColumnElement[bool]:
    held = select(RoleGrant.id).where(
        RoleGrant.user_id == Account.user_id, RoleGrant.role == role, holds(utc_now())
    )
    return held.exists()


def roles_of(row: Any) -> list[str]:
    """Roles in the order of the closed list, each once."""
    held = set((row.roles or "").split(","))
    return [role for role in LABELS["role"] if role in held]


def departments(session: Session) -> list[tuple[str, str]]:
    """(id, name) of every department in the order of the tree."""
    rows = session.execute(select(Department.id, Department.name, Department.path).order_by(Department.path))
    return [(str(row.id), "　" * max(0, row.path.count("/") - 2) + row.name) for row in rows]


ACCOUNTS = Table(
    "accounts",
    (
        Column(
            "name",
            "姓名",
            "Name",
            lambda r: r.Account.display_name,
            sort=Account.display_name,
            note=lambda r: r.Account.post,
        ),
        Column("username", "用户名", "User name", lambda r: r.User.username, sort=User.username, kind="code"),
        Column("department", "部门", "Department", lambda r: r.Department.name, sort=Department.name),
        Column("roles", "角色", "Roles", roles_of, kind="badges", label="role", width="wide"),
        Column("state", "状态", "State", account_state, kind="badge", label="account_state"),
        Column(
            "login",
            "最近登录",
            "Last sign-in",
            lambda r: _last_login(r.User),
            sort=User.last_login,
            kind="time",
        ),
        Column(
            "until",
            "到期日",
            "Ends",
            lambda r: r.Account.valid_until,
            sort=Account.valid_until,
            kind="time",
            shown=False,
        ),
        Column(
            "logins",
            "登录次数",
            "Sign-ins",
            lambda r: r.User.login_count or 0,
            sort=User.login_count,
            kind="number",
            shown=False,
        ),
        Column(
            "changed",
            "密码修改时间",
            "Password changed",
            lambda r: r.Account.password_changed_at,
            sort=Account.password_changed_at,
            kind="time",
            shown=False,
        ),
        Column("example", "示例", "Example", lambda r: r.Account.is_example, kind="flag", shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", label="account_state", clause=_account_clause),
        Choice("role", "角色", "Role", label="role", clause=_role_clause),
        Choice("department", "部门", "Department", Account.department_id, options=departments, cast=int),
    ),
    search=(Account.display_name, User.username, Department.name, Account.post),
    default_sort="username",
    search_hint=("搜索姓名、用户名、部门", "Search name, user name, department"),
    row_tone=lambda r: "mute" if not r.User.active else "",
)


def _last_login(user: User) -> datetime | None:
    # FAB's column is naive; the platform writes UTC into it.
    return user.last_login.replace(tzinfo=UTC) if user.last_login else None


def grant_statement() -> Statement:
    """Grants with account, user and department."""
    return (
        select(RoleGrant, Account, User, Department)
        .join(Account, Account.user_id == RoleGrant.user_id)
        .join(User, User.id == RoleGrant.user_id)
        .join(Department, Department.id == RoleGrant.department_id)
    )


def grant_state(row: Any) -> str:
    """``active``, ``ended`` or ``revoked``."""
    if row.RoleGrant.revoked_at is not None:
        return "revoked"
    until = row.RoleGrant.valid_until
    return "ended" if until is not None and until <= utc_now() else "active"


def _grant_clause(state: str) -> ColumnElement[bool]:
    now = utc_now()
    clauses = {
        "active": holds(now),
        "revoked": RoleGrant.revoked_at.is_not(None),
        "ended": and_(RoleGrant.revoked_at.is_(None), RoleGrant.valid_until <= now),
    }
    return clauses[state]


def _scope(row: Any) -> str:
    if row.RoleGrant.system_id is not None:
        return t("仅一个系统", "one system only")
    return t("含下级部门", "with departments below")


def _until(row: Any) -> str:
    until = row.RoleGrant.valid_until
    return local_time(until)[:10] if until else t("长期", "no end")


GRANTS = Table(
    "grants",
    (
        Column(
            "name",
            "账号",
            "Account",
            lambda r: r.Account.display_name,
            sort=Account.display_name,
            note=lambda r: r.User.username,
        ),
        Column(
            "role",
            "角色",
            "Role",
            lambda r: r.RoleGrant.role,
            sort=RoleGrant.role,
            kind="badge",
            label="role",
        ),
        Column("department", "范围", "Scope", lambda r: r.Department.name, sort=Department.name, note=_scope),
        Column("until", "有效期至", "Until", _until, sort=RoleGrant.valid_until),
        Column("state", "状态", "State", grant_state, kind="badge", label="grant_state"),
        Column("by", "授权人", "Granted by", lambda r: r.RoleGrant.granted_by, sort=RoleGrant.granted_by),
        Column(
            "at",
            "授权时间",
            "Granted at",
            lambda r: r.RoleGrant.granted_at,
            sort=RoleGrant.granted_at,
            kind="time",
        ),
        Column(
            "revoked",
            "收回时间",
            "Revoked at",
            lambda r: r.RoleGrant.revoked_at,
            sort=RoleGrant.revoked_at,
            kind="time",
            shown=False,
        ),
    ),
    filters=(
        Choice("state", "状态", "State", label="grant_state", clause=_grant_clause),
        Choice("role", "角色", "Role", RoleGrant.role, label="role"),
        Days("at", "授权时间", "Granted at", RoleGrant.granted_at),
    ),
    search=(Account.display_name, User.username, Department.name, RoleGrant.granted_by),
    default_sort="-at",
    search_hint=("搜索账号、部门、授权人", "Search account, department, grantor"),
    row_tone=lambda r: "" if grant_state(r) == "active" else "mute",
    empty=(
        "还没有授权。",
        "No grant yet.",
        "先由系统管理员建立账号，再在这里授予角色。",
        "The system administrator makes accounts; roles are granted here.",
    ),
)


def role_options() -> list[tuple[str, str, str]]:
    """(role, words, what it may do) for the form."""
    notes = {
        "system-admin": (
            "建账号、设置、备份；不能授权，看不到问题",
            "accounts, settings, backup; grants nothing, sees no finding",
        ),
        "security-admin": ("授予和收回角色；看不到问题", "grants and revokes roles; sees no finding"),
        "audit-admin": ("只看审计日志", "the audit log only"),
        "officer": ("登记、检查、审批、跟踪整改", "registers, checks, approves, follows remediation"),
        "contact": ("本部门的登记、检查和整改", "the same for one department"),
        "owner": ("提交证据、整改自己的系统", "submits evidence and mends own systems"),
        "assessor": ("逐项判定，须有截止日期", "decides item by item; needs an end date"),
        "inspector": ("范围内只读和导出", "reads and exports in scope"),
        "leader": ("只看总览和报告", "overview and reports only"),
        "api-client": ("供程序调用接口", "for programs that call the API"),
    }
    return [(role, label("role", role).text, t(*notes[role])) for role in LABELS["role"]]
