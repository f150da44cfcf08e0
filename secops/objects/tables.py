"""Lists of systems, their items and their targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.orm import Session

from controls.terms import Mark, SecurityClass, TargetKind
from reports.read_model import STATES, Counts
from secops.catalogue.rows import RowChoice, RowTable
from secops.catalogue.words import clause_words, level_words, term
from secops.clock import utc_now
from secops.objects.clock import STATES as CLOCK
from secops.objects.clock import evaluation_clause, evaluation_due, evaluation_state
from secops.objects.models import Asset, Department, System
from secops.objects.parts import (
    FLAGS,
    SYSTEM_STATES,
    flag_badges,
    flag_words,
    macro,
    row_counts,
    verdict_parts,
)
from secops.objects.queries import ASSET_OPEN, FAILING, HIGH, NOT_EXAMINED, OPEN, ItemRow
from secops.posture.models import PostureSummary
from secops.web.filters import zone
from secops.web.labels import Label, label
from secops.web.lang import pick, t
from secops.web.links import link
from secops.web.scope_filters import department_filter
from secops.web.table_filters import Args, Choice, Days, FilterState
from secops.web.tables import Column, Table


def today() -> date:
    """The day in the platform's time zone."""
    return utc_now().astimezone(zone()).date()


def _levels(session: Session) -> list[tuple[str, str]]:
    return [*((str(level), level_words(level)) for level in (1, 2, 3, 4)), ("none", level_words(None))]


def _level_clause(value: str) -> ColumnElement[bool]:
    return System.level.is_(None) if value == "none" else System.level == int(value)


def filed_clause(value: str) -> ColumnElement[bool]:
    """``filed``; ``open`` = to be filed and not; ``none`` = level 1 or none, which nobody files."""
    bound = and_(System.level.is_not(None), System.level >= 2)
    return {
        "filed": System.filing_number != "",
        "open": and_(System.filing_number == "", bound),
        "none": and_(System.filing_number == "", or_(System.level.is_(None), System.level < 2)),
    }[value]


def _filed_options(session: Session) -> list[tuple[str, str]]:
    return [
        ("filed", t("已备案", "Filed")),
        ("open", t("应备案未备案", "To be filed")),
        ("none", t("无需备案", "Not needed")),
    ]


_FLAG_COLUMNS = {
    "lost": System.lost_maintainer,
    "elsewhere": System.run_elsewhere,
    "internet": System.internet_facing,
    "example": System.is_example,
}


def flag_clause(key: str) -> ColumnElement[bool]:
    """Systems with this flag; ``high`` = with an open high finding."""
    if key == "high":
        return HIGH > 0
    return _FLAG_COLUMNS[key].is_(True)


def _flag_options(session: Session) -> list[tuple[str, str]]:
    return [
        *((key, words.text) for key, words in FLAGS.items()),
        ("high", t("有高风险问题", "High findings")),
    ]


