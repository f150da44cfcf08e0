"""F9: uploads, reports and the rotation of the main key, cut off by ``kill -9`` at random points."""

from __future__ import annotations

import http.client
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.demo.client import Browser, PageFailed
from secops.evidence.handlers import recover_vault
from secops.evidence.models import BlobState, Evidence
from secops.evidence.services import blob_ref
from secops.evidence.vault import ScrubOutcome
from secops.jobs.models import Job, JobState
from secops.objects.models import Department, System
from secops.posture.services import recompute
from secops.reporting.models import ReportFile
from secops.reporting.services import request_report
from secops.supervisor.orphans import processes
from tests.faults.tally import Tally
from tests.support.builders import Rows
from tests.support.platform_rig import ROOT, Rig, end, eventually
from tests.support.platforms import PASSWORD, add_person

FORMS = ("csv_posture", "json_posture", "xlsx_posture")


def classified_system(rig: Rig, code: str) -> int:
    """A system with its posture worked out."""
    rows = Rows(rig.platform.engine)
    made = rows.one(System, department_id=rows.one(Department), code=code, level=3, profile="S3A3G3")
    with rig.platform.work("test") as session:
        recompute(session, session.get_one(System, made), now=utc_now())
    return made


def children_of(rig: Rig, name: str) -> list[int]:
    """Processes below one child of the supervisor."""
    parent = rig.child(name)
    return [found.pid for found in processes() if found.parent == parent and found.state not in "ZX"]


class _Upload:
    """One upload that is cut off: its bytes are sent up to a point, then the web processes are killed."""

    def __init__(self, rig: Rig, system: int, size: int, point: float) -> None:
        self.rig, self.point = rig, point
        self.name = f"{secrets.token_hex(6)}.bin"
        self.content = random.Random(self.name).randbytes(size)
        self.system = system
        self.begun = False

    def send(self, browser: Browser) -> bool:
        """Whether it was acknowledged."""
        sending = http.client.HTTPConnection.send
        killer = self._kill

        def cut(connection: Any, data: Any) -> None:
            if isinstance(data, bytes) and len(data) > 10_000:
                self.begun = True
                place = int(len(data) * min(self.point, 1.0))
                sending(connection, data[:place])
                if self.point <= 1.0:
                    killer()
                else:
                    threading.Timer(self.point - 1.0, killer).start()
                data = data[place:]
            sending(connection, data)

        http.client.HTTPConnection.send = cut  # type: ignore[method-assign]
        try:
            fields = [("system", str(self.system)), ("title", self.name), ("note", "")]
            page = browser.get(f"/evidence/upload?system={self.system}")
            browser.upload("/evidence/upload", fields, self.name, self.content, page=page)
            return True
        except PageFailed:
            return False
        finally:
            http.client.HTTPConnection.send = sending  # type: ignore[method-assign]

    def _kill(self) -> None:
        for pid in children_of(self.rig, "web"):
            end(pid)


def killed_uploads(rig: Rig, rounds: int) -> Tally:
    """F9: web processes killed at a random byte of an upload, or shortly after its last one.

    Afterwards every row that counts has its whole file, every acknowledged upload is there, and a second recovery
    finds nothing left to mend.
    """
    tally = Tally("F9 web killed in upload")
    system = classified_system(rig, f"UP-{secrets.token_hex(3)}")
    name = add_person(rig.platform, Role.OFFICER)
    chance = random.Random(rounds)
    acknowledged: list[str] = []
    begun = 0
    browser = _signed_in(rig, name)
    for _ in range(rounds):
        one = _Upload(rig, system, chance.randrange(20_000, 3_000_000), chance.uniform(0.0, 1.4))
        if one.send(browser):
            acknowledged.append(one.name)
        begun += one.begun
        tally.broken()
        time.sleep(max(0.0, one.point - 1.0))
        eventually(rig.page_answers, "the page answers again")
        tally.mended()
    recover_vault(rig.platform)
    again = recover_vault(rig.platform)
    with rig.platform.work("test") as session:
        rows = session.scalars(select(Evidence).where(Evidence.system_id == system)).all()
    kept = [row for row in rows if row.blob_state is BlobState.OK]
    whole = {
        row.file_name for row in kept if rig.platform.vault.check(blob_ref(row)).outcome is ScrubOutcome.OK
    }
    tally.watched = begun
    assert begun >= rounds * 0.9, f"only {begun} of {rounds} uploads were begun"
    tally.lost = len(set(acknowledged) - whole) + len(kept) - len(whole)
    tally.doubled = len(kept) - len({row.file_name for row in kept})
    assert set(again) <= {"live"}, again
    assert not [row for row in rows if row.blob_state is BlobState.PENDING]
    tally.notes |= {"acknowledged": len(acknowledged), "kept": len(kept)}
    return tally


