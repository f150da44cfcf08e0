"""Evidence: the list, one piece with its receipt, upload, decision and download."""

from __future__ import annotations

import json
from typing import Any

from flask import Response as FlaskResponse
from flask import redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound, NotReady, SecopsError
from secops.evidence import queries, services
from secops.evidence.download import attachment, disposition
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence
from secops.evidence.tables import EVIDENCE, state_label, title_words
from secops.jobs.services import enqueue
from secops.objects.models import System
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.history import history
from secops.web.lang import pick, t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.scope_filters import asked_system, system_options
from secops.web.table_export import export_table


class EvidenceView(PageView):
    """What was given or collected, sealed and receipted."""

    route_base = "/evidence"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = EVIDENCE.load(
            self.db, queries.evidence_statement(), request.args, export_url=url_for("EvidenceView.export")
        )
        return self.page("evidence_list.html", state=state, asked=request.args.get("system", ""), **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("证据清单", "evidence")
        return export_table(
            EVIDENCE, self.db, queries.evidence_statement(), request.args, now=utc_now(), title=title
        )

    @expose("/<int:evidence_id>")
    def show(self, evidence_id: int) -> str:
        return self._show(evidence_id)

    def _show(self, evidence_id: int, form: Form | None = None) -> str:
        found = queries.evidence_page(self.db, evidence_id)
        evidence = found.evidence
        names = names_of(self.db, [evidence.given_by])
        return self.page(
            "evidence_show.html",
            evidence=evidence,
            system=found.system,
            department=found.department,
            units=found.units,
            state=state_label(evidence),
            title=title_words(evidence),
            giver=shown(evidence.given_by, names),
            is_own=evidence.given_by == self.who.name,
            waiting=evidence.state is EvidenceState.SUBMITTED,
            receipt=queries.check_receipt(self.platform, evidence),
            key_notice=pick({"zh": self.platform.keys.notice.zh, "en": self.platform.keys.notice.en}),
            history=history(self.db, "Evidence", evidence_id),
            form=form or Form(),
            **LINKS,
        )

    @expose("/<int:evidence_id>/decide", methods=["POST"])
    def decide(self, evidence_id: int) -> Response | tuple[str, int]:
        """Accept it, or return it with the reason."""
        found = queries.evidence_page(self.db, evidence_id)
        form = Form(request.form)
        decision = form.choice("decision", ("accept", "return"))
        reason = form.text("reason", limit=400)
        if request.form.get("version") not in (None, str(found.evidence.version)):
            form.fail("", Conflict().zh, Conflict().en)
        if form.ok:
            try:
                services.decide(
                    self.db,
                    evidence_id,
                    accept=decision == "accept",
                    reason=reason,
                    actor=self.who.name,
                    now=utc_now(),
                )
                self.db.flush()
            except BadInput as error:
                form.take(error)
            except StaleDataError:
                form.fail("", Conflict().zh, Conflict().en)
            except SecopsError as error:
                form.fail("", error.zh, error.en)
        if not form.ok:
            self.db.rollback()
            return self._show(evidence_id, form), 400
        where = url_for("EvidenceView.show", evidence_id=evidence_id)
        zh = "已采纳。" if decision == "accept" else "已退回，提交人可见原因。"
        en = "Accepted." if decision == "accept" else "Returned; the giver sees why."
        answer = self.done(where, zh, en)
        self._refresh_posture(found.system)
        return answer

    @expose("/upload", methods=["GET", "POST"])
    def upload(self) -> str | Response | tuple[str, int]:
        """First the system, then the file with what it answers; one form, which works without script."""
        if request.method == "GET":
            asked = request.args.get("system")
            system = asked_system(self.db, asked)
            form = Form(units=request.args.getlist("unit"), system=asked or "")
            if asked and system is None:
                if asked.isdigit():
                    raise NotFound
                form.fail(
                    "system",
                    "没有这个系统，请从提示中选择。",
                    "There is no such system; choose a suggested one.",
                )
            return self._form(form, system)
        form = Form(request.form)
        system = asked_system(self.db, form.value("system"))
        if system is None:
            raise NotFound
        new = self._read(form, system)
        evidence_id = self._store(form, new) if new is not None else None
        if evidence_id is None:
            return self._form(form, asked_system(self.db, form.value("system"))), 400
        self._refresh_posture(system)
        return self.done(
            url_for("EvidenceView.show", evidence_id=evidence_id),
            "已封存并签发回执，等待审核。",
            "Sealed and receipted; it waits for a decision.",
        )

    def _form(self, form: Form, system: System | None) -> str:
        return self.page(
            "upload.html",
            form=form,
            system=system,
            systems=[] if system else system_options(self.db),
            groups=queries.unit_groups(system) if system else [],
            chosen=set(form.values("units")),
            assets=queries.assets_of(self.db, system) if system else [],
            limit_mb=self.platform.settings.upload_limit_mb,
        )

    def _read(self, form: Form, system: System) -> NewEvidence | None:
        title = form.text("title", required=True, limit=200)
        note = form.text("note", limit=2000)
        start = form.day("effective_from")
        end = form.day("effective_until")
        asset = form.choice(
            "asset", {value for value, _ in queries.assets_of(self.db, system)}, required=False
        )
        units = tuple(dict.fromkeys(form.values("units")))
        known = {str(unit.id) for group in queries.unit_groups(system) for unit in group.units}
        if set(units) - known:
            form.fail("units", "有的测评单元不适用于这个系统。", "Some units do not bind this system.")
        upload = request.files.get("file")
        name = file_name(upload.filename if upload else None)
        if not name:
            form.fail("file", "请选择文件。", "Choose a file.")
        new = NewEvidence(
            system_id=system.id,
            title=title,
            file_name=name,
            source=EvidenceSource.UPLOAD,
            state=EvidenceState.SUBMITTED,
            units=units,
            asset_id=int(asset) if asset else None,
            note=note,
            effective_from=start,
            effective_until=end,
        )
        if not form.ok:
            return None
        try:
            services.check_new(self.db, new)
        except BadInput as error:
            form.take(error)
        return new if form.ok else None

    def _store(self, form: Form, new: NewEvidence) -> int | None:
        """Hand the stream over; the request's own transaction ends first, since storing opens its own."""
        who = self.who
        self.db.rollback()
        try:
            return services.store(self.platform, who, new, request.files["file"].stream)
        except BadInput as error:
            form.take(error)
        except NotReady as error:
            form.fail("file", error.zh, error.en)
        return None

    def _refresh_posture(self, system: System) -> None:
        """Have the posture worked out anew. Not joined with a job that may have read the evidence already."""
        with self.platform.work_as(self.who) as session:
            enqueue(
                session,
                kind="posture",
                department_id=system.department_id,
                system_id=system.id,
                payload={"system_id": system.id},
                actor=self.who.name,
                now=utc_now(),
                cause="evidence",
            )

    @expose("/<int:evidence_id>/download")
    def download(self, evidence_id: int) -> Response:
        return attachment(self.platform, self.db, evidence_id, now=utc_now())

    @expose("/<int:evidence_id>/receipt")
    def receipt(self, evidence_id: int) -> Response:
        """The receipt as it was signed, for checking elsewhere."""
        found = queries.evidence_page(self.db, evidence_id)
        if not found.evidence.receipt:
            return redirect(url_for("EvidenceView.show", evidence_id=evidence_id))
        record(self.db, "evidence.receipt", found.evidence, now=utc_now())
        self.db.commit()
        content: dict[str, Any] = dict(found.evidence.receipt)
        body = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
        response = FlaskResponse(body, mimetype="application/json")
        response.headers["Content-Disposition"] = disposition(f"receipt-{found.evidence.blob_id[:16]}.json")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def file_name(given: str | None) -> str:
    """The name without folders and control characters."""
    last = (given or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:255]


VIEWS: tuple[type, ...] = (EvidenceView,)
