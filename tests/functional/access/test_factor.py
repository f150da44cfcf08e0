"""The second factor: set up, asked for, used once, reset by two; and the password asked for again."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from secops.accounts import factors, totp
from secops.accounts.factors import FACTOR
from secops.accounts.models import Account, RecoveryCode, Role, TotpFactor, UserSession
from secops.app import create_app
from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.platform import Platform
from tests.support.platforms import PASSWORD, Client, ClientAs, account_of, add_person

FAR = timedelta(hours=2)


def enrol(platform: Platform, name: str) -> tuple[bytes, list[str]]:
    """Set up one-time codes as of two hours ago, so that every present code is unused; seed and recovery codes."""
    user_id = account_of(platform, name).user_id
    ago = utc_now() - FAR
    with platform.work("test:enrol") as session:
        factor = factors.begin(session, user_id, now=ago)
        seed = factors.seed_of(session, factor)
        account = session.get_one(Account, user_id)
        codes = factors.confirm(session, account, totp.code_at(seed, totp.step_of(ago)), now=ago)
    return seed, codes


def code_now(seed: bytes, off: int = 0) -> str:
    return totp.code_at(seed, totp.step_of(utc_now()) + off)


def half_way(client: Client, name: str) -> Client:
    """Through the first half of the log-in."""
    answer = client.post("/login/", {"username": name, "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/code")
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/password").status_code == 200


def test_set_up_by_the_pages(platform: Platform, client_as: ClientAs) -> None:
    """Begin, scan or type, show a code; recovery codes are shown once, and other sessions end."""
    client = client_as(Role.OFFICER)
    other = Client(client.app).sign_in(client.username)
    client.post("/account/factor/begin")
    page = client.get("/account/factor/").get_data(as_text=True)
    key = re.search(r"((?:[A-Z2-7]{4} ){7}[A-Z2-7]{4})", page)
    assert key is not None
    assert "<svg" in page
    user_id = account_of(platform, client.username).user_id
    with platform.work("test:look") as session:
        factor = session.get_one(TotpFactor, user_id)
        seed = factors.seed_of(session, factor)
        assert totp.spelled(seed) == key.group(1)
        assert seed.hex() not in factor.seed
    wrong = client.post("/account/factor/confirm", {"code": "000000" if code_now(seed) != "000000" else "1"})
    done = client.post("/account/factor/confirm", {"code": code_now(seed)})

    assert wrong.status_code == 400
    codes = set(re.findall(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", done.get_data(as_text=True)))
    assert len(codes) == factors.RECOVERY_CODES
    assert is_in(client)
    assert not is_in(other)
    assert not codes & set(
        re.findall(r"[A-Z2-9-]{14}", client.get("/account/factor/").get_data(as_text=True))
    )


def test_the_log_in_asks_for_the_code(platform: Platform, client_as: ClientAs) -> None:
    """The password alone opens nothing; with the code one is in, and the session remembers when."""
    name = add_person(platform, Role.OFFICER)
    seed, _ = enrol(platform, name)
    client = half_way(client_as(None), name)

    before = [client.get(url).headers.get("Location") for url in ("/dashboard/", "/account/factor/")]
    wrong = client.post("/login/code", {"code": "not one"})
    right = client.post("/login/code", {"code": code_now(seed)})

    assert before == ["/login/"] * 2
    assert wrong.status_code == 401
    assert right.status_code == 302
    assert is_in(client)
    with Session(platform.engine) as session:
        assert session.scalars(select(UserSession.factor_at).order_by(UserSession.id.desc())).first()


@pytest.mark.parametrize("spell", ["{}", " {} ", "wide"])
def test_a_code_works_once(platform: Platform, client_as: ClientAs, spell: str) -> None:
    """A second session with the same code is refused, however the code is spelled."""
    name = add_person(platform, Role.OFFICER)
    seed, _ = enrol(platform, name)
    code = code_now(seed)
    first = half_way(client_as(None), name)
    second = half_way(Client(first.app), name)
    typed = "".join(chr(ord(d) + 0xFEE0) for d in code) if spell == "wide" else spell.format(code)

    assert first.post("/login/code", {"code": code}).status_code == 302
    assert second.post("/login/code", {"code": typed}).status_code == 401
    assert not is_in(second)


def test_fifty_at_one_time_give_one(both_platforms: Platform) -> None:
    """Fifty who show the same code at the same time: the database lets exactly one through."""
    platform = both_platforms
    name = add_person(platform, Role.OFFICER)
    seed, _ = enrol(platform, name)
    user_id, now = account_of(platform, name).user_id, utc_now()
    code = totp.code_at(seed, totp.step_of(now))

    def show(_: int) -> bool:
        with platform.work("test:code") as session:
            return FACTOR.verify(session, user_id, code, now)

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(show, range(50))) == 1


def test_recovery_codes_work_once_each(platform: Platform, client_as: ClientAs) -> None:
    """One stands in for the code, spelled as a person types it, and is used up; nothing readable is stored."""
    name = add_person(platform, Role.OFFICER)
    _, codes = enrol(platform, name)
    client = half_way(client_as(None), name)
    assert client.post("/login/code", {"code": codes[0].lower().replace("-", " ")}).status_code == 302
    again = half_way(Client(client.app), name)
    assert again.post("/login/code", {"code": codes[0]}).status_code == 401
    assert again.post("/login/code", {"code": codes[1]}).status_code == 302

    with Session(platform.engine) as session:
        stored = " ".join(session.scalars(select(RecoveryCode.code_hash)))
    assert not any(code.replace("-", "") in stored for code in codes)


def test_guessing_codes_locks_and_the_password_does_not_pay_for_it(
    platform: Platform, client_as: ClientAs
) -> None:
    """Five wrong codes lock the account, even when the password is shown again between them."""
    name = add_person(platform, Role.OFFICER)
    seed, _ = enrol(platform, name)
    client = client_as(None)
    for each in range(5):
        data = {"REMOTE_ADDR": f"198.51.100.{each}"}
        half_way(client, name)
        client.post("/login/code", {"code": "12"}, environ_overrides=data)

    assert account_of(platform, name).locked_until is not None
    answer = client.post(
        "/login/code", {"code": code_now(seed)}, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}
    )
    assert answer.status_code == 401
    assert client.post("/login/", {"username": name, "password": PASSWORD}).status_code == 401


def test_the_first_half_ends(platform: Platform, client_as: ClientAs) -> None:
    """After five minutes, or when the account moved on, the password is asked for again."""
    name = add_person(platform, Role.OFFICER)
    seed, _ = enrol(platform, name)
    client = half_way(client_as(None), name)
    with client.http.session_transaction(base_url=client.base_url) as held:
        held["half"] = {**held["half"], "at": held["half"]["at"] - 301}
    assert client.post("/login/code", {"code": code_now(seed)}).headers["Location"] == "/login/"
    half_way(client, name)
    with platform.engine.begin() as connection:
        connection.execute(update(Account).values(session_epoch=Account.session_epoch + 1))
    assert client.post("/login/code", {"code": code_now(seed)}).headers["Location"] == "/login/"
    assert not is_in(client)


@pytest.mark.parametrize(
    ("policy", "role", "led"),
    [
        ("all", Role.OFFICER, True), ("administrators", Role.OFFICER, False),
        ("administrators", Role.AUDIT_ADMIN, True), ("off", Role.AUDIT_ADMIN, False),
    ],
)  # fmt: skip
def test_who_must_have_one(platform: Platform, policy: str, role: Role, led: bool) -> None:
    """Where the policy demands a factor, every page leads to its set-up until there is one, and it stays."""
    app = create_app(replace(platform.settings, second_factor=policy))
    try:
        client = Client(app).sign_in(add_person(platform, role))
        where = client.get("/matrix/" if role is Role.AUDIT_ADMIN else "/systems/").headers.get("Location")
        assert where == ("/account/factor/" if led else None)
        if led:
            assert client.post("/account/factor/remove", {"code": "1"}).status_code == 403
    finally:
        app.extensions["secops"].engine.dispose()


def test_production_demands_it_of_everybody(platform: Platform) -> None:
    """Left alone, the setting means everybody in production mode, and nobody else."""
    assert replace(platform.settings, mode="production").factor_policy == "all"
    assert platform.settings.factor_policy == "off"


def test_a_reset_takes_two_roles(platform: Platform, client_as: ClientAs) -> None:
    """The system administrator asks, the security administrator decides; neither does both, and sessions end."""
    name = add_person(platform, Role.OFFICER)
    seed, _ = enrol(platform, name)
    victim = half_way(client_as(None), name)
    victim.post("/login/code", {"code": code_now(seed)})
    admin, security = client_as(Role.SYSTEM_ADMIN), client_as(Role.SECURITY_ADMIN)
    user_id = account_of(platform, name).user_id
    reset = f"/users/{user_id}/reset-factor"

    assert security.post(reset, {"reason": "手机丢失"}).status_code == 403
    admin.post(reset, {"reason": "手机丢失"})
    with platform.work("test:look") as session:
        assert FACTOR.is_enrolled(session, user_id)
    assert admin.post("/approvals/1/decide", {"to": "approved", "reason": "核实"}).status_code == 403
    security.post("/approvals/1/decide", {"to": "approved", "reason": "核实"})

    with platform.work("test:look") as session:
        assert not FACTOR.is_enrolled(session, user_id)
        assert (
            session.scalar(select(AuditEvent.actor).where(AuditEvent.action == "factor.reset"))
            == security.username
        )
    assert not is_in(victim)


def _age(platform: Platform, name: str) -> None:
    user_id = account_of(platform, name).user_id
    with platform.engine.begin() as connection:
        ago = utc_now() - timedelta(minutes=16)
        connection.execute(update(UserSession).where(UserSession.user_id == user_id).values(reauth_at=ago))


def test_sensitive_acts_ask_for_the_password_again(platform: Platform, client_as: ClientAs) -> None:
    """After a quarter of an hour; a wrong one changes nothing, the right one leads back and renews the session."""
    client = client_as(Role.SECURITY_ADMIN)
    assert client.get("/grants/new").status_code == 200
    _age(platform, client.username)
    assert client.get("/grants/new?user=3").headers["Location"] == "/account/confirm"
    assert client.get("/grants/").status_code == 200
    with client.http.session_transaction(base_url=client.base_url) as held:
        before = held["sid"]

    wrong = client.post("/account/confirm", {"password": "Wrong-1-guess"})
    still = client.get("/grants/new?user=3")
    right = client.post("/account/confirm", {"password": PASSWORD})

    assert (wrong.status_code, still.status_code) == (401, 302)
    assert right.headers["Location"] == "/grants/new?user=3"
    assert client.get("/grants/new").status_code == 200
    with client.http.session_transaction(base_url=client.base_url) as held:
        assert held["sid"] != before


def test_a_stale_post_does_nothing(platform: Platform, client_as: ClientAs) -> None:
    """A form that is sent too late leads to the question first, and never to another site."""
    client = client_as(Role.SYSTEM_ADMIN)
    _age(platform, client.username)
    data = {"username": "late", "display_name": "x", "department": "1"}

    answer = client.post("/users/new", data, headers={"Referer": "https://evil.example/x"})

    assert answer.headers["Location"] == "/account/confirm"
    assert client.post("/account/confirm", {"password": PASSWORD}).headers["Location"] == "/"
    assert "late" not in client.get("/users/").get_data(as_text=True)


@pytest.mark.parametrize(("address", "status"), [("10.1.2.9", 200), ("10.1.3.9", 403), ("2001:db8::1", 403)])
def test_administrators_work_from_their_networks(platform: Platform, address: str, status: int) -> None:
    """Where the settings name networks, an administrator gets nothing from elsewhere; others are not touched."""
    app = create_app(replace(platform.settings, admin_networks="10.1.2.0/24"))
    try:
        people = {role: add_person(platform, role) for role in (Role.SYSTEM_ADMIN, Role.OFFICER)}
        where: Any = {"environ_overrides": {"REMOTE_ADDR": address}}
        admin, officer = (Client(app).sign_in(name) for name in people.values())
        assert admin.get("/users/", **where).status_code == status
        assert officer.get("/systems/", **where).status_code == 200
    finally:
        app.extensions["secops"].engine.dispose()
