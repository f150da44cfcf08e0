"""Run probes under the limits: scope checked once more, connections capped, budget kept, cancel heard.

This is the one border at which an exception of a probe becomes data (``PROBE_BUG``).
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath
from typing import Any, TypeAlias

from scanners.base import (
    Attempt,
    Failed,
    FailureReason,
    NotAsked,
    NotAskedReason,
    Probe,
    ProbeContext,
    Target,
    traits_of,
)
from scanners.jsonable import Json, from_json, to_json
from scanners.limits import ConnectionGate, RefusalReason, Scope, check
from scanners.tools import ChildLimits, ToolRun, find_tool, run_tool

__all__ = [
    "ChildLimits",
    "Job",
    "JobEvent",
    "JobReport",
    "Json",
    "RunLimits",
    "ToolRun",
    "find_tool",
    "from_json",
    "run_jobs",
    "run_probe",
    "run_tool",
    "to_json",
]

Now: TypeAlias = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How hard one run may work.

    ``budget_s`` is the time for everything, ``timeout_s`` for one job, both seconds > 0. ``workers`` is
    how many jobs run side by side, ``connections`` how many connections all of them may hold.
    """

    budget_s: float
    timeout_s: float = 60.0
    workers: int = 10
    connections: int = 50


@dataclass(frozen=True, slots=True)
class Job:
    """One probe for one target; ``timeout_s`` ``None`` means that of the run."""

    probe: Probe[Any]
    target: Target
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class JobEvent:
    """How far one job is; ``index`` is its place in the list given to ``run_jobs``, ``share`` 0.0-1.0."""

    index: int
    share: float
    step: str


@dataclass(frozen=True, slots=True)
class JobReport:
    """What came of one job."""

    index: int
    probe_id: str
    target: Target
    attempt: Attempt[Any] | NotAsked


def run_probe(
    probe: Probe[Any], target: Target, context: ProbeContext, *, scope: Scope, now: datetime
) -> Attempt[Any]:
    """Run one probe now, if *scope* allows it.

    Never raises for what a target or a probe does.
    """
    refusal = check(scope, target, probe.probe_id, now)
    if refusal is not None:
        reason = (
            FailureReason.BAD_TARGET
            if refusal.reason is RefusalReason.NOT_AN_ADDRESS
            else FailureReason.NOT_AUTHORISED
        )
        return Failed(reason, f"{refusal.reason}: {refusal.detail}")
    started = time.monotonic()
    deadline = started + context.timeout_s
    stop = context.cancelled
    timed = replace(context, cancelled=lambda: stop() or time.monotonic() >= deadline)
    try:
        attempt = probe.run(target, timed)
    except Exception as error:  # noqa: BLE001 - the border: a bug of a probe is data, not the end of the run
        return Failed(FailureReason.PROBE_BUG, _describe(error), duration_ms=_since(started))
    if isinstance(attempt, Failed) and attempt.reason is FailureReason.CANCELLED and not stop():
        attempt = replace(attempt, reason=FailureReason.TIMED_OUT)
    if not attempt.duration_ms:
        attempt = replace(attempt, duration_ms=_since(started))
    return attempt


def run_jobs(
    jobs: Sequence[Job],
    *,
    scope: Scope,
    limits: RunLimits,
    now: Now,
    cancelled: Callable[[], bool] = lambda: False,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> Iterator[JobReport]:
    """Run many; gives each report as soon as it is there, in any order, exactly one per job.

    Jobs that did not begin before the run was cancelled or its budget spent are reported as ``NotAsked``.
    ``on_event`` is called in this thread only.
    """
    deadline = time.monotonic() + limits.budget_s
    inbox: queue.SimpleQueue[JobEvent | JobReport | BaseException] = queue.SimpleQueue()
    abandoned = threading.Event()
    run = _Run(scope, limits, now, lambda: abandoned.is_set() or cancelled(), deadline, inbox.put)
    with ThreadPoolExecutor(max_workers=max(1, min(limits.workers, len(jobs)))) as pool:
        try:
            for index, job in enumerate(jobs):
                pool.submit(run.work, index, job)
            missing = len(jobs)
            while missing:
                item = inbox.get()
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, JobEvent):
                    on_event(item)
                else:
                    missing -= 1
                    yield item
        finally:
            # a caller that stops listening must not leave probes running
            abandoned.set()


class _Run:
    """What the workers of one run share."""

    def __init__(
        self,
        scope: Scope,
        limits: RunLimits,
        now: Now,
        cancelled: Callable[[], bool],
        deadline: float,
        put: Callable[[JobEvent | JobReport | BaseException], None],
    ) -> None:
        self._scope = scope
        self._limits = limits
        self._now = now
        self._cancelled = cancelled
        self._deadline = deadline
        self._put = put
        self._gate = ConnectionGate(per_target=scope.connections_per_target, total=limits.connections)

    def work(self, index: int, job: Job) -> None:
        try:
            attempt = self._attempt(index, job)
            self._put(JobReport(index, job.probe.probe_id, job.target, attempt))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asked, which raises it
            self._put(error)

    def _attempt(self, index: int, job: Job) -> Attempt[Any] | NotAsked:
        connections = traits_of(job.probe).connections
        with self._gate.hold(job.target.host, connections, cancelled=self._stop_waiting) as got:
            if not got or self._stop_waiting():
                return self._not_asked()
            left_s = self._deadline - time.monotonic()
            context = ProbeContext(
                timeout_s=min(job.timeout_s or self._limits.timeout_s, left_s),
                cancelled=self._cancelled,
                progress=lambda share, step: self._put(JobEvent(index, share, step)),
            )
            return run_probe(job.probe, job.target, context, scope=self._scope, now=self._now())

    def _stop_waiting(self) -> bool:
        return self._cancelled() or time.monotonic() >= self._deadline

    def _not_asked(self) -> NotAsked:
        if self._cancelled():
            return NotAsked(NotAskedReason.RUN_CANCELLED, "cancelled before its turn")
        return NotAsked(NotAskedReason.RUN_BUDGET_SPENT, f"the run had {self._limits.budget_s:g} s")


def _describe(error: Exception) -> str:
    # the message of a foreign exception may hold what a target or an operator typed, so only type and place
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {where}"


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
