"""Reports: the list, a new one with its progress, and the files to take away."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused
from secops.evidence.download import attachment
from secops.jobs.models import OPEN_STATES, Job, JobState
from secops.jobs.words import error_words, form_words, job_step
from secops.objects.models import System
from secops.reporting import queries, services
from secops.reporting.tables import REPORTS
from secops.web.base import PageView
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import language, t
from secops.web.links import LINKS
from secops.web.scope_filters import asked_system, system_options, system_words
from secops.web.table_export import export_table

KIND = "posture"


class ReportView(PageView):
    """Reports that the platform wrote; each file lies sealed in the vault."""

    route_base = "/reports"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = REPORTS.load(
            self.db, queries.report_statement(), request.args, export_url=url_for("ReportView.export")
        )
        jobs = [_progress(job, system) for job, system in queries.unfinished(self.db)]
        return self.page("reports.html", state=state, jobs=jobs, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("报告清单", "reports")
        return export_table(
            REPORTS, self.db, queries.report_statement(), request.args, now=utc_now(), title=title
        )

    @expose("/jobs/<int:job_id>")
    def progress(self, job_id: int) -> str:
        """How far one report is; the page's script asks for it until it is built."""
        job, system = queries.report_job(self.db, job_id)
        return self.page("reports_progress.html", job=_progress(job, system))

    @expose("/build", methods=["GET", "POST"])
    def build(self) -> str | Response | tuple[str, int]:
        """Ask for a report. Other pages may post ``system`` alone; language and forms then are the usual ones."""
        asked = request.values.get("system")
        system = asked_system(self.db, asked)
        if asked and system is None and (request.method == "GET" or asked.isdigit()):
            raise NotFound
        if request.method == "GET":
            form = Form(
                system=system_words(system) if system else "", language=[language()], forms=services.USUAL
            )
            return self._form(form)
        form = Form(request.form)
        job = self._build(form, system)
        if job is None:
            self.db.rollback()
            return self._form(form), 400
        number = job.payload["number"]
        return self.done(
            url_for("ReportView.index", system=job.system_id),
            f"报告 {number} 已排队，生成后出现在列表中。",
            f"Report {number} is queued; it shows in the list when it is built.",
        )

    def _form(self, form: Form) -> str:
        forms = [(name, form_words(name), _form_note(name)) for name in services.KINDS[KIND]]
        return self.page(
            "reports_new.html", form=form, systems=system_options(self.db, classified=True), forms=forms
        )

    def _build(self, form: Form, system: System | None) -> Job | None:
        if system is None:
            form.fail("system", "请选择系统。", "Choose a system.")
        chosen = form.value("language") or language()
        renderers = form.values("forms") or list(services.USUAL if "language" not in request.form else ())
        if chosen not in ("zh", "en"):
            form.fail("language", "没有这个选项。", "There is no such option.")
        if not renderers:
            form.fail("forms", "请至少选择一种格式。", "Choose at least one form.")
        elif set(renderers) - set(services.KINDS[KIND]):
            form.fail("forms", "没有这个选项。", "There is no such option.")
        if not form.ok or system is None:
            return None
        # The number carries the day of the platform's own zone; typst takes no fractions of a second.
        now = utc_now().astimezone(zone()).replace(microsecond=0)
        try:
            return services.request_report(
                self.db,
                system,
                kind=KIND,
                renderers=[name for name in services.KINDS[KIND] if name in renderers],
                language=chosen,
                actor=self.who.name,
                now=now,
            )
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("system", error.zh, error.en)
        return None

    @expose("/<int:report_id>/download")
    def download(self, report_id: int) -> Response:
        report = services.get_report(self.db, report_id)
        now = utc_now()
        record(
            self.db,
            "report.download",
            report,
            now=now,
            detail={"number": report.number, "form": report.renderer},
        )
        return attachment(self.platform, self.db, report.evidence_id, now=now)


def _form_note(name: str) -> str:
    notes = {
        "pdf_posture": t("打印和报送", "for printing and handing in"),
        "xlsx_posture": t("逐项筛选", "for filtering item by item"),
        "docx_posture": t("可继续编辑", "for further editing"),
        "csv_posture": t("供其他系统读取", "for other programs"),
        "json_posture": t("供程序读取，含全部字段", "for programs, with every field"),
    }
    return notes.get(name, "")


def _note(job: Job) -> str:
    if not job.error:
        return ""
    error = error_words(job.error)[:300]
    if job.state in OPEN_STATES:
        return t(
            f"上次尝试失败，将自动重试：{error}", f"The last attempt failed and will be tried again: {error}"
        )
    return error


def _progress(job: Job, system: str) -> dict[str, Any]:
    is_open = job.state in OPEN_STATES
    number = str(job.payload.get("number", ""))
    waiting = job.state is JobState.QUEUED
    step = t("等待空闲的工作进程", "Waiting for a worker") if waiting else job_step(job.kind, job.step)
    if job.state is JobState.DONE:
        step = t("已生成", "Built")
    return {
        "id": job.id,
        "state": label("job_state", job.state),
        "percent": None if waiting else round(job.progress * 100),
        "step": f"{number} · {system}" + (f" · {step}" if step else ""),
        "note": _note(job),
        "open": is_open,
        "can_rerun": job.state in (JobState.DEAD, JobState.FAILED),
    }


VIEWS: tuple[type, ...] = (ReportView,)
