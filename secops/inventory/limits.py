"""A data flow beyond its limit is a finding: one for each flow and measure, closed by the register itself when it fits again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.ids import UnitId
from controls.loader import load_catalog
from secops.findings.models import Finding, FindingSource, Severity
from secops.findings.services import Found, close_register, open_or_refresh
from secops.inventory.gaps import MEASURES, exceeded
from secops.inventory.models import DataFlow
from secops.layers.matrix import units_by_family
from secops.objects.models import System
from secops.posture.catalogue import selection_for

RULE = "data-flow-limit"
# What a flow beyond its limit speaks to: data in transfer is kept confidential (level-3 number of the family).
_UNIT = "L3-CES1-27"
_UNITS_OF = {"frequency": ("次/日", "a day"), "volume": ("MB/日", "MB a day"), "speed": ("Mbit/s", "Mbit/s")}


def follow_flow(session: Session, flow: DataFlow, *, now: datetime) -> None:
    """Open, refresh or close the findings of one flow; runs in the transaction that saves it."""
    system = session.get_one(System, flow.system_id)
    over = set(exceeded(flow))
    for measure in MEASURES:
        key = f"{RULE}:{measure}@flow/{flow.id}"
        if measure in over:
            open_or_refresh(session, system, _found(system, flow, measure, key), now=now)
        else:
            close_register(session, system, key, note="登记册中的实测值已回到限值以内。", now=now)


def forget_flow(session: Session, flow: DataFlow, *, now: datetime) -> None:
    """Close the findings of a flow that is taken out of the register."""
    system = session.get_one(System, flow.system_id)
    for measure in MEASURES:
        close_register(
            session, system, f"{RULE}:{measure}@flow/{flow.id}", note="流转已从登记册删除。", now=now
        )


def _found(system: System, flow: DataFlow, measure: str, key: str) -> Found:
    zh, en = MEASURES[measure]
    unit_zh, unit_en = _UNITS_OF[measure]
    limit, seen = getattr(flow, f"{measure}_limit"), getattr(flow, f"{measure}_seen")
    family = load_catalog().unit(UnitId(_UNIT)).family
    binding = (
        {str(one.id) for one in selection_for(system.profile, tuple(system.extensions)).units}
        if system.profile
        else set()
    )
    return Found(
        key=key,
        source=FindingSource.REGISTER,
        rule_id=RULE,
        title={"zh": f"数据流转{zh}超限", "en": f"Data flow beyond its {en} limit"},
        target=flow.name[:200],
        severity=Severity.HIGH if flow.across else Severity.MEDIUM,
        severity_reason={
            "zh": "跨部门流转按高处理" if flow.across else "部门内流转按中处理",
            "en": "across departments counts as high"
            if flow.across
            else "within a department counts as medium",
        },
        layer="data",
        units=tuple(unit for unit in units_by_family().get(family, ()) if unit in binding),
        observed={
            "zh": f"{flow.source} → {flow.target}：实测 {seen} {unit_zh}，上限 {limit} {unit_zh}",
            "en": f"{flow.source} → {flow.target}: seen {seen} {unit_en}, limit {limit} {unit_en}",
        },
        advice={
            "zh": "核实超限原因；确有必要的，重新审批限值；否则限制流转并核查去向。",
            "en": "Find out why; have the limit approved anew where it is needed, else restrict the flow and check where the data went.",
        },
    )


def open_flow_findings(session: Session, system_id: int) -> list[Finding]:
    """Findings of the flows of one system that are still open."""
    from secops.findings.queries import is_open

    query = select(Finding).where(Finding.system_id == system_id, Finding.rule_id == RULE, is_open())
    return list(session.scalars(query))
