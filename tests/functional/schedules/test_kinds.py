"""Each kind of schedule does its work for real once: it is due, its jobs run, and the service's result is there."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.assessments.models import Assessment, AssessmentCampaign
from secops.backup.services import read_passphrase
from secops.clock import utc_now
from secops.errors import BadInput, Refused
from secops.evidence.models import Evidence
from secops.inventory.models import Reminder
from secops.jobs.models import Job, JobState
from secops.jobs.runner import run_job
from secops.objects.models import Department, System
from secops.platform import Platform
from secops.posture.models import PostureSummary
from secops.posture.services import recompute
from secops.reporting.models import ReportFile
from secops.scans.models import Scan
from secops.schedules import services
from secops.schedules.dispatch import dispatch_due
from secops.schedules.kinds import KINDS
from secops.schedules.models import Schedule, ScheduleRun
from tests.functional.schedules.support import scannable
from tests.support.builders import Rows
from tests.support.platforms import add_person

PASSPHRASE = "a long passphrase of a test"


@pytest.fixture
def settled(platform: Platform, tmp_path: Path) -> Iterator[Platform]:
    """The installation with all three folders set."""
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE, encoding="utf-8")
    secret.chmod(0o600)
    settings = replace(
        platform.settings,
        backup_folder=str(tmp_path / "backups"),
        backup_passphrase_file=str(secret),
        import_folder=str(tmp_path / "import"),
    )
    found = Platform.open(settings)
    yield found
    found.engine.dispose()


@pytest.fixture
def system(platform: Platform, rows: Rows) -> int:
    """A classified system in a department of its own, with its posture worked out."""
    made = rows.one(System, department_id=rows.one(Department), code="KIND-1", level=3, profile="S3A3G3")
    with platform.work("test") as session:
        recompute(session, session.get_one(System, made), now=utc_now())
    return made


def _own_system(platform: Platform) -> int:
    with platform.work("test") as session:
        return session.scalars(select(System.id).where(System.is_platform.is_(True))).one()


def _due(
    platform: Platform, kind: str, system: int, payload: dict[str, Any] | None = None, **values: Any
) -> int:
    """A schedule of this kind, due since a minute, of an officer of the whole district."""
    owner = values.pop("owner", None) or add_person(platform, Role.OFFICER)
    now = utc_now()
    with platform.work("test") as session:
        return services.create_schedule(
            session,
            system=session.get_one(System, system),
            name=f"计划 {kind}",
            kind=kind,
            payload=payload or {},
            owner=owner,
            time_zone="Asia/Shanghai",
            now=now,
            first_run_at=now - timedelta(minutes=1),
            settings=platform.settings,
            **({"every_seconds": 86400} | values),
        ).id


def _carry_out(platform: Platform, schedule_id: int) -> dict[str, dict[str, Any]]:
    """Dispatch and run every job of it; the results by kind of job."""
    assert dispatch_due(platform, now=utc_now()) == 1, _why(platform, schedule_id)
    with platform.work("test") as session:
        run = session.scalars(select(ScheduleRun).where(ScheduleRun.schedule_id == schedule_id)).one()
        jobs = (
            session.scalars(select(Job).where(Job.cause == "schedule").order_by(Job.id)).all()
            or session.scalars(select(Job).where(Job.id == run.job_id)).all()
        )
        ids = [job.id for job in jobs]
        assert (run.state.value, run.jobs, run.job_id) == ("started", len(ids), ids[0])
    for job_id in ids:
        assert run_job(platform, job_id) == "done", _job(platform, job_id).error
    found = [_job(platform, job_id) for job_id in ids]
    assert all(job.state is JobState.DONE for job in found)
    return {job.kind: job.result for job in found}


def _why(platform: Platform, schedule_id: int) -> str:
    with platform.work("test") as session:
        return session.get_one(Schedule, schedule_id).last_error


def _job(platform: Platform, job_id: int) -> Job:
    with platform.work("test") as session:
        return session.get_one(Job, job_id)


def _count(platform: Platform, model: type[Any], *where: Any) -> int:
    with platform.work("test") as session:
        return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def test_every_kind_has_its_test() -> None:
    """The registry and this file name the same kinds."""
    told = {
        "scan", "posture", "report", "assessment-campaign", "folder-import", "expiry", "reminders", "audit-verify",
        "vault-scrub", "backup",
    }  # fmt: skip
    assert set(KINDS) == told


def test_a_scan(platform: Platform, rows: Rows) -> None:
    """The scan is requested under its authorisation; what it does then is the scans' own matter."""
    system, authorization = scannable(rows)
    schedule_id = _due(platform, "scan", system, {"authorization_id": authorization})
    assert dispatch_due(platform, now=utc_now()) == 1
    with platform.work("test") as session:
        scan = session.scalars(select(Scan)).one()
        run = session.scalars(select(ScheduleRun)).one()
    assert (scan.schedule_id, scan.authorization_id, scan.job_id) == (schedule_id, authorization, run.job_id)


