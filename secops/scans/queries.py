"""Reads for the pages of scans and authorisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from secops.errors import NotFound
from secops.findings.models import Finding, FindingEvent
from secops.jobs.models import OPEN_STATES, Job
from secops.objects.models import Asset, Department, System
from secops.scans.models import (
    AuthorizationState,
    Outcome,
    ProbeRun,
    RunState,
    Scan,
    ScanAuthorization,
    ScanState,
)
from secops.web.people import person

MAX_EVENTS = 200
OPEN_SCANS = (ScanState.QUEUED, ScanState.RUNNING)


def _runs(*where: Any) -> Any:
    return select(func.count(ProbeRun.id)).where(ProbeRun.scan_id == Scan.id, *where).scalar_subquery()


def _outcomes(outcome: str) -> Any:
    return (
        select(func.count(Outcome.id))
        .where(Outcome.scan_id == Scan.id, Outcome.outcome == outcome)
        .scalar_subquery()
    )


def scan_statement() -> Select[Any]:
    """Scans with system, authorisation, and numbers of targets and outcomes."""
    return (
        select(
            Scan,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            ScanAuthorization.title.label("authorization_title"),
            person(Scan.requested_by).label("requester"),
            _runs().label("targets"),
            _runs(ProbeRun.state == RunState.FAILED).label("unseen"),
            _outcomes("pass").label("passed"),
            _outcomes("fail").label("failed"),
        )
        .join(System, System.id == Scan.system_id)
        .join(Department, Department.id == System.department_id)
        .join(ScanAuthorization, ScanAuthorization.id == Scan.authorization_id)
    )


# Arguments that only links of other pages set.
NARROWING = {"schedule": Scan.schedule_id, "authorization": Scan.authorization_id}


def narrowed(args: Mapping[str, str]) -> Select[Any]:
    """The statement of the list, cut down by the arguments of a link; what is no number is ignored."""
    statement = scan_statement()
    for name, column in NARROWING.items():
        value = args.get(name, "")
        if value.isascii() and value.isdigit() and len(value) < 10:
            statement = statement.where(column == int(value))
    return statement


def authorization_statement() -> Select[Any]:
    """Authorisations with system, people, and how many scans ran under each."""
    used = select(func.count(Scan.id)).where(Scan.authorization_id == ScanAuthorization.id).scalar_subquery()
    return (
        select(
            ScanAuthorization,
            System.name.label("system_name"),
            System.is_example.label("is_example"),
            Department.name.label("department_name"),
            person(ScanAuthorization.requested_by).label("requester"),
            person(ScanAuthorization.decided_by).label("decider"),
            used.label("scans"),
        )
        .join(System, System.id == ScanAuthorization.system_id)
        .join(Department, Department.id == System.department_id)
    )


def valid_now(now: datetime) -> ColumnElement[bool]:
    """Approved and in its period."""
    return and_(
        ScanAuthorization.state == AuthorizationState.APPROVED,
        ScanAuthorization.valid_from <= now,
        ScanAuthorization.valid_until > now,
    )


def authorization_state(row: ScanAuthorization, now: datetime) -> str:
    """Its state, ``ended`` and ``not-begun`` told apart from ``approved``."""
    if row.state is AuthorizationState.APPROVED and row.valid_until <= now:
        return "ended"
    if row.state is AuthorizationState.APPROVED and row.valid_from > now:
        return "not-begun"
    return row.state.value


def usable_authorizations(session: Session, now: datetime, limit: int = 200) -> list[tuple[str, str]]:
    """(id, "system: title") of the authorisations under which a scan may start now; one query."""
    rows = session.execute(
        select(ScanAuthorization.id, ScanAuthorization.title, System.name)
        .join(System, System.id == ScanAuthorization.system_id)
        .where(valid_now(now))
        .order_by(System.name, ScanAuthorization.valid_until.desc())
        .limit(limit)
    )
    return [(str(row.id), f"{row.name} · {row.title}") for row in rows]


def get_authorization(session: Session, authorization_id: int) -> tuple[ScanAuthorization, System, str]:
    """One authorisation in scope with its system and department.

    Raises:
        NotFound
    """
    row = session.execute(
        select(ScanAuthorization, System, Department.name)
        .join(System, System.id == ScanAuthorization.system_id)
        .join(Department, Department.id == System.department_id)
        .where(ScanAuthorization.id == authorization_id)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2]


def open_scan(session: Session, authorization_id: int) -> Scan | None:
    """A scan under this authorisation that has not ended."""
    return session.scalar(
        select(Scan)
        .where(
            Scan.authorization_id == authorization_id, Scan.state.in_(OPEN_SCANS), Scan.finding_id.is_(None)
        )
        .order_by(Scan.id.desc())
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class ScanPage:
    """What the page of one scan shows, the list of its outcomes apart."""

    scan: Scan
    system: System
    authorization: ScanAuthorization
    job: Job | None
    runs: Sequence[Any]
    outcomes: Mapping[str, int]
    events: Sequence[Any]
    assets: Mapping[int, str]

    @property
    def is_open(self) -> bool:
        """A scan whose job was started again is under way although its row still says how it ended before."""
        return self.scan.state in OPEN_SCANS or (self.job is not None and self.job.state in OPEN_STATES)


def get_scan(session: Session, scan_id: int) -> tuple[Scan, System, ScanAuthorization, Job | None]:
    """One scan in scope with what it hangs on; one query.

    Raises:
        NotFound
    """
    row = session.execute(
        select(Scan, System, ScanAuthorization, Job)
        .join(System, System.id == Scan.system_id)
        .join(ScanAuthorization, ScanAuthorization.id == Scan.authorization_id)
        .outerjoin(Job, Job.id == Scan.job_id)
        .where(Scan.id == scan_id)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1], row[2], row[3]


def scan_page(session: Session, scan_id: int) -> ScanPage:
    """Read one scan: six queries whatever it found."""
    scan, system, authorization, job = get_scan(session, scan_id)
    said = (
        select(func.count(Outcome.id))
        .where(Outcome.probe_run_id == ProbeRun.id)
        .scalar_subquery()
        .label("outcomes")
    )
    # The result of a probe can be large and is not shown here.
    columns = (
        ProbeRun.id,
        ProbeRun.probe,
        ProbeRun.target,
        ProbeRun.state,
        ProbeRun.reason,
        ProbeRun.detail,
        ProbeRun.attempt,
        ProbeRun.evidence_id,
        ProbeRun.started_at,
        ProbeRun.finished_at,
    )
    runs = session.execute(
        select(*columns, Asset.name.label("asset_name"), said)
        .join(Asset, Asset.id == ProbeRun.asset_id)
        .where(ProbeRun.scan_id == scan_id)
        .order_by(ProbeRun.id)
        .limit(1000)
    ).all()
    counted = select(Outcome.outcome, func.count(Outcome.id)).where(Outcome.scan_id == scan_id)
    outcomes = {row[0]: int(row[1]) for row in session.execute(counted.group_by(Outcome.outcome))}
    events = session.execute(
        select(FindingEvent.action, Finding.id, Finding.title, Finding.severity)
        .join(Finding, Finding.id == FindingEvent.finding_id)
        .where(
            FindingEvent.system_id == scan.system_id,
            FindingEvent.at >= scan.requested_at,
            FindingEvent.detail["scan"].as_integer() == scan_id,
            FindingEvent.action.in_(("open", "reopen", "retest-passed", "retest-failed", "scan-passed")),
        )
        .order_by(FindingEvent.id)
        .limit(MAX_EVENTS)
    ).all()
    named = session.execute(select(Asset.id, Asset.name).where(Asset.system_id == scan.system_id))
    assets = {row.id: row.name for row in named}
    return ScanPage(scan, system, authorization, job, runs, outcomes, events, assets)


def outcome_statement(scan_id: int) -> Select[Any]:
    """What the rules said in one scan, with the finding that stands for a failure."""
    statement: Any = (
        select(
            Outcome,
            ProbeRun.probe.label("probe"),
            ProbeRun.target.label("target"),
            Asset.name.label("asset_name"),
            Finding.id.label("finding_id"),
        )
        .join(ProbeRun, ProbeRun.id == Outcome.probe_run_id)
        .join(Asset, Asset.id == Outcome.asset_id)
        .outerjoin(
            Finding,
            and_(
                Finding.system_id == Outcome.system_id,
                Finding.rule_id == Outcome.rule_id,
                Finding.asset_id == Outcome.asset_id,
                Finding.target == Outcome.target,
            ),
        )
        .where(Outcome.scan_id == scan_id)
    )
    return statement
