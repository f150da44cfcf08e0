"""The evaluation clock of a system, as a date for one row and as a condition for many.

The dates come from :func:`controls.grading.next_dates`; the conditions are its periods turned around, so that a
list can be filtered by the database.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, and_, or_

from controls.grading import DutyDates, NextDate, add_months, next_dates
from secops.objects.models import System
from secops.web.labels import Label

# Level → years between two evaluations; level 2 is customary and a setting, the rest is binding.
_YEARS = {2: 2, 3: 1, 4: 1, 5: 1}
STATES = {
    "never": Label("未见测评记录", "No evaluation on record", "warn", "question-circle"),
    "overdue": Label("测评已逾期", "Evaluation overdue", "bad", "calendar-x"),
    "this-year": Label("本年到期", "Due this year", "info", "calendar-event"),
    "later": Label("在周期内", "In its period", "good"),
    "none": Label("无测评周期", "No period", "mute"),
}


class Dated(Protocol):
    """What the clock reads of a system, an object or a row of a query."""

    @property
    def level(self) -> int | None: ...
    @property
    def in_operation_on(self) -> date | None: ...
    @property
    def filed_on(self) -> date | None: ...
    @property
    def last_evaluation_on(self) -> date | None: ...


def duties(system: Dated, level_fixed: date | None) -> tuple[NextDate, ...]:
    """What is due for *system*, with the clause each date comes from; nothing before it has a level."""
    if system.level is None:
        return ()
    dates = DutyDates(
        level_fixed=level_fixed,
        in_operation=system.in_operation_on,
        filed=system.filed_on,
        last_evaluation=system.last_evaluation_on,
    )
    return next_dates(system.level, dates)


def evaluation_due(system: System) -> date | None:
    """When the next evaluation is due; None while there is no level or no evaluation on record."""
    if system.level is None or system.last_evaluation_on is None:
        return None
    return next((one.due for one in duties(system, None) if one.key == "evaluation"), None)


def evaluation_state(system: System, today: date) -> str:
    """A key of :data:`STATES`."""
    if (system.level or 0) not in _YEARS:
        return "none"
    due = evaluation_due(system)
    if due is None:
        return "never"
    if due < today:
        return "overdue"
    return "this-year" if due.year == today.year else "later"


def evaluation_clause(state: str, today: date) -> ColumnElement[bool]:
    """The same as a condition on :class:`System`."""
    timed = System.level.in_(tuple(_YEARS))
    seen = and_(timed, System.last_evaluation_on.is_not(None))
    new_year = date(today.year + 1, 1, 1)
    clauses = {
        "none": or_(System.level.is_(None), System.level.not_in(tuple(_YEARS))),
        "never": and_(timed, System.last_evaluation_on.is_(None)),
        "overdue": _due_before(today),
        "this-year": and_(_due_before(new_year), ~_due_before(today)),
        "later": and_(seen, ~_due_before(new_year)),
    }
    return clauses[state]


def due_before(limit: date) -> ColumnElement[bool]:
    """Systems whose next evaluation is due before *limit*."""
    return _due_before(limit)


def _due_before(limit: date) -> ColumnElement[bool]:
    return and_(
        System.last_evaluation_on.is_not(None),
        or_(
            *(
                and_(System.level == level, System.last_evaluation_on <= _last_before(limit, years))
                for level, years in _YEARS.items()
            )
        ),
    )


def _last_before(limit: date, years: int) -> date:
    """The newest day of an evaluation whose next one falls before *limit*; leap days make it more than a subtraction."""
    day = add_months(limit, -12 * years) + timedelta(days=1)
    while add_months(day, 12 * years) >= limit:
        day -= timedelta(days=1)
    return day
