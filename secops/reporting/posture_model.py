"""Build the read model of a posture report from the rows of one system."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from controls.catalog import AssessmentUnit
from controls.loader import load_catalog
from controls.terms import LevelProfile, Scope, SecurityClass, TargetKind
from reports.read_model import (
    WHOLE_SYSTEM,
    Cell,
    CountBasis,
    CountRow,
    Counts,
    EvidenceRow,
    Filing,
    FindingRow,
    Importance,
    ItemResult,
    Language,
    Layer,
    PostureReport,
    ReportMeta,
    ReportTarget,
    RuleSet,
    ScanRecord,
    Severity,
    Summary,
    SystemInfo,
    Text,
    TrendPoint,
    Verdict,
    percent,
)
from secops import __version__
from secops.evidence.models import BlobState, Evidence, EvidenceLink, EvidenceSource
from secops.findings.models import Finding, FindingState, Measure, MeasureFinding
from secops.objects.models import Asset, Classification, Department, System
from secops.posture.catalogue import EDITION, selection_for
from secops.posture.models import PostureCell, PostureSummary
from secops.posture.services import counts_of
from secops.reporting.paper_model import people
from secops.scans.models import ProbeRun, RunState
from secops.scans.words import detail_pair
from secops.web.labels import LABELS

TREND_POINTS = 60


def label_text(kind: str, value: str) -> Text:
    """Words of a closed-list value in both languages."""
    found = LABELS[kind].get(value)
    return Text(found.zh, found.en) if found else Text.same(value)


def build(
    session: Session, system: System, *, number: str, language: str, now: datetime, zone: str
) -> PostureReport:
    """Everything a posture report says of *system* at *now*; a constant number of queries."""
    # A document's own time stamp has whole seconds.
    now = now.replace(microsecond=0)
    assets = session.scalars(select(Asset).where(Asset.system_id == system.id).order_by(Asset.id)).all()
    summary = session.scalar(
        select(PostureSummary).where(PostureSummary.system_id == system.id, PostureSummary.current.is_(True))
    )
    scans = _scans(session, system)
    return PostureReport(
        meta=_meta(session, system, number, language, now.astimezone(ZoneInfo(zone)), scans),
        system=system_info(session, system),
        summary=_summary(summary),
        targets=_targets(assets, language),
        items=_items(session, system, assets),
        findings=_findings(session, system, now, language),
        evidence=_evidence(session, system, language),
        scans=scans,
        trend=_trend(session, system, zone),
    )


def _meta(
    session: Session, system: System, number: str, language: str, now: datetime, scans: tuple[ScanRecord, ...]
) -> ReportMeta:
    framework = load_catalog().framework(EDITION)
    classification = session.scalar(
        select(Classification)
        .where(Classification.system_id == system.id)
        .order_by(Classification.id.desc())
        .limit(1)
    )
    rule_sets = [
        RuleSet(Text("多对象合并规则", "Rule over several targets"), "set", official=False),
        RuleSet(Text("测评要求", "Assessment units"), f"GB/T 28448-2019（{EDITION}）", official=True),
    ]
    if classification is not None:
        rule_sets.append(
            RuleSet(Text("定级规则", "Classification rules"), classification.rule_set, official=True)
        )
    return ReportMeta(
        title=Text("网络安全等级保护态势报告", "Classified protection posture report"),
        report_number=number,
        generated_at=now,
        generator=f"secops {__version__}",
        catalogue_edition=f"{framework.title.zh if language == 'zh' else framework.title.en} {framework.edition}",
        language=Language.parse(language),
        rule_sets=tuple(rule_sets),
        unofficial_notes=(
            Text(
                "控制项与测评步骤为本平台自编摘要，标准原文以正式出版物为准。",
                "Items and steps are our own summaries; the published standards prevail.",
            ),
            Text(
                "判定为机器依据扫描结果给出的建议，未经测评人员确认。",
                "Verdicts are suggested by rules over scan results and not yet confirmed by an assessor.",
            ),
            Text(
                "多对象合并规则与符合率口径为本平台设定，非官方口径。",
                "The rule over several targets and the compliance rate are settings of this platform, not official.",
            ),
        ),
        scan_ids=tuple(dict.fromkeys(scan.id.split("/")[0] for scan in scans)),
    )


def system_info(
    session: Session, system: System, *, profile: str = "", extensions: Sequence[str] | None = None
) -> SystemInfo:
    """The system as a report names it; *profile* and *extensions* of a frozen scope go before those of today."""
    department = session.get_one(Department, system.department_id)
    filing = (
        Filing(system.filing_number, system.filed_on, is_example=system.is_example)
        if system.filing_number
        else None
    )
    return SystemInfo(
        name=system.name,
        department=department.name,
        level=(LevelProfile.parse(profile).g if profile else system.level) or 1,
        profile=profile or system.profile,
        hosting=label_text("hosting", system.hosting.value),
        filing=filing,
        extensions=tuple(
            Text(Scope(one).zh, Scope(one).en)
            for one in (system.extensions if extensions is None else extensions)
        ),
        boundary=system.boundary,
        business=system.business,
        code=system.code,
    )


def _summary(row: PostureSummary | None) -> Summary:
    if row is None:
        return Summary(CountBasis.ITEM, CountRow.of("total", Text("合计", "Total"), Counts()))
    by_class = tuple(
        CountRow.of(
            member.value, Text(member.label("zh"), member.label("en")), counts_of(row.by_class[member.value])
        )
        for member in SecurityClass
        if member.value in row.by_class
    )
    by_layer = tuple(
        CountRow.of(layer.value, label_text("layer", layer.value), counts_of(row.by_layer[layer.value]))
        for layer in Layer
        if layer.value in row.by_layer
    )
    total = CountRow.of("total", Text("合计", "Total"), counts_of(row))
    return Summary(CountBasis.ITEM, total, by_class, by_layer)


def _targets(assets: Any, language: str) -> tuple[ReportTarget, ...]:
    here = "本平台所在主机" if language == "zh" else "the machine of this platform"
    rows = [
        ReportTarget(
            id=str(asset.id),
            name=asset.name,
            kind=Text(TargetKind(asset.kind).label("zh"), TargetKind(asset.kind).label("en")),
            address=asset.address,
            importance=Importance(asset.importance.value),
            note=here if asset.is_this_machine else "",
        )
        for asset in assets
    ]
    return tuple(rows)


def _text(pairs: list[dict[str, str]]) -> Text:
    zh = "；".join(pair["zh"] for pair in pairs) or "尚未检查"
    en = "; ".join(pair["en"] for pair in pairs) or "not examined yet"
    return Text(zh, en)


def _items(session: Session, system: System, assets: Any) -> tuple[ItemResult, ...]:
    cells: dict[str, list[PostureCell]] = {}
    for cell in session.scalars(
        select(PostureCell).where(PostureCell.system_id == system.id).order_by(PostureCell.id)
    ):
        cells.setdefault(cell.unit_id, []).append(cell)
    if not system.profile:
        return ()
    units = selection_for(system.profile, tuple(system.extensions)).units
    return tuple(_item(unit, cells.get(str(unit.id), [])) for unit in units)


def _item(unit: AssessmentUnit, cells: list[PostureCell]) -> ItemResult:
    verdict = combined_verdict(cells)
    whole = [cell for cell in cells if cell.asset_id is None]
    reason = None
    if verdict is None:
        reason = _text(whole[0].reasons) if whole else _open_reason(cells)
    return ItemResult(
        unit_id=str(unit.id),
        clause=unit.item_clause.clause if unit.item_clause else "",
        letter=unit.item_clause.letter if unit.item_clause else "",
        class_code=unit.class_code,
        class_name=Text(
            SecurityClass(unit.class_code).label("zh"), SecurityClass(unit.class_code).label("en")
        ),
        control_point=Text(unit.control_point.name.zh, unit.control_point.name.en),
        mark=unit.mark.value,
        layer=Layer(unit.layer.value),
        summary=Text(unit.summary.zh, unit.summary.en),
        verdict=verdict,
        not_examined=reason,
        cells=tuple(_cell(cell) for cell in cells),
    )


def _open_reason(cells: list[PostureCell]) -> Text:
    waiting = sum(cell.verdict is None for cell in cells)
    if not cells:
        return Text("尚未计算态势", "the posture was not computed yet")
    return Text(
        f"{waiting} 个测评对象尚无结论，原因见各对象",
        f"{waiting} target(s) without a verdict; see each for its reason",
    )


def combined_verdict(cells: list[PostureCell]) -> Verdict | None:
    """The item's verdict over its targets by the rule ``set``; None while it is open."""
    from controls.posture import combine_set, count
    from controls.terms import Verdict as CatalogVerdict

    counts = count(CatalogVerdict(cell.verdict) if cell.verdict else None for cell in cells)
    verdict = combine_set(counts)
    if verdict is None or (verdict is CatalogVerdict.COMPLIANT and counts.not_examined):
        return None
    return Verdict(verdict.value)


