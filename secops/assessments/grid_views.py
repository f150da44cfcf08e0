"""The grid: a window of cells as small JSON, one cell with everything beside it, and decisions."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from controls.terms import Method, TargetKind, Verdict
from secops.assessments import grid
from secops.assessments.context import assessment_context
from secops.assessments.deciding import (
    MAX_BULK,
    CellConflict,
    Decision,
    decide,
    decide_many,
    get_assessment,
    load_frame,
)
from secops.assessments.frame import PROVIDER, SYSTEM, Frame, asks_dak
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentState, RecordOrigin, RecordState
from secops.assessments.planning import CRYPTO, ROLES
from secops.assessments.queries import CellPage, cell_page
from secops.assessments.reviewing import review
from secops.assessments.risks import cases_for
from secops.assessments.suggestions import draft_text
from secops.assessments.words import RECORD_STATES, RISK_LEVELS, action_words, change_words, target_words
from secops.catalogue import words as catalogue_words
from secops.catalogue.words import class_name, clause_words, term
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, Refused, SecopsError
from secops.evidence.tables import title_words
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import Label, label
from secops.web.lang import language, pick, t
from secops.web.people import names_of, shown

STEP_STATES = {
    "passed": Label("成立", "Holds", "good"),
    "failed": Label("不成立", "Does not hold", "bad"),
    "partly_failed": Label("部分不成立", "Partly fails", "warn", "circle-half"),
    "na": Label("不适用", "Not applicable", "mute"),
    "open": Label("未检查", "Not examined", "open"),
}


class AssessmentGrid(PageView):
    """Units down, targets across."""

    route_base = "/assessments"
    default_view = "index"

    @expose("/<int:assessment_id>/grid")
    def index(self, assessment_id: int) -> str:
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        return self.page(
            "assessment_grid.html",
            **assessment_context(self.db, found, "grid"),
            grid_data=self._data(found, frame),
            classes=list(
                dict.fromkeys((str(unit.class_code), pick(class_name(unit))) for unit in frame.units)
            ),
            may_decide=found.state is AssessmentState.RUNNING and self.who.has(*ROLES),
            units=len(frame.units),
            crypto=found.framework == CRYPTO,
        )

    def _data(self, found: Assessment, frame: Frame) -> dict[str, Any]:
        figures = grid.unit_figures(self.db, found)
        mine = [one for one in grid.tasks_of(self.db, found.id) if one.person == self.who.name]
        return {
            "id": found.id,
            "revision": found.revision,
            "decide": found.state is AssessmentState.RUNNING and self.who.has(*ROLES),
            "crypto": found.framework == CRYPTO,
            "units": [
                {
                    "id": str(unit.id), "clause": clause_words(unit), "text": pick(unit.summary),
                    "point": pick(unit.control_point.name), "class": str(unit.class_code), "layer": unit.layer.value,
                    "mark": unit.mark.value, "partial": unit.partial_possible,
                    "at": grid.ranges(target.position for target in frame.places[str(unit.id)]),
                    "risk": len(cases_for(found, unit)), "dak": asks_dak(unit),
                    **figures.get(str(unit.id), {}),
                }
                for unit in frame.units
            ],
            "targets": [
                {"id": one.id, "name": target_words(one),
                 "kind": kind_words(one.kind), "address": one.address}
                for one in frame.targets
            ],
            "mine": [[one.part, one.value] for one in mine],
        }  # fmt: skip

    @expose("/<int:assessment_id>/grid/cells")
    def cells(self, assessment_id: int) -> Response:
        """Cells of the targets in positions ``from`` to ``to``, at most 200 of them."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        first = max(0, request.args.get("from", 0, type=int))
        last = min(request.args.get("to", first, type=int), first + 199)
        return jsonify({"revision": found.revision, **grid.cells_in(self.db, found, frame, first, last)})

    @expose("/<int:assessment_id>/grid/changes")
    def changes(self, assessment_id: int) -> Response:
        """Cells that changed after revision ``since``, and the figures of the units when there are any."""
        found = get_assessment(self.db, assessment_id)
        since = request.args.get("since", 0, type=int)
        if since >= found.revision:
            return jsonify({"revision": found.revision, "cells": []})
        frame = load_frame(self.db, found)
        return jsonify(
            {
                "revision": found.revision,
                "cells": grid.changes_since(self.db, found, frame, since),
                "figures": grid.unit_figures(self.db, found),
                "running": found.state is AssessmentState.RUNNING,
            }
        )

    @expose("/<int:assessment_id>/grid/next")
    def next(self, assessment_id: int) -> Response:
        """The next cell nobody decided, after the one given."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        cell = grid.next_open(
            self.db, found, frame, request.args.get("unit", ""), request.args.get("target", 0, type=int)
        )
        if cell is None:
            return jsonify({"cell": None})
        unit = next(number for number, one in enumerate(frame.units) if str(one.id) == cell[0])
        return jsonify({"cell": [unit, frame.target_of[cell[1]].position]})

    @expose("/<int:assessment_id>/cells/<string:unit_id>/<int:target_id>", methods=["GET", "POST"])
    def cell(
        self, assessment_id: int, unit_id: str, target_id: int
    ) -> str | tuple[str, int] | Response | tuple[Response, int]:
        """One cell with everything beside it; a POST decides it."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        if request.method == "GET":
            return self._cell(found, frame, unit_id, target_id)
        wants_json = request.headers.get("X-Fragment") == "1"
        form = Form(request.form)
        try:
            row = decide(self.db, found, frame, _decision(form, frame, unit_id, target_id), now=utc_now())
            self.db.commit()
        except CellConflict as error:
            self.db.rollback()
            return self._cell(found, frame, unit_id, target_id, form, error), 409
        except (BadInput, Refused, Conflict, StaleDataError) as error:
            self.db.rollback()
            problem = error if isinstance(error, SecopsError) else Conflict()
            if isinstance(problem, BadInput):
                form.take(problem)
            else:
                form.errors.setdefault("", problem.text(language()))
            return self._cell(found, frame, unit_id, target_id, form), problem.status
        if wants_json:
            return jsonify({"cell": grid.cell_of(frame, row), "revision": found.revision})
        return self.done(
            url_for("AssessmentGrid.cell", assessment_id=assessment_id, unit_id=unit_id, target_id=target_id),
            "判定已保存。", "Saved.",
        )  # fmt: skip

    def _cell(
        self, found: Assessment, frame: Frame, unit_id: str, target_id: int, form: Form | None = None,
        error: CellConflict | None = None,
    ) -> str:  # fmt: skip
        page = cell_page(self.db, found, frame, unit_id, target_id)
        people = [one.actor for one in page.history] + [one.given_by for one in page.evidence]
        if page.record is not None:
            people += [page.record.assessor, page.record.reviewer]
        names = names_of(self.db, people)
        settled = page.record is not None and page.record.origin in (
            RecordOrigin.INHERITED,
            RecordOrigin.EXCLUSION,
        )
        if form is None:
            form = _form_of(page)
        version = page.record.version if page.record is not None else 0
        return self.page(
            "assessment_cell.html",
            **assessment_context(self.db, found, "grid"),
            page=page,
            unit=page.unit,
            target=page.target,
            target_name=target_words(page.target),
            record=page.record,
            settled=settled,
            may_review=(
                page.record is not None
                and page.record.state is RecordState.SUBMITTED
                and page.record.assessor != self.who.name
                and found.state is AssessmentState.RUNNING
                and self.who.has(*ROLES)
            ),
            may_decide=found.state is AssessmentState.RUNNING and self.who.has(*ROLES) and not settled,
            form=form,
            version=version,
            theirs=error.theirs if error else None,
            conflict=error,
            verdicts=_verdict_options(page, found),
            methods=[(one.value, term(one)) for one in Method],
            step_options=[("yes", t("成立", "Holds")), ("no", t("不成立", "Fails")), ("na", t("不适用", "N/A"))],
            dak=asks_dak(page.unit),
            step_states=STEP_STATES,
            record_states=RECORD_STATES,
            risk_levels=RISK_LEVELS,
            words=catalogue_words,
            kind=kind_words(page.target.kind),
            draft=draft_text(page.unit, page.target, page.proposal),
            history=[
                {"time": one.at, "who": shown(one.actor, names), "title": action_words(one.action),
                 "text": t("；", "; ").join(filter(None, (change_words(one.before, one.after, verdict_words), one.note))), "tone": "plain"}
                for one in page.history
            ],
            names=names,
            shown=shown,
            evidence_title=title_words,
            verdict_words=verdict_words,
            target_words=target_words,
        )  # fmt: skip

    @expose("/<int:assessment_id>/cells/<string:unit_id>/<int:target_id>/review", methods=["POST"])
    def review(self, assessment_id: int, unit_id: str, target_id: int) -> Response | tuple[Response, int]:
        """Accept or return one submitted cell; never one's own."""
        found = get_assessment(self.db, assessment_id)
        accept, reason = request.form.get("action") == "accept", request.form.get("reason", "")
        wants_json = request.headers.get("X-Fragment") == "1"
        back = url_for(
            "AssessmentGrid.cell", assessment_id=assessment_id, unit_id=unit_id, target_id=target_id
        )
        try:
            done = review(self.db, found, [(unit_id, target_id)], accept=accept, reason=reason, now=utc_now())
            if not done.moved:
                raise Refused(
                    "这一格不在待复核状态，或由本人判定。",
                    "The cell is not submitted, or you decided it yourself.",
                )
        except (BadInput, Refused, Conflict) as error:
            self.db.rollback()
            if wants_json:
                return jsonify({"error": error.text(language())}), error.status
            flash(error.text(language()), "danger")
            return redirect(back)
        if wants_json:
            self.db.commit()
            return jsonify({"revision": found.revision})
        return self.done(back, "已接受。" if accept else "已退回。", "Accepted." if accept else "Returned.")

    @expose("/<int:assessment_id>/bulk", methods=["POST"])
    def bulk(self, assessment_id: int) -> Response | tuple[Response, int]:
        """Decide many cells; with ``preview`` only tells what would happen.

        Form: ``cells`` = JSON list of [unit number, target position], ``verdict`` ("" accepts the suggestions).
        """
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        preview = request.form.get("preview") == "1"
        try:
            cells = _cells(frame, request.form.get("cells", ""))
            done = decide_many(
                self.db, found, frame, cells, verdict=request.form.get("verdict") or None,
                text=request.form.get("text", ""), overwrite=request.form.get("overwrite") == "1", now=utc_now(),
                apply=not preview,
            )  # fmt: skip
            if not preview:
                self.db.commit()
        except SecopsError as error:
            self.db.rollback()
            return jsonify({"error": error.text(language())}), error.status
        return jsonify(
            {
                "changed": done.changed, "same": done.same, "overwritten": done.overwritten,
                "skipped": done.skipped_count,
                "why": list(dict.fromkeys(t(zh, en) for _, _, zh, en in done.skipped)),
                "revision": found.revision,
            }
        )  # fmt: skip


