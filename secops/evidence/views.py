"""Evidence: the list, one piece with its receipt, upload, decision and download."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from flask import Response as FlaskResponse
from flask import redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from controls.documents import DocumentKind
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound, NotReady, Refused, SecopsError
from secops.evidence import queries, record_queries, records, requests, services, uploads
from secops.evidence.documents import kinds, read_fields, units_of
from secops.evidence.download import attachment, disposition
from secops.evidence.models import Evidence, EvidenceRequest, EvidenceSource, EvidenceState
from secops.evidence.preview import preview_of, preview_type
from secops.evidence.preview_words import inspection_words
from secops.evidence.request_views import EvidenceRequestView
from secops.evidence.services import NewEvidence
from secops.evidence.tables import EVIDENCE, state_label, title_words
from secops.evidence.upload_views import EvidenceUploadView
from secops.jobs.services import enqueue
from secops.objects.models import System
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.history import history
from secops.web.lang import pick, t
from secops.web.links import LINKS
from secops.web.paths import file_name
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
        near = record_queries.around(self.db, evidence)
        linked = [str(unit.id) for unit, _ in found.units]
        people = [evidence.given_by, evidence.decided_by, *(row.author for row in near.comments)]
        names = names_of(self.db, people)
        return self.page(
            "evidence_show.html",
            evidence=evidence,
            system=found.system,
            department=found.department,
            units=found.units,
            state=state_label(evidence),
            title=title_words(evidence),
            giver=shown(evidence.given_by, names),
            decider=shown(evidence.decided_by, names),
            near=near,
            names=names,
            shown=shown,
            inspected=inspection_words(evidence.inspection),
            preview=preview_type(evidence),
            hint=record_queries.reuse_hint(found.system, evidence, linked),
            kind=kinds().get(evidence.document_kind),
            fields=_field_rows(evidence),
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
            form = self._begin(request.args.get("system") or "")
            asked = form.value("system")
            system = asked_system(self.db, asked)
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
        stored = self._store_all(form, new) if new is not None else []
        if stored:
            self._refresh_posture(system)
        if not form.ok or not stored:
            return self._form(form, asked_system(self.db, form.value("system"))), form.status
        if len(stored) > 1:
            where = url_for("EvidenceView.index", system=system.id)
            return self.done(
                where, f"已封存 {len(stored)} 份并签发回执。", f"{len(stored)} files sealed and receipted."
            )
        evidence_id = stored[0]
        twin = queries.first_twin(self.db, evidence_id)
        return self.done(
            url_for("EvidenceView.show", evidence_id=evidence_id),
            "已封存并签发回执，等待审核。" + (f"内容与已有证据 #{twin} 相同。" if twin else ""),
            "Sealed and receipted; it waits for a decision." + (f" Same content as #{twin}." if twin else ""),
        )

    def _begin(self, system: str) -> Form:
        """The empty form: plain, for a request, or for a newer version."""
        start: dict[str, Any] = {"units": request.args.getlist("unit"), "system": system}
        start |= {key: request.args.get(key, "") for key in ("request", "replaces", "document_kind")}
        form = Form(**start)
        wanted, old = self._asked(form), self._replaced(form)
        if wanted is not None:
            start |= {
                "system": str(wanted.system_id),
                "units": list(wanted.units),
                "title": pick(wanted.title),
                "document_kind": wanted.document_kind,
            }
        elif old is not None:
            page = queries.evidence_page(self.db, old.id)
            start |= {
                "system": str(old.system_id),
                "units": [str(unit.id) for unit, _ in page.units],
                "title": old.title,
                "document_kind": old.document_kind,
            }
        return Form(**start)

    def _form(self, form: Form, system: System | None) -> str:
        wanted, old = self._asked(form), self._replaced(form)
        return self.page(
            "upload.html",
            form=form,
            system=system,
            systems=[] if system else system_options(self.db),
            groups=queries.unit_groups(system) if system else [],
            chosen=set(form.values("units")),
            assets=queries.assets_of(self.db, system) if system else [],
            limit_mb=self.platform.settings.upload_limit_mb,
            asked=wanted,
            old=old,
            kinds=[(kind.id, t(kind.name.zh, kind.name.en)) for kind in kinds().values()],
            kind=kinds().get(form.value("document_kind")),
            sent=uploads.mine(self.db, form.values("upload"), self.who.name),
        )

    def _asked(self, form: Form) -> EvidenceRequest | None:
        number = form.value("request")
        return requests.get_open(self.db, int(number)) if number.isdecimal() else None

    def _replaced(self, form: Form) -> Evidence | None:
        number = form.value("replaces")
        return services.get_visible(self.db, int(number)) if number.isdecimal() else None

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
        kind, document = self._document(form)
        if kind is not None and not units:
            units = tuple(unit for unit in units_of(system, kind.id) if unit in known)
        name = next(iter(self._names(form)), "")
        if not name:
            form.fail("file", "请选择文件。", "Choose a file.")
        if len(self._names(form)) > 1 and form.value("replaces"):
            form.fail("file", "新版本一次只能有一个文件。", "A newer version is one file.")
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
            replaces_id=_number(form.value("replaces")),
            request_id=_number(form.value("request")),
            document_kind=kind.id if kind else "",
            document=document,
        )
        if not form.ok:
            return None
        try:
            services.check_new(self.db, new)
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("", error.zh, error.en)
        return new if form.ok else None

    def _document(self, form: Form) -> tuple[DocumentKind | None, dict[str, Any]]:
        """The kind that was chosen, and what was typed for its fields."""
        kind = kinds().get(form.value("document_kind"))
        if kind is None:
            return None, {}
        given = {field.value: form.value(f"doc-{field.value}") for field in kind.requires}
        try:
            return kind, read_fields(kind, given, form.values("topics"))
        except BadInput as error:
            form.take(error)
            return kind, {}

    def _names(self, form: Form) -> list[str]:
        """Names of all files: those sent with the form, and those sent piece by piece before."""
        direct = [file_name(one.filename) for one in request.files.getlist("file")]
        return [name for name in direct if name] + [
            uploads.find(self.db, token, self.who.name).file_name for token in form.values("upload")
        ]

    def _store_all(self, form: Form, new: NewEvidence) -> list[int]:
        """Store file by file; the first that can't be kept ends it, and says how many were."""
        tokens = form.values("upload")
        direct = [one for one in request.files.getlist("file") if file_name(one.filename)]
        many = len(tokens) + len(direct) > 1
        stored: list[int] = []
        for one in direct:
            name = file_name(one.filename)
            stored += self._store(form, _named(new, name, many), one.stream)
        for token in tokens:
            if not form.ok:
                break
            row = uploads.find(self.db, token, self.who.name)
            if row.system_id != new.system_id:
                raise NotFound
            stored += self._store(
                form, _named(new, row.file_name, many), uploads.open_whole(self.platform, row)
            )
            with self.platform.work_as(self.who) as session:
                if form.ok or form.error("file"):
                    # Kept as evidence, or refused for what is in it: either way the pieces are done with.
                    uploads.drop(self.platform, session, uploads.find(session, token, self.who.name))
        if not form.ok and stored:
            form.fail(
                "",
                f"前 {len(stored)} 份已封存，其余没有保存。",
                f"The first {len(stored)} are sealed, the rest is not kept.",
            )
        return stored

    def _store(self, form: Form, new: NewEvidence, stream: services.Readable) -> list[int]:
        """Hand the stream over; the request's own transaction ends first, since storing opens its own."""
        if not form.ok:
            return []
        who = self.who
        self.db.rollback()
        try:
            return [services.store(self.platform, who, new, stream)]
        except BadInput as error:
            form.take(error)
        except NotReady as error:
            form.fail("", error.zh, error.en)
            form.status = error.status
        except Refused as error:
            form.fail("", error.zh, error.en)
        return []

    @expose("/<int:evidence_id>/comment", methods=["POST"])
    def comment(self, evidence_id: int) -> Response | tuple[str, int]:
        form = Form(request.form)
        try:
            records.comment(self.db, evidence_id, form.value("text"), actor=self.who.name, now=utc_now())
        except BadInput as error:
            self.db.rollback()
            form.take(error)
            return self._show(evidence_id, form), 400
        return self.done(url_for("EvidenceView.show", evidence_id=evidence_id), "已添加。", "Added.")

    @expose("/<int:evidence_id>/units", methods=["GET", "POST"])
    def relink(self, evidence_id: int) -> str | Response | tuple[str, int]:
        """Choose anew which units it speaks to."""
        found = queries.evidence_page(self.db, evidence_id)
        form = Form(request.form or None)
        chosen = (
            set(form.values("units"))
            if request.method == "POST"
            else {str(unit.id) for unit, asset in found.units if not asset}
        )
        groups = queries.unit_groups(found.system)
        if request.method == "POST":
            known = {str(unit.id) for group in groups for unit in group.units}
            if chosen - known:
                form.fail("units", "有的测评单元不适用于这个系统。", "Some units do not bind this system.")
            else:
                try:
                    changed = records.relink(self.db, evidence_id, sorted(chosen), now=utc_now())
                    where = url_for("EvidenceView.show", evidence_id=evidence_id)
                    return self.done(
                        where,
                        f"关联已更新（{len(changed)} 项变化）。",
                        f"Links updated ({len(changed)} changed).",
                    )
                except SecopsError as error:
                    self.db.rollback()
                    form.fail("", error.zh, error.en)
        more = record_queries.reuse_hint(found.system, found.evidence, sorted(chosen)).units
        page = self.page(
            "evidence_units.html", evidence=found.evidence, system=found.system, groups=groups, chosen=chosen,
            more=more, form=form, title=title_words(found.evidence),
        )  # fmt: skip
        return page if form.ok else (page, 400)

    @expose("/<int:evidence_id>/reuse", methods=["POST"])
    def reuse(self, evidence_id: int) -> Response:
        """Use it for the system of an open request, or for a named one."""
        form = Form(request.form)
        number = _number(form.value("request"))
        wanted = requests.get_open(self.db, number) if number is not None else None
        system = asked_system(self.db, str(wanted.system_id) if wanted else form.value("system"))
        if system is None:
            raise NotFound
        old = services.get_visible(self.db, evidence_id)
        units = tuple(wanted.units) if wanted else units_of(system, old.document_kind)
        who = self.who
        self.db.rollback()
        new_id = records.reuse(
            self.platform, who, evidence_id, system_id=system.id, units=units, request_id=number
        )
        self._refresh_posture(system)
        return self.done(
            url_for("EvidenceView.show", evidence_id=new_id),
            "已为该系统另行封存，等待审核。",
            "Sealed for that system as well; it waits for a decision.",
        )

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

    @expose("/<int:evidence_id>/preview")
    def preview(self, evidence_id: int) -> Response:
        """Text, pictures and PDF in the browser, where nothing in them can run."""
        return preview_of(self.platform, self.db, evidence_id, now=utc_now())

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


def _named(new: NewEvidence, name: str, many: bool) -> NewEvidence:
    """The same for one of several files: each title says which."""
    title = f"{new.title[: max(1, 196 - len(name))]}（{name}）"[:200] if many else new.title
    return replace(new, title=title, file_name=name)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _field_rows(evidence: Evidence) -> list[tuple[str, str]]:
    """What was read off the paper: (field, value); what nobody looked at says so."""
    kind = kinds().get(evidence.document_kind)
    if kind is None:
        return []
    unknown, absent = t("未录入", "not entered"), t("材料上没有", "not on the paper")
    rows = []
    for field in kind.requires:
        value = evidence.document.get(field.value)
        if isinstance(value, list):
            value = " – ".join(value)
        text = absent if value is False else unknown if value is None else str(value)
        rows.append((pick(field), text))
    return rows


VIEWS: tuple[type, ...] = (EvidenceView, EvidenceRequestView, EvidenceUploadView)
