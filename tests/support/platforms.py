"""Fresh installations for tests, and people who are signed in to them.

Everything goes the way the platform goes: ``initialise`` makes the home (once for each test session, then copied),
accounts and grants come from the account services, and a client signs in through the log-in page.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select
from werkzeug.test import TestResponse

from secops.accounts import passwords, services
from secops.accounts.models import Account, Role
from secops.app import create_app
from secops.config import Settings
from secops.installation import initialise, root_department
from secops.objects.models import Department
from secops.platform import Platform

PASSWORD = "Correct-Horse-41"
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
_FEW_ROUNDS = 1000


def settings_for(home: Path, **values: Any) -> Settings:
    """Settings of an installation in *home*; nothing is read from the environment."""
    return replace(Settings(home=home, free_space_floor_mb=1), **values).resolved()


def make_template(home: Path, **values: Any) -> Settings:
    """Initialise *home* once; its store and keys are then copied for each test."""
    done = initialise(settings_for(home, **values), now=NOW)
    done.platform.engine.dispose()
    return done.platform.settings


def copy_installation(template: Path, home: Path, **values: Any) -> Platform:
    """Give a platform of its own over a copy of *template*."""
    shutil.copytree(template, home)
    return Platform.open(settings_for(home, **values))


def add_person(
    platform: Platform,
    role: Role,
    *,
    username: str | None = None,
    department_id: int | None = None,
    system_id: int | None = None,
    must_change_password: bool = False,
) -> str:
    """Create an account with one role through the services and give its user name; the password is PASSWORD.

    Args:
        department_id: where the role holds, with all below; the root when not given.
        system_id: the role holds for this one system only.
    """
    name = username or f"{role.value}-{secrets.token_hex(3)}"
    # The stored hash names its rounds, so a quick one is checked the same way.
    with mock.patch.object(passwords, "ITERATIONS", _FEW_ROUNDS), platform.work("test:account") as session:
        department = session.get_one(Department, department_id) if department_id else root_department(session)
        account = services.create_account(
            session,
            username=name,
            display_name=f"测试 {role.value}",
            department=department,
            password=PASSWORD,
            now=NOW,
        )
        services.grant_role(
            session,
            account=account,
            role=role,
            department=department,
            by="test:setup",
            now=NOW,
            system_id=system_id,
            # An assessor's grant always ends.
            valid_until=NOW + timedelta(days=300) if role is Role.ASSESSOR else None,
        )
        account.must_change_password = must_change_password
    return name


@dataclass
class Client:
    """A browser's worth of state: cookies, and forms that carry their CSRF token.

    ``http`` is Flask's own client, for whatever has no method here.
    """

    app: Flask
    base_url: str = "http://localhost"
    username: str = ""
    http: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.app.test_client()

    def get(self, url: str, **options: Any) -> TestResponse:
        return self.http.get(url, base_url=self.base_url, **options)

    def post(self, url: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form with a valid token."""
        return self.http.post(
            url, data={**(data or {}), "csrf_token": self.token()}, base_url=self.base_url, **options
        )

    def token(self) -> str:
        """A token as the page's forms carry it."""
        with self.http.session_transaction(base_url=self.base_url) as session:
            raw = session.setdefault("csrf_token", secrets.token_hex(20))
        return str(URLSafeTimedSerializer(self.app.secret_key or "", salt="wtf-csrf-token").dumps(raw))

    def sign_in(self, username: str, password: str = PASSWORD) -> Client:
        """Go through the log-in page; fails when it does not let this person in."""
        answer = self.post("/login/", {"username": username, "password": password})
        if answer.status_code != 302:
            raise AssertionError(f"{username} could not sign in: {answer.status_code}")
        self.username = username
        return self


ClientAs = Callable[..., Client]


def client_factory(make_app: Callable[[Platform], Flask], platform: Platform) -> ClientAs:
    """Give ``client_as(role, **where)`` over one application; people are made on first use."""
    apps: list[Flask] = []

    def client_as(role: Role | str | None, **where: Any) -> Client:
        if not apps:
            apps.append(make_app(platform))
        client = Client(apps[0])
        if role is None:
            return client
        return client.sign_in(add_person(platform, Role(role), **where))

    return client_as


def account_of(platform: Platform, username: str) -> Account:
    """The account row of *username*."""
    from flask_appbuilder.security.sqla.models import User

    with platform.work("test:look") as session:
        user_id = session.scalars(select(User.id).where(User.username == username)).one()
        return session.get_one(Account, user_id)


def application(platform: Platform) -> Flask:
    """The web application over this installation."""
    return create_app(platform.settings)
