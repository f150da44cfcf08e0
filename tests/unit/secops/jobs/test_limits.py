"""An attempt keeps to its time and memory, a failed one waits longer each time, and every cause is told in words."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from secops.clock import utc_now
from secops.jobs import services
from secops.jobs.kinds import KINDS, Kind
from secops.jobs.limits import OutOfTime, time_limit
from secops.jobs.models import Job, JobState
from secops.jobs.runner import JobContext, run_job
from secops.objects.models import System
from secops.platform import Platform
from tests.support.builders import Rows

HERE = "tests.unit.secops.jobs.test_limits"


def for_ever(context: JobContext) -> dict[str, Any]:
    """Never ends; takes every Exception for a fault of its target, as probes do."""
    while True:
        try:
            threading.Event().wait(0.05)
        except Exception:  # noqa: BLE001 (as a probe's border does)
            return {}


def greedy(context: JobContext) -> dict[str, Any]:
    held = [bytes(1024 * 1024) for _ in range(400)]
    return {"held": len(held)}


def broken(context: JobContext) -> dict[str, Any]:
    raise OSError("the cable is cut")


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    KINDS["test-for-ever"] = Kind("scan", f"{HERE}:for_ever", 1)
    KINDS["test-greedy"] = Kind("scan", f"{HERE}:greedy", 60, memory_limit_mb=64)
    KINDS["test-broken"] = Kind("scan", f"{HERE}:broken", 60)
    yield
    for name in ("test-for-ever", "test-greedy", "test-broken"):
        del KINDS[name]


def _queued(platform: Platform, rows: Rows, kind: str) -> int:
    system = rows.one(System)
    with platform.work("test") as session:
        department = session.get_one(System, system).department_id
        return services.enqueue(
            session, kind=kind, department_id=department, system_id=system, payload={}, actor="test",
            now=utc_now(),
        ).id  # fmt: skip


def _job(platform: Platform, job_id: int) -> Job:
    with platform.work("test") as session:
        return session.get_one(Job, job_id)


def test_time_limit(platform: Platform, rows: Rows) -> None:
    """An attempt that runs too long is broken off, whatever its handler catches, and is tried again later."""
    job_id = _queued(platform, rows, "test-for-ever")

    assert run_job(platform, job_id) == "queued"

    job = _job(platform, job_id)
    assert "时间上限 1 秒" in job.error
    assert job.not_before is not None
    assert job.not_before > utc_now()


def test_memory_limit(platform: Platform, rows: Rows) -> None:
    """An attempt that takes more memory than its kind may has failed, and says so; the process goes on."""
    job_id = _queued(platform, rows, "test-greedy")

    assert run_job(platform, job_id) == "queued"

    assert "内存上限 64 MB" in _job(platform, job_id).error
    assert len(bytes(100 * 1024 * 1024)) == 100 * 1024 * 1024


def test_an_outer_alarm_is_kept() -> None:
    """Somebody else's alarm rings at its own time after a limited piece of work."""
    rung = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    left, _ = signal.setitimer(signal.ITIMER_REAL, 300)
    try:
        with pytest.raises(OutOfTime), time_limit(0.05):
            threading.Event().wait(30)
        still, _ = signal.getitimer(signal.ITIMER_REAL)
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)
    assert 200 < still <= 300
    assert rung == []


def test_back_off(platform: Platform, rows: Rows) -> None:
    """Each attempt waits longer than the last; before its time nobody can take the job; after the last it is dead."""
    job_id = _queued(platform, rows, "test-broken")
    waits = []
    for _ in range(2):
        began = utc_now()
        assert run_job(platform, job_id) == "queued"
        assert run_job(platform, job_id) == "skipped"
        again = _job(platform, job_id).not_before
        assert again is not None
        waits.append(again - began)
        with platform.work("test") as session:
            assert services.reap(session, now=again - timedelta(seconds=1))["republished"] == 0
            session.get_one(Job, job_id).not_before = utc_now()
            session.flush()
            assert services.reap(session, now=utc_now())["republished"] == 1
    assert run_job(platform, job_id) == "dead"
    assert timedelta(seconds=15) <= waits[0] < timedelta(seconds=25)
    assert timedelta(seconds=90) <= waits[1] < timedelta(seconds=120)
    assert _job(platform, job_id).error == "OSError: the cable is cut"


def test_a_lost_message_is_noticed_by_the_length_of_the_queue(
    platform: Platform, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the broker in sight, as many messages go out again as it lacks, and no more; out of sight, later."""
    ids = [_queued(platform, rows, "test-broken") for _ in range(5)]
    sent: list[int] = []
    monkeypatch.setattr(services, "publisher", [lambda job_id, queue: sent.append(job_id)])
    now = utc_now()
    with platform.work("test") as session:
        for job_id in ids:
            session.get_one(Job, job_id).published_at = now - timedelta(seconds=20)

    def reaped(known: dict[str, int] | None, after: int) -> list[int]:
        sent.clear()
        monkeypatch.setattr(services, "depths", [lambda queues: known])
        with platform.work("test") as session:
            services.reap(session, now=now + timedelta(seconds=after))
        return list(sent)

    assert reaped({"scan": 5}, 0) == []
    assert reaped(None, 0) == []
    assert reaped({"scan": 3}, 0) == ids[:2]
    assert reaped({"scan": 0}, 0) == ids[2:]
    assert reaped({"scan": 0}, 5) == []
    assert reaped(None, 61) == ids


def test_a_worker_that_dies_twice_waits(platform: Platform, rows: Rows) -> None:
    """The first loss is made good at once, a second one after a pause, and the last says what happened."""
    job_id = _queued(platform, rows, "test-broken")
    lease = timedelta(seconds=1)
    for attempt, waits in ((1, False), (2, True), (3, False)):
        now = utc_now() + timedelta(hours=attempt)
        with platform.work("test") as session:
            assert services.claim(session, job_id, owner="gone", now=now, lease=lease) is not None
        with platform.work("test") as session:
            services.reap(session, now=now + timedelta(minutes=1))
        assert (_job(platform, job_id).not_before is not None) is waits
    job = _job(platform, job_id)
    assert job.state is JobState.DEAD
    assert "工作进程中断" in job.error