def kind_words(kind: str) -> str:
    """Kind of a column in words."""
    if kind == SYSTEM:
        return t("整个系统", "System")
    if kind == PROVIDER:
        return t("提供方", "Provider")
    return term(TargetKind(kind))


def verdict_words(value: Any) -> str:
    return label("verdict", value or "not_examined").text


def _cells(frame: Frame, text: str) -> list[tuple[str, int]]:
    wrong = BadInput("选择的格不正确。", "The chosen cells are not right.", "cells")
    try:
        pairs = json.loads(text)
    except ValueError:
        raise wrong from None
    if not isinstance(pairs, list) or len(pairs) > MAX_BULK:
        raise wrong
    at = {target.position: target.id for target in frame.targets}
    found = []
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, int) for one in pair)):
            raise wrong
        unit, position = pair
        if not 0 <= unit < len(frame.units) or position not in at:
            raise wrong
        found.append((str(frame.units[unit].id), at[position]))
    return found


def _decision(form: Form, frame: Frame, unit_id: str, target_id: int) -> Decision:
    """Read a decision; fields that the form does not hold stay as they are."""
    given = request.form
    unit = frame.unit_of.get(unit_id)
    steps = None
    if given.get("with_steps") and unit is not None:
        steps = {
            str(step.number): given[f"step-{step.number}"]
            for step in unit.steps
            if given.get(f"step-{step.number}")
        }
    crypto: dict[str, Any] | None = None
    if given.get("with_dak"):
        crypto = {key: given[key] == "1" for key in ("d", "a", "k") if given.get(key) in ("0", "1")}
        for key in ("ra", "rk"):
            if given.get(key):
                crypto[key] = _number(given[key])
        if given.get("compensated_by"):
            crypto["compensated_by"] = given["compensated_by"][:40]
    return Decision(
        unit_id, target_id, form.number("version", least=0, most=10**9) or 0,
        given.get("verdict") or None,
        given.get("text"), given.get("comment"),
        given.getlist("methods") if given.get("with_methods") else None,
        steps,
        [int(one) for one in given.getlist("evidence") if one.isascii() and one.isdigit()] if given.get("with_evidence") else None,
        crypto,
        clear=given.get("verdict") == "" and "verdict" in given,
    )  # fmt: skip


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput("请填写数字。", "Give a number.", "crypto") from None


