"""The pages in a real browser: nothing from outside, nothing refused, by keyboard, without script, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from secops.accounts.models import Role
from tests.functional.ui.conftest import Watched
from tests.support.platforms import PASSWORD, account_of, add_person

pytestmark = pytest.mark.live
Visit = Callable[..., Watched]

# Beside the navigation, every page that has no row of data of its own.
OTHER = {
    Role.SYSTEM_ADMIN: ("/users/new", "/account/password", "/components/", "/components/7"),
    Role.SECURITY_ADMIN: ("/grants/new",),
    Role.AUDIT_ADMIN: ("/audit/1",),
}
CHECK = """() => {
  const seen = (e) => e.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true}) && e.getClientRects().length > 0;
  const name = (e) => e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.title || e.placeholder || e.querySelector('title')?.textContent;
  return {
    headings: document.querySelectorAll('h1').length,
    lang: document.documentElement.lang,
    title: document.title,
    nameless: [...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary')]
      .filter(e => seen(e) && !(name(e) || '').trim()).map(e => e.outerHTML.slice(0, 160)),
    doubled: [...document.querySelectorAll('[id]')].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i),
    wide: document.documentElement.scrollWidth - innerWidth,
    styled: document.querySelectorAll('main [style]').length,
  };
}"""


def wait_until(page: Any, holds: Callable[[], bool]) -> None:
    """Let the browser work until *holds*; its own waiting runs ``eval`` in the page, which the policy refuses."""
    for _ in range(300):
        if holds():
            return
        page.wait_for_timeout(30)
    raise AssertionError("did not come true within nine seconds")


def _addresses(page: Any) -> list[str]:
    return [link.get_attribute("href") for link in page.query_selector_all(".side-nav a")]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("role", list(Role))
def test_every_page_of_the_navigation_is_sound(visit: Visit, role: Role, language: str) -> None:
    """Each page: one heading, named controls, unique ids, no fault in the browser, and no side scroll at any width."""
    page = visit(role).page
    # A late answer would bring the cookie of before back.
    page.wait_for_load_state("networkidle")
    page.goto(f"/language/{language}?next=/account/password")
    page.wait_for_load_state("networkidle")
    for address in [*_addresses(page), *OTHER.get(role, ())]:
        for width in (1920, 1366, 400):
            page.set_viewport_size({"width": width, "height": 800})
            answer = page.goto(address)
            assert answer.status == 200, address
            found = page.evaluate(CHECK)
            assert found["lang"] == ("zh-CN" if language == "zh" else "en")
            assert found["headings"] == 1, address
            assert found["title"].strip(" ·"), address
            assert found["nameless"] == [], address
            assert found["doubled"] == [], address
            assert found["wide"] <= 0, f"{address} at {width}"
            assert found["styled"] == 0, address


def test_the_policy_is_strict_and_bites(visit: Visit) -> None:
    """The header allows no inline script or style, and the browser refuses both."""
    watched = visit(Role.OFFICER)
    page = watched.page
    policy = page.goto("/components/").headers["content-security-policy"]
    assert "unsafe" not in policy
    page.evaluate("""() => {
      window.refused = [];
      document.addEventListener('securitypolicyviolation', e => window.refused.push(e.violatedDirective));
      document.body.insertAdjacentHTML('beforeend', '<p style="color:red">x</p><img src="data:," onerror="window.ran=1">');
      const s = document.createElement('script'); s.textContent = 'window.ran=1'; document.body.append(s);
    }""")
    wait_until(page, lambda: page.evaluate("window.refused.length") >= 2)
    assert page.evaluate("window.ran") is None
    # Then: these refusals were wanted.
    watched.faults[:] = [fault for fault in watched.faults if "Content Security Policy" not in fault]


def test_log_in_and_list_by_keyboard(open_page: Visit, site: Any) -> None:
    """From the log-in page to an opened row and back without touching a mouse."""
    page = open_page().page
    page.goto("/account/password")
    # The first field has the focus; a wrong password keeps the name and goes to the password.
    wait_until(page, lambda: page.evaluate("document.activeElement.id") == "f-username")
    page.keyboard.type("officer")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector(".notice.tone-bad")
    assert page.input_value("#f-username") == "officer"
    wait_until(page, lambda: page.evaluate("document.activeElement.id") == "f-password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".user-menu")
    page.goto("/components/")
    # The skip link comes first and leads to the content.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    # Search, go down, open.
    page.keyboard.press("/")
    page.keyboard.type("门户")
    wait_until(page, lambda: page.locator("#table-components tbody tr").count() == 6)
    assert "q=" in page.url
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    target = page.evaluate("document.activeElement.dataset.href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{target}")
    page.go_back()
    page.wait_for_selector("#table-components")
    assert page.input_value("[data-search]") == "门户"


def test_filters_columns_and_pages_change_the_list_in_place(visit: Visit) -> None:
    """Filter, sort, page and columns refresh the list only, keep history, and columns are remembered."""
    page = visit(Role.OFFICER).page
    page.goto("/components/")
    page.evaluate("window.same = true")
    page.click("summary:has-text('等级')")
    page.check("input[name=level][value='3']")
    page.wait_for_selector(".filter-chip")
    assert page.locator("details[open][data-key=level]").count() == 1
    page.keyboard.press("Escape")
    page.click("[data-key='sort-findings']")
    page.wait_for_selector("th[aria-sort=ascending] >> text=问题数")
    page.click("[data-key=next]")
    page.wait_for_selector(".pages .now >> text=2")
    assert page.evaluate("window.same")
    page.go_back()
    page.wait_for_selector(".pages .now >> text=1")
    page.click("summary[aria-label='显示的列']")
    page.check("input[name=cols][value=code]")
    page.wait_for_selector("td.kind-code")
    page.goto("/components/")
    assert page.locator("th >> text=编号").count() == 1
    page.click(".filter-flag input")
    page.wait_for_selector(".filter-chip")
    page.click("text=清除全部")
    page.wait_for_selector(".filter-chip", state="detached")


def test_selected_rows_are_counted(visit: Visit) -> None:
    """The bar for selected rows shows with the first one and counts."""
    page = visit(Role.OFFICER).page
    page.goto("/components/")
    assert not page.is_visible("[data-bulk]")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.inner_text("[data-bulk-count] b") == "2"
    page.check("[data-pick-all]")
    assert page.inner_text("[data-bulk-count] b") == "25"


def test_dialog_asks_for_a_reason_and_holds_the_focus(visit: Visit, open_page: Visit, site: Any) -> None:
    """Disabling asks first, sends nothing without a reason, and ends the other browser's session."""
    add_person(site.platform, Role.OWNER, username="leaver")
    leaver = open_page().sign_in("leaver").page
    page = visit(Role.SYSTEM_ADMIN).page
    page.goto("/users/?q=leaver")
    button = page.locator("td.row-actions [data-dialog^='off-']")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.name") == "reason"
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.hasAttribute('data-dialog')")
    button.click()
    page.click("dialog[open] [type=submit]")
    assert page.locator("dialog[open] textarea:invalid").count() == 1
    page.fill("dialog[open] textarea", "离职")
    page.click("dialog[open] [type=submit]")
    page.wait_for_selector(".notice.tone-good")
    leaver.goto("/components/")
    assert leaver.url.endswith("/login/")


