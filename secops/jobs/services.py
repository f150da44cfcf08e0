"""Queue, claim, keep alive, finish, retry: every step is one guarded update of the job row.

A worker proves that it still owns a job by the ``attempt`` it claimed. A write with an older attempt changes
no row and raises :class:`LeaseLost`; so a worker that was thought dead can't write over its successor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.db import call_after_commit
from secops.errors import NotFound, Refused
from secops.jobs.models import OPEN_STATES, Job, JobState

# Without sight of the broker a message counts as lost after this long; with it, when the queue holds too few.
REPUBLISH_AFTER = timedelta(seconds=60)
MISSED_AFTER = timedelta(seconds=10)
BACK_OFF = (timedelta(seconds=15), timedelta(seconds=90), timedelta(minutes=9))
WORKER_DIED = "工作进程中断，没有写下结果。 / The worker died before it wrote a result."

Publish = Callable[[int, str], None]
Depths = Callable[[Sequence[str]], "dict[str, int] | None"]
# Messages of one tick and queue; the next tick sends the next.
_AT_ONCE = 500
_ENDED_BADLY = (JobState.DEAD, JobState.FAILED, JobState.CANCELLED)


class LeaseLost(RuntimeError):
    """Another attempt owns the job now; the caller stops and writes nothing more."""

    def __init__(self, job_id: int, attempt: int) -> None:
        super().__init__(job_id, attempt)
        self.job_id = job_id
        self.attempt = attempt


class Cancelled(RuntimeError):
    """A person asked to stop; the handler lets it pass."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker holds while it works."""

    job_id: int
    attempt: int
    kind: str
    payload: dict[str, Any]
    department_id: int
    system_id: int
    actor: str


def _none_published(job_id: int, queue: str) -> None:
    """Default publisher: the periodic tick finds the row."""


# Set by ``secops.celery`` in processes that can reach a broker; the row alone is enough, only slower.
publisher: list[Publish] = [_none_published]


def _none_seen(queues: Sequence[str]) -> dict[str, int] | None:
    """Default: how many messages wait in the broker is not known."""
    return None


# Set by ``secops.celery`` too: messages that wait in each of these queues, None while the broker is away.
depths: list[Depths] = [_none_seen]


def enqueue(
    session: Session,
    *,
    kind: str,
    department_id: int,
    system_id: int,
    payload: dict[str, Any],
    actor: str,
    now: datetime,
    cause: str = "manual",
    dedupe_key: str | None = None,
    max_attempts: int = 3,
    network: str = "",
    zone: str = "",
) -> Job:
    """Add a job in the caller's transaction; the message goes out after the commit.

    With a *dedupe_key* that an open job has, that job is returned and none is added.

    Args:
        network: what it talks to; only so many jobs at once reach into the same one.
        zone: network zone whose workers alone may take it; empty means any worker.
    """
    from secops.jobs.kinds import queue_of

    if dedupe_key is not None:
        open_job = session.scalar(select(Job).where(Job.dedupe_key == dedupe_key))
        if open_job is not None:
            return open_job
    job = Job(
        kind=kind,
        queue=queue_of(kind, zone),
        network=network[:64],
        dedupe_key=dedupe_key,
        state=JobState.QUEUED,
        department_id=department_id,
        system_id=system_id,
        payload=payload,
        actor=actor,
        cause=cause,
        max_attempts=max_attempts,
        created_at=now,
        # A process without a broker leaves it to the next tick; one with a broker sends it after the commit.
        published_at=None if publisher[0] is _none_published else now,
    )
    session.add(job)
    session.flush()
    record(session, "job.create", job, now=now, detail={"kind": kind, "cause": cause})
    job_id, queue = job.id, job.queue
    call_after_commit(session, lambda: publisher[0](job_id, queue))
    return job


def claim(session: Session, job_id: int, *, owner: str, now: datetime, lease: timedelta) -> Claim | None:
    """Take the job if it is free; None when somebody has it, it is over, or there is no such job.

    A forged or replayed message therefore does nothing.
    """
    free = or_(Job.state == JobState.QUEUED, and_(Job.state == JobState.RUNNING, Job.lease_until < now))
    taken = _update(
        session,
        Job.id == job_id,
        free,
        Job.attempt < Job.max_attempts,
        Job.cancel_requested.is_(False),
        or_(Job.not_before.is_(None), Job.not_before <= now),
        values={
            "state": JobState.RUNNING,
            "attempt": Job.attempt + 1,
            "lease_owner": owner,
            "lease_until": now + lease,
            "started_at": now,
            "not_before": None,
            "error": "",
        },
    )
    if not taken:
        return None
    job = session.get_one(Job, job_id, populate_existing=True)
    return Claim(
        job.id, job.attempt, job.kind, dict(job.payload), job.department_id, job.system_id, job.actor
    )


def _update(session: Session, *where: Any, values: dict[str, Any]) -> bool:
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Job).where(*where).values(**values), execution_options={"synchronize_session": False}
    )
    return result.rowcount == 1


