"""Reads for the pages of systems. Every function costs a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from controls.catalog import AssessmentUnit, Text
from secops.accounts.models import Account, Role, RoleGrant
from secops.accounts.tables import holds
from secops.catalogue.words import class_name, clause_words
from secops.errors import NotFound
from secops.evidence.models import BlobState, Evidence, EvidenceState
from secops.findings.models import Finding, FindingEvent, Severity
from secops.findings.queries import DUE, SEVERITY_RANK, is_open, open_of_system
from secops.findings.rollup import FindingRollup
from secops.objects.models import Asset, Classification, Department, System
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureCell, PostureSummary
from secops.reporting.models import ReportFile
from secops.reporting.posture_model import combined_verdict
from secops.scans.models import ProbeRun, RunState, Scan, ScanAuthorization
from secops.scans.queries import valid_now
from secops.web.lang import language, pick
from secops.web.links import link

OPEN = open_of_system()
HIGH = open_of_system(FindingRollup.severity == Severity.HIGH)
SUMMARY_COLUMNS = tuple(
    getattr(PostureSummary, name)
    for name in ("compliant", "partial", "non_compliant", "na", "not_examined", "computed_at")
)
WORKERS = (Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR)
SOON = timedelta(days=90)


def system_statement() -> Select[Any]:
    """Systems with department, the five numbers of their posture and their open findings."""
    return (
        select(
            System,
            Department.name.label("department_name"),
            *SUMMARY_COLUMNS,
            OPEN.label("open_findings"),
            HIGH.label("high_findings"),
        )
        .join(Department, Department.id == System.department_id)
        .outerjoin(
            PostureSummary, and_(PostureSummary.system_id == System.id, PostureSummary.current.is_(True))
        )
        .where(System.is_platform.is_(False))
    )


@dataclass(frozen=True, slots=True)
class Head:
    """What every page of one system shows on top: the system, where it belongs, and how much stands behind each tab."""

    system: System
    department: Department
    findings: int
    high: int
    evidence: int
    scans: int
    assets: int
    reports: int

    @property
    def items(self) -> int:
        return len(units_of(self.system))


def units_of(system: System) -> Sequence[AssessmentUnit]:
    """The units that bind *system*; none before it has a level."""
    return selection_for(system.profile, tuple(system.extensions)).units if system.profile else ()


def system_head(session: Session, system_id: int) -> Head:
    """Read one system in scope, one query.

    Raises:
        NotFound
    """

    def number(model: Any, *where: Any) -> Any:
        return select(func.count(model.id)).where(model.system_id == System.id, *where).scalar_subquery()

    row = session.execute(
        select(
            System,
            Department,
            OPEN,
            HIGH,
            number(Evidence, Evidence.blob_state == BlobState.OK),
            number(Scan),
            number(Asset),
            number(ReportFile),
        )
        .join(Department, Department.id == System.department_id)
        .where(System.id == system_id)
    ).first()
    if row is None:
        raise NotFound
    return Head(*row)


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page of one system."""

    summary: PostureSummary | None
    findings: Sequence[Any]
    severities: Mapping[str, int]
    evidence: Sequence[Any]
    due_evidence: Sequence[Evidence]
    people: Sequence[Any]
    assets: Sequence[Asset]
    scans: Sequence[Scan]
    classifications: Sequence[Classification]
    events: Sequence[Any]
    authorizations: Sequence[ScanAuthorization]


