"""The grid in a browser: by keyboard alone, two people at one cell, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from secops.accounts.models import Role
from secops.assessments.models import AssessmentRecord
from secops.assessments.planning import Plan, create
from secops.clock import utc_now
from secops.objects.models import Asset, System
from tests.functional.ui.conftest import Site, Watched
from tests.support import platforms
from tests.support.builders import Rows

pytestmark = pytest.mark.live


@pytest.fixture
def assessment(site: Site) -> int:
    """A level-3 system with four targets, its assessment begun."""
    rows = Rows(site.platform.engine)
    system = rows.one(System, level=3, profile="S3A3G3", name="工作台系统")
    for number, kind in enumerate(("server", "server", "database", "application")):
        rows.one(Asset, system_id=system, kind=kind, name=f"对象 {number}")
    with site.platform.work("cli") as session:
        found = session.get_one(System, system)
        assets = session.scalars(select(Asset.id).where(Asset.system_id == system)).all()
        return create(session, found, Plan(edition="2025", assets=assets), now=utc_now()).id


def _records(site: Site, assessment: int) -> dict[tuple[str, str | None], str]:
    with site.platform.work("test:look") as session:
        rows = session.scalars(select(AssessmentRecord).where(AssessmentRecord.assessment_id == assessment))
        return {(row.unit_id, row.verdict): row.text for row in rows}


def _until(page: Any, script: str) -> None:
    """Wait until an expression is true; the policy forbids the page the eval that ``wait_for_function`` needs."""
    for _ in range(300):
        if page.evaluate(script):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {script}")


def _open(visit: Callable[..., Watched], role: Role, assessment: int, query: str = "") -> Watched:
    watched = visit(role)
    watched.page.wait_for_load_state("networkidle")
    watched.page.goto(f"/assessments/{assessment}/grid{query}")
    watched.page.wait_for_selector("#work-panel-main [data-cell]")
    return watched


def test_a_class_is_decided_by_keyboard(visit: Callable[..., Watched], site: Site, assessment: int) -> None:
    """Arrows move, numbers decide, n/a asks for its reason, N finds what is left, U takes back, Shift chooses many."""
    page = _open(visit, Role.ASSESSOR, assessment).page
    press = page.keyboard.press
    press("1")
    page.wait_for_selector(".wg-cell.v-c")
    press("ArrowDown")
    press("ArrowDown")
    press("3")
    page.wait_for_selector(".wg-cell.v-n")
    press("ArrowDown")
    press("4")
    _until(page, "document.activeElement.id === 'cell-text'")
    page.keyboard.type("设备在政务云机房，本系统没有自有机房")
    press("Control+Enter")
    page.wait_for_selector(".wg-cell.v-a")
    _until(page, "document.activeElement.id === 'work-grid'")
    press("n")
    page.wait_for_selector("#work-panel-main [data-unit='L3-PES1-05']")
    for _ in range(3):
        press("Shift+ArrowDown")
    press("1")
    page.wait_for_selector("#work-sure[open]")
    _until(page, "document.getElementById('work-sure-text').textContent.includes('4')")
    page.click("#work-go")
    _until(page, "document.querySelectorAll('.wg-cell.v-c').length >= 5")
    found = _records(site, assessment)
    assert found[("L3-PES1-04", "na")] == "设备在政务云机房，本系统没有自有机房"
    assert {unit for unit, verdict in found if verdict == "compliant"} == {
        "L3-PES1-01",
        *(f"L3-PES1-0{n}" for n in range(5, 9)),
    }
    page.keyboard.press("ArrowUp")
    page.keyboard.press("3")
    _until(page, "document.querySelectorAll('.wg-cell.v-n').length === 2")
    page.keyboard.press("u")
    _until(page, "document.querySelectorAll('.wg-cell.v-n').length === 1")


def test_two_people_at_one_cell(visit: Callable[..., Watched], site: Site, assessment: int) -> None:
    """The second sees both texts side by side, keeps their own, and saves on top knowingly."""
    one = _open(visit, Role.ASSESSOR, assessment).page
    two = _open(visit, Role.OFFICER, assessment).page
    two.keyboard.press("m")
    _until(two, "document.activeElement.id === 'cell-text'")
    two.keyboard.type("乙写的结果")
    one.keyboard.press("m")
    _until(one, "document.activeElement.id === 'cell-text'")
    one.keyboard.type("甲写的结果")
    one.check("input[name=verdict][value=compliant]", force=True)
    one.keyboard.press("Control+Enter")
    one.wait_for_selector(".wg-cell.v-c")
    two.check("input[name=verdict][value=non_compliant]", force=True)
    two.keyboard.press("Control+Enter")
    two.wait_for_selector("#work-panel-main .compare-two")
    assert "甲写的结果" in two.inner_text(".compare-two")
    assert two.input_value("#cell-text") == "乙写的结果"
    two.focus("#cell-text")
    two.keyboard.press("Control+Enter")
    two.wait_for_selector(".wg-cell.v-n")
    one.wait_for_selector(".wg-cell.v-n", timeout=6_000)
    assert _records(site, assessment) == {("L3-PES1-01", "non_compliant"): "乙写的结果"}


def test_nothing_typed_is_lost(visit: Callable[..., Watched], site: Site, assessment: int) -> None:
    """A lost connection, the back button and an ended session: the text is there again each time."""
    watched = _open(visit, Role.ASSESSOR, assessment)
    page = watched.page
    page.keyboard.press("m")
    _until(page, "document.activeElement.id === 'cell-text'")
    page.keyboard.type("写到一半的记录")
    page.context.set_offline(True)
    page.keyboard.press("Control+Enter")
    _until(page, "document.querySelector('[data-cell-note]').textContent.length > 2")
    assert page.input_value("#cell-text") == "写到一半的记录"
    page.context.set_offline(False)
    page.goto("/assessments/")
    page.go_back()
    page.wait_for_selector("#work-panel-main [data-cell]")
    _until(page, "document.getElementById('cell-text').value === '写到一半的记录'")
    page.context.clear_cookies()
    page.focus("#cell-text")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/login**")
    page.fill("#f-username", Role.ASSESSOR.value)
    page.fill("#f-password", platforms.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/assessments/{assessment}/grid**")
    _until(page, "document.getElementById('cell-text')?.value === '写到一半的记录'")
    page.focus("#cell-text")
    page.keyboard.press("Control+Enter")
    _until(page, "document.activeElement.id === 'work-grid'")
    assert list(_records(site, assessment).values()) == ["写到一半的记录"]
    watched.faults[:] = [one for one in watched.faults if "ERR_INTERNET_DISCONNECTED" not in one]


def test_filters_stay_in_the_address(visit: Callable[..., Watched], assessment: int) -> None:
    """A class chosen from the overview, words typed, a link to one cell."""
    page = _open(visit, Role.OFFICER, assessment, "?class=CES").page
    assert page.inner_text("#work-count").startswith("34")
    page.fill("#work-find", "CES1-03")
    _until(page, "document.getElementById('work-count').textContent.startsWith('1 ')")
    assert "q=CES1-03" in page.url
    page.reload()
    _until(page, "document.getElementById('work-count').textContent.startsWith('1 ')")
