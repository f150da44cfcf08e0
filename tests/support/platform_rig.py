"""A whole platform as processes, with its home in a temp folder, for tests that kill parts of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from celery import Celery
from sqlalchemy import func, select

from secops import models  # noqa: F401
from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.config import Settings
from secops.installation import initialise, platform_system
from secops.jobs import services
from secops.jobs.models import Job, JobState
from secops.platform import Platform
from secops.supervisor import read_state
from secops.supervisor.orphans import processes, read_process
from tests.support.waiting_job import KIND

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


def eventually(ask: Callable[[], T], what: str, within_s: float = 40.0) -> T:
    """Ask until the answer is true; fail with *what* was waited for."""
    deadline = time.monotonic() + within_s
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {within_s} s: {what}")
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    found = read_process(pid)
    return found is not None and found.state not in "ZX"


@dataclass
class Rig:
    """One home with its supervisor in a process of its own."""

    settings: Settings
    folder: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    platform: Platform = field(init=False)
    _jobs: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.platform = initialise(self.settings, now=utc_now()).platform

    # --- running -------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SECOPS_")}
        chosen = {
            "SECOPS_HOME": str(self.settings.home),
            "SECOPS_PORT": str(self.settings.port),
            "SECOPS_TICK_SECONDS": str(self.settings.tick_seconds),
            "SECOPS_LEASE_SECONDS": str(self.settings.lease_seconds),
            "SECOPS_WEB_WORKERS": str(self.settings.web_workers),
        }
        return kept | chosen | {"PYTHONPATH": str(ROOT)}

    def start(self) -> None:
        """Start it and wait for the page."""
        self._close_pipe()
        with open(self.folder / "supervisor.err", "a", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "tests/support/run_supervisor.py"), *self.options],
                env=self.environment(),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", self.told()

    def told(self) -> str:
        return (self.folder / "supervisor.err").read_text(encoding="utf-8")

    def stop(self) -> int:
        """Ask it to stop and give its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)

    def close(self) -> None:
        """End whatever is left, and let the store go."""
        if self.process is not None and self.process.poll() is None:
            (self.folder / "over").touch()
            self.stop()
        self._close_pipe()
        self.platform.engine.dispose()

    def _close_pipe(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def child(self, name: str) -> int:
        """Process id of a child that runs now."""

        def ask() -> int:
            state = read_state(self.settings.home) or {"children": []}
            found = [child["pid"] for child in state["children"] if child["name"] == name]
            return found[0] if found and found[0] and is_alive(found[0]) else 0

        return eventually(ask, f"{name} runs")

    def members(self) -> list[int]:
        """Every process of this home: the groups that the supervisor started."""
        state = read_state(self.settings.home) or {"children": []}
        groups = {child["pid"] for child in state["children"]}
        return [found.pid for found in processes() if found.group in groups and found.state not in "ZX"]

    def kill(self, name: str) -> int:
        """``kill -9`` of one child's main process; gives the number that it had."""
        pid = self.child(name)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not is_alive(pid), f"{name} is dead")
        return pid

    def page_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.settings.url}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    # --- jobs ----------------------------------------------------------------------------------------------

    def queue_job(self, *, send: bool = True, **payload: Any) -> tuple[int, Path]:
        """Add a waiting job as a page would, its message sent unless told otherwise; gives id and folder."""
        self._jobs += 1
        folder = self.folder / f"job-{self._jobs}"
        folder.mkdir()
        with self.platform.work("test") as session:
            system = platform_system(session)
            job = services.enqueue(
                session,
                kind=KIND,
                department_id=system.department_id,
                system_id=system.id,
                payload={"folder": str(folder), **payload},
                actor="test",
                now=utc_now(),
            )
            if not send:
                job.published_at = None
            job_id = job.id
        if send:
            self.send(job_id)
        return job_id, folder

    def client(self) -> Celery:
        """A connection to this platform's broker, as anybody has who can reach it."""
        state = read_state(self.settings.home)
        assert state is not None
        return Celery(broker=state["broker"], set_as_current=False)

    def send(self, job_id: Any, times: int = 1) -> None:
        """Send the message of a job, as often as told."""
        with self.client() as client:
            for _ in range(times):
                client.send_task("secops.run", (job_id,), queue="scan")

    def flush_broker(self) -> None:
        """Empty the broker, as if it had lost everything."""
        with self.client() as client, client.connection() as connection:
            connection.default_channel.client.flushall()

    def freeze(self, pid: int) -> None:
        """Stop a process at a moment at which it holds no lock of the store, or nobody could write any more."""
        path = self.settings.home / "secops.db"

        def frozen() -> bool:
            os.kill(pid, signal.SIGSTOP)
            with closing(sqlite3.connect(path, timeout=1.0)) as connection:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    os.kill(pid, signal.SIGCONT)
                    return False
                connection.rollback()
            return True

        eventually(frozen, f"process {pid} is frozen outside of a transaction")

    def age_message(self, job_id: int) -> None:
        """Let the message of a queued job be two minutes old."""
        with self.platform.work("test") as session:
            session.get_one(Job, job_id).published_at = utc_now() - timedelta(minutes=2)

    def job(self, job_id: int) -> Job:
        with self.platform.work("test") as session:
            return session.get_one(Job, job_id)

    def attempts(self, folder: Path) -> list[tuple[int, int]]:
        """(attempt, pid) of each time the job's function was entered."""
        path = folder / "attempts"
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        return [(int(attempt), int(pid)) for attempt, pid in (line.split() for line in lines)]

    def wait_running(self, folder: Path, attempt: int = 1) -> int:
        """Wait until the job is in its *attempt*; gives the process that runs it."""
        return eventually(
            lambda: dict(self.attempts(folder)).get(attempt), f"attempt {attempt} of {folder.name} runs"
        )

    def wait_over(self, job_id: int, within_s: float = 40.0) -> JobState:
        open_states = (JobState.QUEUED, JobState.RUNNING)
        eventually(lambda: self.job(job_id).state not in open_states, f"job {job_id} is over", within_s)
        return self.job(job_id).state

    def events(self, job_id: int) -> dict[str, int]:
        """How often each audit event of the job was written."""
        with self.platform.work("test") as session:
            query = (
                select(AuditEvent.action, func.count())
                .where(AuditEvent.object_type == "Job", AuditEvent.object_id == str(job_id))
                .group_by(AuditEvent.action)
            )
            return {action: int(count) for action, count in session.execute(query)}


def end(pid: int) -> None:
    """``kill -9`` of a process that may have gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


__all__ = ["Rig", "end", "eventually", "is_alive"]