def _state_clause(state: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = getattr(PostureSummary, state) > 0
    return or_(found, _nothing_looked_at()) if state == "not_examined" else found


def _nothing_looked_at() -> ColumnElement[bool]:
    """Classified, and its posture was never worked out: every item is open."""
    return and_(PostureSummary.id.is_(None), System.profile != "")


@dataclass(frozen=True, slots=True)
class ClassChoice(Choice):
    """Systems with an item of this class in one of the states that are chosen beside it, else with a gap in it."""

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        # A class with slots is made anew by the decorator, so super() without names would not find it.
        state = Choice.read(self, args, prefix, session)
        if state.chosen:
            states = [one for one in args.getlist(prefix + "has") if one in STATES] or [
                "partial",
                "non_compliant",
            ]
            state.clause = or_(
                *(
                    PostureSummary.by_class[(code, one)].as_integer() > 0
                    for code in state.chosen
                    for one in states
                ),
                *([_nothing_looked_at()] if "not_examined" in states else ()),
            )
        return state


def _name_note(row: Any) -> Markup:
    return Markup('<span class="sample-row">{}{}</span>').format(row.System.code, flag_badges(row.System))


def _filing(row: Any) -> Any:
    system: System = row.System
    if system.filing_number:
        return system.filing_number
    if (system.level or 0) < 2:
        return t("无需备案", "Not needed")
    return macro("badge", Label("未备案", "Not filed", "warn", "exclamation-triangle-fill"))


def _filing_export(row: Any) -> str:
    system: System = row.System
    return system.filing_number or (
        t("无需备案", "Not needed") if (system.level or 0) < 2 else t("未备案", "Not filed")
    )


def clock_label(row: Any) -> Label | None:
    """How the evaluation stands, when that says more than its date."""
    state = evaluation_state(row.System, today())
    return CLOCK[state] if state in ("never", "overdue") else None


def posture_bar(row: Any) -> Markup | str:
    """The five states as one small bar; "" for a system without a posture."""
    counts = row_counts(row)
    return macro("stack", verdict_parts(counts), t("态势", "Posture")) if counts else ""


def posture_note(row: Any) -> str:
    counts = row_counts(row)
    if counts is None:
        return t("定级后计算", "after classification")
    return t(f"已检查 {counts.examined}/{counts.total}", f"{counts.examined}/{counts.total} examined")


def _posture_export(row: Any) -> str:
    counts = row_counts(row)
    return (
        ""
        if counts is None
        else "；".join(f"{words} {number}" for _, words, number, _ in verdict_parts(counts))
    )


def _high_note(row: Any) -> str | None:
    return t(f"高 {row.high_findings}", f"{row.high_findings} high") if row.high_findings else None


def _number(state: str, zh: str, en: str) -> Column:
    return Column(
        state,
        zh,
        en,
        lambda r: (row_counts(r) or Counts()).of(state),
        sort=getattr(PostureSummary, state),
        kind="number",
        shown=False,
    )


def _findings_url(row: Any) -> str:
    return link("FindingView.index", system=row.System.id, open=1)


SYSTEMS = Table(
    "systems",
    (
        Column("name", "定级对象", "System", lambda r: r.System.name, sort=System.name, note=_name_note, width="wide"),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, note=lambda r: label("hosting", r.System.hosting).text),
        Column("level", "等级", "Level", lambda r: level_words(r.System.level), sort=(System.level, System.profile), note=lambda r: r.System.profile, width="fit"),
        Column("hosting", "运行位置", "Hosting", lambda r: label("hosting", r.System.hosting).text, sort=System.hosting, shown=False),
        Column("filing", "备案", "Filing", _filing, sort=System.filing_number, note=lambda r: r.System.filed_on, export=_filing_export, width="fit"),
        Column("evaluation", "下次测评", "Next evaluation", lambda r: evaluation_due(r.System), sort=System.last_evaluation_on, note=clock_label, kind="day", width="fit"),
        Column("posture", "态势", "Posture", posture_bar, sort=PostureSummary.examined_share, note=posture_note, export=_posture_export),
        Column("findings", "未关闭问题", "Open findings", lambda r: r.open_findings, sort=OPEN, note=_high_note, url=_findings_url, kind="number", width="fit"),
        Column("flags", "标记", "Flags", lambda r: flag_badges(r.System), export=lambda r: flag_words(r.System), shown=False),
        Column("code", "编码", "Code", lambda r: r.System.code, sort=System.code, kind="code", shown=False),
        Column("state", "状态", "State", lambda r: SYSTEM_STATES[r.System.state.value].text, sort=System.state, shown=False),
        Column("high", "高风险问题", "High findings", lambda r: r.high_findings, sort=HIGH, kind="number", shown=False),
        _number("compliant", "符合", "Compliant"),
        _number("partial", "部分符合", "Partially compliant"),
        _number("non_compliant", "不符合", "Non-compliant"),
        _number("na", "不适用", "Not applicable"),
        _number("not_examined", "未检查", "Not examined"),
        Column("maintainer", "运维方", "Maintainer", lambda r: r.System.maintainer, sort=System.maintainer, shown=False),
        Column("evaluated", "上次测评", "Last evaluation", lambda r: r.System.last_evaluation_on, sort=System.last_evaluation_on, kind="day", shown=False),
        Column("computed", "态势时间", "Posture computed", lambda r: r.computed_at, sort=PostureSummary.computed_at, kind="time", shown=False),
    ),
    filters=(
        Choice("level", "等级", "Level", options=_levels, clause=_level_clause),
        department_filter(),
        Choice("hosting", "运行位置", "Hosting", System.hosting, label="hosting"),
        Choice("state", "状态", "State", System.state, options=lambda session: [(k, v.text) for k, v in SYSTEM_STATES.items()]),
        Choice("filing", "备案", "Filing", options=_filed_options, clause=filed_clause),
        Choice("evaluation", "测评", "Evaluation", options=lambda session: [(k, v.text) for k, v in CLOCK.items()], clause=lambda value: evaluation_clause(value, today())),
        Choice("flag", "标记", "Flags", options=_flag_options, clause=flag_clause),
        Choice("has", "含有判定", "Has items", options=lambda session: [(s, label("verdict", s).text) for s in STATES], clause=_state_clause),
        ClassChoice("class", "安全类", "Class", options=lambda session: [(c.value, term(c)) for c in SecurityClass], clause=lambda code: true()),
        Days("evaluated", "测评日期", "Evaluated on", System.last_evaluation_on, moment=False),
    ),
    search=(System.name, System.code, Department.name, System.maintainer, System.filing_number),
    default_sort="code",
    row_url=lambda r: url_for("SystemView.show", system_id=r.System.id),
    row_tone=lambda r: "bad" if r.high_findings else "warn" if r.System.lost_maintainer else "",
    search_hint=("搜索名称、编码、部门、备案号", "Search name, code, department, filing"),
    empty=(
        "您的范围内还没有定级对象。", "No system in your scope yet.",
        "由网络安全专员登记系统并定级；登记后这里显示态势、问题和到期事项。演练数据可用 secops demo 生成。",
        "Security officers register and classify systems; posture, findings and dates then show here. Sample data: secops demo.",
    ),
)  # fmt: skip


