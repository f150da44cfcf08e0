"""``secops user``: accounts from the console, the first administrators among them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from secops.cli.common import JsonOption, open_store


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Accounts.", no_args_is_help=True)
    group.command("list")(list_users)
    group.command("create")(create)
    group.command("reset-password")(reset_password)
    app.add_typer(group, name="user")


def list_users(json_: JsonOption = False) -> None:
    """List accounts with their roles."""
    from secops.accounts.services import account_rows
    from secops.cli.output import answer, table

    with open_store() as session:
        rows = [
            {
                "username": row["user"].username,
                "name": row["account"].display_name,
                "department": row["department"].name,
                "roles": row["roles"],
                "active": bool(row["user"].active),
                "example": row["account"].is_example,
            }
            for row in account_rows(session)
        ]
    answer(
        {"users": rows},
        lambda: table(
            ["user", "name", "department", "roles", "active"],
            [
                [row["username"], row["name"], row["department"], ", ".join(row["roles"]), row["active"]]
                for row in rows
            ],
        ),
    )


def create(
    username: str,
    role: Annotated[str, typer.Option(help="One role; more are granted by the security administrator.")],
    name: Annotated[str, typer.Option(help="Name shown on the pages.")] = "",
    department: Annotated[str, typer.Option(help="Code of the department.")] = "ROOT",
    until: Annotated[
        str, typer.Option(help="Last day of the role, such as 2027-03-31; assessors need one.")
    ] = "",
    json_: JsonOption = False,
) -> None:
    """Make an account with a one-time password, printed once and changed at the first log-in."""
    from sqlalchemy import select

    from secops.accounts.models import Role
    from secops.accounts.passwords import one_time_password
    from secops.accounts.services import create_account, grant_role
    from secops.cli.output import answer, tell
    from secops.clock import utc_now
    from secops.errors import BadInput
    from secops.objects.models import Department

    if role not in {member.value for member in Role}:
        known = ", ".join(member.value for member in Role)
        raise BadInput(f"未知角色 {role}；可用：{known}", f"Unknown role {role}; known: {known}", "role")
    end = _end_of(until) if until else None
    password = one_time_password()
    with open_store("console") as session:
        found = session.scalar(select(Department).where(Department.code == department))
        if found is None:
            raise BadInput(f"没有部门 {department}。", f"There is no department {department}.", "department")
        account = create_account(
            session,
            username=username,
            display_name=name or username,
            department=found,
            password=password,
            now=utc_now(),
        )
        grant_role(
            session,
            account=account,
            role=Role(role),
            department=found,
            by="console",
            now=utc_now(),
            valid_until=end,
        )
    answer(
        {"username": username, "role": role, "password": password},
        lambda: tell(
            f"账号 {username}，一次性密码 {password}", f"account {username}, one-time password {password}"
        ),
    )


def _end_of(text: str) -> datetime:
    """The midnight that ends this day in the platform's time zone."""
    from datetime import time, timedelta
    from zoneinfo import ZoneInfo

    from secops.config import Settings
    from secops.errors import BadInput

    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(
            f"{text} 不是日期，应写作 2027-03-31 的形式。", f"{text} is no date such as 2027-03-31.", "until"
        ) from error
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(Settings.from_env().time_zone))


def reset_password(username: str, json_: JsonOption = False) -> None:
    """Give an account a new one-time password; ends its sessions and lifts a lock."""
    from secops.accounts.services import reset_password as reset
    from secops.cli.output import answer, tell
    from secops.clock import utc_now

    with open_store("console") as session:
        password = reset(session, username, now=utc_now())
    answer(
        {"username": username, "password": password},
        lambda: tell(
            f"账号 {username}，一次性密码 {password}", f"account {username}, one-time password {password}"
        ),
    )
