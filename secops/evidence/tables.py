"""The list of evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from secops.clock import utc_now
from secops.evidence.models import Evidence
from secops.evidence.queries import answers_unit, expired, is_expired
from secops.objects.models import Department, System
from secops.scans.words import probe_words
from secops.web.example import with_example
from secops.web.filters import zone
from secops.web.labels import Label, label
from secops.web.lang import listed, t
from secops.web.links import link
from secops.web.people import shown
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Args, Choice, Days, FilterState, Flag, Text
from secops.web.tables import Column, Table


def today() -> date:
    return utc_now().astimezone(zone()).date()


def state_label(row: Evidence) -> Label:
    """Its state; one whose period is over shows as expired."""
    return label("evidence_state", "expired" if expired(row, today()) else row.state)


def title_words(row: Evidence) -> str:
    """The title; what a machine named is worded in the reader's language."""
    kind, _, rest = (row.origin_key or "").partition(":")
    parts = rest.split(":", 2)
    if kind == "scan" and len(parts) == 3:
        probe, target = probe_words(parts[1]), parts[2]
        return t(
            f"扫描 #{parts[0]} 原始输出：{probe} {target}",
            f"Raw output of scan #{parts[0]}: {probe} {target}",
        )
    if kind == "report" and row.title.startswith("报告 "):
        return t(row.title, f"Report {row.title[3:]}")
    return row.title


def units_text(units: str | None) -> str:
    """The first unit and how many there are."""
    ids = sorted((units or "").split(",")) if units else []
    more = t(f" 等 {len(ids)} 项", f" +{len(ids) - 1}") if len(ids) > 1 else ""
    return "、".join(ids[:1]) + more


@dataclass(frozen=True, slots=True)
class UnitFilter(Text):
    """One unit by its id."""

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        # A class with slots is made anew by the decorator, so super() without names would not find it.
        state = Text.read(self, args, prefix, session)
        if state.clause is not None:
            state.clause = answers_unit(state.chosen[0].upper())
        return state


def _expired() -> ColumnElement[bool]:
    return is_expired(today())


def _where(row: Any) -> Markup:
    return with_example(row.department_name, row.is_example)


EVIDENCE = Table(
    "evidence",
    (
        Column("title", "证据", "Evidence", lambda r: title_words(r.Evidence), sort=Evidence.title, note=lambda r: r.Evidence.file_name, width="wide"),
        Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=_where, kind="link", url=lambda r: link("SystemView.show", system_id=r.Evidence.system_id), width="wide"),
        Column("state", "状态", "State", lambda r: state_label(r.Evidence), sort=Evidence.state, kind="badge"),
        Column("source", "来源", "Source", lambda r: label("evidence_source", r.Evidence.source).text, sort=Evidence.source, width="fit"),
        Column("units", "测评单元", "Units", lambda r: units_text(r.units), width="fit", export=lambda r: listed(filter(None, (r.units or "").split(",")))),
        Column("by", "提交人", "Given by", lambda r: shown(r.Evidence.given_by, r.giver), sort=Evidence.given_by, width="fit"),
        Column("at", "提交时间", "Given", lambda r: r.Evidence.given_at, sort=Evidence.given_at, kind="time"),
        Column("bytes", "大小", "Size", lambda r: r.Evidence.size, sort=Evidence.size, kind="size"),
        Column("until", "有效期至", "Valid until", lambda r: r.Evidence.effective_until, sort=Evidence.effective_until, kind="day", shown=False),
        Column("sm3", "SM3 摘要", "SM3 digest", lambda r: r.Evidence.sm3, kind="code", shown=False),
        Column("media", "文件类型", "Media type", lambda r: r.Evidence.media_type, sort=Evidence.media_type, kind="code", shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
        Column("number", "编号", "Number", lambda r: r.Evidence.id, sort=Evidence.id, kind="number", shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", Evidence.state, label="evidence_state"),
        Choice("source", "来源", "Source", Evidence.source, label="evidence_source"),
        department_filter(),
        system_filter(),
        UnitFilter("unit", "测评单元", "Unit", Evidence.title),
        Days("at", "提交时间", "Given", Evidence.given_at),
        Flag("expired", "已过有效期", "Expired", _expired),
    ),
    search=(Evidence.title, Evidence.file_name, System.name, System.code, Evidence.given_by, Evidence.sm3),
    default_sort="-at",
    row_url=lambda r: url_for("EvidenceView.show", evidence_id=r.Evidence.id),
    row_tone=lambda r: "warn" if r.Evidence.state.value == "returned" else "mute" if r.Evidence.state.value == "superseded" else "",
    search_hint=("搜索名称、文件、系统、SM3", "Search title, file, system, SM3"),
    empty=(
        "还没有证据。", "No evidence yet.",
        "扫描的原始输出会自动入库；制度、记录、截图等由责任人上传。",
        "Raw output of scans is kept by itself; policies, records and screenshots are uploaded by owners.",
    ),
)  # fmt: skip
