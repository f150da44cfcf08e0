"""Leases of processes that are certainly gone end at once; others keep theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from secops.audit_log.models import AuditEvent
from secops.clock import utc_now
from secops.config import Settings
from secops.installation import initialise, platform_system
from secops.jobs import runner, services
from secops.jobs.models import Job, JobState
from secops.jobs.owner import owner_name
from secops.jobs.runner import JobContext, take_back
from secops.platform import Platform

LEASE = timedelta(seconds=45)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    found = initialise(Settings(home=tmp_path), now=utc_now()).platform
    yield found
    found.engine.dispose()


def running_job(platform: Platform, owner: str, max_attempts: int = 3) -> int:
    with platform.work("test") as session:
        system = platform_system(session)
        job = services.enqueue(
            session,
            kind="posture",
            department_id=system.department_id,
            system_id=system.id,
            payload={},
            actor="test",
            now=utc_now(),
            max_attempts=max_attempts,
        )
        job_id = job.id
    with platform.work("test") as session:
        assert services.claim(session, job_id, owner=owner, now=utc_now(), lease=LEASE) is not None
    return job_id


def gone_owner() -> str:
    head, _, started = owner_name().rpartition(".")
    return f"{head}.{int(started) + 1}"


def state_of(platform: Platform, job_id: int) -> JobState:
    with platform.work("test") as session:
        return session.get_one(Job, job_id).state


def test_only_the_dead_lose_their_lease(platform: Platform) -> None:
    """A job of a dead process is queued again with one event; those of the living and of elsewhere go on."""
    dead = running_job(platform, gone_owner())
    alive = running_job(platform, owner_name())
    elsewhere = running_job(platform, "other/000000000000:1.1")

    assert take_back(platform) == 1
    assert take_back(platform) == 0

    assert state_of(platform, dead) is JobState.QUEUED
    assert state_of(platform, alive) is JobState.RUNNING
    assert state_of(platform, elsewhere) is JobState.RUNNING
    with platform.work("test") as session:
        lost = session.scalars(select(AuditEvent.object_id).where(AuditEvent.action == "job.lost")).all()
    assert lost == [str(dead)]


def test_job_that_kills_its_workers_is_given_up(platform: Platform) -> None:
    """A job whose last allowed attempt died waits for a person instead of killing the next worker."""
    job_id = running_job(platform, gone_owner(), max_attempts=1)

    take_back(platform)

    assert state_of(platform, job_id) is JobState.DEAD


def test_heartbeat_survives_a_store_that_is_away(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """One failed heartbeat neither ends the heartbeat nor calls the lease lost."""
    job_id = running_job(platform, owner_name())
    with platform.work("test") as session:
        job = session.get_one(Job, job_id)
        claim = services.Claim(job.id, job.attempt, job.kind, {}, job.department_id, job.system_id, job.actor)
    context = JobContext(platform, claim)
    beats: list[str] = []
    third = threading.Event()
    real = services.keep_alive

    def unreliable(*args: Any, **keywords: Any) -> bool:
        beats.append("beat")
        if len(beats) == 1:
            raise OperationalError("UPDATE", {}, Exception("away"))
        if len(beats) == 3:
            third.set()
        return real(*args, **keywords)

    monkeypatch.setattr(services, "keep_alive", unreliable)
    done = threading.Event()
    thread = threading.Thread(target=runner._heartbeat, args=(context, timedelta(milliseconds=40), done))
    thread.start()

    assert third.wait(timeout=20)
    done.set()
    thread.join(timeout=20)

    assert not context.lost.is_set()
