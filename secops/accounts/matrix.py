"""The permission matrix in words: each endpoint of the reviewed file, grouped by page, by role."""

from __future__ import annotations

from typing import Any

from secops.accounts.models import Role
from secops.web.gate import ANONYMOUS, ANYBODY, permissions
from secops.web.labels import label
from secops.web.lang import t

# In the order of the navigation.
PAGES: dict[str, tuple[str, str]] = {
    "DashboardView": ("全区总览", "Dashboard"),
    "SystemView": ("定级对象", "Systems"),
    "ClassifyView": ("定级向导", "Classification"),
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
    "FindingView": ("问题与整改", "Findings"),
    "ScanView": ("扫描", "Scans"),
    "AuthorizationView": ("扫描授权", "Scan authorisations"),
    "ScheduleView": ("计划任务", "Schedules"),
    "EvidenceView": ("证据", "Evidence"),
    "ReportView": ("报告", "Reports"),
    "CatalogView": ("控制项目录", "Catalogue"),
    "JobView": ("后台任务", "Jobs"),
    "UserView": ("账号", "Accounts"),
    "GrantView": ("角色授权", "Role grants"),
    "MatrixView": ("权限矩阵", "Permission matrix"),
    "AuditView": ("审计日志", "Audit log"),
    "AccountView": ("本人账号", "Own account"),
    "ComponentView": ("界面组件", "Component page"),
}

ACTIONS: dict[str, tuple[str, str]] = {
    "index": ("查看", "See"),
    "export": ("导出", "Export"),
    "show": ("查看详情", "See one"),
    "create": ("新建", "Create"),
    "edit": ("修改", "Edit"),
    "remove": ("删除", "Remove"),
    "template": ("下载导入模板", "Download the template"),
    "preview": ("预览导入", "Preview an import"),
    "apply": ("确认导入", "Take an import over"),
    "items": ("查看检查项", "See items"),
    "items_export": ("导出检查项", "Export items"),
    "item": ("查看单项", "See one item"),
    "assets": ("查看测评对象", "See targets"),
    "act": ("推进整改", "Move remediation on"),
    "progress": ("查看进度", "See progress"),
    "start": ("发起", "Start"),
    "cancel": ("取消", "Cancel"),
    "decide": ("审批或采纳", "Decide"),
    "toggle": ("停用或启用", "Disable or enable"),
    "run_now": ("立即执行", "Run now"),
    "rerun": ("重新执行", "Run again"),
    "upload": ("上传", "Upload"),
    "download": ("下载", "Download"),
    "receipt": ("下载回执", "Download receipt"),
    "build": ("生成", "Build"),
    "grant": ("授予", "Grant"),
    "revoke": ("收回", "Revoke"),
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
        "HomeView",
        "LocaleView",
        "LanguageView",
        "UtilView",
        "LoginView",
    }
)

Cell = tuple[str, str, str] | None


def matrix_heads() -> list[str]:
    return [label("role", role).text for role in Role]


def matrix_groups() -> list[dict[str, Any]]:
    """Groups with rows and cells as the macro ``matrix`` takes them."""
    methods: dict[str, dict[str, dict[str, frozenset[str]]]] = {}
    for (endpoint, method), roles in permissions().rules.items():
        page, _, action = endpoint.partition(".")
        if page not in TECHNICAL:
            methods.setdefault(page, {}).setdefault(action, {})[method] = roles
    order = list(PAGES)
    pages = sorted(methods, key=lambda page: order.index(page) if page in PAGES else len(order))
    return [_group(page, methods[page]) for page in pages]


def _group(page: str, actions: dict[str, dict[str, frozenset[str]]]) -> dict[str, Any]:
    rows = []
    for action, by_method in actions.items():
        zh, en = ACTIONS.get(action, (action, action))
        admitted = frozenset[str]().union(*by_method.values())
        rows.append(
            {
                "title": t(zh, en),
                "note": f"{page}.{action} {' '.join(by_method)}",
                "url": "",
                "cells": [_cell(role, by_method, admitted) for role in Role],
            }
        )
    zh, en = PAGES.get(page, (page, page))
    return {"title": t(zh, en), "rows": rows}


def _cell(role: Role, by_method: dict[str, frozenset[str]], admitted: frozenset[str]) -> Cell:
    if not admitted & {role.value, ANYBODY, ANONYMOUS}:
        return None
    changes = any(
        method != "GET" and roles & {role.value, ANYBODY, ANONYMOUS} for method, roles in by_method.items()
    )
    return ("info", t("操作", "change"), "") if changes else ("good", t("查看", "read"), "")