def overview(session: Session, head: Head, now: datetime, today: date) -> Overview:
    """Eleven queries whatever there is."""
    system = head.system
    of_system = Finding.system_id == system.id
    severities = session.execute(
        select(Finding.severity, func.count(Finding.id))
        .where(of_system, is_open())
        .group_by(Finding.severity)
    )
    return Overview(
        summary=current_summary(session, system.id),
        findings=session.execute(
            select(Finding, Asset.name.label("asset_name"))
            .outerjoin(Asset, Asset.id == Finding.asset_id)
            .where(of_system, is_open())
            .order_by(SEVERITY_RANK, DUE, Finding.id)
            .limit(8)
        ).all(),
        severities={severity.value: int(number) for severity, number in severities},
        evidence=session.execute(
            _evidence_of(system.id).order_by(Evidence.given_at.desc(), Evidence.id.desc()).limit(8)
        ).all(),
        due_evidence=_due_evidence(session, system.id, today),
        people=_people(session, head, now),
        assets=session.scalars(
            select(Asset).where(Asset.system_id == system.id).order_by(Asset.name).limit(12)
        ).all(),
        scans=session.scalars(
            select(Scan).where(Scan.system_id == system.id).order_by(Scan.id.desc()).limit(8)
        ).all(),
        classifications=session.scalars(
            select(Classification)
            .where(Classification.system_id == system.id)
            .order_by(Classification.id.desc())
            .limit(10)
        ).all(),
        events=session.execute(
            select(FindingEvent, Finding.title, Finding.id.label("finding_id"))
            .join(Finding, Finding.id == FindingEvent.finding_id)
            .where(FindingEvent.system_id == system.id)
            .order_by(FindingEvent.at.desc(), FindingEvent.id.desc())
            .limit(60)
        ).all(),
        authorizations=session.scalars(
            select(ScanAuthorization)
            .where(ScanAuthorization.system_id == system.id, valid_now(now))
            .order_by(ScanAuthorization.valid_until.desc())
            .limit(20)
        ).all(),
    )


def current_summary(session: Session, system_id: int) -> PostureSummary | None:
    """The present posture of one system."""
    query = select(PostureSummary).where(
        PostureSummary.system_id == system_id, PostureSummary.current.is_(True)
    )
    return session.scalars(query.order_by(PostureSummary.id.desc()).limit(1)).first()


def _evidence_of(system_id: int) -> Select[Any]:
    columns: tuple[Any, ...] = (
        Evidence.id,
        Evidence.title,
        Evidence.origin_key,
        Evidence.source,
        Evidence.state,
        Evidence.given_by,
        Evidence.given_at,
    )
    return select(*columns).where(Evidence.system_id == system_id, Evidence.blob_state == BlobState.OK)


def _due_evidence(session: Session, system_id: int, today: date) -> Sequence[Any]:
    """Evidence that somebody has to act on: asked for, returned, expired or about to expire."""
    living = (EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)
    acting = (EvidenceState.REQUESTED, EvidenceState.RETURNED, EvidenceState.EXPIRED)
    return session.execute(
        select(Evidence.id, Evidence.title, Evidence.origin_key, Evidence.state, Evidence.effective_until)
        .where(
            Evidence.system_id == system_id,
            Evidence.blob_state == BlobState.OK,
            or_(
                Evidence.state.in_(acting),
                and_(Evidence.state.in_(living), Evidence.effective_until <= today + SOON),
            ),
        )
        .order_by(Evidence.effective_until, Evidence.id)
        .limit(6)
    ).all()


def _people(session: Session, head: Head, now: datetime) -> Sequence[Any]:
    """Those whose grant covers the system: for it alone, or for a department above it."""
    above = [int(part) for part in head.department.path.split("/") if part]
    granted = aliased(Department)
    return session.execute(
        select(
            Account.display_name,
            Account.post,
            User.username,
            RoleGrant.role,
            RoleGrant.system_id,
            RoleGrant.valid_until,
            granted.name.label("granted_for"),
        )
        .join(User, User.id == Account.user_id)
        .join(RoleGrant, RoleGrant.user_id == User.id)
        .join(granted, granted.id == RoleGrant.department_id)
        .where(
            User.active.is_(True),
            holds(now),
            RoleGrant.role.in_(WORKERS),
            or_(
                RoleGrant.system_id == head.system.id,
                and_(RoleGrant.system_id.is_(None), RoleGrant.department_id.in_(above)),
            ),
        )
        .order_by(RoleGrant.system_id.is_(None), RoleGrant.role, Account.display_name)
        .limit(20)
    ).all()


