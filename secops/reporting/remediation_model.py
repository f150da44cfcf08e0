"""Build the read model of remediation from findings and measures; a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reports.read_model import Layer, Severity, Text
from reports.remediation.model import MeasureLine, Problem, RemediationReport, Tally
from secops.findings.models import Finding, Measure, MeasureFinding
from secops.findings.queries import overdue
from secops.findings.services import OPEN_STATES
from secops.objects.models import Asset, System
from secops.reporting.paper_model import (
    SUGGESTED_NOTE,
    Asked,
    added,
    examined,
    meta,
    people,
    subject,
    systems_of,
)
from secops.reporting.posture_model import finding_number, label_text

TITLE = Text("整改计划与进展报告", "Remediation plan and progress")
_RISK_NOTE = Text(
    "问题等级由平台规则给出，不是测评机构的风险定级；费用为填报人估算。",
    "Severities are given by rules of this platform and are no risk rating of an evaluation body; costs are estimates.",
)


def build(session: Session, asked: Asked) -> RemediationReport:
    """Findings of a system, or of all in scope, with their measures; about eight queries."""
    systems = systems_of(session, asked)
    one = asked.system.id if asked.system is not None else None
    rows = session.execute(_findings(one)).all()
    measures = _measures(session, one)
    names = people(
        session,
        {row.Finding.owner for row in rows} | {row.Measure.owner for row in measures},
        asked.language,
    )
    texts: dict[int, list[str]] = defaultdict(list)
    closes: dict[int, list[int]] = defaultdict(list)
    by_id = {row.Measure.id: row.Measure for row in measures}
    for measure_id, finding_id in session.execute(_links(one)):
        closes[measure_id].append(finding_id)
        if measure_id in by_id:
            texts[finding_id].append(by_id[measure_id].text)
    problems = tuple(_problem(row, texts[row.Finding.id], names, asked) for row in rows)
    settled = {row.Finding.id for row in rows if row.Finding.state not in OPEN_STATES}
    return RemediationReport(
        meta=meta(asked, TITLE, notes=(_RISK_NOTE, SUGGESTED_NOTE)),
        subject=subject(session, asked, systems),
        counts=added(examined(session, systems).values()),
        tally=Tally.of(problems),
        problems=problems,
        measures=tuple(_measure(row, closes[row.Measure.id], settled, names, asked) for row in measures),
    )


def _findings(system_id: int | None) -> Any:
    query: Any = (
        select(
            Finding,
            System.name.label("system_name"),
            System.code.label("system_code"),
            Asset.name.label("asset_name"),
        )
        .join(System, System.id == Finding.system_id)
        .outerjoin(Asset, Asset.id == Finding.asset_id)
        .order_by(Finding.rank, Finding.due_on, Finding.id)
    )
    return query if system_id is None else query.where(Finding.system_id == system_id)


def _measures(session: Session, system_id: int | None) -> list[Any]:
    query = (
        select(Measure, System.name.label("system_name"))
        .join(System, System.id == Measure.system_id)
        .order_by(Measure.due, Measure.id)
    )
    if system_id is not None:
        query = query.where(Measure.system_id == system_id)
    return list(session.execute(query))


def _links(system_id: int | None) -> Any:
    query: Any = select(MeasureFinding.measure_id, MeasureFinding.finding_id).order_by(MeasureFinding.id)
    return query if system_id is None else query.where(MeasureFinding.system_id == system_id)


def _problem(row: Any, measures: list[str], names: Mapping[str, str], asked: Asked) -> Problem:
    one: Finding = row.Finding
    return Problem(
        number=finding_number(one.id),
        system=row.system_name,
        system_code=row.system_code,
        title=Text(one.title["zh"], one.title["en"]),
        severity=Severity(one.severity.value),
        layer=Layer(one.layer),
        target=row.asset_name or one.target,
        units=tuple(one.units),
        state=one.state.value,
        state_words=label_text("finding_state", one.state.value),
        is_open=one.state in OPEN_STATES,
        is_overdue=overdue(one, asked.today),
        owner=names.get(one.owner, one.owner),
        opened_on=one.opened_at.astimezone(asked.local.tzinfo).date(),
        due_on=one.due or one.suggested_due,
        closed_on=one.closed_at.astimezone(asked.local.tzinfo).date() if one.closed_at else None,
        measures=tuple(measures),
        advice=Text(one.advice["zh"], one.advice.get("en") or one.advice["zh"])
        if one.advice.get("zh")
        else None,
        high_risk_case=one.high_risk_case,
    )


def _measure(
    row: Any, findings: list[int], settled: set[int], names: Mapping[str, str], asked: Asked
) -> MeasureLine:
    one: Measure = row.Measure
    done = sum(finding in settled for finding in findings)
    return MeasureLine(
        number=f"M-{one.id:05}",
        system=row.system_name,
        text=one.text,
        owner=names.get(one.owner, one.owner),
        due_on=one.due,
        is_overdue=one.due < asked.today and done < len(findings),
        cost=one.cost,
        findings=tuple(finding_number(finding) for finding in findings),
        closed=done,
    )
