"""Plan of action and milestones, from the remediation of a system or of a district.

OSCAL wants at least one item: where nothing is registered the one item says so.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from reports.oscal.base import Maker, joined, title, words
from reports.paper.frame import Pen, is_draft
from reports.read_model import Language, Text
from reports.remediation.model import Problem, RemediationReport

__all__ = ["of_remediation"]

_NATURE = Text(
    "本文件是自查后的整改计划，等级由平台规则给出，不是测评机构的结论。",
    "This is the plan after a self-assessment; severities are given by rules of the platform and are no conclusion of an evaluation body.",
)
_STATUS = {
    "open": "open",
    "planned": "remediating",
    "in-progress": "remediating",
    "submitted": "remediating",
    "returned": "remediating",
    "verified": "closed",
    "closed": "closed",
    "false-positive": "closed",
    "risk-accepted": "deviation-approved",
}


def of_remediation(report: RemediationReport, language: Language) -> dict[str, Any]:
    """Each finding as a risk with what is planned against it, and as an item of the plan."""
    pen = Pen(language)
    make = Maker(report.meta, pen, "remediation")
    subject = report.subject
    plan: dict[str, Any] = {
        "uuid": make.uuid("document"),
        "metadata": make.head(
            f"{pen.of(subject.name)} {pen.of(report.meta.title)}", subject.unit, is_draft=is_draft(report), nature=_NATURE
        ),
        "system-id": {"identifier-type": "urn:secops:system", "id": subject.code or "district"},
    }  # fmt: skip
    if report.problems:
        plan["risks"] = [_risk(make, pen, one, report) for one in report.problems]
    plan["poam-items"] = [_item(make, pen, one) for one in report.problems] or [_none(make, pen)]
    return {"plan-of-action-and-milestones": plan}


def _none(make: Maker, pen: Pen) -> dict[str, Any]:
    said = pen.t("没有登记问题。", "No finding is registered.")
    return {
        "uuid": make.uuid("item", "none"),
        "title": said,
        "description": said,
        "props": make.props({"state": "none"}),
    }


def _facts(one: Problem) -> dict[str, object]:
    return {
        "number": one.number,
        "system": one.system_code,
        "severity": one.severity.value,
        "state": one.state,
        "overdue": "yes" if one.is_overdue else "no",
        "layer": one.layer.value,
        "units": joined(one.units),
        "target": one.target.strip(),
        "owner": one.owner.strip(),
        "high-risk-case": one.high_risk_case,
    }


def _risk(make: Maker, pen: Pen, one: Problem, report: RemediationReport) -> dict[str, Any]:
    name = pen.of(one.title)
    risk: dict[str, Any] = {
        "uuid": make.uuid("risk", one.number),
        "title": title(name),
        "description": words(name),
        "statement": words(pen.of(one.advice) if one.advice else name),
        "props": make.props(_facts(one)),
        "status": _STATUS[one.state],
    }
    if one.due_on is not None:
        risk["deadline"] = datetime.combine(one.due_on, time(23, 59, 59), report.meta.zone).isoformat()
    lifecycle = "planned" if one.is_open else "completed"
    answers = [
        {
            "uuid": make.uuid("measure", one.number, place),
            "lifecycle": lifecycle,
            "title": title(measure[:80]),
            "description": words(measure),
        }
        for place, measure in enumerate(one.measures)
    ]
    if one.advice is not None and one.is_open:
        advice = pen.of(one.advice)
        answers.append(
            {
                "uuid": make.uuid("advice", one.number),
                "lifecycle": "recommendation",
                "title": pen.t("建议", "Advice"),
                "description": words(advice),
            }
        )
    if answers:
        risk["remediations"] = answers
    return risk


def _item(make: Maker, pen: Pen, one: Problem) -> dict[str, Any]:
    return {
        "uuid": make.uuid("item", one.number),
        "title": title(f"{one.number} {pen.of(one.title)}"),
        "description": words(f"{one.system} · {one.target}" if one.target else one.system),
        "props": make.props(_facts(one)),
        "related-risks": [{"risk-uuid": make.uuid("risk", one.number)}],
    }
