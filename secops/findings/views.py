"""Findings: the list, the page of one finding, and the steps of its remediation."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from controls.terms import Layer
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound, NotReady, Refused
from secops.evidence import services as evidence
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.queries import assets_of
from secops.evidence.services import NewEvidence
from secops.findings import manual, queries, requests, services
from secops.findings.board_views import BoardView, WorkView
from secops.findings.machine import ASKING, STEPS
from secops.findings.models import AttachmentKind, Finding, RequestKind, RequestState, Severity
from secops.findings.tables import FINDINGS, age_days, due_note, today
from secops.findings.words import ACTION_WORDS, number, step_tone, step_words
from secops.objects.models import System
from secops.scans.models import Scan
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import language, pick, t
from secops.web.links import LINKS, link
from secops.web.paths import file_name
from secops.web.people import names_of, owners_for, shown
from secops.web.scope_filters import asked_system, system_options
from secops.web.table_export import export_table

MAX_COST = 1_000_000_000
# The order in which buttons stand; what moves the work on comes first.
_ORDER = (
    "plan", "start", "submit", "retest", "verify", "close", "return", "reopen", "end-acceptance", "ask-extension",
    "ask-acceptance", "false-positive",
)  # fmt: skip


class FindingView(PageView):
    """What was found and what becomes of it."""

    route_base = "/findings"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        counts = queries.counts(self.db, today())
        only = [(name, request.args[name]) for name in queries.NARROWING if request.args.get(name)]
        state = FINDINGS.load(
            self.db,
            queries.narrowed(request.args),
            request.args,
            export_url=url_for("FindingView.export"),
            total=None if only else counts.total,
        )
        return self.page("findings.html", state=state, counts=counts, only=only, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("问题清单", "findings")
        return export_table(
            FINDINGS, self.db, queries.narrowed(request.args), request.args, now=utc_now(), title=title
        )

    @expose("/<int:finding_id>")
    def show(self, finding_id: int) -> str:
        return self._show(finding_id)

    def _show(self, finding_id: int, form: Form | None = None, action: str = "") -> str:
        found = queries.finding_page(self.db, finding_id)
        finding = found.finding
        possible = services.possible_actions(
            finding, self.who, waiting=found.waiting, submitter=found.submitter
        )
        owners = owners_for(self.db, found.system) if "plan" in possible else []
        people = [finding.owner, *(event.actor for event in found.events)]
        people += [name for measure in found.measures for name in (measure.owner, measure.created_by)]
        people += [name for one in found.requests for name in (one.asked_by, one.decided_by) if name]
        people += [row.FindingEvidence.added_by for row in found.papers]
        names = names_of(self.db, people)
        if form is None:
            due = finding.due or finding.suggested_due
            form = Form(
                owner=finding.owner, due=due if due and due >= today() else None, measure=pick(finding.advice)
            )
        return self.page(
            "finding.html",
            found=found,
            finding=finding,
            number=number(finding.id),
            actions=[(name, ACTION_WORDS[name]) for name in _ORDER if name in possible],
            failed=action if action in possible else "",
            form=form,
            owners=owners,
            owner=shown(finding.owner, names),
            due_note=due_note(finding),
            age=age_days(finding),
            timeline=[_entry(event, names) for event in found.events],
            measures=[_measure(measure, names) for measure in found.measures],
            sources=[_source(row) for row in found.sources],
            requests=[
                _request(one, names, possible, mine=one.asked_by == self.who.name) for one in found.requests
            ],
            papers=[_paper(row, names) for row in found.papers],
            paper_kinds=[(kind.value, label("attachment_kind", kind).text) for kind in AttachmentKind],
            may_comment="comment" in possible,
            limit_mb=self.platform.settings.upload_limit_mb,
            words=ACTION_WORDS,
            **LINKS,
        )

    @expose("/<int:finding_id>/act", methods=["POST"])
    def act(self, finding_id: int) -> Response | tuple[str, int]:
        """Take one step; what can't be taken shows the page again with what was typed."""
        finding = services.get_finding(self.db, finding_id)
        form = Form(request.form)
        name = form.value("action")
        status = 400
        try:
            scan = self._take(finding, name, form)
            if form.ok:
                return self._taken(finding_id, name, scan)
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("", error.zh, error.en)
            status = 403
        except (Conflict, StaleDataError):
            form.errors.setdefault("", Conflict().text(language()))
            status = 409
        self.db.rollback()
        return self._show(finding_id, form, name), status

    def _take(self, finding: Finding, name: str, form: Form) -> Scan | None:
        version = form.number("version", least=1, most=10**9)
        now = utc_now()
        if name == "plan":
            self._plan(finding, form, version)
            return None
        note = form.text(f"note-{name}", limit=2000)
        until = form.day(f"until-{name}", required=True) if name in ASKING else None
        compensation = form.text("compensation", limit=2000)
        if not form.ok:
            return None
        if STEPS.get(name) is not None and STEPS[name].request:
            self._request(finding, name, note, until, compensation, version)
            return None
        if name == "retest":
            if version != finding.version:
                raise Conflict
            return services.request_retest(self.db, finding, who=self.who, now=now)
        try:
            services.act(self.db, finding, name, who=self.who, now=now, note=note, version=version)
            self.db.flush()
        except BadInput as error:
            # The page has one field for words per action.
            raise BadInput(error.zh, error.en, f"note-{name}") from error
        return None

    def _request(
        self,
        finding: Finding,
        name: str,
        note: str,
        until: date | None,
        compensation: str,
        version: int | None,
    ) -> None:
        """Ask, grant, refuse or end what takes two people."""
        verb, _, what = name.partition("-")
        base: dict[str, Any] = {"who": self.who, "now": utc_now(), "version": version}
        try:
            if verb == "ask" and until is not None:
                requests.ask(
                    self.db, finding, RequestKind(what), reason=note, until=until, compensation=compensation, **base
                )  # fmt: skip
            elif verb == "end":
                requests.revoke(self.db, finding, note=note, **base)
            else:
                requests.decide(
                    self.db, finding, RequestKind(what), granted=verb == "grant", note=note, **base
                )
            self.db.flush()
        except BadInput as error:
            fields = {"note": f"note-{name}", "until": f"until-{name}"}
            raise BadInput(error.zh, error.en, fields.get(error.field, error.field)) from error

    @expose("/<int:finding_id>/withdraw", methods=["POST"])
    def withdraw(self, finding_id: int) -> Response:
        """Take one's own request back."""
        finding = services.get_finding(self.db, finding_id)
        kind = request.form.get("kind", "")
        if kind not in set(RequestKind):
            raise NotFound
        try:
            requests.withdraw(self.db, finding, RequestKind(kind), who=self.who, now=utc_now())
        except Refused as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(url_for("FindingView.show", finding_id=finding_id))
        return self.done(
            url_for("FindingView.show", finding_id=finding_id), "申请已撤回。", "The request is taken back."
        )

    @expose("/<int:finding_id>/attach", methods=["POST"])
    def attach(self, finding_id: int) -> Response | tuple[str, int]:
        """A new file, sealed as evidence of the system, or one that is there already."""
        finding = services.get_finding(self.db, finding_id)
        form = Form(request.form)
        kind = form.choice("kind", {one.value for one in AttachmentKind})
        number = form.number("evidence", least=1, most=10**9, required=False)
        file = request.files.get("file")
        name = file_name(file.filename) if file is not None else ""
        if not name and number is None:
            form.fail(
                "file", "请选择文件，或填写已有证据的编号。", "Choose a file, or name evidence by its number."
            )
        if form.ok:
            try:
                self._attach(finding, AttachmentKind(kind), number, name, file)
                return self.done(
                    url_for("FindingView.show", finding_id=finding_id) + "#papers", "材料已附上。", "The paper is attached."
                )  # fmt: skip
            except NotFound:
                form.fail(
                    "evidence", "这个系统没有此编号的证据。", "The system has no evidence of this number."
                )
            except BadInput as error:
                form.take(BadInput(error.zh, error.en, "file" if error.field == "title" else error.field))
            except (Refused, NotReady) as error:
                form.fail("", error.zh, error.en)
        self.db.rollback()
        return self._show(finding_id, form, "attach"), 400

    def _attach(
        self, finding: Finding, kind: AttachmentKind, number: int | None, name: str, file: Any
    ) -> None:
        if name:
            title = f"P-{finding.id:05} {label('attachment_kind', kind).text} {name}"[:200]
            finding_id, who = finding.id, self.who
            new = NewEvidence(
                system_id=finding.system_id, title=title, file_name=name, source=EvidenceSource.UPLOAD,
                state=EvidenceState.SUBMITTED, units=tuple(finding.units), asset_id=finding.asset_id,
            )  # fmt: skip
            # Storing opens transactions of its own; the request's ends first.
            self.db.rollback()
            number = evidence.store(self.platform, who, new, file.stream)
            finding = services.get_finding(self.db, finding_id)
        manual.attach(self.db, finding, number or 0, kind, who=self.who, now=utc_now())

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        """Write a finding down by hand, or one that a supervisory notice names."""
        if request.method == "GET":
            start: dict[str, Any] = {key: request.args.get(key, "") for key in ("system", "kind", "asset")}
            start["kind"] = [start["kind"] or "manual"]
            form = Form(**start)
            return self._new_form(form, asked_system(self.db, form.value("system")))
        form = Form(request.form)
        system = asked_system(self.db, form.value("system"))
        if system is None:
            form.fail("system", "请从提示中选择系统。", "Choose one of the suggested systems.")
            return self._new_form(form, None), 400
        if form.value("step") == "system":
            return self._new_form(form, system)
        new = self._read_new(form, system)
        if new is not None:
            try:
                finding = manual.write(self.db, system, new, who=self.who, now=utc_now())
                zh, en = f"{number(finding.id)} 已登记。", f"{number(finding.id)} is noted."
                return self.done(url_for("FindingView.show", finding_id=finding.id), zh, en)
            except BadInput as error:
                form.take(error)
            except Conflict as error:
                form.fail("", error.zh, error.en)
            self.db.rollback()
            system = asked_system(self.db, form.value("system"))
        return self._new_form(form, system), 400

    def _new_form(self, form: Form, system: System | None) -> str:
        return self.page(
            "finding_new.html",
            form=form,
            system=system,
            systems=[] if system else system_options(self.db),
            assets=assets_of(self.db, system) if system else [],
            severities=[(one.value, label("severity", one).text) for one in Severity],
            layers=[(one.value, label("layer", one).text) for one in Layer],
            notice="notice" in form.values("kind"),
            **LINKS,
        )

    def _read_new(self, form: Form, system: System) -> manual.NewFinding | None:
        title = form.text("title", required=True, limit=120, least=4)
        observed = form.text("observed", required=True, limit=2000)
        severity = form.choice("severity", {one.value for one in Severity})
        layer = form.choice("layer", {one.value for one in Layer})
        asset = form.choice("asset", {value for value, _ in assets_of(self.db, system)}, required=False)
        units = (
            tuple(dict.fromkeys(re.split(r"[\s,，;；、]+", form.text("units", limit=400))))
            if form.value("units").strip()
            else ()
        )
        notice = None
        if form.value("kind") == "notice":
            issuer = form.text("issuer", required=True, limit=80)
            reference = form.text("reference", required=True, limit=80)
            deadline = form.day("deadline", required=True)
            if deadline is not None:
                notice = manual.Notice(issuer, reference, deadline)
        new = (
            form.text("advice", limit=2000), form.text("target", limit=200), form.text("why", limit=400),
        )  # fmt: skip
        if not form.ok:
            return None
        return manual.NewFinding(
            title=title, observed=observed, severity=Severity(severity), layer=layer, advice=new[0],
            asset_id=int(asset) if asset else None, target=new[1], units=units, why=new[2], notice=notice,
        )  # fmt: skip

    def _plan(self, finding: Finding, form: Form, version: int | None) -> None:
        text = form.text("measure", required=True, limit=2000, least=4)
        owner = form.text("owner", required=True, limit=120)
        due = form.day("due", required=True, after=today() - timedelta(days=1))
        cost = form.number("cost", least=0, most=MAX_COST, required=False)
        if form.ok and due is not None:
            services.plan(
                self.db,
                finding,
                text=text,
                owner=owner,
                due=due,
                cost=cost,
                who=self.who,
                now=utc_now(),
                version=version,
            )
            self.db.flush()

    def _taken(self, finding_id: int, name: str, scan: Scan | None) -> Response:
        if scan is not None:
            where = link("ScanView.show", scan_id=scan.id) or url_for(
                "FindingView.show", finding_id=finding_id
            )
            return self.done(
                where,
                "复测已排队，结果会自动写回问题。",
                "The retest is queued; its result goes back to the finding.",
            )
        words = ACTION_WORDS[name]
        zh, en = (
            f"{number(finding_id)}：{words.zh}，已记录。",
            f"{number(finding_id)}: {words.en.lower()}, noted.",
        )
        return self.done(url_for("FindingView.show", finding_id=finding_id), zh, en)


