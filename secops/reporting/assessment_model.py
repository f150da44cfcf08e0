"""Build the read model of an assessment report. A closed assessment is read from what was frozen at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.loader import load_catalog
from controls.scoring import Edition
from controls.terms import Method, SecurityClass
from reports.assessment.model import (
    AssessmentReport,
    ClassLine,
    Conclusion,
    Gap,
    Given,
    MadeGood,
    PointLine,
    Record,
    Target,
)
from reports.read_model import Counts, Importance, Language, Layer, ReportMeta, RuleSet, Text, Verdict
from secops import __version__
from secops.assessments.frame import PROVIDER, SYSTEM, Frame
from secops.assessments.models import (
    Assessment,
    AssessmentRecord,
    AssessmentRisk,
    AssessmentState,
    AssessmentTarget,
)
from secops.assessments.result import gaps, work_out
from secops.assessments.risks import compensations_of, effective, risks_of
from secops.evidence.models import Evidence
from secops.objects.models import System
from secops.reporting.paper_model import people as names_of
from secops.reporting.posture_model import label_text, system_info
from secops.scans.models import Scan, ScanState

EDITIONS = {
    "2025": Text("2025 版报告模板", "2025 report template"),
    "2021": Text("2021 版报告模板（仅供对照）", "2021 report template (for comparison)"),
    "2019": Text("2019 版报告模板（仅供对照）", "2019 report template (for comparison)"),
    "crypto-2023": Text("密评量化评估规则 2023", "crypto rule 2023"),
    "crypto-2021": Text("密评量化评估规则 2021", "crypto rule 2021"),
}
LEVELS = {"high": Text("高", "High"), "medium": Text("中", "Medium"), "low": Text("低", "Low")}
_RANK = ("non_compliant", "partial", "compliant", "na")


def build(
    session: Session,
    assessment: Assessment,
    frame: Frame,
    *,
    number: str,
    language: str,
    now: datetime,
    zone: str,
) -> AssessmentReport:
    """Everything the report says; ten queries, whatever the size."""
    system = session.get_one(System, assessment.system_id)
    closed = assessment.state is AssessmentState.CLOSED
    data = assessment.result if closed else work_out(session, assessment, frame).as_data()
    rows = {
        (row.unit_id, row.target_id): row
        for row in session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.assessment_id == assessment.id)
        )
    }
    verdicts = {cell: row.verdict for cell, row in rows.items()}
    made_good = compensations_of(session, assessment.id)
    after = effective(verdicts, made_good)
    codes = {target.id: f"T{place:03}" for place, target in enumerate(frame.targets)}
    risks = risks_of(session, assessment.id)
    people = names_of(session, {row.assessor for row in rows.values()} | {assessment.lead}, language)
    evidence = evidence_names(session, rows.values())
    local = now.astimezone(ZoneInfo(zone))
    return AssessmentReport(
        meta=ReportMeta(
            title=Text("网络安全等级保护自评估报告", "MLPS self-assessment report"), report_number=number,
            generated_at=local, generator=f"secops {__version__}", catalogue_edition=assessment.catalogue[:12],
            language=Language.parse(language), rule_sets=tuple(_rule_sets(data)),
            marking=Text("自评估，内部资料", "self-assessment, internal"),
        ),
        system=system_info(session, system, profile=assessment.profile, extensions=assessment.extensions),
        number=assessment.number, title=assessment.title, begins_on=assessment.begins_on, ends_on=assessment.ends_on,
        closed_at=assessment.closed_at.astimezone(ZoneInfo(zone)) if assessment.closed_at else None,
        lead=people.get(assessment.lead, assessment.lead),
        assessors=tuple(sorted({people.get(row.assessor, row.assessor) for row in rows.values() if row.assessor and not row.assessor.startswith("platform")})),
        units=len(frame.units), conclusion=_conclusion(assessment, data, risks), counts=_counts(data["counts"]),
        classes=tuple(_classes(frame, data)), points=tuple(_points(frame, data)),
        targets=tuple(_targets(session, assessment, frame, codes)),
        records=tuple(_record(frame, unit, target, codes, rows, after, people, evidence, language) for unit, target in _cells(frame)),
        gaps=tuple(_gap(frame, unit, at, codes, after, risks.get(unit)) for unit, at in gaps(frame, after).items()),
        made_good=tuple(MadeGood(one.unit_id, codes[one.target_id], one.by_unit_id, Verdict(one.verdict), one.reason) for one in made_good),
        given=tuple(_given(assessment)), items_not_examined=len(data["not_examined"]),
        before=tuple(_before(session, assessment)), scans=tuple(_scans(session, assessment, local)),
    )  # fmt: skip


def _cells(frame: Frame) -> list[tuple[AssessmentUnit, Any]]:
    """By target, then in the order of the standard: the order of the records annex."""
    found: dict[int, list[AssessmentUnit]] = {target.id: [] for target in frame.targets}
    for unit in frame.units:
        for target in frame.places[str(unit.id)]:
            found[target.id].append(unit)
    return [(unit, target) for target in frame.targets for unit in found[target.id]]


def _counts(counts: Mapping[str, int]) -> Counts:
    return Counts(
        counts["compliant"], counts["partial"], counts["non_compliant"], counts["na"], counts.get("", 0)
    )


def _rule_sets(data: Mapping[str, Any]) -> list[RuleSet]:
    used = (data["output"] or {}).get("rule_sets", {})
    return [
        RuleSet(Text(f"{one['id']}（{one['note']['zh']}）", f"{one['id']} ({one['note']['en']})"), one["version"], one["origin"] == "official")
        for one in used.values()
    ]  # fmt: skip


def _conclusion(
    assessment: Assessment, data: Mapping[str, Any], risks: Mapping[str, AssessmentRisk]
) -> Conclusion:
    output = data["output"] or {}
    left = [row for row in risks.values() if not row.major_fixed]
    why = data["why_none"]
    return Conclusion(
        edition=EDITIONS.get(assessment.edition, Text.same(assessment.edition)),
        conclusion=str(output.get("conclusion") or ""),
        rate=_figure(output.get("rate")), score=_figure(output.get("score")),
        high=sum(1 for row in left if row.level == "high"), medium=sum(1 for row in left if row.level == "medium"),
        major=sum(1 for row in risks.values() if row.major), major_fixed=sum(1 for row in risks.values() if row.major_fixed),
        why_none=Text(why["zh"], why["en"]) if why else None,
        outlook=tuple(Text(one["zh"], one["en"]) for one in output.get("outlook", ())),
    )  # fmt: skip


def _figure(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


def _classes(frame: Frame, data: Mapping[str, Any]) -> list[ClassLine]:
    output = data["output"] or {}
    rates = {one["class"]: one["rate"] for one in output.get("classes", ())}
    layers = output.get("layers", {})
    names = {str(unit.class_code): load_catalog().group_of(unit).name for unit in frame.units}
    return [
        ClassLine(
            code, Text(names[code].zh, names[code].en), _counts(counts), _figure(rates.get(code, layers.get(code))), code in rates,
        )
        for code, counts in data["by_class"].items()
        if code in names
    ]  # fmt: skip


def _points(frame: Frame, data: Mapping[str, Any]) -> list[PointLine]:
    if Edition(_edition_of(data)).is_crypto:
        return []
    names: dict[str, Text] = {}
    for unit in frame.units:
        clause = unit.item_clause
        if clause is not None:
            key = clause.clause if clause.letter else clause.clause
            names.setdefault(key, Text(unit.control_point.name.zh, unit.control_point.name.en))
    return [
        PointLine(
            Text(SecurityClass(one["class"]).zh, SecurityClass(one["class"]).en), one["control_point"],
            names.get(one["control_point"], Text.same(one["control_point"])), Verdict(one["verdict"]), _figure(one["score"]),
        )
        for one in (data["output"] or {}).get("control_points", ())
    ]  # fmt: skip


def _edition_of(data: Mapping[str, Any]) -> str:
    return str((data["output"] or {}).get("edition", "2025"))


def _targets(
    session: Session, assessment: Assessment, frame: Frame, codes: Mapping[int, str]
) -> list[Target]:
    rows = {
        row.id: row
        for row in session.execute(
            select(AssessmentTarget.id, AssessmentTarget.importance, AssessmentTarget.reason).where(
                AssessmentTarget.assessment_id == assessment.id
            )
        )
    }
    kinds = {SYSTEM: Text("整个系统", "Whole system"), PROVIDER: Text("提供方", "Provider")}
    return [
        Target(
            codes[one.id], kinds[SYSTEM] if one.kind == SYSTEM else Text.same(one.name),
            kinds.get(one.kind) or label_text("asset_kind", one.kind), one.address,
            Importance(rows[one.id].importance) if rows[one.id].importance else None,
            Text(rows[one.id].reason.get("zh", ""), rows[one.id].reason.get("en", "")),
        )
        for one in frame.targets
    ]  # fmt: skip


def _record(
    frame: Frame, unit: AssessmentUnit, target: Any, codes: Mapping[int, str], rows: Mapping[tuple[str, int], AssessmentRecord],
    after: Mapping[tuple[str, int], str | None], people: Mapping[str, str], evidence: Mapping[int, str], language: str,
) -> Record:  # fmt: skip
    cell = (str(unit.id), target.id)
    row = rows.get(cell)
    clause = unit.item_clause
    words = (f"{clause.clause} {clause.letter})" if clause.letter else clause.clause) if clause else ""
    methods = (row.methods if row else None) or [one.value for one in unit.methods]
    effect = after.get(cell)
    return Record(
        codes[target.id], cell[0], words, str(unit.class_code), Text(unit.control_point.name.zh, unit.control_point.name.en),
        Text(unit.summary.zh, unit.summary.en), Verdict(row.verdict) if row and row.verdict else None,
        Verdict(effect) if effect else None, _text_of(row, language), bool(row and row.text_draft),
        tuple(Text(Method(one).zh, Method(one).en) for one in methods),
        tuple(evidence[one] for one in (row.evidence_ids if row else ()) if one in evidence),
        people.get(row.assessor, row.assessor) if row else "",
    )  # fmt: skip


def _text_of(row: AssessmentRecord | None, language: str) -> str:
    if row is None:
        return ""
    dak = row.crypto
    met, unmet = ("满足", "不满足") if language == "zh" else ("met", "not met")
    words = "　".join(f"{key.upper()}={met if dak[key] else unmet}" for key in ("d", "a", "k") if key in dak)
    return f"{words}\n{row.text}".strip() if words else row.text


def evidence_names(session: Session, rows: Any) -> dict[int, str]:
    """How each piece of evidence of these records is cited."""
    ids = sorted({one for row in rows for one in row.evidence_ids})
    found: dict[int, str] = {}
    for first in range(0, len(ids), 5000):
        query = select(Evidence.id, Evidence.title, Evidence.file_name).where(
            Evidence.id.in_(ids[first : first + 5000])
        )
        found |= {row.id: f"E-{row.id:05} {row.title or row.file_name}" for row in session.execute(query)}
    return found


def _gap(
    frame: Frame, unit_id: str, at: Sequence[int], codes: Mapping[int, str], after: Mapping[tuple[str, int], str | None],
    risk: AssessmentRisk | None,
) -> Gap:  # fmt: skip
    unit = frame.unit_of[unit_id]
    worst = min((str(after[(unit_id, one)]) for one in at), key=_RANK.index)
    return Gap(
        unit_id, Text(unit.control_point.name.zh, unit.control_point.name.en), Text(unit.summary.zh, unit.summary.en),
        Layer(unit.layer.value), tuple(codes[one] for one in at), Verdict(worst),
        LEVELS[risk.level] if risk else None, tuple(one["id"] for one in risk.cases) if risk else (),
        bool(risk and risk.major), bool(risk and risk.major_fixed), risk.analysis if risk else "", risk.cost if risk else None,
    )  # fmt: skip


def _given(assessment: Assessment) -> list[Given]:
    scope = assessment.scope
    found = [
        Given(unit, Text(f"不适用：{one['reason']}（{one['decided_by']} 批准）", f"not applicable: {one['reason']} (approved by {one['decided_by']})"))
        for unit, one in sorted(scope.get("excluded", {}).items())
    ]  # fmt: skip
    words = {
        "inherited": ("继承自", "inherited from"),
        "shared": ("共担", "shared with"),
        "theirs": ("由运行方负责", "answered by"),
    }
    for unit, one in sorted(scope.get("inherited", {}).items()):
        zh, en = words[one["responsibility"]]
        until = one["expires"] or "—"
        found.append(
            Given(
                unit,
                Text(
                    f"{zh}：{one['provider']}（{one['report'] or '尚未发布'}，有效至 {until}）",
                    f"{en} {one['provider']} ({one['report'] or 'not published'}, until {until})",
                ),
            )
        )
    return found


def _before(session: Session, assessment: Assessment) -> list[Text]:
    if assessment.previous_id is None:
        return []
    last = session.get(Assessment, assessment.previous_id)
    if last is None or not last.result:
        return []
    rows = session.execute(
        select(AssessmentRecord.unit_id)
        .where(
            AssessmentRecord.assessment_id == last.id,
            AssessmentRecord.verdict.in_(("partial", "non_compliant")),
        )
        .distinct()
    )
    units = sorted(row[0] for row in rows)
    shown = "、".join(units[:60])
    return [
        Text(
            f"{last.number}：结论 {last.conclusion or '—'}，{len(units)} 个单元不满足：{shown or '无'}",
            f"{last.number}: conclusion {last.conclusion or '—'}, {len(units)} units not met: {shown or 'none'}",
        )
    ]


def _scans(session: Session, assessment: Assessment, local: datetime) -> list[Text]:
    rows = session.execute(
        select(Scan.id, Scan.finished_at, Scan.cause)
        .where(
            Scan.system_id == assessment.system_id,
            Scan.state == ScanState.DONE,
            Scan.finished_at.is_not(None),
        )
        .order_by(Scan.id.desc())
        .limit(30)
    )
    found = []
    for row in rows:
        at = row.finished_at.astimezone(local.tzinfo)
        if at.date() >= assessment.begins_on and (
            assessment.closed_at is None or row.finished_at <= assessment.closed_at
        ):
            found.append(
                Text(
                    f"扫描 #{row.id}，完成于 {at:%Y-%m-%d %H:%M}",
                    f"scan #{row.id}, finished {at:%Y-%m-%d %H:%M}",
                )
            )
    return found