def _held(claim: Claim) -> tuple[Any, ...]:
    return (Job.id == claim.job_id, Job.attempt == claim.attempt, Job.state == JobState.RUNNING)


def keep_alive(session: Session, claim: Claim, *, now: datetime, lease: timedelta) -> bool:
    """Prolong the lease; False when it is lost."""
    return _update(session, *_held(claim), values={"lease_until": now + lease})


def require_held(session: Session, claim: Claim) -> None:
    """Fence: raise :class:`LeaseLost` unless this attempt still owns the job.

    Called inside the transaction that writes a result; the update also locks the row until the commit.
    """
    if not _update(session, *_held(claim), values={"attempt": claim.attempt}):
        raise LeaseLost(claim.job_id, claim.attempt)


def set_progress(session: Session, claim: Claim, share: float, step: str) -> None:
    """Say how far it is, 0.0 to 1.0.

    Raises:
        LeaseLost: another attempt owns the job.
        Cancelled: a person asked to stop.
    """
    if not _update(session, *_held(claim), values={"progress": min(max(share, 0.0), 1.0), "step": step[:80]}):
        raise LeaseLost(claim.job_id, claim.attempt)
    if session.scalar(select(Job.cancel_requested).where(Job.id == claim.job_id)):
        raise Cancelled


def finish(session: Session, claim: Claim, *, result: dict[str, Any], now: datetime) -> None:
    """The work is done; its result is written in this same transaction."""
    _end(session, claim, now, state=JobState.DONE, progress=1.0, step="", result=result)


def end_cancelled(session: Session, claim: Claim, *, now: datetime) -> None:
    _end(session, claim, now, state=JobState.CANCELLED, step="")


def fail(session: Session, claim: Claim, *, error: str, now: datetime, retry: bool = True) -> JobState:
    """Note why it failed; queued again for later while attempts are left, dead after the last.

    What failed once often fails again at once: each further attempt waits longer. The tick sends the message
    when its time has come.
    """
    job = session.get_one(Job, claim.job_id, populate_existing=True)
    if retry and claim.attempt < job.max_attempts:
        later = now + back_off(claim.job_id, claim.attempt)
        values = {
            "state": JobState.QUEUED,
            "lease_until": None,
            "error": error,
            "not_before": later,
            "published_at": None,
        }
        if not _update(session, *_held(claim), values=values):
            raise LeaseLost(claim.job_id, claim.attempt)
        record(
            session,
            "job.retry",
            now=now,
            object_type="Job",
            object_id=str(claim.job_id),
            reason=error,
            detail={"attempt": claim.attempt, "again_at": later.isoformat()},
        )
        return JobState.QUEUED
    state = JobState.DEAD if retry else JobState.FAILED
    _end(session, claim, now, state=state, error=error)
    return state


def back_off(job_id: int, attempt: int) -> timedelta:
    """How long the attempt after *attempt* waits; jobs that failed together come back spread over a fifth."""
    wait = BACK_OFF[min(attempt, len(BACK_OFF)) - 1]
    return wait * (1 + (job_id * 7919 % 100) / 500)


def _end(session: Session, claim: Claim, now: datetime, **values: Any) -> None:
    values |= {"finished_at": now, "lease_until": None, "dedupe_key": None}
    if not _update(session, *_held(claim), values=values):
        raise LeaseLost(claim.job_id, claim.attempt)
    state = values["state"]
    ok = state == JobState.DONE
    record(
        session,
        f"job.{state.value}",
        now=now,
        object_type="Job",
        object_id=str(claim.job_id),
        result="ok" if ok else "failed",
        reason=str(values.get("error", "")),
        detail={"kind": claim.kind, "attempt": claim.attempt},
    )
    _tell_end(session, claim.job_id, claim.kind, state, str(values.get("error", "")), now)


def _tell_end(session: Session, job_id: int, kind: str, state: JobState, error: str, now: datetime) -> None:
    from secops.jobs.kinds import end_hook_of

    hook = end_hook_of(kind)
    if hook is not None:
        hook(session, job_id, state.value, error, now)


def cancel(session: Session, job_id: int, *, now: datetime) -> Job:
    """Ask a job to stop; one that has not begun stops at once."""
    job = session.scalar(select(Job).where(Job.id == job_id))
    if job is None:
        raise NotFound
    if job.state not in OPEN_STATES:
        raise Refused("任务已经结束。", "The job is over already.")
    # Guarded like a worker's steps: one may take or end the job in this very moment.
    ended = {"state": JobState.CANCELLED, "finished_at": now, "dedupe_key": None, "cancel_requested": True}
    if _update(session, Job.id == job_id, Job.state == JobState.QUEUED, values=ended):
        _tell_end(session, job.id, job.kind, JobState.CANCELLED, "", now)
    elif not _update(
        session, Job.id == job_id, Job.state == JobState.RUNNING, values={"cancel_requested": True}
    ):
        raise Refused("任务已经结束。", "The job is over already.")
    session.refresh(job)
    record(session, "job.cancel", job, now=now)
    return job


