"""Every date of every system as rows, and the reminders that follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controls.catalog import Text
from secops.audit_log.services import record
from secops.inventory.models import Reminder
from secops.objects.clock import duties
from secops.objects.models import Classification, Department, System, SystemState

SOON = timedelta(days=90)
TOLD_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Entry:
    """One matter of one system; ``due`` None while the date it counts from is unknown."""

    system_id: int
    code: str
    name: str
    department: str
    department_id: int
    level: int | None
    key: str
    title: Text
    due: date | None
    source: Text
    today: date

    @property
    def state(self) -> str:
        """``overdue``, ``soon`` (within 90 days), ``later`` or ``unknown``."""
        if self.due is None:
            return "unknown"
        if self.due < self.today:
            return "overdue"
        return "soon" if self.due <= self.today + SOON else "later"


# Dates that the inventory itself holds: attribute, key, words.
_OWN = (
    ("maintained_until", "maintenance", Text("运维合同到期", "Maintenance contract ends")),
    ("evaluation_contract_until", "evaluation-contract", Text("测评合同到期", "Evaluation contract ends")),
    ("certificate_until", "certificate", Text("备案证明到期", "Filing certificate ends")),
)
_READ = (
    "id", "code", "name", "department_id", "level", "in_operation_on", "filed_on", "filing_number", "last_evaluation_on",
    *(attribute for attribute, _, _ in _OWN),
)  # fmt: skip
_ASKED_WITHOUT_DATE = ("evaluation", "filing")


def entries(session: Session, today: date) -> list[Entry]:
    """All dates of the systems in scope that are not retired, the earliest first; two queries."""
    classified = select(Classification.system_id, func.max(Classification.decided_at)).group_by(
        Classification.system_id
    )
    fixed = {row[0]: row[1] for row in session.execute(classified)}
    # Columns, not objects: a district has a thousand systems, and each object costs more than its dates.
    columns = (getattr(System, name) for name in _READ)
    query = (
        select(*columns, Department.name.label("department_name"))
        .join(Department, Department.id == System.department_id)
        .where(System.is_platform.is_(False), System.state != SystemState.RETIRED)
    )
    found: list[Entry] = []
    for system in session.execute(query):
        found.extend(_of_system(system, fixed.get(system.id), today))
    return sorted(found, key=lambda one: (one.due or date.max, one.code))


def _of_system(system: Any, fixed: Any, today: date) -> Iterator[Entry]:
    def entry(key: str, title: Text, due: date | None, source: Text) -> Entry:
        return Entry(
            system.id, system.code, system.name, system.department_name, system.department_id, system.level, key,
            title, due, source, today,
        )  # fmt: skip

    filed = bool(system.filing_number)
    for one in duties(system, fixed.date() if fixed else None):
        # What is done already is no duty: a filed system has no filing ahead.
        if (one.key == "filing" and filed) or (
            one.key.startswith("certificate") and system.certificate_until
        ):
            continue
        if one.due is None and one.key not in _ASKED_WITHOUT_DATE:
            continue
        yield entry(one.key, one.title, one.due, one.source)
    for attribute, key, title in _OWN:
        due = getattr(system, attribute)
        if due is not None:
            yield entry(key, title, due, Text("", ""))


def tell(session: Session, *, today: date, now: datetime) -> int:
    """Note an event for each date that comes within 30 days, and once more when it has passed; returns how many.

    Runs as the platform. A date that moves is told anew.
    """
    wanted: dict[tuple[int, str, date, bool], Entry] = {}
    for one in entries(session, today):
        if one.due is not None and one.due <= today + TOLD_BEFORE:
            wanted[one.system_id, one.key, one.due, one.due < today] = one
    told = _told(session, sorted({key[0] for key in wanted}))
    new = [(key, one) for key, one in wanted.items() if key not in told]
    for (system_id, matter, due, late), one in new:
        session.add(
            Reminder(
                department_id=one.department_id, system_id=system_id, matter=matter, due=due, late=late, told_at=now
            )
        )  # fmt: skip
        record(
            session, "clock.late" if late else "clock.soon", now=now, object_type="System", object_id=str(system_id),
            detail={"matter": matter, "due": due.isoformat(), "title": one.title.zh},
        )  # fmt: skip
    session.flush()
    return len(new)


def _told(session: Session, systems: Sequence[int]) -> set[tuple[int, str, date, bool]]:
    found: set[tuple[int, str, date, bool]] = set()
    for start in range(0, len(systems), 500):
        rows = session.scalars(select(Reminder).where(Reminder.system_id.in_(systems[start : start + 500])))
        found |= {(row.system_id, row.matter, row.due, row.late) for row in rows}
    return found
