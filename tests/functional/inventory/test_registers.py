"""The registers through the application: forms, lists, scope, conflicts, and what each change leaves behind."""

from __future__ import annotations

from datetime import date

import pytest

from secops.accounts.models import Role
from secops.inventory.models import DataFlow, Filing, KeyPost
from secops.inventory.registers import REGISTERS
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import ClientAs

SYSTEM = {
    "code": "YX-NEW",
    "name": "入学报名系统",
    "secrecy": "none",
    "state": "running",
    "hosting": "government-cloud",
    "cloud_state": "done",
    "networks": "10.20.0.0/24\n10.20.1.0/24",
    "domains": "bm.example.gov.cn",
    "extensions": "cloud",
}


def _read(platform: Platform, model: type, **where: object) -> object:
    with platform.work("test:look") as session:
        found = session.query(model).filter_by(**where).one_or_none()
        session.expunge_all()
        return found


def test_every_register_opens_for_readers_and_writes_for_writers(client_as: ClientAs) -> None:
    """Readers see all lists; the forms are there for those whom the permission file names."""
    officer, inspector = client_as(Role.OFFICER), client_as(Role.INSPECTOR)
    assert officer.get("/registers/").status_code == 200
    for key in REGISTERS:
        for path in ("", "new", "import", "template", "export?format=xlsx"):
            assert officer.get(f"/registers/{key}/{path}").status_code == 200, (key, path)
        assert inspector.get(f"/registers/{key}/").status_code == 200
        assert inspector.get(f"/registers/{key}/new").status_code == 403


def test_a_system_is_registered_edited_and_told(client_as: ClientAs, platform: Platform, rows: Rows) -> None:
    """The form makes the row, a changed field is told with old and new value, a stale form is a conflict."""
    department = rows.one(Department)
    officer = client_as(Role.OFFICER)
    answer = officer.post("/registers/systems/new", data={**SYSTEM, "department": str(department)})
    assert answer.status_code == 302
    made = _read(platform, System, code="YX-NEW")
    assert isinstance(made, System)
    assert (made.department_id, made.networks, made.extensions) == (
        department,
        ["10.20.0.0/24", "10.20.1.0/24"],
        ["cloud"],
    )
    assert "systems.create" in audit_actions(platform)

    changed = {**SYSTEM, "department": str(department), "responsible": "李工", "version": str(made.version)}
    assert officer.post(f"/registers/systems/{made.id}/edit", data=changed).status_code == 302
    assert last_event(platform, "systems.update").detail["changed"] == {"responsible": ["", "李工"]}

    stale = officer.post(f"/registers/systems/{made.id}/edit", data={**changed, "responsible": "王工"})
    assert stale.status_code == 400
    assert "刚刚被别人修改过" in plain(stale.text)
    assert "王工" in stale.text


def test_bad_input_stays_and_every_fault_is_told(client_as: ClientAs, rows: Rows) -> None:
    """Several wrong fields are told together, and what was typed stays on the page."""
    officer = client_as(Role.OFFICER)
    answer = officer.post(
        "/registers/systems/new",
        data={**SYSTEM, "code": "", "networks": "10.20.0.1/24", "domains": "not a name", "department": ""},
    )
    words = plain(answer.text)
    assert answer.status_code == 400
    for part in ("“系统编码”必须填写", "10.20.0.1/24”不是网段", "“部门”必须填写", "不是域名"):
        assert part in words
    assert "10.20.0.1/24" in answer.text


def test_state_secrets_are_refused_with_the_reason(client_as: ClientAs, rows: Rows) -> None:
    """A system with state secrets falls under another scheme."""
    department = rows.one(Department)
    answer = client_as(Role.OFFICER).post(
        "/registers/systems/new", data={**SYSTEM, "secrecy": "secret", "department": str(department)}
    )
    assert answer.status_code == 400
    assert "分级保护" in plain(answer.text)


def test_foreign_rows_look_like_missing_ones(client_as: ClientAs, rows: Rows) -> None:
    """A contact sees and writes only what lies in the own department."""
    one, two = two_departments(rows)
    own = rows.one(System, department_id=one, code="OWN")
    foreign = rows.one(System, department_id=two, code="FOREIGN")
    contact = client_as(Role.CONTACT, department_id=one)
    assert contact.get(f"/registers/systems/{own}").status_code == 200
    there = contact.get(f"/registers/systems/{foreign}")
    missing = contact.get("/registers/systems/99999")
    assert there.status_code == missing.status_code == 404
    assert "FOREIGN" not in contact.get("/registers/systems/").text
    asset = {"system": "FOREIGN", "kind": "server", "name": "主机", "importance": "important"}
    answer = contact.post("/registers/assets/new", data=asset)
    assert answer.status_code == 400
    assert "没有这个系统" in plain(answer.text)


def test_a_system_that_moves_takes_its_rows_along(
    client_as: ClientAs, platform: Platform, rows: Rows
) -> None:
    """After a move the new department sees the system with everything of it, the old one nothing."""
    one, two = two_departments(rows)
    system = rows.one(System, department_id=one, code="MOVE", name="搬家系统")
    asset = rows.one(Asset, system_id=system)
    officer = client_as(Role.OFFICER)
    form = {**SYSTEM, "code": "MOVE", "name": "搬家系统", "department": str(two), "version": "1"}
    assert officer.post(f"/registers/systems/{system}/edit", data=form).status_code == 302
    moved = _read(platform, Asset, id=asset)
    assert isinstance(moved, Asset)
    assert moved.department_id == two
    assert client_as(Role.CONTACT, department_id=one).get(f"/registers/assets/{asset}").status_code == 404
    assert client_as(Role.CONTACT, department_id=two).get(f"/registers/assets/{asset}").status_code == 200


