"""What a row of a register lacks today. Rules of our own, from the plan's three layers; the periods are customary."""

from __future__ import annotations

from datetime import date
from typing import Any

from controls.grading import add_months
from secops.web.labels import Label

REVIEW_MONTHS = 12
TRAINING_MONTHS = 12
SOON_DAYS = 90
_GATES = (
    ("design_review_on", "设计评审", "design review"),
    ("code_review_on", "代码审查", "code review"),
    ("test_on", "安全测试", "security test"),
    ("penetration_on", "渗透测试", "penetration test"),
    ("assessed_on", "上线前评估", "assessment"),
)


def _missing(zh: str, en: str) -> Label:
    return Label(f"缺{zh}", f"No {en}", "warn")


def _stale(day: date | None, months: int, today: date) -> bool:
    return day is None or add_months(day, months) < today


def _ended(day: date | None, today: date) -> bool:
    return day is not None and day < today


def _soon(day: date | None, today: date) -> bool:
    return day is not None and 0 <= (day - today).days <= SOON_DAYS


def department_gaps(row: Any, today: date) -> list[Label]:
    return [] if row.leader else [_missing("负责人", "responsible leader")]


def system_gaps(row: Any, today: date) -> list[Label]:
    """Not classified, not filed, nobody responsible or maintaining, contract at an end."""
    found = []
    if row.level is None:
        found.append(Label("未定级", "Not classified", "bad"))
    elif row.level >= 2 and not row.filing_number:
        found.append(Label("未备案", "Not filed", "warn"))
    if row.lost_maintainer:
        found.append(Label("失去维护", "Lost maintainer", "bad"))
    if not row.responsible:
        found.append(_missing("责任人", "person responsible"))
    if _ended(row.maintained_until, today):
        found.append(Label("运维合同已到期", "Maintenance ended", "bad"))
    elif _soon(row.maintained_until, today):
        found.append(Label("运维合同将到期", "Maintenance ends soon", "warn"))
    if _ended(row.certificate_until, today):
        found.append(Label("备案证明已过期", "Certificate expired", "bad"))
    return found


def category_gaps(row: Any, today: date) -> list[Label]:
    """Grave data without cryptographic protection or keeper, or not reviewed for a year."""
    found = []
    grave = row.grade.value != "general" or row.personal.value == "sensitive"
    if grave and not row.protection:
        found.append(Label("无密码保护", "No cryptographic protection", "bad"))
    if not row.keeper:
        found.append(_missing("责任人", "keeper"))
    if not row.stages:
        found.append(_missing("生命周期阶段", "life-cycle stages"))
    if _stale(row.reviewed_on, REVIEW_MONTHS, today):
        found.append(Label("超过一年未复核", "Not reviewed for a year", "warn"))
    return found


def exceeded(row: Any) -> list[str]:
    """Names of the measures, ``frequency volume speed``, whose limit a flow exceeds."""
    found = []
    for measure in ("frequency", "volume", "speed"):
        limit, seen = getattr(row, f"{measure}_limit"), getattr(row, f"{measure}_seen")
        if limit is not None and seen is not None and seen > limit:
            found.append(measure)
    return found


MEASURES = {"frequency": ("频次", "frequency"), "volume": ("数量", "volume"), "speed": ("速率", "speed")}


def flow_gaps(row: Any, today: date) -> list[Label]:
    """A limit exceeded; across departments without encryption, approval or limit; not reviewed for a year."""
    found = [
        Label(f"{MEASURES[one][0]}超限", f"{MEASURES[one][1].capitalize()} exceeded", "bad")
        for one in exceeded(row)
    ]
    if row.across:
        if not row.encryption:
            found.append(Label("未加密", "Not encrypted", "bad"))
        if not row.approved_by:
            found.append(_missing("审批", "approval"))
        if row.frequency_limit is None and row.volume_limit is None and row.speed_limit is None:
            found.append(_missing("限值", "limit"))
    if _stale(row.reviewed_on, REVIEW_MONTHS, today):
        found.append(Label("超过一年未复核", "Not reviewed for a year", "warn"))
    return found


def release_gaps(row: Any, today: date) -> list[Label]:
    """A gate that was not passed before the release went live."""
    if row.released_on is None:
        return []
    found = []
    for key, zh, en in _GATES:
        day = getattr(row, key)
        if day is None:
            found.append(_missing(zh, en))
        elif day > row.released_on:
            found.append(Label(f"{zh}晚于上线", f"{en.capitalize()} after release", "bad"))
    return found


def policy_gaps(row: Any, today: date) -> list[Label]:
    if row.state.value != "in-force":
        return []
    found = []
    if not row.approved_by or row.approved_on is None:
        found.append(_missing("审批", "approval"))
    if row.published_on is None:
        found.append(_missing("发布", "publication"))
    if _stale(row.reviewed_on or row.published_on, row.review_months, today):
        found.append(Label("逾期未评审", "Review overdue", "warn"))
    return found


def post_gaps(row: Any, today: date) -> list[Label]:
    """Source: GB/T 22239-2019, 8.1.8.1 to 8.1.8.4 (staff screening, agreements, leaving, training)."""
    if row.left_on is not None:
        if row.access_ended_on is None or row.access_ended_on > row.left_on:
            return [Label("离岗后权限未及时终止", "Access not ended in time", "bad")]
        return []
    found = []
    if row.checked_on is None:
        found.append(_missing("背景审查", "background check"))
    if row.agreement_on is None:
        found.append(_missing("保密协议", "confidentiality agreement"))
    if _stale(row.trained_on, TRAINING_MONTHS, today):
        found.append(Label("一年内未培训", "Not trained for a year", "warn"))
    return found


def filing_gaps(row: Any, today: date) -> list[Label]:
    if row.kind.value == "withdrawal":
        return []
    found = []
    if not row.number:
        found.append(_missing("证明编号", "certificate number"))
    if _ended(row.valid_until, today):
        found.append(Label("已过期", "Expired", "bad"))
    elif _soon(row.valid_until, today):
        found.append(Label("90 天内到期", "Ends within 90 days", "warn"))
    return found
