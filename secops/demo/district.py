"""Puts the invented district into the store; what is there already stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from importlib import resources
from typing import Any

import yaml
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts.models import Account, Role
from secops.accounts.passwords import one_time_password
from secops.accounts.services import create_account, grant_role
from secops.errors import Refused
from secops.installation import root_department
from secops.objects.models import Department, Hosting, System, SystemState
from secops.objects.services import classify_system, create_asset, create_department, create_system

RULE_SET = "gbt-22240-2020"
MAKER = "secops demo"
_PLAIN = ("name", "kind", "business", "boundary", "users", "maintainer", "filing_number")
_FLAGS = ("internet_facing", "lost_maintainer", "run_elsewhere")
_DATES = ("filed_on", "in_operation_on", "last_evaluation_on")


@dataclass
class Loaded:
    """What was added; ``passwords`` only of accounts made in this run."""

    passwords: dict[str, str] = field(default_factory=dict)
    systems: int = 0


def read_district() -> dict[str, Any]:
    """The description of the district."""
    text = (resources.files("secops.demo") / "district.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def load_accounts(session: Session, *, now: datetime) -> dict[str, str]:
    """Departments, and one account per role with a one-time password; grants come with the systems."""
    content = read_district()
    departments = _departments(session, content, now)
    passwords: dict[str, str] = {}
    for entry in content["accounts"]:
        user_id = session.scalar(select(User.id).where(User.username == entry["username"]))
        if user_id is not None:
            _require_example(session, user_id, entry["username"])
            continue
        password = one_time_password()
        create_account(
            session,
            username=entry["username"],
            display_name=entry["name"],
            department=departments[entry["department"]],
            password=password,
            post=entry["post"],
            now=now,
            is_example=True,
        )
        passwords[entry["username"]] = password
    return passwords


def _require_example(session: Session, user_id: int, username: str) -> None:
    account = session.get(Account, user_id)
    if account is None or not account.is_example:
        raise Refused(
            f"账号 {username} 已由他人建立，演示不会改动它。请换一个空目录：SECOPS_HOME=$HOME/secops-demo secops demo",
            f"The account {username} is a real one, and the demo leaves it alone. Use an empty home: "
            "SECOPS_HOME=$HOME/secops-demo secops demo",
        )


def _departments(session: Session, content: dict[str, Any], now: datetime) -> dict[str, Department]:
    root = root_department(session)
    if root.name != content["district"]["name"] and not root.is_example:
        root.name = content["district"]["name"]
        root.is_example = True
    known = {row.code: row for row in session.scalars(select(Department))}
    for entry in content["departments"]:
        if entry["code"] not in known:
            known[entry["code"]] = create_department(session, **entry, parent=root, now=now, is_example=True)
    return known


def load_systems(session: Session, *, now: datetime) -> int:
    """Systems with their classification; returns how many were added."""
    content = read_district()
    departments = {row.code: row for row in session.scalars(select(Department))}
    known = set(session.scalars(select(System.code)))
    added = 0
    for entry in content["systems"]:
        if entry["code"] not in known:
            _add_system(session, entry, departments[entry["department"]], now)
            added += 1
    return added


def _add_system(session: Session, entry: dict[str, Any], department: Department, now: datetime) -> None:
    more: dict[str, Any] = {name: entry[name] for name in (*_PLAIN[1:], *_FLAGS) if name in entry}
    more |= {name: _day(entry[name]) for name in _DATES if name in entry}
    system = create_system(
        session,
        code=entry["code"],
        name=entry["name"],
        department=department,
        hosting=Hosting(entry["hosting"]),
        state=SystemState(entry.get("state", "running")),
        extensions=list(entry.get("extensions", [])),
        is_example=True,
        now=now,
        **more,
    )
    classify_system(
        session,
        system,
        rule_set=RULE_SET,
        business=[(pair[0], pair[1]) for pair in entry["business_pairs"]],
        service=[(pair[0], pair[1]) for pair in entry["service_pairs"]],
        reason=entry["reason"],
        actor=MAKER,
        now=now,
    )
    if entry.get("this_machine"):
        create_asset(
            session,
            system,
            name="本机（平台所在主机）",
            kind="server",
            address="127.0.0.1",
            is_this_machine=True,
            now=now,
        )


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def grant_roles(session: Session, *, now: datetime) -> int:
    """Give each demo account its one role; returns how many were given."""
    from secops.accounts.services import active_grants

    departments = {row.code: row for row in session.scalars(select(Department))}
    systems = {row.code: row.id for row in session.scalars(select(System))}
    given = 0
    for entry in read_district()["accounts"]:
        user = session.scalars(select(User).where(User.username == entry["username"])).one()
        if active_grants(session, user.id, now):
            continue
        grant_role(
            session,
            account=session.get_one(Account, user.id),
            role=Role(entry["role"]),
            department=departments[entry["department"]],
            system_id=systems[entry["system"]] if "system" in entry else None,
            valid_until=now + timedelta(days=entry["days"]) if "days" in entry else None,
            by=MAKER,
            now=now,
        )
        given += 1
    return given
