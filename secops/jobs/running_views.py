"""The running system: a page for its administrator, and the same figures for Prometheus."""

from __future__ import annotations

import hmac
import ipaddress
import logging
from datetime import datetime, timedelta
from pathlib import Path

from flask import Response, request
from flask_appbuilder import expose

from secops.clock import utc_now
from secops.config import Settings
from secops.jobs.metrics import CONTENT_TYPE, exposition
from secops.jobs.overview import Overview, Queue, overview
from secops.jobs.presence import ALIVE
from secops.jobs.words import kind_words
from secops.web.base import PageView
from secops.web.filters import file_size
from secops.web.labels import Label, label
from secops.web.lang import t

log = logging.getLogger("secops.metrics")
LEAST_TOKEN = 16
_LONG = timedelta(minutes=10)
# Set by proxies: then the neighbour that speaks from loopback is not the one who asks.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


class RunningView(PageView):
    """Queues, workers, throughput and storage, in figures; whose work it is stands nowhere here."""

    route_base = "/running"
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        now = utc_now()
        # The administrator has no scope of systems; the figures are those of the whole platform.
        with self.platform.work("running") as session:
            found = overview(session, self.platform.settings, now=now)
            return self.page(
                "running.html",
                found=found,
                queues=[_queue_row(queue, now) for queue in found.queues],
                workers=[
                    [
                        one.name,
                        one.queues.replace(",", ", "),
                        one.processes,
                        _alive(one.seen_at, now),
                        one.seen_at,
                    ]
                    for one in found.workers
                ],
                done=[
                    [kind_words(one.kind), label("job_state", one.state), one.last_hour, one.last_day]
                    for one in found.done
                ],
                runs=[(label("schedule_run", state).text, found.runs.get(state, 0)) for state in _RUN_STATES],
                storage=_storage(found),
                oldest=age_words(found.oldest, now),
                oldest_tone="warn" if found.oldest is not None and now - found.oldest > _LONG else "",
                tick=age_words(found.tick_at, now),
                tick_tone="" if found.tick_at is not None and now - found.tick_at <= ALIVE else "bad",
                unserved=t("、", ", ").join(found.unserved),
            )


class MetricsView(PageView):
    """The text format of Prometheus, for whoever has the token or asks from this machine."""

    route_base = "/metrics"
    default_view = "index"

    @expose("")
    def index(self) -> Response:
        if not may_scrape(self.platform.settings):
            answer = Response("token\n", 401, mimetype="text/plain")
            answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
            return answer
        with self.platform.work("metrics") as session:
            body = exposition(overview(session, self.platform.settings, now=utc_now()))
        return Response(body, content_type=CONTENT_TYPE)


def may_scrape(settings: Settings) -> bool:
    """By the token of the settings, or from loopback without a proxy between."""
    kind, _, word = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and settings.metrics_token_file:
        token = _token(settings.metrics_token_file)
        return token != b"" and hmac.compare_digest(word.strip().encode(), token)
    if settings.behind_tls or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _token(path: str) -> bytes:
    """The token in the file; nothing, and a line in the log, when it can't be used."""
    try:
        found = Path(path).read_bytes().strip()
    except OSError as error:
        log.error("metrics.no_token", extra={"fields": {"error": error.strerror}})
        return b""
    if len(found) < LEAST_TOKEN:
        log.error("metrics.short_token", extra={"fields": {"least": LEAST_TOKEN}})
        return b""
    return found


_RUN_STATES = ("started", "skipped", "missed", "failed")


def _queue_row(queue: Queue, now: datetime) -> list[object]:
    messages = t("看不到", "not seen") if queue.messages is None else queue.messages
    return [queue.name, queue.waiting, queue.later, queue.running, messages, age_words(queue.oldest, now)]


def _alive(seen_at: datetime, now: datetime) -> Label:
    if now - seen_at <= ALIVE:
        return Label("在线", "Alive", "good")
    return Label("失联", "No sign of life", "bad")


def _storage(found: Overview) -> list[tuple[str, str]]:
    names = {"home": t("数据目录剩余", "Free, home"), "backup": t("备份目录剩余", "Free, backups")}
    lines = []
    for place in found.places:
        text = f"{file_size(place.free)} / {file_size(place.total)}"
        lines.append(
            (names[place.name], t("无法查看：", "could not look: ") + place.fault if place.fault else text)
        )
    size = found.database_bytes
    lines.append(
        (t("数据库", "Database"), file_size(size) if size is not None else t("未能查看", "not seen"))
    )
    lines.append(
        (
            t("证据", "Evidence"),
            t(f"{found.blobs} 份，", f"{found.blobs} files, ") + file_size(found.blob_bytes),
        )
    )
    return lines


def age_words(moment: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    if moment is None:
        return ""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size:
            return t(f"{seconds // size} {zh}", f"{seconds // size} {en}")
    return t(f"{seconds} 秒", f"{seconds} s")
