"""What checks look at: the installation itself, and a scratch one beside it that they may do anything to.

Behaviour (log-in, sessions, headers, refusals) is tried on the scratch installation, which runs this very code with
this very configuration in a temporary folder. Data, settings and files are read from the real one.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select
from werkzeug.test import TestResponse

from secops.accounts.models import Account, Role
from secops.accounts.services import create_account, grant_role
from secops.clock import utc_now
from secops.config import Settings
from secops.installation import initialise, root_department
from secops.platform import Platform

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visitor:
    """A client of the scratch application: cookies, and forms with the token of the page that holds them."""

    app: Flask
    base_url: str = "http://localhost"
    address: str = "127.0.0.1"
    http: Any = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.app.test_client()

    def _from(self) -> dict[str, str]:
        return {"REMOTE_ADDR": self.address}

    def get(self, url: str, **options: Any) -> TestResponse:
        found: TestResponse = self.http.get(
            url, base_url=self.base_url, environ_overrides=self._from(), **options
        )
        return found

    def post(self, url: str, data: dict[str, str], *, form: str = "", **options: Any) -> TestResponse:
        """Send a form with the token of the page *form*, or of this one."""
        page = self.get(form or url).get_data(as_text=True)
        token = _TOKEN.search(page)
        fields = {**data, "csrf_token": token.group(1) if token else ""}
        found: TestResponse = self.http.post(
            url, data=fields, base_url=self.base_url, environ_overrides=self._from(), **options
        )
        return found

    def log_in(self, person: Person, password: str = "") -> TestResponse:
        return self.post(
            "/login/", {"username": person.username, "password": password or person.password}, form="/login/"
        )

    def cookies(self) -> list[tuple[str, str]]:
        """Name and value of every cookie that is held."""
        return [(cookie.key, cookie.value) for cookie in self.http._cookies.values()]

    def copy(self) -> Visitor:
        """Another client with the same cookies, as a thief would have them."""
        other = Visitor(self.app, self.base_url, self.address)
        for cookie in self.http._cookies.values():
            other.http.set_cookie(
                cookie.key, cookie.value, domain="localhost", path=cookie.path, secure=cookie.secure
            )
        return other


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the scratch installation."""

    username: str
    password: str
    user_id: int


@dataclass
class Bench:
    """The real installation, and the scratch one."""

    platform: Platform
    scratch: Platform

    @cached_property
    def app(self) -> Flask:
        """The application over the scratch installation."""
        from secops.app import create_app

        return create_app(self.scratch.settings)

    @cached_property
    def tls_app(self) -> Flask:
        """The same as it runs behind a TLS proxy with one host name."""
        from secops.app import create_app

        return create_app(replace(self.scratch.settings, behind_tls=True, allowed_hosts="localhost"))

    @property
    def settings(self) -> Settings:
        """Settings of the real installation."""
        return self.platform.settings

    def visitor(self, address: str = "127.0.0.1") -> Visitor:
        return Visitor(self.app, address=address)

    def person(
        self, role: Role | None, *, first_login: bool = False, department_id: int | None = None
    ) -> Person:
        """A new account of the scratch installation, with one role or none."""
        from secops.objects.models import Department

        name = f"probe-{secrets.token_hex(4)}"
        password = f"Kd7-{secrets.token_urlsafe(12)}"
        now = utc_now()
        with self.scratch.work("selfcheck:setup") as session:
            place = session.get_one(Department, department_id) if department_id else root_department(session)
            account = create_account(
                session, username=name, display_name="自评估", department=place, password=password, now=now
            )
            if role is not None:
                grant_role(session, account=account, role=role, department=place, by="selfcheck", now=now)
            account.must_change_password = first_login
            if not first_login:
                account.password_changed_at = now
            return Person(name, password, account.user_id)

    def signed_in(self, role: Role | None = Role.OFFICER) -> tuple[Visitor, Person]:
        """Somebody who went through the log-in page."""
        person = self.person(role)
        visitor = self.visitor()
        visitor.log_in(person)
        return visitor, person

    def is_in(self, visitor: Visitor) -> bool:
        """Whether this client is somebody: the page of the own account opens."""
        return visitor.get("/account/password").status_code == 200

    def account(self, person: Person) -> Account:
        with self.scratch.work("selfcheck:look") as session:
            return session.get_one(Account, person.user_id)

    def stored_password(self, person: Person) -> str:
        with self.scratch.work("selfcheck:look") as session:
            found = session.scalar(select(User.password).where(User.id == person.user_id))
            return found or ""

    def setting(self, *words: str) -> dict[str, Any]:
        """Settings of the real installation whose name holds one of these words."""
        names = [name for name in self.settings.__dataclass_fields__ if any(word in name for word in words)]
        return {name: getattr(self.settings, name) for name in names}


@contextmanager
def open_bench(platform: Platform) -> Iterator[Bench]:
    """A scratch installation with this installation's configuration; gone at the end."""
    with tempfile.TemporaryDirectory(prefix="secops-selfcheck-") as folder:
        settings = replace(
            platform.settings,
            home=Path(folder) / "home",
            database_url="",
            broker_url="",
            secret_key_file="",
            behind_tls=False,
            allowed_hosts="",
            mode="standard",
            # Its people come from no network, and have no phones; where a check needs either, it sets it.
            second_factor="off",
            admin_networks="",
            free_space_floor_mb=1,
        ).resolved()
        done = initialise(settings, now=utc_now())
        bench = Bench(platform, done.platform)
        try:
            yield bench
        finally:
            for app in (bench.__dict__.get("app"), bench.__dict__.get("tls_app")):
                if app is not None:
                    app.extensions["secops"].engine.dispose()
            done.platform.engine.dispose()
