"""Build the read model of a gap analysis from the posture of one system; a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.terms import SecurityClass
from reports.gap.model import GapItem, GapReport, MissingPaper, Place
from reports.read_model import CountRow, Counts, Layer, RuleSet, Text, Verdict
from secops.catalogue.queries import cases_for
from secops.evidence.documents import missing_of
from secops.findings.models import Finding
from secops.findings.services import OPEN_STATES
from secops.objects.models import Asset, System
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureCell
from secops.reporting.paper_model import Asked, meta, subject
from secops.reporting.posture_model import combined_verdict, finding_number, label_text

TITLE = Text("差距分析报告", "Gap analysis")
WHOLE = Text("整个系统", "whole system")
_NOT_COMPUTED = Text("尚未计算态势", "the posture was not computed yet")
_SET = RuleSet(Text("多对象合并规则", "Rule over several targets"), "set", official=False)


def build(session: Session, asked: Asked) -> GapReport:
    """Every item that binds the system, with what keeps it from being met; about seven queries."""
    system = asked.system
    if system is None:
        raise ValueError("a gap analysis is of one system")
    items = tuple(items_of(session, system))
    return GapReport(
        meta=meta(asked, TITLE, rule_sets=(_SET,)),
        subject=subject(session, asked, [system]),
        counts=Counts.tally(one.verdict for one in items),
        classes=tuple(_rows(items, "class_code", [(one.value, Text(one.zh, one.en)) for one in SecurityClass])),
        layers=tuple(_rows(items, "layer", [(one.value, label_text("layer", one.value)) for one in Layer])),
        items=items,
        papers=tuple(_papers(session, system, asked)),
    )  # fmt: skip


def _rows(items: Sequence[GapItem], key: str, groups: Sequence[tuple[str, Text]]) -> list[CountRow]:
    found = []
    for code, words in groups:
        verdicts = [one.verdict for one in items if str(getattr(one, key)) == code]
        if verdicts:
            found.append(CountRow.of(code, words, Counts.tally(verdicts)))
    return found


def items_of(session: Session, system: System) -> list[GapItem]:
    """Items in the order of the standard, with their cells of the posture."""
    if not system.profile:
        return []
    cells: dict[str, list[tuple[PostureCell, str | None]]] = defaultdict(list)
    query = (
        select(PostureCell, Asset.name)
        .outerjoin(Asset, Asset.id == PostureCell.asset_id)
        .where(PostureCell.system_id == system.id)
        .order_by(PostureCell.id)
    )
    for cell, name in session.execute(query):
        cells[cell.unit_id].append((cell, name))
    findings: dict[str, list[str]] = defaultdict(list)
    open_ones = select(Finding.id, Finding.units).where(
        Finding.system_id == system.id, Finding.state.in_(OPEN_STATES)
    )
    for finding_id, named in session.execute(open_ones.order_by(Finding.id)):
        for unit_id in named:
            findings[unit_id].append(finding_number(finding_id))
    units = selection_for(system.profile, tuple(system.extensions)).units
    return [_item(unit, cells.get(str(unit.id), []), findings) for unit in units]


def _item(
    unit: AssessmentUnit, cells: Sequence[tuple[Any, str | None]], findings: Mapping[str, list[str]]
) -> GapItem:
    code = str(unit.class_code)
    clause = unit.item_clause
    return GapItem(
        unit=str(unit.id),
        clause=(f"{clause.clause} {clause.letter})" if clause.letter else clause.clause) if clause else "",
        class_code=code,
        class_name=Text(SecurityClass(code).zh, SecurityClass(code).en),
        point=Text(unit.control_point.name.zh, unit.control_point.name.en),
        summary=Text(unit.summary.zh, unit.summary.en),
        layer=Layer(unit.layer.value),
        verdict=combined_verdict([cell for cell, _ in cells]),
        targets=len(cells),
        places=tuple(_place(cell, name) for cell, name in cells if cell.verdict not in ("compliant", "na"))
        or (() if cells else (Place(WHOLE, None, _NOT_COMPUTED),)),
        evidence=len({one for cell, _ in cells for one in cell.evidence_ids}),
        findings=tuple(findings.get(str(unit.id), ())),
        cases=tuple(one.id for one in cases_for(unit)),
    )


def _place(cell: PostureCell, name: str | None) -> Place:
    reasons = cell.reasons
    return Place(
        Text.same(name) if name else WHOLE,
        Verdict(cell.verdict) if cell.verdict else None,
        Text(
            "；".join(one["zh"] for one in reasons) or "没有记录原因",
            "; ".join(one["en"] for one in reasons) or "no reason on record",
        ),
    )


def _papers(session: Session, system: System, asked: Asked) -> list[MissingPaper]:
    return [
        MissingPaper(
            holder=Text(entry.holder.zh, entry.holder.en),
            name=Text(one.kind.name.zh, one.kind.name.en),
            action=Text(one.action.zh, one.action.en),
            why=tuple(Text(each.zh, each.en) for each in one.why),
            condition=Text(one.condition.zh, one.condition.en) if one.condition else None,
            units=tuple(dict.fromkeys(str(place.unit) for place in one.places)),
        )
        for entry in missing_of(session, system, asked.today)
        for one in entry.documents
    ]
