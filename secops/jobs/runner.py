"""Runs one job under its lease: claim, heartbeat beside the work, result or reason at the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from secops.clock import utc_now
from secops.errors import SecopsError
from secops.jobs import picking, services
from secops.jobs.kinds import KINDS, handler_of
from secops.jobs.limits import OUT_OF_MEMORY, OUT_OF_TIME, OutOfTime, memory_limit, time_limit
from secops.jobs.models import Job, JobState
from secops.jobs.owner import is_gone, owner_name
from secops.jobs.services import Cancelled, Claim, LeaseLost
from secops.platform import Platform

log = logging.getLogger("secops.jobs")
_TRIES = 5
_GRACE_S = 30.0
# Set in worker processes: ends this process when an attempt does not hear of its time limit.
end_process: list[Callable[[], None] | None] = [None]


@dataclass
class JobContext:
    """What a handler gets: the platform, its claim, and ways to tell how far it is and to be stopped."""

    platform: Platform
    claim: Claim
    lost: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    overdue: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose commit counts only while this attempt owns the job."""
        with self.platform.work(f"job:{self.claim.kind}") as session:
            services.require_held(session, self.claim)
            yield session

    def progress(self, share: float, step: str) -> None:
        """Tell how far it is; raises when cancelled or when the lease is lost."""
        with self.platform.work(f"job:{self.claim.kind}") as session:
            services.set_progress(session, self.claim, share, step)

    def cancelled(self) -> bool:
        """Cheap question for probes between two steps; answered by the heartbeat."""
        return self.stop.is_set() or self.lost.is_set()


def _heartbeat(context: JobContext, lease: timedelta, done: threading.Event) -> None:
    limit = KINDS[context.claim.kind].time_limit_s if context.claim.kind in KINDS else 0
    began = time.monotonic()
    while not done.wait(lease.total_seconds() / 4):
        over = time.monotonic() - began - limit if limit else 0.0
        if over > 0:
            # Where no alarm breaks in, the handler hears it at its next question.
            context.overdue.set()
            context.stop.set()
        if over > _GRACE_S and end_process[0] is not None:
            _failed(context, OUT_OF_TIME.format(limit), retry=True)
            end_process[0]()
        try:
            with context.platform.work("job:heartbeat") as session:
                if not services.keep_alive(session, context.claim, now=utc_now(), lease=lease):
                    context.lost.set()
                    return
                job = session.get(Job, context.claim.job_id)
                if job is not None and job.cancel_requested:
                    context.stop.set()
        except SQLAlchemyError as error:
            # A store that is away for a moment must not end the heartbeat of work that goes on; three more
            # beats fit into the lease, and when it runs out the fence decides.
            log.warning(
                "job.heartbeat_failed",
                extra={"fields": {"job_id": context.claim.job_id, "error": str(error)[:200]}},
            )


def take_back(platform: Platform) -> int:
    """End the leases of processes of this machine that are certainly gone, and queue their jobs again.

    Returns:
        how many leases were ended; 0 is the rule.
    """
    with platform.work("job:take-back") as session:
        owners = set(session.scalars(select(Job.lease_owner).where(Job.state == JobState.RUNNING)))
        gone = [owner for owner in owners if is_gone(owner)]
        freed = sum(services.release_owned_by(session, owner, now=utc_now()) for owner in gone)
        if freed:
            services.reap(session, now=utc_now())
    return freed


def run_next(platform: Platform, job_id: int) -> tuple[int, str]:
    """Run the job whose turn it is in the queue of *job_id*; that row decides nothing else.

    Returns:
        the job that was run and its end state; ``skipped`` when there was nothing to do.
    """
    for _ in range(_TRIES):
        with platform.work("job:pick") as session:
            queue = session.scalar(select(Job.queue).where(Job.id == job_id))
            if queue is None:
                return job_id, "skipped"
            found = picking.pick(
                session, queue, now=utc_now(), per_network=platform.settings.network_parallel
            )
        for candidate in found[:_TRIES]:
            state = run_job(platform, candidate)
            if state != "skipped":
                wake(platform, queue)
                return candidate, state
        if not found:
            break
    return job_id, "skipped"


def wake(platform: Platform, queue: str) -> None:
    """Send one more message when jobs could start whose own messages were used up while they had to wait."""
    with platform.work("job:pick") as session:
        found = picking.pick(session, queue, now=utc_now(), per_network=platform.settings.network_parallel)
    if found:
        known = services.depths[0]([queue])
        if known is not None and known.get(queue, 0) == 0:
            services.publisher[0](found[0], queue)


def run_job(platform: Platform, job_id: int, *, before: Callable[[Claim], None] | None = None) -> str:
    """Claim and run one job; the word returned is for the log: its end state, ``skipped`` or ``lost``."""
    lease = timedelta(seconds=platform.settings.lease_seconds)
    with platform.work("job:claim") as session:
        claim = services.claim(session, job_id, owner=owner_name(), now=utc_now(), lease=lease)
    if claim is None:
        return "skipped"
    if before is not None:
        before(claim)
    context = JobContext(platform, claim)
    done = threading.Event()
    beat = threading.Thread(target=_heartbeat, args=(context, lease, done), daemon=True)
    beat.start()
    try:
        return _work(context)
    finally:
        done.set()
        beat.join(timeout=5)


def _work(context: JobContext) -> str:
    claim = context.claim
    fields: dict[str, Any] = {"job_id": claim.job_id, "kind": claim.kind, "attempt": claim.attempt}
    kind = KINDS.get(claim.kind)
    try:
        handler = handler_of(claim.kind)
        with (
            memory_limit(kind.memory_limit_mb if kind else 1024),
            time_limit(kind.time_limit_s if kind else 3600),
        ):
            result = handler(context)
        with context.platform.work("job:finish") as session:
            services.finish(session, claim, result=result, now=utc_now())
        return "done"
    except LeaseLost:
        log.warning("job.lease_lost", extra={"fields": fields})
        return "lost"
    except OutOfTime as error:
        log.error("job.out_of_time", extra={"fields": fields | {"seconds": error.seconds}})
        return _failed(context, OUT_OF_TIME.format(int(error.seconds)), retry=True)
    except Cancelled:
        if context.overdue.is_set() and kind is not None:
            return _failed(context, OUT_OF_TIME.format(kind.time_limit_s), retry=True)
        with context.platform.work("job:cancel") as session:
            services.end_cancelled(session, claim, now=utc_now())
        return "cancelled"
    except SecopsError as error:
        # A rule of the domain said no; trying again would hear the same.
        return _failed(context, f"{error.zh} / {error.en}", retry=False)
    except MemoryError as error:
        log.error("job.out_of_memory", exc_info=error, extra={"fields": fields})
        limit = kind.memory_limit_mb if kind else 1024
        return _failed(context, OUT_OF_MEMORY.format(limit), retry=True)
    except Exception as error:
        log.error("job.failed", exc_info=error, extra={"fields": fields})
        return _failed(context, f"{type(error).__name__}: {error}", retry=True)


def _failed(context: JobContext, error: str, *, retry: bool) -> str:
    try:
        with context.platform.work("job:fail") as session:
            return services.fail(session, context.claim, error=error[:2000], now=utc_now(), retry=retry).value
    except LeaseLost:
        return "lost"