def _cell(cell: PostureCell) -> Cell:
    verdict = Verdict(cell.verdict) if cell.verdict else None
    reasons = tuple(Text(pair["zh"], pair["en"]) for pair in cell.reasons)
    return Cell(
        target_id=str(cell.asset_id) if cell.asset_id else WHOLE_SYSTEM,
        verdict=verdict,
        not_examined=_text(cell.reasons) if verdict is None else None,
        reasons=reasons if verdict is not None else (),
        evidence=tuple(evidence_number(found) for found in cell.evidence_ids),
    )


def evidence_number(evidence_id: int) -> str:
    """How a piece of evidence is cited: ``E-00042``."""
    return f"E-{evidence_id:05}"


def finding_number(finding_id: int) -> str:
    """How a finding is cited: ``P-00042``."""
    return f"P-{finding_id:05}"


def _findings(session: Session, system: System, now: datetime, language: str) -> tuple[FindingRow, ...]:
    measures: dict[int, str] = {}
    query = (
        select(MeasureFinding.finding_id, Measure.text)
        .join(Measure, Measure.id == MeasureFinding.measure_id)
        .where(MeasureFinding.system_id == system.id)
        .order_by(Measure.id)
    )
    for finding_id, text in session.execute(query):
        measures[finding_id] = text
    rank = {"high": 0, "medium": 1, "low": 2}
    findings = session.scalars(select(Finding).where(Finding.system_id == system.id)).all()
    rows = sorted(findings, key=lambda one: (rank[one.severity.value], one.id))
    names = people(session, {one.owner for one in rows}, language)
    return tuple(_finding(one, measures.get(one.id, ""), names.get(one.owner, ""), now) for one in rows)


