"""Sessions live on the server: seen, limited, ended at once, and worth nothing to whoever copied a cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from secops.accounts import administration, approvals, services
from secops.accounts.models import Account, Role, UserSession
from secops.accounts.services import active_grants, grant_role
from secops.clock import utc_now
from secops.installation import root_department
from secops.platform import Platform
from tests.support.platforms import PASSWORD, Client, ClientAs, account_of, add_person

NEW = "Another-Horse-42"


def _copy(client: Client, app: Flask | None = None) -> Client:
    """A thief with the same cookies, at another worker when *app* is given."""
    thief = Client(app or client.app)
    for cookie in client.http._cookies.values():  # type: ignore[union-attr]
        thief.http.set_cookie(cookie.key, cookie.value, domain="localhost", path=cookie.path)
    return thief


def _rows(platform: Platform, name: str) -> list[UserSession]:
    user_id = account_of(platform, name).user_id
    with platform.work("test:look") as session:
        return list(
            session.scalars(
                select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.id)
            )
        )


def _is_in(client: Client) -> bool:
    return client.get("/account/password").status_code == 200


def _with_account(work: Callable[[Any, Account], object]) -> Callable[[Platform, Client], None]:
    def run(platform: Platform, client: Client) -> None:
        user_id = account_of(platform, client.username).user_id
        with platform.work("test:event") as session:
            work(session, session.get_one(Account, user_id))

    return run


def _set(**values: Any) -> Callable[[Platform, Client], None]:
    def run(platform: Platform, client: Client) -> None:
        user_id = account_of(platform, client.username).user_id
        with platform.engine.begin() as connection:
            connection.execute(update(UserSession).where(UserSession.user_id == user_id).values(**values))

    return run


def _past_its_end(platform: Platform, name: str) -> None:
    user_id = account_of(platform, name).user_id
    with platform.engine.begin() as connection:
        gone = utc_now() - timedelta(seconds=1)
        connection.execute(update(Account).where(Account.user_id == user_id).values(valid_until=gone))


def _revoke(session: Any, account: Account) -> None:
    grant = active_grants(session, account.user_id, utc_now())[0]
    administration.revoke_grant(session, grant, by="test:setup", reason="试验", now=utc_now())


def _clear(session: Any, account: Account) -> None:
    approvals._set_clearance(
        session,
        account,
        session.get_one(services.User, account.user_id),
        approvals.Sensitivity.RESTRICTED,
        reason="试验",
        now=utc_now(),
        approved_by="",
    )


ENDINGS: dict[str, Callable[[Platform, Client], None]] = {
    "log-out": lambda platform, client: client.post("/login/out").close(),
    "password": lambda platform, client: client.post(
        "/account/password", {"old_password": PASSWORD, "new_password": NEW, "again": NEW}
    ).close(),
    "password reset": _with_account(
        lambda session, account: services.reset_password(
            session, session.get_one(services.User, account.user_id).username, now=utc_now()
        )
    ),
    "disabled": _with_account(
        lambda session, account: administration.disable_account(
            session, account, by="test:setup", reason="试验", now=utc_now()
        )
    ),
    "role granted": _with_account(
        lambda session, account: grant_role(
            session,
            account=account,
            role=Role.LEADER,
            department=root_department(session),
            by="test:setup",
            now=utc_now(),
        )
    ),
    "role revoked": _with_account(_revoke),
    "clearance": _with_account(_clear),
    "ended by an administrator": _with_account(
        lambda session, account: administration.end_sessions(session, account, reason="试验", now=utc_now())
    ),
    "past its end": lambda platform, client: _past_its_end(platform, client.username),
    "idle": _set(last_seen_at=utc_now() - timedelta(minutes=30, seconds=1)),
    "absolute": _set(created_at=utc_now() - timedelta(hours=8, seconds=1)),
}
ROUTES = (
    "/dashboard/", "/layers/", "/systems/", "/registers/", "/calendar/", "/findings/", "/scans/", "/authorizations/",
    "/schedules/", "/evidence/", "/reports/", "/catalogue/", "/jobs/", "/matrix/", "/selfcheck/", "/account/password",
    "/account/sessions/", "/components/", "/systems/export?format=csv", "/findings/export?format=csv",
)  # fmt: skip


@pytest.mark.parametrize("event", sorted(ENDINGS))
def test_a_captured_cookie_is_dead_after(platform: Platform, make_app: Any, event: str) -> None:
    """Each ending event kills the copy on twenty routes and on two web workers with the very next request."""
    first, second = make_app(platform), make_app(platform)
    name = add_person(platform, Role.OFFICER)
    client = Client(first).sign_in(name)
    thieves = [_copy(client), _copy(client, second)]
    before = {url: [thief.get(url).status_code for thief in thieves] for url in ROUTES}

    ENDINGS[event](platform, client)

    assert {url for url, found in before.items() if found != [200, 200]} <= {"/jobs/"}, before
    for url in ROUTES:
        for thief in (_copy(thieves[0]), _copy(thieves[1], second)):
            answer = thief.get(url)
            assert (answer.status_code, answer.headers.get("Location")) == (302, "/login/"), url


def test_the_store_knows_no_token(platform: Platform, client_as: ClientAs) -> None:
    """What lies in the store opens nothing: the cookie's token is there as a digest only."""
    client = client_as(Role.OFFICER)
    with client.http.session_transaction(base_url=client.base_url) as held:
        token = held["sid"]
        assert "_user_id" not in held

    row = _rows(platform, client.username)[-1]

    assert len(token) >= 43
    assert token not in {row.token_hash, row.ref}
    assert token.encode() not in (platform.settings.home / "secops.db").read_bytes()


