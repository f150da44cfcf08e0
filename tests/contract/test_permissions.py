"""The permission file and the routes are one: nothing unlisted, nothing listed in vain, and it is obeyed.

Each listed (endpoint, method) is called by every role and by nobody. Addresses name rows that do not exist and
forms are empty, so that a call that is let through ends in "not found" or "bad input" and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

import secops
from secops.accounts.models import ADMINISTRATORS, Role
from secops.audit_log.models import AuditEvent
from secops.platform import Platform
from secops.web.gate import ANONYMOUS, ANYBODY, permissions
from tests.support import platforms
from tests.support.platforms import Client, account_of

FILE = Path(secops.__file__).parent / "permissions.yaml"
# Asked for together with another method, and answered as that one.
_IMPLIED = {"HEAD", "OPTIONS"}
_ABSENT: dict[str, Any] = {"IntegerConverter": 999_999_999, "FloatConverter": 9.5, "UUIDConverter": "0" * 32}
_LAST = "LoginView.logout"


@pytest.fixture(scope="module")
def site(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One application with nothing but its first rows."""
    # Each role calls every route, those that ask for a secret too: together more wrong ones than an address may have.
    platform = platforms.copy_installation(
        _sqlite_template, tmp_path_factory.mktemp("permissions") / "home", login_failures_per_address=1000
    )
    app = platforms.application(platform)
    yield app
    app.extensions["secops"].engine.dispose()
    platform.engine.dispose()


@pytest.fixture(scope="module")
def store(site: Flask) -> Platform:
    """The installation behind the application."""
    found: Platform = site.extensions["secops"]
    return found


def _routes(app: Flask) -> dict[tuple[str, str], Rule]:
    return {
        (rule.endpoint, method): rule
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - _IMPLIED
    }


def _address(app: Flask, rule: Rule) -> str:
    values = {
        name: _ABSENT.get(type(converter).__name__, "none") for name, converter in rule._converters.items()
    }
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values, method=_method(rule))


def _method(rule: Rule) -> str:
    return "GET" if "GET" in (rule.methods or set()) else min((rule.methods or set()) - _IMPLIED)


