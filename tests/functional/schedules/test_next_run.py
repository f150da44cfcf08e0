"""When a schedule is due next: on the clocks of its own zone, whatever zone the process runs in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from secops.schedules.models import Schedule
from secops.schedules.timing import next_cron, next_run, parse_cron, preview

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("30 2 * * *", "2026-11-26T02:30+08:00"),
        ("0 12 * * *", "2026-11-25T12:00+08:00"),
        ("0 11 * * *", "2026-11-26T11:00+08:00"),
        ("0 3 * * 1", "2026-11-30T03:00+08:00"),
        ("0 3 * * 0", "2026-11-29T03:00+08:00"),
        ("*/5 * * * *", "2026-11-25T11:05+08:00"),
        ("0 3 31 * *", "2026-12-31T03:00+08:00"),
        ("0 3 29 2 *", "2028-02-29T03:00+08:00"),
        ("0 3 29 2 1", "2044-02-29T03:00+08:00"),
    ],
)
def test_the_rule_holds_in_its_own_zone(cron: str, expected: str) -> None:
    """The next moment is the next one on Shanghai's clocks, strictly later than now."""
    assert next_cron(parse_cron(cron), NOW, SHANGHAI) == datetime.fromisoformat(expected)


def test_a_skipped_hour_is_left_out() -> None:
    """A time that the clocks skip in spring is not due on that day."""
    berlin = ZoneInfo("Europe/Berlin")
    after = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert next_cron(parse_cron("30 2 * * *"), after, berlin) == datetime(2026, 3, 30, 2, 30, tzinfo=berlin)


def test_a_repeated_hour_counts_once() -> None:
    """A time that the clocks show twice in autumn is due once."""
    berlin = ZoneInfo("Europe/Berlin")
    first = next_cron(parse_cron("30 2 * * *"), datetime(2026, 10, 24, 12, 0, tzinfo=UTC), berlin)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_cron(parse_cron("30 2 * * *"), first, berlin) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def _schedule(**values: object) -> Schedule:
    shape = {"cron": "30 2 * * *", "time_zone": "Asia/Shanghai", "runs": 0, "every_seconds": None}
    return Schedule(**(shape | {"max_runs": None, "ends_at": None} | values))


def test_the_end_ends_it() -> None:
    """Nothing is due after the last day, nor after the last of a limited number of runs."""
    ends = NOW + timedelta(days=3)
    assert len(preview(_schedule(ends_at=ends), NOW)) == 3
    assert next_run(_schedule(max_runs=2, runs=2), NOW) is None
    assert next_run(_schedule(cron="", every_seconds=600), NOW) == NOW + timedelta(minutes=10)


def test_a_preview_ends_with_the_runs_that_are_left() -> None:
    """A schedule that may run twice more shows two moments."""
    assert len(preview(_schedule(max_runs=3, runs=1), NOW)) == 2
