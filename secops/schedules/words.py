"""A schedule's rule in plain words."""

from __future__ import annotations

import re

from secops.schedules.models import Schedule
from secops.web.lang import language, t

_DAYS_ZH = ("日", "一", "二", "三", "四", "五", "六")
_DAYS_EN = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_NUMBER = re.compile(r"\d{1,2}")

# What the form offers so that nobody has to know cron: (cron, zh, en).
PRESETS = (
    ("30 2 * * *", "每天 02:30", "daily at 02:30"),
    ("30 2 * * 1-5", "工作日 02:30", "Monday to Friday at 02:30"),
    ("0 3 * * 0", "每周日 03:00", "every Sunday at 03:00"),
    ("0 3 1 * *", "每月 1 日 03:00", "on the 1st of each month at 03:00"),
)


# (zh, en, note zh, note en)
CATCH_UPS = {
    "skip": ("不补", "Not at all", "错过的只记录", "what was missed is on record only"),
    "once": ("补一次", "Once", "错过多次也只补最近一次", "for the newest of them, however many"),
    "all": (
        "补最近几次",
        "The newest few",
        "每次各执行一遍，最多到下面的次数",
        "each of them, up to the number below",
    ),
}


def clock_words(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def facts(schedule: Schedule) -> list[tuple[str, str]]:
    """Window, jitter and catch-up rule as lines of the page."""
    found = []
    if schedule.window_from is not None and schedule.window_until is not None:
        span = f"{clock_words(schedule.window_from)} – {clock_words(schedule.window_until)}"
        found.append((t("时间窗", "Window"), span))
    if schedule.jitter_seconds:
        minutes = -(-schedule.jitter_seconds // 60)
        found.append((t("随机推迟", "Jitter"), t(f"至多 {minutes} 分钟", f"up to {minutes} minutes")))
    zh, en, _, _ = CATCH_UPS[schedule.catch_up.value]
    many = f" ({schedule.catch_up_most})" if schedule.catch_up.value == "all" else ""
    found.append((t("错过时", "When missed"), t(zh, en) + many))
    if extent := schedule.payload.get("extent"):
        found.append((t("范围", "Reach"), extent_words(extent)))
    return found


def extent_words(extent: str) -> str:
    return (
        t("本部门及下级全部系统", "all systems of the department and below")
        if extent == "department"
        else t("本系统", "this system")
    )


def rule_words(schedule: Schedule) -> str:
    """``每天 02:30``; the cron text itself where no plain words fit."""
    if schedule.every_seconds:
        return every_words(schedule.every_seconds)
    return cron_words(schedule.cron)


def every_words(seconds: int) -> str:
    for size, zh, en in ((86400, "天", "day"), (3600, "小时", "hour"), (60, "分钟", "minute")):
        if seconds % size == 0:
            count = seconds // size
            return t(f"每 {count} {zh}", f"every {count} {en}s" if count > 1 else f"every {en}")
    return t(f"每 {seconds} 秒", f"every {seconds} seconds")


def cron_words(cron: str) -> str:
    parts = cron.split()
    if len(parts) != 5:
        return cron
    minute, hour, day, month, weekday = parts
    if not _NUMBER.fullmatch(minute) or month != "*":
        return f"cron {cron}"
    if hour == day == weekday == "*":
        return t(f"每小时第 {int(minute)} 分", f"every hour at minute {int(minute)}")
    if not _NUMBER.fullmatch(hour):
        return f"cron {cron}"
    clock = f"{int(hour):02}:{int(minute):02}"
    if day == weekday == "*":
        return t(f"每天 {clock}", f"daily at {clock}")
    if day == "*":
        days = _weekdays(weekday)
        return t(f"每周{days} {clock}", f"{days} at {clock}") if days else f"cron {cron}"
    if weekday == "*" and _NUMBER.fullmatch(day):
        return t(f"每月 {int(day)} 日 {clock}", f"on day {int(day)} of each month at {clock}")
    return f"cron {cron}"


def _weekdays(text: str) -> str:
    names = _DAYS_EN if language() == "en" else _DAYS_ZH
    joint = ", " if language() == "en" else "、"
    words = []
    for part in text.split(","):
        ends = part.split("-")
        if not all(_NUMBER.fullmatch(end) and int(end) <= 7 for end in ends) or len(ends) > 2:
            return ""
        named = [names[int(end) % 7] for end in ends]
        words.append(t("至", " to ").join(named))
    return joint.join(words)
