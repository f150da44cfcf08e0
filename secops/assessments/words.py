"""Words of assessments: states, actions of the history, editions, risk levels."""

from __future__ import annotations

from typing import Any

from secops.web.labels import Label
from secops.web.lang import t

ASSESSMENT_STATES = {
    "running": Label("进行中", "Running", "info", "pencil-square"),
    "closed": Label("已关闭", "Closed", "good", "lock-fill"),
    "abandoned": Label("已作废", "Abandoned", "mute", "slash-circle"),
}
RECORD_STATES = {
    "open": Label("未判定", "Open", "open"),
    "decided": Label("已判定", "Decided", "info", "pencil-square"),
    "submitted": Label("待复核", "Submitted", "warn", "send"),
    "accepted": Label("已接受", "Accepted", "good"),
    "returned": Label("已退回", "Returned", "bad", "arrow-return-left"),
}
RISK_LEVELS = {
    "high": Label("高", "High", "bad", "triangle-fill"),
    "medium": Label("中", "Medium", "warn", "diamond-fill"),
    "low": Label("低", "Low", "info", "caret-down-fill"),
}
CHANGES = {
    "same": Label("未变", "Same", "mute"),
    "better": Label("改善", "Better", "good", "arrow-up"),
    "worse": Label("变差", "Worse", "bad", "arrow-down"),
    "new": Label("新判定", "New", "info"),
    "gone": Label("本次未判定", "Not decided now", "open"),
}
EDITIONS: dict[str, tuple[str, str]] = {
    "2025": ("2025 版报告模板（符合率）", "2025 report template (rate)"),
    "2021": ("2021 版报告模板（得分）", "2021 report template (score)"),
    "2019": ("2019 版报告模板（得分）", "2019 report template (score)"),
    "crypto-2023": ("密评量化评估规则 2023", "Crypto assessment rule 2023"),
    "crypto-2021": ("密评量化评估规则 2021", "Crypto assessment rule 2021"),
}
ACTIONS: dict[str, tuple[str, str, str]] = {
    "create": ("开始", "Begun", "info"),
    "decide": ("判定", "Decided", "info"),
    "bulk": ("批量判定", "Decided in bulk", "info"),
    "sheet": ("由表格导入", "From a sheet", "info"),
    "confirm-texts": ("确认草稿文字", "Draft texts confirmed", "plain"),
    "submit": ("提交复核", "Submitted", "info"),
    "accept": ("接受", "Accepted", "good"),
    "return": ("退回", "Returned", "bad"),
    "assign": ("分配任务", "Assigned", "plain"),
    "unassign": ("撤回任务", "Assignment taken back", "plain"),
    "risk": ("风险分析", "Risk analysis", "plain"),
    "compensate": ("整体测评：弥补", "Made good elsewhere", "plain"),
    "uncompensate": ("撤回弥补", "Compensation taken back", "plain"),
    "close": ("关闭", "Closed", "good"),
    "abandon": ("作废", "Abandoned", "mute"),
    "ask-reopen": ("申请重新打开", "Reopening asked for", "warn"),
    "reopen": ("重新打开", "Reopened", "warn"),
    "refuse-reopen": ("拒绝重新打开", "Reopening refused", "mute"),
}
PARTS = {"class": ("安全类", "Class"), "target": ("测评对象", "Target"), "unit": ("测评单元", "Unit")}


def target_words(target: Any) -> str:
    """Name of a column; the whole system has a name in both languages."""
    return t("整个系统", "Whole system") if target.kind == "system" else str(target.name)


def edition_words(edition: str) -> str:
    return t(*EDITIONS.get(edition, (edition, edition)))


def action_words(action: str) -> str:
    zh, en, _ = ACTIONS.get(action, (action, action, "plain"))
    return t(zh, en)


def action_tone(action: str) -> str:
    return ACTIONS.get(action, ("", "", "plain"))[2]


def change_words(before: dict[str, Any], after: dict[str, Any], verdict: Any) -> str:
    """What a change of a record changed, in one line."""
    parts = []
    if before.get("verdict") != after.get("verdict"):
        parts.append(f"{verdict(before.get('verdict'))} → {verdict(after.get('verdict'))}")
    names = {"text": ("结果文字", "text"), "comment": ("备注", "comment"), "steps": ("步骤", "steps"), "methods": ("方法", "methods"), "evidence_ids": ("证据", "evidence"), "crypto": ("D/A/K", "D/A/K")}  # fmt: skip
    changed = [t(*words) for key, words in names.items() if before.get(key) != after.get(key)]
    if changed:
        parts.append(t("改动：", "changed: ") + t("、", ", ").join(changed))
    return t("；", "; ").join(parts)
