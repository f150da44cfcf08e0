"""Accounts with an end, the page of one's own account, guessing over every path, and the cost of a refusal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from secops.accounts import administration, passwords, services, throttle
from secops.accounts.models import Account, LoginAttempt, Role
from secops.accounts.services import grant_role
from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.errors import BadInput, Refused
from secops.installation import root_department
from secops.platform import Platform
from tests.support.page_checks import last_event, plain
from tests.support.platforms import PASSWORD, Client, ClientAs, account_of, add_person


def _end(platform: Platform, name: str, moment: Any) -> None:
    with platform.engine.begin() as connection:
        user_id = select(User.id).where(User.username == name).scalar_subquery()
        connection.execute(update(Account).where(Account.user_id == user_id).values(valid_until=moment))


def test_an_account_past_its_end_is_out_at_once(platform: Platform, client_as: ClientAs) -> None:
    """Open sessions end with the next request, nobody signs in, work in that name stops; before the end all goes on."""
    client = client_as(Role.OFFICER)
    now = utc_now()
    _end(platform, client.username, now + timedelta(minutes=5))
    assert client.get("/systems/").status_code == 200

    _end(platform, client.username, now - timedelta(seconds=1))
    answer = client.get("/systems/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")
    refused = Client(client.app).post("/login/", {"username": client.username, "password": PASSWORD})
    assert refused.status_code == 401
    with platform.work("test") as session:
        assert services.acting_for(session, client.username, now) is None
    assert last_event(platform, "login").reason == "ended"


def test_the_end_is_set_by_the_system_administrator(platform: Platform, client_as: ClientAs) -> None:
    """With a reason, in the future, never for oneself or an administrator; the list shows it, the log keeps it."""
    admin = client_as(Role.SYSTEM_ADMIN)
    name = add_person(platform, Role.OWNER)
    user_id = account_of(platform, name).user_id
    day = (utc_now() + timedelta(days=30)).date().isoformat()
    url = f"/users/{user_id}/end"
    admin.post(url, {"until": day})
    assert account_of(platform, name).valid_until is None
    admin.post(url, {"until": "2020-01-01", "reason": "合同到期"})
    assert account_of(platform, name).valid_until is None
    admin.post(url, {"until": "bald", "reason": "合同到期"})
    assert account_of(platform, name).valid_until is None
    admin.post(url, {"until": day, "reason": "合同到期"})
    until = account_of(platform, name).valid_until
    assert until is not None
    assert f'value="{day}"' in admin.get("/users/").text
    assert last_event(platform, "account.set-end").reason == "合同到期"
    admin.post(url, {"until": "", "reason": "续签"})
    assert account_of(platform, name).valid_until is None
    with platform.work("test") as session:
        other = session.get_one(Account, account_of(platform, add_person(platform, Role.AUDIT_ADMIN)).user_id)
        with pytest.raises(Refused, match="administrator"):
            administration.set_end(
                session, other, utc_now() + timedelta(days=3), by="x", reason="试验", now=utc_now()
            )
    assert client_as(Role.SECURITY_ADMIN).post(url, {"until": day, "reason": "越权"}).status_code == 403
    assert (
        client_as(Role.SYSTEM_ADMIN).post("/users/99999/end", {"until": day, "reason": "没有"}).status_code
        == 404
    )


def test_an_account_that_ends_becomes_no_administrator(platform: Platform) -> None:
    """Else the last of a kind could lapse by a date."""
    with platform.work("test") as session:
        account = services.create_account(
            session, username="temp", display_name="临时", department=root_department(session), password=PASSWORD,
            now=utc_now(), valid_until=utc_now() + timedelta(days=9),
        )  # fmt: skip
        with pytest.raises(Refused, match="ends"):
            grant_role(
                session,
                account=account,
                role=Role.SYSTEM_ADMIN,
                department=root_department(session),
                by="x",
                now=utc_now(),
            )
        with pytest.raises(BadInput, match="future"):
            services.create_account(
                session, username="past", display_name="过期", department=root_department(session), password=PASSWORD,
                now=utc_now(), valid_until=utc_now() - timedelta(days=1),
            )  # fmt: skip


def test_a_new_account_may_have_a_last_day(platform: Platform, client_as: ClientAs) -> None:
    """The form takes the last day; a day that has passed is named."""
    admin = client_as(Role.SYSTEM_ADMIN)
    with platform.work("test") as session:
        department = root_department(session).id
    data = {"username": "guest", "display_name": "访客", "department": str(department), "until": "2020-01-01"}
    assert admin.post("/users/new", data).status_code == 400
    day = (utc_now() + timedelta(days=10)).date()
    assert admin.post("/users/new", {**data, "until": day.isoformat()}).status_code == 200
    until = account_of(platform, "guest").valid_until
    assert until is not None
    assert until.date() >= day


@pytest.mark.parametrize("role", list(Role))
def test_everybody_sees_who_they_are(client_as: ClientAs, role: Role) -> None:
    """Roles with their reach, clearance, second factor and dates, for each role and without asking anybody."""
    client = client_as(role)
    text = plain(client.get("/account/").text)
    assert client.username in text
    assert "可查看级别" in text
    assert "未启用" in text


def test_a_thousand_wrong_secrets_over_every_path(platform: Platform, client_as: ClientAs) -> None:
    """Log-in, one-time code, password again and token, turn by turn from one address: at most ten are looked at."""
    name = add_person(platform, Role.OFFICER)
    inside = client_as(Role.OFFICER)
    outside = client_as(None)
    address = {"REMOTE_ADDR": "198.51.100.77"}
    token = outside.app.test_client()
    for number in range(250):
        outside.post(
            "/login/", {"username": name, "password": f"Wrong-{number}-guess"}, environ_overrides=address
        )
        inside.post("/account/confirm", {"password": f"Wrong-{number}-guess"}, environ_overrides=address)
        token.get(
            "/api/v1/systems",
            headers={"Authorization": f"Bearer sop_{number:040d}"},
            environ_overrides=address,
        )
        outside.post("/login/code", {"code": f"{number:06d}"}, environ_overrides=address)
    with Session(platform.engine) as session:
        looked_at = session.scalar(select(func.count()).where(LoginAttempt.outcome == "failed")) or 0
        paths = set(session.scalars(select(LoginAttempt.path)))
    assert looked_at <= throttle.PER_ADDRESS
    assert {"login", "reauth", "token"} <= paths
    assert Client(outside.app).post(
        "/login/", {"username": name, "password": PASSWORD}, environ_overrides=address
    ).status_code == 401  # fmt: skip


def test_the_limit_of_an_address_is_a_setting(platform: Platform) -> None:
    """An office behind one address may be given more."""
    engine = platform.engine.execution_options(login_failures_per_address=40)
    now = utc_now()
    with Session(engine) as session:
        heard = sum(
            not throttle.begin(session, throttle.Path.LOGIN, None, "198.51.100.5", now).refused
            for _ in range(60)
        )
    assert heard == 40


def test_every_refusal_costs_one_hash(platform: Platform, client_as: ClientAs) -> None:
    """Unknown, wrong, disabled, locked, past its end: each costs exactly the one derivation that a wrong password costs."""
    now = utc_now()
    people = {why: add_person(platform, Role.OFFICER) for why in ("password", "disabled", "locked", "ended")}
    with platform.engine.begin() as connection:
        connection.execute(update(User).where(User.username == people["disabled"]).values(active=False))
        locked = account_of(platform, people["locked"]).user_id
        connection.execute(
            update(Account).where(Account.user_id == locked).values(locked_until=now + timedelta(minutes=9))
        )
    _end(platform, people["ended"], now - timedelta(days=1))
    client = client_as(None)
    costs = {}
    for number, (why, name) in enumerate({**people, "unknown": "nobody-at-all"}.items()):
        word = "Wrong-1-guess" if why == "password" else PASSWORD
        with mock.patch.object(
            passwords, "check_password_hash", wraps=passwords.check_password_hash
        ) as derive:
            client.post(
                "/login/",
                {"username": name, "password": word},
                environ_overrides={"REMOTE_ADDR": f"198.51.100.{number}"},
            )
            costs[why] = derive.call_count
    assert set(costs.values()) == {1}, costs
    with Session(platform.engine) as session:
        reasons = session.scalars(
            select(AuditEvent.reason).where(AuditEvent.action == "login", AuditEvent.result == "refused")
        )
        assert set(reasons) == {"password", "disabled", "locked", "unknown", "ended"}
