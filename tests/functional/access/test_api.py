"""The interface: tokens only, the rows of their owner only, every route described, no fault of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from sqlalchemy import select, update

from secops.accounts import administration, services, throttle
from secops.accounts.models import Account, Role
from secops.api import tokens
from secops.api.models import ApiToken
from secops.api.openapi import document
from secops.api.registry import OPERATIONS
from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.evidence.models import Evidence
from secops.findings.models import Finding
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.web.gate import permissions
from tests.functional.access.world import MARKS, World, build
from tests.support import platforms
from tests.support.builders import build_district
from tests.support.platforms import PASSWORD, ClientAs, account_of, add_person, application

LISTS: dict[str, type[Any]] = {"systems": System, "assets": Asset, "findings": Finding, "evidence": Evidence}


@pytest.fixture(scope="module")
def world(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    found = build(_sqlite_template, tmp_path_factory.mktemp("api") / "home")
    yield found
    found.app.extensions["secops"].engine.dispose()
    found.platform.engine.dispose()


def make_token(platform: Platform, name: str, areas: list[str] | None = None, days: int = 30) -> str:
    user_id = account_of(platform, name).user_id
    with platform.work("test:token") as session:
        account = session.get_one(Account, user_id)
        return tokens.create_token(
            session, account, name="test", areas=areas or list(tokens.AREAS), days=days, now=utc_now()
        )


def call(app: Flask, token: str | None, path: str, method: str = "GET", **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)


@pytest.fixture
def app(platform: Platform, make_app: Callable[[Platform], Flask]) -> Flask:
    return make_app(platform)


def _address(path: str) -> str:
    return path.replace("<int:row_id>", "987654321")


def test_every_route_is_described_and_the_other_way_round(app: Flask) -> None:
    """Routes under /api/v1, registrations, description and permission file name the same operations."""
    routes = {
        (rule.rule.removeprefix("/api/v1").replace("<int:row_id>", "{row_id}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}

    assert routes == described
    assert {key for key in permissions().rules if key[0].startswith("api.")} == {
        (f"api.{one.name}", one.method) for one in OPERATIONS
    }


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
def test_a_role_gets_what_the_file_says(platform: Platform, app: Flask, role: Role) -> None:
    """Each operation as each role; administrators read nothing."""
    token = make_token(platform, add_person(platform, role))
    wrong = []
    for one in OPERATIONS:
        status = call(app, token, _address(one.path), one.method, json={}).status_code
        admitted = permissions().admits(f"api.{one.name}", one.method, frozenset({role.value}), True)
        if (status == 403) is admitted or status in (401, 500):
            wrong.append((one.name, status))
    assert wrong == []


def test_without_a_token_or_with_a_cookie_nothing_opens(platform: Platform, client_as: ClientAs) -> None:
    """Nobody, a made-up token, a password and a signed-in browser get 401 with the scheme to use."""
    client = client_as(Role.OFFICER)
    made_up = [None, "secops_made-up", "x" * 5000]
    for one in OPERATIONS:
        for token in made_up:
            answer = call(client.app, token, _address(one.path), one.method, json={})
            assert answer.status_code == 401
            assert answer.mimetype == "application/problem+json"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        break
    assert client.get("/api/v1/systems").status_code == 401
    basic = client.app.test_client().get("/api/v1/systems", auth=(client.username, PASSWORD))
    assert basic.status_code == 401


def test_wrong_tokens_are_limited(platform: Platform, app: Flask) -> None:
    """After ten of them an address is told to wait; a right token is still heard."""
    token = make_token(platform, add_person(platform, Role.OFFICER))
    statuses = [call(app, f"secops_{each}", "/systems").status_code for each in range(12)]

    assert statuses == [401] * 10 + [429] * 2
    assert call(app, token, "/systems").status_code == 200


@pytest.mark.parametrize("area", list(tokens.AREAS))
def test_areas_narrow(platform: Platform, app: Flask, area: str) -> None:
    """A token of one area opens the operations of that area, and the description."""
    token = make_token(platform, add_person(platform, Role.OFFICER), [area])

    opened = {
        one.area
        for one in OPERATIONS
        if call(app, token, _address(one.path), one.method, json={}).status_code != 403
    }

    assert opened == {area, ""}


def _event(work: Callable[[Any, Account], object]) -> Callable[[Platform, str], None]:
    def run(platform: Platform, name: str) -> None:
        user_id = account_of(platform, name).user_id
        with platform.work("test:event") as session:
            work(session, session.get_one(Account, user_id))

    return run


def _set(**values: Any) -> Callable[[Platform, str], None]:
    def run(platform: Platform, name: str) -> None:
        with platform.engine.begin() as connection:
            connection.execute(update(ApiToken).values(**values))

    return run


def _user(session: Any, account: Account) -> Any:
    return session.get_one(services.User, account.user_id)


def _past_its_end(platform: Platform, name: str) -> None:
    user_id = account_of(platform, name).user_id
    with platform.engine.begin() as connection:
        gone = utc_now() - timedelta(seconds=1)
        connection.execute(update(Account).where(Account.user_id == user_id).values(valid_until=gone))


ENDINGS: dict[str, Callable[[Platform, str], None]] = {
    "password reset": _event(lambda s, a: services.reset_password(s, _user(s, a).username, now=utc_now())),
    "password change": _event(
        lambda s, a: services.change_password(
            s, _user(s, a), old=PASSWORD, new="Another-Horse-42", again="Another-Horse-42", now=utc_now()
        )
    ),
    "disabled": _event(
        lambda s, a: administration.disable_account(s, a, by="test:x", reason="试验", now=utc_now())
    ),
    "role revoked": _event(
        lambda s, a: administration.revoke_grant(
            s, services.active_grants(s, a.user_id, utc_now())[0], by="test:x", reason="试验", now=utc_now()
        )
    ),
    "all ended": _event(lambda s, a: administration.end_sessions(s, a, reason="试验", now=utc_now())),
    "token ended": _event(
        lambda s, a: tokens.end_token(s, a.user_id, s.scalars(select(ApiToken.id)).one(), now=utc_now())
    ),
    "past its end": lambda platform, name: _past_its_end(platform, name),
    "expired": _set(expires_at=utc_now() - timedelta(seconds=1)),
}


@pytest.mark.parametrize("event", sorted(ENDINGS))
def test_a_captured_token_is_dead_after(platform: Platform, make_app: Any, event: str) -> None:
    """On every operation and on two web workers, with the next call."""
    apps = [make_app(platform), make_app(platform)]
    name = add_person(platform, Role.OFFICER)
    token = make_token(platform, name)
    assert [call(app, token, "/systems").status_code for app in apps] == [200, 200]

    ENDINGS[event](platform, name)

    statuses = {
        call(app, token, _address(one.path), one.method, json={}).status_code
        for app in apps
        for one in OPERATIONS
    }
    assert statuses <= {401, 429}


def test_the_store_knows_no_token(platform: Platform) -> None:
    """The digest only; and a token never lives longer than ninety days."""
    from secops.errors import BadInput

    name = add_person(platform, Role.OFFICER)
    token = make_token(platform, name)
    files = [path.read_bytes() for path in platform.settings.home.glob("secops.db*")]

    assert not any(token.encode() in content for content in files)
    with pytest.raises(BadInput):
        make_token(platform, name, days=91)


@pytest.mark.parametrize("name", ["contact", "assessor", "officer", "inspector", "leader", "ended"])
def test_only_rows_in_scope(world: World, name: str) -> None:
    """Foreign rows exist, and none shows in a list, by number or through a filter; missing and foreign are alike."""
    token = make_token(world.platform, name)
    roles = {"contact", "inspector", "leader"}
    foreign = world.places["other"] if name != "officer" else world.places["hidden"]
    for path, cls in LISTS.items():
        with world.platform.work("test:look") as session:
            assert session.get(cls, foreign[cls]) is not None
        answer = call(world.app, token, f"/{path}?limit=200")
        if answer.status_code == 403:
            continue
        body = answer.get_data(as_text=True)
        marks = [MARKS["hidden"], MARKS["sealed"]] + ([] if name == "officer" else [MARKS["other"]])
        assert not any(mark in body for mark in marks)
        here, gone = (call(world.app, token, f"/{path}/{number}") for number in (foreign[cls], 987654321))
        texts = [
            {key: value for key, value in one.get_json().items() if key != "request_id"}
            for one in (here, gone)
        ]
        assert here.status_code == 404
        assert texts[0] == texts[1]
        if path != "systems":
            filtered = call(world.app, token, f"/{path}?system_id={foreign[System]}")
            assert filtered.get_json()["items"] == []
        if name in roles and path != "evidence":
            own = world.places["own"][cls]
            assert call(world.app, token, f"/{path}/{own}").status_code == 200


def test_paging_by_number_sees_each_row_once(world: World) -> None:
    """Page after page until there is no next, in the order of the numbers."""
    token = make_token(world.platform, "officer")
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = call(world.app, token, f"/findings?limit=1&after={after}").get_json()
        seen += [row["id"] for row in page["items"]]
        after = page["next"]

    whole = call(world.app, token, "/findings?limit=200").get_json()
    assert seen == [row["id"] for row in whole["items"]]
    assert len(seen) > 2


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "after=-1", "after=99999999999", "state=x", "colour=red", "limit=1&limit=2", "limit="])  # fmt: skip
def test_a_query_that_is_not_understood(world: World, query: str) -> None:
    """Is told, and never guessed at."""
    answer = call(world.app, make_token(world.platform, "officer"), f"/findings?{query}")

    assert answer.status_code == 400
    assert answer.get_json()["status"] == 400


def test_registering_a_target(platform: Platform, app: Flask) -> None:
    """In one's own system; a foreign one is not there, a second of the same name is told, the log names the token."""
    build_district(platform.engine, systems=12, cells=1, findings=1, assets=1)
    with platform.work("test:look") as session:
        own, foreign = session.scalars(select(System).where(System.is_platform.is_(False)).limit(2)).all()
    token = make_token(platform, add_person(platform, Role.CONTACT, system_id=own.id))
    new = {"system_id": own.id, "name": "web-01", "kind": "server"}

    made = call(app, token, "/assets", "POST", json=new)
    twice = call(app, token, "/assets", "POST", json=new)
    elsewhere = call(app, token, "/assets", "POST", json={**new, "system_id": foreign.id})

    assert (made.status_code, twice.status_code, elsewhere.status_code) == (201, 409, 404)
    assert made.get_json()["name"] == "web-01"
    with platform.work("test:look") as session:
        event = session.scalars(
            select(AuditEvent).where(AuditEvent.action == "asset.create").order_by(AuditEvent.seq.desc())
        ).first()
        assert event is not None
        assert event.session_ref.startswith("t")


