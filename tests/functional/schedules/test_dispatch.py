"""What is due is started once: by two dispatchers at once, after an outage, after a clock that jumped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from secops.clock import utc_now
from secops.errors import Refused
from secops.jobs.models import Job, JobState
from secops.objects.models import System
from secops.platform import Platform
from secops.schedules import kinds, services
from secops.schedules.dispatch import LATE, dispatch_due
from secops.schedules.models import CatchUp, Schedule, ScheduleRun
from secops.schedules.timing import in_window, moments, start_of, window_opens
from tests.support.builders import Rows
from tests.support.platform_rig import ROOT
from tests.support.services import require_tool

FULL = os.environ.get("SECOPS_FULL") == "1"
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _recompute(platform: Platform, rows: Rows, **values: Any) -> int:
    """An hourly schedule of a recompute that nobody's account stands behind, due at noon."""
    system = values.pop("system_id", None) or rows.one(System)
    with platform.work("test") as session:
        return services.create_schedule(
            session,
            system=session.get_one(System, system),
            name="每小时",
            kind="posture",
            payload={"extent": "system"},
            owner="platform:test",
            time_zone="Asia/Shanghai",
            now=values.pop("now", NOON - HOUR),
            first_run_at=values.pop("first_run_at", NOON),
            **({"every_seconds": 3600} | values),
        ).id


def _runs(platform: Platform, schedule_id: int) -> list[tuple[datetime, str]]:
    with platform.work("test") as session:
        query = select(ScheduleRun).where(ScheduleRun.schedule_id == schedule_id).order_by(ScheduleRun.due_at)
        return [(run.due_at, run.state.value) for run in session.scalars(query)]


def _next(platform: Platform, schedule_id: int) -> datetime | None:
    with platform.work("test") as session:
        return session.get_one(Schedule, schedule_id).next_run_at


def _finish_jobs(platform: Platform) -> None:
    with platform.engine.begin() as connection:
        connection.execute(update(Job.__table__).values(state=JobState.DONE, dedupe_key=None))


def _two_at_once(first: Platform, second: Platform, now: datetime) -> list[int]:
    """Both dispatch until nothing is due; how many each started."""
    started = [0, 0]
    faults: list[BaseException] = []
    barrier = threading.Barrier(2)

    def work(place: int, platform: Platform) -> None:
        try:
            barrier.wait()
            started[place] = dispatch_due(platform, now=now, budget_s=600)
        except BaseException as error:
            faults.append(error)
            raise

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate((first, second))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    return started


def _once_each(platform: Platform, rows: Rows, count: int) -> None:
    systems = rows.many(System, count)
    rows.many(
        Schedule, count, lambda i: {"system_id": systems[i], "next_run_at": NOON - timedelta(seconds=i % 60)},
        kind="posture", payload={"extent": "system"}, owner="platform:test", cron="", every_seconds=3600,
    )  # fmt: skip
    twin = Platform.open(platform.settings)

    started = _two_at_once(platform, twin, NOON)

    twin.engine.dispose()
    assert sum(started) == count
    with platform.work("test") as session:
        jobs = Counter(session.scalars(select(Job.system_id).where(Job.kind == "posture")))
        runs = session.execute(
            select(
                func.count(), func.count(func.distinct(ScheduleRun.schedule_id)), func.sum(ScheduleRun.jobs)
            )
        ).one()
        left = session.scalar(select(func.count(Schedule.id)).where(Schedule.next_run_at <= NOON))
    assert (len(jobs), set(jobs.values())) == (count, {1})
    assert tuple(runs) == (count, count, count)
    assert left == 0


def test_two_dispatchers_start_each_once(platform: Platform, rows: Rows) -> None:
    """Many schedules due within one minute, two dispatchers at once: one run and one job each."""
    _once_each(platform, rows, 10_000 if FULL else 300)


def test_two_dispatchers_start_each_once_on_postgresql(pg_platform: Platform) -> None:
    """The same where two transactions really write at the same time."""
    _once_each(pg_platform, Rows(pg_platform.engine), 10_000 if FULL else 300)


