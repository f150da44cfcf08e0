"""What stands behind each cell of a layer: verdicts, open findings, evidence; a constant number of queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from reports.read_model import Counts
from secops.evidence.models import BlobState, Evidence, EvidenceLink, EvidenceState
from secops.findings.models import Finding, Severity
from secops.findings.queries import is_open
from secops.layers.matrix import LayerItem, LayerMatrix, family_of_unit
from secops.objects.models import Department, System
from secops.posture.models import PostureCell

SOON = timedelta(days=30)
_LIVING = (EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Where:
    """The part of the district that is looked at: one system, one department with all below, or everything in scope."""

    system: System | None = None
    department: Department | None = None

    def clause(self, model: Any) -> list[ColumnElement[bool]]:
        if self.system is not None:
            return [model.system_id == self.system.id]
        if self.department is not None:
            below = select(Department.id).where(Department.path.startswith(self.department.path))
            return [model.department_id.in_(below)]
        return []

    @property
    def arguments(self) -> dict[str, Any]:
        if self.system is not None:
            return {"system": self.system.id}
        return {"department": self.department.id} if self.department is not None else {}


@dataclass
class Facts:
    """Per requirement family: verdicts counted over systems and targets, open findings, evidence."""

    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    findings: dict[str, Counter[str]] = field(default_factory=dict)
    evidence: dict[str, tuple[int, int, date | None]] = field(default_factory=dict)

    def counts(self, families: Iterable[str]) -> Counts:
        total: Counter[str] = Counter()
        for family in families:
            total += self.verdicts.get(family, Counter())
        return Counts(
            compliant=total["compliant"], partial=total["partial"], non_compliant=total["non_compliant"],
            na=total["na"], not_examined=total["not_examined"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CellState:
    """One cell: the counts of its verdicts, its open findings, how fresh its evidence is."""

    items: int
    by_hand: int
    counts: Counts
    findings: int
    high: int
    evidence: int
    expiring: int

    @property
    def tone(self) -> str:
        """``bad`` with a gap or a high finding, ``warn`` with a partial one, ``good`` when all is examined and fine, else ``open``."""
        counts = self.counts
        if counts.non_compliant or self.high:
            return "bad"
        if counts.partial or self.findings:
            return "warn"
        if counts.judged and not counts.not_examined:
            return "good"
        return "info" if counts.judged else "open"


def facts(session: Session, layer: LayerMatrix, where: Where, today: date) -> Facts:
    """Read what is known of the layer's families; three queries."""
    family_of = family_of_unit()
    wanted = layer.families
    found = Facts()
    _read_verdicts(session, where, family_of, wanted, found)
    _read_findings(session, where, family_of, wanted, found)
    _read_evidence(session, where, family_of, wanted, today, found)
    return found


def _read_verdicts(
    session: Session, where: Where, family_of: Mapping[str, str], wanted: frozenset[str], found: Facts
) -> None:
    query = select(PostureCell.unit_id, PostureCell.verdict, func.count()).where(*where.clause(PostureCell))
    for unit, verdict, count in session.execute(query.group_by(PostureCell.unit_id, PostureCell.verdict)):
        family = family_of.get(unit)
        if family in wanted:
            found.verdicts.setdefault(family, Counter())[verdict or "not_examined"] += count


def _read_findings(
    session: Session, where: Where, family_of: Mapping[str, str], wanted: frozenset[str], found: Facts
) -> None:
    # Findings of one rule name the same units, so there are few different lists.
    query = (
        select(Finding.rule_id, Finding.severity, func.count(), func.min(Finding.id))
        .where(is_open(), *where.clause(Finding))
        .group_by(Finding.rule_id, Finding.severity)
    )
    groups = session.execute(query).all()
    lists = session.execute(
        select(Finding.id, Finding.units).where(Finding.id.in_([row[3] for row in groups]))
    )
    units_of = {row[0]: row[1] for row in lists}
    for _, severity, count, sample in groups:
        families = {family_of.get(unit, "") for unit in units_of.get(sample, ())}
        for family in families & wanted:
            tally = found.findings.setdefault(family, Counter())
            tally["all"] += count
            if severity is Severity.HIGH:
                tally["high"] += count


def _read_evidence(
    session: Session,
    where: Where,
    family_of: Mapping[str, str],
    wanted: frozenset[str],
    today: date,
    found: Facts,
) -> None:
    soon = today + SOON
    query = (
        select(
            EvidenceLink.unit_id,
            func.count(),
            func.min(Evidence.effective_until),
            func.max(Evidence.given_at),
        )
        .join(Evidence, Evidence.id == EvidenceLink.evidence_id)
        .where(Evidence.blob_state == BlobState.OK, Evidence.state.in_(_LIVING), *where.clause(EvidenceLink))
        .group_by(EvidenceLink.unit_id)
    )
    for unit, count, until, given in session.execute(query):
        family = family_of.get(unit)
        if family in wanted:
            before = found.evidence.get(family, (0, 0, None))
            ends = 1 if until is not None and until <= soon else 0
            newest = max((one for one in (before[2], given.date() if given else None) if one), default=None)
            found.evidence[family] = (before[0] + count, before[1] + ends, newest)


def cell_state(items: Iterable[LayerItem], found: Facts) -> CellState:
    """Put one cell together; a family that several items share counts once."""
    listed = list(items)
    families = frozenset().union(*(one.families for one in listed))
    findings: Counter[str] = Counter()
    for family in families:
        findings += found.findings.get(family, Counter())
    evidence = [found.evidence.get(family, (0, 0, None)) for family in families]
    return CellState(
        items=len(listed),
        by_hand=sum(1 for one in listed if not one.families),
        counts=found.counts(families),
        findings=findings["all"],
        high=findings["high"],
        evidence=sum(one[0] for one in evidence),
        expiring=sum(one[1] for one in evidence),
    )
