"""Schedules: the list, one schedule with its coming runs and its history, and how it is made, paused and run."""

from __future__ import annotations

from datetime import datetime

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from controls.scoring import default_edition
from secops.assessments.words import EDITIONS
from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound, Refused, SecopsError
from secops.objects.tables import today
from secops.scans.models import ScanAuthorization
from secops.scans.queries import usable_authorizations
from secops.schedules import forms, queries, services
from secops.schedules.kinds import KINDS, Kind
from secops.schedules.models import Schedule
from secops.schedules.tables import (
    RUNS,
    SCHEDULES,
    error_words,
    kind_label,
    run_reason,
    state_label,
    state_of,
)
from secops.schedules.timing import preview
from secops.schedules.words import CATCH_UPS, PRESETS, facts, rule_words
from secops.web.base import PageView
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.history import history
from secops.web.labels import label
from secops.web.lang import language, t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.scope_filters import system_options
from secops.web.table_export import export_table

_PREVIEW = 10
FORMAT_WORDS = {"docx": "Word", "xlsx": "Excel"}
# Each due moment has a line of its own among the runs.
_UNSHOWN = frozenset({"schedule.dispatch", "schedule.missed", "schedule.skipped", "schedule.failed"})


class ScheduleView(PageView):
    """What happens by itself, and when."""

    route_base = "/schedules"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        state = SCHEDULES.load(
            self.db, queries.schedule_statement(), request.args, export_url=url_for("ScheduleView.export")
        )
        return self.page("schedules.html", state=state, **LINKS)

    @expose("/export")
    def export(self) -> Response:
        title = t("计划任务", "schedules")
        return export_table(
            SCHEDULES, self.db, queries.schedule_statement(), request.args, now=utc_now(), title=title
        )

    @expose("/<int:schedule_id>")
    def show(self, schedule_id: int) -> str:
        schedule, system = queries.get_schedule(self.db, schedule_id)
        authorization = queries.authorization_of(self.db, schedule)
        runs = queries.runs_of(self.db, schedule_id)
        now = utc_now()
        names = names_of(self.db, [schedule.owner, *(run.ScheduleRun.actor for run in runs)])
        return self.page(
            "schedule.html",
            schedule=schedule,
            system=system,
            state=state_label(schedule),
            kind=kind_label(schedule.kind).text,
            rule=rule_words(schedule),
            coming=_coming(schedule, now),
            error=error_words(schedule),
            authorization=authorization,
            authorization_ends=_ends_before(authorization, schedule),
            owner=shown(schedule.owner, names),
            is_over=state_of(schedule) == "over",
            runs=[
                [run.ScheduleRun.due_at, label("schedule_run", run.ScheduleRun.state), run.ScheduleRun.job_id,
                 label("job_state", run.job_state) if run.job_state else None, run.scan_id, run.ScheduleRun.jobs,
                 run_reason(run), shown(run.ScheduleRun.actor, names)]
                for run in runs
            ],
            facts=facts(schedule),
            history=history(self.db, "Schedule", schedule_id, without=_UNSHOWN),
            **LINKS,
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        """First the kind, then its form; ``preview`` shows the coming runs without saving anything."""
        if request.method == "GET":
            asked = request.args.get("kind") or ("scan" if request.args.get("authorization") else "")
            if asked not in self._kinds():
                return self.page("schedule_kinds.html", kinds=self._kinds().items(), missing=self._missing)
            form = Form(
                kind=asked,
                mode=["cron"],
                cron=PRESETS[0][0],
                every=1,
                unit="day",
                time_zone=str(zone()),
                catch_up=["once"],
                catch_up_most=3,
                jitter=0,
                extent=["system"],
                forms=["pdf", "xlsx"],
                report="posture",
                language=[language()],
                edition=default_edition(today()).value,
                authorization=request.args.get("authorization"),
                system=request.args.get("system"),
            )
            return self._form(form, asked)
        form = Form(request.form)
        asked = request.form.get("kind") or "scan"
        kind = self._kinds().get(asked)
        if kind is None:
            raise BadInput("未知的计划类型。", "Unknown kind of schedule.", "kind")
        draft = forms.read(form, self.db, asked, kind)
        if draft is None:
            return self._form(form, asked), 400
        if request.form.get("preview"):
            coming = preview(draft.schedule, utc_now(), _PREVIEW)
            return self._form(form, asked, coming, rule_words(draft.schedule))
        try:
            made = forms.save(self.db, draft, owner=self.who.name, settings=self.platform.settings)
        except BadInput as error:
            form.take(error)
        except Refused as error:
            form.fail("", error.zh, error.en)
        else:
            where = url_for("ScheduleView.show", schedule_id=made.id)
            return self.done(where, "计划任务已建立。", "The schedule is made.")
        self.db.rollback()
        return self._form(form, asked), 400

    def _kinds(self) -> dict[str, Kind]:
        """The kinds that this person may plan."""
        return {name: kind for name, kind in KINDS.items() if self.who.has(*kind.roles)}

    def _missing(self, kind: Kind) -> str:
        return t("、", ", ").join(kind.missing(self.platform.settings))

    def _form(self, form: Form, kind: str, coming: list[datetime] | None = None, rule: str = "") -> str:
        spec = KINDS[kind]
        asks = spec.asks
        return self.page(
            "schedule_new.html",
            form=form,
            kind=kind,
            spec=spec,
            missing=self._missing(spec),
            authorizations=usable_authorizations(self.db, utc_now()) if "authorization" in asks else [],
            systems=system_options(self.db) if "system" in asks else [],
            formats=[(name, FORMAT_WORDS.get(name, name.upper())) for name in forms.FORMATS],
            reports=[(name, t(one.zh, one.en)) for name, one in forms.REPORT_CHOICES],
            editions=[(key, t(*names)) for key, names in EDITIONS.items()] if "edition" in asks else [],
            presets=[(cron, t(zh, en)) for cron, zh, en in PRESETS],
            units=[("minute", t("分钟", "minutes")), ("hour", t("小时", "hours")), ("day", t("天", "days"))],
            catch_ups=[
                (key, t(zh, en), t(note_zh, note_en)) for key, (zh, en, note_zh, note_en) in CATCH_UPS.items()
            ],
            coming=coming,
            rule=rule,
        )

    @expose("/runs")
    def runs(self) -> str:
        """Due moments and what became of each; ``schedule`` in the address narrows it to one."""
        state = RUNS.load(
            self.db, queries.run_statement(), request.args, export_url=url_for("ScheduleView.runs_export")
        )
        return self.page("schedule_runs.html", state=state, **LINKS)

    @expose("/runs/export")
    def runs_export(self) -> Response:
        title = t("计划执行记录", "schedule runs")
        return export_table(RUNS, self.db, queries.run_statement(), request.args, now=utc_now(), title=title)

    @expose("/<int:schedule_id>/toggle", methods=["POST"])
    def toggle(self, schedule_id: int) -> Response:
        """Pause or resume, as the form says; what somebody else changed meanwhile is not overwritten."""
        enable = request.form.get("to") == "enabled"
        where = url_for("ScheduleView.show", schedule_id=schedule_id)
        schedule, _ = queries.get_schedule(self.db, schedule_id)
        if request.form.get("version") not in (None, str(schedule.version)):
            return self._complain(Conflict(), where)
        try:
            services.set_enabled(self.db, schedule_id, enable, now=utc_now())
            self.db.flush()
        except StaleDataError:
            return self._complain(Conflict(), where)
        if enable:
            return self.done(
                where,
                "已恢复，从现在起按规则执行，错过的不补。",
                "Resumed from now on; what was missed is not made up for.",
            )
        return self.done(where, "已暂停，不再自动执行。", "Paused; it no longer runs by itself.")

    @expose("/<int:schedule_id>/run", methods=["POST"])
    def run_now(self, schedule_id: int) -> Response:
        where = url_for("ScheduleView.show", schedule_id=schedule_id)
        try:
            run = services.run_now(
                self.db, schedule_id, settings=self.platform.settings, now=utc_now(), actor=self.who.name
            )
        except NotFound:
            raise
        except SecopsError as error:
            return self._complain(error, where)
        if not run.jobs:
            zh, _, en = run.reason.partition(" / ")
            return self.done(where, zh, en, "warning")
        return self.done(
            where, "已开始一次，计划本身不变。", "Started once; the schedule itself stays as it is."
        )

    def _complain(self, error: SecopsError, where: str) -> Response:
        self.db.rollback()
        flash(error.text(language()), "danger")
        return redirect(where)


def _coming(schedule: Schedule, now: datetime) -> list[datetime]:
    """The planned next run and those after it; none while it is paused."""
    if not schedule.enabled or schedule.next_run_at is None:
        return []
    first = schedule.due_at or schedule.next_run_at
    left = _PREVIEW - 1
    if schedule.max_runs is not None:
        left = min(left, schedule.max_runs - schedule.runs - 1)
    return [first, *preview(schedule, max(first, now), max(0, left))]


def _ends_before(authorization: ScanAuthorization | None, schedule: Schedule) -> bool:
    """Whether the authorisation is over, or will be, before the next run."""
    if authorization is None or not schedule.enabled or schedule.next_run_at is None:
        return False
    return authorization.state.value != "approved" or authorization.valid_until <= schedule.next_run_at


VIEWS: tuple[type, ...] = (ScheduleView,)