def test_a_log_in_begins_a_new_session(platform: Platform, client_as: ClientAs) -> None:
    """A cookie that was planted before the log-in is not the one after it, and a guessed one is nobody's."""
    client = client_as(None)
    with client.http.session_transaction(base_url=client.base_url) as held:
        held["sid"] = "planted"
        held["_user_id"] = "1"
    assert not _is_in(client)

    client.sign_in(add_person(platform, Role.OFFICER))

    with client.http.session_transaction(base_url=client.base_url) as held:
        assert held["sid"] != "planted"
        assert "_user_id" not in held


def test_a_new_password_rotates_the_own_session(platform: Platform, client_as: ClientAs) -> None:
    """Who changes the password goes on, in a session of a new token; every other one is over."""
    client = client_as(Role.OFFICER)
    thief = _copy(client)

    client.post("/account/password", {"old_password": PASSWORD, "new_password": NEW, "again": NEW})

    assert _is_in(client)
    assert not _is_in(thief)
    assert [row.end_reason for row in _rows(platform, client.username)] == ["password", ""]


@pytest.mark.parametrize(("role", "minutes"), [(Role.OFFICER, 30), (Role.AUDIT_ADMIN, 15)])
def test_idle_limits_by_role(platform: Platform, client_as: ClientAs, role: Role, minutes: int) -> None:
    """One minute below the limit goes on, at the limit it is over."""
    client = client_as(role)
    _set(last_seen_at=utc_now() - timedelta(minutes=minutes - 1))(platform, client)
    assert _is_in(client)
    _set(last_seen_at=utc_now() - timedelta(minutes=minutes))(platform, client)
    assert not _is_in(client)


def test_use_is_noted_but_not_what_a_page_does_by_itself(platform: Platform, client_as: ClientAs) -> None:
    """A request moves the idle limit on; the refreshing of an open page does not."""
    client = client_as(Role.OFFICER)
    ago = utc_now() - timedelta(minutes=5)
    _set(last_seen_at=ago)(platform, client)

    client.get("/dashboard/", headers={"X-Fragment": "1"})
    still = _rows(platform, client.username)[0].last_seen_at
    client.get("/dashboard/")

    assert still == ago
    assert _rows(platform, client.username)[0].last_seen_at > ago


def test_at_most_five_sessions(platform: Platform, client_as: ClientAs) -> None:
    """The sixth log-in ends the oldest session."""
    first = client_as(Role.OFFICER)
    others = [Client(first.app).sign_in(first.username) for _ in range(5)]

    assert not _is_in(first)
    assert all(_is_in(client) for client in others)
    assert _rows(platform, first.username)[0].end_reason == "limit"


def test_own_sessions_are_seen_and_ended(platform: Platform, client_as: ClientAs) -> None:
    """The page shows one's own sessions only; each can be ended, a foreign one is not there."""
    client = client_as(Role.OFFICER)
    other = Client(client.app).sign_in(client.username)
    stranger = client_as(Role.LEADER)
    own = _rows(platform, client.username)
    foreign = _rows(platform, stranger.username)[0].id

    page = client.get("/account/sessions/").get_data(as_text=True)
    answers = [
        client.post(f"/account/sessions/{number}/end").status_code for number in (foreign, 987654, own[1].id)
    ]

    assert page.count("/end") >= 1
    assert f"/account/sessions/{foreign}/end" not in page
    assert answers == [404, 404, 302]
    assert not _is_in(other)
    assert _is_in(stranger)
    other.sign_in(client.username)
    client.post("/account/sessions/end-others")
    assert not _is_in(other)
    assert _is_in(client)


