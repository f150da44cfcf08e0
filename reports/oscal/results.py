"""Assessment results: from the posture of a system, or from the records of an assessment.

A finding says satisfied or not satisfied, so what nobody examined is an observation with its reason and no finding.
What does not apply is satisfied for another reason. Our verdict stands as a property beside each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reports.assessment.model import AssessmentReport, Record
from reports.gap.model import GapItem, GapReport
from reports.oscal.base import Maker, line, title, words
from reports.paper.frame import Pen, is_draft
from reports.read_model import NOT_EXAMINED, Language, ReportMeta, Text, Verdict
from reports.terms import STATE_NAMES

_METHODS = frozenset({"EXAMINE", "INTERVIEW", "TEST"})
_NATURE = Text(
    "本文件是自评估结果，不是测评机构的结论。",
    "This document holds the result of a self-assessment, no conclusion of an evaluation body.",
)
_REASONS = {
    Verdict.COMPLIANT: ("satisfied", "pass"),
    Verdict.NA: ("satisfied", "other"),
    Verdict.PARTIAL: ("not-satisfied", "other"),
    Verdict.NON_COMPLIANT: ("not-satisfied", "fail"),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of one unit at one place."""

    place: str
    verdict: Verdict | None
    told: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    id: str
    clause: str
    name: str
    summary: str
    layer: str
    verdict: Verdict | None
    seen: tuple[_Seen, ...]


def of_gap(report: GapReport, language: Language) -> dict[str, Any]:
    """The posture of a system as assessment results."""
    pen = Pen(language)
    units = [_of_item(one, pen) for one in report.items]
    subject = report.subject
    return _document(
        report.meta, pen, "gap", units, system=pen.of(subject.name), code=subject.code, unit=subject.unit, profile=subject.profile,
        draft=is_draft(report),
    )  # fmt: skip


def _of_item(one: GapItem, pen: Pen) -> _Unit:
    seen = tuple(_Seen(pen.of(place.name), place.verdict, pen.of(place.reason), ("UNKNOWN",)) for place in one.places)  # fmt: skip
    met = pen.t("各对象均满足或不适用", "met or not applicable on every target")
    return _Unit(
        one.unit, one.clause, pen.of(one.point), pen.of(one.summary), one.layer.value, one.verdict,
        seen or (_Seen(pen.t("全部对象", "every target"), one.verdict, met, ("UNKNOWN",)),),
    )  # fmt: skip


def of_assessment(report: AssessmentReport, language: Language) -> dict[str, Any]:
    """The records of an assessment as assessment results; what counts is the verdict after overall assessment."""
    pen = Pen(language)
    names = {one.code: f"{one.code} {pen.of(one.name)}" for one in report.targets}
    by_unit: dict[str, list[Record]] = {}
    for record in report.records:
        by_unit.setdefault(record.unit, []).append(record)
    layers = {one.unit: one.layer.value for one in report.gaps}
    units = [_of_records(records, names, layers, pen) for records in by_unit.values()]
    return _document(
        report.meta, pen, "assessment", units, system=report.system.name, code=report.system.code, unit=report.system.department,
        profile=report.system.profile, draft=report.is_draft,
    )  # fmt: skip


def _of_records(records: list[Record], names: dict[str, str], layers: dict[str, str], pen: Pen) -> _Unit:
    first = records[0]
    open_words = pen.t("还没有人判定这一格", "nobody has decided this cell")
    seen = tuple(
        _Seen(
            names.get(one.target, one.target),
            one.effective,
            one.text or (open_words if one.verdict is None else "—"),
            tuple(sorted({each.en.upper() for each in one.methods} & _METHODS)) or ("UNKNOWN",),
        )
        for one in records
    )
    return _Unit(first.unit, first.clause, pen.of(first.point), pen.of(first.summary), layers.get(first.unit, ""), _worst(seen), seen)  # fmt: skip


def _worst(seen: Iterable[_Seen]) -> Verdict | None:
    """A unit falls short where any of its cells does; it is open while a cell is and none falls short."""
    verdicts = [one.verdict for one in seen]
    for verdict in (Verdict.NON_COMPLIANT, Verdict.PARTIAL):
        if verdict in verdicts:
            return verdict
    if None in verdicts:
        return None
    return Verdict.COMPLIANT if Verdict.COMPLIANT in verdicts else Verdict.NA


def _document(
    meta: ReportMeta, pen: Pen, kind: str, units: list[_Unit], *, system: str, code: str, unit: str, profile: str, draft: bool,
) -> dict[str, Any]:  # fmt: skip
    make = Maker(meta, pen, kind)
    plan = make.uuid("plan")
    result: dict[str, Any] = {
        "uuid": make.uuid("result"),
        "title": title(f"{system} {pen.of(meta.title)}"),
        "description": words(pen.of(_NATURE)),
        "start": make.at,
        "props": make.props({"system-code": code, "profile": profile, **_counted(units)}),
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": one.id} for one in units]}]
            if units
            else [{"include-all": {}}]
        },
        "observations": [
            _observation(make, one, place, seen) for one in units for place, seen in enumerate(one.seen)
        ],
        "findings": [_finding(make, pen, one, one.verdict) for one in units if one.verdict is not None],
    }
    for name in ("observations", "findings"):
        if not result[name]:
            del result[name]
    return {
        "assessment-results": {
            "uuid": make.uuid("document"),
            "metadata": make.head(pen.of(meta.title), unit, is_draft=draft, nature=_NATURE),
            "import-ap": {"href": f"#{plan}"},
            "results": [result],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": pen.t("测评方案", "Assessment plan"),
                        "description": pen.t(
                            "平台不以 OSCAL 保存测评方案；范围见 reviewed-controls。",
                            "The platform keeps no plan in OSCAL; reviewed-controls tells the scope.",
                        ),
                    }
                ]
            },
        }
    }


def _counted(units: list[_Unit]) -> dict[str, object]:
    states = [one.verdict.value if one.verdict else NOT_EXAMINED for one in units]
    return {f"count-{state.replace('_', '-')}": states.count(state) for state in STATE_NAMES}


def _observation(make: Maker, unit: _Unit, place: int, seen: _Seen) -> dict[str, Any]:
    return {
        "uuid": make.uuid("observation", unit.id, place),
        "title": title(f"{unit.id} · {seen.place}"),
        "description": words(seen.told),
        "props": make.props(
            {
                "unit": unit.id,
                "place": line(seen.place),
                "verdict": seen.verdict.value if seen.verdict else NOT_EXAMINED,
            }
        ),
        "methods": list(seen.methods),
        "types": ["control-objective"],
        "collected": make.at,
    }


def _finding(make: Maker, pen: Pen, unit: _Unit, verdict: Verdict) -> dict[str, Any]:
    state, reason = _REASONS[verdict]
    return {
        "uuid": make.uuid("finding", unit.id),
        "title": title(f"{unit.id} {unit.name}"),
        "description": words(unit.summary),
        "props": make.props({"verdict": verdict.value, "clause": unit.clause, "layer": unit.layer}),
        "target": {
            "type": "statement-id",
            "target-id": f"{unit.id}_smt",
            "status": {
                "state": state,
                "reason": reason,
                "remarks": words(pen.of(STATE_NAMES[verdict.value])),
            },
        },
        "related-observations": [
            {"observation-uuid": make.uuid("observation", unit.id, place)} for place in range(len(unit.seen))
        ],
    }


__all__ = ["of_assessment", "of_gap"]