def _item_classes(session: Session) -> list[tuple[str, str]]:
    return [(one.value, term(one)) for one in SecurityClass]


def _marks(session: Session) -> list[tuple[str, str]]:
    return [(one.value, f"{one.value} · {term(one)}") for one in Mark]


def _item_note(row: ItemRow) -> str:
    point, group = pick(row.unit.control_point.name), term(SecurityClass(row.unit.class_code))
    return f"{point} · {group} · {row.unit.mark.value} · {label('layer', row.unit.layer).text}"


ITEMS = RowTable(
    "items",
    (
        Column("unit", "测评单元", "Unit", lambda r: str(r.unit.id), sort=lambda r: r.position, note=lambda r: clause_words(r.unit), kind="code", width="fit"),
        Column("summary", "要求（平台摘要）", "Requirement (our summary)", lambda r: pick(r.unit.summary), note=_item_note, width="wide"),
        Column("mark", "标识", "Mark", lambda r: r.unit.mark.value, sort=lambda r: r.unit.mark.value, shown=False),
        Column("layer", "层面", "Layer", lambda r: label("layer", r.unit.layer).text, sort=lambda r: r.unit.layer.value, shown=False),
        Column("state", "判定建议", "Suggested verdict", lambda r: r.state, sort=lambda r: STATES.index(r.state), kind="badge", label="verdict", width="fit"),
        Column("targets", "对象", "Targets", lambda r: r.targets_text, sort=lambda r: r.targets, width="fit"),
        Column("evidence", "证据", "Evidence", lambda r: r.evidence, sort=lambda r: r.evidence, kind="number", width="fit"),
        Column("reason", "理由", "Why", lambda r: r.short_reason, export=lambda r: pick(r.reason), width="wide"),
        Column("clause", "条款", "Clause", lambda r: clause_words(r.unit), shown=False),
        Column("point", "控制点", "Control point", lambda r: pick(r.unit.control_point.name), sort=lambda r: pick(r.unit.control_point.name), shown=False),
        Column("class", "安全类", "Class", lambda r: term(SecurityClass(r.unit.class_code)), sort=lambda r: r.unit.class_code, shown=False),
        Column("scope", "范围", "Scope", lambda r: term(r.unit.scope), sort=lambda r: r.unit.scope.value, shown=False),
    ),
    filters=(
        RowChoice("state", "判定", "Verdict", label="verdict", of=lambda r: r.state),
        RowChoice("class", "安全类", "Class", options=_item_classes, of=lambda r: str(r.unit.class_code)),
        RowChoice("layer", "安全层面", "Layer", label="layer", of=lambda r: r.unit.layer.value),
        RowChoice("mark", "标识", "Mark", options=_marks, of=lambda r: r.unit.mark.value),
        RowChoice("means", "取证", "Evidence", options=lambda session: [("given", t("已有证据", "Has evidence")), ("none", t("尚无证据", "No evidence"))], of=lambda r: "given" if r.evidence else "none"),
    ),
    search=(lambda r: r.text,),
    default_sort="unit",
    page_sizes=(25, 50, 100, 200),
    row_url=lambda r: r.url,
    row_tone=lambda r: {"non_compliant": "bad", "partial": "warn"}.get(r.state, ""),
    search_hint=("编号、条款、控制点、关键词", "Id, clause, control point, words"),
    empty=("没有适用的控制项。", "No item applies.", "先为系统定级，才知道适用哪些要求。", "Classify the system first; only then it is known what binds it."),
)  # fmt: skip