def test_a_posture_recompute_of_a_department(platform: Platform, rows: Rows, system: int) -> None:
    """Each classified system of the department and below gets its summary, another department's does not."""
    with platform.work("test") as session:
        department = session.get_one(System, system).department_id
    below = rows.one(Department, parent_id=department)
    second = rows.one(System, department_id=below, level=2, profile="S2A2G2")
    rows.one(System, department_id=rows.one(Department), level=2, profile="S2A2G2")
    results = _carry_out(platform, _due(platform, "posture", system, {"extent": "department"}))
    assert "posture" in results
    with platform.work("test") as session:
        found = Counter(session.scalars(select(PostureSummary.system_id)))
    # The first one had a summary before.
    assert found == {system: 2, second: 1}


def test_a_report(platform: Platform, system: int) -> None:
    """The chosen forms are built and kept."""
    payload = {
        "extent": "system",
        "report": "posture",
        "renderers": ["csv_posture", "json_posture"],
        "language": "zh",
    }
    results = _carry_out(platform, _due(platform, "report", system, payload))
    assert set(results["report"]["reports"]) == {"csv_posture", "json_posture"}
    assert _count(platform, ReportFile, ReportFile.system_id == system) == 2


def test_an_assessment_campaign(platform: Platform, rows: Rows, system: int) -> None:
    """An assessment begins in the owner's name; the next time the running one is left out and that is told."""
    rows.one(System, department_id=rows.one(Department), level=2, profile="S2A2G2")
    owner = add_person(platform, Role.OFFICER)
    payload = {"extent": "department", "edition": "2025"}
    schedule_id = _due(platform, "assessment-campaign", system, payload, owner=owner)
    results = _carry_out(platform, schedule_id)
    assert results["assessment-campaign"]["assessments"] == 1
    with platform.work("test") as session:
        made = session.scalars(select(Assessment)).one()
        assert (made.system_id, made.created_by, made.lead) == (system, owner, owner)
        job = session.scalars(select(Job).where(Job.kind == "assessment-campaign")).one()

    from secops.assessments.handlers import begin_campaign
    from secops.jobs.runner import JobContext
    from secops.jobs.services import claim, rerun

    with platform.engine.begin() as connection:
        connection.execute(Job.__table__.update().values(state="failed"))
    with platform.work("test") as session:
        rerun(session, job.id, now=utc_now())
        again = claim(session, job.id, owner="test", now=utc_now(), lease=timedelta(minutes=1))
    assert again is not None
    assert begin_campaign(JobContext(platform, again)) == {
        "campaign": results["assessment-campaign"]["campaign"]
    }
    again.payload["title"] = "另一次"
    with pytest.raises(Refused):
        begin_campaign(JobContext(platform, again))
    assert _count(platform, AssessmentCampaign) == 1


