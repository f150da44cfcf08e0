"""What the page of one item of one system shows: each target, each step, and what answered it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit, Family
from controls.highrisk import HighRiskCase
from controls.loader import load_catalog
from secops.catalogue.queries import FamilyLevel, RuleAnswer, answers_to, cases_for, family_levels
from secops.errors import NotFound
from secops.evidence.models import BlobState, Evidence
from secops.findings.models import Finding
from secops.objects.models import Asset, System
from secops.objects.queries import ItemRow, units_of
from secops.posture.models import PostureCell
from secops.scans.models import Outcome, ProbeRun


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one rule to one step at one target."""

    target: str
    rule_id: str
    outcome: str
    reason: Mapping[str, str]
    at: Any
    scan_id: int
    evidence_id: int | None


@dataclass(frozen=True, slots=True)
class StepAnswers:
    """One step: what it asks, how it stands at each target, and the answers to it."""

    number: int
    text: Any
    states: Mapping[str, int]
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One unit of one system."""

    row: ItemRow
    unit: AssessmentUnit
    family: Family
    cells: Sequence[tuple[PostureCell, Asset | None]]
    steps: Sequence[StepAnswers]
    evidence: Sequence[Any]
    findings: Sequence[Finding]
    cases: Sequence[HighRiskCase]
    levels: Sequence[FamilyLevel]
    rules: Sequence[RuleAnswer]
    before: AssessmentUnit | None
    after: AssessmentUnit | None


def item_page(session: Session, system: System, unit_id: str) -> ItemPage:
    """Read one unit; four queries.

    Raises:
        NotFound: the unit does not bind this system.
    """
    units = list(units_of(system))
    place = next((number for number, unit in enumerate(units) if unit.id == unit_id), None)
    if place is None:
        raise NotFound(
            "这个控制项不适用于该系统，或不存在。", "This item does not bind the system, or does not exist."
        )
    unit = units[place]
    family = load_catalog().family(unit.family)
    cells = [
        (row[0], row[1])
        for row in session.execute(
            select(PostureCell, Asset)
            .outerjoin(Asset, Asset.id == PostureCell.asset_id)
            .where(PostureCell.system_id == system.id, PostureCell.unit_id == unit_id)
            .order_by(PostureCell.id)
        )
    ]
    return ItemPage(
        row=ItemRow(system.id, unit, place, [cell for cell, _ in cells]),
        unit=unit,
        family=family,
        cells=cells,
        steps=_steps(unit, cells, _outcomes(session, system, cells)),
        evidence=_evidence(session, system, cells),
        findings=_findings(session, system, unit_id),
        cases=cases_for(unit),
        levels=family_levels(family),
        rules=answers_to(unit),
        before=units[place - 1] if place else None,
        after=units[place + 1] if place + 1 < len(units) else None,
    )


def _outcomes(
    session: Session, system: System, cells: Sequence[tuple[PostureCell, Any]]
) -> dict[tuple[int, str], list[Any]]:
    rules = {rule for cell, _ in cells for step in cell.steps for rule in step.get("rules", ())}
    found: dict[tuple[int, str], list[Any]] = {}
    query = (
        select(Outcome, ProbeRun.evidence_id)
        .join(ProbeRun, ProbeRun.id == Outcome.probe_run_id)
        .where(Outcome.system_id == system.id, Outcome.current.is_(True), Outcome.rule_id.in_(sorted(rules)))
        .order_by(Outcome.id.desc())
    )
    for outcome, evidence_id in session.execute(query):
        found.setdefault((outcome.asset_id, outcome.rule_id), []).append((outcome, evidence_id))
    return found


def _steps(
    unit: AssessmentUnit,
    cells: Sequence[tuple[PostureCell, Asset | None]],
    outcomes: Mapping[tuple[int, str], list[Any]],
) -> list[StepAnswers]:
    found = []
    for step in unit.steps:
        states: dict[str, int] = {}
        answers: list[Answer] = []
        for cell, asset in cells:
            known = next((one for one in cell.steps if one["number"] == step.number), None)
            state = known["status"] if known else "open"
            states[state] = states.get(state, 0) + 1
            if known is None or asset is None:
                continue
            name, asset_id = asset.name, asset.id
            for rule in known["rules"]:
                answers.extend(
                    Answer(name, rule, one.outcome, one.reason, one.observed_at, one.scan_id, evidence_id)
                    for one, evidence_id in outcomes.get((asset_id, rule), ())
                )
        found.append(StepAnswers(step.number, step.text, states, answers))
    return found


def _evidence(session: Session, system: System, cells: Sequence[tuple[PostureCell, Any]]) -> Sequence[Any]:
    ids = sorted({found for cell, _ in cells for found in cell.evidence_ids})
    columns = (
        Evidence.id,
        Evidence.title,
        Evidence.origin_key,
        Evidence.source,
        Evidence.state,
        Evidence.given_by,
        Evidence.given_at,
        Evidence.effective_until,
    )
    return session.execute(
        select(*columns)
        .where(Evidence.system_id == system.id, Evidence.id.in_(ids), Evidence.blob_state == BlobState.OK)
        .order_by(Evidence.id.desc())
    ).all()


def _findings(session: Session, system: System, unit_id: str) -> Sequence[Finding]:
    # Ids stand in quotes in the list, so that one is never taken for the start of another.
    return session.scalars(
        select(Finding)
        .where(
            Finding.system_id == system.id,
            cast(Finding.units, String).contains(f'"{unit_id}"', autoescape=True),
        )
        .order_by(Finding.id)
    ).all()