def test_a_clock_that_jumps_runs_none_twice(platform: Platform, rows: Rows) -> None:
    """An hour forward and back again, a day forward and back, pause and resume between: each moment at most once."""
    schedule_id = _recompute(platform, rows)
    for hours in (0, 1, 0, 1, 24, 2, 0, 24, 25):
        now = NOON + hours * HOUR + timedelta(seconds=3)
        dispatch_due(platform, now=now)
        _finish_jobs(platform)
        with platform.work("test") as session:
            services.set_enabled(session, schedule_id, False, now=now)
            services.set_enabled(session, schedule_id, True, now=now)

    with platform.work("test") as session:
        per_moment = Counter(session.scalars(select(ScheduleRun.due_at)))
        jobs = session.scalar(select(func.count(Job.id)))
        started = session.scalar(select(func.count(ScheduleRun.id)).where(ScheduleRun.state == "started"))
    assert set(per_moment.values()) == {1}
    assert jobs == started
    assert started


def test_a_moment_that_had_its_turn_is_not_run_again(platform: Platform, rows: Rows) -> None:
    """A due moment set back by hand finds its row and does nothing."""
    schedule_id = _recompute(platform, rows)
    assert dispatch_due(platform, now=NOON) == 1
    _finish_jobs(platform)
    with platform.engine.begin() as connection:
        connection.execute(update(Schedule.__table__).values(due_at=NOON, next_run_at=NOON))

    assert dispatch_due(platform, now=NOON + timedelta(seconds=5)) == 0
    assert _runs(platform, schedule_id) == [(NOON, "started")]
    assert _next(platform, schedule_id) == NOON + HOUR


@pytest.mark.parametrize(
    ("rule", "most", "became"),
    [
        (CatchUp.SKIP, 1, ["missed"] * 4),
        (CatchUp.ONCE, 1, ["missed"] * 3 + ["started"]),
        (CatchUp.ALL, 3, ["missed", "started", "skipped", "skipped"]),
        (CatchUp.ALL, 50, ["started", "skipped", "skipped", "skipped"]),
    ],
)
def test_an_outage_is_caught_up_by_the_rule(
    platform: Platform, rows: Rows, rule: CatchUp, most: int, became: list[str]
) -> None:
    """Four moments passed; none, the newest or the newest few are made up for, and each has its row.

    Recomputes of one system are the same work, so of several at once the first does it and the others say so.
    """
    schedule_id = _recompute(platform, rows, catch_up=rule, catch_up_most=most)
    dispatch_due(platform, now=NOON + 3 * HOUR + LATE + timedelta(minutes=1))

    found = _runs(platform, schedule_id)
    assert [state for _, state in found] == became
    assert [due for due, _ in found] == [NOON + i * HOUR for i in range(4)]
    assert _next(platform, schedule_id) == NOON + 4 * HOUR


def test_within_five_minutes_nothing_is_missed(platform: Platform, rows: Rows) -> None:
    """A tick that comes a little late still starts what makes up for nothing."""
    schedule_id = _recompute(platform, rows, catch_up=CatchUp.SKIP)
    assert dispatch_due(platform, now=NOON + LATE) == 1
    assert _runs(platform, schedule_id) == [(NOON, "started")]


def test_a_long_outage_keeps_a_hundred_rows(platform: Platform, rows: Rows) -> None:
    """A year of quarter hours does not write 35,000 rows; the first that is kept counts the rest."""
    schedule_id = _recompute(platform, rows, every_seconds=900)
    dispatch_due(platform, now=NOON + timedelta(days=365))
    found = _runs(platform, schedule_id)
    assert len(found) == 100
    with platform.work("test") as session:
        reason = session.scalar(select(ScheduleRun.reason).order_by(ScheduleRun.due_at).limit(1)) or ""
    assert f"{365 * 96 + 1 - 100} more" in reason


