"""The list of requests for evidence."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import ColumnElement, String, and_, cast

from controls.documents import Holder
from secops.evidence.models import EvidenceRequest, RequestState
from secops.evidence.tables import today
from secops.objects.models import Department, System
from secops.web.example import with_example
from secops.web.labels import Label, label
from secops.web.lang import pick
from secops.web.links import link
from secops.web.people import shown
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Choice, Days, Flag
from secops.web.tables import Column, Table

LATE = Label("已逾期", "Overdue", "bad", "calendar-x")


def is_late(row: EvidenceRequest) -> bool:
    """Still open after its day."""
    return row.state is RequestState.OPEN and row.due_on < today()


def _late() -> ColumnElement[bool]:
    return and_(EvidenceRequest.state == RequestState.OPEN, EvidenceRequest.due_on < today())


def holder_words(value: str) -> str:
    """Who usually has it."""
    return pick(Holder(value)) if value else ""


def _tone(row: Any) -> str:
    if is_late(row.EvidenceRequest):
        return "bad"
    return "mute" if row.EvidenceRequest.state in (RequestState.DONE, RequestState.WITHDRAWN) else ""


REQUESTS = Table(
    "evidence_requests",
    (
        Column("title", "材料", "What is needed", lambda r: pick(r.EvidenceRequest.title), width="wide"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=lambda r: with_example(r.department_name, r.is_example), kind="link", url=lambda r: link("SystemView.show", system_id=r.EvidenceRequest.system_id), width="wide"),
        Column("state", "状态", "State", lambda r: label("evidence_request_state", r.EvidenceRequest.state), sort=EvidenceRequest.state, kind="badge"),
        Column("due", "期限", "Due", lambda r: r.EvidenceRequest.due_on, sort=EvidenceRequest.due_on, kind="day", note=lambda r: LATE if is_late(r.EvidenceRequest) else None),
        Column("holder", "通常由谁保管", "Usually held by", lambda r: holder_words(r.EvidenceRequest.holder), sort=EvidenceRequest.holder),
        Column("by", "要求人", "Asked by", lambda r: shown(r.EvidenceRequest.asked_by, r.asker), sort=EvidenceRequest.asked_by, width="fit"),
        Column("at", "要求时间", "Asked", lambda r: r.EvidenceRequest.asked_at, sort=EvidenceRequest.asked_at, kind="time", shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
        Column("number", "编号", "Number", lambda r: r.EvidenceRequest.id, sort=EvidenceRequest.id, kind="number", shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", EvidenceRequest.state, label="evidence_request_state"),
        department_filter(),
        system_filter(),
        Days("due", "期限", "Due", EvidenceRequest.due_on),
        Flag("late", "已逾期", "Overdue", _late),
    ),
    search=(cast(EvidenceRequest.title, String), System.name, System.code),
    default_sort="due",
    row_url=lambda r: url_for("EvidenceRequestView.show", request_id=r.EvidenceRequest.id),
    row_tone=_tone,
    search_hint=("搜索材料、系统", "Search what or system"),
    empty=(
        "没有材料请求。", "No requests.",
        "网络安全专员可以按系统一键索要所缺材料。",
        "A security officer asks for everything that a system lacks in one step.",
    ),
)  # fmt: skip
