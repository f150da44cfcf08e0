"""Build the read model of a district from the queries of the dashboard; a constant number of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controls.terms import SecurityClass
from reports.district.model import (
    DateLine,
    DepartmentLine,
    DistrictReport,
    LayerFindings,
    LevelLine,
    SystemLine,
    Totals,
)
from reports.read_model import CountRow, Counts, Layer, Text
from secops.findings.models import Finding
from secops.findings.queries import FindingCounts, is_open, is_overdue
from secops.findings.queries import counts as finding_counts
from secops.inventory.clocks import entries
from secops.objects.clock import STATES, evaluation_due, evaluation_state
from secops.objects.models import System
from secops.objects.queries import system_statement
from secops.posture.queries import SystemCounts, district_posture, system_counts
from secops.posture.services import counts_of
from secops.reporting.paper_model import Asked, added, examined, meta, subject
from secops.reporting.posture_model import label_text

TITLE = Text("网络安全与合规总览", "District overview")
_AHEAD = timedelta(days=120)


def build(session: Session, asked: Asked) -> DistrictReport:
    """Everything over all systems in scope; about a dozen queries."""
    today = asked.today
    rows = session.execute(system_statement().order_by(System.code)).all()
    systems = [row.System for row in rows]
    counts = examined(session, systems)
    late = _overdue(session, today)
    lines = tuple(_line(row, counts[row.System.id], late, asked) for row in rows)
    findings = finding_counts(session, today)
    posture = district_posture(session)
    return DistrictReport(
        meta=meta(asked, TITLE),
        subject=subject(session, asked, systems),
        counts=posture.total,
        totals=_totals(session, system_counts(session, today), findings),
        classes=tuple(
            CountRow.of(one.value, Text(one.zh, one.en), counts_of(dict(posture.by_class[one.value])))
            for one in SecurityClass
            if one.value in posture.by_class
        ),
        layers=tuple(_layer(layer, findings.by_layer.get(layer.value, {})) for layer in Layer),
        levels=tuple(_levels(lines, asked)),
        departments=tuple(_departments(lines)),
        systems=lines,
        dates=tuple(
            DateLine(one.due, one.due < today, Text(one.title.zh, one.title.en), one.name, one.department)
            for one in entries(session, today)
            if one.due is not None and one.due <= today + _AHEAD
        ),
    )


def _overdue(session: Session, today: Any) -> dict[int, int]:
    query = select(Finding.system_id, func.count()).where(is_overdue(today)).group_by(Finding.system_id)
    return {row[0]: row[1] for row in session.execute(query)}


def _totals(session: Session, systems: SystemCounts, findings: FindingCounts) -> Totals:
    own = session.scalar(
        select(func.count(Finding.id))
        .join(System, System.id == Finding.system_id)
        .where(is_open(), System.is_platform.is_(True))
    )
    return Totals(
        systems=systems.total, unclassified=systems.unclassified, filed=systems.filed, to_file=systems.to_file,
        evaluated=systems.evaluated, evaluation_overdue=systems.overdue, never_evaluated=systems.never,
        internet=systems.internet, lost=systems.lost, cloud=systems.cloud, open=findings.open, high=findings.high,
        overdue=findings.overdue, submitted=findings.submitted, closed=findings.closed, of_platform=int(own or 0),
    )  # fmt: skip


def _layer(layer: Layer, found: Mapping[str, int]) -> LayerFindings:
    return LayerFindings(layer, found.get("high", 0), found.get("medium", 0), found.get("low", 0))


def _line(row: Any, counts: Counts, late: Mapping[int, int], asked: Asked) -> SystemLine:
    one: System = row.System
    state = evaluation_state(one, asked.today)
    if one.filing_number:
        filing = "filed"
    else:
        filing = "open" if (one.level or 0) >= 2 else "none"
    return SystemLine(
        code=one.code, name=one.name, department=row.department_name, level=one.level, profile=one.profile,
        hosting=label_text("hosting", one.hosting.value), filing=filing, evaluation=state,
        evaluation_words=Text(STATES[state].zh, STATES[state].en), last_evaluation=one.last_evaluation_on,
        evaluation_due=evaluation_due(one), internet=one.internet_facing, lost=one.lost_maintainer,
        is_example=one.is_example, counts=counts, open=row.open_findings or 0, high=row.high_findings or 0,
        overdue=late.get(one.id, 0),
    )  # fmt: skip


def _evaluated(one: SystemLine, asked: Asked) -> bool:
    return one.last_evaluation is not None and one.last_evaluation.year == asked.today.year


def _levels(lines: Sequence[SystemLine], asked: Asked) -> list[LevelLine]:
    found: dict[int | None, list[SystemLine]] = defaultdict(list)
    for one in lines:
        found[one.level].append(one)
    return [
        LevelLine(
            level=level,
            systems=len(these),
            filed=sum(one.filing == "filed" for one in these),
            to_file=sum(one.filing == "open" for one in these),
            evaluated=sum(_evaluated(one, asked) for one in these),
            evaluation_overdue=sum(one.evaluation == "overdue" for one in these),
            never_evaluated=sum(one.evaluation == "never" for one in these),
        )
        for level, these in sorted(found.items(), key=lambda pair: -(pair[0] or 0))
    ]


def _departments(lines: Sequence[SystemLine]) -> list[DepartmentLine]:
    """Those with the most overdue findings first."""
    found: dict[str, list[SystemLine]] = defaultdict(list)
    for one in lines:
        found[one.department].append(one)
    rows = [
        DepartmentLine(
            name=name,
            systems=len(these),
            to_file=sum(one.filing == "open" for one in these),
            evaluation_overdue=sum(one.evaluation == "overdue" for one in these),
            counts=added(one.counts for one in these),
            open=sum(one.open for one in these),
            high=sum(one.high for one in these),
            overdue=sum(one.overdue for one in these),
        )
        for name, these in found.items()
    ]
    return sorted(rows, key=lambda one: (-one.overdue, -one.high, -one.open, one.name))
