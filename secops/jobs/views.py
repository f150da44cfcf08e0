"""Jobs: what works in the background, stopped or tried again by hand."""

from __future__ import annotations

from dataclasses import replace

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import NotFound, Refused, SecopsError
from secops.jobs import queries, services
from secops.jobs.running_views import MetricsView, RunningView
from secops.jobs.tables import DEAD, JOBS
from secops.jobs.words import cause_words, error_words, job_step, kind_words
from secops.scans.tables import duration
from secops.web.base import PageView
from secops.web.history import history
from secops.web.lang import language, t
from secops.web.links import LINKS
from secops.web.people import shown
from secops.web.table_export import export_table


class JobView(PageView):
    """Background work in the reader's scope. An administrator without one is told why the list is empty."""

    route_base = "/jobs"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = JOBS.load(
            self.db, queries.job_statement(), request.args, export_url=url_for("JobView.export")
        )
        scopeless = not (self.who.everything or self.who.department_ids or self.who.system_ids)
        return self.page("jobs.html", state=state, scopeless=scopeless, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("后台任务", "jobs")
        return export_table(JOBS, self.db, queries.job_statement(), request.args, now=utc_now(), title=title)

    @expose("/<int:job_id>")
    def show(self, job_id: int) -> str:
        row = queries.get_job(self.db, job_id)
        job = row.Job
        return self.page(
            "job.html",
            row=row,
            job=job,
            kind=kind_words(job.kind),
            cause=cause_words(job.cause),
            error=error_words(job.error),
            step=job_step(job.kind, job.step),
            owner=shown(job.actor, row.actor_name),
            took=duration(job.started_at, job.finished_at),
            history=[
                replace(entry, text=error_words(entry.text)) for entry in history(self.db, "Job", job_id)
            ],
            **LINKS,
        )

    @expose("/dead")
    def dead(self) -> str:
        """What gave up, with its cause; one or many are run again."""
        state = DEAD.load(
            self.db, queries.dead_statement(), request.args, export_url=url_for("JobView.dead_export")
        )
        return self.page("jobs_dead.html", state=state, **LINKS)

    @expose("/dead/export")
    def dead_export(self) -> Response:
        title = t("需要处理的任务", "jobs that wait for a person")
        return export_table(DEAD, self.db, queries.dead_statement(), request.args, now=utc_now(), title=title)

    @expose("/dead/rerun", methods=["POST"])
    def rerun_many(self) -> Response:
        """Run the selected jobs again; one that somebody else took meanwhile is passed over and counted."""
        numbers = [int(value) for value in request.form.getlist("ids") if value.isdigit()][:500]
        again = 0
        for number in numbers:
            try:
                services.rerun(self.db, number, now=utc_now())
                again += 1
            except Refused:
                continue
        passed = len(numbers) - again
        zh = f"{again} 个任务已重新排队" + (f"，{passed} 个已不需要。" if passed else "。")
        en = f"{again} jobs are queued again" + (f", {passed} no longer needed it." if passed else ".")
        return self.done(url_for("JobView.dead"), zh, en)

    @expose("/<int:job_id>/cancel", methods=["POST"])
    def cancel(self, job_id: int) -> Response:
        try:
            services.cancel(self.db, job_id, now=utc_now())
        except NotFound:
            raise
        except SecopsError as error:
            return self._complain(error)
        return self.done(url_for("JobView.index"), "已要求停止。", "It was asked to stop.")

    @expose("/<int:job_id>/rerun", methods=["POST"])
    def rerun(self, job_id: int) -> Response:
        try:
            services.rerun(self.db, job_id, now=utc_now())
        except NotFound:
            raise
        except SecopsError as error:
            return self._complain(error)
        return self.done(url_for("JobView.index"), "已重新排队。", "It is queued again.")

    def _complain(self, error: SecopsError) -> Response:
        self.db.rollback()
        flash(error.text(language()), "danger")
        return redirect(url_for("JobView.index"))


VIEWS: tuple[type, ...] = (JobView, RunningView, MetricsView)
