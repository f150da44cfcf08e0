"""Scans: the list, and one scan while it runs and after it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import NotFound, SecopsError
from secops.findings.words import number
from secops.findings.words import step_tone as finding_tone
from secops.findings.words import step_words as finding_step
from secops.jobs.models import OPEN_STATES, Job, JobState
from secops.objects.services import get_system
from secops.scans import queries, services
from secops.scans.models import RunState, Scan
from secops.scans.queries import ScanPage
from secops.scans.tables import OUTCOMES, SCANS, duration
from secops.scans.words import cause_label, detail_words, plan_rows, probe_note, probe_words, step_words
from secops.web.base import PageView
from secops.web.labels import Label, label
from secops.web.lang import language, pick, t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.table_export import export_table

_OUTCOME_ORDER = ("pass", "fail", "manual", "na", "error")


def as_id(text: str | None) -> int:
    """An id of a form.

    Raises:
        NotFound: it is none, which looks like one that is not in scope.
    """
    if not (text and text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound
    return int(text)


class ScanView(PageView):
    """What was looked at, what was seen, and why something could not be seen."""

    route_base = "/scans"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = SCANS.load(
            self.db, queries.narrowed(request.args), request.args, export_url=url_for("ScanView.export")
        )
        usable = queries.usable_authorizations(self.db, utc_now())
        only = [(name, request.args[name]) for name in queries.NARROWING if request.args.get(name)]
        return self.page("scans.html", state=state, usable=usable, only=only, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("扫描", "scans")
        return export_table(
            SCANS, self.db, queries.narrowed(request.args), request.args, now=utc_now(), title=title
        )

    @expose("/<int:scan_id>")
    def show(self, scan_id: int) -> str:
        found = queries.scan_page(self.db, scan_id)
        outcomes = OUTCOMES.load(self.db, queries.outcome_statement(scan_id), request.args)
        names = names_of(self.db, [found.scan.requested_by])
        return self.page(
            "scan.html",
            found=found,
            scan=found.scan,
            system=found.system,
            authorization=found.authorization,
            outcomes=outcomes,
            parts=_parts(found),
            runs=[_run(row) for row in found.runs],
            unseen=sum(1 for row in found.runs if row.state is RunState.FAILED),
            changes=[_change(row) for row in found.events],
            plan=plan_rows(found.scan.plan, dict(found.assets)),
            cause=cause_label(found.scan.cause),
            requester=shown(found.scan.requested_by, names),
            took=duration(found.scan.started_at, found.scan.finished_at),
            usable=found.authorization.state.value == "approved"
            and found.authorization.valid_until > utc_now(),
            progress=_progress(found.scan, found.job),
            **LINKS,
        )

    @expose("/<int:scan_id>/progress")
    def progress(self, scan_id: int) -> str:
        """The progress line alone; the page's script asks for it until the scan has ended."""
        scan, _, _, job = queries.get_scan(self.db, scan_id)
        return self.page("scan_progress.html", scan=scan, progress=_progress(scan, job))

    @expose("/start", methods=["POST"])
    def start(self) -> Response:
        """Start a scan under an authorisation; one that is under way already is shown instead."""
        authorization_id = as_id(request.form.get("authorization_id"))
        authorization, system, _ = queries.get_authorization(self.db, authorization_id)
        if request.form.get("system_id"):
            system = get_system(self.db, as_id(request.form.get("system_id")))
        running = queries.open_scan(self.db, authorization.id)
        if running is not None:
            flash(t("这项授权下已有扫描在进行。", "A scan under this authorisation is under way."), "info")
            return redirect(url_for("ScanView.show", scan_id=running.id))
        try:
            scan = services.request_scan(
                self.db, system=system, authorization_id=authorization.id, actor=self.who.name, now=utc_now()
            )
        except NotFound:
            raise
        except SecopsError as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(url_for("AuthorizationView.show", authorization_id=authorization_id))
        where = url_for("ScanView.show", scan_id=scan.id)
        return self.done(
            where, "扫描已排队，本页会自动更新。", "The scan is queued; this page updates by itself."
        )

    @expose("/<int:scan_id>/cancel", methods=["POST"])
    def cancel(self, scan_id: int) -> Response:
        where = url_for("ScanView.show", scan_id=scan_id)
        try:
            services.cancel_scan(self.db, scan_id, now=utc_now())
        except NotFound:
            raise
        except SecopsError as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(where)
        return self.done(
            where,
            "已要求停止；已经查到的结果保留。",
            "The scan was asked to stop; what it found so far stays.",
        )


def _progress(scan: Scan, job: Job | None) -> dict[str, Any]:
    """What the progress macro shows: the job while there is one under way, else how the scan ended."""
    if job is not None and job.state in OPEN_STATES:
        waiting = job.state is JobState.QUEUED
        state = label("job_state", job.state)
        step = t("等待空闲的工作进程", "Waiting for a worker") if waiting else step_words(job.step)
        note = ""
        if job.cancel_requested:
            note = t("已要求停止，正在结束当前目标。", "Asked to stop; ending the present target.")
        elif waiting and job.error:
            note = t(
                f"上次尝试失败，将重试：{job.error}",
                f"The last attempt failed and will be tried again: {job.error}",
            )
        elif job.attempt > 1:
            note = t(
                f"第 {job.attempt} 次尝试，从中断处继续。",
                f"Attempt {job.attempt}, going on where it was cut off.",
            )
        percent = None if waiting else round(job.progress * 100)
        return {"state": state, "percent": percent, "step": step, "note": note, "open": True}
    ended = scan.state.value not in ("queued", "running")
    state = label("scan_state", scan.state)
    if not ended:
        note = t(
            "没有任务在处理这次扫描；请系统管理员运行 secops doctor。",
            "No job works on this scan; an administrator can run: secops doctor",
        )
        return {"state": state, "percent": 0, "step": "", "note": note, "open": False}
    step = {
        "done": t("全部目标已查，结论已更新", "Every target was asked; conclusions are up to date"),
        "cancelled": t("已停止；停止前的结果保留", "Stopped; what was found before stays"),
    }.get(scan.state.value, t("扫描没有完成", "The scan did not end well"))
    share = 100 if scan.state.value == "done" else round((job.progress if job else 0) * 100)
    return {"state": state, "percent": share, "step": step, "note": scan.error, "open": False}


def _parts(found: ScanPage) -> list[tuple[str, str, int, str]]:
    parts = []
    for outcome in _OUTCOME_ORDER:
        words: Label = label("outcome", outcome)
        where = url_for("ScanView.show", scan_id=found.scan.id, outcome=outcome) + "#outcomes"
        parts.append((words.tone, words.text, found.outcomes.get(outcome, 0), where))
    return parts


def _run(row: Any) -> dict[str, Any]:
    failed = row.state is RunState.FAILED
    return {
        "probe": probe_words(row.probe),
        "note": probe_note(row.probe),
        "target": row.target,
        "asset": row.asset_name,
        "state": label("run_state", row.state),
        "why": label("failure", row.reason).text if failed else "",
        "detail": detail_words(row.detail) if failed else "",
        "outcomes": row.outcomes,
        "took": duration(row.started_at, row.finished_at),
        "evidence_id": row.evidence_id,
        "attempt": row.attempt,
    }


def _change(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "number": number(row.id),
        "title": pick(row.title),
        "severity": label("severity", row.severity),
        "step": Label(finding_step(row.action), finding_step(row.action), finding_tone(row.action)),
    }
