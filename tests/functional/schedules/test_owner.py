"""A schedule acts for its owner and ends with the owner's right to do the same by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from secops.accounts.models import Role, RoleGrant
from secops.accounts.services import acting_for
from secops.clock import utc_now
from secops.objects.models import System
from secops.platform import Platform
from secops.scans.models import Scan, ScanAuthorization
from secops.schedules.dispatch import dispatch_due
from secops.schedules.models import Schedule
from tests.functional.schedules.support import due_schedule
from tests.support.builders import Rows
from tests.support.platforms import add_person


def _after(platform: Platform, schedule_id: int) -> tuple[bool, str, int]:
    with platform.work("test") as session:
        schedule = session.get_one(Schedule, schedule_id)
        scans = session.scalar(select(func.count()).select_from(Scan)) or 0
        return schedule.enabled, schedule.last_error, scans


def test_it_runs_while_the_owner_may(platform: Platform, rows: Rows) -> None:
    """An officer in office: the schedule starts its scan."""
    owner = add_person(platform, Role.OFFICER)
    schedule_id = due_schedule(platform, rows, owner)

    started = dispatch_due(platform, now=utc_now())
    assert (started, _after(platform, schedule_id)[1]) == (1, "")
    assert _after(platform, schedule_id) == (True, "", 1)


@pytest.mark.parametrize("loss", ["grant", "role", "account"])
def test_it_ends_with_the_right(platform: Platform, rows: Rows, loss: str) -> None:
    """Grant over, only another role, no account: nothing is scanned, the schedule is paused and says why."""
    if loss == "account":
        owner = "nobody-of-that-name"
    else:
        owner = add_person(platform, Role.OFFICER if loss == "grant" else Role.INSPECTOR)
    schedule_id = due_schedule(platform, rows, owner)
    if loss == "grant":
        with platform.engine.begin() as session:
            session.execute(update(RoleGrant).values(valid_until=utc_now() - timedelta(minutes=1)))

    assert dispatch_due(platform, now=utc_now()) == 0

    enabled, error, scans = _after(platform, schedule_id)
    assert not enabled
    assert owner in error
    assert "已暂停" in error
    assert scans == 0


def test_another_department_is_not_enough(platform: Platform, rows: Rows) -> None:
    """A grant for some other department does not carry it."""
    other = rows.one(System)
    with platform.work("test") as session:
        department = session.get_one(System, other).department_id
    owner = add_person(platform, Role.OFFICER, department_id=department)
    schedule_id = due_schedule(platform, rows, owner)

    dispatch_due(platform, now=utc_now())

    assert _after(platform, schedule_id)[0] is False
    with platform.work("test") as session:
        assert session.scalar(select(func.count()).select_from(ScanAuthorization)) == 1


@pytest.mark.parametrize("name", ["client-1", "cli", "platform:me"])
def test_a_name_gives_no_rights(platform: Platform, rows: Rows, name: str) -> None:
    """An account that calls itself like the console or the platform acts with its own grants, here with none."""
    owner = add_person(platform, Role.INSPECTOR, username=name)
    schedule_id = due_schedule(platform, rows, owner)

    assert dispatch_due(platform, now=utc_now()) == 0
    assert _after(platform, schedule_id)[0] is False
    with platform.work("test") as session:
        who = acting_for(session, name, utc_now())
    assert who is not None
    assert not who.has("platform")


def test_a_name_that_only_begins_like_the_console_is_nobody(platform: Platform) -> None:
    """Without an account, only the console and the platform themselves act."""
    with platform.work("test") as session:
        assert acting_for(session, "client-1", utc_now()) is None
        console = acting_for(session, "cli", utc_now())
    assert console is not None
    assert console.has("platform")