def test_side_panel_shows_a_page_and_gives_the_focus_back(visit: Visit) -> None:
    """A panel link shows the other page's content beside this one; Escape leads back to the link."""
    page = visit(Role.OFFICER).page
    page.goto("/components/")
    page.focus("a[data-panel]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel[open] .timeline")
    assert page.inner_text("#panel [data-panel-title]").startswith("知识产权系统")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.hasAttribute('data-panel')")


def test_progress_tells_a_lost_connection_and_finds_back(visit: Visit) -> None:
    """While the server does not answer the bar says so; once it does, the line goes and the bar moves on."""
    page = visit(Role.OFFICER).page
    gone = {"is": True}
    moving = '<main><div class="progress-box" id="sample-progress" data-poll="/components/progress"><p>third</p></div></main>'
    ended = '<main><div class="progress-box" id="sample-progress"><p>ended</p></div></main>'
    answers = [moving, ended]

    def answer(route: Any) -> None:
        if gone["is"]:
            route.fulfill(status=404, body="")
        else:
            route.fulfill(status=200, content_type="text/html", body=answers.pop(0))

    page.route("**/components/progress", answer)
    page.goto("/components/")
    page.wait_for_selector("#sample-progress .progress-lost:not([hidden])")
    gone["is"] = False
    page.wait_for_selector("#sample-progress >> text=ended")
    assert page.get_attribute("#sample-progress", "data-poll") is None
    assert answers == []