def test_what_is_made_up_for_waits_for_the_window(platform: Platform, rows: Rows) -> None:
    """Missed at night, found at ten in the morning: it runs when the window opens again, in the evening."""
    due = datetime(2026, 11, 25, 23, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    window = (22 * 60, 6 * 60)
    schedule_id = _recompute(
        platform, rows, every_seconds=None, cron="0 23 * * *", window=window, first_run_at=due
    )
    morning = due + timedelta(hours=11)

    assert dispatch_due(platform, now=morning) == 0
    assert _runs(platform, schedule_id) == []
    opens = due + timedelta(hours=23)
    assert _next(platform, schedule_id) == opens
    assert dispatch_due(platform, now=opens) == 1
    assert _runs(platform, schedule_id) == [(due, "started")]


def test_without_making_up_a_closed_window_is_missed(platform: Platform, rows: Rows) -> None:
    """By the rule that makes up for nothing, a moment found outside the window is over."""
    due = datetime(2026, 11, 25, 23, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    schedule_id = _recompute(
        platform, rows, every_seconds=None, cron="0 23 * * *", window=(22 * 60, 6 * 60), first_run_at=due,
        catch_up=CatchUp.SKIP,
    )  # fmt: skip
    assert dispatch_due(platform, now=due + timedelta(hours=11)) == 0
    assert _runs(platform, schedule_id) == [(due, "missed")]


def test_after_its_end_nothing_is_made_up_for(platform: Platform, rows: Rows) -> None:
    """What was due before the last day but is found after it is on record as missed, and it is over."""
    schedule_id = _recompute(platform, rows, ends_at=NOON + 2 * HOUR)
    assert dispatch_due(platform, now=NOON + 5 * HOUR) == 0
    assert [state for _, state in _runs(platform, schedule_id)] == ["missed"] * 3
    assert _next(platform, schedule_id) is None


def test_a_run_that_goes_on_skips_the_next(platform: Platform, rows: Rows) -> None:
    """While the job of the last moment is open, the next moment is skipped and says so."""
    schedule_id = _recompute(platform, rows)
    assert dispatch_due(platform, now=NOON) == 1
    assert dispatch_due(platform, now=NOON + HOUR) == 0
    assert [state for _, state in _runs(platform, schedule_id)] == ["started", "skipped"]


def test_the_number_of_runs_ends_it(platform: Platform, rows: Rows) -> None:
    """Two runs of at most two, then nothing more, however many moments passed."""
    schedule_id = _recompute(platform, rows, max_runs=2)
    dispatch_due(platform, now=NOON)
    _finish_jobs(platform)
    dispatch_due(platform, now=NOON + HOUR)
    assert _next(platform, schedule_id) is None
    _finish_jobs(platform)
    assert dispatch_due(platform, now=NOON + 9 * HOUR) == 0
    assert [state for _, state in _runs(platform, schedule_id)] == ["started", "started"]


def test_a_fault_of_one_holds_up_no_other(
    platform: Platform, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind that breaks and one that is refused are on record as failed; the others of the same batch start."""

    def breaks(start: kinds.Start) -> kinds.Begun:
        raise ZeroDivisionError

    def refuses(start: kinds.Start) -> kinds.Begun:
        raise Refused("不行。", "No.")

    for name, start in (("breaks", breaks), ("refuses", refuses)):
        monkeypatch.setitem(kinds.KINDS, name, kinds.Kind(name, name, "", "", start))
    good = _recompute(platform, rows)
    bad = {name: _recompute(platform, rows) for name in ("breaks", "refuses")}
    with platform.engine.begin() as connection:
        for name, schedule_id in bad.items():
            connection.execute(
                update(Schedule.__table__).where(Schedule.__table__.c.id == schedule_id).values(kind=name)
            )
    with platform.engine.begin() as connection:
        connection.execute(update(Job.__table__).values(dedupe_key=None))

    assert dispatch_due(platform, now=NOON) == 1
    assert _runs(platform, good) == [(NOON, "started")]
    for name in bad:
        assert _runs(platform, bad[name]) == [(NOON, "failed")], name
        assert _next(platform, bad[name]) == NOON + HOUR
    with platform.work("test") as session:
        errors = dict(session.execute(select(Schedule.id, Schedule.last_error)).all())
    assert "ZeroDivisionError" in errors[bad["breaks"]]
    assert errors[bad["refuses"]] == "不行。 / No."


def _rule(**values: Any) -> Schedule:
    shape: dict[str, Any] = {
        "id": 7,
        "cron": "",
        "every_seconds": None,
        "time_zone": "Asia/Shanghai",
        "runs": 0,
    }
    return Schedule(**(shape | {"ends_at": None, "jitter_seconds": 0} | values))


@pytest.mark.parametrize(
    ("zone", "inside", "outside"),
    [
        ("Asia/Shanghai", "2026-11-25T22:00+08:00", "2026-11-25T21:59+08:00"),
        ("Asia/Kathmandu", "2026-11-25T05:59+05:45", "2026-11-25T06:00+05:45"),
        ("UTC", "2026-11-25T00:00+00:00", "2026-11-25T14:00+00:00"),
        ("Pacific/Kiritimati", "2026-11-25T23:59+14:00", "2026-11-25T12:00+14:00"),
    ],
)
def test_a_window_goes_over_midnight_in_its_own_zone(zone: str, inside: str, outside: str) -> None:
    """22:00 to 06:00 on the clocks of the zone, its begin inside and its end outside."""
    rule = _rule(time_zone=zone, window_from=22 * 60, window_until=6 * 60)
    assert in_window(rule, datetime.fromisoformat(inside).astimezone(UTC))
    assert not in_window(rule, datetime.fromisoformat(outside).astimezone(UTC))
    opens = window_opens(rule, datetime.fromisoformat(outside)).astimezone(ZoneInfo(zone))
    assert (opens.hour, opens.minute) == (22, 0)


def test_moments_outside_the_window_do_not_count() -> None:
    """Every two hours inside 22:00 to 06:00: four a night."""
    rule = _rule(every_seconds=7200, window_from=22 * 60, window_until=6 * 60)
    found = moments(rule, datetime(2026, 11, 25, 4, 0, tzinfo=UTC))
    hours = [next(found).astimezone(ZoneInfo("Asia/Shanghai")).hour for _ in range(8)]
    assert hours == [22, 0, 2, 4, 22, 0, 2, 4]


def test_rule_and_window_that_never_meet_end() -> None:
    """Noon in a window of the night: there is no moment, and that is told instead of looked for without end."""
    rule = _rule(cron="0 12 * * *", window_from=22 * 60, window_until=6 * 60)
    assert next(moments(rule, NOON), None) is None
    rule = _rule(every_seconds=86400, window_from=0, window_until=60)
    assert next(moments(rule, NOON), None) is None


def test_jitter_is_spread_steady_and_inside_the_window() -> None:
    """Up to ten minutes later, another share each day, the same when asked twice, never past the window."""
    rule = _rule(jitter_seconds=600, window_from=2 * 60, window_until=2 * 60 + 40)
    days = [datetime(2026, 11, 1, 18, 30, tzinfo=UTC) + timedelta(days=i) for i in range(60)]
    shares = [(start_of(rule, day) - day).total_seconds() for day in days]
    assert all(0 <= share <= 600 for share in shares)
    assert len(set(shares)) > 40
    assert shares == [(start_of(rule, day) - day).total_seconds() for day in days]
    assert all(in_window(rule, start_of(rule, day)) for day in days)


def test_jitter_delays_the_start(platform: Platform, rows: Rows) -> None:
    """The dispatcher looks at the later moment; the run carries the due one."""
    schedule_id = _recompute(platform, rows, jitter_seconds=900, first_run_at=None)
    later = _next(platform, schedule_id)
    assert later is not None
    assert NOON <= later <= NOON + timedelta(minutes=15)
    assert dispatch_due(platform, now=later - timedelta(seconds=1)) == 0
    assert dispatch_due(platform, now=later) == 1
    assert _runs(platform, schedule_id) == [(NOON, "started")]


def test_run_now_beside_the_plan(platform: Platform, rows: Rows) -> None:
    """A run by hand is on record with who asked, and the plan stays as it is."""
    schedule_id = _recompute(platform, rows)
    with platform.work("test") as session:
        services.run_now(session, schedule_id, settings=platform.settings, now=utc_now(), actor="officer-1")
    with platform.work("test") as session:
        run = session.scalars(select(ScheduleRun)).one()
        assert (run.cause, run.actor, run.jobs) == ("schedule-now", "officer-1", 1)
    assert _next(platform, schedule_id) == NOON


_LOOK = """
import sys
from pathlib import Path
from secops import models
from secops.clock import utc_now
from secops.config import Settings
from secops.platform import Platform
from secops.schedules.dispatch import dispatch_due
print(dispatch_due(Platform.open(Settings(home=Path(sys.argv[1])).resolved()), now=utc_now()))
"""


@pytest.mark.live
def test_processes_whose_clocks_differ_run_none_twice(platform: Platform, rows: Rows) -> None:
    """Dispatchers an hour and a day ahead and behind, one after the other: each due moment at most once."""
    faketime = require_tool("faketime", "faketime")
    now = utc_now()
    schedule_id = _recompute(platform, rows, now=now, first_run_at=now, every_seconds=900)
    started = 0
    for offset in ("+0", "+1h", "+0", "+2h", "-1h", "+1d", "+1h", "-1d", "+2d"):
        done = subprocess.run(
            [faketime, "-f", offset, sys.executable, "-c", _LOOK, str(platform.settings.home)],
            capture_output=True, text=True, check=True, timeout=120, cwd=ROOT,
        )  # fmt: skip
        started += int(done.stdout)
        _finish_jobs(platform)

    found = _runs(platform, schedule_id)
    assert started == sum(state == "started" for _, state in found) == 5
    assert len({due for due, _ in found}) == len(found)
    with platform.work("test") as session:
        assert session.scalar(select(func.count(Job.id))) == started
