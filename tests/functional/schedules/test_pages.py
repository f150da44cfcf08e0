"""The pages of schedules through the application."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.scans.models import Scan, ScanAuthorization
from secops.schedules.models import Schedule, ScheduleRun
from secops.schedules.words import cron_words, every_words
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import ClientAs
from tests.support.queries import recorded_queries


@pytest.fixture
def made(rows: Rows) -> dict[str, int]:
    """A system with a host, an authorisation in force and a daily schedule; another department with a schedule."""
    one, two = two_departments(rows)
    now = utc_now()
    system, other = rows.one(System, department_id=one, name="审批平台"), rows.one(System, department_id=two)
    rows.one(Asset, system_id=system, kind="server", address="192.0.2.10")
    allowed, foreign_allowed = (
        rows.one(
            ScanAuthorization,
            system_id=owner,
            networks=["192.0.2.0/24"],
            probes=["nmap"],
            state="approved",
            valid_from=now - timedelta(days=1),
            valid_until=now + timedelta(days=20),
        )
        for owner in (system, other)
    )
    shape = {
        "kind": "scan",
        "cron": "30 2 * * *",
        "every_seconds": None,
        "time_zone": "Asia/Shanghai",
        "enabled": True,
    }
    shape |= {"next_run_at": now + timedelta(hours=5), "max_runs": None, "runs": 0, "ends_at": None}
    schedule = rows.one(
        Schedule, system_id=system, name="每日复查", payload={"authorization_id": allowed}, **shape
    )
    foreign = rows.one(
        Schedule, system_id=other, name="别处计划", payload={"authorization_id": foreign_allowed}, **shape
    )
    return {
        "department": one,
        "system": system,
        "allowed": allowed,
        "foreign_allowed": foreign_allowed,
        "schedule": schedule,
        "foreign": foreign,
    }


@pytest.mark.parametrize("role", [Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR])
def test_readers_see_rule_and_coming_runs(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """List and page open; the rule stands in words, the next ten runs are listed."""
    client = client_as(role)
    assert "每天 02:30" in client.get("/schedules/").text
    page = client.get(f"/schedules/{made['schedule']}").text
    assert plain(page).count(" 02:30") >= 10


@pytest.mark.parametrize("role", [Role.LEADER, Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN])
def test_others_do_not(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Leaders and administrators are refused."""
    assert client_as(role).get("/schedules/").status_code == 403


def test_foreign_and_missing_look_the_same(client_as: ClientAs, made: dict[str, int]) -> None:
    """Another department's schedule answers like one that does not exist."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    for number in (made["foreign"], 9999):
        assert client.get(f"/schedules/{number}").status_code == 404
        assert client.post(f"/schedules/{number}/toggle", {"to": "paused"}).status_code == 404
        assert client.post(f"/schedules/{number}/run").status_code == 404


def test_filters_and_export(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Filters hold for the export, which is on record."""
    client = client_as(Role.OFFICER)
    text = client.get(f"/schedules/export?format=csv&system={made['system']}").text
    assert "每日复查" in text
    assert "别处计划" not in text
    assert "每日复查" not in client.get("/schedules/export?format=csv&state=paused").text
    assert "每日复查" in client.get("/schedules/export?format=csv&state=active&q=复查").text
    assert last_event(platform, "table.export").object_id == "schedules"


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """List and page need as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    found = counts_small_and_large(client, platform.engine, "/schedules/", f"/schedules/{made['schedule']}")
    for url, (small, large) in found.items():
        assert small == large <= 12, (url, small, large)


def _form(**changes: Any) -> dict[str, Any]:
    return {"name": "每周复查", "mode": "cron", "cron": "0 3 * * 1", **changes}


def _count(platform: Platform) -> int:
    with platform.work("test:look") as session:
        return int(session.scalar(select(func.count(Schedule.id))) or 0)


def test_a_preview_saves_nothing(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The preview button lists ten coming runs and leaves the store as it is."""
    form = _form(authorization=made["allowed"], preview="1")
    answer = client_as(Role.CONTACT, department_id=made["department"]).post("/schedules/new", form)
    assert answer.status_code == 200
    assert plain(answer.text).count(" 03:00") >= 10
    assert "每周一 03:00" in answer.text
    assert _count(platform) == 2


