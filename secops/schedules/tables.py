"""The list of schedules."""

from __future__ import annotations

from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_

from secops.objects.models import Department, System
from secops.schedules.kinds import KINDS
from secops.schedules.models import Schedule, ScheduleRun
from secops.schedules.words import rule_words
from secops.web.example import with_example
from secops.web.labels import Label
from secops.web.lang import t
from secops.web.links import link
from secops.web.people import shown
from secops.web.scope_filters import Exact, department_filter, system_filter
from secops.web.table_filters import Choice, Days, Flag
from secops.web.tables import Column, Table

STATES = {
    "active": Label("启用", "Active", "good"),
    "paused": Label("已暂停", "Paused", "mute", "pause-circle"),
    "over": Label("已结束", "Over", "mute", "check2-all"),
}


def state_of(schedule: Schedule) -> str:
    """``active``, ``paused``, or ``over`` when no further run is planned."""
    if not schedule.enabled:
        return "paused"
    return "active" if schedule.next_run_at is not None else "over"


def state_label(schedule: Schedule) -> Label:
    return STATES[state_of(schedule)]


def kind_label(kind: str) -> Label:
    found = KINDS.get(kind)
    return Label(found.zh, found.en) if found else Label(kind, kind)


def kind_options() -> list[tuple[str, str]]:
    return [(name, kind_label(name).text) for name in KINDS]


def run_reason(row: Any) -> str:
    """Why a due moment was not started, in the reader's language; it is kept as ``zh / en``."""
    zh, _, en = row.ScheduleRun.reason.partition(" / ")
    return t(zh, en or zh)


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
        Choice("kind", "类型", "Kind", Schedule.kind, options=lambda session: kind_options()),
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
        "让扫描、报告、测评和日常维护自己按时重复：选择类型和执行时间。",
        "Let scans, reports, assessments and upkeep repeat by themselves: pick a kind, and when.",
    ),
)  # fmt: skip


def _job(row: Any) -> str:
    if row.ScheduleRun.job_id is None:
        return ""
    more = row.ScheduleRun.jobs - 1
    return f"#{row.ScheduleRun.job_id}" + (f" +{more}" if more > 0 else "")


RUNS = Table(
    "schedule_runs",
    (
        Column("due", "到期时间", "Due", lambda r: r.ScheduleRun.due_at, sort=ScheduleRun.due_at, kind="time"),
        Column("schedule", "计划", "Schedule", lambda r: r.schedule_name, sort=Schedule.name, kind="link", url=lambda r: link("ScheduleView.show", schedule_id=r.ScheduleRun.schedule_id), note=lambda r: kind_label(r.kind).text, width="wide"),
        Column("state", "结果", "What became of it", lambda r: r.ScheduleRun.state, sort=ScheduleRun.state, kind="badge", label="schedule_run", note=lambda r: run_reason(r) or None),
        Column("job", "任务", "Job", _job, sort=ScheduleRun.job_id, kind="link", url=lambda r: link("JobView.show", job_id=r.ScheduleRun.job_id) if r.ScheduleRun.job_id else "", width="fit"),
        Column("job_state", "任务状态", "State of the job", lambda r: r.job_state, kind="badge", label="job_state"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=lambda r: r.department_name, width="wide"),
        Column("actor", "发起人", "For", lambda r: shown(r.ScheduleRun.actor, r.actor_name), sort=ScheduleRun.actor, width="fit"),
        Column("at", "处理时间", "Seen to", lambda r: r.ScheduleRun.at, sort=ScheduleRun.at, kind="time", shown=False),
        Column("reason", "原因", "Reason", run_reason, shown=False, width="wide"),
    ),
    filters=(
        Choice("state", "结果", "What became of it", ScheduleRun.state, label="schedule_run"),
        Choice("kind", "类型", "Kind", Schedule.kind, options=lambda session: kind_options()),
        Exact("schedule", "计划编号", "Schedule number", ScheduleRun.schedule_id),
        department_filter(),
        system_filter(),
        Days("due", "到期时间", "Due", ScheduleRun.due_at),
    ),
    search=(Schedule.name, System.name, System.code, ScheduleRun.reason),
    default_sort="-due",
    row_tone=lambda r: {"missed": "warn", "failed": "bad"}.get(r.ScheduleRun.state.value, ""),
    search_hint=("搜索计划、系统、原因", "Search schedule, system, reason"),
    empty=(
        "还没有到期的计划。", "Nothing was due yet.",
        "每次到期都列在这里：已启动、跳过、错过或未能启动。",
        "Each due moment is listed here: started, skipped, missed or not able to start.",
    ),
)  # fmt: skip
