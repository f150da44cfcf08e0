"""The list of schedules."""

from __future__ import annotations

from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_

from secops.objects.models import Department, System
from secops.schedules.models import Schedule
from secops.schedules.words import rule_words
from secops.web.example import with_example
from secops.web.labels import Label
from secops.web.lang import t
from secops.web.links import link
from secops.web.people import shown
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Choice, Days, Flag
from secops.web.tables import Column, Table

STATES = {
    "active": Label("启用", "Active", "good"),
    "paused": Label("已暂停", "Paused", "mute", "pause-circle"),
    "over": Label("已结束", "Over", "mute", "check2-all"),
}
KINDS = {"scan": Label("扫描", "Scan")}


def state_of(schedule: Schedule) -> str:
    """``active``, ``paused``, or ``over`` when no further run is planned."""
    if not schedule.enabled:
        return "paused"
    return "active" if schedule.next_run_at is not None else "over"


def state_label(schedule: Schedule) -> Label:
    return STATES[state_of(schedule)]


def kind_label(kind: str) -> Label:
    return KINDS.get(kind, Label(kind, kind))


def error_words(schedule: Schedule) -> str:
    """The last error in the reader's language; it is kept as ``zh / en``."""
    zh, _, en = schedule.last_error.partition(" / ")
    return t(zh, en or zh)


def _state_clause(state: str) -> ColumnElement[bool]:
    on = Schedule.enabled.is_(True)
    clauses: dict[str, ColumnElement[bool]] = {
        "active": and_(on, Schedule.next_run_at.is_not(None)),
        "over": and_(on, Schedule.next_run_at.is_(None)),
        "paused": Schedule.enabled.is_(False),
    }
    return clauses[state]


def _runs(row: Any) -> str | None:
    most = row.Schedule.max_runs
    return t(f"最多 {most} 次", f"at most {most}") if most is not None else None


def _where(row: Any) -> Markup:
    return with_example(row.department_name, row.is_example)


SCHEDULES = Table(
    "schedules",
    (
        Column("name", "名称", "Name", lambda r: r.Schedule.name, sort=Schedule.name, note=lambda r: kind_label(r.Schedule.kind).text, width="wide"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=_where, kind="link", url=lambda r: link("SystemView.show", system_id=r.Schedule.system_id), width="wide"),
        Column("rule", "规则", "Rule", lambda r: rule_words(r.Schedule), sort=Schedule.cron, width="fit"),
        Column("state", "状态", "State", lambda r: state_label(r.Schedule), sort=Schedule.enabled, kind="badge"),
        Column("next", "下次执行", "Next run", lambda r: r.Schedule.next_run_at if r.Schedule.enabled else None, sort=Schedule.next_run_at, kind="time"),
        Column("last", "上次执行", "Last run", lambda r: r.Schedule.last_run_at, sort=Schedule.last_run_at, kind="time", note=lambda r: error_words(r.Schedule) or None),
        Column("runs", "已执行", "Runs", lambda r: r.Schedule.runs, sort=Schedule.runs, kind="number", note=_runs),
        Column("owner", "建立人", "Made by", lambda r: shown(r.Schedule.owner, r.owner_name), sort=Schedule.owner, width="fit"),
        Column("cron", "cron", "cron", lambda r: r.Schedule.cron, kind="code", shown=False),
        Column("zone", "时区", "Time zone", lambda r: r.Schedule.time_zone, shown=False),
        Column("made", "建立时间", "Made at", lambda r: r.Schedule.created_at, sort=Schedule.created_at, kind="time", shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", options=lambda session: [(key, words.text) for key, words in STATES.items()], clause=_state_clause),
        department_filter(),
        system_filter(),
        Days("next", "下次执行", "Next run", Schedule.next_run_at),
        Flag("failed", "上次出错", "Last run failed", Schedule.last_error != ""),
    ),
    search=(Schedule.name, System.name, System.code, Schedule.owner),
    default_sort="next",
    row_url=lambda r: url_for("ScheduleView.show", schedule_id=r.Schedule.id),
    row_tone=lambda r: "bad" if r.Schedule.last_error else "" if state_of(r.Schedule) == "active" else "mute",
    search_hint=("搜索名称、系统、建立人", "Search name, system, maker"),
    empty=(
        "还没有计划任务。", "No schedule yet.",
        "让检查自己按时重复：选择一项有效的扫描授权和执行时间。",
        "Let checks repeat by themselves: pick an authorisation in force, and when.",
    ),
)  # fmt: skip