@dataclass(frozen=True)
class ItemRow:
    """One unit of one system with what is known of it over its targets."""

    system_id: int
    unit: AssessmentUnit
    position: int
    cells: Sequence[Any]

    @cached_property
    def state(self) -> str:
        verdict = combined_verdict(list(self.cells))
        return verdict.value if verdict else "not_examined"

    @property
    def targets(self) -> int:
        return sum(1 for cell in self.cells if cell.asset_id is not None)

    @property
    def targets_text(self) -> str:
        """Examined targets of all; a dash without any."""
        seen = sum(1 for cell in self.cells if cell.asset_id is not None and cell.verdict)
        return f"{seen}/{self.targets}" if self.targets else "—"

    @property
    def evidence(self) -> int:
        return len({found for cell in self.cells for found in cell.evidence_ids})

    @cached_property
    def reason(self) -> Text:
        """Why it stands so: of the targets that decide it, the same words once."""
        if not self.cells:
            return Text("尚未计算态势", "the posture was not computed yet")
        wanted = [
            cell for cell in self.cells if (cell.verdict is None) == (self.state == "not_examined")
        ] or list(self.cells)
        pairs = {(pair["zh"], pair["en"]): None for cell in wanted for pair in cell.reasons}
        if not pairs and self.state == "not_examined":
            pairs = {("尚未检查", "not examined yet"): None}
        return Text("；".join(zh for zh, _ in pairs), "; ".join(en for _, en in pairs))

    @property
    def short_reason(self) -> str:
        """The beginning of the reason, for a narrow column."""
        words = pick(self.reason)
        limit = 120 if language() == "en" else 60
        return words if len(words) <= limit else words[: limit - 1] + "…"

    @property
    def url(self) -> str:
        return link("SystemView.item", system_id=self.system_id, unit_id=str(self.unit.id))

    @cached_property
    def text(self) -> str:
        unit, point, group = self.unit, self.unit.control_point.name, class_name(self.unit)
        parts = (
            str(unit.id), clause_words(unit), str(unit.item or ""), point.zh, point.en, group.zh, group.en,
            unit.summary.zh, unit.summary.en, self.reason.zh, self.reason.en,
        )  # fmt: skip
        return "\n".join(parts).casefold()


def item_rows(session: Session, system: System) -> list[ItemRow]:
    """Every unit that binds *system* with its cells, in the order of the standard; one query."""
    cells: dict[str, list[Any]] = {}
    columns = (
        PostureCell.unit_id,
        PostureCell.asset_id,
        PostureCell.verdict,
        PostureCell.reasons,
        PostureCell.evidence_ids,
    )
    query = select(*columns).where(PostureCell.system_id == system.id).order_by(PostureCell.id)
    for cell in session.execute(query):
        cells.setdefault(cell.unit_id, []).append(cell)
    return [
        ItemRow(system.id, unit, place, cells.get(str(unit.id), []))
        for place, unit in enumerate(units_of(system))
    ]


def _cells_of_asset(*where: Any) -> Any:
    # The system is named too, since that is what the index begins with.
    of_asset = (PostureCell.system_id == Asset.system_id, PostureCell.asset_id == Asset.id)
    return select(func.count(PostureCell.id)).where(*of_asset, *where).scalar_subquery()


ASSET_OPEN = (
    select(func.count(Finding.id))
    .where(Finding.system_id == Asset.system_id, Finding.asset_id == Asset.id, is_open())
    .scalar_subquery()
)
FAILING = _cells_of_asset(PostureCell.verdict.in_(("partial", "non_compliant")))
NOT_EXAMINED = _cells_of_asset(PostureCell.verdict.is_(None))


def asset_statement(system_id: int) -> Select[Any]:
    """Targets of one system with their open findings, gaps, and when a probe last saw them."""
    seen = select(func.max(ProbeRun.finished_at)).where(
        ProbeRun.system_id == Asset.system_id,
        ProbeRun.asset_id == Asset.id,
        ProbeRun.state == RunState.COMPLETED,
    )
    return select(
        Asset,
        ASSET_OPEN.label("open_findings"),
        FAILING.label("failing"),
        NOT_EXAMINED.label("not_examined"),
        seen.scalar_subquery().label("last_seen"),
    ).where(Asset.system_id == system_id)


def kinds_of(session: Session, system_id: int) -> set[str]:
    """Kinds of the registered targets."""
    return set(session.scalars(select(Asset.kind).where(Asset.system_id == system_id).distinct()))


def kind_gaps(system: System, kinds: set[str]) -> list[tuple[str, int]]:
    """Kinds of target that units ask for and that are not registered, with the number of units without any target."""
    missing: dict[str, int] = {}
    for unit in units_of(system):
        asked = {kind.value for kind in unit.targets}
        if not asked & kinds:
            for kind in asked:
                missing[kind] = missing.get(kind, 0) + 1
    return sorted(missing.items(), key=lambda pair: -pair[1])
