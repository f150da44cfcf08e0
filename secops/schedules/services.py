"""Make, pause and start schedules. A schedule does nothing but call the service that a person could call."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts.services import acting_for
from secops.audit_log.services import record
from secops.config import Settings
from secops.errors import BadInput, NotFound, Refused, SecopsError
from secops.objects.models import System
from secops.schedules.kinds import Begun, Start, check_payload, kind_of
from secops.schedules.models import CatchUp, RunState, Schedule, ScheduleRun
from secops.schedules.timing import next_run, parse_cron, start_of
from secops.scope import Principal, principal_of

SHORTEST = 10
MOST_CAUGHT_UP = 50


class OwnerGone(Refused):
    """The owner could not do it by hand any more."""

    def __init__(self, owner: str) -> None:
        super().__init__(
            f"计划的建立人 {owner} 已停用，或已没有这个系统的权限；计划已暂停，请由有权限的人新建。",
            f"The owner {owner} is disabled or holds no grant for this system any more; the schedule is paused, and "
            "somebody who may has to make a new one.",
        )
        self.args = (owner,)


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
    window: tuple[int, int] | None = None,
    jitter_seconds: int = 0,
    catch_up: CatchUp = CatchUp.ONCE,
    catch_up_most: int = 1,
    settings: Settings | None = None,
) -> Schedule:
    """Add a schedule with either *cron* or *every_seconds* (10 or more).

    Args:
        window: minutes after midnight between which it may run, such as ``(22 * 60, 6 * 60)``.
        jitter_seconds: it begins up to so many seconds later, each time by another share.
        catch_up_most: how many missed moments ``CatchUp.ALL`` makes up for, 1 to 50.
        settings: looked at for kinds that need some.

    Raises:
        BadInput: with the field.
        Refused: a setting that this kind needs is missing; says which.
    """
    spec = kind_of(kind)
    if spec.needs:
        spec.require_settings(settings or Settings())
    check_payload(kind, payload, system)
    if bool(cron) == bool(every_seconds):
        raise BadInput("请填写 cron 或间隔其中之一。", "Give either cron or an interval.", "cron")
    if cron:
        parse_cron(cron)
    if every_seconds is not None and every_seconds < SHORTEST:
        raise BadInput(
            f"间隔至少 {SHORTEST} 秒。", f"The interval is at least {SHORTEST} s.", "every_seconds"
        )
    if not name.strip():
        raise BadInput("请填写名称。", "Give it a name.", "name")
    require_zone(time_zone)
    if window is not None and (window[0] == window[1] or not all(0 <= one < 1440 for one in window)):
        raise BadInput("时间窗的起止不能相同。", "The window ends when it begins.", "window_until")
    if not 1 <= catch_up_most <= MOST_CAUGHT_UP:
        raise BadInput(
            f"补跑 1 到 {MOST_CAUGHT_UP} 次。", f"Make up for 1 to {MOST_CAUGHT_UP}.", "catch_up_most"
        )
    schedule = Schedule(
        department_id=system.department_id,
        system_id=system.id,
        name=name.strip(),
        kind=kind,
        cron=cron,
        every_seconds=every_seconds,
        time_zone=time_zone,
        window_from=window[0] if window else None,
        window_until=window[1] if window else None,
        jitter_seconds=jitter_seconds,
        catch_up=catch_up,
        catch_up_most=catch_up_most,
        payload=payload,
        max_runs=max_runs,
        runs=0,
        ends_at=ends_at,
        owner=owner,
        created_at=now,
        enabled=True,
    )
    session.add(schedule)
    # The jitter hangs on the id.
    session.flush()
    schedule.due_at = first_run_at or next_run(schedule, now)
    schedule.next_run_at = first_run_at or _start(schedule)
    record(
        session,
        "schedule.create",
        schedule,
        now=now,
        detail={"kind": kind, "cron": cron, "every": every_seconds},
    )
    session.flush()
    return schedule


def require_zone(name: str) -> ZoneInfo:
    """The time zone of this name.

    Raises:
        BadInput
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            "没有这个时区，写作 Asia/Shanghai 的形式。",
            "No such time zone; write it like Asia/Shanghai.",
            "time_zone",
        ) from None


