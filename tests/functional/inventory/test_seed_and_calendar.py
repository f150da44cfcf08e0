"""Seeds are reproducible and refuse a used store; the calendar tells what is due, with its source."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from secops.accounts.models import Role
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import Refused
from secops.findings.models import Finding
from secops.inventory import clocks
from secops.objects.models import Classification, System
from secops.platform import Platform
from secops.seed.district import SIZES, seed
from tests.support.builders import Rows
from tests.support.page_checks import counts_small_and_large, last_event, plain, two_departments
from tests.support.platforms import ClientAs


def test_the_small_seed_is_whole_and_the_same_every_time(both_platforms: Platform) -> None:
    """Every number that is promised is there, the rows are the expected ones, and a second seed is refused."""
    size = SIZES["S"]
    counts = seed(both_platforms.engine, size)
    assert counts == {
        "departments": size.departments, "systems": size.systems, "assets": size.assets,
        "results": size.results, "findings": size.findings,
    }  # fmt: skip
    with both_platforms.work("test:look") as session:
        names = session.execute(select(System.code, System.name).where(System.code == "YX-0001")).one()
        keys = session.scalars(select(Finding.key).order_by(Finding.id).limit(2)).all()
    assert tuple(names) == ("YX-0001", "台账收费平台（1）")
    assert [key.split(":")[0] for key in keys] == ["ssh-root-login-disabled"] * 2
    assert last_event(both_platforms, "bench.seed").detail == counts
    with pytest.raises(Refused):
        seed(both_platforms.engine, size)


def test_pages_open_over_a_seed(client_as: ClientAs, platform: Platform) -> None:
    """The main lists and a system of the seed open for an officer."""
    seed(platform.engine, SIZES["S"])
    officer = client_as(Role.OFFICER)
    for url in (
        "/dashboard/",
        "/systems/",
        "/findings/",
        "/registers/assets/",
        "/calendar/",
        "/systems/2",
        "/systems/2/items",
    ):
        assert officer.get(url).status_code == 200, url


def test_the_calendar_tells_what_is_due(client_as: ClientAs, platform: Platform, rows: Rows) -> None:
    """Overdue evaluation, filing within thirty days of the level, contract at its end; each with its source."""
    today = utc_now().date()
    late = rows.one(
        System, code="LATE", name="逾期系统", level=3, profile="S3A3G3", filing_number="1",
        last_evaluation_on=today - timedelta(days=500), maintained_until=today + timedelta(days=10),
    )  # fmt: skip
    fresh = rows.one(System, code="FRESH", name="新定级系统", level=2, profile="S2A2G2", filing_number="")
    rows.one(Classification, system_id=fresh, level=2, decided_at=utc_now() - timedelta(days=60))
    rows.one(System, code="GONE", name="停用系统", level=3, profile="S3A3G3", state="retired")
    officer = client_as(Role.OFFICER)
    words = plain(officer.get("/calendar/?state=overdue").text)
    assert "逾期系统" in words
    assert "新定级系统" in words
    assert "第十五条" in words
    assert "停用系统" not in words
    soon = plain(officer.get("/calendar/?state=soon&matter=maintenance").text)
    assert "运维合同到期" in soon
    assert "LATE" in officer.get("/calendar/export?format=csv").text
    assert late != fresh


def test_the_calendar_is_narrowed_to_the_scope(client_as: ClientAs, rows: Rows) -> None:
    """A contact sees the dates of the own department only."""
    one, two = two_departments(rows)
    for department, code in ((one, "OWN"), (two, "FOREIGN")):
        rows.one(
            System,
            department_id=department,
            code=code,
            level=3,
            profile="S3A3G3",
            last_evaluation_on=date(2020, 1, 1),
        )
    page = client_as(Role.CONTACT, department_id=one).get("/calendar/").text
    assert "OWN" in page
    assert "FOREIGN" not in page


def test_the_calendar_costs_the_same_at_any_size(client_as: ClientAs, platform: Platform) -> None:
    """A fixed number of statements for twelve systems and for a thousand."""
    [(small, large)] = counts_small_and_large(client_as(Role.OFFICER), platform.engine, "/calendar/").values()
    assert small == large <= 8


def test_dates_are_told_once_before_and_once_after(platform: Platform, rows: Rows) -> None:
    """A date that comes near and one that has passed are events, each once; a date that moves is told anew."""
    today = utc_now().date()
    system = rows.one(System, level=None, profile="", maintained_until=today + timedelta(days=10))

    def tell(day: date) -> int:
        with platform.work("test:tell") as session:
            return clocks.tell(session, today=day, now=utc_now())

    assert (tell(today), tell(today)) == (1, 0)
    assert last_event(platform, "clock.soon").object_id == str(system)
    assert (tell(today + timedelta(days=11)), tell(today + timedelta(days=12))) == (1, 0)
    assert last_event(platform, "clock.late").detail["matter"] == "maintenance"
    with platform.work("test:move") as session:
        row = session.get_one(System, system)
        row.maintained_until = today + timedelta(days=20)
        record(session, "test.move", row, now=utc_now())
    assert tell(today) == 1
