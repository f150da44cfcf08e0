"""Schedules: the list, one schedule with its coming runs and its history, and how it is made, paused and run."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import flash, redirect, request, url_for
from flask_appbuilder import expose
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from secops.clock import utc_now
from secops.errors import BadInput, Conflict, NotFound, SecopsError
from secops.objects.models import System
from secops.scans.models import ScanAuthorization
from secops.scans.queries import usable_authorizations
from secops.scans.tables import duration
from secops.scans.words import cause_label
from secops.schedules import queries, services
from secops.schedules.models import Schedule
from secops.schedules.tables import SCHEDULES, error_words, kind_label, state_label, state_of
from secops.schedules.words import PRESETS, rule_words
from secops.web.base import PageView
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.history import history
from secops.web.labels import label
from secops.web.lang import language, t
from secops.web.links import LINKS
from secops.web.people import names_of, shown
from secops.web.table_export import export_table

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_PREVIEW = 10
# Every dispatch has its own line in the list of scans.
_UNSHOWN = frozenset({"schedule.dispatch"})


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
        scans = queries.scans_of(self.db, schedule_id)
        now = utc_now()
        names = names_of(self.db, [schedule.owner, *(scan.requested_by for scan in scans)])
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
            scans=[
                [scan.id, scan.requested_at, label("scan_state", scan.state), cause_label(scan.cause).text,
                 duration(scan.started_at, scan.finished_at)]
                for scan in scans
            ],
            history=history(self.db, "Schedule", schedule_id, without=_UNSHOWN),
            **LINKS,
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> str | Response | tuple[str, int]:
        """The form; ``preview`` shows the coming runs without saving anything."""
        if request.method == "GET":
            form = Form(
                mode=["cron"],
                cron=PRESETS[0][0],
                every=1,
                unit="day",
                authorization=request.args.get("authorization"),
            )
            return self._form(form)
        form = Form(request.form)
        schedule, system = self._read(form)
        if schedule is None or system is None:
            return self._form(form), 400
        if request.form.get("preview"):
            return self._form(form, services.preview(schedule, utc_now(), _PREVIEW), rule_words(schedule))
        made = self._save(form, schedule, system)
        if made is None:
            self.db.rollback()
            return self._form(form), 400
        where = url_for("ScheduleView.show", schedule_id=made.id)
        return self.done(where, "计划任务已建立。", "The schedule is made.")

    def _form(self, form: Form, coming: list[datetime] | None = None, rule: str = "") -> str:
        return self.page(
            "schedule_new.html",
            form=form,
            authorizations=usable_authorizations(self.db, utc_now()),
            presets=[(cron, t(zh, en)) for cron, zh, en in PRESETS],
            units=[("minute", t("分钟", "minutes")), ("hour", t("小时", "hours")), ("day", t("天", "days"))],
            coming=coming,
            rule=rule,
            zone=str(zone()),
        )

    def _read(self, form: Form) -> tuple[Schedule | None, System | None]:
        """A schedule that is not saved, from what was typed."""
        authorization, system = self._authorization(form)
        name = form.text("name", required=True, limit=160)
        mode = form.choice("mode", ("cron", "every"))
        cron, every = "", None
        if mode == "cron":
            cron = " ".join(form.text("cron", required=True, limit=80).split())
            if cron:
                try:
                    services.parse_cron(cron)
                except BadInput as error:
                    form.take(error)
        elif mode == "every":
            count = form.number("every", least=1, most=10_000)
            unit = form.choice("unit", _UNITS)
            every = count * _UNITS[unit] if count and unit else None
            if every is not None and every < 900:
                form.fail("every", "间隔至少 15 分钟。", "At least 15 minutes.")
        most = form.number("max_runs", least=1, most=100_000, required=False)
        now = utc_now()
        last = form.day("ends_on", after=now.astimezone(zone()).date() - timedelta(days=1))
        ends = datetime.combine(last + timedelta(days=1), time(), zone()) if last else None
        if not form.ok or authorization is None or system is None:
            return None, None
        draft = Schedule(
            name=name,
            kind="scan",
            cron=cron,
            every_seconds=every,
            time_zone=str(zone()),
            payload={"authorization_id": authorization.id},
            max_runs=most,
            runs=0,
            ends_at=ends,
            enabled=True,
        )
        if not services.preview(draft, now, 1):
            form.fail("ends_on", "结束之前不会执行一次。", "It would not run once before it ends.")
            return None, None
        return draft, system

    def _authorization(self, form: Form) -> tuple[ScanAuthorization | None, System | None]:
        chosen = form.choice(
            "authorization", {value for value, _ in usable_authorizations(self.db, utc_now())}
        )
        if not chosen:
            return None, None
        row = self.db.execute(
            select(ScanAuthorization, System)
            .join(System, System.id == ScanAuthorization.system_id)
            .where(ScanAuthorization.id == int(chosen))
        ).first()
        return (row[0], row[1]) if row else (None, None)

    def _save(self, form: Form, draft: Schedule, system: System) -> Schedule | None:
        try:
            return services.create_schedule(
                self.db,
                system=system,
                name=draft.name,
                kind=draft.kind,
                payload=dict(draft.payload),
                owner=self.who.name,
                time_zone=draft.time_zone,
                now=utc_now(),
                cron=draft.cron,
                every_seconds=draft.every_seconds,
                max_runs=draft.max_runs,
                ends_at=draft.ends_at,
            )
        except BadInput as error:
            form.take(error)
            return None

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
            services.run_now(self.db, schedule_id, now=utc_now(), actor=self.who.name)
        except NotFound:
            raise
        except SecopsError as error:
            return self._complain(error, where)
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
    first = schedule.next_run_at
    left = _PREVIEW - 1
    if schedule.max_runs is not None:
        left = min(left, schedule.max_runs - schedule.runs - 1)
    return [first, *services.preview(schedule, max(first, now), max(0, left))]


def _ends_before(authorization: ScanAuthorization | None, schedule: Schedule) -> bool:
    """Whether the authorisation is over, or will be, before the next run."""
    if authorization is None or not schedule.enabled or schedule.next_run_at is None:
        return False
    return authorization.state.value != "approved" or authorization.valid_until <= schedule.next_run_at


VIEWS: tuple[type, ...] = (ScheduleView,)
