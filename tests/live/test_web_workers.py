"""Two web processes of the real server: what ends a session or a token ends it in both, within a second."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from secops.accounts import administration, services
from secops.accounts.models import Account, Role
from secops.accounts.services import User
from secops.api import tokens
from secops.clock import utc_now
from secops.config import Settings
from secops.supervisor.orphans import processes
from tests.functional.access.test_sessions import ROUTES
from tests.support.platform_rig import Rig, eventually
from tests.support.platforms import PASSWORD, account_of, add_person
from tests.support.services import free_port

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("two-workers")
    settings = Settings(home=folder / "home", port=free_port(), tick_seconds=1, web_workers=2)
    found = Rig(settings.resolved(), folder / "rig")
    found.start()
    yield found
    found.close()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **options: object) -> None:
        return None


class Browser:
    """Cookies of one sign-in; every request is a connection of its own, so that either process may answer it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = CookieJar()
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), _Stay())

    def ask(
        self, path: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and body, or where it leads."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        wanted = urllib.request.Request(self.url + path, body, {"Origin": self.url, **(headers or {})})
        try:
            with self._open.open(wanted, timeout=30) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Location") or error.read().decode()

    def sign_in(self, name: str) -> Browser:
        _, page = self.ask("/login/")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        status, where = self.ask("/login/", {"csrf_token": found[1], "username": name, "password": PASSWORD})
        assert status == 302, where
        return self


def _web_processes(rig: Rig) -> set[int]:
    """The forked processes that answer, without their parent."""
    parent = rig.child("web")
    return {found.pid for found in processes() if found.parent == parent and found.state not in "ZX"}


def _disable(rig: Rig, name: str) -> None:
    with rig.platform.work("test:event") as session:
        account = session.get_one(Account, account_of(rig.platform, name).user_id)
        administration.disable_account(session, account, by="test:x", reason="试验", now=utc_now())


def _reset(rig: Rig, name: str) -> None:
    with rig.platform.work("test:event") as session:
        user = session.get_one(User, account_of(rig.platform, name).user_id)
        services.reset_password(session, user.username, now=utc_now())


def _revoke(rig: Rig, name: str) -> None:
    with rig.platform.work("test:event") as session:
        grant = services.active_grants(session, account_of(rig.platform, name).user_id, utc_now())[0]
        administration.revoke_grant(session, grant, by="test:x", reason="试验", now=utc_now())


@pytest.mark.parametrize(
    "event", [_disable, _reset, _revoke], ids=["disabled", "password reset", "role revoked"]
)
def test_cookie_and_token_are_dead_in_both_processes(rig: Rig, event: Callable[[Rig, str], None]) -> None:
    """Twenty routes before and after: all open before, none within a second of the event."""
    eventually(lambda: len(_web_processes(rig)) == 2, "two web processes answer")
    name = add_person(rig.platform, Role.OFFICER)
    browser = Browser(rig.settings.url).sign_in(name)
    with rig.platform.work("test:token") as session:
        account = session.get_one(Account, account_of(rig.platform, name).user_id)
        token = tokens.create_token(
            session, account, name="test", areas=list(tokens.AREAS), days=5, now=utc_now()
        )
    bearer = {"Authorization": f"Bearer {token}"}
    assert {browser.ask(route)[0] for route in ROUTES} <= {200, 302}
    assert browser.ask("/systems/")[0] == 200
    assert Browser(rig.settings.url).ask("/api/v1/systems", headers=bearer)[0] == 200

    event(rig, name)
    first = [browser.ask("/systems/") for _ in range(4)]
    after = {route: browser.ask(route) for route in ROUTES}
    # Three: each wrong token counts against the address, which all tests here share.
    tokened = {Browser(rig.settings.url).ask("/api/v1/systems", headers=bearer)[0] for _ in range(3)}

    assert set(first) == {(302, "/login/")}
    assert set(after.values()) == {(302, "/login/")}, after
    assert tokened <= {401, 429}
