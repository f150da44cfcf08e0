"""Accessibility of the pages over a small invented district, as axe-core sees it: no serious and no critical fault.

The checker comes from npm: ``npm ci --prefix tests/axe``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from secops.accounts.models import Role
from secops.assessments.deciding import decide_many, load_frame
from secops.assessments.planning import Plan, create
from secops.clock import utc_now
from secops.objects.models import System
from secops.seed.district import SIZES, seed
from tests.functional.ui.conftest import Site, Watched
from tests.support import platforms
from tests.support.services import require_file

pytestmark = pytest.mark.live
AXE = Path(__file__).parents[2] / "axe" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']}))
  .violations.filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | '))"""
PAGES = {
    Role.OFFICER: (
        "/dashboard/", "/layers/", "/layers/data/STO/TEC?system=3", "/systems/", "/systems/2", "/systems/2/items", "/systems/2/items/L2-CES1-01", "/systems/2/scope",
        "/systems/2/inheritance", "/systems/2/assets", "/systems/2/classify", "/registers/", "/registers/systems/",
        "/registers/systems/new", "/registers/systems/2", "/registers/assets/import", "/calendar/", "/findings/",
        "/findings/1", "/findings/board", "/findings/new?system=3", "/inbox/", "/scans/", "/authorizations/new", "/schedules/", "/schedules/new", "/schedules/new?kind=report", "/schedules/runs", "/evidence/", "/evidence/upload", "/reports/", "/reports/build", "/reports/build?kind=remediation", "/reports/build?kind=district",
        "/catalogue/", "/jobs/", "/matrix/", "/assessments/", "/assessments/new?system=YX-0004", "/assessments/1", "/assessments/1/grid", "/assessments/1/cells/L3-PES1-01/1",
        "/assessments/1/risks", "/assessments/1/risks/L3-PES1-01", "/assessments/1/checks", "/assessments/1/result",
        "/assessments/1/sheets", "/assessments/1/compare",
    ),
    Role.SYSTEM_ADMIN: (
        "/users/", "/users/new", "/running/", "/account/", "/account/password", "/account/factor/", "/account/sessions/",
        "/account/tokens/", "/selfcheck/",
    ),
    Role.SECURITY_ADMIN: ("/grants/", "/grants/new", "/approvals/", "/labels/", "/review/", "/matrix/"),
    Role.AUDIT_ADMIN: ("/audit/", "/audit/1"),
    Role.LEADER: ("/dashboard/",),
}  # fmt: skip


@pytest.fixture(scope="module")
def district(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The application over the small seed."""
    platform = platforms.copy_installation(_sqlite_template, tmp_path_factory.mktemp("axe") / "home")
    seed(platform.engine, SIZES["S"])
    with platform.work("cli") as session:
        system = session.scalars(select(System).where(System.code == "YX-0004")).one()
        begun = create(session, system, Plan(), now=utc_now())
        frame = load_frame(session, begun)
        decide_many(
            session,
            begun,
            frame,
            [("L3-PES1-01", frame.whole.id)],
            verdict="non_compliant",
            text="渗水",
            now=utc_now(),
        )
    for role in PAGES:
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


@pytest.fixture
def open_in(browser: Any, district: Site) -> Iterator[Callable[[str], Any]]:
    contexts: list[Any] = []

    def sign_in(username: str) -> Any:
        context = browser.new_context(
            base_url=district.url,
            viewport={"width": 1366, "height": 768},
            locale="zh-CN",
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(45_000)
        return Watched(context.new_page(), district).sign_in(username).page

    yield sign_in
    for context in contexts:
        context.close()


DARK = (
    "/dashboard/", "/inbox/", "/layers/", "/systems/", "/systems/2", "/systems/2/scope", "/calendar/", "/findings/",
    "/findings/1", "/findings/board", "/findings/new?system=3", "/scans/", "/evidence/", "/reports/", "/assessments/1",
    "/assessments/1/grid", "/assessments/1/result", "/catalogue/", "/matrix/", "/account/password",
)  # fmt: skip


def test_no_serious_fault_in_the_dark(open_in: Callable[[str], Any]) -> None:
    """The dark theme, in English: contrast above all."""
    script = require_file(AXE, "npm ci --prefix tests/axe").read_text(encoding="utf-8")
    page = open_in(Role.OFFICER.value)
    page.goto("/theme/dark")
    page.goto("/language/en")
    found = {}
    for address in DARK:
        answer = page.goto(address)
        assert answer.status == 200, address
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 24, 33)"
        page.evaluate(script)
        faults = page.evaluate(RUN)
        if faults:
            found[address] = faults
    assert not found, "\n".join(f"{address} {fault}" for address, faults in found.items() for fault in faults)


@pytest.mark.parametrize("role", list(PAGES))
def test_no_serious_fault(open_in: Callable[[str], Any], role: Role) -> None:
    """Every page of the role, in Chinese: contrast, names, roles, order of headings, landmarks."""
    script = require_file(AXE, "npm ci --prefix tests/axe").read_text(encoding="utf-8")
    page = open_in(role.value)
    found = {}
    for address in PAGES[role]:
        answer = page.goto(address)
        assert answer.status == 200, address
        page.evaluate(script)
        faults = page.evaluate(RUN)
        if faults:
            found[address] = faults
    assert not found, "\n".join(f"{address} {fault}" for address, faults in found.items() for fault in faults)
