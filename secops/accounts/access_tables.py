"""Lists of the security administrator: requests that take two people, labels and clearances, the quarterly review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import url_for
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, and_, func, or_, select

from secops.accounts.models import Account, GrantKind, GrantRequest, RequestState, RoleGrant
from secops.accounts.tables import departments, holds
from secops.clock import utc_now
from secops.evidence.models import BlobState, Evidence
from secops.objects.models import Department, System
from secops.sensitivity import Sensitivity
from secops.web.filters import local_time
from secops.web.labels import label
from secops.web.lang import t
from secops.web.table_filters import Choice, Days
from secops.web.tables import BulkAction, Column, Statement, Table

REVIEW_EVERY = timedelta(days=92)
UNUSED_AFTER = timedelta(days=90)


def sensitivity_word(value: int | None) -> str:
    """The word of a stored label; "" for none."""
    return Sensitivity(value).word if value is not None else ""


def sensitivity_options() -> list[tuple[str, str]]:
    """(word, words) in rising order."""
    return [(member.word, label("sensitivity", member.word).text) for member in Sensitivity]


def _by_rank(column: Any) -> Any:
    return lambda word: column == Sensitivity[word.upper()].value


# ---- requests --------------------------------------------------------------------------------------------------


def request_statement() -> Statement:
    """Requests with account, user and department."""
    return (
        select(GrantRequest, Account, User, Department)
        .join(Account, Account.user_id == GrantRequest.user_id)
        .join(User, User.id == GrantRequest.user_id)
        .outerjoin(Department, Department.id == GrantRequest.department_id)
    )


def request_state(request: GrantRequest, now: datetime) -> str:
    """The stored state, or ``expired``."""
    if request.state is RequestState.PENDING and request.expires_at <= now:
        return "expired"
    return request.state.value


def _state_clause(state: str) -> ColumnElement[bool]:
    now = utc_now()
    pending = GrantRequest.state == RequestState.PENDING
    if state == "expired":
        return and_(pending, GrantRequest.expires_at <= now)
    if state == "pending":
        return and_(pending, GrantRequest.expires_at > now)
    return GrantRequest.state == RequestState(state)


def _asked(row: Any) -> str:
    request = row.GrantRequest
    if request.role is not None:
        return label("role", request.role).text
    if request.kind is GrantKind.FACTOR:
        return t("重置第二因素", "Reset of the second factor")
    return label("sensitivity", sensitivity_word(request.clearance)).text


def _scope(row: Any) -> str:
    request = row.GrantRequest
    if row.Department is None:
        return ""
    return f"{row.Department.name}{t('（仅一个系统）', ' (one system)') if request.system_id else ''}"


def _decided(row: Any) -> str | None:
    request = row.GrantRequest
    return request.decision_reason or None


REQUESTS = Table(
    "requests",
    (
        Column(
            "name",
            "给谁",
            "For",
            lambda r: r.Account.display_name,
            sort=Account.display_name,
            note=lambda r: r.User.username,
        ),
        Column(
            "asked",
            "申请内容",
            "Asked for",
            _asked,
            note=lambda r: label("grant_kind", r.GrantRequest.kind).text,
        ),
        Column("scope", "范围", "Scope", _scope),
        Column(
            "reason",
            "理由",
            "Reason",
            lambda r: r.GrantRequest.reason,
            width="wide",
            note=lambda r: r.GrantRequest.assignment or None,
        ),
        Column(
            "state",
            "状态",
            "State",
            lambda r: request_state(r.GrantRequest, utc_now()),
            kind="badge",
            label="request_state",
        ),
        Column(
            "by", "申请人", "Asked by", lambda r: r.GrantRequest.requested_by, sort=GrantRequest.requested_by
        ),
        Column(
            "at",
            "申请时间",
            "Asked at",
            lambda r: r.GrantRequest.requested_at,
            sort=GrantRequest.requested_at,
            kind="time",
        ),
        Column(
            "expires",
            "截止处理",
            "Decide by",
            lambda r: r.GrantRequest.expires_at,
            sort=GrantRequest.expires_at,
            kind="time",
            shown=False,
        ),
        Column("decided", "决定人", "Decided by", lambda r: r.GrantRequest.decided_by, note=_decided),
        Column(
            "decided_at",
            "决定时间",
            "Decided at",
            lambda r: r.GrantRequest.decided_at,
            sort=GrantRequest.decided_at,
            kind="time",
            shown=False,
        ),
    ),
    filters=(
        Choice("state", "状态", "State", label="request_state", clause=_state_clause),
        Choice("kind", "种类", "Kind", GrantRequest.kind, label="grant_kind"),
        Days("at", "申请时间", "Asked at", GrantRequest.requested_at),
    ),
    search=(Account.display_name, User.username, GrantRequest.reason, GrantRequest.requested_by),
    default_sort="-at",
    search_hint=("搜索姓名、理由、申请人", "Search name, reason, requester"),
    row_tone=lambda r: "" if request_state(r.GrantRequest, utc_now()) == "pending" else "mute",
    empty=(
        "没有授权申请。",
        "No grant request.",
        "三员、全区范围的专员和检查人员、敏感以上的可查看级别须由第二个人批准。",
        "Administrators' roles, officers and inspectors at the root, and clearances above the usual take two people.",
    ),
)


# ---- labels ----------------------------------------------------------------------------------------------------


def system_label_statement() -> Statement:
    """Systems with their departments."""
    return select(System, Department).join(Department, Department.id == System.department_id)


SYSTEM_LABELS = Table(
    "labels-systems",
    (
        Column(
            "name",
            "系统",
            "System",
            lambda r: r.System.name,
            sort=System.name,
            note=lambda r: r.System.code,
            width="wide",
        ),
        Column("department", "部门", "Department", lambda r: r.Department.name, sort=Department.name),
        Column(
            "label",
            "敏感度",
            "Label",
            lambda r: sensitivity_word(r.System.sensitivity),
            sort=System.sensitivity,
            kind="badge",
            label="sensitivity",
        ),
    ),
    filters=(
        Choice("label", "敏感度", "Label", label="sensitivity", clause=_by_rank(System.sensitivity)),
        Choice("department", "部门", "Department", System.department_id, options=departments, cast=int),
    ),
    search=(System.name, System.code, Department.name),
    default_sort="-label",
    search_hint=("搜索系统、编号、部门", "Search system, code, department"),
)


def evidence_label_statement() -> Statement:
    """Kept evidence with its system; what is still on its way shows when it is whole."""
    return (
        select(Evidence, System)
        .join(System, System.id == Evidence.system_id)
        .where(Evidence.blob_state == BlobState.OK)
    )


EVIDENCE_LABELS = Table(
    "labels-evidence",
    (
        Column("title", "证据", "Evidence", lambda r: r.Evidence.title, sort=Evidence.title, width="wide"),
        Column(
            "system",
            "系统",
            "System",
            lambda r: r.System.name,
            sort=System.name,
            note=lambda r: r.System.code,
        ),
        Column(
            "label",
            "敏感度",
            "Label",
            lambda r: sensitivity_word(r.Evidence.sensitivity),
            sort=Evidence.sensitivity,
            kind="badge",
            label="sensitivity",
            note=lambda r: (
                t("系统标记更高", "the system's label is higher")
                if r.System.sensitivity > r.Evidence.sensitivity
                else None
            ),
        ),
        Column(
            "at", "收到时间", "Received", lambda r: r.Evidence.given_at, sort=Evidence.given_at, kind="time"
        ),
    ),
    filters=(
        Choice("label", "敏感度", "Label", label="sensitivity", clause=_by_rank(Evidence.sensitivity)),
        Days("at", "收到时间", "Received", Evidence.given_at),
    ),
    search=(Evidence.title, System.name, System.code),
    default_sort="-at",
    search_hint=("搜索证据、系统", "Search evidence, system"),
)


def clearance_statement() -> Statement:
    """Open accounts with user and department."""
    return (
        select(Account, User, Department)
        .join(User, User.id == Account.user_id)
        .join(Department, Department.id == Account.department_id)
        .where(User.active.is_(True))
    )


PEOPLE_LABELS = Table(
    "labels-people",
    (
        Column(
            "name",
            "姓名",
            "Name",
            lambda r: r.Account.display_name,
            sort=Account.display_name,
            note=lambda r: r.User.username,
        ),
        Column("department", "部门", "Department", lambda r: r.Department.name, sort=Department.name),
        Column(
            "label",
            "可查看级别",
            "Clearance",
            lambda r: sensitivity_word(r.Account.clearance),
            sort=Account.clearance,
            kind="badge",
            label="sensitivity",
        ),
    ),
    filters=(
        Choice("label", "可查看级别", "Clearance", label="sensitivity", clause=_by_rank(Account.clearance)),
        Choice("department", "部门", "Department", Account.department_id, options=departments, cast=int),
    ),
    search=(Account.display_name, User.username, Department.name),
    default_sort="-label",
    search_hint=("搜索姓名、用户名、部门", "Search name, user name, department"),
)


# ---- quarterly review ------------------------------------------------------------------------------------------


def last_login(user: User) -> datetime | None:
    # FAB's column is naive; the platform writes UTC into it.
    return user.last_login.replace(tzinfo=UTC) if user.last_login else None


def review_statement(now: datetime) -> Statement:
    """Every open account with each of its grants; accounts without a grant stand there once."""
    return (
        select(Account, User, RoleGrant, Department)
        .join(User, User.id == Account.user_id)
        .outerjoin(RoleGrant, and_(RoleGrant.user_id == Account.user_id, holds(now)))
        .outerjoin(Department, Department.id == func.coalesce(RoleGrant.department_id, Account.department_id))
        .where(User.active.is_(True))
    )


def reviewed_since() -> ColumnElement[Any]:
    """When a grant was last looked at: its review, else its making."""
    return func.coalesce(RoleGrant.reviewed_at, RoleGrant.granted_at)


def due_clause(now: datetime) -> ColumnElement[bool]:
    """Grants whose last look is a quarter ago."""
    return and_(RoleGrant.id.is_not(None), reviewed_since() < now - REVIEW_EVERY)


def unused_clause(now: datetime) -> ColumnElement[bool]:
    """Accounts whose last log-in is 90 days ago; one that never logged in counts from its oldest grant."""
    # FAB's column is naive UTC.
    floor = (now - UNUSED_AFTER).replace(tzinfo=None)
    return or_(
        User.last_login < floor,
        and_(User.last_login.is_(None), RoleGrant.granted_at < now - UNUSED_AFTER),
    )


def is_due(row: Any, now: datetime) -> bool:
    grant = row.RoleGrant
    return grant is not None and (grant.reviewed_at or grant.granted_at) < now - REVIEW_EVERY


def is_unused(row: Any, now: datetime) -> bool:
    seen = last_login(row.User)
    if seen is None:
        return row.RoleGrant is not None and row.RoleGrant.granted_at < now - UNUSED_AFTER
    return bool(seen < now - UNUSED_AFTER)


def review_states(row: Any) -> list[str]:
    """What speaks for looking at this line."""
    now = utc_now()
    found = [name for name, holds_ in (("due", is_due(row, now)), ("unused", is_unused(row, now))) if holds_]
    return found or (["reviewed"] if row.RoleGrant is not None and row.RoleGrant.reviewed_at else [])


def _review_clause(state: str) -> ColumnElement[bool]:
    now = utc_now()
    clauses = {
        "due": due_clause(now),
        "unused": unused_clause(now),
        "reviewed": and_(RoleGrant.reviewed_at.is_not(None), ~due_clause(now)),
    }
    return clauses[state]


def _granted(row: Any) -> datetime | None:
    return row.RoleGrant.granted_at if row.RoleGrant is not None else None


def _end(row: Any) -> str:
    if row.RoleGrant is None:
        return ""
    until = row.RoleGrant.valid_until
    return local_time(until)[:10] if until else t("长期", "no end")


REVIEW = Table(
    "review",
    (
        Column(
            "name",
            "账号",
            "Account",
            lambda r: r.Account.display_name,
            # One account has several lines; its grants keep an order of their own.
            sort=(Account.display_name, RoleGrant.id),
            note=lambda r: r.User.username,
        ),
        Column("username", "用户名", "User name", lambda r: r.User.username, kind="code", shown=False),
        Column(
            "role",
            "角色",
            "Role",
            lambda r: r.RoleGrant.role if r.RoleGrant is not None else None,
            sort=RoleGrant.role,
            kind="badge",
            label="role",
        ),
        Column(
            "scope",
            "范围",
            "Scope",
            lambda r: r.Department.name if r.Department is not None else "",
            sort=Department.name,
            note=lambda r: (
                t("仅一个系统", "one system") if r.RoleGrant is not None and r.RoleGrant.system_id else None
            ),
        ),
        Column(
            "clearance",
            "可查看级别",
            "Clearance",
            lambda r: sensitivity_word(r.Account.clearance),
            sort=Account.clearance,
            kind="badge",
            label="sensitivity",
            shown=False,
        ),
        Column("since", "授权时间", "Since", _granted, sort=RoleGrant.granted_at, kind="time"),
        Column(
            "by",
            "授权人",
            "Granted by",
            lambda r: r.RoleGrant.granted_by if r.RoleGrant is not None else "",
            note=lambda r: r.RoleGrant.approved_by or None if r.RoleGrant is not None else None,
        ),
        Column("until", "有效期至", "Until", _end, sort=RoleGrant.valid_until),
        Column(
            "login",
            "最近登录",
            "Last log-in",
            lambda r: last_login(r.User),
            sort=User.last_login,
            kind="time",
        ),
        Column("state", "复核", "Review", review_states, kind="badges", label="review_state"),
        Column(
            "reviewed",
            "复核时间",
            "Reviewed",
            lambda r: r.RoleGrant.reviewed_at if r.RoleGrant is not None else None,
            sort=RoleGrant.reviewed_at,
            kind="time",
            note=lambda r: r.RoleGrant.reviewed_by or None if r.RoleGrant is not None else None,
            shown=False,
        ),
    ),
    filters=(
        Choice("state", "复核", "Review", label="review_state", clause=_review_clause),
        Choice("role", "角色", "Role", RoleGrant.role, label="role"),
        Choice("department", "部门", "Department", Account.department_id, options=departments, cast=int),
    ),
    search=(Account.display_name, User.username, Department.name),
    default_sort="name",
    page_sizes=(50, 100, 200),
    search_hint=("搜索账号、部门", "Search account, department"),
    row_id=lambda r: str(r.RoleGrant.id) if r.RoleGrant is not None else "",
    bulk=(
        BulkAction(
            "confirm", "确认仍需要", "Still needed", lambda: url_for("ReviewView.confirm"), icon="check2"
        ),
    ),
)
