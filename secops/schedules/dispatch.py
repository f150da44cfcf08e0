"""Start what is due, each due moment once, whatever runs beside it or happened to the clock.

Of two dispatchers one alone claims a schedule, by moving ``next_run_at`` from the very value that was read, in the
transaction that starts the work; and each due moment has one row in ``schedule_run``, whose key refuses a second.
So neither a twin nor a clock that jumps back starts anything twice.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.config import Settings
from secops.errors import NotReady, SecopsError
from secops.jobs.models import OPEN_STATES, Job
from secops.platform import Platform
from secops.schedules.models import CatchUp, RunState, Schedule, ScheduleRun
from secops.schedules.services import OwnerGone, begin, note_run, require_owner
from secops.schedules.timing import in_window, moments, start_of, window_opens

log = logging.getLogger("secops.schedules")
# Started later than this, a due moment counts as missed.
LATE = timedelta(minutes=5)
# Missed moments that keep a row of their own; earlier ones are counted in the first of them.
_KEPT = 100
_BATCH = 50
NOT_RUNNING = "到期时平台没有运行，按规则不补。 / The platform did not run then, and by its rule this is not made up for."
NEWER = "由更晚的一次代替。 / A later one took its place."
CLOSED = "时间窗已关闭。 / The window had closed."
ENDED = "已过结束日期。 / Its last day is over."
BUSY = "上一次还没有结束。 / The run before it has not ended."


@dataclass
class Plan:
    """What to do about the moments that are due now."""

    run: list[datetime] = field(default_factory=list)
    missed: list[datetime] = field(default_factory=list)
    reason: str = ""
    uncounted: int = 0
    # The next due moment, and when to look again.
    due_at: datetime | None = None
    look_at: datetime | None = None


def plan(schedule: Schedule, first: datetime, now: datetime) -> Plan:
    """Decide by catch-up rule, window and end.

    Args:
        first: the earliest due moment that nothing became of yet.
    """
    found = Plan()
    due: deque[datetime] = deque(maxlen=max(_KEPT, schedule.catch_up_most))
    count = 0
    for moment in itertools.chain([first], moments(schedule, first)):
        start = start_of(schedule, moment)
        if start > now:
            found.due_at, found.look_at = moment, start
            break
        due.append(moment)
        count += 1
    if not due:
        return found
    found.missed, found.uncounted = list(due), count - len(due)
    if schedule.ends_at is not None and now > schedule.ends_at:
        found.reason = ENDED
        return found
    if not in_window(schedule, now):
        if schedule.catch_up is CatchUp.SKIP:
            found.reason = CLOSED
            return found
        return Plan(due_at=first, look_at=window_opens(schedule, now))
    if schedule.catch_up is CatchUp.ALL:
        many = schedule.catch_up_most
    elif schedule.catch_up is CatchUp.ONCE:
        many = 1
    else:
        many = 0 if now - start_of(schedule, due[-1]) > LATE else 1
    if schedule.max_runs is not None:
        many = min(many, schedule.max_runs - schedule.runs)
    found.run = found.missed[-many:] if many > 0 else []
    found.missed = found.missed[: len(found.missed) - len(found.run)]
    found.reason = NEWER if found.run else NOT_RUNNING
    return found


def dispatch_due(platform: Platform, *, now: datetime, budget_s: float = 30.0) -> int:
    """Start everything that is due, for at most *budget_s*; returns how many starts there were."""
    started = 0
    until = time.monotonic() + budget_s
    while True:
        with platform.work("schedule") as session:
            # Locked before anything else; what a twin holds is its business.
            query = (
                select(Schedule.id, Schedule.next_run_at)
                .where(Schedule.enabled.is_(True), Schedule.next_run_at <= now)
                .order_by(Schedule.next_run_at, Schedule.id)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            rows = session.execute(query).all()
            found = [_dispatch(session, platform.settings, row.id, row.next_run_at, now) for row in rows]
            claimed = [count for count in found if count is not None]
            if not claimed:
                # A twin was faster with all of them: there is nothing to keep and nothing to tell.
                session.rollback()
            started += sum(claimed)
        if len(rows) < _BATCH or time.monotonic() > until:
            return started


def _write(session: Session, schedule_id: int, *where: Any, **values: Any) -> bool:
    # Not by the object: its version is for people who edit it.
    statement = update(Schedule).where(Schedule.id == schedule_id, *where).values(**values)
    found = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", found).rowcount == 1


def _dispatch(
    session: Session, settings: Settings, schedule_id: int, was: datetime, now: datetime
) -> int | None:
    """How many starts there were; None when somebody else has claimed it."""
    if not _write(
        session, schedule_id, Schedule.next_run_at == was, Schedule.enabled.is_(True), next_run_at=None
    ):
        return None
    schedule = session.get_one(Schedule, schedule_id, populate_existing=True)
    first = schedule.due_at or was
    todo = plan(schedule, first, now)
    if not todo.run and not todo.missed:
        _write(session, schedule_id, next_run_at=todo.look_at, due_at=todo.due_at)
        record(session, "schedule.wait", schedule, now=now, detail={"until": str(todo.look_at)})
        return 0
    # After a clock that jumped back, or a pause, a moment may have had its turn already.
    done = set(
        session.scalars(
            select(ScheduleRun.due_at).where(
                ScheduleRun.schedule_id == schedule_id, ScheduleRun.due_at >= first
            )
        )
    )
    _note_missed(session, schedule, todo, done, now)
    values: dict[str, Any] = {"due_at": todo.due_at, "next_run_at": todo.look_at}
    wanted = [due for due in todo.run if due not in done]
    started, tried = 0, 0
    if not wanted and all(due in done for due in todo.missed):
        record(session, "schedule.skipped", schedule, now=now, reason="it had its turn before")
    if wanted and _is_busy(session, schedule_id):
        _insert_runs(session, schedule, wanted, RunState.SKIPPED, BUSY, now)
        record(session, "schedule.skipped", schedule, now=now, reason=BUSY.split(" / ")[1])
        wanted = []
    for due in wanted:
        error = _run(session, settings, schedule, due, now)
        tried += 1
        started += error is None
        values["last_run_at"] = now
        values["last_error"] = f"{error.zh} / {error.en}"[:400] if error is not None else ""
        if isinstance(error, OwnerGone):
            # It would be refused again each time; somebody who may takes it over or leaves it.
            values |= {"enabled": False, "next_run_at": None, "due_at": None}
            break
    runs = schedule.runs + tried
    if schedule.max_runs is not None and runs >= schedule.max_runs:
        values |= {"next_run_at": None, "due_at": None}
    _write(session, schedule_id, runs=runs, **values)
    return started


def _is_busy(session: Session, schedule_id: int) -> bool:
    query = (
        select(Job.id)
        .join(ScheduleRun, ScheduleRun.job_id == Job.id)
        .where(ScheduleRun.schedule_id == schedule_id, Job.state.in_(OPEN_STATES))
        .limit(1)
    )
    return session.scalar(query) is not None


def _run(
    session: Session, settings: Settings, schedule: Schedule, due: datetime, now: datetime
) -> SecopsError | None:
    """Start the work of one due moment; what a rule refuses is kept as a run that failed."""
    about: dict[str, Any] = {"due": due, "now": now, "cause": "schedule"}
    refusal: SecopsError
    try:
        with session.begin_nested():
            who = require_owner(session, schedule, now)
            begun = begin(session, settings, schedule, who, **about)
            run = note_run(session, schedule, actor=schedule.owner, begun=begun, **about)
        word = "schedule.dispatch" if run.state is RunState.STARTED else "schedule.skipped"
        record(session, word, schedule, now=now, detail={"due": due.isoformat(), "jobs": run.jobs})
        return None
    except IntegrityError:
        if not _has_run(session, schedule.id, due):
            raise
        log.warning("schedule.twice", extra={"fields": {"schedule_id": schedule.id, "due": due.isoformat()}})
        return None
    except SQLAlchemyError:
        raise
    except SecopsError as error:
        refusal = error
    except Exception as error:
        # A fault in one kind must not hold up every other schedule.
        log.error("schedule.fault", exc_info=error, extra={"fields": {"schedule_id": schedule.id}})
        refusal = NotReady(
            f"程序错误：{type(error).__name__}。", f"A fault of the program: {type(error).__name__}."
        )
    note_run(session, schedule, actor=schedule.owner, error=refusal, **about)
    record(session, "schedule.failed", schedule, now=now, result="failed", reason=refusal.en)
    return refusal


def _has_run(session: Session, schedule_id: int, due: datetime) -> bool:
    query = select(ScheduleRun.id).where(ScheduleRun.schedule_id == schedule_id, ScheduleRun.due_at == due)
    return session.scalar(query) is not None


def _note_missed(
    session: Session, schedule: Schedule, todo: Plan, done: set[datetime], now: datetime
) -> None:
    missed = [due for due in todo.missed if due not in done]
    if not missed:
        return
    zh, _, en = todo.reason.partition(" / ")
    _insert_runs(session, schedule, missed, RunState.MISSED, todo.reason, now)
    if todo.uncounted:
        more = f"{zh}此前另有 {todo.uncounted} 次。 / {en} {todo.uncounted} more before it."
        first = session.scalar(
            select(ScheduleRun).where(ScheduleRun.schedule_id == schedule.id, ScheduleRun.due_at == missed[0])
        )
        if first is not None:
            first.reason = more
    record(
        session,
        "schedule.missed",
        schedule,
        now=now,
        reason=en,
        detail={"missed": len(missed) + todo.uncounted, "from": missed[0].isoformat()},
    )


def _insert_runs(
    session: Session, schedule: Schedule, dues: list[datetime], state: RunState, reason: str, now: datetime
) -> None:
    session.execute(
        insert(ScheduleRun),
        [
            {
                "schedule_id": schedule.id, "department_id": schedule.department_id, "system_id": schedule.system_id,
                "due_at": due, "state": state, "cause": "schedule", "reason": reason, "actor": schedule.owner, "at": now,
                "job_id": None, "jobs": 0,
            }
            for due in dues
        ],
    )  # fmt: skip
