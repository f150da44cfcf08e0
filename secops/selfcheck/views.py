"""The page of the self-assessment: the lines of the last run, a button for the next, and how it went so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.jobs.models import Job, JobState
from secops.selfcheck.line import Verdict
from secops.selfcheck.models import SelfcheckRun
from secops.selfcheck.services import KIND, ask_for_run, latest, recent_counts
from secops.sensitivity import HIGHEST
from secops.web.base import PageView
from secops.web.filters import local_time
from secops.web.gate import permissions
from secops.web.labels import label
from secops.web.lang import pick, t
from secops.web.table_export import export_rows
from secops.web.tables import Column, Table

LINES = Table(
    "selfcheck",
    (
        Column("id", "序号", "No.", lambda r: r["id"], kind="number", width="fit"),
        Column("title", "要求", "Requirement", lambda r: pick(r["title"]), width="wide"),
        Column("verdict", "结论", "Verdict", lambda r: r["verdict"], kind="badge", label="verdict"),
        Column("evidence", "依据", "Seen", lambda r: pick(r["evidence"]), width="wide"),
        Column("units", "测评单元", "Units", lambda r: ", ".join(r["units"]), kind="code"),
        Column("asvs", "ASVS", "ASVS", lambda r: ", ".join(r["asvs"]), kind="code", shown=False),
        Column(
            "case", "高风险判例", "High-risk case", lambda r: r["high_risk_case"], kind="code", shown=False
        ),
    ),
)


_ORDER = ("compliant", "partial", "non_compliant", "not_examined", "na")


class SelfcheckView(PageView):
    """The platform as a system of its own inventory. No row of another system is shown here."""

    route_base = "/selfcheck"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        run = latest(self.db)
        chosen = [
            str(verdict.value) for verdict in Verdict if verdict.value in request.args.getlist("verdict")
        ]
        rows = _wanted(run, chosen)
        return self.page(
            "selfcheck.html",
            run=run,
            state=LINES.of_rows(rows, {}),
            chosen=chosen,
            parts=_parts(run),
            trend=_trend(recent_counts(self.db)),
            job=self._job(),
            may_run=permissions().admits("SelfcheckView.run", "POST", self.who.roles, True),
        )

    def _job(self) -> dict[str, Any] | None:
        """The run that is queued or running; it belongs to the platform's own system, whoever looks."""
        with self.platform.work("selfcheck:job") as session:
            query = (
                select(Job.state, Job.progress, Job.step)
                .where(Job.kind == KIND, Job.state.in_((JobState.QUEUED, JobState.RUNNING)))
                .order_by(Job.id.desc())
                .limit(1)
            )
            row = session.execute(query).first()
        if row is None:
            return None
        step = t(f"第 {row.step} 项", f"line {row.step}") if row.step else t("等待开始", "waiting to start")
        return {"state": label("job_state", row.state), "percent": (row.progress or 0) * 100, "step": step}

    @expose("/export")
    def export(self) -> Response:
        run = latest(self.db)
        title = t("平台自评估", "self-assessment")
        return export_rows(LINES, iter(_wanted(run, [])), request.args, now=utc_now(), title=title)

    @expose("/run", methods=["POST"])
    def run(self) -> Response:
        """Queue a run on behalf of the platform; the audit log names who asked."""
        with self.platform.work_as(replace(self.who, everything=True, clearance=HIGHEST)) as session:
            ask_for_run(session, actor=self.who.name, now=utc_now())
        return self.done(
            url_for("SelfcheckView.index"),
            "自评估已排队，约需一分钟。",
            "The run is queued; it takes about a minute.",
        )


def _wanted(run: SelfcheckRun | None, verdicts: Sequence[str]) -> list[dict[str, Any]]:
    if run is None:
        return []
    return [line for line in run.lines if not verdicts or line["verdict"] in verdicts]


def _parts(run: SelfcheckRun | None) -> list[tuple[str, str, int, str]]:
    """Tone, words, number and address of each verdict of a run."""
    if run is None:
        return []
    return [
        (found.tone, found.text, run.counts.get(name, 0), url_for("SelfcheckView.index", verdict=name))
        for name in _ORDER
        if run.counts.get(name) and (found := label("verdict", name))
    ]


def _trend(runs: list[tuple[datetime, dict[str, int]]]) -> list[list[Any]]:
    """One line for each run: time, all verdicts in words, and the two numbers that count."""
    return [
        [
            local_time(at),
            t("，", ", ").join(
                f"{label('verdict', name).text} {counts[name]}" for name in _ORDER if counts.get(name)
            ),
            counts.get("compliant", 0),
            counts.get("non_compliant", 0),
        ]
        for at, counts in runs
    ]


VIEWS: tuple[type, ...] = (SelfcheckView,)