def test_a_schedule_is_made(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Saving keeps rule, owner and next run, and is on record."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    answer = client.post("/schedules/new", _form(authorization=made["allowed"], max_runs="4"))
    assert answer.status_code == 302
    with platform.work("test:look") as session:
        found = session.scalars(select(Schedule).order_by(Schedule.id.desc()).limit(1)).one()
        assert (found.cron, found.max_runs, found.owner) == ("0 3 * * 1", 4, client.username)
        assert found.system_id == made["system"]
        assert found.next_run_at is not None
    assert "schedule.create" in audit_actions(platform)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cron": "every day"}, "cron"),
        ({"cron": "99 3 * * 1"}, "cron"),
        ({"cron": "30 2 31 2 *"}, "cron"),
        ({"cron": ""}, "cron"),
        ({"mode": ""}, "mode"),
        ({"mode": "every", "every": "1", "unit": "minute"}, "every"),
        ({"mode": "every", "every": "x", "unit": "day"}, "every"),
        ({"name": ""}, "name"),
        ({"authorization": "9999"}, "authorization"),
        ({"max_runs": "0"}, "max_runs"),
        ({"ends_on": "2020-01-01"}, "ends_on"),
    ],
)
def test_bad_input_is_kept(
    client_as: ClientAs, platform: Platform, made: dict[str, int], changes: dict[str, str], field: str
) -> None:
    """Each wrong field is named, the rest stays, nothing is saved."""
    form = _form(authorization=made["allowed"]) | changes
    answer = client_as(Role.OFFICER).post("/schedules/new", form)
    assert answer.status_code == 400, field
    assert "field-error" in answer.text
    if field != "name":
        assert "每周复查" in answer.text
    assert _count(platform) == 2


def test_a_foreign_authorisation_is_no_choice(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Nobody plans scans under an authorisation of another department."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    answer = client.post("/schedules/new", _form(authorization=made["foreign_allowed"]))
    assert answer.status_code == 400
    assert _count(platform) == 2


def test_pause_resume_and_run(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Pausing, resuming and running once are possible and on record; the scan names who asked for it."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    url = f"/schedules/{made['schedule']}"
    assert client.post(f"{url}/toggle", {"to": "paused", "version": 1}).status_code == 302
    assert "已暂停" in client.get(url).text
    assert client.post(f"{url}/toggle", {"to": "enabled", "version": 2}).status_code == 302
    assert client.post(f"{url}/run").status_code == 302
    with platform.work("test:look") as session:
        scan = session.scalars(select(Scan)).one()
        assert (scan.schedule_id, scan.cause, scan.requested_by) == (
            made["schedule"],
            "schedule-now",
            client.username,
        )
    assert f"/scans/{scan.id}" in client.get(url).text
    assert {"schedule.pause", "schedule.resume", "schedule.run-now"} <= set(
        audit_actions(platform, "Schedule")
    )


def test_the_second_of_two_writers_is_told(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A toggle over somebody else's change does nothing and says so."""
    client = client_as(Role.OFFICER)
    url = f"/schedules/{made['schedule']}"
    client.post(f"{url}/toggle", {"to": "paused", "version": 1})
    answer = client.post(f"{url}/toggle", {"to": "enabled", "version": 1}, follow_redirects=True)
    assert "刚刚被别人修改过" in answer.text
    assert "schedule.resume" not in audit_actions(platform)


def test_an_owner_changes_nothing(client_as: ClientAs, made: dict[str, int]) -> None:
    """Owners read schedules only."""
    client = client_as(Role.OWNER)
    assert client.get("/schedules/new").status_code == 403
    assert client.post(f"/schedules/{made['schedule']}/toggle", {"to": "paused"}).status_code == 403
    assert "立即执行一次" not in client.get(f"/schedules/{made['schedule']}").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "时区"),
        ({"window_from": "22:00"}, "一起填写"),
        ({"window_from": "02:00", "window_until": "02:00"}, "不能相同"),
        ({"window_from": "25:00", "window_until": "02:00"}, "02:30 的形式"),
        ({"window_from": "12:00", "window_until": "13:00"}, "时间窗内不会执行"),
        ({"jitter": "-1"}, "在 0 到 1440"),
        ({"catch_up": "always"}, "没有这个选项"),
        ({"catch_up": "all", "catch_up_most": "51"}, "在 1 到 50"),
    ],
)
def test_bad_plans_are_named(
    client_as: ClientAs, platform: Platform, made: dict[str, int], changes: dict[str, str], field: str
) -> None:
    """Zone, window, jitter and catch-up rule are checked beside their fields, and nothing is saved."""
    answer = client_as(Role.OFFICER).post(
        "/schedules/new", _form(kind="posture", system=made["system"], extent="system") | changes
    )
    assert answer.status_code == 400
    assert field in answer.text
    assert _count(platform) == 2


def test_a_whole_plan_is_kept(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Window, jitter, zone and catch-up rule are saved and stand on the page in words."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    form = _form(
        kind="report", system=made["system"], extent="department", report="posture", forms=["pdf", "csv"],
        language="zh", window_from="02:00", window_until="05:30", jitter="20", catch_up="all", catch_up_most="4",
        time_zone="Asia/Urumqi",
    )  # fmt: skip
    answer = client.post("/schedules/new", form)
    assert answer.status_code == 302
    with platform.work("test:look") as session:
        found = session.scalars(select(Schedule).order_by(Schedule.id.desc()).limit(1)).one()
    assert (found.kind, found.window_from, found.window_until, found.jitter_seconds) == (
        "report",
        120,
        330,
        1200,
    )
    assert (found.catch_up.value, found.catch_up_most, found.time_zone) == ("all", 4, "Asia/Urumqi")
    assert found.payload == {
        "extent": "department", "report": "posture", "renderers": ["pdf_posture", "csv_posture"], "language": "zh",
    }  # fmt: skip
    page = plain(client.get(answer.headers["Location"]).text)
    for words in ("02:00 – 05:30", "至多 20 分钟", "补最近几次", "本部门及下级", "Asia/Urumqi"):
        assert words in page, words