@pytest.mark.parametrize("number", [12, 1000])
def test_lists_cost_the_same(platform: Platform, app: Flask, query_recorder: Any, number: int) -> None:
    """Token, grants, departments and the rows: four queries at 12 and at 1,000 systems, and one for each use a minute."""
    build_district(platform.engine, systems=number, cells=1, findings=1, assets=1)
    token = make_token(platform, add_person(platform, Role.OFFICER))
    call(app, token, "/systems")
    for path in LISTS:
        with query_recorder(app.extensions["secops"].engine) as queries:
            assert call(app, token, f"/{path}?limit=200").status_code == 200
        assert queries.count == 4, queries.told()


PRINCIPALS = ("officer", "contact", "leader")


@pytest.fixture(scope="module")
def district(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application over twelve systems with targets and findings."""
    # The tool sends a wrong token with each call; the limit on those has a test of its own.
    platform = platforms.copy_installation(
        _sqlite_template, tmp_path_factory.mktemp("district") / "home", login_failures_per_address=100_000
    )
    build_district(platform.engine, systems=12, cells=1, findings=2, assets=2)
    app = application(platform)
    yield app
    app.extensions["secops"].engine.dispose()
    platform.engine.dispose()


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", PRINCIPALS)
def test_schemathesis_finds_nothing(
    district: Flask, name: str, mode: schemathesis.GenerationMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made-up calls of every operation: no 5xx, no status, type or body that the description does not name."""
    # All of these tests together send more than the whole installation may have.
    monkeypatch.setattr(throttle, "IN_TOTAL", 1_000_000)
    platform = district.extensions["secops"]
    headers = {"Authorization": f"Bearer {make_token(platform, add_person(platform, Role(name)))}"}
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", district, headers=headers)
    # The tool takes the description itself as read.
    tried = {"GET /openapi.json"}
    for result in schema.get_all_operations():
        operation = result.ok()
        tried.add(operation.label)

        @settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=headers)

        try:
            check()
        except Unsatisfiable:
            # Nothing about this operation can be wrong: it takes no input.
            assert mode is schemathesis.GenerationMode.NEGATIVE
    assert len(tried) == len(OPERATIONS)


def test_the_pages_make_show_and_end_a_token(platform: Platform, client_as: ClientAs) -> None:
    """Made by the form, shown once, listed without itself, ended; somebody else's is not there."""
    import re

    client, stranger = client_as(Role.CONTACT), client_as(Role.LEADER)
    make_token(platform, stranger.username)
    bad = client.post("/account/tokens/create", {"name": "大屏", "days": "91", "areas": "systems:read"})
    made = client.post("/account/tokens/create", {"name": "大屏", "days": "7", "areas": "systems:read"})
    found = re.search(r"secops_[A-Za-z0-9_-]{43}", made.get_data(as_text=True))
    assert found is not None
    page = client.get("/account/tokens/").get_data(as_text=True)

    assert bad.status_code == 400
    assert "大屏" in page
    assert found.group(0) not in page
    assert call(client.app, found.group(0), "/systems").status_code == 200
    assert client.post("/account/tokens/1/end").status_code == 404
    client.post("/account/tokens/2/end")
    assert call(client.app, found.group(0), "/systems").status_code == 401
