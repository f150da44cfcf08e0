"""Passwords of the profile mlps3: peppered, with history and expiry; and guessing is limited on every path."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from secops.accounts import passwords, services, throttle
from secops.accounts.models import Account, LoginAttempt, PasswordHistory, Role
from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.errors import BadInput
from secops.keyring import keys_of
from secops.platform import Platform
from tests.support.platforms import PASSWORD, Client, ClientAs, account_of, add_person


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few rounds; the stored hash names them, so everything else is as it runs."""
    monkeypatch.setattr(passwords, "ITERATIONS", 1000)
    passwords._nobodys_hash.cache_clear()
    yield
    passwords._nobodys_hash.cache_clear()


def _stored(platform: Platform, name: str) -> str:
    with platform.work("test:look") as session:
        return session.scalars(select(User.password).where(User.username == name)).one() or ""


def _log_in(client: Client, name: str, password: str, address: str = "127.0.0.1") -> int:
    """Through the page, from *address*."""
    data = {"username": name, "password": password}
    answer = client.post("/login/", data, environ_overrides={"REMOTE_ADDR": address})
    return answer.status_code


def test_the_database_alone_checks_no_password(platform: Platform) -> None:
    """The hash is PBKDF2-HMAC-SM3 over what only the key outside the database makes of the password."""
    stored = _stored(platform, add_person(platform, Role.OFFICER))
    prefix, kid, plain = stored.split("$", 2)

    assert prefix == "mlps3"
    assert plain.startswith("pbkdf2:sm3:")
    assert not check_password_hash(plain, PASSWORD)
    assert passwords.check_password(stored, PASSWORD, platform.keys)
    assert kid in {info.kid for info in platform.keys.key_info()}


def test_the_profile_has_six_hundred_thousand_rounds() -> None:
    """What this module makes quick is not quick where it counts."""
    from importlib import resources

    text = (resources.files("secops.accounts") / "passwords.py").read_text(encoding="utf-8")

    assert "ITERATIONS = 600_000" in text


def test_old_hashes_are_made_anew_at_log_in(platform: Platform, client_as: ClientAs) -> None:
    """A hash from before the pepper opens once more, and is then replaced."""
    name = add_person(platform, Role.OFFICER)
    with platform.engine.begin() as connection:
        old = generate_password_hash(PASSWORD, method="pbkdf2:sm3:1000")
        connection.execute(update(User).where(User.username == name).values(password=old))

    client_as(None).sign_in(name)

    assert _stored(platform, name).startswith("mlps3$")


def test_a_new_main_key_leaves_passwords_valid(platform: Platform, client_as: ClientAs) -> None:
    """The hash carries the id of its key."""
    name = add_person(platform, Role.OFFICER)
    platform.keys.rotate_main_key()

    client_as(None).sign_in(name)


def test_the_last_five_passwords_do_not_come_back(platform: Platform) -> None:
    """The present one and four before it are refused; the one before those is free again."""
    name = add_person(platform, Role.OFFICER)
    words = [PASSWORD, *(f"Sunny-Meadow-{number}7" for number in range(5))]
    with platform.work("test:change") as session:
        user = session.scalars(select(User).where(User.username == name)).one()
        for old, new in zip(words, words[1:], strict=False):
            services.change_password(session, user, old=old, new=new, again=new, now=utc_now())
        for used in words[1:]:
            with pytest.raises(BadInput):
                services.change_password(session, user, old=words[-1], new=used, again=used, now=utc_now())
        kept = session.scalar(select(func.count()).select_from(PasswordHistory))
        services.change_password(session, user, old=words[-1], new=PASSWORD, again=PASSWORD, now=utc_now())

    assert kept == passwords.HISTORY - 1


@pytest.mark.parametrize(("days", "led"), [(89, None), (90, "/account/password")])
def test_a_password_of_ninety_days_must_be_changed(
    platform: Platform, client_as: ClientAs, days: int, led: str | None
) -> None:
    """At the next request, whatever it asks for."""
    client = client_as(Role.OFFICER)
    user_id = account_of(platform, client.username).user_id
    with platform.engine.begin() as connection:
        connection.execute(
            update(Account)
            .where(Account.user_id == user_id)
            .values(password_changed_at=utc_now() - timedelta(days=days))
        )

    assert client.get("/systems/").headers.get("Location") == led


@pytest.mark.parametrize("addresses", [1, 50])
def test_a_thousand_wrong_log_ins(platform: Platform, client_as: ClientAs, addresses: int) -> None:
    """From one address and from fifty: five checks at most, the account locked, one answer for all of them."""
    name = add_person(platform, Role.OFFICER)
    client = client_as(None)
    number = 1000 if addresses == 1 else 200

    answers = {
        _log_in(client, name, f"Wrong-{each}-guess", f"198.51.100.{each % addresses}")
        for each in range(number)
    }
    right = [_log_in(client, name, PASSWORD, f"203.0.113.{each}") for each in range(3)]

    assert answers == {401}
    assert right == [401] * 3
    locked = account_of(platform, name).locked_until
    assert locked is not None
    with Session(platform.engine) as session:
        looked_at = session.scalar(
            select(func.count()).where(LoginAttempt.user_id.is_not(None), LoginAttempt.outcome == "failed")
        )
        locks = session.scalar(select(func.count()).where(AuditEvent.action == "account.lock"))
    assert looked_at == throttle.PER_ACCOUNT
    assert locks == 1


