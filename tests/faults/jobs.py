"""F1 to F5: workers, leases, messages and the broker."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from secops.clock import utc_now
from secops.jobs.models import Job
from tests.faults.tally import Tally, let_go
from tests.support.platform_rig import Rig, eventually, is_alive


def killed_child(rig: Rig, rounds: int) -> Tally:
    """F1: ``kill -9`` of the pool process in the middle of a job, whose outside program is ended too."""
    tally = Tally("F1 worker child killed")
    slowest_tool = 0.0
    for _ in range(rounds):
        job_id, folder = rig.queue_job(tool=True)
        first = rig.wait_running(folder)
        tool = int(
            eventually(
                lambda folder=folder: (folder / "tools").exists() and (folder / "tools").read_text(),
                "the tool runs",
            )
        )
        os.kill(first, signal.SIGKILL)
        tally.broken()
        began = time.monotonic()
        rig.wait_running(folder, attempt=2)
        tally.mended()
        eventually(lambda tool=tool: not is_alive(tool), "its tool is gone", within_s=10)
        slowest_tool = max(slowest_tool, time.monotonic() - began)
        let_go(folder)
        tally.watch(rig, job_id, attempts=2)
    tally.notes["tool_gone_s"] = round(slowest_tool, 1)
    return tally


def killed_tree(rig: Rig, rounds: int) -> Tally:
    """F2: ``kill -9`` of the whole worker while its processes are full and more jobs wait."""
    tally = Tally("F2 worker tree killed")
    for _ in range(rounds):
        running = [rig.queue_job() for _ in range(rig.settings.worker_processes)]
        pids = [rig.wait_running(folder) for _, folder in running]
        waiting = [rig.queue_job() for _ in range(2)]
        rig.kill("worker")
        tally.broken()
        eventually(lambda pids=pids: not any(is_alive(pid) for pid in pids), "its pool has gone", within_s=5)
        for _, folder in running:
            # Killed again and again, the supervisor waits up to 30 s before it starts the next one.
            eventually(lambda folder=folder: dict(rig.attempts(folder)).get(2), "it runs again", within_s=90)
        tally.mended()
        let_go(*(folder for _, folder in running + waiting))
        for job_id, _ in running:
            tally.watch(rig, job_id, attempts=2)
        for job_id, _ in waiting:
            tally.watch(rig, job_id)
    return tally


def second_copy(rig: Rig, rounds: int) -> Tally:
    """F3: a job longer than its lease, whose message comes a second time while it runs; nobody is killed."""
    tally = Tally("F3 second copy of a message")
    assert rig.settings.lease_seconds <= 3
    slowest = 0.0
    for _ in range(rounds):
        job_id, folder = rig.queue_job()
        rig.wait_running(folder)
        time.sleep(rig.settings.lease_seconds + 1.5)
        seen = len(_skipped(rig, job_id))
        rig.send(job_id)
        tally.broken()
        eventually(lambda seen=seen, job_id=job_id: len(_skipped(rig, job_id)) > seen, "the copy is skipped")
        tally.mended()
        slowest = max(slowest, tally.worst_s)
        assert len(rig.attempts(folder)) == 1
        let_go(folder)
        tally.watch(rig, job_id, attempts=1)
    tally.notes["skipped_s"] = round(slowest, 2)
    return tally


def _skipped(rig: Rig, job_id: int) -> list[dict[str, Any]]:
    """Lines of the worker's log in which a message found nothing to do."""
    found = []
    text = (rig.settings.home / "logs" / "worker.log").read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        if '"job.ran"' in line and '"skipped"' in line:
            entry = json.loads(line[line.index("{") :])
            if entry["job_id"] == job_id:
                found.append(entry)
    return found


def repeated_message(rig: Rig, rounds: int) -> Tally:
    """F4: the same message five times at once, and messages of jobs that do not exist."""
    tally = Tally("F4 message five times")
    for number in range(rounds):
        job_id, folder = rig.queue_job(send=False)
        let_go(folder)
        rig.send(job_id, times=5)
        rig.send(900_000_000 + number)
        tally.broken()
        tally.watch(rig, job_id, attempts=1)
        tally.mended()
    return tally


def zombie(rig: Rig, rounds: int) -> Tally:
    """F4: a process frozen past its lease wakes up when its successor is done; its late write is refused."""
    tally = Tally("F4 late write of a zombie")
    for _ in range(rounds):
        job_id, folder = rig.queue_job()
        frozen = rig.wait_running(folder)
        rig.freeze(frozen)
        tally.broken()
        rig.wait_running(folder, attempt=2)
        tally.mended()
        let_go(folder)
        tally.watch(rig, job_id, attempts=2)
        os.kill(frozen, signal.SIGCONT)
        # The zombie has had its say when its process takes the next job.
        probes = [rig.queue_job() for _ in range(rig.settings.worker_processes)]
        for _, probe in probes:
            rig.wait_running(probe)
        let_go(*(probe for _, probe in probes))
        assert frozen in {pid for _, probe in probes for _, pid in rig.attempts(probe)}
        for probe_id, _ in probes:
            tally.watch(rig, probe_id, attempts=1)
        assert rig.events(job_id)["test.effect"] == 1
    return tally


def broker_away(rig: Rig, rounds: int, away_s: float) -> Tally:
    """F5: jobs that come while the broker is down stand as queued and all run when it is back."""
    tally = Tally("F5 broker down at submit")
    for _ in range(rounds):
        until = time.monotonic() + away_s
        taken: list[tuple[int, Path]] = []
        while time.monotonic() < until:
            # The supervisor brings it back, so it is killed again and again.
            rig.kill("broker")
            taken.append(_lost_message(rig))
            time.sleep(0.5)
        tally.broken()
        assert all(rig.job(job_id).result == {} for job_id, _ in taken)
        let_go(*(folder for _, folder in taken))
        for job_id, _ in taken:
            tally.watch(rig, job_id, attempts=1)
        tally.mended()
    return tally


def broker_flushed(rig: Rig, rounds: int, jobs: int) -> Tally:
    """F5: the broker forgets every message; each job that waited is sent again, none runs twice."""
    tally = Tally("F5 broker flushed")
    for _ in range(rounds):
        running = [rig.queue_job() for _ in range(rig.settings.worker_processes)]
        for _, folder in running:
            rig.wait_running(folder)
        waiting = [rig.queue_job() for _ in range(jobs)]
        rig.flush_broker()
        tally.broken()
        let_go(*(folder for _, folder in running + waiting))
        for job_id, _ in running + waiting:
            tally.watch(rig, job_id, attempts=1)
        tally.mended()
    return tally


def _lost_message(rig: Rig) -> tuple[int, Path]:
    """A job as a page leaves it that could not reach the broker: its row counts as sent."""
    job_id, folder = rig.queue_job(send=False)
    with rig.platform.work("test") as session:
        session.get_one(Job, job_id).published_at = utc_now()
    return job_id, folder
