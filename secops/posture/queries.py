"""Reads for the dashboard: figures over every system in scope, a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from reports.read_model import STATES, Counts
from secops.evidence.models import BlobState, Evidence, EvidenceState
from secops.findings.models import Finding, Severity
from secops.findings.queries import FindingCounts, counts, is_open
from secops.findings.rollup import FindingRollup
from secops.findings.services import OPEN_STATES
from secops.objects.clock import due_before, evaluation_clause, evaluation_due
from secops.objects.models import Classification, Hosting, System
from secops.objects.parts import open_groups, summed
from secops.objects.queries import HIGH, system_statement
from secops.objects.tables import filed_clause
from secops.posture.models import PostureSummary
from secops.scans.models import Scan
from secops.schedules.models import Schedule

RISKY = 10
SCANS = 8
DUE_ROWS = 10
FILING_DAYS = 30
AHEAD = timedelta(days=120)
_MINE = System.is_platform.is_(False)


@dataclass(frozen=True, slots=True)
class SystemCounts:
    """Figures over the systems in scope; each is the number of a filtered list."""

    total: int
    level_2: int
    level_3: int
    level_4: int
    unclassified: int
    filed: int
    to_file: int
    cloud: int
    own_room: int
    superior: int
    lost: int
    internet: int
    evaluated: int
    overdue: int
    due_this_year: int
    never: int


def system_counts(session: Session, today: date) -> SystemCounts:
    """One query."""

    def number(clause: ColumnElement[bool]) -> Any:
        return func.coalesce(func.sum(case((clause, 1), else_=0)), 0)

    year = and_(
        System.last_evaluation_on >= date(today.year, 1, 1),
        System.last_evaluation_on <= date(today.year, 12, 31),
    )
    wanted = (
        System.level == 2,
        System.level == 3,
        System.level == 4,
        System.level.is_(None),
        filed_clause("filed"),
        filed_clause("open"),
        System.hosting == Hosting.GOVERNMENT_CLOUD,
        System.hosting == Hosting.OWN_ROOM,
        System.hosting == Hosting.SUPERIOR,
        System.lost_maintainer.is_(True),
        System.internet_facing.is_(True),
        year,
        evaluation_clause("overdue", today),
        evaluation_clause("this-year", today),
        evaluation_clause("never", today),
    )
    row = session.execute(select(func.count(System.id), *map(number, wanted)).where(_MINE)).one()
    return SystemCounts(*(int(value) for value in row))


@dataclass(frozen=True, slots=True)
class DistrictPosture:
    """The verdicts of all systems in scope added up. ``systems`` is how many have a posture."""

    systems: int
    total: Counts
    by_class: Mapping[str, Mapping[str, int]]
    newest: datetime | None


def district_posture(session: Session) -> DistrictPosture:
    """Two queries; their rows grow with the systems, each one small. Items of a system without a posture are open."""
    columns = [getattr(PostureSummary, state) for state in STATES]
    rows = session.execute(
        select(*columns, PostureSummary.by_class, PostureSummary.computed_at)
        .join(System, System.id == PostureSummary.system_id)
        .where(PostureSummary.current.is_(True), _MINE)
    ).all()
    numbers = {state: sum(getattr(row, state) for row in rows) for state in STATES}
    open_items = _items_without_posture(session)
    numbers["not_examined"] += sum(group["not_examined"] for one in open_items for group in one.values())
    newest = max((row.computed_at for row in rows), default=None)
    return DistrictPosture(
        len(rows), Counts(**numbers), summed([*(row.by_class for row in rows), *open_items]), newest
    )


def _items_without_posture(session: Session) -> list[dict[str, dict[str, int]]]:
    """Per classified system without a posture: its items by class, none of them examined."""
    current = select(PostureSummary.id).where(
        PostureSummary.system_id == System.id, PostureSummary.current.is_(True)
    )
    query = select(System.profile, System.extensions).where(_MINE, System.profile != "", ~current.exists())
    return [open_groups(profile, tuple(extensions))[0] for profile, extensions in session.execute(query)]


@dataclass(frozen=True, slots=True)
class Due:
    """Something that falls due. ``kind``: evaluation, filing, finding, evidence or schedule."""

    on: date
    kind: str
    text: str
    note: str
    system_id: int
    row_id: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the dashboard."""

    systems: SystemCounts
    posture: DistrictPosture
    findings: FindingCounts
    by_layer: Mapping[str, Mapping[str, int]]
    risky: Sequence[Any]
    scans: Sequence[Any]
    due: Sequence[Due]


def dashboard(session: Session, today: date) -> Dashboard:
    """Eleven queries at twelve systems and at a thousand."""
    findings = counts(session, today)
    return Dashboard(
        systems=system_counts(session, today),
        posture=district_posture(session),
        findings=findings,
        by_layer=findings.by_layer,
        risky=_risky(session),
        scans=session.execute(
            select(Scan, System.name.label("system_name"), System.is_example.label("is_example"))
            .join(System, System.id == Scan.system_id)
            .order_by(Scan.id.desc())
            .limit(SCANS)
        ).all(),
        due=_due(session, today),
    )