def test_kinds_are_offered_by_role_and_setting(client_as: ClientAs, made: dict[str, int]) -> None:
    """An officer sees all ten, a contact the four of systems; a kind without its settings says what to set."""
    page = client_as(Role.OFFICER).get("/schedules/new").text
    assert "SECOPS_BACKUP_FOLDER" in page
    assert "kind=backup" not in page
    assert {"kind=audit-verify", "kind=assessment-campaign", "kind=report"} <= set(
        re.findall(r"kind=[a-z-]+", page)
    )
    contact = client_as(Role.CONTACT, department_id=made["department"])
    assert set(re.findall(r"kind=[a-z-]+", contact.get("/schedules/new").text)) == {
        "kind=scan", "kind=posture", "kind=report",
    }  # fmt: skip
    assert contact.post("/schedules/new", _form(kind="audit-verify")).status_code == 400
    assert "SECOPS_BACKUP_FOLDER" in client_as(Role.OFFICER).get("/schedules/new?kind=backup").text


@pytest.mark.parametrize(
    "kind", ["scan", "posture", "report", "assessment-campaign", "expiry", "vault-scrub"]
)
def test_every_form_opens_and_saves(
    client_as: ClientAs, platform: Platform, made: dict[str, int], kind: str
) -> None:
    """The form of each kind carries its kind, and saving it makes one schedule."""
    client = client_as(Role.OFFICER)
    page = client.get(f"/schedules/new?kind={kind}").text
    assert f'name="kind" value="{kind}"' in page
    form = _form(
        kind=kind, system=made["system"], extent="system", report="remediation", forms="pdf", language="en", edition="2025",
        authorization=made["allowed"],
    )  # fmt: skip
    assert client.post("/schedules/new", form).status_code == 302
    assert _count(platform) == 3


def test_a_department_s_officer_plans_nothing_for_the_platform(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Kinds of the whole platform need an officer of the whole district."""
    client = client_as(Role.OFFICER, department_id=made["department"])
    answer = client.post("/schedules/new", _form(kind="audit-verify"))
    assert answer.status_code == 400
    assert "全区的专员" in answer.text
    assert _count(platform) == 2


def test_missed_runs_are_shown(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """The page and the list of runs show what was missed and why; another department's are not there."""
    shape = {
        "cause": "schedule",
        "reason": "时间窗已关闭。 / The window had closed.",
        "job_id": None,
        "jobs": 0,
    }
    rows.one(ScheduleRun, system_id=made["system"], schedule_id=made["schedule"], state="missed", **shape)
    foreign = rows.one(System)
    rows.one(ScheduleRun, system_id=foreign, schedule_id=made["foreign"], state="failed", **shape)
    client = client_as(Role.CONTACT, department_id=made["department"])
    for url in (
        f"/schedules/{made['schedule']}",
        "/schedules/runs",
        f"/schedules/runs?schedule={made['schedule']}",
    ):
        page = plain(client.get(url).text)
        assert "错过" in page, url
        assert "时间窗已关闭。" in page, url
    assert "别处计划" not in client.get("/schedules/runs").text
    text = client.get("/schedules/runs/export?format=csv&state=missed").text
    assert "每日复查" in text
    assert last_event(platform, "table.export").object_id == "schedule_runs"


def test_the_list_of_runs_does_not_grow_in_queries(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """As many queries for 200 runs as for one."""
    now = utc_now()
    client = client_as(Role.OFFICER)

    def count() -> int:
        with recorded_queries(platform.engine) as queries:
            assert client.get("/schedules/runs").status_code == 200
        return queries.count

    shape = {"system_id": made["system"], "schedule_id": made["schedule"], "job_id": None, "state": "started"}
    rows.one(ScheduleRun, due_at=now, **shape)
    client.get("/schedules/runs")
    small = count()
    rows.many(ScheduleRun, 200, lambda i: {"due_at": now - timedelta(hours=i + 1)}, **shape)
    assert count() == small <= 10


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("30 2 * * *", "每天 02:30"),
        ("30 2 * * 1-5", "每周一至五 02:30"),
        ("0 3 * * 0", "每周日 03:00"),
        ("0 3 * * 1,4", "每周一、四 03:00"),
        ("5 * * * *", "每小时第 5 分"),
        ("0 3 15 * *", "每月 15 日 03:00"),
        ("*/5 * * * *", "cron */5 * * * *"),
        ("0 3 1 1 *", "cron 0 3 1 1 *"),
    ],
)
def test_rules_read_as_words(cron: str, words: str) -> None:
    """A rule reads as plain words where there are some, else as it is."""
    assert cron_words(cron) == words


def test_intervals_read_as_words() -> None:
    """An interval reads in its largest whole unit."""
    assert [every_words(n) for n in (30, 900, 7200, 172800)] == [
        "每 30 秒",
        "每 15 分钟",
        "每 2 小时",
        "每 2 天",
    ]
