"""Pages of the security administrator: requests that take two people, labels and clearances, the quarterly review."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from secops.accounts import approvals, labelling
from secops.accounts.access_tables import (
    EVIDENCE_LABELS,
    PEOPLE_LABELS,
    REQUESTS,
    REVIEW,
    SYSTEM_LABELS,
    clearance_statement,
    due_clause,
    evidence_label_statement,
    request_state,
    request_statement,
    review_statement,
    sensitivity_options,
    system_label_statement,
    unused_clause,
)
from secops.accounts.models import Account, GrantRequest
from secops.clock import utc_now
from secops.errors import NotFound, SecopsError
from secops.evidence.models import Evidence
from secops.objects.models import System
from secops.sensitivity import HIGHEST, sensitivity_of
from secops.web.base import PageView
from secops.web.lang import language, t
from secops.web.table_export import export_table
from secops.web.tables import Statement, Table


class ApprovalView(PageView):
    """Grants that wait for a second person."""

    route_base = "/approvals"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        now = utc_now()
        state = REQUESTS.load(
            self.db, request_statement(), request.args, export_url=url_for("ApprovalView.export")
        )
        may_decide = self.who.has(*approvals.approvers(self.platform.settings))
        return self.page(
            "approvals.html",
            state=state,
            may_decide=may_decide,
            is_open=lambda item: request_state(item, now) == "pending",
            waiting=approvals.waiting_count(self.db, self.who, now),
        )

    @expose("/export")
    def export(self) -> Response:
        title = t("授权申请", "grant requests")
        return export_table(REQUESTS, self.db, request_statement(), request.args, now=utc_now(), title=title)

    @expose("/<int:request_id>/decide", methods=["POST"])
    def decide(self, request_id: int) -> Response:
        """Approve or refuse somebody else's request."""
        found = self._request(request_id)
        approving = request.form.get("to") == "approved"
        act = approvals.approve if approving else approvals.refuse
        try:
            act(
                self.db,
                found,
                who=self.who,
                reason=request.form.get("reason", ""),
                now=utc_now(),
                settings=self.platform.settings,
            )
        except SecopsError as error:
            return complain(self, error, url_for("ApprovalView.index"))
        if approving:
            return self.done(
                url_for("ApprovalView.index"), "已批准，授权已生效。", "Approved; the grant is in force."
            )
        return self.done(url_for("ApprovalView.index"), "已拒绝，没有授权。", "Refused; nothing was granted.")

    @expose("/<int:request_id>/withdraw", methods=["POST"])
    def withdraw(self, request_id: int) -> Response:
        """Take one's own request back."""
        found = self._request(request_id)
        try:
            approvals.withdraw(
                self.db, found, who=self.who, reason=request.form.get("reason", ""), now=utc_now()
            )
        except SecopsError as error:
            return complain(self, error, url_for("ApprovalView.index"))
        return self.done(url_for("ApprovalView.index"), "申请已撤回。", "The request was withdrawn.")

    def _request(self, request_id: int) -> GrantRequest:
        found = self.db.get(GrantRequest, request_id)
        if found is None:
            raise NotFound
        return found


