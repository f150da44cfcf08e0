"""Reads for the pages of findings: one statement for the list, and what the page of one finding shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.loader import load_catalog
from secops.errors import NotFound
from secops.evidence.models import Evidence
from secops.findings.models import (
    Finding,
    FindingEvent,
    FindingEvidence,
    FindingRequest,
    FindingState,
    Measure,
    MeasureFinding,
    RequestState,
    Severity,
)
from secops.findings.rollup import FindingRollup
from secops.findings.services import OPEN_STATES
from secops.objects.models import Asset, Department, System
from secops.scans.models import Outcome, ProbeRun, Scan
from secops.web.people import person

DUE = Finding.due_on
SEVERITY_RANK = Finding.rank


def is_open() -> ColumnElement[bool]:
    """Still waiting for somebody."""
    return Finding.state.in_(OPEN_STATES)


def is_overdue(today: date) -> ColumnElement[bool]:
    """Open beyond the due date that was planned, else beyond the suggested one."""
    return and_(is_open(), today > Finding.due_on)


def overdue(finding: Finding, today: date) -> bool:
    """The same for a row at hand."""
    due = finding.due or finding.suggested_due
    return finding.state in OPEN_STATES and due is not None and due < today


def finding_statement() -> Select[Any]:
    """Findings with the names of system, department, target and owner."""
    statement: Any = (
        select(
            Finding,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            Asset.name.label("asset_name"),
            Asset.kind.label("asset_kind"),
            person(Finding.owner).label("owner_name"),
        )
        .join(System, System.id == Finding.system_id)
        .join(Department, Department.id == System.department_id)
        .outerjoin(Asset, Asset.id == Finding.asset_id)
    )
    return statement


# Arguments that only links of other pages set: findings that a scan saw first, or of one target.
NARROWING = {"scan": Finding.first_scan_id, "asset": Finding.asset_id}


def narrowed(args: Mapping[str, str]) -> Select[Any]:
    """The statement of the list, cut down by the arguments of a link; what is no number is ignored."""
    statement = finding_statement()
    for name, column in NARROWING.items():
        value = args.get(name, "")
        if value.isascii() and value.isdigit() and len(value) < 10:
            statement = statement.where(column == int(value))
    return statement


@dataclass(frozen=True, slots=True)
class FindingCounts:
    """Figures over the findings in scope; each is the number of a filtered list."""

    open: int
    high: int
    overdue: int
    submitted: int
    closed: int
    total: int = 0
    by_layer: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def counts(session: Session, today: date) -> FindingCounts:
    """One query: the kept counts, and those overdue from an index alone. ``by_layer``: open ones per severity."""
    late = select(func.count()).select_from(Finding).where(is_overdue(today)).scalar_subquery()
    query = select(
        FindingRollup.layer, FindingRollup.severity, FindingRollup.state, func.sum(FindingRollup.number), late
    ).group_by(FindingRollup.layer, FindingRollup.severity, FindingRollup.state)
    states: Counter[FindingState] = Counter()
    by_layer: dict[str, dict[str, int]] = {}
    high = overdue = 0
    for layer, severity, state, number, over in session.execute(query):
        states[state] += int(number)
        overdue = int(over)
        if state in OPEN_STATES and number:
            group = by_layer.setdefault(layer, {})
            group[severity.value] = group.get(severity.value, 0) + int(number)
            high += int(number) if severity is Severity.HIGH else 0
    return FindingCounts(
        open=sum(states[state] for state in OPEN_STATES),
        high=high,
        overdue=overdue,
        submitted=states[FindingState.SUBMITTED],
        closed=states[FindingState.CLOSED],
        total=sum(states.values()),
        by_layer=by_layer,
    )


def open_of_system(*where: ColumnElement[bool]) -> Any:
    """The number of open findings of a row of ``System``, as a column; *where* narrows the counted buckets."""
    return (
        select(func.coalesce(func.sum(FindingRollup.number), 0))
        .where(FindingRollup.system_id == System.id, FindingRollup.state.in_(OPEN_STATES), *where)
        .correlate(System)
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Everything the page of one finding shows; the number of queries does not depend on its age."""

    finding: Finding
    system: System
    department: str
    asset: Asset | None
    units: Sequence[AssessmentUnit]
    events: Sequence[FindingEvent]
    measures: Sequence[Measure]
    sources: Sequence[Any]
    requests: Sequence[FindingRequest]
    papers: Sequence[Any]

    @property
    def waiting(self) -> dict[str, FindingRequest]:
        """Requests that nobody decided yet, by kind."""
        return {one.kind.value: one for one in self.requests if one.state is RequestState.ASKED}

    @property
    def submitter(self) -> str:
        """Who handed the newest fix in; "" when nobody did."""
        return next((event.actor for event in self.events if event.action == "submit"), "")


def finding_page(session: Session, finding_id: int) -> FindingPage:
    """Read one finding in scope.

    Raises:
        NotFound
    """
    row = session.execute(
        select(Finding, System, Asset, Department.name)
        .join(System, System.id == Finding.system_id)
        .outerjoin(Asset, Asset.id == Finding.asset_id)
        .join(Department, Department.id == System.department_id)
        .where(Finding.id == finding_id)
    ).first()
    if row is None:
        raise NotFound
    finding, system, asset, department = row
    catalog = load_catalog()
    events = session.scalars(
        select(FindingEvent)
        .where(FindingEvent.finding_id == finding_id)
        .order_by(FindingEvent.at.desc(), FindingEvent.id.desc())
        .limit(200)
    ).all()
    measures = session.scalars(
        select(Measure)
        .join(MeasureFinding, MeasureFinding.measure_id == Measure.id)
        .where(MeasureFinding.finding_id == finding_id)
        .order_by(Measure.id.desc())
    ).all()
    return FindingPage(
        finding=finding,
        system=system,
        department=department,
        asset=asset,
        units=[catalog.unit(unit) for unit in finding.units if catalog.has_unit(unit)],
        events=events,
        measures=measures,
        sources=_sources(session, finding) if finding.rule_id else [],
        requests=session.scalars(
            select(FindingRequest)
            .where(FindingRequest.finding_id == finding_id)
            .order_by(FindingRequest.id.desc())
        ).all(),
        papers=session.execute(
            select(FindingEvidence, Evidence.title, Evidence.file_name, Evidence.state, Evidence.sm3)
            .join(Evidence, Evidence.id == FindingEvidence.evidence_id)
            .where(FindingEvidence.finding_id == finding_id)
            .order_by(FindingEvidence.id)
        ).all(),
    )


def _sources(session: Session, finding: Finding) -> Sequence[Any]:
    """The newest ten answers of this rule at this target, with their scan and sealed raw output."""
    query = (
        select(Outcome, Scan.cause, ProbeRun.probe, ProbeRun.target, ProbeRun.evidence_id)
        .join(Scan, Scan.id == Outcome.scan_id)
        .join(ProbeRun, ProbeRun.id == Outcome.probe_run_id)
        .where(
            Outcome.rule_id == finding.rule_id,
            Outcome.asset_id == finding.asset_id,
            Outcome.target == finding.target,
        )
        .order_by(Outcome.id.desc())
        .limit(10)
    )
    return session.execute(query).all()
