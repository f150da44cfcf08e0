"""Every endpoint and method for people in every state: those without rights get nothing but their own exit pages.

``tests/contract/test_permissions.py`` walks the ten roles; here are the states beside a role.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.routing import Rule

from secops.accounts.models import Account, Role, RoleGrant
from secops.clock import utc_now
from secops.platform import Platform
from secops.web.gate import ANONYMOUS, ANYBODY, permissions
from tests.support import platforms
from tests.support.platforms import Client

_ABSENT: dict[str, Any] = {"IntegerConverter": 999_999_999, "FloatConverter": 9.5, "UUIDConverter": "0" * 32}
_LAST = "LoginView.logout"


@pytest.fixture(scope="module")
def site(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application for all states."""
    platform = platforms.copy_installation(
        _sqlite_template, tmp_path_factory.mktemp("states") / "home", login_failures_per_address=1000
    )
    app = platforms.application(platform)
    yield app
    app.extensions["secops"].engine.dispose()
    platform.engine.dispose()


@pytest.fixture(scope="module")
def store(site: Flask) -> Platform:
    found: Platform = site.extensions["secops"]
    return found


def _calls(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of every route of the pages; the log-out last, since it ends the session."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            found.append((rule.endpoint, method, _address(app, rule, method)))
    return sorted(found, key=lambda call: (call[0] == _LAST, call))


def _address(app: Flask, rule: Rule, method: str) -> str:
    values = {name: _ABSENT.get(type(kind).__name__, "none") for name, kind in rule._converters.items()}
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=method))


def _call(client: Client, method: str, address: str) -> tuple[int, str]:
    answer = client.get(address) if method == "GET" else client.post(address)
    answer.close()
    return answer.status_code, answer.headers.get("Location", "")


def _change(store: Platform, name: str, **values: Any) -> None:
    user_id = platforms.account_of(store, name).user_id
    with store.engine.begin() as connection:
        connection.execute(update(Account).where(Account.user_id == user_id).values(**values))


def _end_grants(store: Platform, name: str, **values: Any) -> None:
    user_id = platforms.account_of(store, name).user_id
    with store.engine.begin() as connection:
        connection.execute(update(RoleGrant).where(RoleGrant.user_id == user_id).values(**values))


ENDINGS: dict[str, Callable[[Platform, str], None]] = {
    "assignment ended": lambda store, name: _end_grants(
        store, name, valid_until=utc_now() - timedelta(seconds=1)
    ),
    "grant revoked": lambda store, name: _end_grants(store, name, revoked_at=utc_now()),
}


FULL = bool(os.environ.get("SECOPS_FULL"))


@pytest.mark.parametrize(
    ("role", "state"),
    [
        (Role.ASSESSOR, "assignment ended"),
        (Role.SYSTEM_ADMIN, "grant revoked"),
        *((role, state) for role in Role for state in ENDINGS if FULL),
    ],
)
def test_without_a_grant_only_common_pages_answer(
    site: Flask, store: Platform, role: Role, state: str
) -> None:
    """When the one grant ends while the session goes on, every page that needs a role is refused from then on."""
    name = platforms.add_person(store, role)
    client = Client(site).sign_in(name)
    ENDINGS[state](store, name)

    wrong = []
    for endpoint, method, address in _calls(site):
        allowed = permissions().rules.get((endpoint, method), frozenset())
        status, _ = _call(client, method, address)
        common = bool(allowed & {ANONYMOUS, ANYBODY})
        if (status == 403) is common:
            wrong.append((endpoint, method, status))
    assert wrong == []


def test_a_locked_or_disabled_account_can_not_come_in(site: Flask, store: Platform) -> None:
    """Locked for a while, or closed: the right password opens nothing."""
    locked, closed = (platforms.add_person(store, Role.OFFICER) for _ in range(2))
    _change(store, locked, locked_until=utc_now() + timedelta(minutes=10))
    from flask_appbuilder.security.sqla.models import User

    with store.engine.begin() as connection:
        connection.execute(update(User).where(User.username == closed).values(active=False))

    for name in (locked, closed):
        client = Client(site)
        answer = client.post("/login/", {"username": name, "password": platforms.PASSWORD})
        assert answer.status_code == 401
        assert client.get("/account/password").status_code == 302


def test_the_matrix_page_says_what_the_file_says(site: Flask, store: Platform) -> None:
    """The page and its export are the file: each entry once, each role's cell as the entry allows."""
    import csv
    import io

    from secops.accounts.matrix import TECHNICAL

    client = Client(site).sign_in(platforms.add_person(store, Role.INSPECTOR))
    text = client.get("/matrix/export?format=csv").get_data(as_text=True).lstrip("\ufeff")
    rows = {(row["端点"], row["方法"]): row for row in csv.DictReader(io.StringIO(text))}
    listed = {
        key: roles for key, roles in permissions().rules.items() if key[0].partition(".")[0] not in TECHNICAL
    }

    from secops.web.labels import LABELS

    assert set(rows) == set(listed)
    for key, roles in listed.items():
        for role in Role:
            expected = "允许" if roles & {role.value, ANYBODY, ANONYMOUS} else ""
            assert rows[key][LABELS["role"][role.value].zh] == expected, (key, role)


def test_the_matrix_can_be_narrowed(site: Flask, store: Platform) -> None:
    """By words, page, roles and changes; in both languages; nothing found says so."""
    client = Client(site).sign_in(platforms.add_person(store, Role.INSPECTOR))

    page = client.get("/matrix/?page=EvidenceView&role=owner&changes=1").get_data(as_text=True)
    assert "EvidenceView.upload" in page
    assert "EvidenceView.index" not in page
    assert "FindingView" not in page.split("<table")[1]
    assert page.split("<thead")[1].split("</thead")[0].count("matrix-head") == 1
    assert "没有符合条件的功能" in client.get("/matrix/?q=zzz").get_data(as_text=True)
    client.get("/language/en")
    assert "System owner" in client.get("/matrix/?role=owner").get_data(as_text=True)
