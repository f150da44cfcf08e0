"""What the registers say about a unit of one system: a hint for the assessor, never a verdict.

Keyed by requirement family, so it holds for every level. The mapping is our own reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from controls.grading import add_months
from controls.ids import UnitId
from controls.loader import load_catalog
from secops.inventory.gaps import TRAINING_MONTHS, exceeded, policy_gaps, release_gaps
from secops.inventory.models import (
    DataCategory,
    DataFlow,
    Filing,
    KeyPost,
    Policy,
    PolicyState,
    Release,
)
from secops.objects.models import Classification, Department, System


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence. ``good`` None: the register holds nothing to go by. ``page``: name of the register's view."""

    zh: str
    en: str
    good: bool | None
    page: str


@dataclass(frozen=True, slots=True)
class _Asked:
    session: Session
    system: System
    today: date

    def rows(self, model: Any) -> Sequence[Any]:
        place = (
            model.system_id == self.system.id
            if hasattr(model, "system_id")
            else model.department_id == self.system.department_id
        )
        return self.session.scalars(select(model).where(place)).all()


def _share(
    rows: Sequence[Any], holds: Callable[[Any], bool], zh: str, en: str, page: str, nothing: tuple[str, str]
) -> Note:
    if not rows:
        return Note(*nothing, None, page)
    good = sum(1 for row in rows if holds(row))
    return Note(f"{zh}：{good}/{len(rows)}", f"{en}: {good} of {len(rows)}", good == len(rows), page)


_NO_POSTS = ("关键岗位登记册为空", "no key post is registered")
_NO_POLICIES = ("管理制度登记册中没有现行制度", "no policy in force is registered")
_NO_RELEASES = ("没有登记已上线的版本", "no release is registered")
_NO_DATA = ("没有登记数据类别", "no data category is registered")
_NO_FLOWS = ("没有登记数据流转", "no data flow is registered")


def _posts(asked: _Asked, *, outside: bool | None = None, left: bool = False) -> list[KeyPost]:
    return [
        row
        for row in asked.rows(KeyPost)
        if (row.left_on is not None) == left and (outside is None or row.outside == outside)
    ]


def _checked(asked: _Asked) -> Note:
    return _share(_posts(asked), lambda r: r.checked_on is not None, "在岗人员有背景审查记录", "people with a background check", "PostRegister", _NO_POSTS)  # fmt: skip


def _agreed(asked: _Asked) -> Note:
    return _share(_posts(asked), lambda r: r.agreement_on is not None, "在岗人员签有保密协议", "people with an agreement", "PostRegister", _NO_POSTS)  # fmt: skip


def _outside_agreed(asked: _Asked) -> Note:
    return _share(_posts(asked, outside=True), lambda r: r.agreement_on is not None, "外部人员签有保密协议", "people from outside with an agreement", "PostRegister", ("没有登记外部人员", "nobody from outside is registered"))  # fmt: skip


def _trained(asked: _Asked) -> Note:
    return _share(
        _posts(asked),
        lambda r: r.trained_on is not None and add_months(r.trained_on, TRAINING_MONTHS) >= asked.today,
        "在岗人员一年内接受过培训", "people trained within a year", "PostRegister", _NO_POSTS,
    )  # fmt: skip


def _left(asked: _Asked) -> Note:
    return _share(
        _posts(asked, left=True),
        lambda r: r.access_ended_on is not None and r.access_ended_on <= r.left_on,
        "离岗人员的权限当日终止", "leavers whose access ended in time", "PostRegister",
        ("没有离岗记录", "nobody has left"),
    )  # fmt: skip


def _in_force(asked: _Asked) -> list[Policy]:
    return [row for row in asked.rows(Policy) if row.state is PolicyState.IN_FORCE]


def _policies(asked: _Asked) -> Note:
    rows = _in_force(asked)
    if not rows:
        return Note(*_NO_POLICIES, None, "PolicyRegister")
    return Note(f"现行制度 {len(rows)} 份", f"{len(rows)} policies in force", True, "PolicyRegister")


def _published(asked: _Asked) -> Note:
    return _share(_in_force(asked), lambda r: r.published_on is not None and bool(r.edition), "现行制度有发布日期和版本", "policies with publication and edition", "PolicyRegister", _NO_POLICIES)  # fmt: skip


def _reviewed(asked: _Asked) -> Note:
    def fresh(row: Policy) -> bool:
        return all("评审" not in gap.zh for gap in policy_gaps(row, asked.today))

    return _share(_in_force(asked), fresh, "现行制度在评审周期内", "policies reviewed in time", "PolicyRegister", _NO_POLICIES)  # fmt: skip


def _leader(asked: _Asked) -> Note:
    leader = asked.session.get_one(Department, asked.system.department_id).leader
    if leader:
        return Note(f"部门负责人：{leader}", f"responsible leader: {leader}", True, "DepartmentRegister")
    return Note("部门没有登记负责人", "no responsible leader is registered", False, "DepartmentRegister")


