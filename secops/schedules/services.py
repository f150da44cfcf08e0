"""When a schedule is due next, and the dispatch of what is due: each due row once, however many ask."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from secops.accounts.services import principal_for
from secops.audit_log.services import record
from secops.errors import BadInput, NotFound, Refused, SecopsError
from secops.objects.models import System
from secops.platform import Platform
from secops.schedules.models import Schedule

log = logging.getLogger("secops.schedules")
KINDS = ("scan",)
SHORTEST = 10
_FARTHEST_DAYS = 366 * 30
OWNERS = ("officer", "contact")
"""Roles that may make a schedule; ``permissions.yaml`` says the same of the page."""


class OwnerGone(Refused):
    """The owner could not do it by hand any more."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"计划的建立人 {owner} 已停用，或已没有这个系统的权限；计划已暂停，请由有权限的人新建。",
            f"The owner {owner} is disabled or holds no grant for this system any more; the schedule is paused, and "
            "somebody who may has to make a new one.",
        )
        self.args = (owner,)


def next_run(schedule: Schedule, after: datetime) -> datetime | None:
    """The first moment later than *after* at which the schedule is due; None when it is over."""
    if schedule.max_runs is not None and schedule.runs >= schedule.max_runs:
        return None
    if schedule.every_seconds:
        found = after + timedelta(seconds=schedule.every_seconds)
    else:
        coming = next_cron(parse_cron(schedule.cron), after, ZoneInfo(schedule.time_zone))
        if coming is None:
            return None
        found = coming
    if schedule.ends_at is not None and found > schedule.ends_at:
        return None
    return found


