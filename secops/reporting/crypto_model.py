"""Build the read model of a crypto self-assessment: one set of records, scored by both rules."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.errors import ControlsError
from controls.loader import load_catalog
from controls.scoring import Edition
from controls.scoring.crypto import score_crypto
from controls.scoring.crypto_document import crypto_input, crypto_output
from controls.terms import Conclusion, CryptoLayer
from reports.crypto.model import CryptoReport, CryptoUnit, Judged, RuleResult
from reports.read_model import CountRow, Counts, RuleSet, Text, Verdict
from secops.assessments.deciding import get_assessment, load_frame
from secops.assessments.frame import SYSTEM, Frame, asks_dak, clause_number
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentRisk, AssessmentState
from secops.assessments.result import work_out
from secops.assessments.risks import risks_of
from secops.errors import BadInput
from secops.objects.models import System
from secops.reporting.assessment_model import EDITIONS, LEVELS, evidence_names
from secops.reporting.paper_model import Asked, meta, people, subject

TITLE = Text("密码应用安全自评估报告", "Crypto self-assessment")
_RULES = (Edition.CRYPTO_2023, Edition.CRYPTO_2021)
_NOTE = Text(
    "量化规则与权重根据公开资料整理，60 分阈值为通行做法，均非官方口径。",
    "Quantitative rules and weights are taken from public sources and the threshold of 60 is customary; neither is official.",
)
_SUMMARIES = Text(
    "测评单元为本平台自编摘要，标准原文以正式出版物为准。",
    "Units are our own summaries; the published standard prevails.",
)


def build(session: Session, assessment_id: int, asked: Asked) -> CryptoReport:
    """Everything the report says; about ten queries, whatever the size.

    Raises:
        BadInput: the assessment is not one under a crypto rule.
    """
    assessment = get_assessment(session, assessment_id)
    if not Edition(assessment.edition).is_crypto:
        raise BadInput(
            "这次测评不是密评，不能生成密评自评估报告。",
            "This assessment is not one of the crypto kind.",
            "assessment",
        )
    system = session.get_one(System, assessment.system_id)
    frame = load_frame(session, assessment)
    closed = assessment.state is AssessmentState.CLOSED
    data: Any = assessment.result if closed else work_out(session, assessment, frame).as_data()
    rows = {
        (row.unit_id, row.target_id): row
        for row in session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.assessment_id == assessment.id)
        )
    }
    risks = risks_of(session, assessment.id)
    names = people(session, {row.assessor for row in rows.values()} | {assessment.lead}, asked.language)
    outputs = {rule: _output(rule, assessment, data) for rule in _RULES}
    evidence = evidence_names(session, rows.values())
    units = tuple(_unit(frame, unit, rows, risks, outputs, names, evidence) for unit in frame.units)
    verdicts = [one.verdict for one in units]
    return CryptoReport(
        meta=meta(asked, TITLE, notes=(_NOTE, _SUMMARIES), rule_sets=_rule_sets(outputs), framework="gbt-39786-2021"),
        subject=subject(session, asked, [system]), counts=Counts.tally(verdicts), number=assessment.number, title=assessment.title,
        begins_on=assessment.begins_on, closed_at=assessment.closed_at.astimezone(asked.local.tzinfo) if assessment.closed_at else None,
        lead=names.get(assessment.lead, assessment.lead), high_risks=sum(1 for row in risks.values() if row.level == "high" and not row.major_fixed),
        rules=tuple(_rule(rule, assessment, outputs[rule], data) for rule in _RULES),
        layers=tuple(_layers(units)), units=units,
    )  # fmt: skip


def _output(rule: Edition, assessment: Assessment, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a rule makes of the records: as it was stored for the chosen one, worked out now for the other."""
    if rule.value == assessment.edition:
        stored: dict[str, Any] | None = data["output"]
        return stored
    if data["scoring"] is None:
        return None
    try:
        return crypto_output(score_crypto(rule, load_catalog(), crypto_input(data["scoring"])))
    except ControlsError:
        # The chosen rule refused the same records, and says why.
        return None


