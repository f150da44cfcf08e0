"""Lists of assessments and of what one of them compares."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import case, select

from secops.assessments.models import Assessment, AssessmentCampaign
from secops.assessments.words import ASSESSMENT_STATES, EDITIONS, edition_words
from secops.objects.models import Department, System
from secops.web.example import with_example
from secops.web.lang import t
from secops.web.scope_filters import department_filter, system_filter
from secops.web.table_filters import Choice, Days
from secops.web.tables import Column, Table

_STATE_RANK = case({"running": 0, "closed": 1, "abandoned": 2}, value=Assessment.state, else_=3)


def _progress(row: Any) -> str:
    cells = row.Assessment.cells or 1
    return f"{row.decided or 0} / {row.Assessment.cells} · {100 * (row.decided or 0) // cells}%"


def _conclusion(row: Any) -> str:
    return " · ".join(part for part in (row.Assessment.conclusion, row.Assessment.figure) if part)


def _campaigns(session: Any) -> list[tuple[str, str]]:
    rows = session.execute(
        select(AssessmentCampaign.id, AssessmentCampaign.title)
        .order_by(AssessmentCampaign.id.desc())
        .limit(50)
    )
    return [(str(row.id), row.title) for row in rows]


ASSESSMENTS = Table(
    "assessments",
    (
        Column("number", "编号", "Number", lambda r: r.Assessment.number, sort=Assessment.id, kind="code", width="fit"),
        Column("title", "测评", "Assessment", lambda r: r.Assessment.title, sort=Assessment.title, kind="link",
               url=lambda r: url_for("AssessmentView.show", assessment_id=r.Assessment.id),
               note=lambda r: with_example(r.system_name, r.is_example), width="wide"),
        Column("state", "状态", "State", lambda r: ASSESSMENT_STATES[r.Assessment.state.value], sort=_STATE_RANK, kind="badge", width="fit"),
        Column("edition", "计分版本", "Edition", lambda r: edition_words(r.Assessment.edition), sort=Assessment.edition),
        Column("profile", "级别", "Profile", lambda r: r.Assessment.profile, sort=Assessment.profile, kind="code", width="fit"),
        Column("progress", "已判定", "Decided", _progress, width="fit"),
        Column("conclusion", "结论", "Conclusion", _conclusion, sort=Assessment.conclusion, width="fit"),
        Column("begins", "开始", "Begins", lambda r: r.Assessment.begins_on, sort=Assessment.begins_on, kind="day"),
        Column("ends", "计划结束", "Ends", lambda r: r.Assessment.ends_on, sort=Assessment.ends_on, kind="day", shown=False),
        Column("lead", "负责人", "Lead", lambda r: r.Assessment.lead, sort=Assessment.lead, shown=False),
        Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
    ),
    filters=(
        Choice("state", "状态", "State", Assessment.state, options=lambda s: [(key, one.text) for key, one in ASSESSMENT_STATES.items()]),
        Choice("campaign", "批次", "Campaign", Assessment.campaign_id, options=_campaigns),
        Choice("edition", "计分版本", "Edition", Assessment.edition, options=lambda s: [(key, t(*words)) for key, words in EDITIONS.items()]),
        department_filter(),
        system_filter(),
        Days("begins", "开始", "Begins", Assessment.begins_on),
    ),
    search=(Assessment.number, Assessment.title, System.name, System.code),
    default_sort="-number",
    row_url=lambda r: url_for("AssessmentView.show", assessment_id=r.Assessment.id),
    row_tone=lambda r: "mute" if r.Assessment.state.value == "abandoned" else "",
    counted=Assessment,
    search_hint=("搜索编号、标题、系统", "Search number, title, system"),
    empty=("还没有测评。", "No assessment yet.", "选择一个已定级的系统，开始第一次测评。", "Choose a classified system and begin the first one."),
)  # fmt: skip