def _risky(session: Session) -> Sequence[Any]:
    """Systems with the most high findings first, then those of which the least is examined.

    The list would be sorted as a whole, so the candidates are found first.
    """
    number = func.sum(FindingRollup.number)
    top = (
        select(FindingRollup.system_id)
        .where(FindingRollup.state.in_(OPEN_STATES), FindingRollup.severity == Severity.HIGH)
        .group_by(FindingRollup.system_id)
        .order_by(number.desc(), FindingRollup.system_id)
        .limit(RISKY)
        .subquery()
    )
    least = (
        select(System.id)
        .outerjoin(
            PostureSummary, and_(PostureSummary.system_id == System.id, PostureSummary.current.is_(True))
        )
        .where(_MINE)
        .order_by(func.coalesce(PostureSummary.examined_share, -1), System.id)
        .limit(RISKY)
        .subquery()
    )
    return session.execute(
        system_statement()
        .where(or_(System.id.in_(select(top.c.system_id)), System.id.in_(select(least.c.id))))
        .order_by(
            HIGH.desc(),
            func.coalesce(PostureSummary.examined_share, -1),
            PostureSummary.not_examined.desc(),
            System.id,
        )
        .limit(RISKY)
    ).all()


def _due(session: Session, today: date) -> list[Due]:
    """The next dates of every kind in one order, overdue ones first."""
    entries = [
        *_evaluations(session, today),
        *_filings(session),
        *_findings(session, today),
        *_evidence(session, today),
    ]
    entries += _schedules(session)
    return sorted(entries, key=lambda one: (one.on, one.kind, one.row_id))[:DUE_ROWS]


def _evaluations(session: Session, today: date) -> list[Due]:
    rows = session.scalars(
        select(System)
        .where(_MINE, due_before(today + AHEAD))
        .order_by(System.last_evaluation_on, System.id)
        .limit(3 * DUE_ROWS)
    ).all()
    dated = ((evaluation_due(row), row) for row in rows)
    return [Due(due, "evaluation", row.name, "", row.id, row.id) for due, row in dated if due is not None]


def _filings(session: Session) -> list[Due]:
    """Systems to be filed: within thirty days after their level was fixed or they went into operation."""
    fixed = func.max(Classification.decided_at)
    rows = session.execute(
        select(System.id, System.name, System.in_operation_on, fixed.label("fixed"))
        .join(Classification, Classification.system_id == System.id)
        .where(_MINE, filed_clause("open"))
        .group_by(System.id, System.name, System.in_operation_on)
        .order_by(fixed, System.id)
        .limit(DUE_ROWS)
    ).all()
    found = []
    for row in rows:
        start = max(day for day in (row.fixed.date(), row.in_operation_on) if day is not None)
        found.append(Due(start + timedelta(days=FILING_DAYS), "filing", row.name, "", row.id, row.id))
    return found


def _findings(session: Session, today: date) -> list[Due]:
    """One entry per system and day: twenty findings of one scan are one thing to plan."""
    # The first days and systems come from the index; only theirs are counted.
    first_days = (
        select(Finding.due_on, Finding.system_id)
        .where(is_open(), Finding.due_on <= today + AHEAD)
        .group_by(Finding.due_on, Finding.system_id)
        .order_by(Finding.due_on, Finding.system_id)
        .limit(DUE_ROWS)
        .subquery()
    )
    rows = session.execute(
        select(
            Finding.system_id,
            System.name,
            Finding.due_on.label("due"),
            func.count(Finding.id),
            func.min(Finding.id),
        )
        .join(
            first_days,
            and_(first_days.c.due_on == Finding.due_on, first_days.c.system_id == Finding.system_id),
        )
        .join(System, System.id == Finding.system_id)
        .where(is_open())
        .group_by(Finding.system_id, System.name, Finding.due_on)
        .order_by(Finding.due_on, Finding.system_id)
    )
    return [
        Due(due, "finding", name, str(number), system, first)
        for system, name, due, number, first in rows
        if due is not None
    ]


def _evidence(session: Session, today: date) -> list[Due]:
    living = (EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)
    rows = session.execute(
        select(Evidence.id, Evidence.title, Evidence.system_id, Evidence.effective_until, System.name)
        .join(System, System.id == Evidence.system_id)
        .where(
            Evidence.blob_state == BlobState.OK,
            Evidence.state.in_(living),
            Evidence.effective_until <= today + AHEAD,
        )
        .order_by(Evidence.effective_until, Evidence.id)
        .limit(DUE_ROWS)
    )
    return [Due(row.effective_until, "evidence", row.title, row.name, row.system_id, row.id) for row in rows]


def _schedules(session: Session) -> list[Due]:
    rows = session.execute(
        select(
            Schedule.id,
            Schedule.name,
            Schedule.system_id,
            Schedule.next_run_at,
            System.name.label("system_name"),
        )
        .join(System, System.id == Schedule.system_id)
        .where(Schedule.enabled.is_(True), Schedule.next_run_at.is_not(None))
        .order_by(Schedule.next_run_at, Schedule.id)
        .limit(DUE_ROWS)
    )
    return [
        Due(row.next_run_at.date(), "schedule", row.name, row.system_name, row.system_id, row.id)
        for row in rows
    ]
