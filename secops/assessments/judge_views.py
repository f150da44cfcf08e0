"""Risk analysis, overall assessment, and the checks before an assessment is closed."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from secops.assessments.context import assessment_context
from secops.assessments.deciding import get_assessment, load_frame
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentRisk, AssessmentState
from secops.assessments.planning import ROLES
from secops.assessments.quality import checks
from secops.assessments.result import gaps, verdicts_of
from secops.assessments.risks import (
    LEVELS,
    RiskInput,
    cases_for,
    compensate,
    compensations_of,
    drop_compensation,
    effective,
    judge_risk,
    risks_of,
)
from secops.assessments.words import RISK_LEVELS, target_words
from secops.catalogue import words as catalogue_words
from secops.clock import utc_now
from secops.db import local_day
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.labels import label
from secops.web.lang import language, pick, t
from secops.web.people import names_of, shown

MAX_COST = 1_000_000_000


class AssessmentRisks(PageView):
    """What every shortfall means, and what makes it good elsewhere."""

    route_base = "/assessments"
    default_view = "index"

    @expose("/<int:assessment_id>/risks")
    def index(self, assessment_id: int) -> str:
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        made = compensations_of(self.db, found.id)
        verdicts = verdicts_of(self.db, found.id)
        left = gaps(frame, effective(verdicts, made))
        raw = gaps(frame, verdicts)
        risks = risks_of(self.db, found.id)
        rows = [
            _gap_row(found, frame, unit, targets, risks.get(unit), unit in left)
            for unit, targets in raw.items()
        ]
        names = names_of(self.db, [one.made_by for one in made])
        return self.page(
            "assessment_risks.html",
            **assessment_context(self.db, found, "risks"),
            rows=rows,
            levels=RISK_LEVELS,
            counts={
                "gaps": len(raw), "made_good": len(raw) - len(left),
                "high": sum(1 for row in risks.values() if row.level == "high" and not row.major_fixed),
                "medium": sum(1 for row in risks.values() if row.level == "medium" and not row.major_fixed),
                "major": sum(1 for row in risks.values() if row.major),
                "major_fixed": sum(1 for row in risks.values() if row.major_fixed),
                "open": sum(1 for unit in left if unit not in risks),
            },
            compensations=[_made_row(frame, one, names) for one in made],
            may_decide=found.state is AssessmentState.RUNNING and self.who.has(*ROLES),
        )  # fmt: skip

    @expose("/<int:assessment_id>/risks/<string:unit_id>", methods=["GET", "POST"])
    def unit(self, assessment_id: int, unit_id: str) -> str | Response | tuple[str, int]:
        """The risk of one unit: cases of the guide, likelihood and impact, major or not, cost of the fix."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        if unit_id not in frame.unit_of:
            raise NotFound
        row = risks_of(self.db, found.id).get(unit_id)
        if request.method == "GET":
            return self._unit(found, frame, unit_id, row, _form_of(row))
        form = Form(request.form)
        given = _risk_input(found, frame, unit_id, form)
        status = 400
        if given is not None:
            try:
                judge_risk(self.db, found, frame, given, now=utc_now())
                return self.done(
                    url_for("AssessmentRisks.index", assessment_id=assessment_id),
                    f"{unit_id} 的风险分析已保存。", f"The risk analysis of {unit_id} is saved.",
                )  # fmt: skip
            except BadInput as error:
                form.take(error)
            except (Refused, Conflict) as error:
                form.errors.setdefault("", error.text(language()))
                status = error.status
            self.db.rollback()
            row = risks_of(self.db, found.id).get(unit_id)
        return self._unit(found, frame, unit_id, row, form), status

    def _unit(
        self, found: Assessment, frame: Frame, unit_id: str, row: AssessmentRisk | None, form: Form
    ) -> str:
        unit = frame.unit_of[unit_id]
        verdicts = verdicts_of(self.db, found.id)
        at = gaps(frame, verdicts).get(unit_id, [])
        return self.page(
            "assessment_risk.html",
            **assessment_context(self.db, found, "risks"),
            unit=unit,
            words=catalogue_words,
            form=form,
            version=row.version if row else 0,
            row=row,
            cases=cases_for(found, unit),
            levels=[(one, RISK_LEVELS[one].text) for one in reversed(LEVELS)],
            risk_levels=RISK_LEVELS,
            gaps=[(frame.target_of[one], label("verdict", verdicts[(unit_id, one)])) for one in at],
            target_words=target_words,
            gap_options=[(one, target_words(frame.target_of[one])) for one in at],
            helpers=[(str(one.id), f"{one.id} {pick(one.control_point.name)}") for one in _met(frame, verdicts) if str(one.id) != unit_id],
            made=[one for one in compensations_of(self.db, found.id) if one.unit_id == unit_id],
            may_decide=found.state is AssessmentState.RUNNING and self.who.has(*ROLES),
        )  # fmt: skip

    @expose("/<int:assessment_id>/risks/<string:unit_id>/compensate", methods=["POST"])
    def compensate(self, assessment_id: int, unit_id: str) -> Response:
        """Say that another unit makes a shortfall good, or take that back."""
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        back = url_for("AssessmentRisks.unit", assessment_id=assessment_id, unit_id=unit_id)
        form = Form(request.form)
        try:
            if form.value("drop"):
                drop_compensation(self.db, found, int(form.value("drop")), now=utc_now())
                return self.done(back, "弥补记录已撤回。", "Taken back.")
            compensate(
                self.db, found, frame, unit_id=unit_id, target_id=int(form.value("target") or 0),
                by_unit_id=form.value("by_unit"), verdict=form.value("verdict"), reason=form.value("reason"), now=utc_now(),
            )  # fmt: skip
        except NotFound:
            raise
        except (BadInput, Refused, Conflict) as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(back)
        except ValueError:
            raise NotFound from None
        return self.done(back, "已记录整体测评的弥补关系。", "Noted in the overall assessment.")