def _number(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _rule(
    rule: Edition, assessment: Assessment, output: Mapping[str, Any] | None, data: Mapping[str, Any]
) -> RuleResult:
    found = output or {}
    why = found.get("reason") or (data["why_none"] if output is None else None)
    conclusion = found.get("conclusion")
    layers = found.get("layers", {})
    return RuleResult(
        edition=EDITIONS[rule.value],
        year=rule.value.removeprefix("crypto-"),
        is_chosen=rule.value == assessment.edition,
        score=_number(found.get("score")),
        technical=_number(found.get("technical")),
        management=_number(found.get("management")),
        conclusion=Text(Conclusion(conclusion).zh, Conclusion(conclusion).en) if conclusion else None,
        why_none=Text(why["zh"], why["en"]) if why else None,
        layers=tuple(_number(layers.get(layer.value)) for layer in CryptoLayer),
        notes=tuple(Text(one["zh"], one["en"]) for one in found.get("notes", ())),
    )


def _rule_sets(outputs: Mapping[Edition, Mapping[str, Any] | None]) -> list[RuleSet]:
    used = {one["id"]: one for output in outputs.values() if output for one in output["rule_sets"].values()}
    return [
        RuleSet(Text(f"{one['id']}（{one['note']['zh']}）", f"{one['id']} ({one['note']['en']})"), one["version"], one["origin"] == "official")
        for one in used.values()
    ]  # fmt: skip


def _layers(units: tuple[CryptoUnit, ...]) -> list[CountRow]:
    """Every layer, in the order of the standard: rules name their scores in the same order."""
    return [
        CountRow.of(
            layer.value,
            Text(layer.zh, layer.en),
            Counts.tally(one.verdict for one in units if one.layer == layer.value),
        )
        for layer in CryptoLayer
    ]


def _unit(
    frame: Frame, unit: AssessmentUnit, rows: Mapping[tuple[str, int], AssessmentRecord], risks: Mapping[str, AssessmentRisk],
    outputs: Mapping[Edition, Mapping[str, Any] | None], names: Mapping[str, str], evidence: Mapping[int, str],
) -> CryptoUnit:  # fmt: skip
    unit_id, number = str(unit.id), clause_number(unit)
    judged = tuple(
        _judged(one, rows.get((unit_id, one.id)), names, evidence) for one in frame.places[unit_id]
    )
    risk = risks.get(unit_id)
    weights = unit.crypto.weights if unit.crypto else {}
    found = [outputs[rule] or {} for rule in _RULES]
    costs = [{one["id"]: one["cost"] for one in output.get("explanation", ())} for output in found]
    return CryptoUnit(
        number=number, layer=str(unit.class_code), name=Text(unit.control_point.name.zh, unit.control_point.name.en),
        summary=Text(unit.summary.zh, unit.summary.en), is_technical=asks_dak(unit), verdict=_whole(judged),
        weights=tuple(weights.get(rule.value.removeprefix("crypto-"), Decimal(0)) for rule in _RULES),
        scores=tuple(_number(output.get("units", {}).get(number)) for output in found),
        costs=tuple(_number(cost.get(number)) for cost in costs), judged=judged,
        risk=LEVELS[risk.level] if risk else None, analysis=risk.analysis if risk else "",
    )  # fmt: skip


def _whole(judged: tuple[Judged, ...]) -> Verdict | None:
    """The verdict of a unit: open while a target is, not applicable when all are, else by how many are met."""
    verdicts = [one.verdict for one in judged]
    if not verdicts or None in verdicts:
        return None
    living = {one for one in verdicts if one is not Verdict.NA}
    if not living:
        return Verdict.NA
    return living.pop() if len(living) == 1 else Verdict.PARTIAL


def _judged(
    target: Any, row: AssessmentRecord | None, names: Mapping[str, str], evidence: Mapping[int, str]
) -> Judged:
    given = row.crypto if row is not None else {}
    return Judged(
        target=Text("整个系统", "Whole system") if target.kind == SYSTEM else Text.same(target.name),
        verdict=Verdict(row.verdict) if row is not None and row.verdict else None,
        d=given.get("d"), a=given.get("a"), k=given.get("k"),
        ra=str(given["ra"]) if "ra" in given else "", rk=str(given["rk"]) if "rk" in given else "",
        compensated_by=given.get("compensated_by") or "", text=row.text if row is not None else "",
        assessor=names.get(row.assessor, "") if row is not None else "",
        evidence=tuple(evidence[one] for one in (row.evidence_ids if row is not None else ()) if one in evidence),
    )  # fmt: skip