def test_the_expiry_sweep(platform: Platform, rows: Rows, system: int) -> None:
    """Evidence past its day is marked, and a filing certificate that ended is told of."""
    today = utc_now().date()
    rows.one(
        Evidence,
        system_id=system,
        state="accepted",
        effective_until=today - timedelta(days=2),
        blob_state="ok",
    )
    with platform.engine.begin() as connection:
        connection.execute(
            System.__table__.update()
            .where(System.__table__.c.id == system)
            .values(certificate_until=today - timedelta(days=3))
        )
    results = _carry_out(platform, _due(platform, "expiry", _own_system(platform)))
    assert set(results) == {"evidence-expiry", "inheritance-expiry", "clock-reminders"}
    assert _count(platform, Evidence, Evidence.state == "expired") == 1
    assert _count(platform, Reminder, Reminder.system_id == system, Reminder.matter == "certificate") == 1


def test_reminders(platform: Platform, rows: Rows, system: int) -> None:
    """Dates that come near are told once, the second time nothing."""
    with platform.engine.begin() as connection:
        connection.execute(
            System.__table__.update()
            .where(System.__table__.c.id == system)
            .values(maintained_until=utc_now().date() + timedelta(days=5))
        )
    own = _own_system(platform)
    first = _carry_out(platform, _due(platform, "reminders", own))["clock-reminders"]
    assert first["told"] >= 1


def test_audit_verification(platform: Platform) -> None:
    """The chain is walked and is whole."""
    results = _carry_out(platform, _due(platform, "audit-verify", _own_system(platform)))
    assert results["audit-verify"]["ok"] is True


def test_a_vault_scrub(platform: Platform, system: int) -> None:
    """A piece of evidence is read to its end and found whole."""
    payload = {"extent": "system", "report": "posture", "renderers": ["csv_posture"], "language": "zh"}
    report = _due(platform, "report", system, payload)
    _carry_out(platform, report)
    with platform.engine.begin() as connection:
        connection.execute(Job.__table__.update().values(cause="manual"))
    results = _carry_out(platform, _due(platform, "vault-scrub", _own_system(platform)))
    assert results["vault-scrub"]["ok"] == 1


def test_a_backup(settled: Platform) -> None:
    """Both files lie in the folder and open with the passphrase."""
    results = _carry_out(settled, _due(settled, "backup", _own_system(settled)))
    folder = Path(settled.settings.backup_folder)
    assert {path.suffix for path in folder.iterdir()} == {".data", ".keys"}
    assert results["backup"]["verified"] is True
    assert read_passphrase(Path(settled.settings.backup_passphrase_file)) == PASSPHRASE.encode()


@pytest.mark.parametrize("kind", ["backup", "folder-import"])
def test_a_missing_setting_is_named(platform: Platform, settled: Platform, system: int, kind: str) -> None:
    """Without its settings the kind can't be planned; a schedule that stands already fails with their names."""
    subject = _own_system(platform) if kind == "backup" else system
    with pytest.raises(Refused) as refusal:
        _due(platform, kind, subject)
    assert "SECOPS_" in refusal.value.zh

    schedule_id = _due(settled, kind, subject)
    assert dispatch_due(platform, now=utc_now()) == 0
    assert "SECOPS_" in _why(platform, schedule_id)
    with platform.work("test") as session:
        run = session.scalars(select(ScheduleRun)).one()
        assert (run.state.value, run.job_id) == ("failed", None)


def test_a_passphrase_file_that_others_can_read(settled: Platform) -> None:
    """It is refused when the schedule is due, and nothing is written."""
    schedule_id = _due(settled, "backup", _own_system(settled))
    Path(settled.settings.backup_passphrase_file).chmod(0o644)
    assert dispatch_due(settled, now=utc_now()) == 0
    assert "chmod 600" in _why(settled, schedule_id)
    assert not Path(settled.settings.backup_folder).exists()


