"""The list of jobs."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import String, cast

from secops.jobs.models import Job
from secops.jobs.words import KIND_LABELS, cause_words, error_words, job_step, kind_words
from secops.objects.models import Department, System
from secops.scans.tables import duration
from secops.web.labels import label as label_of
from secops.web.lang import t
from secops.web.links import link, may
from secops.web.people import shown
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Choice, Days, Flag
from secops.web.tables import BulkAction, Column, Table


def about(row: Any) -> str | None:
    """Where its work can be looked at."""
    payload = row.Job.payload
    if row.Job.kind == "scan" and payload.get("scan_id"):
        return link("ScanView.show", scan_id=payload["scan_id"])
    if row.Job.kind == "report":
        return link("ReportView.index", system=row.Job.system_id)
    if row.Job.kind == "posture":
        return link("SystemView.show", system_id=row.Job.system_id)
    return None


def detail(row: Any) -> str | None:
    return link("JobView.show", job_id=row.Job.id)


def _step(row: Any) -> str | None:
    if row.Job.cancel_requested and row.Job.state.value == "running":
        return t("已要求停止", "asked to stop")
    return job_step(row.Job.kind, row.Job.step) or None


def _percent(row: Any) -> float:
    return float(row.Job.progress) * 100


def _number(row: Any) -> str:
    report = row.Job.payload.get("number")
    return f"#{row.Job.id}" + (f" · {report}" if report else "")


def _error_or_place(row: Any) -> str:
    return error_words(row.Job.error)[:160] or str(row.department_name)


def _attempts(row: Any) -> str:
    return f"{row.Job.attempt} / {row.Job.max_attempts}"


JOBS = Table(
    "jobs",
    (
        Column("kind", "任务", "Job", lambda r: kind_words(r.Job.kind), sort=Job.kind, kind="link", url=detail, note=_number, width="fit"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=_error_or_place, width="wide"),
        Column("state", "状态", "State", lambda r: r.Job.state, sort=Job.state, kind="badge", label="job_state"),
        Column("progress", "进度", "Progress", _percent, sort=Job.progress, kind="progress", note=_step, export=lambda r: round(_percent(r))),
        Column("attempt", "尝试", "Attempt", _attempts, sort=Job.attempt, width="fit"),
        Column("actor", "发起人", "For", lambda r: shown(r.Job.actor, r.actor_name), sort=Job.actor, note=lambda r: cause_words(r.Job.cause), width="fit"),
        Column("created", "建立时间", "Created", lambda r: r.Job.created_at, sort=Job.created_at, kind="time"),
        Column("number", "编号", "Number", lambda r: r.Job.id, sort=Job.id, kind="number", shown=False),
        Column("cause", "缘由", "Cause", lambda r: cause_words(r.Job.cause), sort=Job.cause, shown=False),
        Column("took", "用时", "Took", lambda r: duration(r.Job.started_at, r.Job.finished_at), shown=False),
        Column("error", "错误", "Error", lambda r: error_words(r.Job.error)[:200], width="wide", shown=False),
        Column("started", "开始时间", "Started", lambda r: r.Job.started_at, sort=Job.started_at, kind="time", shown=False),
        Column("finished", "结束时间", "Finished", lambda r: r.Job.finished_at, sort=Job.finished_at, kind="time", shown=False),
        Column("queue", "队列", "Queue", lambda r: r.Job.queue, sort=Job.queue, kind="code", shown=False),
        Column("worker", "工作进程", "Worker", lambda r: r.Job.lease_owner, kind="code", shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", Job.state, label="job_state"),
        Choice("kind", "任务", "Job", Job.kind, options=lambda session: [(kind, words.text) for kind, words in KIND_LABELS.items()]),
        department_filter(),
        system_filter(),
        Days("created", "建立时间", "Created", Job.created_at),
        Flag("error", "有错误", "With an error", Job.error != ""),
    ),
    search=(System.name, System.code, Department.name, Job.actor, Job.error, cast(Job.id, String)),
    default_sort="-number",
    row_tone=lambda r: "bad" if r.Job.state.value in ("dead", "failed") else "mute" if r.Job.state.value == "cancelled" else "",
    search_hint=("搜索系统、发起人、错误", "Search system, person, error"),
    empty=(
        "没有可见的后台任务。", "No job to be seen.",
        "扫描、报告和态势重算都在后台进行，会出现在这里。",
        "Scans, reports and posture recomputes work in the background and show here.",
    ),
)  # fmt: skip

DEAD = Table(
    "dead_jobs",
    (
        Column("kind", "任务", "Job", lambda r: kind_words(r.Job.kind), sort=Job.kind, kind="link", url=detail, note=_number, width="fit"),
        Column("error", "原因", "Cause", lambda r: error_words(r.Job.error)[:400], width="wide"),
        Column("state", "状态", "State", lambda r: r.Job.state, sort=Job.state, kind="badge", label="job_state"),
        Column("attempt", "尝试", "Attempt", _attempts, sort=Job.attempt, width="fit"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=lambda r: r.department_name),
        Column("actor", "发起人", "For", lambda r: shown(r.Job.actor, r.actor_name), sort=Job.actor, note=lambda r: cause_words(r.Job.cause), width="fit"),
        Column("finished", "放弃时间", "Gave up", lambda r: r.Job.finished_at, sort=Job.finished_at, kind="time"),
        Column("number", "编号", "Number", lambda r: r.Job.id, sort=Job.id, kind="number", shown=False),
        Column("queue", "队列", "Queue", lambda r: r.Job.queue, sort=Job.queue, kind="code", shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", Job.state, options=lambda session: [(state, label_of("job_state", state).text) for state in ("dead", "failed")]),
        Choice("kind", "任务", "Job", Job.kind, options=lambda session: [(kind, words.text) for kind, words in KIND_LABELS.items()]),
        department_filter(),
        system_filter(),
        Days("finished", "放弃时间", "Gave up", Job.finished_at),
    ),
    search=(System.name, System.code, Job.error, cast(Job.id, String)),
    default_sort="-number",
    row_id=lambda r: r.Job.id,
    bulk=(BulkAction("rerun", "重新执行", "Run again", lambda: url_for("JobView.rerun_many"), icon="arrow-repeat", allowed=lambda: may("JobView.rerun_many", "POST")),),
    search_hint=("搜索系统、原因、编号", "Search system, cause, number"),
    empty=(
        "没有需要处理的任务。", "No job waits for a person.",
        "任务失败后会自动再试，间隔逐次加长；多次失败或被规则拒绝的才列在这里。",
        "A job that fails is tried again by itself, each time later; what gave up or was refused is listed here.",
    ),
)  # fmt: skip