class LabelView(PageView):
    """Labels of systems and evidence, and the clearance of people.

    The security administrator sees no system otherwise. Here, and only here, the session is opened for names,
    departments and labels; nothing of findings, results or files is shown.
    """

    route_base = "/labels"
    default_view = "index"

    @property
    def labels_db(self) -> Session:
        """The session of this request, opened for the one thing that these pages show; the audit log keeps the name."""
        self.db.info["principal"] = replace(self.who, everything=True, clearance=HIGHEST)
        return self.db

    @expose("/")
    def index(self) -> str:
        return self._list("systems", SYSTEM_LABELS, system_label_statement())

    @expose("/evidence")
    def evidence(self) -> str:
        return self._list("evidence", EVIDENCE_LABELS, evidence_label_statement())

    @expose("/people")
    def people(self) -> str:
        return self._list("people", PEOPLE_LABELS, clearance_statement())

    def _list(self, kind: str, table: Table, statement: Statement) -> str:
        state = table.load(
            self.labels_db, statement, request.args, export_url=url_for("LabelView.export", kind=kind)
        )
        return self.page(
            "labels.html", state=state, kind=kind, options=sensitivity_options(), mine=self.who.user_id
        )

    @expose("/<kind>/export")
    def export(self, kind: str) -> Response:
        tables = {
            "systems": (SYSTEM_LABELS, system_label_statement(), "系统敏感度", "labels of systems"),
            "evidence": (EVIDENCE_LABELS, evidence_label_statement(), "证据敏感度", "labels of evidence"),
            "people": (PEOPLE_LABELS, clearance_statement(), "人员可查看级别", "clearances"),
        }
        if kind not in tables:
            raise NotFound
        table, statement, zh, en = tables[kind]
        return export_table(table, self.labels_db, statement, request.args, now=utc_now(), title=t(zh, en))

    @expose("/systems/<int:item_id>", methods=["POST"])
    def set_system(self, item_id: int) -> Response:
        return self._set(System, item_id, url_for("LabelView.index"))

    @expose("/evidence/<int:item_id>", methods=["POST"])
    def set_evidence(self, item_id: int) -> Response:
        return self._set(Evidence, item_id, url_for("LabelView.evidence"))

    def _set(self, model: type[Any], item_id: int, back: str) -> Response:
        item = self.labels_db.get(model, item_id)
        if item is None:
            raise NotFound
        try:
            label = sensitivity_of(request.form.get("to", ""))
            labelling.set_label(self.db, item, label, reason=request.form.get("reason", ""), now=utc_now())
        except SecopsError as error:
            return complain(self, error, back)
        return self.done(back, "标记已调整，立即生效。", "The label is changed and in force.")

    @expose("/people/<int:user_id>", methods=["POST"])
    def set_person(self, user_id: int) -> Response:
        account = self.db.get(Account, user_id)
        if account is None:
            raise NotFound
        back = url_for("LabelView.people")
        try:
            asked = approvals.ask_for_clearance(
                self.db,
                account,
                sensitivity_of(request.form.get("to", "")),
                by=self.who.name,
                reason=request.form.get("reason", ""),
                now=utc_now(),
                settings=self.platform.settings,
            )
        except SecopsError as error:
            return complain(self, error, back)
        if asked is None:
            return self.done(
                back,
                "可查看级别已调整，此人的会话已退出。",
                "The clearance is changed; the person's sessions ended.",
            )
        return self.done(
            url_for("ApprovalView.index"),
            "已提交，等待第二个人批准。",
            "Asked for; a second person decides.",
            "info",
        )


class ReviewView(PageView):
    """Who holds what, since when, and whether it is still needed; looked through every quarter."""

    route_base = "/review"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        now = utc_now()
        statement = review_statement(now)
        state = REVIEW.load(self.db, statement, request.args, export_url=url_for("ReviewView.export"))
        counts = {
            name: self.db.scalar(
                select(func.count()).select_from(
                    statement.where(clause)
                    .with_only_columns(Account.user_id, maintain_column_froms=True)
                    .order_by(None)
                    .subquery()
                )
            )
            or 0
            for name, clause in (("due", due_clause(now)), ("unused", unused_clause(now)))
        }
        return self.page("review.html", state=state, counts=counts)

    @expose("/export")
    def export(self) -> Response:
        now = utc_now()
        title = t("授权复核", "access review")
        return export_table(REVIEW, self.db, review_statement(now), request.args, now=now, title=title)

    @expose("/confirm", methods=["POST"])
    def confirm(self) -> Response:
        """Note for the chosen grants that they are still needed."""
        ids = [int(text) for text in request.form.getlist("ids") if text.isascii() and text.isdigit()]
        try:
            number = labelling.confirm_grants(self.db, ids, by=self.who, now=utc_now())
        except SecopsError as error:
            return complain(self, error, url_for("ReviewView.index"))
        return self.done(
            url_for("ReviewView.index"), f"已复核 {number} 项授权。", f"{number} grants were reviewed."
        )


def complain(view: PageView, error: SecopsError, url: str) -> Response:
    """Back to the list with the reason why nothing was done."""
    view.db.rollback()
    flash(error.text(language()), "danger")
    return redirect(url)


VIEWS: tuple[type, ...] = (ApprovalView, LabelView, ReviewView)
