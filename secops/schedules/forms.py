"""What the form of a schedule asks, read into a draft that is not saved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.assessments.planning import EDITIONS
from secops.clock import utc_now
from secops.errors import BadInput
from secops.objects.models import System
from secops.reporting.kinds import KINDS as REPORTS
from secops.reporting.kinds import SYSTEM
from secops.scans.models import ScanAuthorization
from secops.scans.queries import usable_authorizations
from secops.schedules import services
from secops.schedules.kinds import EXTENTS, Kind
from secops.schedules.models import CatchUp, Schedule
from secops.schedules.timing import parse_cron, preview
from secops.web.filters import zone
from secops.web.forms import Form
from secops.web.scope_filters import asked_system

REPORT_CHOICES = [(name, kind) for name, kind in REPORTS.items() if SYSTEM in kind.of]
FORMATS = list(dict.fromkeys(short for _, kind in REPORT_CHOICES for short in kind.by_format))
UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_SHORTEST_BY_HAND = 900


@dataclass(frozen=True, slots=True)
class Draft:
    """A schedule as typed, with the system that it would hang on."""

    schedule: Schedule
    system: System


def read(form: Form, session: Session, kind_name: str, kind: Kind) -> Draft | None:
    """The draft; None when a field is wrong, which the form then tells."""
    system, payload = _subject(form, session, kind)
    name = form.text("name", required=True, limit=160)
    cron, every = _rule(form)
    zone_name = form.text("time_zone", limit=60) or str(zone())
    try:
        own_zone = services.require_zone(zone_name)
    except BadInput as error:
        form.take(error)
        own_zone = zone()
    window = _window(form)
    jitter = form.number("jitter", least=0, most=1440, required=False) or 0
    catch_up = CatchUp(form.choice("catch_up", tuple(CatchUp), required=False) or CatchUp.ONCE)
    many = form.number("catch_up_most", least=1, most=services.MOST_CAUGHT_UP, required=False)
    most = form.number("max_runs", least=1, most=100_000, required=False)
    now = utc_now()
    last = form.day("ends_on", after=now.astimezone(own_zone).date() - timedelta(days=1))
    ends = datetime.combine(last + timedelta(days=1), time(), own_zone) if last else None
    if not form.ok or system is None:
        return None
    draft = Schedule(
        name=name,
        kind=kind_name,
        cron=cron,
        every_seconds=every,
        time_zone=zone_name,
        window_from=window[0] if window else None,
        window_until=window[1] if window else None,
        jitter_seconds=jitter * 60,
        catch_up=catch_up,
        catch_up_most=(many or 3) if catch_up is CatchUp.ALL else 1,
        payload=payload,
        max_runs=most,
        runs=0,
        ends_at=ends,
        enabled=True,
    )
    if not preview(draft, now, 1):
        if window is not None:
            form.fail("window_from", "在这个时间窗内不会执行一次。", "It would not run once in this window.")
        form.fail("ends_on", "结束之前不会执行一次。", "It would not run once before it ends.")
        return None
    return Draft(draft, system)


def save(session: Session, draft: Draft, *, owner: str, settings: Any) -> Schedule:
    """Make it through the service.

    Raises:
        BadInput, Refused
    """
    one = draft.schedule
    begin, end = one.window_from, one.window_until
    return services.create_schedule(
        session,
        system=draft.system,
        name=one.name,
        kind=one.kind,
        payload=dict(one.payload),
        owner=owner,
        time_zone=one.time_zone,
        now=utc_now(),
        cron=one.cron,
        every_seconds=one.every_seconds,
        max_runs=one.max_runs,
        ends_at=one.ends_at,
        window=(begin, end) if begin is not None and end is not None else None,
        jitter_seconds=one.jitter_seconds,
        catch_up=one.catch_up,
        catch_up_most=one.catch_up_most,
        settings=settings,
    )


def _rule(form: Form) -> tuple[str, int | None]:
    mode = form.choice("mode", ("cron", "every"))
    if mode == "cron":
        cron = " ".join(form.text("cron", required=True, limit=80).split())
        if cron:
            try:
                parse_cron(cron)
            except BadInput as error:
                form.take(error)
        return cron, None
    every = None
    if mode == "every":
        count = form.number("every", least=1, most=10_000)
        unit = form.choice("unit", UNITS)
        every = count * UNITS[unit] if count and unit else None
        if every is not None and every < _SHORTEST_BY_HAND:
            form.fail("every", "间隔至少 15 分钟。", "At least 15 minutes.")
    return "", every


def _window(form: Form) -> tuple[int, int] | None:
    found = [_minute(form, key) for key in ("window_from", "window_until")]
    if found == [None, None]:
        return None
    if None in found:
        form.fail("window_until", "时间窗的起止须一起填写。", "A window has both a begin and an end.")
        return None
    if found[0] == found[1]:
        form.fail("window_until", "时间窗的起止不能相同。", "The window ends when it begins.")
    return (found[0] or 0, found[1] or 0)


def _minute(form: Form, key: str) -> int | None:
    text = form.text(key, limit=8)
    if not text:
        return None
    try:
        found = time.fromisoformat(text)
    except ValueError:
        form.fail(key, "时间写作 02:30 的形式。", "Write the time like 02:30.")
        return None
    return found.hour * 60 + found.minute


def _subject(form: Form, session: Session, kind: Kind) -> tuple[System | None, dict[str, Any]]:
    """The system that the schedule hangs on, and what its kind asks beside it."""
    payload: dict[str, Any] = {}
    system: System | None = None
    if kind.platform:
        system = session.scalar(select(System).where(System.is_platform.is_(True)).limit(1))
        if system is None:
            form.fail("", "这类计划属于整个平台，须由全区的专员建立。",
                      "This kind belongs to the whole platform; an officer of the whole district makes it.")  # fmt: skip
    elif "authorization" in kind.asks:
        system, payload = _authorization(form, session)
    else:
        system = asked_system(session, form.value("system"))
        if system is None:
            form.fail("system", "请选择系统。", "Choose a system.")
    if "extent" in kind.asks:
        payload["extent"] = form.choice("extent", EXTENTS)
    if "forms" in kind.asks:
        payload["report"] = form.choice("report", dict(REPORT_CHOICES))
        by_format = REPORTS[payload["report"] or "posture"].by_format
        chosen = form.values("forms")
        if not chosen:
            form.fail("forms", "请至少选择一种格式。", "Choose at least one form.")
        elif set(chosen) - set(by_format):
            form.fail("forms", "这种报告没有所选的格式。", "This report has no such form.")
        payload["renderers"] = [name for short, name in by_format.items() if short in chosen]
        payload["language"] = form.choice("language", ("zh", "en"))
    if "edition" in kind.asks:
        payload["edition"] = form.choice("edition", EDITIONS)
    return system, payload


def _authorization(form: Form, session: Session) -> tuple[System | None, dict[str, Any]]:
    chosen = form.choice("authorization", {value for value, _ in usable_authorizations(session, utc_now())})
    if not chosen:
        return None, {}
    system = session.scalar(
        select(System)
        .join(ScanAuthorization, ScanAuthorization.system_id == System.id)
        .where(ScanAuthorization.id == int(chosen))
    )
    return system, {"authorization_id": int(chosen)}