def _calls(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of each route; signing out comes last, since it ends the session."""
    found = [
        (endpoint, method, _address(app, rule))
        for (endpoint, method), rule in sorted(_routes(app).items())
        # The interface takes tokens: tests/functional/access/test_api.py.
        if not rule.rule.startswith("/api/")
    ]
    return sorted(found, key=lambda call: call[0] == _LAST)


def _call(client: Client, method: str, address: str) -> int:
    if method == "PATCH":
        answer = client.http.patch(address, headers={"X-CSRFToken": client.token()}, base_url=client.base_url)
    else:
        answer = client.get(address) if method == "GET" else client.post(address)
    answer.close()
    return answer.status_code


def _refusals(store: Platform) -> Counter[tuple[str, str]]:
    with Session(store.engine) as session:
        query = select(AuditEvent.object_id, AuditEvent.detail).where(AuditEvent.action == "request.denied")
        return Counter((endpoint, detail["method"]) for endpoint, detail in session.execute(query))


def test_every_route_is_listed(site: Flask) -> None:
    """A route without an entry would be refused to everybody; the build says so first."""
    missing = sorted(set(_routes(site)) - set(permissions().rules))

    assert missing == []


def test_every_entry_is_a_route(site: Flask) -> None:
    """An entry that leads nowhere is a misspelling or a leftover."""
    vain = sorted(set(permissions().rules) - set(_routes(site)))

    assert vain == []


def test_no_entry_stands_twice() -> None:
    """YAML would silently keep the last of two equal keys, so the text itself is looked at."""

    def keys(node: yaml.Node) -> Iterator[tuple[str, int]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                yield key.value, id(node)
                yield from keys(value)

    counted = Counter(keys(yaml.compose(FILE.read_text(encoding="utf-8"))))

    assert [key for (key, _), times in counted.items() if times > 1] == []


def test_nothing_of_the_framework_is_open(site: Flask) -> None:
    """The framework's own account pages and interfaces are not registered at all."""
    client = Client(site)
    for address in (
        "/api/v1/security/login", "/api/v1/security/refresh", "/api/v1/menu/", "/api/v1/_openapi", "/swagger/v1",
        "/roles/list/", "/registeruser/list/", "/resetpassword/form", "/resetmypassword/form", "/userinfoeditview/form",
        "/permissions/list/", "/viewmenus/list/", "/permissionviews/list/", "/userstatschartview/chart/",
    ):  # fmt: skip
        assert client.get(address).status_code == 404, address


def test_administrators_share_no_function_but_the_common_ones() -> None:
    """三员分立: what one administrator may change, no other may; and none of them reaches findings or evidence."""
    writes = {
        role: {key for key, roles in permissions().rules.items() if key[1] != "GET" and role in roles}
        for role in ADMINISTRATORS
    }
    business = ("FindingView", "EvidenceView", "SystemView", "ScanView", "ReportView", "DashboardView")

    for role in ADMINISTRATORS:
        others = set().union(*(writes[other] for other in ADMINISTRATORS if other is not role))
        assert writes[role].isdisjoint(others)
        reached = {key[0] for key, roles in permissions().rules.items() if role in roles}
        assert not [endpoint for endpoint in reached if endpoint.startswith(business)]


def test_leaders_and_inspectors_change_nothing() -> None:
    """Who only looks has no entry that writes; building a report is the inspector's one exception."""
    writing = {
        (endpoint, role)
        for (endpoint, method), roles in permissions().rules.items()
        for role in roles & {"leader", "inspector"}
        if method != "GET"
    }

    assert writing <= {("ReportView.build", "inspector"), ("AssessmentResult.report", "inspector")}


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_a_role_gets_exactly_what_the_file_says(site: Flask, store: Platform, role: Role) -> None:
    """Each call of this role is let through or refused as its entry says; a refusal leaves an audit event."""
    name = platforms.add_person(store, role)
    client = Client(site).sign_in(name)
    before = _refusals(store)

    answers = {
        (endpoint, method): _call(client, method, address) for endpoint, method, address in _calls(site)
    }

    refused = _refusals(store) - before
    wrong = []
    for key, status in answers.items():
        admitted = permissions().admits(*key, frozenset({role.value}), signed_in=True)
        fitting = status < 500 and status != 403 if admitted else status == 403
        if not fitting or refused[key] != (0 if admitted else 1):
            wrong.append((*key, status, "admitted" if admitted else "refused", refused[key]))
    assert wrong == []


def test_nobody_is_sent_to_the_log_in_page(site: Flask) -> None:
    """Without a session only the entries for everybody answer; all others lead to the log-in page."""
    client = Client(site)

    wrong = []
    for endpoint, method, address in _calls(site):
        answer = (
            client.http.open(address, method=method, headers={"X-CSRFToken": client.token()})
            if method == "PATCH"
            else client.get(address)
            if method == "GET"
            else client.post(address)
        )
        sent = answer.status_code == 302 and answer.headers["Location"] == "/login/"
        open_to_all = ANONYMOUS in permissions().rules.get((endpoint, method), frozenset())
        answer.close()
        # These two are open to all and lead there by themselves: the start page, the second half of a log-in.
        if sent is open_to_all and endpoint not in ("HomeView.index", "LoginView.code"):
            wrong.append((endpoint, method, answer.status_code))
    assert wrong == []


def test_a_first_password_opens_nothing_but_its_own_page(site: Flask, store: Platform) -> None:
    """Until the one-time password is changed every page leads to the page that changes it."""
    name = platforms.add_person(store, Role.OFFICER, must_change_password=True)
    client = Client(site).sign_in(name)

    wrong = []
    for endpoint, method, address in _calls(site):
        roles = permissions().rules.get((endpoint, method), frozenset())
        if (
            endpoint == _LAST
            or not roles & {Role.OFFICER.value, ANYBODY}
            or endpoint == "AccountView.password"
        ):
            continue
        answer = (
            client.http.open(address, method=method, headers={"X-CSRFToken": client.token()})
            if method == "PATCH"
            else client.get(address)
            if method == "GET"
            else client.post(address)
        )
        if (answer.status_code, answer.headers.get("Location")) != (302, "/account/password"):
            wrong.append((endpoint, method, answer.status_code))
    assert wrong == []


def test_a_disabled_account_is_out_at_once(site: Flask, store: Platform) -> None:
    """The session of an account that is disabled ends with the next request."""
    from flask_appbuilder.security.sqla.models import User

    name = platforms.add_person(store, Role.SYSTEM_ADMIN)
    client = Client(site).sign_in(name)
    before = _call(client, "GET", "/account/password")

    with store.engine.begin() as connection:
        connection.execute(User.__table__.update().where(User.username == name).values(active=False))

    assert before == 200
    assert client.get("/account/password").headers.get("Location") == "/login/"


def test_a_form_without_its_token_is_refused(site: Flask, store: Platform) -> None:
    """Another site can't make a signed-in browser change something: each form must carry its token."""
    name = platforms.add_person(store, Role.OFFICER)
    client = Client(site).sign_in(name)
    epoch = account_of(store, name).session_epoch

    statuses = {
        endpoint: client.http.post(address).status_code
        for endpoint, method, address in _calls(site)
        if method == "POST"
    }

    assert set(statuses.values()) == {400}
    assert account_of(store, name).session_epoch == epoch


def test_refused_calls_change_nothing(site: Flask, store: Platform) -> None:
    """After all these calls the store holds no more than the accounts that made them."""
    name = platforms.add_person(store, Role.LEADER)
    client = Client(site).sign_in(name)
    with Session(store.engine) as session:
        before = session.scalar(select(func.count()).select_from(AuditEvent))

    refused = [
        _call(client, method, address)
        for endpoint, method, address in _calls(site)
        if method == "POST"
        and not permissions().admits(endpoint, method, frozenset({"leader"}), signed_in=True)
    ]

    with Session(store.engine) as session:
        actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.seq).offset(before)).all()
    assert set(refused) == {403}
    assert actions == ["request.denied"] * len(refused)
