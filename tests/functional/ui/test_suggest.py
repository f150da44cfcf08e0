"""A field that names one system among thousands: suggestions from the server, never the whole list."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from secops.accounts.models import Role
from secops.objects.models import System
from tests.functional.ui.conftest import Site, Watched
from tests.functional.ui.test_browser import wait_until
from tests.support.builders import Rows
from tests.support.page_checks import two_departments
from tests.support.platforms import ClientAs

FORMS = ("/authorizations/new", "/evidence/upload", "/reports/build", "/registers/assets/discover")


def test_forms_never_hold_all_systems(client_as: ClientAs, rows: Rows) -> None:
    """With 300 systems in scope each form holds the first twenty; foreign ones are never suggested."""
    one, two = two_departments(rows)
    rows.many(System, 300, lambda i: {"code": f"OWN-{i:04}"}, department_id=one, profile="S2A2G2", level=2)
    rows.one(System, department_id=two, code="FOREIGN", name="外部门系统", profile="S2A2G2", level=2)
    contact = client_as(Role.CONTACT, department_id=one)
    for address in FORMS:
        page = contact.get(address).text
        assert page.count("OWN-") == 20, address
        assert "FOREIGN" not in page
    assert len(contact.get("/systems/suggest?q=OWN-0299").json) == 1
    assert len(contact.get("/systems/suggest?q=OWN").json) == 20
    assert contact.get("/systems/suggest?q=FOREIGN").json == []


@pytest.mark.live
def test_typing_brings_suggestions(visit: Callable[..., Watched], site: Site) -> None:
    """What is typed is looked up, and the chosen words are understood by the form."""
    Rows(site.platform.engine).one(System, code="PICK-ME", name="待选系统", level=3, profile="S3A3G3")
    page = visit(Role.OFFICER).page
    page.goto("/evidence/upload")
    page.fill("#f-system", "PICK")
    option = "#f-system-list option[value='待选系统（PICK-ME）']"
    wait_until(page, lambda: page.query_selector(option) is not None)
    page.fill("#f-system", "待选系统（PICK-ME）")
    page.keyboard.press("Enter")
    page.wait_for_url("**system=*")
    page.wait_for_load_state("networkidle")
    assert "待选系统" in page.inner_text("main")
    assert page.query_selector("#f-file") is not None
