"""The side navigation: groups in the order of a working day, narrowed to what the gate lets through."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request, url_for
from sqlalchemy.exc import SQLAlchemyError

from secops.accounts.approvals import approvers, waiting_count
from secops.clock import utc_now
from secops.web.gate import permissions
from secops.web.lang import t
from secops.web.principal import principal


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation: endpoint, words, Bootstrap icon."""

    endpoint: str
    zh: str
    en: str
    icon: str
    # Further views whose pages stand under this line.
    also: tuple[str, ...] = ()


_ASSESSMENT = (
    "AssessmentGrid",
    "AssessmentRisks",
    "AssessmentQuality",
    "AssessmentResult",
    "AssessmentSheets",
)

GROUPS: tuple[tuple[tuple[str, str], tuple[Entry, ...]], ...] = (
    (
        ("态势", "Posture"),
        (
            Entry("WorkView.index", "我的工作", "My work", "inbox"),
            Entry("DashboardView.index", "全区总览", "Dashboard", "speedometer2"),
            Entry("LayerView.index", "三层体系", "Three layers", "layers"),
            Entry("SystemView.index", "定级对象", "Systems", "hdd-network"),
            Entry("RegistersView.index", "登记册", "Registers", "journals"),
            Entry("CalendarView.index", "到期日历", "Calendar", "calendar3"),
            Entry("FindingView.index", "问题与整改", "Findings", "exclamation-diamond", also=("BoardView",)),
        ),
    ),
    (
        ("检查", "Examination"),
        (
            Entry("AssessmentView.index", "测评", "Assessments", "clipboard-check", also=_ASSESSMENT),
            Entry("ScanView.index", "扫描", "Scans", "radar"),
            Entry(
                "AuthorizationView.index",
                "扫描授权",
                "Authorisations",
                "shield-check",
                also=("CredentialView",),
            ),
            Entry("ScheduleView.index", "计划任务", "Schedules", "calendar2-check"),
            Entry("EvidenceView.index", "证据", "Evidence", "folder2-open", also=("EvidenceRequestView",)),
            Entry("ReportView.index", "报告", "Reports", "file-earmark-text"),
        ),
    ),
    (("知识", "Knowledge"), (Entry("CatalogView.index", "控制项目录", "Catalogue", "book"),)),
    (
        ("管理", "Administration"),
        (
            Entry("RunningView.index", "运行状态", "Running system", "activity"),
            Entry("JobView.index", "后台任务", "Jobs", "cpu"),
            Entry("UserView.index", "账号", "Accounts", "people"),
            Entry("GrantView.index", "角色授权", "Role grants", "key"),
            Entry("ApprovalView.index", "授权审批", "Approvals", "person-check"),
            Entry("LabelView.index", "敏感度标记", "Sensitivity labels", "tags"),
            Entry("ReviewView.index", "授权复核", "Access review", "clipboard-check"),
            Entry("SelfcheckView.index", "平台自评估", "Self-assessment", "patch-check"),
            Entry("MatrixView.index", "权限矩阵", "Permission matrix", "grid-3x3"),
            Entry("AuditView.index", "审计日志", "Audit log", "journal-text"),
        ),
    ),
)


def visible_groups() -> list[tuple[str, list[dict[str, object]]]]:
    """Groups with at least one entry for this person."""
    who = principal()
    if who.user_id is None:
        return []
    allowed = permissions()
    current = (request.endpoint or "").split(".")[0]
    groups = []
    for (zh, en), entries in GROUPS:
        shown = [
            {
                "url": url_for(entry.endpoint),
                "text": t(entry.zh, entry.en),
                "icon": entry.icon,
                "active": current in (entry.endpoint.split(".")[0], *entry.also),
                "count": _waiting(entry.endpoint),
            }
            for entry in entries
            if entry.endpoint in current_app.view_functions
            and allowed.admits(entry.endpoint, "GET", who.roles, True)
        ]
        if shown:
            groups.append((t(zh, en), shown))
    return groups


def _waiting(endpoint: str) -> int:
    """What waits for this person behind an entry; 0 shows nothing."""
    platform = current_app.extensions["secops"]
    who = principal()
    if endpoint != "ApprovalView.index" or not who.has(*approvers(platform.settings)):
        return 0
    try:
        return waiting_count(platform.session(), who, utc_now())
    except SQLAlchemyError:
        # The page that says that the database is gone has a navigation too.
        return 0


def global_search() -> str:
    """Where the search box of the top bar leads: the list of systems, for those who may see it; else ""."""
    endpoint = "SystemView.index"
    if endpoint not in current_app.view_functions or (request.endpoint or "") == endpoint:
        return ""
    return url_for(endpoint) if permissions().admits(endpoint, "GET", principal().roles, True) else ""


def register(app: Flask) -> None:
    """Give templates ``navigation()`` and ``global_search()``."""
    app.context_processor(lambda: {"navigation": visible_groups, "global_search": global_search})
