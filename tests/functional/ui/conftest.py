"""A browser over the real application, served on a free port of loopback.

``site`` has one account per role (user name = role, password PASSWORD). ``visit(role)`` opens a signed-in page that
notes every request to another host, every console error and every refusal of the content security policy; what was
noted fails the test at its end.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from secops.accounts.models import Role
from secops.platform import Platform
from tests.support import platforms
from tests.support.services import require_module, require_tool

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@dataclass(frozen=True)
class Site:
    """A running application."""

    url: str
    app: Flask
    platform: Platform


@dataclass
class Watched:
    """A page of the browser and what went wrong on it."""

    page: Any
    site: Site
    faults: list[str] = field(default_factory=list)

    def watch(self) -> Watched:
        page, url = self.page, self.site.url
        page.on(
            "console", lambda m: self._note("console", m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self._note("script", str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith((url, "data:", "blob:")) else self._note("outside", r.url),
        )
        page.on("dialog", lambda dialog: (self._note("dialog", dialog.message), dialog.dismiss()))
        return self

    def _note(self, kind: str, text: str) -> None:
        # The browser reports every answer of 4xx and 5xx so; a test that wants one asks for it.
        if kind == "console" and "the server responded with a status of 4" in text:
            return
        self.faults.append(f"{kind}: {text[:300]}")

    def sign_in(self, username: str, password: str = platforms.PASSWORD) -> Watched:
        # Asked for first, so that the log-in leads there for every role.
        self.page.goto("/account/password")
        self.page.fill("#f-username", username)
        self.page.fill("#f-password", password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)
        return self


@pytest.fixture(scope="session")
def site(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The application with one account per role, on a port of its own."""
    platform = platforms.copy_installation(_sqlite_template, tmp_path_factory.mktemp("ui") / "home")
    for role in Role:
        platforms.add_person(platform, role, username=role.value)
    app = platforms.application(platform)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", app, platform)
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()
    app.extensions["secops"].engine.dispose()
    platform.engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium of the system; skipped with the command that installs it when there is none."""
    program = require_tool("chromium", "chromium fonts-noto-cjk")
    require_module("playwright", "playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any, site: Site) -> Iterator[Callable[..., Watched]]:
    """``open_page(width=…, javascript=…)`` gives a page of nobody; faults fail the test at its end."""
    opened: list[Watched] = []

    def open_one(*, width: int = 1366, height: int = 768, javascript: bool = True) -> Watched:
        context = browser.new_context(
            base_url=site.url,
            viewport={"width": width, "height": height},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.set_default_timeout(45_000)
        opened.append(Watched(context.new_page(), site).watch())
        return opened[-1]

    yield open_one
    faults = [fault for watched in opened for fault in watched.faults]
    for watched in opened:
        watched.page.context.close()
    assert faults == []


@pytest.fixture
def visit(open_page: Callable[..., Watched]) -> Callable[..., Watched]:
    """``visit(role, **as open_page)`` gives a page that is signed in."""
    return lambda role, **options: open_page(**options).sign_in(Role(role).value)
