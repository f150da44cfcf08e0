"""Names that people are known by, beside the user names that rows keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from secops.accounts.models import Account, Role, RoleGrant
from secops.accounts.names import display_names
from secops.accounts.tables import holds
from secops.clock import utc_now
from secops.objects.models import Department, System
from secops.web.lang import t


def person(column: Any) -> ColumnElement[str]:
    """SQL for the display name of the user name in *column*; NULL when no account has it."""
    named = select(Account.display_name).join(User, User.id == Account.user_id).where(User.username == column)
    return named.scalar_subquery()


def names_of(session: Session, usernames: Iterable[str]) -> dict[str, str]:
    """Display names of these user names, one query."""
    return display_names(session, usernames)


def shown(username: str | None, names: Mapping[str, str] | str | None = None) -> str:
    """How a person is written: display name, else user name; work of the platform itself says so."""
    if not username:
        return ""
    if username == "platform" or username.startswith("platform:"):
        return t("平台", "platform")
    found = names if isinstance(names, str) else (names or {}).get(username)
    return found or username


def owners_for(session: Session, system: System) -> list[tuple[str, str]]:
    """(user name, words) of those who work on this system: by a grant for it, or for a department above it."""
    path = session.scalar(select(Department.path).where(Department.id == system.department_id)) or "/"
    above = [int(part) for part in path.split("/") if part]
    workers = (Role.OFFICER, Role.CONTACT, Role.OWNER)
    rows = session.execute(
        select(User.username, Account.display_name, Account.post)
        .join(Account, Account.user_id == User.id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .where(
            User.active.is_(True),
            holds(utc_now()),
            RoleGrant.role.in_(workers),
            or_(
                RoleGrant.system_id == system.id,
                (RoleGrant.system_id.is_(None)) & RoleGrant.department_id.in_(above),
            ),
        )
        .order_by(Account.display_name)
    )
    return list({row[0]: (row[0], f"{row[1]}（{row[2] or row[0]}）") for row in rows}.values())
