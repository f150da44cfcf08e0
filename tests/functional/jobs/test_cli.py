"""``secops job``, ``secops schedule``, ``secops system import`` and ``secops bench seed`` from the console."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from secops.cli.main import run
from secops.jobs.models import Job
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.scans.models import ScanAuthorization
from secops.schedules.models import Schedule
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions


@pytest.fixture
def console(platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """``console("job", "list")`` runs a command in this home and gives exit code and JSON."""
    monkeypatch.setenv("SECOPS_HOME", str(platform.settings.home))
    monkeypatch.setenv("SECOPS_LANGUAGE", "zh")

    def call(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = run([*words, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    return call


def test_jobs_are_listed_shown_cancelled_and_run_again(console: Any, platform: Platform, rows: Rows) -> None:
    """The dead-letter list is one option away; cancel and rerun leave their events; a wrong id is one sentence."""
    waiting = rows.one(Job, state="queued", kind="posture", queue="housekeeping")
    dead = rows.one(Job, state="dead", kind="report", queue="report", error="磁盘已满", attempt=3)
    code, found = console("job", "list", "--state", "dead")
    assert (code, [one["id"] for one in found["jobs"]]) == (0, [dead])
    assert found["jobs"][0]["error"] == "磁盘已满"
    assert console("job", "show", str(waiting))[1]["state"] == "queued"
    assert console("job", "cancel", str(waiting))[1]["state"] == "cancelled"
    assert console("job", "rerun", str(dead))[1]["state"] == "queued"
    assert console("job", "list", "--state", "odd")[0] == 2
    assert console("job", "show", "9999")[0] != 0
    assert {"job.cancel", "job.rerun"} <= set(audit_actions(platform))


def test_schedules_are_listed_foretold_and_started(console: Any, platform: Platform, rows: Rows) -> None:
    """The next runs come in the schedule's own time zone; run-now starts the scan and keeps the plan."""
    system = rows.one(System)
    rows.one(Asset, system_id=system, kind="server", address="192.0.2.1")
    authorization = rows.one(
        ScanAuthorization, system_id=system, networks=["192.0.2.0/24"], probes=["nmap"], exceptions=[]
    )
    schedule = rows.one(
        Schedule,
        system_id=system,
        cron="30 2 * * 1",
        time_zone="Asia/Shanghai",
        payload={"authorization_id": authorization},
    )
    code, found = console("schedule", "list")
    assert (code, found["schedules"][0]["id"]) == (0, schedule)
    _, told = console("schedule", "next", str(schedule), "--count", "3")
    assert len(told["next"]) == 3
    assert all("T02:30:00+08:00" in moment for moment in told["next"])
    code, _ = console("schedule", "run-now", str(schedule))
    assert code == 0
    assert "schedule.run-now" in audit_actions(platform)
    assert console("schedule", "next", "9999")[0] != 0


def test_a_register_is_imported_from_the_console(
    console: Any, platform: Platform, rows: Rows, tmp_path: Path
) -> None:
    """Faults are told with exit code 2 and nothing is written; a dry run writes nothing; the good file goes in."""
    rows.one(System, code="SYS", level=None, profile="")
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    head = "系统编码,类型,名称,重要程度\n"
    bad.write_text(head + "SYS,服务器,主机 1,重要\nSYS,飞船,主机 2,重要\n", encoding="utf-8")
    good.write_text(head + "SYS,服务器,主机 1,重要\nSYS,数据库,库 1,关键\n", encoding="utf-8")
    code, told = console("system", "import", str(bad), "--register", "assets")
    assert (code, told["applied"], told["faults"][0]["row"]) == (2, False, 3)
    code, told = console("system", "import", str(good), "--register", "assets", "--dry-run")
    assert (code, told["applied"], told["create"]) == (0, False, 2)
    assert console("system", "import", str(good), "--register", "assets")[1]["applied"] is True
    code, told = console("system", "import", str(good), "--register", "assets")
    assert (told["create"], told["same"]) == (0, 2)
    assert console("system", "import", str(tmp_path / "none.csv"))[0] == 2
    assert console("system", "import", str(good), "--register", "odd")[0] == 2


def test_a_seed_goes_into_an_empty_home_only(console: Any) -> None:
    """The small seed is written once; an unknown size and a second seed are refused in one sentence."""
    assert console("bench", "seed", "XL")[0] == 2
    code, told = console("bench", "seed", "S")
    assert (code, told["systems"], told["findings"]) == (0, 12, 240)
    assert console("bench", "seed", "S")[0] != 0
