"""From the records to score or rate, conclusion and its explanation; for MLPS and for crypto."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.errors import ControlsError
from controls.loader import load_catalog
from controls.scoring import (
    Edition,
    Fix,
    MultiObjectRule,
    Plan,
    RateEdge,
    Risks,
    ScoreInput,
    ThresholdBasis,
    cheapest_plan,
    collect_items,
    score_crypto,
    score_mlps,
)
from controls.scoring.crypto_document import crypto_input, crypto_output
from controls.scoring.document import mlps_output
from controls.terms import Conclusion, Verdict
from secops.assessments.frame import Frame, asks_dak, clause_number
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentRisk
from secops.assessments.risks import compensations_of, effective, risks_of
from secops.posture.catalogue import selection_for

GAPS = (Verdict.PARTIAL.value, Verdict.NON_COMPLIANT.value)


@dataclass(frozen=True, slots=True)
class Result:
    """``scoring`` is the exact input of ``secops score`` (None: nothing to score yet), ``output`` its answer.

    ``why_none`` says why there is no figure. ``counts`` counts cells by verdict, ``""`` for those not examined.
    """

    scoring: dict[str, Any] | None
    output: dict[str, Any] | None
    why_none: tuple[str, str] | None
    not_examined: tuple[str, ...]
    recorded_only: tuple[str, ...]
    importance_origins: tuple[str, ...]
    counts: dict[str, int]
    by_class: dict[str, dict[str, int]]

    def as_data(self) -> dict[str, Any]:
        return {
            "scoring": self.scoring,
            "output": self.output,
            "why_none": {"zh": self.why_none[0], "en": self.why_none[1]} if self.why_none else None,
            "not_examined": list(self.not_examined),
            "recorded_only": list(self.recorded_only),
            "importance_origins": list(self.importance_origins),
            "counts": self.counts,
            "by_class": self.by_class,
        }


def figure_words(output: Mapping[str, Any]) -> str:
    """Score or rate as a list shows it; "" where an edition gave none."""
    rate, score = output.get("rate"), output.get("score")
    if score is not None:
        return f"{score:.2f}"
    return f"{rate:.2f}%" if rate is not None else ""


def verdicts_of(session: Session, assessment_id: int) -> dict[tuple[str, int], str | None]:
    """Verdict per touched cell; one narrow query."""
    rows = session.execute(
        select(AssessmentRecord.unit_id, AssessmentRecord.target_id, AssessmentRecord.verdict).where(
            AssessmentRecord.assessment_id == assessment_id
        )
    )
    return {(unit, target): verdict for unit, target, verdict in rows}


def work_out(session: Session, assessment: Assessment, frame: Frame) -> Result:
    """Score what stands there now; three queries."""
    verdicts = effective(verdicts_of(session, assessment.id), compensations_of(session, assessment.id))
    counts, by_class = _count(frame, verdicts)
    risks = risks_of(session, assessment.id)
    if Edition(assessment.edition).is_crypto:
        return _crypto(session, assessment, frame, risks, counts, by_class)
    selection = selection_for(assessment.profile, tuple(assessment.extensions))
    by_unit = {
        unit.id: [_verdict(verdicts.get((str(unit.id), target.id))) for target in frame.places[str(unit.id)]]
        for unit in frame.units
    }
    collected = collect_items(selection, by_unit)
    given = score_input(assessment, collected.items, risk_counts(risks.values()))
    scoring = scoring_document(given)
    output = why = None
    try:
        output = mlps_output(score_mlps(Edition(assessment.edition), given))
    except ControlsError as error:
        why = ("还没有可计分的测评项。", f"There is nothing to score yet: {error}")
    return Result(
        scoring if output else None, output, why, tuple(str(one) for one in collected.not_examined),
        tuple(str(one) for one in collected.recorded_only),
        tuple(sorted(one.value for one in collected.importance_origins)), counts, by_class,
    )  # fmt: skip


def _verdict(value: str | None) -> Verdict | None:
    return Verdict(value) if value else None


def _count(
    frame: Frame, verdicts: Mapping[tuple[str, int], str | None]
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    names = [*(one.value for one in Verdict), ""]
    total = dict.fromkeys(names, 0)
    by_class: dict[str, dict[str, int]] = {}
    for unit in frame.units:
        group = by_class.setdefault(str(unit.class_code), dict.fromkeys(names, 0))
        for target in frame.places[str(unit.id)]:
            verdict = verdicts.get((str(unit.id), target.id)) or ""
            total[verdict] += 1
            group[verdict] += 1
    return total, by_class


def risk_counts(risks: Sequence[AssessmentRisk] | Any) -> Risks:
    """High and medium ones that are left, and major ones as found before rectification."""
    rows = list(risks)
    return Risks(
        high=sum(1 for row in rows if row.level == "high" and not row.major_fixed),
        medium=sum(1 for row in rows if row.level == "medium" and not row.major_fixed),
        major=sum(1 for row in rows if row.major),
        major_fixed=sum(1 for row in rows if row.major and row.major_fixed),
    )


def score_input(assessment: Assessment, items: Sequence[Any], risks: Risks) -> ScoreInput:
    rules = assessment.rules
    return ScoreInput(
        items=tuple(items),
        y=Decimal(str(rules["y"])),
        multi_object_rule=MultiObjectRule(rules["multi_object_rule"]),
        rate_edge=RateEdge(rules["rate_edge"]),
        threshold_basis=ThresholdBasis(rules["threshold"]),
        risks=risks,
    )


def scoring_document(given: ScoreInput) -> dict[str, Any]:
    """The input document of ``secops score``."""
    return {
        "y": float(given.y),
        "multi_object_rule": given.multi_object_rule.value,
        "rate_edge": given.rate_edge.value,
        "threshold": given.threshold_basis.value,
        "items": [
            {
                "id": str(item.id),
                "class": item.security_class.value,
                "importance": item.importance.value,
                "control_point": item.point,
                "objects": [one.value for one in item.objects],
            }
            for item in given.items
        ],
        "risks": {
            "high": given.risks.high,
            "medium": given.risks.medium,
            "major": given.risks.major,
            "major_fixed": given.risks.major_fixed,
        },
    }


def _crypto(
    session: Session, assessment: Assessment, frame: Frame, risks: Mapping[str, AssessmentRisk],
    counts: dict[str, int], by_class: dict[str, dict[str, int]],
) -> Result:  # fmt: skip
    rows = {
        (row.unit_id, row.target_id): row
        for row in session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.assessment_id == assessment.id)
        )
    }
    level = next((int(unit.level) for unit in frame.units), 3)
    units = [_crypto_unit(frame, unit, rows) for unit in frame.units]
    not_examined = tuple(str(unit.id) for unit, one in zip(frame.units, units, strict=True) if one is None)
    high = sum(1 for row in risks.values() if row.level == "high" and not row.major_fixed)
    document = {"level": level, "units": [one for one in units if one], "high_risks": high}
    if not_examined:
        why = (
            f"还有 {len(not_examined)} 个单元未测评，密评分数须全部单元有结果。",
            f"{len(not_examined)} units are not examined; a crypto score needs them all.",
        )
        return Result(None, None, why, not_examined, (), (), counts, by_class)
    try:
        output = crypto_output(
            score_crypto(Edition(assessment.edition), load_catalog(), crypto_input(document))
        )
    except ControlsError as error:
        return Result(None, None, (str(error), str(error)), (), (), (), counts, by_class)
    return Result(document, output, None, (), (), (), counts, by_class)


def _crypto_unit(
    frame: Frame, unit: Any, rows: Mapping[tuple[str, int], AssessmentRecord]
) -> dict[str, Any] | None:
    """One unit of the input document; None while a target has no answer."""
    found = [(target, rows.get((str(unit.id), target.id))) for target in frame.places[str(unit.id)]]
    number = clause_number(unit)
    if any(row is None or row.verdict is None for _, row in found):
        return None
    if all(row is not None and row.verdict == "na" for _, row in found):
        empty: dict[str, Any] = {"objects": []} if asks_dak(unit) else {}
        return {"id": number, "na": True, **empty}
    living = [(target, row) for target, row in found if row is not None and row.verdict != "na"]
    if not asks_dak(unit):
        order = ("non_compliant", "partial", "compliant")
        return {
            "id": number,
            "verdict": min((str(row.verdict) for _, row in living), key=order.index),
            "na": False,
        }
    return {
        "id": number,
        "na": False,
        "objects": [{"id": f"o{target.id}", **_dak(row)} for target, row in living],
    }


def _dak(row: AssessmentRecord) -> dict[str, Any]:
    given = row.crypto
    return {
        "d": bool(given.get("d")), "a": bool(given.get("a")), "k": bool(given.get("k")),
        "ra": given.get("ra", 1), "rk": given.get("rk", 1), "compensated_by": given.get("compensated_by"),
    }  # fmt: skip


def gaps(frame: Frame, verdicts: Mapping[tuple[str, int], str | None]) -> dict[str, list[int]]:
    """Units with a shortfall → the targets it stands at, in the order of the standard."""
    found: dict[str, list[int]] = {}
    for unit_id, targets in frame.places.items():
        at = [target.id for target in targets if verdicts.get((unit_id, target.id)) in GAPS]
        if at:
            found[unit_id] = at
    return found


def what_if(session: Session, assessment: Assessment, frame: Frame, wanted: str) -> Plan:
    """The cheapest set of fixes that reaches *wanted*, from the costs of the risk analysis.

    One fix per unit with a shortfall; a unit without a cost counts as 0 and is named by the page.

    Raises:
        BadInput through ControlsError: an edition without a plan, nothing to score.
    """
    verdicts = effective(verdicts_of(session, assessment.id), compensations_of(session, assessment.id))
    risks = risks_of(session, assessment.id)
    selection = selection_for(assessment.profile, tuple(assessment.extensions))
    by_unit = {
        unit.id: [_verdict(verdicts.get((str(unit.id), target.id))) for target in frame.places[str(unit.id)]]
        for unit in frame.units
    }
    items = collect_items(selection, by_unit).items
    given = score_input(assessment, items, risk_counts(risks.values()))
    scored = {str(item.id) for item in items}
    fixes = []
    for unit_id in gaps(frame, verdicts):
        unit = frame.unit_of[unit_id]
        if unit.item is None or str(unit.item) not in scored:
            continue
        risk = risks.get(unit_id)
        left = risk is not None and not risk.major_fixed
        fixes.append(
            Fix(
                unit_id, (str(unit.item),), Decimal(risk.cost or 0) if risk else Decimal(0),
                high=int(left and risk is not None and risk.level == "high"),
                medium=int(left and risk is not None and risk.level == "medium"),
                major=int(risk is not None and risk.major),
            )
        )  # fmt: skip
    return cheapest_plan(Edition(assessment.edition), given, fixes, Conclusion(wanted))