def next_cron(cron: crontab, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment later than *after* that fits on the clocks of *zone*; None when there is none in 30 years.

    Worked out here since Celery reckons in the zone of its application, which is UTC. Day of month and day of
    week must both fit, as with Celery. A time that the clocks skip does not occur; one that they show twice
    counts the first time.
    """
    first = after.astimezone(zone).date()
    for count in range(_FARTHEST_DAYS):
        day = first + timedelta(days=count)
        fits = day.month in cron.month_of_year and day.day in cron.day_of_month
        if not fits or day.isoweekday() % 7 not in cron.day_of_week:
            continue
        for hour in sorted(cron.hour):
            for minute in sorted(cron.minute):
                found = datetime.combine(day, time(hour, minute), zone)
                # Compared in UTC: two times of one zone compare by their wall clocks.
                real = found.astimezone(UTC)
                if real > after.astimezone(UTC) and real.astimezone(zone).hour == hour:
                    return real
    return None


def parse_cron(text: str) -> crontab:
    """Read five cron fields.

    Raises:
        BadInput: it is no cron expression.
    """
    if len(text.split()) != 5:
        raise BadInput(
            "cron 表达式须为五段：分 时 日 月 周，例如 30 2 * * 1-5。",
            "A cron expression has five fields: minute hour day month weekday, such as 30 2 * * 1-5.",
            "cron",
        )
    try:
        return crontab.from_string(text)
    except (ValueError, ParseException) as error:
        raise BadInput(f"cron 表达式无效：{error}", f"Not a cron expression: {error}", "cron") from None


def create_schedule(
    session: Session,
    *,
    system: System,
    name: str,
    kind: str,
    payload: dict[str, Any],
    owner: str,
    time_zone: str,
    now: datetime,
    cron: str = "",
    every_seconds: int | None = None,
    first_run_at: datetime | None = None,
    max_runs: int | None = None,
    ends_at: datetime | None = None,
) -> Schedule:
    """Add a schedule with either *cron* or *every_seconds* (10 or more)."""
    if kind not in KINDS:
        raise BadInput("未知的计划类型。", "Unknown kind of schedule.", "kind")
    if bool(cron) == bool(every_seconds):
        raise BadInput("请填写 cron 或间隔其中之一。", "Give either cron or an interval.", "cron")
    if every_seconds is not None and every_seconds < SHORTEST:
        raise BadInput(
            f"间隔至少 {SHORTEST} 秒。", f"The interval is at least {SHORTEST} s.", "every_seconds"
        )
    if not name.strip():
        raise BadInput("请填写名称。", "Give it a name.", "name")
    schedule = Schedule(
        department_id=system.department_id,
        system_id=system.id,
        name=name.strip(),
        kind=kind,
        cron=cron,
        every_seconds=every_seconds,
        time_zone=time_zone,
        payload=payload,
        max_runs=max_runs,
        runs=0,
        ends_at=ends_at,
        owner=owner,
        created_at=now,
        enabled=True,
    )
    schedule.next_run_at = first_run_at or next_run(schedule, now)
    session.add(schedule)
    record(
        session,
        "schedule.create",
        schedule,
        now=now,
        detail={"kind": kind, "cron": cron, "every": every_seconds},
    )
    session.flush()
    return schedule


def due_ids(session: Session, now: datetime) -> list[int]:
    query = select(Schedule.id).where(
        Schedule.enabled.is_(True), Schedule.next_run_at.is_not(None), Schedule.next_run_at <= now
    )
    return list(session.scalars(query.order_by(Schedule.next_run_at).limit(500)))


def dispatch_due(platform: Platform, *, now: datetime) -> int:
    """Start everything that is due; returns how many were started.

    Each row is claimed by moving ``next_run_at`` from the very value that was read, in the transaction that
    starts the work: a second dispatcher finds the value moved and does nothing.
    """
    with platform.work("schedule") as session:
        ids = due_ids(session, now)
    started = 0
    for schedule_id in ids:
        try:
            with platform.work("schedule") as session:
                started += _dispatch(session, schedule_id, now)
        except SecopsError as error:
            with platform.work("schedule") as session:
                _note_failure(session, schedule_id, error, now)
    return started


def _dispatch(session: Session, schedule_id: int, now: datetime) -> int:
    schedule = session.get(Schedule, schedule_id)
    if schedule is None or not schedule.enabled or schedule.next_run_at is None or schedule.next_run_at > now:
        return 0
    was = schedule.next_run_at
    claimed: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Schedule)
        .where(Schedule.id == schedule_id, Schedule.next_run_at == was, Schedule.enabled.is_(True))
        .values(next_run_at=None),
        execution_options={"synchronize_session": False},
    )
    if claimed.rowcount != 1:
        return 0
    session.refresh(schedule)
    schedule.runs += 1
    schedule.last_run_at = now
    schedule.last_error = ""
    schedule.next_run_at = next_run(schedule, now)
    require_owner(session, schedule, now)
    start(session, schedule, now=now, cause="schedule")
    record(session, "schedule.dispatch", schedule, now=now, detail={"run": schedule.runs})
    return 1


def start(session: Session, schedule: Schedule, *, now: datetime, cause: str, actor: str = "") -> None:
    """Begin what the schedule stands for, for its owner or for *actor* who asked for it now."""
    from secops.scans.services import request_scan

    system = session.get_one(System, schedule.system_id)
    request_scan(
        session,
        system=system,
        authorization_id=int(schedule.payload["authorization_id"]),
        actor=actor or schedule.owner,
        now=now,
        cause=cause,
        schedule_id=schedule.id,
    )


def require_owner(session: Session, schedule: Schedule, now: datetime) -> None:
    """A schedule acts for its owner, and for as long as the owner could do the same by hand.

    Raises:
        OwnerGone: the account is disabled or gone, or holds no grant for this system any more.
    """
    if schedule.owner.startswith(("platform:", "cli")):
        return
    user = session.scalar(select(User).where(User.username == schedule.owner))
    if user is None or not user.active:
        raise OwnerGone(schedule.owner)
    who = principal_for(session, user, now)
    if not who.has(*OWNERS) or not who.may_see(schedule.department_id, schedule.system_id):
        raise OwnerGone(schedule.owner)


def _note_failure(session: Session, schedule_id: int, error: SecopsError, now: datetime) -> None:
    schedule = session.get_one(Schedule, schedule_id)
    if isinstance(error, OwnerGone):
        # It would be refused again each time; somebody who may takes it over or leaves it.
        schedule.enabled = False
    schedule.last_error = f"{error.zh} / {error.en}"[:400]
    schedule.last_run_at = now
    schedule.runs += 1
    schedule.next_run_at = next_run(schedule, now) if schedule.enabled else None
    record(session, "schedule.failed", schedule, now=now, result="failed", reason=error.en)


def run_now(session: Session, schedule_id: int, *, now: datetime, actor: str = "") -> Schedule:
    """Start it once by hand for *actor*; the plan itself stays as it is."""
    schedule = _find(session, schedule_id)
    start(session, schedule, now=now, cause="schedule-now", actor=actor)
    record(session, "schedule.run-now", schedule, now=now)
    return schedule


def set_enabled(session: Session, schedule_id: int, enabled: bool, *, now: datetime) -> Schedule:
    """Pause or resume; resuming plans from now on, nothing is caught up."""
    schedule = _find(session, schedule_id)
    schedule.enabled = enabled
    schedule.next_run_at = next_run(schedule, now) if enabled else None
    record(session, "schedule.resume" if enabled else "schedule.pause", schedule, now=now)
    return schedule


def preview(schedule: Schedule, now: datetime, count: int = 10) -> list[datetime]:
    """The next *count* moments, fewer when it ends before."""
    found: list[datetime] = []
    moment = now
    if schedule.max_runs is not None:
        count = min(count, schedule.max_runs - schedule.runs)
    for _ in range(count):
        coming = next_run(schedule, moment)
        if coming is None:
            break
        found.append(coming)
        moment = coming
    return found


def _find(session: Session, schedule_id: int) -> Schedule:
    schedule = session.scalar(select(Schedule).where(Schedule.id == schedule_id))
    if schedule is None:
        raise NotFound
    return schedule