def _signed_in(rig: Rig, name: str) -> Browser:
    browser = Browser(rig.settings.url)
    browser.submit("/login/", {"username": name, "password": PASSWORD})
    return browser


def killed_reports(rig: Rig, rounds: int) -> Tally:
    """F9: the process that writes a report killed at a random moment; no form is half there or there twice."""
    tally = Tally("F9 report build killed")
    system_id = classified_system(rig, f"RE-{secrets.token_hex(3)}")
    chance = random.Random(rounds)
    for _ in range(rounds):
        with rig.platform.work("test") as session:
            job_id = request_report(
                session, session.get_one(System, system_id), kind="posture", renderers=FORMS, language="zh",
                actor="test", now=utc_now().replace(microsecond=0),
            ).id  # fmt: skip
        with rig.client() as client:
            client.send_task("secops.run", (job_id,), queue="report")
        eventually(lambda job_id=job_id: rig.job(job_id).state is not JobState.QUEUED, "the report is begun")
        time.sleep(chance.uniform(0.0, 1.0))
        for pid in children_of(rig, "writer"):
            end(pid)
        tally.broken()
        _nothing_half_there(rig)
        state = rig.wait_over(job_id, within_s=120)
        tally.mended()
        tally.watched += 1
        with rig.platform.work("test") as session:
            found = session.scalars(select(ReportFile.renderer).where(ReportFile.job_id == job_id)).all()
        tally.lost += state is not JobState.DONE or set(found) != set(FORMS)
        tally.doubled += len(found) != len(set(found))
    _nothing_half_there(rig)
    return tally


def _nothing_half_there(rig: Rig) -> None:
    with rig.platform.work("test") as session:
        half = session.scalar(
            select(func.count(ReportFile.id))
            .join(Evidence, Evidence.id == ReportFile.evidence_id)
            .where(Evidence.blob_state != BlobState.OK)
        )
    assert half == 0


def _command(rig_home: Path, *words: str) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SECOPS_")}
    return subprocess.Popen(
        [sys.executable, "-c", "from secops.cli.main import main; main()", *words],
        env=kept | {"SECOPS_HOME": str(rig_home), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _cut_off(home: Path, chance: random.Random, longest_s: float, *words: str) -> bool:
    """Run a command and kill it after a random while; whether it had ended by itself."""
    process = _command(home, *words)
    try:
        return process.wait(timeout=chance.uniform(0.3, longest_s)) == 0
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False


def killed_rotation(rig: Rig, rounds: int) -> Tally:
    """F9: ``secops keys rotate`` killed at random moments; every file opens after each, and a last run ends it."""
    tally = Tally("F9 rotation killed")
    chance = random.Random(rounds)
    with rig.platform.work("test") as session:
        rows = session.scalars(select(Evidence).where(Evidence.blob_state == BlobState.OK)).all()
    assert rows
    for number in range(rounds + 1):
        tally.broken()
        if number < rounds:
            _cut_off(rig.settings.home, chance, 3.0, "keys", "rotate")
        else:
            assert _command(rig.settings.home, "keys", "rotate").wait(timeout=120) == 0
        rig.platform.__dict__.pop("keys", None)
        rig.platform.__dict__.pop("vault", None)
        with rig.platform.work("test") as session:
            current = session.scalars(select(Evidence).where(Evidence.blob_state == BlobState.OK)).all()
        for row in current:
            tally.watched += 1
            tally.lost += rig.platform.vault.check(blob_ref(row)).outcome is not ScrubOutcome.OK
        tally.mended()
    return tally


def killed_set_up(folder: Path, rounds: int) -> Tally:
    """F9: ``secops init``, and with it the migration, killed at random moments; the next run completes it."""
    tally = Tally("F9 migration killed")
    chance = random.Random(rounds)
    for number in range(rounds):
        home = folder / f"home-{number}"
        for _ in range(3):
            if _cut_off(home, chance, 4.0, "init"):
                break
        tally.broken()
        tally.watched += 1
        tally.lost += _command(home, "init").wait(timeout=120) != 0
        tally.lost += _command(home, "audit", "verify").wait(timeout=120) != 0
        tally.mended()
    return tally


def open_jobs(rig: Rig) -> int:
    """Jobs that are not over, for the end of a whole run."""
    with rig.platform.work("test") as session:
        query = select(func.count(Job.id)).where(Job.state.in_((JobState.QUEUED, JobState.RUNNING)))
        return session.scalar(query) or 0
