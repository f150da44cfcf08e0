"""The board by state, one step for many findings, and what waits for the person who looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from controls.terms import Layer
from secops.clock import utc_now
from secops.errors import BadInput
from secops.findings import bulk
from secops.findings.board_queries import CARDS, Narrow, board, work_of
from secops.findings.models import Finding, Severity
from secops.findings.tables import due_note, target_words, today
from secops.findings.words import ACTION_WORDS, number
from secops.objects.models import Department, System
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import language, pick, t
from secops.web.links import LINKS
from secops.web.people import owners_for, shown
from secops.web.scope_filters import asked_system, scoped_departments

# For more systems at once nobody is looked up: two queries each.
OWNED_SYSTEMS = 20


class BoardView(PageView):
    """Findings by state, and one step for many of them."""

    route_base = "/findings"
    default_view = "index"

    @expose("/board")
    def index(self) -> str:
        narrow = self._narrow()
        arguments = {
            key: value
            for key in ("department", "system", "severity", "layer")
            if (value := request.args.get(key))
        }
        lanes = [
            {
                "state": label("finding_state", lane.state),
                "number": lane.number,
                "cards": [_card(row) for row in lane.rows],
                "url": url_for("FindingView.index", state=lane.state.value, **_list_arguments(narrow)),
                "more": max(0, lane.number - CARDS),
            }
            for lane in board(self.db, narrow)
        ]
        return self.page(
            "findings_board.html",
            lanes=lanes,
            narrow=narrow,
            arguments=arguments,
            form=Form({**arguments, "owner": "me" if narrow.owner else ""}),
            departments=scoped_departments(self.db),
            severities=[(one.value, label("severity", one).text) for one in Severity],
            layers=[(one.value, label("layer", one).text) for one in Layer],
            **LINKS,
        )

    def _narrow(self) -> Narrow:
        department = _number(request.args.get("department"))
        severity, layer = request.args.get("severity", ""), request.args.get("layer", "")
        return Narrow(
            department=self.db.scalar(select(Department).where(Department.id == department))
            if department
            else None,
            system=asked_system(self.db, request.args.get("system")) if request.args.get("system") else None,
            severity=Severity(severity) if severity in set(Severity) else None,
            layer=layer if layer in {one.value for one in Layer} else "",
            owner=self.who.name if request.args.get("owner") == "me" else "",
        )

    @expose("/bulk", methods=["POST"])
    def many(self) -> str | Response | tuple[str, int]:
        """First what the step asks for, then the step; those that can't take it are named with the reason."""
        form = Form(request.form)
        name = form.choice("action", bulk.STEPS)
        ids = [
            int(value)
            for value in form.values("ids")
            if value.isascii() and value.isdigit() and len(value) < 10
        ]
        if not form.ok or not ids:
            return self.done(url_for("FindingView.index"), "没有选择问题。", "No finding was selected.")
        if form.value("go") != "1":
            return self._ask(Form(action=name, ids=ids), name, ids)
        note = form.text("note", limit=2000, required=name not in ("start", "close", "assign"), least=4)
        systems = self._systems(ids)
        owner = ""
        if name in ("plan", "assign"):
            owner = form.choice("owner", {value for value, _ in self._owners(systems)})
        due = form.day("due", required=name == "plan", after=today() - timedelta(days=1))
        if form.ok:
            try:
                done = bulk.take(
                    self.db, ids, name, who=self.who, now=utc_now(), note=note, owner=owner, due=due
                )
            except BadInput as error:
                self.db.rollback()
                form.take(error)
            else:
                return self._told(name, done)
        return self._ask(form, name, ids), 400

    def _ask(self, form: Form, name: str, ids: list[int]) -> str:
        rows = self.db.execute(
            select(Finding, System).join(System, System.id == Finding.system_id)
            .where(Finding.id.in_(ids[: bulk.MOST])).order_by(Finding.id)
        ).all()  # fmt: skip
        systems = {row.System.id: row.System for row in rows}
        owners = (
            owners_for(self.db, next(iter(systems.values())))
            if name in ("plan", "assign") and len(systems) == 1
            else []
        )
        return self.page(
            "findings_bulk.html",
            form=form,
            action=name,
            title=_title(name),
            about=ACTION_WORDS[name].about if name in ACTION_WORDS else "",
            rows=[
                (
                    row.Finding.id,
                    number(row.Finding.id),
                    pick(row.Finding.title),
                    row.System.name,
                    label("finding_state", row.Finding.state),
                )
                for row in rows
            ],
            owners=owners,
            many_systems=len(systems) > 1,
            **LINKS,
        )

    def _systems(self, ids: list[int]) -> list[System]:
        wanted = select(Finding.system_id).where(Finding.id.in_(ids[: bulk.MOST]))
        return list(self.db.scalars(select(System).where(System.id.in_(wanted)).order_by(System.id)))

    def _owners(self, systems: list[System]) -> list[tuple[str, str]]:
        """People who work on every one of these systems; with many systems nobody is offered."""
        if not systems or len(systems) > OWNED_SYSTEMS:
            return []
        found = owners_for(self.db, systems[0])
        for system in systems[1:]:
            others = {name for name, _ in owners_for(self.db, system)}
            found = [one for one in found if one[0] in others]
        return found

    def _told(self, name: str, done: bulk.Done) -> str | Response:
        title = _title(name)
        zh = f"{title}：{len(done.taken)} 条已完成"
        en = f"{title}: {len(done.taken)} done"
        if not done.passed:
            return self.done(url_for("FindingView.index"), f"{zh}。", f"{en}.")
        self.db.commit()
        return self.page(
            "findings_bulk_done.html",
            title=t(zh, en),
            passed=[
                (
                    number(one.finding_id),
                    url_for("FindingView.show", finding_id=one.finding_id),
                    one.zh if language() == "zh" else one.en,
                )
                for one in done.passed
            ],
            **LINKS,
        )


