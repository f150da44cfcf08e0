"""Reports: the list, a new one with its progress, and the files to take away."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from reports.zipping import pack
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused
from secops.evidence.download import attachment, disposition
from secops.jobs.models import OPEN_STATES, Job, JobState
from secops.jobs.words import error_words, form_words, job_step
from secops.objects.models import System
from secops.reporting import queries, services
from secops.reporting.handlers import district_files
from secops.reporting.kinds import ASSESSMENT, DISTRICT, KINDS, SYSTEM
from secops.reporting.tables import REPORTS, kind_words
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
        kind = _kind()
        system = asked_system(self.db, asked)
        if asked and system is None and (request.method == "GET" or asked.isdigit()):
            raise NotFound
        if request.method == "GET":
            usual = services.usual(kind)
            form = Form(
                system=system_words(system) if system else "", language=[language()], forms=usual, about=[SYSTEM]
            )  # fmt: skip
            return self._form(form, kind)
        form = Form(request.form)
        if form.value("about") == DISTRICT and DISTRICT in KINDS[kind].of:
            answer = self._district(form, kind)
            return (self._form(form, kind), 400) if answer is None else answer
        job = self._build(form, kind, system)
        if job is None:
            self.db.rollback()
            return self._form(form, kind), 400
        number = job.payload["number"]
        return self.done(
            url_for("ReportView.index", system=job.system_id),
            f"报告 {number} 已排队，生成后出现在列表中。",
            f"Report {number} is queued; it shows in the list when it is built.",
        )

    def _form(self, form: Form, kind: str) -> str:
        forms = [(name, form_words(name), _form_note(name)) for name in KINDS[kind].renderers]
        kinds = [
            (name, kind_words(name), url_for("ReportView.build", kind=name, system=request.values.get("system")))
            for name in KINDS
            if ASSESSMENT not in KINDS[name].of and KINDS[name].on_page
        ]  # fmt: skip
        return self.page(
            "reports_new.html",
            form=form,
            systems=system_options(self.db, classified=KINDS[kind].needs_level),
            forms=forms,
            kind=kind,
            kinds=kinds,
            title=kind_words(kind),
            of=KINDS[kind].of,
            needs_level=KINDS[kind].needs_level,
        )

    def _chosen(self, form: Form, kind: str) -> tuple[str, list[str]]:
        """Language and forms; what is wrong with them is noted in the form."""
        chosen = form.value("language") or language()
        given = form.values("forms") or list(services.usual(kind) if "language" not in request.form else ())
        if chosen not in ("zh", "en"):
            form.fail("language", "没有这个选项。", "There is no such option.")
        if not given:
            form.fail("forms", "请至少选择一种格式。", "Choose at least one form.")
        elif set(given) - set(KINDS[kind].renderers):
            form.fail("forms", "没有这个选项。", "There is no such option.")
        return chosen, [name for name in KINDS[kind].renderers if name in given]

    def _build(self, form: Form, kind: str, system: System | None) -> Job | None:
        if system is None:
            form.fail("system", "请选择系统。", "Choose a system.")
        chosen, renderers = self._chosen(form, kind)
        if not form.ok or system is None:
            return None
        # The number carries the day of the platform's own zone; typst takes no fractions of a second.
        now = utc_now().astimezone(zone()).replace(microsecond=0)
        try:
            return services.request_report(
                self.db,
                system,
                kind=kind,
                renderers=renderers,
                language=chosen,
                actor=self.who.name,
                now=now,
            )
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("system", error.zh, error.en)
        return None

    def _district(self, form: Form, kind: str) -> Response | None:
        """A report on all that this person may see, handed over at once: it belongs to no single system."""
        chosen, renderers = self._chosen(form, kind)
        if not form.ok:
            return None
        now = utc_now().replace(microsecond=0)
        number, files = district_files(
            self.db, kind, renderers, language=chosen, now=now, zone=self.platform.settings.time_zone
        )
        record(
            self.db,
            "report.district",
            now=now,
            object_type="report",
            object_id=number,
            detail={"kind": kind, "forms": renderers, "language": chosen},
        )
        self.db.commit()
        if len(files) == 1:
            name, media_type, content = files[0].name, files[0].media_type, files[0].content
        else:
            name, media_type = f"{number}-{kind}.zip", "application/zip"
            content = pack((one.name, one.content) for one in files)
        response = Response(content, content_type=media_type)
        response.headers["Content-Disposition"] = disposition(name)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

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


def _kind() -> str:
    """The kind that was asked for; one of an assessment is asked for from its own page."""
    kind = request.values.get("kind") or KIND
    if kind not in KINDS or ASSESSMENT in KINDS[kind].of or not KINDS[kind].on_page:
        raise NotFound
    return kind


def _form_note(name: str) -> str:
    notes = {
        "pdf": t("打印和报送", "for printing and handing in"),
        "xlsx": t("逐项筛选", "for filtering item by item"),
        "docx": t("可继续编辑", "for further editing"),
        "csv": t("供其他系统读取", "for other programs"),
        "json": t("供程序读取，含全部字段", "for programs, with every field"),
        "oscal": t("供合规工具读取", "for compliance tools"),
    }
    return notes.get(name.partition("_")[0], "")


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
