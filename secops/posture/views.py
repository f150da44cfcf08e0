"""The dashboard: where the district stands, for those who see all of it and for those who see a part."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_appbuilder import expose

from reports.charts import finding_bars, verdict_bars, verdict_donut
from reports.read_model import Layer, Severity, Text
from secops.catalogue.words import level_words
from secops.clock import utc_now
from secops.objects import parts
from secops.objects.tables import clock_label, posture_bar, posture_note, today
from secops.posture.queries import Dashboard, Due, dashboard
from secops.scans.words import cause_label
from secops.web.base import PageView
from secops.web.filters import local_time
from secops.web.labels import Label
from secops.web.lang import language, t
from secops.web.links import LINKS, link

_KINDS = {
    "evaluation": Label("等级测评", "Evaluation", "plain", "clipboard-check"),
    "filing": Label("备案", "Filing", "plain", "building"),
    "finding": Label("整改", "Remediation", "plain", "wrench-adjustable"),
    "evidence": Label("证据到期", "Evidence ends", "plain", "folder2-open"),
    "schedule": Label("计划执行", "Schedule", "plain", "calendar2-check"),
}
CLOUD_GOAL = Text("规划目标：2025 年达到 100%", "goal of the plan: 100 % by 2025")


class DashboardView(PageView):
    """Every figure leads to the list behind it."""

    route_base = "/dashboard"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        found = dashboard(self.db, today())
        if not found.systems.total:
            return self.page("dashboard_empty.html", **LINKS)
        return self.page(
            "dashboard.html",
            found=found,
            counts=found.systems,
            posture=found.posture,
            year=today().year,
            share=parts.share_text,
            cloud_goal=CLOUD_GOAL,
            donut=_donut(found),
            class_chart=_class_chart(found),
            layer_chart=_layer_chart(found),
            todo=_todo(found),
            level=level_words,
            due=[_due_row(one) for one in found.due],
            bar=posture_bar,
            note=posture_note,
            clock=clock_label,
            flags=parts.flag_badges,
            cause=cause_label,
            now=local_time(utc_now()),
            **LINKS,
        )


def _todo(found: Dashboard) -> list[parts.Part]:
    """Figures that ask for somebody to act, each with the list behind it."""
    systems = found.systems
    wanted = [
        (
            "bad",
            t("高风险问题", "High findings"),
            found.findings.high,
            link("FindingView.index", open=1, severity="high"),
        ),
        ("bad", t("测评逾期", "Evaluations overdue"), systems.overdue, _systems(evaluation="overdue")),
        (
            "warn",
            t("本年测评到期", "Evaluations due this year"),
            systems.due_this_year,
            _systems(evaluation="this-year"),
        ),
        ("warn", t("无测评记录", "No evaluation on record"), systems.never, _systems(evaluation="never")),
        ("warn", t("应备案未备案", "To be filed"), systems.to_file, _systems(filing="open")),
        ("warn", t("未定级", "Unclassified"), systems.unclassified, _systems(level="none")),
        (
            "info",
            t("待复测", "To be retested"),
            found.findings.submitted,
            link("FindingView.index", state="submitted"),
        ),
        ("info", t("面向互联网", "Internet-facing"), systems.internet, _systems(flag="internet")),
    ]
    return [part for part in wanted if part[2]]


def _systems(**filters: Any) -> str:
    values: dict[str, Any] = filters
    return url_for("SystemView.index", **values)


def _donut(found: Dashboard) -> str:
    def where(_: str, state: str) -> str:
        return url_for("SystemView.index", has=state, sort=f"-{state}")

    return verdict_donut(found.posture.total, language=language(), link=where, width=_narrow())


def _narrow() -> float:
    """Width of a chart in the narrow column; English words need more of it."""
    return 420 if language() == "zh" else 480


def _class_chart(found: Dashboard) -> str:
    def where(code: str, state: str) -> str:
        return _systems(**{"class": code, "has": state, "sort": f"-{state}"})

    rows = parts.class_rows(found.posture.by_class)
    title = Text("各安全类判定（全部系统合计）", "Verdicts by class over all systems")
    return verdict_bars(rows, language=language(), title=title, link=where, width=720)


def _layer_chart(found: Dashboard) -> str:
    def where(layer: str, severity: str) -> str | None:
        return link("FindingView.index", open=1, layer=layer, severity=severity) or None

    counts = {
        Layer(layer): {Severity(severity): number for severity, number in row.items()}
        for layer, row in found.by_layer.items()
    }
    return finding_bars(counts, language=language(), link=where, width=_narrow())


def _due_row(one: Due) -> dict[str, Any]:
    urls = {
        "evaluation": link("SystemView.show", system_id=one.system_id),
        "filing": link("SystemView.show", system_id=one.system_id),
        "finding": link("FindingView.index", open=1, system=one.system_id, sort="due"),
        "evidence": link("EvidenceView.show", evidence_id=one.row_id),
        "schedule": link("ScheduleView.show", schedule_id=one.row_id),
    }
    note = one.note
    if one.kind == "finding":
        note = t(f"{one.note} 个问题到期", f"findings due: {one.note}")
    return {
        "on": one.on,
        "kind": _KINDS[one.kind],
        "text": one.text,
        "note": note,
        "url": urls[one.kind],
        "late": one.on < today(),
    }


VIEWS: tuple[type, ...] = (DashboardView,)
