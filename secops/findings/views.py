"""Findings: the list, the page of one finding, and the steps of its remediation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import BadInput, Conflict, Refused
from secops.findings import queries, services
from secops.findings.models import Finding
from secops.findings.tables import FINDINGS, age_days, due_note, today
from secops.findings.words import ACTION_WORDS, number, step_tone, step_words
from secops.scans.models import Scan
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import language, pick, t
from secops.web.links import LINKS, link
from secops.web.people import names_of, owners_for, shown
from secops.web.table_export import export_table

MAX_COST = 1_000_000_000
# The order in which buttons stand; what moves the work on comes first.
_ORDER = ("plan", "start", "submit", "retest", "return", "reopen", "false-positive")


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
        return self.page("findings.html", state=state, counts=counts, only=only)

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
        possible = services.possible_actions(finding, self.who)
        owners = owners_for(self.db, found.system) if "plan" in possible else []
        people = [finding.owner, *(event.actor for event in found.events)]
        people += [name for measure in found.measures for name in (measure.owner, measure.created_by)]
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
        if not form.ok:
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


VIEWS: tuple[type, ...] = (FindingView,)
