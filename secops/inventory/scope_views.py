"""What binds a system: units in or out with why, exclusions with two people, and what another level would change."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from controls.terms import Scope, SecurityClass
from secops.catalogue.rows import RowChoice, RowTable
from secops.catalogue.words import clause_words, term
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.inventory import applicability
from secops.inventory.applicability import Row
from secops.inventory.models import ExclusionState
from secops.objects.queries import Head, system_head
from secops.objects.views import head_context
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import Label
from secops.web.lang import language, pick, t
from secops.web.links import link
from secops.web.people import names_of, shown
from secops.web.table_export import export_table
from secops.web.tables import BulkAction, Column

STATES = {
    "in": Label("适用", "Applies", "good"),
    "out": Label("不要求", "Not asked", "mute"),
    "excluded": Label("不适用（已批准）", "Excluded", "info"),
    "asked": Label("不适用（待批准）", "Exclusion asked for", "warn", "hourglass"),
}
EXCLUSION_STATES = {
    ExclusionState.REQUESTED: Label("待审批", "Requested", "warn", "hourglass"),
    ExclusionState.APPROVED: Label("已批准", "Approved", "good"),
    ExclusionState.REFUSED: Label("已拒绝", "Refused", "bad"),
    ExclusionState.WITHDRAWN: Label("已撤回", "Withdrawn", "mute"),
}


def _why(row: Row) -> str:
    if row.exclusion is not None:
        return row.exclusion.reason
    return pick(row.decision.reason)


def _classes(session: Any) -> list[tuple[str, str]]:
    return [(one.value, term(one)) for one in SecurityClass]


TABLE = RowTable(
    "scope",
    (
        Column("unit", "控制项", "Item", lambda r: str(r.unit.id), sort=lambda r: r.position, note=lambda r: clause_words(r.unit), kind="code", width="fit"),
        Column("summary", "要求（平台摘要）", "Requirement (our summary)", lambda r: pick(r.unit.summary), width="wide"),
        Column("state", "适用", "Applies", lambda r: STATES[r.state], sort=lambda r: list(STATES).index(r.state), kind="badge", width="fit"),
        Column("why", "原因", "Why", _why, width="wide"),
        Column("targets", "测评对象", "Targets", lambda r: r.targets, sort=lambda r: r.targets, kind="number", width="fit"),
        Column("class", "安全类", "Class", lambda r: term(SecurityClass(r.unit.class_code)), sort=lambda r: r.unit.class_code, shown=False),
        Column("scope", "范围", "Scope", lambda r: term(r.unit.scope), sort=lambda r: r.unit.scope.value, shown=False),
    ),
    filters=(
        RowChoice("state", "适用", "Applies", options=lambda s: [(key, one.text) for key, one in STATES.items()], of=lambda r: r.state),
        RowChoice("class", "安全类", "Class", options=_classes, of=lambda r: str(r.unit.class_code)),
        RowChoice("scope", "范围", "Scope", options=lambda s: [(one.value, term(one)) for one in Scope], of=lambda r: r.unit.scope.value),
        RowChoice("means", "对象", "Targets", options=lambda s: [("none", t("没有对象", "Without a target")), ("some", t("有对象", "With targets"))], of=lambda r: "some" if r.targets else "none"),
    ),
    search=(lambda r: f"{r.unit.id} {clause_words(r.unit)} {r.unit.summary.zh} {r.unit.summary.en}".casefold(),),
    default_sort="unit",
    page_sizes=(25, 50, 100, 200),
    row_id=lambda r: str(r.unit.id),
    row_url=lambda r: link("CatalogView.item", unit_id=str(r.unit.id)),
    bulk=(BulkAction("exclude", "申请不适用", "Ask for exclusion", lambda: url_for("ScopeView.exclude", system_id=(request.view_args or {})["system_id"]), icon="slash-circle"),),
    search_hint=("编号、条款、关键词", "Id, clause, words"),
    empty=("没有适用的控制项。", "No item applies.", "先为系统定级，才知道适用哪些要求。", "Classify the system first; only then it is known what binds it."),
)  # fmt: skip


class ScopeView(PageView):
    """Applicability of one system."""

    route_base = "/systems"

    @expose("/<int:system_id>/scope")
    def index(self, system_id: int) -> str:
        head = system_head(self.db, system_id)
        return self._show(head, Form(request.args, profile=head.system.profile))

    def _show(self, head: Head, form: Form) -> str:
        system = head.system
        rows = applicability.rows_of(self.db, system)
        state = TABLE.load(
            self.db, rows, request.args, export_url=url_for("ScopeView.export", system_id=system.id)
        )
        asked = applicability.open_exclusions(self.db, system.id)
        change = None
        if request.args.get("profile"):
            try:
                change = applicability.what_if(
                    system, form.text("profile", limit=12), form.values("extensions")
                )
            except BadInput as error:
                form.take(error)
        return self.page(
            "system_scope.html",
            **head_context(head, "scope"),
            state=state,
            counts={key: sum(1 for row in rows if row.state == key) for key in STATES},
            states=STATES,
            asked=asked,
            exclusion_states=EXCLUSION_STATES,
            names=names_of(self.db, [row.requested_by for row in asked]),
            shown=shown,
            who=self.who.name,
            change=change,
            form=form
            if request.args.get("profile")
            else Form(profile=system.profile, extensions=system.extensions),
            scopes=[(one.value, term(one)) for one in Scope if one is not Scope.GENERAL],
        )

    @expose("/<int:system_id>/scope/export")
    def export(self, system_id: int) -> Response:
        system = system_head(self.db, system_id).system
        rows: Any = applicability.rows_of(self.db, system)
        title = t(f"{system.code} 适用性", f"{system.code} applicability")
        return export_table(TABLE, self.db, rows, request.args, now=utc_now(), title=title)

    @expose("/<int:system_id>/scope/exclude", methods=["POST"])
    def exclude(self, system_id: int) -> str | Response | tuple[str, int]:
        """First the chosen units with a field for the reason, then the request itself."""
        head = system_head(self.db, system_id)
        form = Form(request.form)
        units = form.values("ids")[:400]
        back = url_for("ScopeView.index", system_id=system_id)
        if not units:
            flash(t("请先勾选控制项。", "Choose items first."), "warning")
            return redirect(back)
        if "reason" in request.form:
            try:
                applicability.request_exclusion(
                    self.db,
                    head.system,
                    units,
                    reason=form.value("reason"),
                    actor=self.who.name,
                    now=utc_now(),
                )
                return self.done(
                    back, "申请已提交，等待另一人审批。", "The request is made; somebody else decides on it."
                )
            except BadInput as error:
                self.db.rollback()
                form.take(error)
        rows = [row for row in applicability.rows_of(self.db, head.system) if str(row.unit.id) in set(units)]
        page = self.page(
            "system_exclude.html", **head_context(head, "scope"), form=form, units=units, rows=rows
        )
        return (page, 400) if form.errors else page

    @expose("/<int:system_id>/scope/<int:exclusion_id>/decide", methods=["POST"])
    def decide(self, system_id: int, exclusion_id: int) -> Response:
        """Approve, refuse or take back."""
        system_head(self.db, system_id)
        back = url_for("ScopeView.index", system_id=system_id)
        choice, words = request.form.get("decision", ""), request.form.get("reason", "")
        now = utc_now()
        try:
            if choice == "withdraw":
                applicability.withdraw(self.db, exclusion_id, actor=self.who.name, reason=words, now=now)
                return self.done(back, "已撤回，该控制项重新适用。", "Taken back; the item binds again.")
            applicability.decide(
                self.db, exclusion_id, approve=choice == "approve", actor=self.who.name, note=words, now=now
            )
        except NotFound:
            raise
        except (BadInput, Refused, Conflict) as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(back)
        if choice == "approve":
            return self.done(
                back, "已批准，态势中记为不适用。", "Approved; the posture shows it as not applicable."
            )
        return self.done(back, "已拒绝，理由已记录。", "Refused; the reason is on record.")