class WorkView(PageView):
    """What waits for the person who looks."""

    route_base = "/inbox"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        found = work_of(self.db, self.who, today())
        return self.page(
            "work.html",
            work=found,
            mine=[_card(row) for row in found.mine],
            confirm=[_card(row) for row in found.confirm],
            asked=[
                {
                    "number": number(row.Finding.id),
                    "finding_id": row.Finding.id,
                    "title": pick(row.Finding.title),
                    "system": row.system_name,
                    "kind": label("finding_request_kind", row.FindingRequest.kind).text,
                    "until": row.FindingRequest.until,
                    "mine": row.FindingRequest.asked_by == self.who.name,
                }
                for row in found.asked
            ],
            today=today(),
            me=self.who.name,
            **LINKS,
        )


def _title(name: str) -> str:
    return ACTION_WORDS[name].text if name in ACTION_WORDS else t("指派责任人", "Name an owner")


def _card(row: Any) -> dict[str, Any]:
    """One finding as board and inbox show it."""
    finding = row.Finding
    return {
        "id": finding.id,
        "number": number(finding.id),
        "title": pick(finding.title),
        "severity": label("severity", finding.severity),
        "state": label("finding_state", finding.state),
        "system": row.system_name,
        "system_id": finding.system_id,
        "target": target_words(row.asset_name, finding.target),
        "owner": shown(finding.owner, row.owner_name) or t("未指派", "nobody yet"),
        "due": finding.due or finding.suggested_due,
        "due_note": due_note(finding),
    }


def _list_arguments(narrow: Narrow) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if narrow.department is not None:
        found["department"] = narrow.department.id
    if narrow.system is not None:
        found["system"] = narrow.system.id
    if narrow.severity is not None:
        found["severity"] = narrow.severity.value
    if narrow.layer:
        found["layer"] = narrow.layer
    if narrow.owner:
        found["owner"] = narrow.owner
    return found


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
