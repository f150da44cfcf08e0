"""The classification wizard in a browser, by keyboard alone, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secops.accounts.models import Role
from secops.objects.models import System
from tests.functional.ui.conftest import Site, Watched
from tests.support.builders import Rows

pytestmark = pytest.mark.live
WORDS = {"zh": ("试算", "记录定级", "第三级"), "en": ("Work it out", "Record the classification", "Level 3")}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_system_is_classified_by_keyboard(visit: Callable[..., Watched], site: Site, language: str) -> None:
    """Tab and typing reach every field; the trial shows the level, and the record is made without a mouse."""
    system = Rows(site.platform.engine).one(System, level=None, profile="", code=f"WIZ-{language}")
    page = visit(Role.OFFICER).page
    page.wait_for_load_state("networkidle")
    page.goto(f"/language/{language}?next=/account/password")
    page.wait_for_load_state("networkidle")
    page.goto(f"/systems/{system}/classify")
    trial, record, level = WORDS[language]

    def tab_to(name: str) -> None:
        for _ in range(120):
            page.keyboard.press("Tab")
            if (
                page.evaluate("document.activeElement.name || document.activeElement.innerText.trim()")
                == name
            ):
                return
        raise AssertionError(f"{name} is not reached by Tab")

    for side in ("business", "service"):
        tab_to(f"{side}_0_public")
        # First letters and arrows choose: none, general, severe.
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
    tab_to("reason")
    page.keyboard.type("影响面较大" if language == "zh" else "Many people depend on it")
    while page.evaluate("document.activeElement.innerText.trim()") != trial:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert level in page.inner_text("main")
    assert page.input_value("[name=business_0_public]") == "severe"
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText.trim()") == record:
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/systems/{system}")
    assert "S3A3G3" in page.inner_text("main")
