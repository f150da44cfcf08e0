"""Running jobs: scope checked last, bugs become data, one report per job whatever happens."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from scanners.base import (
    Attempt,
    Completed,
    Failed,
    FailureReason,
    NotAsked,
    NotAskedReason,
    ProbeContext,
    ProbeTraits,
    Target,
    traits_of,
)
from scanners.limits import Scope, loopback_scope
from scanners.runner import Job, JobEvent, RunLimits, run_jobs, run_probe

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HERE = Target("127.0.0.1", 9)


class Fake:
    """A probe that does what it is told and counts how often it was asked."""

    probe_id: ClassVar[str] = "fake"
    traits: ClassVar[ProbeTraits] = ProbeTraits(connections=1)

    def __init__(self, *, fail: Exception | None = None, wait_for: threading.Event | None = None) -> None:
        self.asked = 0
        self._fail = fail
        self._wait_for = wait_for

    def run(self, target: Target, context: ProbeContext) -> Attempt[str]:
        self.asked += 1
        context.progress(0.5, "half")
        if self._fail is not None:
            raise self._fail
        while self._wait_for is not None and not self._wait_for.is_set():
            if context.cancelled():
                return Failed(FailureReason.CANCELLED, "stopped")
            time.sleep(0.001)
        return Completed(target.host)


def scope() -> Scope:
    return loopback_scope(["fake"], NOW)


def test_a_target_outside_is_never_asked() -> None:
    """The check right before running is the last wall, and no packet passes it."""
    probe = Fake()

    for target in (Target("10.0.0.1", 9), Target("example.org", 9), Target("127.1", 9)):
        found = run_probe(probe, target, ProbeContext(1), scope=scope(), now=NOW)
        assert isinstance(found, Failed)
        assert found.reason in (FailureReason.NOT_AUTHORISED, FailureReason.BAD_TARGET)
    late = run_probe(probe, HERE, ProbeContext(1), scope=scope(), now=NOW + timedelta(hours=3))

    assert isinstance(late, Failed)
    assert late.reason is FailureReason.NOT_AUTHORISED
    assert probe.asked == 0


def test_a_bug_of_a_probe_is_data_and_tells_no_secrets() -> None:
    """An unexpected exception becomes a reason with type and place, without its message."""
    found = run_probe(Fake(fail=KeyError("hunter2")), HERE, ProbeContext(1), scope=scope(), now=NOW)

    assert isinstance(found, Failed)
    assert found.reason is FailureReason.PROBE_BUG
    assert found.detail.startswith("KeyError at test_runner.py:")
    assert "hunter2" not in found.detail


def test_out_of_time_is_not_cancelled() -> None:
    """A probe that stops because its time is over reports that it timed out."""
    found = run_probe(Fake(wait_for=threading.Event()), HERE, ProbeContext(0.05), scope=scope(), now=NOW)

    assert isinstance(found, Failed)
    assert found.reason is FailureReason.TIMED_OUT


def test_cancelled_by_the_caller_stays_cancelled() -> None:
    """The reason tells who ended it."""
    context = ProbeContext(60, cancelled=lambda: True)

    found = run_probe(Fake(wait_for=threading.Event()), HERE, context, scope=scope(), now=NOW)

    assert isinstance(found, Failed)
    assert found.reason is FailureReason.CANCELLED


def test_every_job_gets_exactly_one_report() -> None:
    """Good, bad and forbidden jobs are all answered for."""
    jobs = [Job(Fake(), HERE), Job(Fake(fail=ValueError("x")), HERE), Job(Fake(), Target("10.0.0.1"))] * 5
    events: list[JobEvent] = []

    reports = list(
        run_jobs(jobs, scope=scope(), limits=RunLimits(30), now=lambda: NOW, on_event=events.append)
    )

    assert sorted(report.index for report in reports) == list(range(15))
    by_index = {report.index: report.attempt for report in reports}
    assert isinstance(by_index[0], Completed)
    assert isinstance(by_index[1], Failed)
    assert isinstance(by_index[2], Failed)
    assert {event.step for event in events} == {"half"}
    assert {event.index for event in events} == {n for n in range(15) if n % 3 != 2}


def test_jobs_that_never_began_say_so() -> None:
    """A cancelled run reports what was not asked, instead of leaving it out."""
    reports = list(
        run_jobs(
            [Job(Fake(), HERE)] * 4,
            scope=scope(),
            limits=RunLimits(30),
            now=lambda: NOW,
            cancelled=lambda: True,
        )
    )

    reasons = {report.attempt.reason for report in reports if isinstance(report.attempt, NotAsked)}
    assert len(reports) == 4
    assert reasons == {NotAskedReason.RUN_CANCELLED}


def test_a_spent_budget_leaves_the_rest_not_asked() -> None:
    """What did not fit into the time of the run is reported as not asked."""
    probe = Fake()

    reports = list(run_jobs([Job(probe, HERE)] * 3, scope=scope(), limits=RunLimits(0), now=lambda: NOW))

    assert probe.asked == 0
    assert all(
        isinstance(report.attempt, NotAsked) and report.attempt.reason is NotAskedReason.RUN_BUDGET_SPENT
        for report in reports
    )


def test_connections_to_one_target_are_capped() -> None:
    """However many workers there are, one target sees no more connections than its cap."""
    now_running = 0
    most = 0
    lock = threading.Lock()

    class Counting(Fake):
        def run(self, target: Target, context: ProbeContext) -> Attempt[str]:
            nonlocal now_running, most
            with lock:
                now_running += 1
                most = max(most, now_running)
            time.sleep(0.005)
            with lock:
                now_running -= 1
            return Completed("")

    jobs = [Job(Counting(), HERE)] * 20
    list(run_jobs(jobs, scope=scope(), limits=RunLimits(30, workers=10), now=lambda: NOW))

    assert most <= scope().connections_per_target


def test_a_caller_that_stops_listening_stops_the_run() -> None:
    """Closing the iterator cancels what is still running."""
    release = threading.Event()
    jobs = [Job(Fake(), HERE), Job(Fake(wait_for=release), Target("127.0.0.2", 9))]
    reports = run_jobs(jobs, scope=scope(), limits=RunLimits(60), now=lambda: NOW)

    next(reports)
    reports.close()  # type: ignore[attr-defined]

    assert not release.is_set()


def test_traits_have_defaults() -> None:
    """A probe class without traits is taken to need one connection to a port."""

    class Plain:
        probe_id: ClassVar[str] = "plain"

        def run(self, target: Target, context: ProbeContext) -> Attempt[str]:
            return Completed("")

    assert traits_of(Plain) == ProbeTraits()


@pytest.mark.parametrize("connections", [1, 2, 9])
def test_a_job_with_many_connections_still_runs(connections: int) -> None:
    """A probe that wants more than the cap gets the cap and is not left waiting."""

    class Wide(Fake):
        traits: ClassVar[ProbeTraits] = ProbeTraits(connections=connections)

    reports = list(run_jobs([Job(Wide(), HERE)], scope=scope(), limits=RunLimits(10), now=lambda: NOW))

    assert isinstance(reports[0].attempt, Completed)
