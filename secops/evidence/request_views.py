"""Requests for evidence: the list, one request, asking for one thing or for all that is missing, taking it back."""

from __future__ import annotations

from datetime import timedelta

from flask import request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import BadInput, NotFound, SecopsError
from secops.evidence import record_queries, requests
from secops.evidence.documents import missing_of
from secops.evidence.models import RequestState
from secops.evidence.request_tables import LATE, REQUESTS, holder_words, is_late
from secops.evidence.requests import NewRequest
from secops.evidence.tables import today
from secops.objects.models import System
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.history import history
from secops.web.labels import label
from secops.web.lang import t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.scope_filters import asked_system, system_options
from secops.web.table_export import export_table

USUAL_DAYS = 14


class EvidenceRequestView(PageView):
    """What systems still have to give."""

    route_base = "/evidence/requests"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        where = url_for("EvidenceRequestView.export")
        state = REQUESTS.load(self.db, record_queries.request_statement(), request.args, export_url=where)
        return self.page("evidence_requests.html", state=state, asked=request.args.get("system", ""), **LINKS)

    @expose("/export")
    def export(self) -> Response:
        statement = record_queries.request_statement()
        return export_table(
            REQUESTS, self.db, statement, request.args, now=utc_now(), title=t("材料请求", "requests")
        )

    @expose("/<int:request_id>")
    def show(self, request_id: int) -> str:
        return self._show(request_id)

    def _show(self, request_id: int, form: Form | None = None) -> str:
        found = record_queries.request_page(self.db, request_id)
        names = names_of(self.db, [found.request.asked_by, found.request.closed_by])
        return self.page(
            "evidence_request.html",
            found=found,
            asked=found.request,
            system=found.system,
            state=label("evidence_request_state", found.request.state),
            late=LATE if is_late(found.request) else None,
            is_open=found.request.state is RequestState.OPEN,
            holder=holder_words(found.request.holder),
            asker=shown(found.request.asked_by, names),
            closer=shown(found.request.closed_by, names),
            history=history(self.db, "EvidenceRequest", request_id),
            form=form or Form(),
            **LINKS,
        )

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        """Ask one system for one thing, in own words."""
        if request.method == "GET":
            day = (today() + timedelta(days=USUAL_DAYS)).isoformat()
            return self._form(Form(system=request.args.get("system", ""), due_on=day))
        form = Form(request.form)
        system = asked_system(self.db, form.value("system"))
        if system is None:
            form.fail("system", "请从提示中选择系统。", "Choose a suggested system.")
        title = form.text("title", required=True, limit=200)
        words = form.text("instructions", limit=1000)
        due = form.day("due_on", required=True)
        if form.ok and system is not None and due is not None:
            new = NewRequest(
                title={"zh": title, "en": title},
                instructions=({"zh": words, "en": words},) if words else (),
                due_on=due,
                units=tuple(unit for unit in form.values("units")[:50]),
            )
            try:
                row = requests.ask(self.db, system, new, actor=self.who.name, now=utc_now())
            except BadInput as error:
                form.take(error)
            else:
                where = url_for("EvidenceRequestView.show", request_id=row.id)
                return self.done(where, "已发出材料请求。", "Asked.")
        return self._form(form), 400

    def _form(self, form: Form) -> str:
        return self.page("evidence_request_new.html", form=form, systems=system_options(self.db))

    @expose("/missing/<int:system_id>", methods=["GET", "POST"])
    def missing(self, system_id: int) -> str | Response | tuple[str, int]:
        """Everything that the system lacks, by who holds it; one press asks for all of it."""
        system = self.db.get(System, system_id)
        if system is None:
            raise NotFound
        form = Form(request.form or {"due_on": (today() + timedelta(days=USUAL_DAYS)).isoformat()})
        if request.method == "POST":
            due = form.day("due_on", required=True)
            try:
                if due is not None:
                    made = requests.ask_missing(
                        self.db, system, due_on=due, actor=self.who.name, now=utc_now()
                    )
                    where = url_for("EvidenceRequestView.index", system=system_id)
                    return self.done(where, f"已索要 {made} 份材料。", f"Asked for {made} document(s).")
            except BadInput as error:
                form.take(error)
            except SecopsError as error:
                form.fail("", error.zh, error.en)
            self.db.rollback()
            return self._missing(system, form), 400
        return self._missing(system, form)

    def _missing(self, system: System, form: Form) -> str:
        groups = missing_of(self.db, system, today())
        asked = requests.asked_kinds(self.db, system.id)
        return self.page(
            "evidence_missing.html",
            system=system,
            groups=groups,
            total=sum(len(group.documents) for group in groups),
            new=sum(1 for group in groups for one in group.documents if one.kind.id not in asked),
            asked=asked,
            form=form,
            **LINKS,
        )

    @expose("/<int:request_id>/withdraw", methods=["POST"])
    def withdraw(self, request_id: int) -> Response | tuple[str, int]:
        form = Form(request.form)
        try:
            requests.withdraw(
                self.db, request_id, reason=form.value("reason"), actor=self.who.name, now=utc_now()
            )
        except NotFound:
            raise
        except SecopsError as error:
            self.db.rollback()
            form.fail("", error.zh, error.en)
            return self._show(request_id, form), 400
        where = url_for("EvidenceRequestView.show", request_id=request_id)
        return self.done(where, "已撤回。", "Taken back.")
