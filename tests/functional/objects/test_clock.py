"""The evaluation clock: the date of one row and the condition for many say the same."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from secops.objects.clock import STATES, evaluation_clause, evaluation_due, evaluation_state
from secops.objects.models import System
from secops.platform import Platform
from tests.support.builders import Rows

TODAYS = (
    date(2024, 2, 29),
    date(2025, 2, 28),
    date(2025, 3, 1),
    date(2026, 11, 25),
    date(2026, 12, 31),
    date(2027, 1, 1),
)


@pytest.mark.parametrize("today", TODAYS)
def test_row_and_condition_agree(platform: Platform, rows: Rows, today: date) -> None:
    """For every level and for evaluations around every edge, leap days included, each system is in its one state."""
    days: list[date | None] = [None]
    for years in (0, 1, 2, 3):
        edge = date(
            today.year - years,
            today.month,
            28 if (today.month, today.day) == (2, 29) and years else today.day,
        )
        days += [edge + timedelta(days=shift) for shift in (-2, -1, 0, 1, 2)]
        days += [date(today.year - years, 1, 1), date(today.year - years, 12, 31)]
    for level in (None, 1, 2, 3, 4):
        rows.many(System, len(days), lambda i: {"last_evaluation_on": days[i]}, level=level, profile="")
    with platform.work("test:look") as session:
        systems = session.scalars(select(System)).all()
        by_state = {
            state: set(session.scalars(select(System.id).where(evaluation_clause(state, today))))
            for state in STATES
        }
    for system in systems:
        state = evaluation_state(system, today)
        assert [name for name, ids in by_state.items() if system.id in ids] == [state], (
            system.level,
            system.last_evaluation_on,
        )


def test_due_follows_the_level() -> None:
    """Level 3 is due after one year, level 2 after two, level 1 never; a leap day moves to the last of February."""
    last = date(2024, 2, 29)
    found = {level: evaluation_due(System(level=level, last_evaluation_on=last)) for level in (1, 2, 3, 4)}
    assert found == {1: None, 2: date(2026, 2, 28), 3: date(2025, 2, 28), 4: date(2025, 2, 28)}
    assert evaluation_due(System(level=3, last_evaluation_on=None)) is None