def test_one_address_and_many_names(platform: Platform, client_as: ClientAs) -> None:
    """Ten wrong names from one address, and nobody gets in from there; from another address one does."""
    name = add_person(platform, Role.OFFICER)
    client = client_as(None)
    for each in range(throttle.PER_ADDRESS):
        _log_in(client, f"nobody-{each}", "Wrong-1-guess", "198.51.100.9")

    assert _log_in(client, name, PASSWORD, "198.51.100.9") == 401
    assert _log_in(client, name, PASSWORD, "198.51.100.10") == 302


def test_a_flood_does_not_lock_out_where_people_work(
    platform: Platform, client_as: ClientAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the limit in total only addresses from which somebody signed in lately are heard."""
    monkeypatch.setattr(throttle, "IN_TOTAL", 20)
    name = add_person(platform, Role.OFFICER)
    client = client_as(None)
    assert _log_in(Client(client.app), name, PASSWORD, "192.0.2.7") == 302
    for each in range(25):
        _log_in(client, f"nobody-{each}", "Wrong-1-guess", f"198.51.100.{each}")

    assert _log_in(Client(client.app), name, PASSWORD, "192.0.2.8") == 401
    assert _log_in(Client(client.app), name, PASSWORD, "192.0.2.7") == 302


def test_fifty_at_one_time_are_no_more_than_five(both_platforms: Platform) -> None:
    """Attempts are counted before the secret is looked at, so running beside each other gains nothing."""
    platform = both_platforms
    user_id = account_of(platform, add_person(platform, Role.OFFICER)).user_id
    now = utc_now()

    def attempt(number: int) -> bool:
        with Session(platform.engine) as session:
            made = throttle.begin(session, throttle.Path.LOGIN, user_id, f"198.51.100.{number}", now)
            return not made.refused

    with ThreadPoolExecutor(10) as pool:
        admitted = sum(pool.map(attempt, range(50)))

    assert admitted <= throttle.PER_ACCOUNT


def test_a_lock_ends_and_an_administrator_lifts_it(platform: Platform, client_as: ClientAs) -> None:
    """After half an hour by itself, or at once when the account is enabled or its password reset."""
    from secops.accounts.administration import enable_account

    name = add_person(platform, Role.OFFICER)
    client = client_as(None)
    for each in range(5):
        _log_in(client, name, f"Wrong-{each}-guess", f"198.51.100.{each}")
    user_id = account_of(platform, name).user_id
    before = _log_in(client, name, PASSWORD)
    with platform.work("test:unlock") as session:
        enable_account(session, session.get_one(Account, user_id), by="x", reason="试验", now=utc_now())

    assert before == 401
    assert _log_in(client, name, PASSWORD) == 302
    now = utc_now()
    with Session(platform.engine) as session:
        later = now + throttle.LOCK_FOR + timedelta(seconds=1)
        assert not throttle.begin(session, throttle.Path.LOGIN, user_id, "192.0.2.1", later).refused


def test_all_refusals_look_alike(platform: Platform, client_as: ClientAs) -> None:
    """Unknown, wrong, disabled and locked: one status, one page, one hash each."""
    from tests.functional.access.world import plain

    people = {why: add_person(platform, Role.OFFICER) for why in ("password", "disabled", "locked")}
    with platform.engine.begin() as connection:
        connection.execute(update(User).where(User.username == people["disabled"]).values(active=False))
        user_id = account_of(platform, people["locked"]).user_id
        until = utc_now() + timedelta(minutes=9)
        connection.execute(update(Account).where(Account.user_id == user_id).values(locked_until=until))
    client = client_as(None)

    pages = set()
    for number, (why, name) in enumerate({**people, "unknown": "nobody-at-all"}.items()):
        data = {"username": name, "password": "Wrong-1-guess" if why == "password" else PASSWORD}
        answer = client.post("/login/", data, environ_overrides={"REMOTE_ADDR": f"198.51.100.{number}"})
        pages.add((answer.status_code, plain(answer.get_data(as_text=True)).replace(name, "")))

    assert len(pages) == 1
    with Session(platform.engine) as session:
        reasons = session.scalars(
            select(AuditEvent.reason).where(AuditEvent.action == "login", AuditEvent.result == "refused")
        )
        assert set(reasons) == {"password", "disabled", "locked", "unknown"}


def test_keys_that_are_gone_let_nobody_in(platform: Platform) -> None:
    """Without the pepper's key there is no log-in, and the reason is told rather than a wrong password."""
    from secops.errors import NotReady

    add_person(platform, Role.OFFICER, username="zhao")
    (platform.settings.home / "keys").rename(platform.settings.home / "gone")

    with pytest.raises(NotReady), platform.work("test:keys") as session:
        keys_of(session)