def test_a_department_can_not_lie_below_itself(client_as: ClientAs, platform: Platform, rows: Rows) -> None:
    """A move of a department carries the tree below it, and a ring is refused."""
    upper = rows.one(Department, code="UP", name="上级")
    lower = rows.one(Department, code="LOW", name="下级", parent_id=upper)
    other = rows.one(Department, code="OTHER", name="另一个")
    officer = client_as(Role.OFFICER)
    ring = {"code": "UP", "name": "上级", "parent": str(lower), "version": "1"}
    answer = officer.post(f"/registers/departments/{upper}/edit", data=ring)
    assert answer.status_code == 400
    assert "不能是它自己或它的下级" in plain(answer.text)
    fine = {"code": "UP", "name": "上级", "parent": str(other), "version": "1"}
    assert officer.post(f"/registers/departments/{upper}/edit", data=fine).status_code == 302
    moved = _read(platform, Department, id=lower)
    assert isinstance(moved, Department)
    assert moved.path.endswith(f"/{other}/{upper}/{lower}/")


def test_removal_needs_a_reason_and_spares_what_others_rest_on(
    client_as: ClientAs, platform: Platform, rows: Rows
) -> None:
    """A target without results goes, with its words in the log; one with results and a system stay."""
    from secops.scans.models import Outcome

    system = rows.one(System)
    free, used = rows.one(Asset, system_id=system, name="空闲"), rows.one(Asset, system_id=system)
    rows.one(Outcome, system_id=system, asset_id=used)
    officer = client_as(Role.OFFICER)
    officer.post(f"/registers/assets/{free}/remove", data={})
    assert _read(platform, Asset, id=free) is not None
    officer.post(f"/registers/assets/{free}/remove", data={"reason": "已下架"})
    assert _read(platform, Asset, id=free) is None
    assert last_event(platform, "assets.remove").detail["was"]["name"] == "空闲"
    officer.post(f"/registers/assets/{used}/remove", data={"reason": "已下架"})
    assert _read(platform, Asset, id=used) is not None
    officer.post(f"/registers/systems/{system}/remove", data={"reason": "不要了"})
    assert _read(platform, System, id=system) is not None


def test_the_newest_filing_is_what_the_system_shows(
    client_as: ClientAs, platform: Platform, rows: Rows
) -> None:
    """The ledger carries number and validity to the system; a withdrawal takes them away."""
    system = rows.one(System, code="FILED")
    officer = client_as(Role.OFFICER)
    entry = {
        "system": "FILED", "kind": "first", "organ": "区公安分局", "number": "44010001-26001",
        "submitted_on": "2026-03-01", "issued_on": "2026-03-20", "valid_until": "2029-03-19",
    }  # fmt: skip
    assert officer.post("/registers/filings/new", data=entry).status_code == 302
    found = _read(platform, System, id=system)
    assert isinstance(found, System)
    assert (found.filing_number, found.filed_on, found.certificate_until) == (
        "44010001-26001", date(2026, 3, 20), date(2029, 3, 19),
    )  # fmt: skip
    gone = {"system": "FILED", "kind": "withdrawal", "organ": "区公安分局", "submitted_on": "2026-11-01"}
    assert officer.post("/registers/filings/new", data=gone).status_code == 302
    found = _read(platform, System, id=system)
    assert isinstance(found, System)
    assert found.filing_number == ""


@pytest.mark.parametrize(
    ("model", "register", "values", "words"),
    [
        (DataFlow, "flows", {"across": True, "frequency_limit": 10, "frequency_seen": 11, "encryption": ""}, ["频次超限", "未加密", "缺审批"]),
        (KeyPost, "posts", {"left_on": date(2026, 1, 1), "access_ended_on": None, "dimension": "design"}, ["离岗后权限未及时终止"]),
        (Filing, "filings", {"kind": "first", "number": "1", "valid_until": date(2020, 1, 1)}, ["已过期"]),
    ],
)  # fmt: skip
def test_gaps_stand_beside_the_row(
    client_as: ClientAs, rows: Rows, model: type, register: str, values: dict[str, object], words: list[str]
) -> None:
    """What a row lacks is a badge in the list and in the export."""
    rows.one(model, **values)
    officer = client_as(Role.OFFICER)
    page, file = (
        officer.get(f"/registers/{register}/").text,
        officer.get(f"/registers/{register}/export?format=csv").text,
    )
    for word in words:
        assert word in page
        assert word in file


def test_pages_cost_the_same_at_any_size(client_as: ClientAs, platform: Platform) -> None:
    """Lists and forms of the registers run a fixed number of statements."""
    urls = [f"/registers/{key}/" for key in REGISTERS] + ["/registers/", "/registers/assets/new"]
    for url, (small, large) in counts_small_and_large(
        client_as(Role.OFFICER), platform.engine, *urls
    ).items():
        assert small == large, url
        assert large <= (14 if url == "/registers/" else 8), (url, large)