def test_an_administrator_ends_sessions_with_a_reason(platform: Platform, client_as: ClientAs) -> None:
    """Not without one; with one the person is out and may sign in again."""
    client, admin = client_as(Role.OFFICER), client_as(Role.SYSTEM_ADMIN)
    url = f"/users/{account_of(platform, client.username).user_id}/end-sessions"

    admin.post(url, {"reason": ""})
    assert _is_in(client)
    admin.post(url, {"reason": "离岗"})

    assert not _is_in(client)
    client.sign_in(client.username)
    assert _is_in(client)


def test_a_log_in_beside_a_disabling_is_dead(platform: Platform, client_as: ClientAs) -> None:
    """A session that is made under an epoch that has passed is over, although no row was there to be ended."""
    client = client_as(Role.OFFICER)
    user_id = account_of(platform, client.username).user_id
    with platform.engine.begin() as connection:
        connection.execute(
            update(Account).where(Account.user_id == user_id).values(session_epoch=Account.session_epoch + 1)
        )

    assert not _is_in(client)


FOREIGN = [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://localhost:81"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, {"Origin": "http://[bad"},
]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_request_of_another_site_is_refused(
    platform: Platform, client_as: ClientAs, headers: dict[str, str]
) -> None:
    """Even with a valid token, what comes from elsewhere changes nothing."""
    client = client_as(Role.OFFICER)

    answer = client.post("/login/out", headers=headers)

    assert answer.status_code == 403
    assert _is_in(client)


def test_a_request_of_our_own_page_goes_through(client_as: ClientAs) -> None:
    """Browsers name the origin and the site of our own forms; both pass, and the cache is cleared at log-out."""
    client = client_as(Role.OFFICER)

    answer = client.post(
        "/login/out", headers={"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    )

    assert answer.status_code == 302
    assert '"storage"' in answer.headers["Clear-Site-Data"]


def test_under_tls_the_cookie_is_bound_to_the_host(platform: Platform, tmp_path: Any) -> None:
    """Behind TLS the one cookie is ``__Host-``, Secure, HttpOnly and SameSite, and an http origin is foreign."""
    from dataclasses import replace

    from secops.app import create_app

    app = create_app(replace(platform.settings, behind_tls=True))
    try:
        client = Client(app, base_url="https://localhost")
        answer = client.get("/login/")
        cookies = answer.headers.getlist("Set-Cookie")
        assert cookies
        for cookie in cookies:
            assert cookie.startswith("__Host-secops=")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        sent = client.post("/login/", {"username": "x", "password": "y"}, headers={"Origin": "http://localhost", "Referer": "https://localhost/"})  # fmt: skip
        assert sent.status_code == 403
    finally:
        app.extensions["secops"].engine.dispose()


@pytest.mark.parametrize("number", [0, 30])
def test_the_page_costs_the_same(
    platform: Platform, client_as: ClientAs, query_recorder: Any, number: int
) -> None:
    """Session, user and account come by one query; ended sessions cost nothing."""
    client = client_as(Role.OFFICER)
    row = _rows(platform, client.username)[0]
    with platform.engine.begin() as connection:
        for each in range(number):
            connection.execute(
                UserSession.__table__.insert().values(
                    user_id=row.user_id, token_hash=str(each), epoch=1, created_at=utc_now(),
                    last_seen_at=utc_now(), address="", agent="", ended_at=utc_now(), end_reason="own",
                )
            )  # fmt: skip

    with query_recorder(client.app.extensions["secops"].engine) as queries:
        assert client.get("/account/sessions/").status_code == 200

    assert queries.count == 4, queries.told()


def test_only_one_place_makes_sessions() -> None:
    """A second path to a session is how second factors get passed by; there is one constructor call in the code."""
    from pathlib import Path

    import secops

    found = [
        path.name
        for path in Path(secops.__file__).parent.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "UserSession(" in line and not line.startswith("class ") or "login_user(" in line
    ]

    assert found == ["sessions.py"]