def _drop(folder: Path, name: str, content: bytes, age: float = 60) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_a_watched_folder(settled: Platform, system: int) -> None:
    """A good file becomes evidence and goes to done, a trap and a link go to refused with why, a fresh one waits."""
    folder = Path(settled.settings.import_folder) / "KIND-1"
    _drop(folder, "机房巡检.txt", "十一月 正常".encode())
    _drop(folder, "制度.txt", b"second")
    _drop(folder, "empty.pdf", b"MZ\x90\x00" + b"\x00" * 60)
    _drop(folder, "growing.txt", b"half", age=0)
    (folder / "link.txt").symlink_to("/etc/hostname")
    (folder / "more").mkdir()
    owner = add_person(settled, Role.OFFICER)
    results = _carry_out(settled, _due(settled, "folder-import", system, owner=owner))

    taken = {path.name for path in (folder / "done").iterdir()}
    refused = {path.name for path in (folder / "refused").iterdir()}
    assert {"机房巡检.txt", "制度.txt"} <= taken
    assert {"link.txt", "link.txt.reason.txt", "more", "more.reason.txt"} <= refused
    assert "empty.pdf" in taken | refused
    assert (folder / "growing.txt").exists()
    assert results["folder-import"]["waiting"] == 1
    assert results["folder-import"]["done"] == len(taken)
    assert "普通文件" in (folder / "refused" / "link.txt.reason.txt").read_text(encoding="utf-8")
    with settled.work("test") as session:
        kept = session.scalars(select(Evidence).where(Evidence.system_id == system)).all()
        assert {one.file_name for one in kept} == taken
        assert {(one.state.value, one.given_by) for one in kept} == {("submitted", owner)}


def test_a_crash_between_keeping_and_moving_keeps_one(settled: Platform, system: int) -> None:
    """A file that was kept but lies in the folder still is moved, not kept again."""
    folder = Path(settled.settings.import_folder) / "KIND-1"
    path = _drop(folder, "a.txt", b"once")
    stamp = path.stat().st_mtime
    schedule_id = _due(settled, "folder-import", system)
    _carry_out(settled, schedule_id)
    os.replace(folder / "done" / "a.txt", path)
    os.utime(path, (stamp, stamp))
    with settled.work("test") as session:
        services.run_now(session, schedule_id, settings=settled.settings, now=utc_now(), actor="cli")
        job_id = session.scalars(select(Job.id).order_by(Job.id.desc()).limit(1)).one()
    assert run_job(settled, job_id) == "done"
    assert _count(settled, Evidence, Evidence.system_id == system) == 1
    assert (folder / "done" / "a.txt").exists()


def test_the_same_work_is_not_started_twice(platform: Platform, system: int) -> None:
    """A duty that waits already: the schedule skips, and says why."""
    from secops.jobs.duties import start_duties

    with platform.work("test") as session:
        start_duties(session, now=utc_now())
    _due(platform, "audit-verify", _own_system(platform))
    assert dispatch_due(platform, now=utc_now()) == 1
    with platform.work("test") as session:
        run = session.scalars(select(ScheduleRun)).one()
        assert (run.state.value, run.job_id) == ("skipped", None)
        assert "已在排队" in run.reason
    assert _count(platform, Job, Job.kind == "audit-verify") == 1


def test_platform_kinds_belong_to_the_platform(platform: Platform, system: int) -> None:
    """Nobody hangs the verification of the log on some system."""
    with pytest.raises(BadInput):
        _due(platform, "audit-verify", system)


def test_a_contact_plans_no_campaign(platform: Platform, system: int) -> None:
    """The owner's role is looked at for the kind: a contact's campaign is paused when it is due."""
    owner = add_person(platform, Role.CONTACT)
    schedule_id = _due(
        platform, "assessment-campaign", system, {"extent": "system", "edition": "2025"}, owner=owner
    )
    assert dispatch_due(platform, now=utc_now()) == 0
    assert owner in _why(platform, schedule_id)


def test_a_department_s_schedule_reaches_what_its_owner_sees(
    platform: Platform, rows: Rows, system: int
) -> None:
    """A grant for one system: the recompute of the whole department starts one job."""
    with platform.work("test") as session:
        department = session.get_one(System, system).department_id
    rows.one(System, department_id=department, level=2, profile="S2A2G2")
    owner = add_person(platform, Role.CONTACT, department_id=department, system_id=system)
    _due(platform, "posture", system, {"extent": "department"}, owner=owner)
    assert dispatch_due(platform, now=utc_now()) == 1
    with platform.work("test") as session:
        assert session.scalars(select(Job.system_id).where(Job.kind == "posture")).all() == [system]