def _form_of(page: CellPage) -> Form:
    record = page.record
    proposed = page.proposal.verdict if page.proposal and page.proposal.verdict else ""
    if record is None:
        evidence = list(page.proposal.evidence_ids) if page.proposal else []
        return Form(
            verdict="",
            proposed=proposed,
            text="",
            comment="",
            methods=[one.value for one in page.unit.methods],
            evidence=evidence,
        )
    return Form(
        verdict=record.verdict or "", proposed=proposed, text=record.text, comment=record.comment,
        methods=record.methods or [one.value for one in page.unit.methods],
        evidence=record.evidence_ids or (list(page.proposal.evidence_ids) if page.proposal and record.verdict is None else []),
        **_more(record),
    )  # fmt: skip


def _more(record: AssessmentRecord) -> dict[str, Any]:
    """Start values of the fields of steps and of D, A and K."""
    steps = {f"step-{number}": answer for number, answer in record.steps.items()}
    dak = {
        key: ("1" if value else "0") if isinstance(value, bool) else value
        for key, value in record.crypto.items()
    }
    return steps | dak


def _verdict_options(page: CellPage, found: Assessment) -> list[tuple[str, Label]]:
    if asks_dak(page.unit):
        return [("na", label("verdict", "na"))]
    return [
        (one.value, label("verdict", one.value))
        for one in Verdict
        if one is not Verdict.PARTIAL or page.unit.partial_possible
    ]