def rerun(session: Session, job_id: int, *, now: datetime) -> Job:
    """Give a job that failed or gave up a fresh set of attempts."""
    job = session.scalar(select(Job).where(Job.id == job_id))
    if job is None:
        raise NotFound
    again: dict[str, Any] = {
        "state": JobState.QUEUED,
        "max_attempts": Job.attempt + 3,
        "cancel_requested": False,
        "progress": 0.0,
        "step": "",
        "error": "",
        "finished_at": None,
        "not_before": None,
        "published_at": None if publisher[0] is _none_published else now,
    }
    # Of two people who ask at once, one starts it again.
    if not _update(session, Job.id == job_id, Job.state.in_(_ENDED_BADLY), values=again):
        raise Refused("只有失败或取消的任务可以重新运行。", "Only a failed or cancelled job can run again.")
    session.refresh(job)
    record(session, "job.rerun", job, now=now)
    queue = job.queue
    call_after_commit(session, lambda: publisher[0](job_id, queue))
    return job


def reap(session: Session, *, now: datetime) -> dict[str, int]:
    """Take back what dead workers hold, and send again what no worker took.

    Returns:
        counts: ``requeued``, ``dead``, ``republished``, ``cancelled``.
    """
    counts = {"requeued": 0, "dead": 0, "republished": 0, "cancelled": 0}
    lost = session.scalars(select(Job).where(Job.state == JobState.RUNNING, Job.lease_until < now)).all()
    for job in lost:
        if job.cancel_requested:
            state, word = JobState.CANCELLED, "cancelled"
        elif job.attempt >= job.max_attempts:
            state, word = JobState.DEAD, "dead"
        else:
            state, word = JobState.QUEUED, "requeued"
        values: dict[str, Any] = {
            "state": state,
            "lease_until": None,
            "published_at": now,
            "error": WORKER_DIED,
        }
        again_at = now
        if state != JobState.QUEUED:
            values |= {"finished_at": now, "dedupe_key": None}
        elif job.attempt > 1:
            # Once may be a restart; what kills its worker a second time waits like any other failure.
            again_at = now + back_off(job.id, job.attempt)
            values |= {"not_before": again_at, "published_at": None}
        same = (
            Job.id == job.id,
            Job.attempt == job.attempt,
            Job.state == JobState.RUNNING,
            Job.lease_until < now,
        )
        if _update(session, *same, values=values):
            counts[word] += 1
            record(
                session,
                "job.lost",
                job,
                now=now,
                result="failed",
                reason=WORKER_DIED,
                detail={"attempt": job.attempt, "then": word},
            )
            if state != JobState.QUEUED:
                _tell_end(session, job.id, job.kind, state, WORKER_DIED, now)
            elif again_at == now:
                _publish_later(session, job.id, job.queue)
    for job_id, queue in _unheard(session, now):
        if _update(session, Job.id == job_id, Job.state == JobState.QUEUED, values={"published_at": now}):
            counts["republished"] += 1
            _publish_later(session, job_id, queue)
    return counts


def _unheard(session: Session, now: datetime) -> list[tuple[int, str]]:
    """Waiting jobs whose message was never sent, or of which the broker holds too few.

    A long queue is not sent again and again: with the broker in sight only as many messages as it lacks.
    """
    waiting = (Job.state == JobState.QUEUED, or_(Job.not_before.is_(None), Job.not_before <= now))
    rows = session.execute(
        select(Job.id, Job.queue).where(*waiting, Job.published_at.is_(None)).order_by(Job.id).limit(_AT_ONCE)
    ).all()
    found = [(row.id, row.queue) for row in rows]
    sent = (*waiting, Job.published_at < now - MISSED_AFTER)
    lengths = session.execute(
        select(Job.queue, func.count().label("many")).where(*sent).group_by(Job.queue)
    ).all()
    counted: dict[str, int] = {row.queue: row.many for row in lengths}
    if not counted:
        return found
    known = depths[0](sorted(counted))
    for queue, count in sorted(counted.items()):
        missing = _AT_ONCE if known is None else count - known.get(queue, 0)
        if missing <= 0:
            continue
        query = select(Job.id).where(*sent, Job.queue == queue)
        if known is None:
            query = query.where(Job.published_at < now - REPUBLISH_AFTER)
        query = query.order_by(Job.id).limit(min(missing, _AT_ONCE))
        found += [(job_id, queue) for job_id in session.scalars(query)]
    return found


def _publish_later(session: Session, job_id: int, queue: str) -> None:
    call_after_commit(session, lambda: publisher[0](job_id, queue))


def release_owned_by(session: Session, owner: str, *, now: datetime) -> int:
    """End the leases of a worker that is known to be gone, instead of waiting for them to run out."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Job)
        .where(Job.state == JobState.RUNNING, Job.lease_owner == owner)
        .values(lease_until=now - timedelta(seconds=1)),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)
