"""The page of background jobs through the application."""

from __future__ import annotations

import pytest

from secops.accounts.models import Role
from secops.jobs.models import Job, JobState
from secops.jobs.words import error_words, job_step
from secops.objects.models import System
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


@pytest.fixture
def made(rows: Rows) -> dict[str, int]:
    """A waiting, a running and a dead job of one department, and a waiting one of another."""
    one, two = two_departments(rows)
    system, other = (
        rows.one(System, department_id=one, name="审批平台"),
        rows.one(System, department_id=two, name="公文交换"),
    )
    base = {
        "system_id": system,
        "kind": "posture",
        "cause": "manual",
        "cancel_requested": False,
        "queue": "housekeeping",
    }
    return {
        "department": one,
        "system": system,
        "queued": rows.one(Job, **base, state="queued"),
        "running": rows.one(Job, **base, state="running", attempt=1),
        "dead": rows.one(Job, **base, state="dead", attempt=3, error="ValueError: broken"),
        "foreign": rows.one(Job, **(base | {"system_id": other}), state="queued"),
    }


def test_an_officer_sees_the_jobs_in_scope(client_as: ClientAs, made: dict[str, int]) -> None:
    """Rows of the own departments with state and error; nothing of others."""
    text = plain(client_as(Role.OFFICER, department_id=made["department"]).get("/jobs/").text)
    assert "ValueError: broken" in text
    assert "多次失败" in text
    assert "公文交换" not in text


def test_an_administrator_is_told_why_the_list_is_empty(client_as: ClientAs, made: dict[str, int]) -> None:
    """The system administrator opens the page, sees no row, and reads why and what to do."""
    client = client_as(Role.SYSTEM_ADMIN)
    text = plain(client.get("/jobs/").text)
    assert "为什么看不到任务" in text
    assert "secops doctor" in text
    assert "审批平台" not in text
    assert "审批平台" not in client.get("/jobs/export?format=csv").text


