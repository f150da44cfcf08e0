"""The conclusion in plain words, what would change it, and the comparison with another assessment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from controls.errors import ControlsError
from controls.scoring import Edition
from controls.terms import Conclusion, SecurityClass, Verdict
from secops.assessments.context import assessment_context
from secops.assessments.deciding import get_assessment, load_frame
from secops.assessments.frame import Frame
from secops.assessments.models import Assessment, AssessmentState
from secops.assessments.queries import Compared, compare, others_of
from secops.assessments.result import what_if, work_out
from secops.assessments.risks import risks_of
from secops.assessments.words import CHANGES, edition_words
from secops.catalogue.rows import RowChoice, RowTable
from secops.catalogue.words import class_name, clause_words, term
from secops.clock import utc_now
from secops.errors import BadInput, NotFound, Refused
from secops.objects.models import System
from secops.reporting.kinds import KINDS
from secops.reporting.services import request_report
from secops.web.base import PageView
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.labels import Label, label
from secops.web.lang import language, pick, t
from secops.web.links import link
from secops.web.table_export import export_table
from secops.web.tables import Column

_WANTED = {
    "2025": (Conclusion.CONFORMING, Conclusion.BASICALLY_CONFORMING),
    "2021": (Conclusion.EXCELLENT, Conclusion.GOOD, Conclusion.FAIR),
}
_TONES = {
    Conclusion.CONFORMING.value: "good", Conclusion.EXCELLENT.value: "good", Conclusion.GOOD.value: "good",
    Conclusion.BASICALLY_CONFORMING.value: "warn", Conclusion.FAIR.value: "warn",
    Conclusion.NOT_CONFORMING.value: "bad", Conclusion.POOR.value: "bad",
}  # fmt: skip
_NONE = Label("未判定", "Not decided", "open")


def _verdict(value: str) -> Label:
    return label("verdict", value) if value else _NONE


COMPARED = RowTable(
    "compared",
    (
        Column("unit", "单元", "Unit", lambda r: str(r.unit.id), sort=lambda r: str(r.unit.id), note=lambda r: clause_words(r.unit), kind="code", width="fit"),
        Column("summary", "要求（平台摘要）", "Requirement (our summary)", lambda r: pick(r.unit.summary), width="wide"),
        Column("before", "上一次", "Before", lambda r: _verdict(r.before), sort=lambda r: r.before, kind="badge", width="fit"),
        Column("now", "本次", "Now", lambda r: _verdict(r.now), sort=lambda r: r.now, kind="badge", width="fit"),
        Column("change", "变化", "Change", lambda r: CHANGES[r.change], sort=lambda r: list(CHANGES).index(r.change), kind="badge", width="fit"),
        Column("class", "安全类", "Class", lambda r: pick(class_name(r.unit)), sort=lambda r: str(r.unit.class_code), shown=False),
    ),
    filters=(
        RowChoice("change", "变化", "Change", options=lambda s: [(key, one.text) for key, one in CHANGES.items()], of=lambda r: r.change),
        RowChoice("class", "安全类", "Class", options=lambda s: [(one.value, term(one)) for one in SecurityClass], of=lambda r: str(r.unit.class_code)),
    ),
    search=(lambda r: f"{r.unit.id} {clause_words(r.unit)} {r.unit.summary.zh} {r.unit.summary.en}".casefold(),),
    default_sort="unit",
    row_url=lambda r: link("CatalogView.item", unit_id=str(r.unit.id)),
    empty=("没有可对比的内容。", "Nothing to compare.", "", ""),
    search_hint=("编号、条款、关键词", "Id, clause, words"),
)  # fmt: skip


class AssessmentResult(PageView):
    """Where it stands, and why."""

    route_base = "/assessments"
    default_view = "index"

    @expose("/<int:assessment_id>/result")
    def index(self, assessment_id: int) -> str:
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        data = (
            found.result
            if found.state is AssessmentState.CLOSED
            else work_out(self.db, found, frame).as_data()
        )
        return self.page(
            "assessment_result.html",
            **assessment_context(self.db, found, "result"),
            data=data,
            output=data["output"],
            tone=_TONES.get((data["output"] or {}).get("conclusion") or "", ""),
            examined=_examined(data),
            edition=edition_words(found.edition),
            crypto=Edition(found.edition).is_crypto,
            classes=_class_table(frame, data),
            explained=_explained(frame, data),
            units_of_item={str(unit.item): str(unit.id) for unit in frame.units if unit.item},
            wanted=[one.value for one in _WANTED.get(found.edition, ())],
            report_form=Form(forms=KINDS[_report_kind(found)].renderers, language=[language()]),
            report_forms=KINDS[_report_kind(found)].by_format,
            plan=self._plan(found, frame),
            verdict=_verdict,
        )  # fmt: skip

    @expose("/<int:assessment_id>/report", methods=["POST"])
    def report(self, assessment_id: int) -> Response:
        """Have the report written in the background."""
        found = get_assessment(self.db, assessment_id)
        back = url_for("AssessmentResult.index", assessment_id=assessment_id)
        kind = _report_kind(found)
        forms = [one for one in KINDS[kind].renderers if one in request.form.getlist("forms")]
        try:
            job = request_report(
                self.db, self.db.get_one(System, found.system_id), kind=kind, renderers=forms,
                language=request.form.get("language") or language(), actor=self.who.name,
                now=utc_now().astimezone(zone()).replace(microsecond=0), assessment_id=found.id,
            )  # fmt: skip
        except (BadInput, Refused) as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(back)
        number = job.payload["number"]
        return self.done(
            url_for("ReportView.index", system=found.system_id), f"报告 {number} 已排队，生成后出现在列表中。",
            f"Report {number} is queued; it shows in the list when it is built.",
        )  # fmt: skip

    def _plan(self, found: Assessment, frame: Frame) -> dict[str, Any] | None:
        wanted = request.args.get("wanted", "")
        if wanted not in [one.value for one in _WANTED.get(found.edition, ())]:
            return None
        try:
            plan = what_if(self.db, found, frame, wanted)
        except ControlsError as error:
            return {"error": str(error), "wanted": wanted}
        risks = risks_of(self.db, found.id)
        rows = []
        for unit_id in plan.fixes:
            unit = frame.unit_of[unit_id]
            cost = risks[unit_id].cost if unit_id in risks else None
            rows.append((unit, cost))
        return {
            "wanted": wanted, "reached": plan.reached, "cost": int(plan.cost), "rows": rows, "note": plan.note,
            "without_cost": sum(1 for _, cost in rows if cost is None), "result": plan.result,
        }  # fmt: skip

    @expose("/<int:assessment_id>/compare")
    def compare(self, assessment_id: int) -> str:
        """This assessment beside another one of the same system."""
        found, others, other, rows = self._compared(assessment_id)
        state = COMPARED.load(
            self.db, rows, request.args,
            export_url=url_for("AssessmentResult.compare_export", assessment_id=assessment_id, other=other.id if other else 0),
        )  # fmt: skip
        return self.page(
            "assessment_compare.html",
            **assessment_context(self.db, found, "compare"),
            others=others,
            other=other,
            state=state,
            counts={key: sum(1 for row in rows if row.change == key) for key in CHANGES},
            changes=CHANGES,
        )

    @expose("/<int:assessment_id>/compare/export")
    def compare_export(self, assessment_id: int) -> Response:
        found, _, _, rows = self._compared(assessment_id)
        title = t(f"{found.number} 对比", f"{found.number} compared")
        found_rows: Any = rows
        return export_table(COMPARED, self.db, found_rows, request.args, now=utc_now(), title=title)

    def _compared(self, assessment_id: int) -> tuple[Assessment, Any, Any, list[Compared]]:
        found = get_assessment(self.db, assessment_id)
        others = others_of(self.db, found)
        asked = request.args.get("other", 0, type=int)
        wanted = asked or found.previous_id or (others[0].id if others else None)
        other = next((one for one in others if one.id == wanted), None)
        if other is None and asked:
            raise NotFound
        rows = compare(self.db, load_frame(self.db, found), found.id, other.id) if other else []
        return found, others, other, rows


def _report_kind(assessment: Assessment) -> str:
    """An assessment under a crypto rule has a report of its own."""
    return "crypto" if Edition(assessment.edition).is_crypto else "assessment-2025"


def _examined(data: dict[str, Any]) -> Decimal:
    total = sum(data["counts"].values())
    done = total - data["counts"].get("", 0)
    return Decimal(100 * done) / total if total else Decimal(0)


def _class_table(frame: Frame, data: dict[str, Any]) -> list[list[Any]]:
    names = {str(unit.class_code): pick(class_name(unit)) for unit in frame.units}
    output = data["output"] or {}
    rates = {one["class"]: one["rate"] for one in output.get("classes", ())}
    layers = output.get("layers", {})
    rows = []
    for code, counts in data["by_class"].items():
        figure = rates.get(code, layers.get(code))
        rows.append([
            names.get(code, code), *(counts[one.value] for one in Verdict), counts[""],
            "—" if figure is None else f"{figure:.2f}" + ("%" if code in rates else ""),
        ])  # fmt: skip
    return rows


def _explained(frame: Frame, data: dict[str, Any]) -> list[dict[str, Any]]:
    unit_of = {str(unit.item): unit for unit in frame.units if unit.item}
    by_clause = {str(unit.id).partition("-")[2]: unit for unit in frame.units}
    rows = []
    for one in (data["output"] or {}).get("explanation", ())[:60]:
        unit = unit_of.get(one["id"]) or by_clause.get(one["id"])
        rows.append({"id": one["id"], "unit": unit, "cost": one["cost"], "why": t(one["why"], one["why_en"])})
    return rows