def _start(schedule: Schedule) -> datetime | None:
    return start_of(schedule, schedule.due_at) if schedule.due_at is not None else None


def begin(
    session: Session,
    settings: Settings,
    schedule: Schedule,
    who: Principal,
    *,
    due: datetime,
    now: datetime,
    cause: str,
    actor: str = "",
) -> Begun:
    """Start what the schedule stands for, seen with the eyes of *who*, for its owner or for *actor*.

    Raises:
        SecopsError: the service that does the work said no.
    """
    spec = kind_of(schedule.kind)
    spec.require_settings(settings)
    system = session.get_one(System, schedule.system_id)
    return spec.start(
        Start(session, settings, schedule, system, who, actor or schedule.owner, due, now, cause)
    )  # fmt: skip


def require_owner(session: Session, schedule: Schedule, now: datetime) -> Principal:
    """A schedule acts for its owner, and for as long as the owner could do the same by hand.

    Raises:
        OwnerGone: the account is disabled or gone, or holds no grant for this system any more.
    """
    who = acting_for(session, schedule.owner, now)
    if who is None:
        raise OwnerGone(schedule.owner)
    if who.has("platform"):
        return who
    may = who.has(*kind_of(schedule.kind).roles) and who.may_see(schedule.department_id, schedule.system_id)
    if not may:
        raise OwnerGone(schedule.owner)
    return who


def run_now(
    session: Session, schedule_id: int, *, settings: Settings, now: datetime, actor: str = ""
) -> ScheduleRun:
    """Start it once by hand for *actor*; the plan itself stays as it is.

    Raises:
        NotFound
        Refused: not with this person's roles, or the service that does the work said no.
    """
    schedule = get_schedule(session, schedule_id)
    who = principal_of(session)
    if not who.has("platform", *kind_of(schedule.kind).roles):
        raise Refused("您的角色不能执行这类计划。", "Your role does not start this kind of schedule.")
    begun = begin(session, settings, schedule, who, due=now, now=now, cause="schedule-now", actor=actor)
    run = note_run(
        session, schedule, due=now, now=now, cause="schedule-now", actor=actor or who.name, begun=begun
    )
    record(session, "schedule.run-now", schedule, now=now, detail={"jobs": run.jobs})
    return run


def note_run(
    session: Session,
    schedule: Schedule,
    *,
    due: datetime,
    now: datetime,
    cause: str,
    actor: str,
    begun: Begun | None = None,
    error: SecopsError | None = None,
) -> ScheduleRun:
    """Keep what became of one due moment."""
    if error is not None:
        state, reason = RunState.FAILED, f"{error.zh} / {error.en}"
    elif begun is not None and not begun.jobs:
        state, reason = RunState.SKIPPED, begun.skipped
    else:
        state, reason = RunState.STARTED, ""
    run = ScheduleRun(
        schedule_id=schedule.id, department_id=schedule.department_id, system_id=schedule.system_id,
        due_at=due, state=state, cause=cause, reason=reason[:400], actor=actor, at=now,
        job_id=begun.jobs[0] if begun and begun.jobs else None, jobs=len(begun.jobs) if begun else 0,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def set_enabled(session: Session, schedule_id: int, enabled: bool, *, now: datetime) -> Schedule:
    """Pause or resume; resuming plans from now on, nothing is caught up."""
    schedule = get_schedule(session, schedule_id)
    schedule.enabled = enabled
    schedule.due_at = next_run(schedule, now) if enabled else None
    schedule.next_run_at = _start(schedule)
    record(session, "schedule.resume" if enabled else "schedule.pause", schedule, now=now)
    return schedule


def get_schedule(session: Session, schedule_id: int) -> Schedule:
    """One schedule in scope.

    Raises:
        NotFound
    """
    schedule = session.scalar(select(Schedule).where(Schedule.id == schedule_id))
    if schedule is None:
        raise NotFound
    return schedule
