"""The list of report files."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from secops.evidence.models import Evidence
from secops.jobs.words import form_words
from secops.objects.models import Department, System
from secops.reporting.kinds import KINDS
from secops.reporting.models import ReportFile
from secops.web.example import with_example
from secops.web.lang import t
from secops.web.links import link
from secops.web.people import shown
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Choice, Days
from secops.web.tables import Column, Table

_LANGUAGES = {"zh": "中文", "en": "English"}


def kind_words(kind: str) -> str:
    return t(KINDS[kind].zh, KINDS[kind].en) if kind in KINDS else kind


def _forms() -> list[tuple[str, str]]:
    return [
        (one, f"{form_words(one)} · {kind_words(kind)}") for kind in KINDS for one in KINDS[kind].renderers
    ]


def _where(row: Any) -> Markup:
    return with_example(row.department_name, row.is_example)


REPORTS = Table(
    "reports",
    (
        Column("number", "编号", "Number", lambda r: r.ReportFile.number, sort=ReportFile.number, note=lambda r: kind_words(r.ReportFile.kind), url=lambda r: link("ReportView.download", report_id=r.ReportFile.id), kind="link", width="fit"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=_where, kind="link", url=lambda r: link("SystemView.show", system_id=r.ReportFile.system_id), width="wide"),
        Column("form", "格式", "Form", lambda r: form_words(r.ReportFile.renderer), sort=ReportFile.renderer, note=lambda r: _LANGUAGES.get(r.ReportFile.language), width="fit"),
        Column("language", "语言", "Language", lambda r: _LANGUAGES.get(r.ReportFile.language, r.ReportFile.language), sort=ReportFile.language, shown=False),
        Column("bytes", "大小", "Size", lambda r: r.size, sort=Evidence.size, kind="size"),
        Column("by", "生成人", "Built by", lambda r: shown(r.ReportFile.built_by, r.builder), sort=ReportFile.built_by, width="fit"),
        Column("at", "生成时间", "Built at", lambda r: r.ReportFile.built_at, sort=ReportFile.built_at, kind="time"),
        Column("sm3", "SM3 摘要", "SM3 digest", lambda r: f"{r.sm3[:16]}…" if r.sm3 else "", kind="code", export=lambda r: r.sm3),
        Column("file", "文件名", "File name", lambda r: r.file_name, sort=Evidence.file_name, shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
    ),
    filters=(
        Choice("form", "格式", "Form", ReportFile.renderer, options=lambda session: _forms()),
        Choice("kind", "类型", "Kind", ReportFile.kind, options=lambda session: [(kind, kind_words(kind)) for kind in KINDS]),
        Choice("language", "语言", "Language", ReportFile.language, options=tuple(_LANGUAGES.items())),
        department_filter(),
        system_filter(),
        Days("at", "生成时间", "Built at", ReportFile.built_at),
    ),
    search=(ReportFile.number, System.name, System.code, ReportFile.built_by, Evidence.sm3),
    default_sort="-at",
    search_hint=("搜索编号、系统、SM3", "Search number, system, SM3"),
    empty=(
        "还没有报告。", "No report yet.",
        "选择一个已定级的系统生成报告；内容取自当前态势，未检查的项目写明原因。",
        "Build one for a classified system; it tells the present posture, and why what is not examined is not.",
    ),
)  # fmt: skip
