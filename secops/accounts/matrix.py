"""The permission matrix in words: each endpoint of the reviewed file, grouped by page, by role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from secops.accounts.models import Role
from secops.web.gate import ANONYMOUS, ANYBODY, permissions
from secops.web.labels import LABELS, label
from secops.web.lang import t
from secops.web.tables import Column, Table

# In the order of the navigation.
PAGES: dict[str, tuple[str, str]] = {
    "DashboardView": ("全区总览", "Dashboard"),
    "LayerView": ("三层体系", "Three layers"),
    "SystemView": ("定级对象", "Systems"),
    "ClassifyView": ("定级向导", "Classification"),
    "CalendarView": ("到期日历", "Calendar"),
    "ScopeView": ("适用性", "Applicability"),
    "SnapshotView": ("登记册作为证据", "Registers as evidence"),
    "InheritanceView": ("继承", "Inheritance"),
    "RegistersView": ("登记册", "Registers"),
    "SystemRegister": ("登记册：系统", "Register: systems"),
    "AssetRegister": ("登记册：测评对象", "Register: targets"),
    "DepartmentRegister": ("登记册：部门", "Register: departments"),
    "FilingRegister": ("登记册：备案", "Register: filings"),
    "DataRegister": ("登记册：数据类别", "Register: data"),
    "FlowRegister": ("登记册：数据流转", "Register: data flows"),
    "ReleaseRegister": ("登记册：应用版本", "Register: releases"),
    "PolicyRegister": ("登记册：管理制度", "Register: policies"),
    "PostRegister": ("登记册：关键岗位", "Register: key posts"),
    "WorkView": ("我的工作", "My work"),
    "FindingView": ("问题与整改", "Findings"),
    "BoardView": ("整改看板", "Remediation board"),
    "AssessmentView": ("测评", "Assessments"),
    "AssessmentGrid": ("测评：判定", "Assessment: grid"),
    "AssessmentRisks": ("测评：风险与弥补", "Assessment: risks"),
    "AssessmentQuality": ("测评：质量检查", "Assessment: checks"),
    "AssessmentResult": ("测评：结论与对比", "Assessment: conclusion"),
    "AssessmentSheets": ("测评：Excel 往返", "Assessment: Excel"),
    "ScanView": ("扫描", "Scans"),
    "AuthorizationView": ("扫描授权", "Scan authorisations"),
    "CredentialView": ("登录凭据", "Log-in credentials"),
    "ScheduleView": ("计划任务", "Schedules"),
    "EvidenceView": ("证据", "Evidence"),
    "EvidenceUploadView": ("证据：分片上传", "Evidence: uploads in pieces"),
    "EvidenceRequestView": ("材料请求", "Evidence requests"),
    "ReportView": ("报告", "Reports"),
    "CatalogView": ("控制项目录", "Catalogue"),
    "RunningView": ("运行状态", "Running system"),
    "JobView": ("后台任务", "Jobs"),
    "UserView": ("账号", "Accounts"),
    "GrantView": ("角色授权", "Role grants"),
    "ApprovalView": ("授权审批", "Approvals"),
    "LabelView": ("敏感度标记", "Sensitivity labels"),
    "ReviewView": ("授权复核", "Access review"),
    "MatrixView": ("权限矩阵", "Permission matrix"),
    "SelfcheckView": ("平台自评估", "Self-assessment"),
    "AuditView": ("审计日志", "Audit log"),
    "FactorView": ("本人第二因素", "Own second factor"),
    "TokenView": ("本人令牌", "Own tokens"),
    "api": ("接口", "Interface"),
    "SessionView": ("本人会话", "Own sessions"),
    "AccountView": ("本人账号", "Own account"),
    "ComponentView": ("界面组件", "Component page"),
}

ACTIONS: dict[str, tuple[str, str]] = {
    "index": ("查看", "See"),
    "export": ("导出", "Export"),
    "show": ("查看详情", "See one"),
    "runs": ("查看执行记录", "See runs"),
    "runs_export": ("导出执行记录", "Export runs"),
    "create": ("新建", "Create"),
    "edit": ("修改", "Edit"),
    "remove": ("删除", "Remove"),
    "discover": ("由扫描结果登记", "Propose from a scan"),
    "matrix": ("查看矩阵", "See the matrix"),
    "cell": ("查看一格", "See one cell"),
    "exclude": ("申请不适用", "Ask for exclusion"),
    "claim": ("设定责任", "Say who answers"),
    "campaign": ("批量开始", "Begin many"),
    "document": ("导出整份 JSON", "Export it whole"),
    "assign": ("分工", "Assign work"),
    "cells": ("读取一段格", "Read cells"),
    "changes": ("读取变化", "Read changes"),
    "next": ("找下一个未判定", "Find the next open cell"),
    "bulk": ("批量判定", "Decide in bulk"),
    "review": ("复核一格", "Review one cell"),
    "unit": ("单元的风险分析", "Risk of one unit"),
    "compensate": ("记录弥补", "Note a compensation"),
    "report": ("生成报告", "Write the report"),
    "compare": ("对比", "Compare"),
    "compare_export": ("导出对比", "Export the comparison"),
    "publish": ("发布结果", "Publish results"),
    "withdraw": ("撤回", "Take back"),
    "template": ("下载导入模板", "Download the template"),
    "preview": ("预览导入", "Preview an import"),
    "apply": ("确认导入", "Take an import over"),
    "suggest": ("查找系统", "Find a system"),
    "items": ("查看检查项", "See items"),
    "items_export": ("导出检查项", "Export items"),
    "item": ("查看单项", "See one item"),
    "assets": ("查看测评对象", "See targets"),
    "act": ("推进整改", "Move remediation on"),
    "progress": ("查看进度", "See progress"),
    "start": ("发起", "Start"),
    "cancel": ("取消", "Cancel"),
    "decide": ("审批或采纳", "Decide"),
    "openapi": ("查看接口说明", "See the description"),
    "systems": ("读取定级对象", "Read systems"),
    "systems_one": ("读取一个定级对象", "Read one system"),
    "assets_one": ("读取一个测评对象", "Read one target"),
    "assets_new": ("登记测评对象", "Register a target"),
    "findings": ("读取问题", "Read findings"),
    "findings_one": ("读取一个问题", "Read one finding"),
    "evidence_one": ("读取一条证据", "Read one piece of evidence"),
    "codes": ("更换恢复码", "Renew recovery codes"),
    "reset_factor": ("申请重置第二因素", "Ask for a factor reset"),
    "end": ("退出会话", "End a session"),
    "end_others": ("退出其他会话", "End every other session"),
    "end_sessions": ("退出某人的会话", "End somebody's sessions"),
    "set_end": ("设定到期日", "Set an account's end"),
    "toggle": ("停用或启用", "Disable or enable"),
    "run_now": ("立即执行", "Run now"),
    "rerun": ("重新执行", "Run again"),
    "many": ("批量处理", "Take a step for many"),
    "attach": ("附上材料", "Attach papers"),
    "rerun_many": ("批量重新执行", "Run many again"),
    "dead": ("查看未完成的任务", "See jobs that gave up"),
    "dead_export": ("导出未完成的任务", "Export jobs that gave up"),
    "upload": ("上传", "Upload"),
    "download": ("下载", "Download"),
    "begin": ("开始", "Begin"),
    "piece": ("续传", "Send the next piece"),
    "place": ("查询进度", "Ask how far it is"),
    "comment": ("评论", "Comment"),
    "relink": ("调整关联单元", "Link units"),
    "reuse": ("用于其他系统", "Use for another system"),
    "missing": ("一键索要所缺材料", "Ask for what is missing"),
    "receipt": ("下载回执", "Download receipt"),
    "build": ("生成", "Build"),
    "grant": ("授予", "Grant"),
    "revoke": ("收回", "Revoke"),
    "confirm": ("确认复核", "Confirm a review"),
    "evidence": ("查看证据标记", "See labels of evidence"),
    "people": ("查看人员可查看级别", "See clearances"),
    "set_system": ("调整系统标记", "Change a system's label"),
    "set_evidence": ("调整证据标记", "Change a label of evidence"),
    "set_person": ("调整可查看级别", "Change a clearance"),
    "run": ("运行", "Run"),
    "verify": ("校验完整性", "Verify"),
    "password": ("修改密码", "Change password"),
    "panel": ("查看示例", "See a sample"),
}

# Open to everybody or to every account by nature; they show no data.
TECHNICAL = frozenset(
    {
        "static",
        "appbuilder",
        "bootstrap",
        "HealthView",
        "MetricsView",
        "HomeView",
        "LocaleView",
        "LanguageView",
        "ThemeView",
        "UtilView",
        "LoginView",
    }
)

Cell = tuple[str, str, str] | None


@dataclass(frozen=True, slots=True)
class MatrixChoice:
    """What of the matrix is shown: words searched for, pages, roles, and only what changes something."""

    words: str = ""
    page: str = ""
    roles: tuple[Role, ...] = tuple(Role)
    changes_only: bool = False

    @classmethod
    def of(cls, args: MultiDict[str, str]) -> MatrixChoice:
        """Read the arguments of a request; what is unknown is ignored."""
        wanted = set(args.getlist("role"))
        page = args.get("page", "")
        return cls(
            words=args.get("q", "").strip()[:80].lower(),
            page=page if page in PAGES else "",
            roles=tuple(role for role in Role if role.value in wanted) or tuple(Role),
            changes_only=args.get("changes") == "1",
        )


def choices() -> dict[str, list[tuple[str, str]]]:
    """(value, words) of the pages and of the roles that can be chosen."""
    return {
        "pages": [(page, t(zh, en)) for page, (zh, en) in PAGES.items()],
        "roles": [(role.value, label("role", role).text) for role in Role],
    }


def matrix_heads(chosen: MatrixChoice | None = None) -> list[str]:
    return [label("role", role).text for role in (chosen or MatrixChoice()).roles]


def matrix_groups(chosen: MatrixChoice | None = None) -> list[dict[str, Any]]:
    """Groups with rows and cells as the macro ``matrix`` takes them."""
    chosen = chosen or MatrixChoice()
    groups = []
    for page, actions in _by_page().items():
        rows = [
            _row(page, action, by_method, chosen)
            for action, by_method in actions.items()
            if _is_wanted(page, action, by_method, chosen)
        ]
        if rows:
            groups.append({"title": page_words(page), "rows": rows})
    return groups


def matrix_rows(chosen: MatrixChoice) -> list[dict[str, Any]]:
    """One row for each endpoint and method of the file, for the export."""
    return [
        {"page": page, "action": action, "method": method, "roles": roles}
        for page, actions in _by_page().items()
        for action, by_method in actions.items()
        if _is_wanted(page, action, by_method, chosen)
        for method, roles in by_method.items()
    ]


def matrix_table(chosen: MatrixChoice) -> Table:
    """Columns of the export."""
    fixed = (
        Column("page_words", "页面", "Page", lambda r: page_words(r["page"])),
        Column("action_words", "功能", "Function", lambda r: _action_words(r["action"])),
        Column("endpoint", "端点", "Endpoint", lambda r: f"{r['page']}.{r['action']}", kind="code"),
        Column("method", "方法", "Method", lambda r: r["method"], kind="code"),
    )
    return Table("matrix", (*fixed, *(_role_column(role) for role in chosen.roles)))


def _role_column(role: Role) -> Column:
    words = LABELS["role"][role.value]
    return Column(
        role.value,
        words.zh,
        words.en,
        lambda r: t("允许", "yes") if r["roles"] & {role.value, ANYBODY, ANONYMOUS} else "",
    )


def page_words(page: str) -> str:
    return t(*PAGES.get(page, (page, page)))


def _action_words(action: str) -> str:
    return t(*ACTIONS.get(action, (action, action)))


def _by_page() -> dict[str, dict[str, dict[str, frozenset[str]]]]:
    """Page → action → method → roles, pages in the order of the navigation."""
    methods: dict[str, dict[str, dict[str, frozenset[str]]]] = {}
    for (endpoint, method), roles in permissions().rules.items():
        page, _, action = endpoint.partition(".")
        if page not in TECHNICAL:
            methods.setdefault(page, {}).setdefault(action, {})[method] = roles
    order = list(PAGES)
    pages = sorted(methods, key=lambda page: order.index(page) if page in PAGES else len(order))
    return {page: methods[page] for page in pages}


def _is_wanted(page: str, action: str, by_method: dict[str, frozenset[str]], chosen: MatrixChoice) -> bool:
    if chosen.page and page != chosen.page:
        return False
    if chosen.changes_only and set(by_method) <= {"GET"}:
        return False
    text = f"{page_words(page)} {_action_words(action)} {page}.{action}".lower()
    return chosen.words in text


def _row(
    page: str, action: str, by_method: dict[str, frozenset[str]], chosen: MatrixChoice
) -> dict[str, Any]:
    admitted = frozenset[str]().union(*by_method.values())
    return {
        "title": _action_words(action),
        "note": f"{page}.{action} {' '.join(by_method)}",
        "url": "",
        "cells": [_cell(role, by_method, admitted) for role in chosen.roles],
    }


def _cell(role: Role, by_method: dict[str, frozenset[str]], admitted: frozenset[str]) -> Cell:
    if not admitted & {role.value, ANYBODY, ANONYMOUS}:
        return None
    changes = any(
        method != "GET" and roles & {role.value, ANYBODY, ANONYMOUS} for method, roles in by_method.items()
    )
    return ("info", t("操作", "change"), "") if changes else ("good", t("查看", "read"), "")