def _met(frame: Frame, verdicts: dict[tuple[str, int], str | None]) -> list[Any]:
    return [
        unit
        for unit in frame.units
        if all(
            verdicts.get((str(unit.id), one.id)) in ("compliant", "na") for one in frame.places[str(unit.id)]
        )
    ]


def _gap_row(
    found: Assessment, frame: Frame, unit_id: str, targets: list[int], risk: AssessmentRisk | None, left: bool
) -> dict[str, Any]:
    unit = frame.unit_of[unit_id]
    names = [target_words(frame.target_of[one]) for one in targets]
    return {
        "unit": unit,
        "targets": t("、", ", ").join(names[:3]) + (t(f" 等 {len(names)} 个", f" and {len(names) - 3} more") if len(names) > 3 else ""),
        "risk": risk,
        "cases": cases_for(found, unit),
        "left": left,
    }  # fmt: skip


def _made_row(frame: Frame, made: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "made": made,
        "target": target_words(frame.target_of[made.target_id]),
        "label": label("verdict", made.verdict),
        "by": shown(made.made_by, names),
    }


def _form_of(row: AssessmentRisk | None) -> Form:
    if row is None:
        return Form(likelihood="medium", impact="medium")
    chosen: dict[str, Any] = {}
    for case in row.cases:
        chosen[f"matched-{case['id']}"] = [str(one) for one in case.get("matched", ())]
        chosen[f"mitigated-{case['id']}"] = [str(one) for one in case.get("mitigated", ())]
    return Form(
        likelihood=row.likelihood, impact=row.impact, major="1" if row.major else "",
        major_fixed="1" if row.major_fixed else "", analysis=row.analysis, cost=row.cost, **chosen,
    )  # fmt: skip


def _risk_input(found: Assessment, frame: Frame, unit_id: str, form: Form) -> RiskInput | None:
    cases = []
    for case in cases_for(found, frame.unit_of[unit_id]):
        matched = [int(one) for one in form.values(f"matched-{case.id}") if one.isdigit()]
        if matched:
            mitigated = [int(one) for one in form.values(f"mitigated-{case.id}") if one.isdigit()]
            cases.append({"id": case.id, "matched": matched, "mitigated": mitigated})
    cost = form.number("cost", least=0, most=MAX_COST, required=False)
    analysis = form.text("analysis", limit=4000)
    version = form.number("version", least=0, most=10**9) or 0
    if not form.ok:
        return None
    return RiskInput(
        unit_id, form.value("likelihood"), form.value("impact"), cases, form.value("major") == "1",
        form.value("major_fixed") == "1", analysis, cost, version,
    )  # fmt: skip


class AssessmentQuality(PageView):
    """What should be looked at before closing, each with the cells it is about."""

    route_base = "/assessments"
    default_view = "index"

    @expose("/<int:assessment_id>/checks")
    def index(self, assessment_id: int) -> str:
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        rows = checks(self.db, found, frame, today=local_day(self.db, utc_now()))
        chosen = next((one for one in rows if one.key == request.args.get("check")), None)
        if chosen is None:
            chosen = next((one for one in rows if one.cells), None)
        cells = []
        for unit_id, target_id in (chosen.cells if chosen else ())[:200]:
            cells.append((frame.unit_of[unit_id], frame.target_of[target_id]))
        return self.page(
            "assessment_quality.html",
            **assessment_context(self.db, found, "quality"),
            rows_of_checks=rows,
            chosen=chosen,
            cells=cells,
            target_words=target_words,
            may_decide=found.state is AssessmentState.RUNNING and self.who.has(*ROLES),
        )
