"""When a schedule is due: its rule, its window, its jitter. Knows neither the store nor the clock."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab

from secops.errors import BadInput
from secops.schedules.models import Schedule

_FARTHEST_DAYS = 366 * 30
# So many moments in a row outside the window: the two never meet.
_MOST_OUTSIDE = 20_000


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


def cron_moments(cron: crontab, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments later than *after* that fit on the clocks of *zone*, in order, for 30 years.

    Worked out here since Celery reckons in the zone of its application, which is UTC. Day of month and day of
    week must both fit, as with Celery. A time that the clocks skip does not occur; one that they show twice
    counts the first time.
    """
    # Compared in UTC: two times of one zone compare by their wall clocks.
    start = after.astimezone(UTC)
    first = after.astimezone(zone).date()
    hours, minutes = sorted(cron.hour), sorted(cron.minute)
    for count in range(_FARTHEST_DAYS):
        day = first + timedelta(days=count)
        fits = day.month in cron.month_of_year and day.day in cron.day_of_month
        if not fits or day.isoweekday() % 7 not in cron.day_of_week:
            continue
        for hour in hours:
            for minute in minutes:
                real = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                if real > start and real.astimezone(zone).hour == hour:
                    yield real


def next_cron(cron: crontab, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The first moment later than *after*; None when there is none in 30 years."""
    return next(cron_moments(cron, after, zone), None)


def moments(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Due moments later than *after*, inside the window and up to the end; how often it ran is not looked at."""
    outside = 0
    for moment in _by_rule(schedule, after):
        if schedule.ends_at is not None and moment > schedule.ends_at:
            return
        if in_window(schedule, moment):
            outside = 0
            yield moment
        else:
            outside += 1
            if outside > _MOST_OUTSIDE:
                return


def _by_rule(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    if not schedule.every_seconds:
        yield from cron_moments(parse_cron(schedule.cron), after, ZoneInfo(schedule.time_zone))
        return
    step = timedelta(seconds=schedule.every_seconds)
    moment = after + step
    while True:
        yield moment
        moment += step


def next_run(schedule: Schedule, after: datetime) -> datetime | None:
    """The first moment later than *after* at which the schedule is due; None when it is over."""
    if schedule.max_runs is not None and schedule.runs >= schedule.max_runs:
        return None
    return next(moments(schedule, after), None)


def preview(schedule: Schedule, now: datetime, count: int = 10) -> list[datetime]:
    """The next *count* moments, fewer when it ends before."""
    if schedule.max_runs is not None:
        count = min(count, schedule.max_runs - schedule.runs)
    found: list[datetime] = []
    for moment in moments(schedule, now):
        if len(found) >= count:
            break
        found.append(moment)
    return found


def in_window(schedule: Schedule, moment: datetime) -> bool:
    """Whether it may run at *moment*; a window such as 22:00 to 06:00 goes over midnight."""
    begin, end = schedule.window_from, schedule.window_until
    if begin is None or end is None:
        return True
    local = moment.astimezone(ZoneInfo(schedule.time_zone))
    minute = local.hour * 60 + local.minute
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def window_opens(schedule: Schedule, after: datetime) -> datetime:
    """The first moment later than *after* at which the window opens; *after* itself without a window."""
    if schedule.window_from is None:
        return after
    zone = ZoneInfo(schedule.time_zone)
    local = after.astimezone(zone)
    opening = time(schedule.window_from // 60, schedule.window_from % 60)
    for days in range(3):
        found = datetime.combine(local.date() + timedelta(days=days), opening, zone).astimezone(UTC)
        if found > after.astimezone(UTC):
            return found
    return after


def start_of(schedule: Schedule, due: datetime) -> datetime:
    """When the work for *due* begins: later by a share of the jitter that is the same each time one asks.

    Jitter never leads out of the window.
    """
    most = schedule.jitter_seconds or 0
    if most <= 0:
        return due
    mark = f"{schedule.id}:{int(due.timestamp())}".encode()
    found = due + timedelta(seconds=int.from_bytes(hashlib.sha256(mark).digest()[:4]) % (most + 1))
    return found if in_window(schedule, found) else due
