"""The list of findings."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement, String, cast, false, select

from secops.clock import utc_now
from secops.findings.models import Finding
from secops.findings.queries import DUE, SEVERITY_RANK, is_open, is_overdue, overdue
from secops.findings.words import number
from secops.objects.models import Asset, Department, System
from secops.web.example import with_example
from secops.web.filters import zone
from secops.web.labels import Label, label
from secops.web.lang import listed, pick, t
from secops.web.links import link, may
from secops.web.people import shown
from secops.web.scope_filters import scoped_departments, system_filter
from secops.web.table_filters import Choice, Days, Flag, Text
from secops.web.tables import BulkAction, Column, Table


def today() -> date:
    """The day in the platform's time zone."""
    return utc_now().astimezone(zone()).date()


def age_days(finding: Finding) -> int:
    """Days since it was opened, until it was closed or until now."""
    return ((finding.closed_at or utc_now()) - finding.opened_at).days


def due_note(finding: Finding) -> Label | str | None:
    """``overdue``, or that the date is only suggested."""
    if overdue(finding, today()):
        return Label("已逾期", "Overdue", "bad", "calendar-x")
    if finding.due is None and finding.suggested_due is not None:
        return t("建议期限", "suggested")
    return None


def _due_export(row: Any) -> date | None:
    found: date | None = row.Finding.due or row.Finding.suggested_due
    return found


def _tone(row: Any) -> str:
    if overdue(row.Finding, today()):
        return "bad"
    return "mute" if row.Finding.state.value in ("closed", "false-positive", "risk-accepted") else ""


def _about(row: Any) -> str:
    """The layer and the units it touches, under the title."""
    units = row.Finding.units
    more = f" +{len(units) - 2}" if len(units) > 2 else ""
    return f"{label('layer', row.Finding.layer).text} · {listed(units[:2])}{more}"


def target_words(asset: str | None, target: str) -> str:
    """The asset, and which service of it where that says more; without an asset what the finding itself names."""
    if asset is None:
        return target or t("整个系统", "the whole system")
    return f"{asset} · {target}" if ":" in target or "/" in target else asset


def _target(row: Any) -> Markup:
    return with_example(target_words(row.asset_name, row.Finding.target), row.is_example)


def _number_is(term: str) -> ColumnElement[bool]:
    """``P-00012`` or ``12``; other words name no number, and the database need not look."""
    digits = term.upper().removeprefix("P-")
    return (
        Finding.id == int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else false()
    )


def _says(term: str) -> ColumnElement[bool]:
    """Title, rule or target. ``words`` is folded, so a plain LIKE finds every case, several times as fast as ILIKE."""
    return Finding.words.contains(term.casefold(), autoescape=True)


def _owner_is(term: str) -> ColumnElement[bool]:
    return Finding.owner.contains(term, autoescape=True)


def _system_is(term: str) -> ColumnElement[bool]:
    return Finding.system_id.in_(select(System.id).where(System.name.icontains(term, autoescape=True)))


def _asset_is(term: str) -> ColumnElement[bool]:
    return Finding.asset_id.in_(select(Asset.id).where(Asset.name.icontains(term, autoescape=True)))


