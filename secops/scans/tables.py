"""Lists of scans, of what the rules said in one, and of authorisations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement, String, and_, case, cast

from secops.clock import utc_now
from secops.findings.words import number
from secops.objects.models import Asset, Department, System
from secops.scans.judge import rules_by_id
from secops.scans.models import AuthorizationState, Outcome, ProbeRun, Scan, ScanAuthorization
from secops.scans.queries import authorization_state, valid_now
from secops.scans.words import cause_label, cause_options, probe_words
from secops.web.example import with_example
from secops.web.filters import local_time
from secops.web.labels import LABELS, Label, label
from secops.web.lang import listed, pick, t
from secops.web.links import link
from secops.web.people import shown
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Choice, Days, Text
from secops.web.tables import Column, Table

OUTCOME_RANK = case(
    {word: rank for rank, word in enumerate(("fail", "error", "manual", "pass", "na"))},
    value=Outcome.outcome,
    else_=9,
)


def duration(start: datetime | None, end: datetime | None) -> str:
    """``1 分 12 秒``; "" while one end is missing."""
    if start is None or end is None:
        return ""
    seconds = max(0, round((end - start).total_seconds()))
    if seconds == 0:
        return t("不到 1 秒", "under 1 s")
    if seconds < 60:
        return t(f"{seconds} 秒", f"{seconds} s")
    return t(f"{seconds // 60} 分 {seconds % 60} 秒", f"{seconds // 60} min {seconds % 60} s")


def _where(row: Any) -> Markup:
    return with_example(row.department_name, row.is_example)


def _unseen(row: Any) -> str | None:
    return t(f"{row.unseen} 个未能查看", f"{row.unseen} not seen") if row.unseen else None


def _scan_tone(row: Any) -> str:
    return {"failed": "bad", "cancelled": "mute"}.get(row.Scan.state.value, "")


SCANS = Table(
    "scans",
    (
        Column("number", "编号", "Number", lambda r: f"#{r.Scan.id}", sort=Scan.id, kind="code", width="fit"),
        Column(
            "system", "系统", "System", lambda r: r.system_name, sort=System.name, note=_where, width="wide",
            url=lambda r: url_for("ScanView.show", scan_id=r.Scan.id), kind="link",
        ),
        Column("state", "状态", "State", lambda r: r.Scan.state, sort=Scan.state, kind="badge", label="scan_state"),
        Column("cause", "缘由", "Cause", lambda r: cause_label(r.Scan.cause).text, sort=Scan.cause, width="fit"),
        Column("targets", "已查目标", "Targets asked", lambda r: r.targets, kind="number", note=_unseen, width="fit"),
        Column(
            "failed", "未通过", "Failed rules", lambda r: r.failed, kind="link",
            url=lambda r: url_for("ScanView.show", scan_id=r.Scan.id, outcome="fail") + "#outcomes", width="fit",
        ),
        Column("passed", "通过", "Passed rules", lambda r: r.passed, kind="number", width="fit"),
        Column("by", "发起人", "Requested by", lambda r: shown(r.Scan.requested_by, r.requester), sort=Scan.requested_by, width="fit"),
        Column("at", "发起时间", "Requested", lambda r: r.Scan.requested_at, sort=Scan.requested_at, kind="time"),
        Column("took", "用时", "Took", lambda r: duration(r.Scan.started_at, r.Scan.finished_at), width="fit"),
        Column("authorization", "授权", "Authorisation", lambda r: r.authorization_title, sort=ScanAuthorization.title, shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
        Column("error", "错误", "Error", lambda r: r.Scan.error, shown=False, width="wide"),
    ),
    filters=(
        Choice("state", "状态", "State", Scan.state, label="scan_state"),
        Choice("cause", "缘由", "Cause", Scan.cause, options=lambda session: cause_options()),
        department_filter(),
        system_filter(),
        Days("at", "发起时间", "Requested", Scan.requested_at),
    ),
    search=(System.name, System.code, ScanAuthorization.title, Scan.requested_by, cast(Scan.id, String)),
    default_sort="-number",
    row_url=lambda r: url_for("ScanView.show", scan_id=r.Scan.id),
    row_tone=_scan_tone,
    search_hint=("搜索系统、授权、发起人", "Search system, authorisation, requester"),
    empty=(
        "还没有扫描。", "No scan yet.",
        "先申请扫描授权，由另一人批准，然后在这里发起扫描。",
        "Request an authorisation, let somebody else approve it, then start a scan here.",
    ),
)  # fmt: skip


def rule_title(rule_id: str) -> str:
    """What a rule asks, in words; its id when the rule is not shipped any more."""
    rule = rules_by_id().get(rule_id)
    return pick({"zh": rule.title.zh, "en": rule.title.en}) if rule else rule_id


def _units(outcome: Outcome, most: int = 1) -> str:
    found = list(dict.fromkeys(str(answer["unit"]) for answer in outcome.answers))
    return listed(found[:most]) + (f" +{len(found) - most}" if len(found) > most else "")


OUTCOMES = Table(
    "outcomes",
    (
        Column("outcome", "结果", "Outcome", lambda r: r.Outcome.outcome, sort=OUTCOME_RANK, kind="badge", label="outcome", width="fit"),
        Column("rule", "检查项", "Check", lambda r: rule_title(r.Outcome.rule_id), sort=Outcome.rule_id, note=lambda r: pick(r.Outcome.reason), width="wide"),
        Column("asset", "对象", "Target", lambda r: r.asset_name, sort=Asset.name, note=lambda r: r.target, width="fit"),
        Column("probe", "检查方式", "Probe", lambda r: probe_words(r.probe), sort=ProbeRun.probe, width="fit"),
        Column("units", "测评单元", "Units", lambda r: _units(r.Outcome), width="fit", export=lambda r: _units(r.Outcome, 99)),
        Column(
            "finding", "问题", "Finding", lambda r: number(r.finding_id) if r.finding_id and r.Outcome.outcome == "fail" else "",
            kind="link", url=lambda r: link("FindingView.show", finding_id=r.finding_id) if r.finding_id and r.Outcome.outcome == "fail" else "",
            width="fit",
        ),
        Column("rule_id", "规则", "Rule id", lambda r: r.Outcome.rule_id, sort=Outcome.rule_id, kind="code", shown=False),
        Column("check", "检查编号", "Check id", lambda r: r.Outcome.check_id, sort=Outcome.check_id, kind="code", shown=False),
        Column("current", "最新结果", "Latest", lambda r: r.Outcome.current, kind="flag", shown=False),
        Column("at", "时间", "Time", lambda r: r.Outcome.observed_at, sort=Outcome.observed_at, kind="time", shown=False),
    ),
    filters=(
        Choice("outcome", "结果", "Outcome", Outcome.outcome, label="outcome"),
        Choice("probe", "检查方式", "Probe", ProbeRun.probe, options=lambda session: [(p, probe_words(p)) for p in ("local", "nmap", "tls", "sshkex", "sm_crypto", "tlcp", "web", "database", "nginx")]),
    ),
    search=(Outcome.rule_id, Outcome.check_id, Asset.name, ProbeRun.target, Outcome.reason["zh"].as_string(), Outcome.reason["en"].as_string(), cast(Outcome.answers, String)),
    default_sort="outcome",
    search_hint=("搜索检查项、对象、单元", "Search check, target, unit"),
    empty=(
        "这次扫描还没有规则结果。", "No rule has spoken in this scan yet.",
        "目标无法查看时不会有结果，原因见上表。", "A target that could not be seen gives none; the table above says why.",
    ),
)  # fmt: skip

AUTHORIZATION_LABELS: dict[str, Label] = {
    **LABELS["authorization_state"],
    "ended": Label("已到期", "Ended", "mute", "calendar-x"),
    "not-begun": Label("未到生效时间", "Not begun", "info", "hourglass"),
}


def authorization_label(row: ScanAuthorization) -> Label:
    return AUTHORIZATION_LABELS[authorization_state(row, utc_now())]


def _state_clause(state: str) -> ColumnElement[bool]:
    now = utc_now()
    approved = ScanAuthorization.state == AuthorizationState.APPROVED
    clauses: dict[str, ColumnElement[bool]] = {
        "approved": valid_now(now),
        "ended": and_(approved, ScanAuthorization.valid_until <= now),
        "not-begun": and_(approved, ScanAuthorization.valid_from > now),
    }
    return clauses.get(state, ScanAuthorization.state == state)


def _probe_list(row: ScanAuthorization) -> str:
    return listed(probe_words(probe) for probe in row.probes)


def _decider(row: Any) -> str | None:
    who = shown(row.ScanAuthorization.decided_by, row.decider)
    return t(f"审批：{who}", f"decided by {who}") if who else None


def period(row: ScanAuthorization) -> str:
    return f"{local_time(row.valid_from)[:10]} – {local_time(row.valid_until)[:10]}"


AUTHORIZATIONS = Table(
    "authorizations",
    (
        Column("title", "授权", "Authorisation", lambda r: r.ScanAuthorization.title, sort=ScanAuthorization.title, note=lambda r: _probe_list(r.ScanAuthorization), width="wide"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=_where, url=lambda r: link("SystemView.show", system_id=r.ScanAuthorization.system_id), kind="link", width="wide"),
        Column("state", "状态", "State", lambda r: authorization_label(r.ScanAuthorization), sort=ScanAuthorization.state, kind="badge"),
        Column("networks", "网段", "Networks", lambda r: "、".join(r.ScanAuthorization.networks), kind="code", note=lambda r: t("含例外地址", "with exceptions") if r.ScanAuthorization.exceptions else None),
        Column("probes", "检查方式", "Probes", lambda r: _probe_list(r.ScanAuthorization), width="wide", shown=False),
        Column("until", "有效期至", "Until", lambda r: local_time(r.ScanAuthorization.valid_until)[:10], note=lambda r: t("自 ", "from ") + local_time(r.ScanAuthorization.valid_from)[:10], sort=ScanAuthorization.valid_until, width="fit"),
        Column("by", "申请人", "Requested by", lambda r: shown(r.ScanAuthorization.requested_by, r.requester), sort=ScanAuthorization.requested_by, note=_decider, width="fit"),
        Column("decided", "审批人", "Decided by", lambda r: shown(r.ScanAuthorization.decided_by, r.decider), sort=ScanAuthorization.decided_by, shown=False),
        Column("scans", "扫描次数", "Scans", lambda r: r.scans, kind="link", url=lambda r: url_for("ScanView.index", authorization=r.ScanAuthorization.id), width="fit", shown=False),
        Column("at", "申请时间", "Requested", lambda r: r.ScanAuthorization.requested_at, sort=ScanAuthorization.requested_at, kind="time", shown=False),
        Column("reason", "理由", "Reason", lambda r: r.ScanAuthorization.reason, shown=False, width="wide"),
        Column("exceptions", "例外地址", "Exceptions", lambda r: listed(r.ScanAuthorization.exceptions), kind="code", shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", options=lambda session: [(key, label_.text) for key, label_ in AUTHORIZATION_LABELS.items()], clause=_state_clause),
        department_filter(),
        system_filter(),
        Text("network", "网段", "Network", cast(ScanAuthorization.networks, String)),
        Days("at", "申请时间", "Requested", ScanAuthorization.requested_at),
    ),
    search=(ScanAuthorization.title, System.name, System.code, ScanAuthorization.requested_by, ScanAuthorization.reason),
    default_sort="-at",
    row_url=lambda r: url_for("AuthorizationView.show", authorization_id=r.ScanAuthorization.id),
    row_tone=lambda r: "mute" if authorization_state(r.ScanAuthorization, utc_now()) in ("ended", "refused", "revoked") else "",
    search_hint=("搜索授权、系统、申请人", "Search authorisation, system, requester"),
    empty=(
        "还没有扫描授权。", "No authorisation yet.",
        "没有授权就不能扫描：写明网段、检查方式和期限，由另一人审批。",
        "Nothing is scanned without one: networks, probes and a period, approved by somebody else.",
    ),
)  # fmt: skip

__all__ = [
    "AUTHORIZATIONS",
    "OUTCOMES",
    "SCANS",
    "authorization_label",
    "duration",
    "label",
    "period",
    "rule_title",
]