@pytest.mark.parametrize(
    "role",
    [
        Role.CONTACT,
        Role.OWNER,
        Role.ASSESSOR,
        Role.INSPECTOR,
        Role.LEADER,
        Role.SECURITY_ADMIN,
        Role.AUDIT_ADMIN,
    ],
)
def test_others_are_refused(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Nobody else opens the page or acts on a job."""
    client = client_as(role)
    assert client.get("/jobs/").status_code == 403
    assert client.post(f"/jobs/{made['queued']}/cancel").status_code == 403


def test_an_administrator_changes_no_job(client_as: ClientAs, made: dict[str, int]) -> None:
    """System administrators look only."""
    client = client_as(Role.SYSTEM_ADMIN)
    assert client.post(f"/jobs/{made['dead']}/rerun").status_code == 403
    assert client.post(f"/jobs/{made['queued']}/cancel").status_code == 403


def test_foreign_and_missing_look_the_same(client_as: ClientAs, made: dict[str, int]) -> None:
    """A job of another department answers like one that does not exist."""
    client = client_as(Role.OFFICER, department_id=made["department"])
    for number in (made["foreign"], 9999):
        assert client.post(f"/jobs/{number}/cancel").status_code == 404
        assert client.post(f"/jobs/{number}/rerun").status_code == 404


def test_filters_and_export(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Filters hold for the export, which is on record."""
    client = client_as(Role.OFFICER)
    text = client.get("/jobs/export?format=csv&state=dead").text
    assert "ValueError: broken" in text
    assert text.count("审批平台") == 1
    assert "公文交换" not in client.get(f"/jobs/export?format=csv&system={made['system']}").text
    assert "审批平台" not in client.get("/jobs/export?format=csv&kind=report").text
    assert last_event(platform, "table.export").object_id == "jobs"


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The list needs as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    for url, (small, large) in counts_small_and_large(client, platform.engine, "/jobs/").items():
        assert small == large <= 8, (url, small, large)


def _state(platform: Platform, number: int) -> tuple[JobState, bool]:
    with platform.work("test:look") as session:
        job = session.get_one(Job, number)
        return job.state, job.cancel_requested


def test_stopping_and_running_again(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """A waiting job ends at once, a running one is asked to, a dead one waits again; all is on record."""
    client = client_as(Role.OFFICER)
    assert client.post(f"/jobs/{made['queued']}/cancel").status_code == 302
    assert client.post(f"/jobs/{made['running']}/cancel").status_code == 302
    assert client.post(f"/jobs/{made['dead']}/rerun").status_code == 302
    assert _state(platform, made["queued"])[0] is JobState.CANCELLED
    assert _state(platform, made["running"]) == (JobState.RUNNING, True)
    assert _state(platform, made["dead"])[0] is JobState.QUEUED
    assert audit_actions(platform, "Job") == ["job.cancel", "job.cancel", "job.rerun"]


def test_what_can_not_be_done_is_said(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Stopping what is over and repeating what runs is refused in words."""
    client = client_as(Role.OFFICER)
    assert "任务已经结束" in client.post(f"/jobs/{made['dead']}/cancel", follow_redirects=True).text
    assert "只有失败或取消的任务" in client.post(f"/jobs/{made['running']}/rerun", follow_redirects=True).text
    assert audit_actions(platform, "Job") == []


def test_steps_and_errors_are_words() -> None:
    """A step reads as a sentence; an error of the domain in one language, another as it came."""
    assert job_step("scan", "nmap 192.0.2.1") == "正在检查 192.0.2.1：端口与服务"
    assert job_step("report", "pdf_posture") == "正在生成 PDF"
    assert error_words("扫描授权有误。 / The authorisation is wrong.") == "扫描授权有误。"
    assert error_words("OSError: a / b") == "OSError: a / b"


def test_what_gave_up_stands_on_its_own_page(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """The page lists what is dead or refused in scope, with its cause; several are run again at once."""
    refused = rows.one(
        Job, system_id=made["system"], kind="report", queue="report", state="failed", attempt=1,
        error="系统尚未定级，不能生成报告。 / The system has no level yet; classify it first.",
    )  # fmt: skip
    client = client_as(Role.OFFICER, department_id=made["department"])
    text = plain(client.get("/jobs/dead").text)
    assert "ValueError: broken" in text
    assert "系统尚未定级，不能生成报告。" in text
    assert "The system has no level yet" not in text
    assert f"#{made['queued']}" not in text
    assert "ValueError: broken" in client.get("/jobs/dead/export?format=csv").text

    answer = client.post(
        "/jobs/dead/rerun", {"ids": [made["dead"], refused, made["queued"]], "action": "rerun"}
    )
    assert answer.status_code == 302
    assert _state(platform, made["dead"])[0] is JobState.QUEUED
    assert _state(platform, refused)[0] is JobState.QUEUED
    assert audit_actions(platform, "Job") == ["job.rerun", "job.rerun"]
    assert "2 个任务已重新排队，1 个已不需要" in client.get("/jobs/dead").text
    assert client.post("/jobs/dead/rerun", {"ids": [made["foreign"]]}).status_code == 404


def test_one_job_tells_what_happened(client_as: ClientAs, made: dict[str, int]) -> None:
    """Cause, attempts and history of one job; a foreign one looks like none."""
    client = client_as(Role.OFFICER, department_id=made["department"])
    text = plain(client.get(f"/jobs/{made['dead']}").text)
    assert "ValueError: broken" in text
    assert "3 / 3" in text
    client.post(f"/jobs/{made['dead']}/rerun")
    assert "重新执行任务" in plain(client.get(f"/jobs/{made['dead']}").text)
    assert client.get(f"/jobs/{made['foreign']}").status_code == 404
    assert client.get("/jobs/9999").status_code == 404


def test_queries_of_the_page_of_what_gave_up(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """It needs as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    for url, (small, large) in counts_small_and_large(client, platform.engine, "/jobs/dead").items():
        assert small == large <= 8, (url, small, large)