FINDINGS = Table(
    "findings",
    (
        Column("number", "编号", "Number", lambda r: number(r.Finding.id), sort=Finding.id, kind="code", width="fit"),
        Column(
            "title", "问题", "Finding", lambda r: pick(r.Finding.title), sort=Finding.title["zh"].as_string(), note=_about,
            url=lambda r: url_for("FindingView.show", finding_id=r.Finding.id), kind="link", width="wide",
        ),
        Column("severity", "严重程度", "Severity", lambda r: r.Finding.severity, sort=SEVERITY_RANK, kind="badge", label="severity", width="fit"),
        Column("state", "状态", "State", lambda r: r.Finding.state, sort=Finding.state, kind="badge", label="finding_state", width="fit"),
        Column(
            "system", "系统与对象", "System and target", lambda r: r.system_name, sort=System.name, note=_target,
            url=lambda r: link("SystemView.show", system_id=r.Finding.system_id), kind="link", width="wide",
        ),
        Column(
            "owner", "责任人", "Owner", lambda r: shown(r.Finding.owner, r.owner_name) or t("未指派", "Nobody yet"),
            sort=Finding.owner, width="fit",
        ),
        Column(
            "due", "期限", "Due", lambda r: r.Finding.due or r.Finding.suggested_due, sort=DUE, kind="day",
            note=lambda r: due_note(r.Finding), export=_due_export, width="fit",
        ),
        Column("age", "天数", "Days", lambda r: age_days(r.Finding), sort=Finding.opened_at, kind="number", width="fit"),
        Column("layer", "安全层面", "Layer", lambda r: label("layer", r.Finding.layer).text, sort=Finding.layer, shown=False),
        Column(
            "target", "对象", "Target", lambda r: target_words(r.asset_name, r.Finding.target), sort=Asset.name, shown=False,
            note=lambda r: label("asset_kind", r.asset_kind).text if r.asset_kind else None,
        ),
        Column("units", "测评单元", "Units", lambda r: listed(r.Finding.units), shown=False),
        Column("rule", "规则", "Rule", lambda r: r.Finding.rule_id, sort=Finding.rule_id, kind="code", shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
        Column("opened", "发现时间", "Opened", lambda r: r.Finding.opened_at, sort=Finding.opened_at, kind="time", shown=False),
        Column("closed", "关闭时间", "Closed", lambda r: r.Finding.closed_at, sort=Finding.closed_at, kind="time", shown=False),
        Column("observed", "观察到", "Observed", lambda r: pick(r.Finding.observed), shown=False, width="wide"),
        Column("advice", "整改建议", "Advice", lambda r: pick(r.Finding.advice), shown=False, width="wide"),
    ),
    filters=(
        Choice("severity", "严重程度", "Severity", Finding.severity, label="severity"),
        Choice("state", "状态", "State", Finding.state, label="finding_state"),
        Choice("layer", "安全层面", "Layer", Finding.layer, label="layer"),
        Choice("department", "部门", "Department", Finding.department_id, options=scoped_departments, cast=int),
        system_filter(),
        Text("unit", "测评单元", "Unit", cast(Finding.units, String)),
        Text("rule", "规则", "Rule", Finding.rule_id),
        Text("owner", "责任人", "Owner", Finding.owner),
        Days("opened", "发现时间", "Opened", Finding.opened_at),
        Flag("open", "未关闭", "Still open", is_open),
        Flag("overdue", "已逾期", "Overdue", lambda: is_overdue(today())),
    ),
    search=(_number_is, _says, _system_is, _asset_is, _owner_is),
    default_sort="severity",
    row_id=lambda r: r.Finding.id,
    bulk=tuple(
        BulkAction(key, zh, en, lambda: url_for("BoardView.many"), icon=icon, allowed=lambda: may("BoardView.many", "POST"))
        for key, zh, en, icon in (
            ("assign", "指派", "Name an owner", "person"),
            ("plan", "制定计划", "Plan", "calendar-plus"),
            ("start", "开始整改", "Start", "wrench-adjustable"),
            ("submit", "提交整改", "Submit", "send"),
            ("verify", "确认整改", "Confirm", "check2-square"),
            ("close", "关闭", "Close", "check2-circle"),
            ("return", "退回", "Return", "arrow-return-left"),
        )
    ),
    counted=Finding,
    row_url=lambda r: url_for("FindingView.show", finding_id=r.Finding.id),
    row_tone=_tone,
    search_hint=("搜索编号、问题、系统、对象", "Search number, finding, system, target"),
    empty=(
        "没有发现问题。",
        "No finding.",
        "问题由扫描规则自动发现；请先发起一次扫描。没有问题不等于符合：未检查的项目在系统页面上列出。",
        "Findings come from scan rules; start a scan first. None does not mean compliant: what is not examined is listed on the system's page.",
    ),
)  # fmt: skip