def test_upload_control_names_file_and_size(visit: Visit, tmp_path: Any) -> None:
    """Our own control shows name, size and limit, is reached by keyboard, and sends the form with progress."""
    page = visit(Role.OFFICER).page
    page.goto("/components/")
    page.focus(".dropzone-input")
    page.set_input_files(
        ".dropzone-input", {"name": "制度 <b>.pdf", "mimeType": "application/pdf", "buffer": b"x" * 2048}
    )
    line = page.inner_text(".dropzone-files")
    assert "制度 <b>.pdf" in line
    assert "2.0 KB" in line
    page.evaluate("document.querySelector('[data-dropzone]').dataset.limit = '0.001'")
    page.set_input_files(
        ".dropzone-input", {"name": "big.bin", "mimeType": "application/octet-stream", "buffer": b"x" * 2048}
    )
    assert "超过上限" in page.inner_text(".dropzone-files .bad")
    page.evaluate("document.querySelector('[data-dropzone]').dataset.limit = '200'")
    page.set_input_files(
        ".dropzone-input", {"name": "ok.bin", "mimeType": "application/octet-stream", "buffer": b"x" * 2048}
    )
    page.fill("#f-name", "示例")
    page.click("form[data-upload] [type=submit]")
    page.wait_for_selector(".flash >> text=示例表单已收到")


def test_unsaved_input_is_not_lost_silently(visit: Visit) -> None:
    """Leaving a changed form asks first."""
    watched = visit(Role.SYSTEM_ADMIN)
    page = watched.page
    page.goto("/users/new")
    page.fill("#f-display_name", "李明")
    page.keyboard.press("Tab")
    with page.expect_event("dialog") as dialog:
        page.click(".side-nav a >> nth=0", no_wait_after=True)
    assert dialog.value.type == "beforeunload"
    assert page.url.endswith("/users/new")
    watched.faults.clear()


def test_pages_work_without_script(visit: Visit, site: Any) -> None:
    """Search, filter, export, confirmations and log-out are plain links and forms."""
    add_person(site.platform, Role.OWNER, username="plain-owner")
    page = visit(Role.SYSTEM_ADMIN, javascript=False).page
    page.goto("/users/")
    page.fill("input[name=q]", "plain-owner")
    page.click("summary:has-text('状态')")
    page.check("input[name=state][value=active]")
    page.click("text=应用")
    assert page.locator("tbody tr").count() == 1
    page.fill("tbody dialog[id^='off-'] textarea", "试点结束")
    page.click("tbody dialog[id^='off-'] [type=submit]")
    assert page.locator(".notice.tone-good").count() == 1
    page.click(".user-menu summary")
    page.click("text=退出登录")
    page.wait_for_url("**/login/")
    user_id = account_of(site.platform, "plain-owner").user_id
    with site.platform.work("test:look") as session:
        from flask_appbuilder.security.sqla.models import User

        assert not session.get_one(User, user_id).active


HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}"


def test_hostile_words_stay_words(visit: Visit, site: Any) -> None:
    """A name that is markup shows as typed on every page that prints it, and runs nothing."""
    from flask_appbuilder.security.sqla.models import User
    from sqlalchemy import select

    from secops.accounts.models import Account

    add_person(site.platform, Role.OWNER, username="hostile")
    with site.platform.work("test:name") as session:
        from secops.audit_log.services import record
        from tests.support.platforms import NOW

        user_id = session.scalars(select(User.id).where(User.username == "hostile")).one()
        account = session.get_one(Account, user_id)
        account.display_name = account.post = HOSTILE
        record(session, HOSTILE[:60], account, now=NOW, reason=HOSTILE, detail={"name": HOSTILE})
    for role, addresses in (
        (Role.SYSTEM_ADMIN, ("/users/?q=hostile",)),
        (Role.SECURITY_ADMIN, ("/grants/?q=hostile", "/grants/new")),
        (Role.AUDIT_ADMIN, ("/audit/?q=onerror&cols=reason&cols=detail&cols=action",)),
    ):
        page = visit(role).page
        for address in addresses:
            page.goto(address)
            assert HOSTILE in page.locator("main").text_content(), address
    page.goto(f"/audit/?q={HOSTILE[:20]}")
    assert page.input_value("[data-search]") == HOSTILE[:20]


def test_navigation_folds_and_opens_on_a_phone(visit: Visit) -> None:
    """Folding is remembered; on a narrow screen the navigation opens over the page and closes again."""
    page = visit(Role.SYSTEM_ADMIN).page
    page.goto("/users/")
    page.click("[data-fold]")
    page.goto("/matrix/")
    assert page.locator(".side").bounding_box()["width"] < 80
    page.click("[data-fold]")
    page.set_viewport_size({"width": 400, "height": 800})
    assert not page.is_visible(".side-nav")
    page.click("[data-side]")
    page.wait_for_selector(".side-nav", state="visible")
    page.keyboard.press("Escape")
    page.wait_for_selector(".side-nav", state="hidden")