def _entry(event: Any, names: dict[str, str]) -> dict[str, Any]:
    scan = event.detail.get("scan") if isinstance(event.detail, dict) else None
    # What the platform itself notes is kept in Chinese; its words stand under "what was observed" in both.
    own = event.actor == "platform" and language() == "en"
    parts = [event.note] if event.note and not own else []
    if event.from_state and event.from_state != event.to_state:
        before, after = (
            label("finding_state", event.from_state).text,
            label("finding_state", event.to_state).text,
        )
        parts.append(f"{before} → {after}")
    if scan:
        parts.append(t(f"扫描 #{scan}", f"scan #{scan}"))
    return {
        "time": event.at,
        "title": step_words(event.action),
        "tone": step_tone(event.action),
        "who": shown(event.actor, names),
        "text": " · ".join(parts),
    }


def _request(one: Any, names: dict[str, str], possible: list[str], *, mine: bool) -> dict[str, Any]:
    """A request as the page shows it, with the decisions that this person may take."""
    waits = one.state is RequestState.ASKED
    return {
        "row": one,
        "kind": label("finding_request_kind", one.kind).text,
        "state": label("finding_request_state", one.state),
        "asked_by": shown(one.asked_by, names),
        "decided_by": shown(one.decided_by, names) if one.decided_by else "",
        "steps": [
            name
            for name in (f"grant-{one.kind.value}", f"refuse-{one.kind.value}")
            if waits and name in possible
        ],
        "withdraw": waits and mine,
    }


def _paper(row: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "row": row.FindingEvidence,
        "title": row.title,
        "kind": label("attachment_kind", row.FindingEvidence.kind).text,
        "state": label("evidence_state", row.state),
        "by": shown(row.FindingEvidence.added_by, names),
    }


def _measure(measure: Any, names: dict[str, str]) -> list[Any]:
    cost = "" if measure.cost is None else f"¥{measure.cost:,}"
    return [
        measure.text,
        shown(measure.owner, names),
        measure.due.isoformat(),
        cost,
        shown(measure.created_by, names),
    ]


def _source(row: Any) -> dict[str, Any]:
    return {
        "scan_id": row.Outcome.scan_id,
        "at": row.Outcome.observed_at,
        "outcome": label("outcome", row.Outcome.outcome),
        "reason": pick(row.Outcome.reason),
        "cause": row.cause,
        "probe": row.probe,
        "target": row.target,
        "evidence_id": row.evidence_id,
    }


VIEWS: tuple[type, ...] = (FindingView, BoardView, WorkView)
