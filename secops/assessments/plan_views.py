"""Assessments: the list, beginning one, its overview, and what is done with it as a whole."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from werkzeug.wrappers import Response

from controls.scoring import default_edition
from controls.terms import TargetKind
from secops.assessments import closing, reviewing
from secops.assessments.closing import Unfinished
from secops.assessments.context import assessment_context
from secops.assessments.deciding import confirm_texts, get_assessment, load_frame
from secops.assessments.export import export_of
from secops.assessments.frame import Frame
from secops.assessments.grid import progress, tasks_of, unit_figures
from secops.assessments.models import Assessment, AssessmentState
from secops.assessments.planning import MAX_CAMPAIGN, Plan, create, create_campaign, shared_assets
from secops.assessments.quality import blocking, checks
from secops.assessments.queries import assessment_statement, events_of
from secops.assessments.sampling import sample
from secops.assessments.tables import ASSESSMENTS
from secops.assessments.words import (
    EDITIONS,
    PARTS,
    action_tone,
    action_words,
    edition_words,
    target_words,
)
from secops.audit_log.services import record
from secops.catalogue.words import class_name, level_words, term
from secops.clock import utc_now
from secops.db import local_day
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.objects.models import Asset, System
from secops.objects.tables import today
from secops.web.base import PageView
from secops.web.forms import Form
from secops.web.lang import language, pick, t
from secops.web.links import LINKS, may
from secops.web.people import names_of, owners_for, shown
from secops.web.scope_filters import asked_system, system_options
from secops.web.table_export import export_table


class AssessmentView(PageView):
    """Plan, watch and end assessments."""

    route_base = "/assessments"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = ASSESSMENTS.load(
            self.db, assessment_statement(), request.args, export_url=url_for("AssessmentView.export")
        )
        return self.page("assessments.html", state=state, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("测评", "assessments")
        return export_table(
            ASSESSMENTS, self.db, assessment_statement(), request.args, now=utc_now(), title=title
        )

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        """First the system, then the plan with the proposed sample."""
        form = Form(request.form) if request.method == "POST" else Form(request.args, edition="")
        system = asked_system(self.db, form.value("system"))
        if system is None or not system.profile:
            if form.value("system"):
                form.fail("system", "请选择一个已定级的系统。", "Choose a classified system.")
            page = self.page(
                "assessment_new.html",
                form=form,
                system=None,
                suggestions=system_options(self.db, classified=True),
            )
            return (page, 400) if form.errors else page
        if request.method == "POST" and request.form.get("step") == "plan":
            made = self._begin(system, form)
            if made is not None:
                return self.done(
                    url_for("AssessmentGrid.index", assessment_id=made.id),
                    f"测评 {made.number} 已开始，范围和规则已冻结。",
                    f"Assessment {made.number} has begun; scope and rules are frozen.",
                )
            return self._plan_page(system, form), 400
        return self._plan_page(system, None)

    def _plan_page(self, system: System, form: Form | None) -> str:
        assets = self.db.scalars(
            select(Asset).where(Asset.system_id == system.id).order_by(Asset.kind, Asset.id)
        ).all()
        chosen = sample(
            assets,
            system.level or 3,
            internet_facing=system.internet_facing,
            shared=shared_assets(self.db, system),
        )
        if form is None:
            picked = [one.asset.id for one in chosen if one.rule]
            form = Form(
                system=system.id, edition=default_edition(today()).value, begins_on=today(), assets=picked, y="0.5",
                multi_object_rule="set", rate_edge="inclusive", threshold="exact", lead=self.who.name,
            )  # fmt: skip
        options = [
            (one.asset.id, one.asset.name, f"{term(TargetKind(one.asset.kind))}{' · ' + one.asset.address if one.asset.address else ''}{' · ' + t(one.zh, one.en) if one.rule else ''}")
            for one in chosen
        ]  # fmt: skip
        return self.page(
            "assessment_new.html",
            form=form,
            system=system,
            options=options,
            proposed=sum(1 for one in chosen if one.rule),
            editions=[(key, t(*words)) for key, words in EDITIONS.items()],
            people=owners_for(self.db, system),
            suggestions=[],
        )

    def _begin(self, system: System, form: Form) -> Assessment | None:
        edition = form.choice("edition", tuple(EDITIONS))
        title = form.text("title", limit=160)
        begins = form.day("begins_on", required=True)
        ends = form.day("ends_on")
        assets = [int(one) for one in form.values("assets") if one.isascii() and one.isdigit()]
        if not form.ok:
            return None
        try:
            made = create(
                self.db, system,
                Plan(edition=edition, title=title, assets=assets, begins_on=begins, ends_on=ends,
                     lead=form.text("lead", limit=120), y=form.value("y") or "0.5",
                     multi_object_rule=form.value("multi_object_rule") or "set",
                     rate_edge=form.value("rate_edge") or "inclusive", threshold=form.value("threshold") or "exact"),
                now=utc_now(),
            )  # fmt: skip
            self.db.flush()
            return made
        except BadInput as error:
            self.db.rollback()
            form.take(error)
            return None

    @expose("/campaign", methods=["GET", "POST"])
    def campaign(self) -> str | Response | tuple[str, int]:
        """Begin assessments of many systems at once; the address narrows the list to choose from."""
        levels = [int(one) for one in request.args.getlist("level") if one in ("1", "2", "3", "4")] or [3, 4]
        query = select(System).where(
            System.profile != "", System.is_platform.is_(False), System.level.in_(levels)
        )
        words = request.args.get("q", "").strip()[:80]
        if words:
            query = query.where(
                System.name.icontains(words, autoescape=True) | System.code.icontains(words, autoescape=True)
            )
        systems = self.db.scalars(query.order_by(System.code).limit(MAX_CAMPAIGN)).all()
        form = (
            Form(request.form)
            if request.method == "POST"
            else Form(edition=default_edition(today()).value, begins_on=today())
        )
        status = 200
        if request.method == "POST":
            made = self._campaign(form)
            if made:
                return self.done(
                    url_for("AssessmentView.index", campaign=made[0].id), f"已开始 {len(made[1])} 个系统的测评。",
                    f"Assessments of {len(made[1])} systems have begun.",
                )  # fmt: skip
            status = 400
        page = self.page(
            "assessment_campaign.html",
            form=form,
            search=Form(request.args, level=levels, q=words),
            levels=[(str(one), level_words(one)) for one in (1, 2, 3, 4)],
            chosen_levels=[str(one) for one in levels],
            options=[(one.id, one.name, f"{one.code} · {one.profile}") for one in systems],
            editions=[(key, t(*names)) for key, names in EDITIONS.items()],
            most=MAX_CAMPAIGN,
        )
        return page, status

    def _campaign(self, form: Form) -> tuple[Any, list[Assessment]] | None:
        edition = form.choice("edition", tuple(EDITIONS))
        title = form.text("title", required=True, limit=100)
        begins, ends = form.day("begins_on", required=True), form.day("ends_on")
        ids = [int(one) for one in form.values("systems") if one.isascii() and one.isdigit()][
            : MAX_CAMPAIGN + 1
        ]
        if not form.ok:
            return None
        systems = self.db.scalars(select(System).where(System.id.in_(ids)).order_by(System.code)).all()
        try:
            plan = Plan(edition=edition, title=title, begins_on=begins, ends_on=ends)
            return create_campaign(self.db, systems, plan, now=utc_now())
        except BadInput as error:
            self.db.rollback()
            form.take(error)
            return None

    @expose("/<int:assessment_id>")
    def show(self, assessment_id: int) -> str:
        found = get_assessment(self.db, assessment_id)
        frame = load_frame(self.db, found)
        events = events_of(self.db, found.id)
        tasks = tasks_of(self.db, found.id)
        names = names_of(
            self.db,
            [
                *(one.actor for one in events),
                *(one.person for one in tasks),
                found.lead,
                found.reopen_by,
                found.closed_by,
            ],
        )
        figures = unit_figures(self.db, found)
        return self.page(
            "assessment.html",
            **assessment_context(self.db, found, "show"),
            frame=frame,
            progress=progress(self.db, found),
            classes=_class_rows(found, frame, figures),
            tasks=[_task_row(frame, one, names) for one in tasks],
            parts=_part_options(frame),
            people=owners_for(self.db, self.db.get_one(System, found.system_id))
            if may("AssessmentView.assign", "POST")
            else [],
            timeline=[_event(one, names) for one in events],
            names=names,
            shown=shown,
            form=Form(),
            faults=blocking(checks(self.db, found, frame, today=local_day(self.db, utc_now())))
            if found.state is AssessmentState.RUNNING
            else [],
            edition=edition_words(found.edition),
            drafts=sum(one["draft"] for one in figures.values()),
            who=self.who.name,
        )

    @expose("/<int:assessment_id>/export.json")
    def document(self, assessment_id: int) -> Any:
        """The whole assessment as one document."""
        found = get_assessment(self.db, assessment_id)
        answer = jsonify(export_of(self.db, found, load_frame(self.db, found)))
        record(self.db, "assessment.export", found, now=utc_now(), detail={"form": "json"})
        self.db.commit()
        return answer

    @expose("/<int:assessment_id>/act", methods=["POST"])
    def act(self, assessment_id: int) -> Response:
        """Submit, review, confirm texts, close, abandon, ask to reopen, grant it."""
        found = get_assessment(self.db, assessment_id)
        action, reason = request.form.get("action", ""), request.form.get("reason", "")
        back = url_for("AssessmentView.show", assessment_id=assessment_id)
        try:
            zh, en = self._act(found, action, reason)
        except NotFound:
            raise
        except Unfinished as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(url_for("AssessmentQuality.index", assessment_id=assessment_id))
        except (BadInput, Refused, Conflict) as error:
            self.db.rollback()
            flash(error.text(language()), "danger")
            return redirect(back)
        where = url_for("AssessmentResult.index", assessment_id=assessment_id) if action == "close" else back
        return self.done(where, zh, en)

    def _act(self, found: Assessment, action: str, reason: str) -> tuple[str, str]:
        now = utc_now()
        if action in ("submit", "submit-all"):
            done = reviewing.submit(self.db, found, now=now, mine=action == "submit")
            return f"{done.moved} 格已提交复核。", f"{done.moved} cells handed to review."
        if action in ("accept", "return"):
            done = reviewing.review(self.db, found, [], accept=action == "accept", reason=reason, now=now)
            return (
                f"{done.moved} 格已{'接受' if action == 'accept' else '退回'}；{done.own} 格由本人判定，须由他人复核。",
                f"{done.moved} cells {'accepted' if action == 'accept' else 'returned'}; {done.own} are your own and need somebody else.",
            )
        if action == "confirm-texts":
            count = confirm_texts(self.db, found, now=now)
            return f"{count} 格的文字已确认。", f"The texts of {count} cells are confirmed."
        if action == "close":
            closing.close(self.db, found, load_frame(self.db, found), now=now, over_faults=reason)
            return (
                "测评已关闭，结果已冻结，不满足的单元已转为问题。",
                "Closed; the result is frozen and shortfalls are findings now.",
            )
        if action == "abandon":
            closing.abandon(self.db, found, reason=reason, now=now)
            return "测评已作废，记录保留可查。", "Abandoned; its records stay readable."
        if action == "ask-reopen":
            closing.ask_reopen(self.db, found, reason=reason, now=now)
            return "申请已提交，由另一人批准。", "Asked for; somebody else grants it."
        if action in ("reopen", "refuse-reopen"):
            closing.grant_reopen(self.db, found, grant=action == "reopen", reason=reason, now=now)
            return (
                ("测评已重新打开。", "It is open again.") if action == "reopen" else ("已拒绝。", "Refused.")
            )
        raise BadInput("未知的操作。", "Unknown action.", "action")

    @expose("/<int:assessment_id>/assign", methods=["POST"])
    def assign(self, assessment_id: int) -> Response:
        """Give a part of the work to a person, or take it back."""
        found = get_assessment(self.db, assessment_id)
        back = url_for("AssessmentView.show", assessment_id=assessment_id) + "#tasks"
        form = Form(request.form)
        try:
            if form.value("task"):
                reviewing.unassign(self.db, found, int(form.value("task")), now=utc_now())
                return self.done(back, "任务已撤回。", "The assignment is taken back.")
            part, _, value = form.value("part").partition(":")
            due = form.day("due")
            if not form.ok:
                raise BadInput("日期不正确。", "The date is not right.", "due")
            reviewing.assign(self.db, found, load_frame(self.db, found), part=part, value=value,
                             person=form.text("person", limit=120), due=due, now=utc_now())  # fmt: skip
        except NotFound:
            raise
        except (BadInput, Refused, ValueError) as error:
            self.db.rollback()
            flash(error.text(language()) if isinstance(error, BadInput | Refused) else str(error), "danger")
            return redirect(back)
        return self.done(back, "任务已分配。", "Assigned.")


def _class_rows(found: Assessment, frame: Frame, figures: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for unit in frame.units:
        code = str(unit.class_code)
        group = groups.setdefault(
            code, {"code": code, "name": pick(class_name(unit)), "units": 0, "cells": 0, **dict.fromkeys(("decided", "submitted", "accepted", "returned", "draft", "gaps"), 0)}
        )  # fmt: skip
        group["units"] += 1
        group["cells"] += len(frame.places[str(unit.id)])
        for key, value in figures.get(str(unit.id), {}).items():
            if key in group:
                group[key] += value
    return list(groups.values())


def _part_options(frame: Frame) -> list[tuple[str, str]]:
    classes = dict.fromkeys(str(unit.class_code) for unit in frame.units)
    found = [(f"class:{code}", f"{t('安全类', 'Class')} · {_class_words(frame, code)}") for code in classes]
    found += [
        (f"target:{one.id}", f"{t('对象', 'Target')} · {target_words(one)}") for one in frame.targets[:400]
    ]
    found += [(f"unit:{unit.id}", f"{t('单元', 'Unit')} · {unit.id}") for unit in frame.units]
    return found


def _class_words(frame: Frame, code: str) -> str:
    unit = next(unit for unit in frame.units if str(unit.class_code) == code)
    return pick(class_name(unit))


def _task_row(frame: Frame, task: Any, names: dict[str, str]) -> dict[str, Any]:
    words = {
        "class": lambda: _class_words(frame, task.value),
        "target": lambda: target_words(frame.target_of[int(task.value)]),
        "unit": lambda: task.value,
    }[task.part]()
    return {
        "id": task.id,
        "part": t(*PARTS[task.part]),
        "words": words,
        "person": shown(task.person, names),
        "due": task.due,
    }


def _event(change: Any, names: dict[str, str]) -> dict[str, Any]:
    cells = change.after.get("cells") if isinstance(change.after, dict) else None
    parts = [
        part
        for part in (
            change.note,
            t(f"{cells} 格", f"{cells} cells") if cells else "",
            change.after.get("conclusion", "") if isinstance(change.after, dict) else "",
        )
        if part
    ]
    return {
        "time": change.at, "title": action_words(change.action), "tone": action_tone(change.action),
        "who": shown(change.actor, names), "text": " · ".join(parts),
    }  # fmt: skip
