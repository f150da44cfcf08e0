"""Jobs: what works in the background, stopped or tried again by hand."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import NotFound, SecopsError
from secops.jobs import queries, services
from secops.jobs.tables import JOBS
from secops.web.base import PageView
from secops.web.lang import language, t
from secops.web.links import LINKS
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


VIEWS: tuple[type, ...] = (JobView,)