def _newest(asked: _Asked) -> Classification | None:
    query = select(Classification).where(Classification.system_id == asked.system.id)
    return asked.session.scalars(query.order_by(Classification.id.desc()).limit(1)).one_or_none()


def _classified(asked: _Asked) -> Note:
    row = _newest(asked)
    if row is None:
        return Note("没有定级记录", "no classification is on record", False, "ClassifyView")
    day = row.decided_at.date()
    return Note(f"{day} 定级为 {row.profile}，有理由记录", f"classified {row.profile} on {day}, with reasons", bool(row.reason), "ClassifyView")  # fmt: skip


def _said(asked: _Asked, key: str, zh: str, en: str) -> Note:
    row = _newest(asked)
    words = str((row.detail if row else {}).get(key) or "")
    if words:
        return Note(f"{zh}：{words}", f"{en}: {words}", True, "ClassifyView")
    return Note(f"定级记录中没有{zh}", f"the classification holds no {en}", False, "ClassifyView")


def _filed(asked: _Asked) -> Note:
    rows = asked.rows(Filing)
    number = asked.system.filing_number
    if number:
        return Note(f"备案证明 {number}", f"certificate {number}", True, "FilingRegister")
    zh, en = ("已提交，尚无证明编号", "submitted, no certificate yet") if rows else ("没有备案记录", "no filing is on record")  # fmt: skip
    return Note(zh, en, False, "FilingRegister")


def _released(asked: _Asked) -> list[Release]:
    return [row for row in asked.rows(Release) if row.released_on is not None]


def _gate(asked: _Asked, key: str, zh: str, en: str) -> Note:
    return _share(
        _released(asked),
        lambda r: getattr(r, key) is not None and getattr(r, key) <= r.released_on,
        zh, en, "ReleaseRegister", _NO_RELEASES,
    )  # fmt: skip


def _gates(asked: _Asked) -> Note:
    return _share(_released(asked), lambda r: not release_gaps(r, asked.today), "已上线版本通过全部安全关口", "releases that passed every gate", "ReleaseRegister", _NO_RELEASES)  # fmt: skip


def _evaluated(asked: _Asked) -> Note:
    day = asked.system.last_evaluation_on
    if day is None:
        return Note("没有测评记录", "no evaluation is on record", False, "SystemRegister")
    return Note(f"最近测评 {day}", f"last evaluation {day}", True, "SystemRegister")


def _protected(asked: _Asked) -> Note:
    rows = [row for row in asked.rows(DataCategory) if row.grade.value != "general" or row.personal.value == "sensitive"]  # fmt: skip
    return _share(rows, lambda r: bool(r.protection), "重要或敏感数据写明密码保护措施", "grave data with cryptographic protection", "DataRegister", _NO_DATA)  # fmt: skip


def _flows(asked: _Asked) -> Note:
    return _share(asked.rows(DataFlow), lambda r: not exceeded(r) and (not r.across or bool(r.encryption)), "数据流转在限值内，跨部门的已加密", "flows within their limits, encrypted across departments", "FlowRegister", _NO_FLOWS)  # fmt: skip


# Level-3 unit → what is asked; its family carries it to the other levels.
_ASKED: dict[str, Callable[[_Asked], Note]] = {
    "L3-PSS1-02": _policies,
    "L3-PSS1-06": _published,
    "L3-PSS1-07": _reviewed,
    "L3-ORS1-01": _leader,
    "L3-HRS1-02": _checked,
    "L3-HRS1-03": _agreed,
    "L3-HRS1-04": _left,
    "L3-HRS1-06": _trained,
    "L3-HRS1-12": _outside_agreed,
    "L3-CMS1-01": _classified,
    "L3-CMS1-02": lambda asked: _said(asked, "expert", "专家评审", "expert review"),
    "L3-CMS1-03": lambda asked: _said(asked, "approval", "主管部门审批", "approval"),
    "L3-CMS1-04": _filed,
    "L3-CMS1-15": lambda asked: _gate(asked, "code_review_on", "上线前做过代码审查的版本", "releases with a code review"),
    "L3-CMS1-24": _gates,
    "L3-CMS1-25": lambda asked: _gate(asked, "penetration_on", "上线前做过渗透测试的版本", "releases with a penetration test"),
    "L3-CMS1-29": _evaluated,
    "L3-CES1-27": _flows,
    "L3-CES1-28": _protected,
}  # fmt: skip


@cache
def _by_family() -> dict[str, Callable[[_Asked], Note]]:
    catalog = load_catalog()
    return {catalog.unit(UnitId(unit_id)).family: ask for unit_id, ask in _ASKED.items()}


def note_for(session: Session, system: System, unit: AssessmentUnit, today: date) -> Note | None:
    """What the registers say of one unit; None where they have no word. At most two queries."""
    ask = _by_family().get(unit.family)
    return ask(_Asked(session, system, today)) if ask else None
