"""Decisions from a JSON document; every refusal names the place in it, and one wrong entry writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.assessments.deciding import Decision, decide
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentRecord
from secops.assessments.risks import RiskInput, compensate, judge_risk, risks_of
from secops.errors import BadInput

_RECORD = {"unit", "target", "verdict", "text", "comment", "methods", "steps", "evidence", "crypto", "clear"}
_RISK = {"unit", "likelihood", "impact", "cases", "major", "major_fixed", "analysis", "cost"}
_COMPENSATION = {"unit", "target", "by_unit", "verdict", "reason"}


def apply_document(
    session: Session, assessment: Assessment, frame: Frame, document: Any, *, now: datetime
) -> dict[str, int]:
    """Apply ``{"records": […], "risks": […], "compensations": […]}``.

    A target is named by its name, its id, or null for the whole system.

    Returns:
        counts of ``records``, ``risks`` and ``compensations``.

    Raises:
        BadInput: path in the document and what was expected there.
    """
    parts = _mapping(document, "$", {"records", "risks", "compensations"})
    done = {"records": 0, "risks": 0, "compensations": 0}
    versions = _versions(session, assessment)
    for place, entry in _list(parts, "records"):
        given = _mapping(entry, place, _RECORD)
        unit, target = _cell(frame, given, place)
        with _at(place):
            decide(
                session, assessment, frame,
                Decision(
                    unit, target, versions.get((unit, target), 0), given.get("verdict"), given.get("text"),
                    given.get("comment"), given.get("methods"), given.get("steps"), given.get("evidence"),
                    given.get("crypto"), bool(given.get("clear")),
                ),
                now=now,
            )  # fmt: skip
        versions[(unit, target)] = versions.get((unit, target), 0) + 1
        done["records"] += 1
    known = {unit: row.version for unit, row in risks_of(session, assessment.id).items()}
    for place, entry in _list(parts, "risks"):
        given = _mapping(entry, place, _RISK)
        with _at(place):
            risk = RiskInput(
                str(given.get("unit", "")), given.get("likelihood", ""), given.get("impact", ""),
                given.get("cases", ()), bool(given.get("major")), bool(given.get("major_fixed")),
                str(given.get("analysis", "")), given.get("cost"), known.get(str(given.get("unit")), 0),
            )  # fmt: skip
            known[risk.unit_id] = judge_risk(session, assessment, frame, risk, now=now).version
        done["risks"] += 1
    for place, entry in _list(parts, "compensations"):
        given = _mapping(entry, place, _COMPENSATION)
        unit, target = _cell(frame, given, place)
        with _at(place):
            compensate(
                session, assessment, frame, unit_id=unit, target_id=target, by_unit_id=str(given.get("by_unit", "")),
                verdict=str(given.get("verdict", "")), reason=str(given.get("reason", "")), now=now,
            )  # fmt: skip
        done["compensations"] += 1
    return done


class _at:
    """Puts the place in the document before what a service complains of."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, BadInput):
            raise BadInput(f"{self.place}：{error.zh}", f"{self.place}: {error.en}", error.field) from error
        if isinstance(error, TypeError | AttributeError | KeyError):
            raise BadInput(
                f"{self.place}：取值的类型不正确。", f"{self.place}: a value has the wrong type."
            ) from error


def _versions(session: Session, assessment: Assessment) -> dict[tuple[str, int], int]:
    rows = session.execute(
        select(AssessmentRecord.unit_id, AssessmentRecord.target_id, AssessmentRecord.version).where(
            AssessmentRecord.assessment_id == assessment.id
        )
    )
    return {(unit, target): version for unit, target, version in rows}


def _mapping(value: Any, place: str, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{place}：应为对象。", f"{place}: expected an object.")
    for key in value:
        if key not in keys:
            known = ", ".join(sorted(keys))
            raise BadInput(
                f"{place}.{key}：没有这个键，可用：{known}。", f"{place}.{key}: no such key; known: {known}."
            )
    return value


def _list(parts: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    value = parts.get(key, [])
    if not isinstance(value, list):
        raise BadInput(f"$.{key}：应为列表。", f"$.{key}: expected a list.")
    return [(f"$.{key}[{number}]", entry) for number, entry in enumerate(value)]


def _cell(frame: Frame, given: Mapping[str, Any], place: str) -> tuple[str, int]:
    unit = str(given.get("unit", ""))
    if unit not in frame.unit_of:
        raise BadInput(f"{place}.unit：没有单元 {unit}。", f"{place}.unit: there is no unit {unit} in scope.")
    wanted = given.get("target")
    if wanted is None:
        return unit, frame.whole.id
    if isinstance(wanted, int) and wanted in frame.target_of:
        return unit, wanted
    named = [target for target in frame.places[unit] if target.name == wanted]
    if len(named) != 1:
        raise BadInput(
            f"{place}.target：没有名为 {wanted} 的对象，或重名（请用 id）。",
            f"{place}.target: no target {wanted} of that unit, or more than one (use its id).",
        )
    return unit, named[0].id