def _kinds(session: Session) -> list[tuple[str, str]]:
    return [(one.value, term(one)) for one in TargetKind]


ASSETS = Table(
    "assets",
    (
        Column("name", "测评对象", "Target", lambda r: r.Asset.name, sort=Asset.name, note=lambda r: macro("tag", t("平台所在主机", "the platform's own host"), "info", "pc-display") if r.Asset.is_this_machine else None, width="wide"),
        Column("kind", "类型", "Kind", lambda r: term(TargetKind(r.Asset.kind)), sort=Asset.kind),
        Column("address", "地址", "Address", lambda r: r.Asset.address, sort=Asset.address, kind="code"),
        Column("importance", "重要程度", "Importance", lambda r: r.Asset.importance, sort=Asset.importance, kind="badge", label="importance"),
        Column("findings", "未关闭问题", "Open findings", lambda r: r.open_findings, sort=ASSET_OPEN, kind="number", url=lambda r: link("FindingView.index", asset=r.Asset.id, open=1), width="fit"),
        Column("failing", "不符合或部分符合", "Gaps", lambda r: r.failing, sort=FAILING, kind="number", width="fit"),
        Column("unseen", "未检查的控制项", "Items not examined", lambda r: r.not_examined, sort=NOT_EXAMINED, kind="number", width="fit"),
        Column("seen", "最近检查", "Last looked at", lambda r: r.last_seen, kind="time"),
        Column("example", "示例", "Example", lambda r: r.Asset.is_example, kind="flag", shown=False),
    ),
    filters=(
        Choice("kind", "类型", "Kind", Asset.kind, options=_kinds),
        Choice("importance", "重要程度", "Importance", Asset.importance, label="importance"),
    ),
    search=(Asset.name, Asset.address),
    default_sort="name",
    row_url=lambda r: link("AssetRegister.show", row_id=r.Asset.id),
    search_hint=("搜索名称、地址", "Search name, address"),
    empty=(
        "还没有登记测评对象。", "No target is registered.",
        "没有对象时，各控制项都显示为未检查。由网络安全专员或部门联络员登记服务器、数据库、网络设备、制度等。",
        "Without targets every item shows as not examined. Officers and contacts register servers, databases, devices, policies.",
    ),
)  # fmt: skip