def _finding(finding: Finding, measure: str, owner: str, now: datetime) -> FindingRow:
    due = finding.due or finding.suggested_due
    closed = finding.state in (FindingState.CLOSED, FindingState.FALSE_POSITIVE)
    return FindingRow(
        number=finding_number(finding.id),
        title=Text(finding.title["zh"], finding.title["en"]),
        severity=Severity(finding.severity.value),
        layer=Layer(finding.layer),
        units=tuple(finding.units),
        target_ids=(str(finding.asset_id),) if finding.asset_id else (),
        state=label_text("finding_state", finding.state.value),
        opened_on=finding.opened_at.date(),
        age_days=(now - finding.opened_at).days,
        due_on=due,
        is_overdue=bool(due and due < now.date() and not closed),
        is_closed=closed,
        owner=owner,
        measure=measure,
        remediation=Text(finding.advice["zh"], finding.advice["en"]) if finding.advice.get("zh") else None,
    )


def _evidence(session: Session, system: System, language: str) -> tuple[EvidenceRow, ...]:
    units: dict[int, list[str]] = {}
    links = select(EvidenceLink.evidence_id, EvidenceLink.unit_id).where(EvidenceLink.system_id == system.id)
    for evidence_id, unit_id in session.execute(links):
        units.setdefault(evidence_id, []).append(unit_id)
    rows = session.scalars(
        select(Evidence)
        .where(
            Evidence.system_id == system.id,
            Evidence.blob_state == BlobState.OK,
            Evidence.source != EvidenceSource.REPORT,
        )
        .order_by(Evidence.id)
    ).all()
    names = people(session, {row.given_by for row in rows}, language)
    return tuple(
        EvidenceRow(
            number=evidence_number(row.id),
            name=f"{row.title}（{row.file_name}）",
            source=label_text("evidence_source", row.source.value),
            sm3_hex=row.sm3,
            size_bytes=row.size,
            uploaded_by=names.get(row.given_by, ""),
            uploaded_at=row.given_at,
            units=tuple(units.get(row.id, ())),
        )
        for row in rows
    )


def _scans(session: Session, system: System) -> tuple[ScanRecord, ...]:
    rows = session.scalars(
        select(ProbeRun)
        .options(joinedload(ProbeRun.scan))
        .where(ProbeRun.system_id == system.id)
        .order_by(ProbeRun.id)
    )
    return tuple(_scan(run) for run in rows)


def _scan(run: ProbeRun) -> ScanRecord:
    failure = None
    if run.state is RunState.FAILED:
        words = label_text("failure", run.reason)
        zh, en = detail_pair(run.detail)
        failure = Text(f"{words.zh}（{zh}）", f"{words.en} ({en})") if run.detail else words
    return ScanRecord(
        id=f"S-{run.scan_id:05}/{run.id}",
        probe=run.probe,
        target=run.target,
        started_at=run.started_at,
        finished_at=run.finished_at,
        state=label_text("run_state", run.state.value),
        failure=failure,
    )


def _trend(session: Session, system: System, zone: str) -> tuple[TrendPoint, ...]:
    """The last state of each day, newest :data:`TREND_POINTS` days."""
    rows = session.scalars(
        select(PostureSummary)
        .where(PostureSummary.system_id == system.id)
        .order_by(PostureSummary.id.desc())
        .limit(2000)
    ).all()
    by_day: dict[Any, PostureSummary] = {}
    for row in rows:
        by_day.setdefault(row.computed_at.astimezone(ZoneInfo(zone)).date(), row)
    days = sorted(by_day)[-TREND_POINTS:]
    return tuple(_point(day, by_day[day]) for day in days)


def _point(day: Any, row: PostureSummary) -> TrendPoint:
    counts = counts_of(row)
    return TrendPoint(
        day, counts.examined_percent, percent(counts.compliant, counts.judged), row.open_findings
    )


__all__ = ["build", "combined_verdict", "evidence_number", "finding_number", "label_text"]
