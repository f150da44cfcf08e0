"""The page of the running system and the figures for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from secops.accounts.models import Role
from secops.app import create_app
from secops.clock import utc_now
from secops.jobs import presence, services
from secops.jobs.models import Job, Worker
from secops.jobs.overview import overview
from secops.jobs.running_views import age_words
from secops.objects.models import System
from secops.platform import Platform
from secops.schedules.models import Schedule
from tests.support.builders import Rows
from tests.support.page_checks import plain
from tests.support.platforms import ClientAs
from tests.support.queries import recorded_queries

TOKEN = "a-token-of-this-test-1"


@pytest.fixture
def busy(platform: Platform, rows: Rows) -> None:
    """Two jobs wait, one for later, one runs, one gave up; a worker lives, one is gone; the tick was here."""
    now = utc_now()
    system = rows.one(System, name="不应出现的系统")
    base = {"system_id": system, "kind": "scan", "queue": "scan", "cancel_requested": False}
    rows.one(Job, **base, state="queued", created_at=now - timedelta(minutes=25), not_before=None)
    rows.one(Job, **base, state="queued", created_at=now - timedelta(minutes=2), not_before=None)
    rows.one(
        Job, **base, state="queued", created_at=now - timedelta(hours=3), not_before=now + timedelta(hours=1)
    )
    rows.one(Job, **base, state="running", created_at=now)
    rows.one(Job, **base, state="dead", created_at=now, finished_at=now - timedelta(hours=2))
    rows.many(
        Job,
        3,
        lambda i: {"finished_at": now - timedelta(minutes=i)},
        **(base | {"kind": "report"}),
        state="done",
    )
    rows.one(Schedule, system_id=system, enabled=True, next_run_at=now - timedelta(minutes=20))
    with platform.work("test") as session:
        presence.note(session, "tick", role="tick", now=now)
        presence.note(session, "scan@a", role="worker", now=now, queues=["report", "scan.cloud"], processes=2)
        presence.note(
            session, "scan@b", role="worker", now=now - timedelta(minutes=5), queues=["scan"], processes=8
        )


def _samples(answer: TestResponse) -> dict[tuple[str, ...], float]:
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found[(sample.name, *sample.labels.values())] = sample.value
    return found


def test_the_administrator_sees_figures(client_as: ClientAs, busy: None) -> None:
    """Queues, workers, throughput and storage are there; no system is named."""
    answer = client_as(Role.SYSTEM_ADMIN).get("/running/")
    page = plain(answer.text)
    assert answer.status_code == 200
    for words in ("scan@a", "在线", "失联", "25 分钟", "看不到", "数据库", "report, scan.cloud"):
        assert words in page, words
    # Jobs wait in the queue of which the only worker is gone.
    assert "没有工作进程的队列" in page
    assert "不应出现的系统" not in answer.text


@pytest.mark.parametrize("role", [Role.OFFICER, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN, Role.LEADER])
def test_others_do_not(client_as: ClientAs, role: Role) -> None:
    """It is the system administrator's page."""
    assert client_as(role).get("/running/").status_code == 403


def test_an_empty_platform_has_the_page_too(client_as: ClientAs) -> None:
    """Before any worker reported, the page says so and that nothing looks at what is due."""
    page = plain(client_as(Role.SYSTEM_ADMIN).get("/running/").text)
    assert "没有工作进程报到" in page
    assert "超过一分钟没有检查" in page


def test_the_figures(platform: Platform, busy: None) -> None:
    """Each figure counts what it says."""
    with platform.work("test") as session:
        found = overview(session, platform.settings, now=utc_now())
    queue = {one.name: one for one in found.queues}["scan"]
    assert (queue.waiting, queue.later, queue.running, queue.messages) == (2, 1, 1, None)
    assert (found.waiting, found.dead, found.finished("done"), found.schedules_late) == (2, 1, 3, 1)
    assert [worker.name for worker in found.alive] == ["scan@a"]
    assert found.unserved == ["scan"]
    assert found.places[0].free > 0
    assert (found.database_bytes or 0) > 10_000


def test_the_broker_is_asked(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the broker can be seen its messages are counted per queue."""
    monkeypatch.setattr(services, "depths", [lambda queues: {"scan": 7}])
    with platform.work("test") as session:
        found = overview(session, platform.settings, now=utc_now())
    assert {one.name: one.messages for one in found.queues}["scan"] == 7


def test_the_figures_on_postgresql(pg_platform: Platform) -> None:
    """The same queries hold there, the size of the database among them."""
    with pg_platform.work("test") as session:
        found = overview(session, pg_platform.settings, now=utc_now())
    assert (found.database_bytes or 0) > 1_000_000


def test_queries_do_not_grow(platform: Platform, rows: Rows, busy: None) -> None:
    """As many queries for a thousand jobs as for nine."""

    def count() -> int:
        with recorded_queries(platform.engine) as queries, platform.work("test") as session:
            overview(session, platform.settings, now=utc_now())
        return queries.count

    small = count()
    rows.many(Job, 1000, state="queued", queue="scan", cancel_requested=False)
    assert count() == small <= 9


def test_metrics_from_this_machine(client_as: ClientAs, busy: None) -> None:
    """Prometheus' own parser reads them."""
    answer = client_as(None).get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    found = _samples(answer)
    assert found["secops_jobs", "scan", "waiting"] == 2
    assert found["secops_jobs_finished_last_hour", "report", "done"] == 3
    assert found["secops_workers_alive",] == 1
    assert found["secops_queues_unserved",] == 1
    assert 1400 < found["secops_oldest_waiting_seconds", "scan"] < 1700
    assert found["secops_tick_age_seconds",] < 60
    assert not any(name == "secops_broker_messages" for name, *_ in found)


@pytest.fixture
def guarded(
    platform: Platform, tmp_path: Path, make_app: Callable[[Platform], Flask]
) -> Callable[..., Flask]:
    """An application with a token for scrapes."""
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n", encoding="ascii")

    def make(text: str = TOKEN, **values: object) -> Flask:
        path.write_text(text + "\n", encoding="ascii")
        return create_app(replace(platform.settings, metrics_token_file=str(path), **values))  # type: ignore[arg-type]

    return make


def _ask(app: Flask, address: str, **headers: str) -> int:
    return app.test_client().get(
        "/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address}
    ).status_code  # fmt: skip


def test_another_machine_needs_the_token(guarded: Callable[..., Flask]) -> None:
    """The right token opens it from anywhere, a wrong, short or missing one does not."""
    app = guarded()
    assert _ask(app, "192.0.2.9") == 401
    assert _ask(app, "192.0.2.9", Authorization="Bearer wrong") == 401
    assert _ask(app, "192.0.2.9", Authorization=f"Basic {TOKEN}") == 401
    assert _ask(app, "192.0.2.9", Authorization=f"Bearer {TOKEN}") == 200
    # Who names a token is held to it, from loopback too.
    assert _ask(app, "127.0.0.1", Authorization="Bearer wrong") == 401
    assert _ask(app, "::1") == 200
    assert _ask(guarded("short"), "192.0.2.9", Authorization="Bearer short") == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_is_not_this_machine(guarded: Callable[..., Flask], header: str) -> None:
    """What a local proxy passes on comes from loopback and is refused without the token."""
    app = guarded()
    assert _ask(app, "127.0.0.1", **{header: "127.0.0.1"}) == 401
    assert _ask(app, "127.0.0.1", **{header: "127.0.0.1", "Authorization": f"Bearer {TOKEN}"}) == 200


def test_behind_tls_loopback_means_nothing(guarded: Callable[..., Flask]) -> None:
    """With a proxy in front by the settings, only the token counts."""
    assert _ask(guarded(behind_tls=True), "127.0.0.1") == 401


def test_presence_is_kept_once(platform: Platform, rows: Rows) -> None:
    """A sign of life moves one row; leaving takes it away; what was gone for a day is forgotten."""
    now = utc_now()
    with platform.work("test") as session:
        presence.note(session, "w@a", role="worker", now=now - timedelta(minutes=3), processes=1)
    with platform.work("test") as session:
        presence.note(session, "w@a", role="worker", now=now, processes=4)
        presence.note(session, "w@old", role="worker", now=now - timedelta(days=2))
    with platform.work("test") as session:
        presence.sweep(session, now=now)
        found = {row.name: row for row in session.query(Worker)}
        assert set(found) == {"w@a"}
        assert (found["w@a"].processes, found["w@a"].seen_at) == (4, now)
        presence.leave(session, "w@a")
    with platform.work("test") as session:
        assert session.query(Worker).count() == 0


def test_ages_read_as_words() -> None:
    """An age reads in its largest unit."""
    now = utc_now()
    ages = [timedelta(seconds=9), timedelta(minutes=5), timedelta(hours=7), timedelta(days=3)]
    assert [age_words(now - age, now) for age in ages] == ["9 秒", "5 分钟", "7 小时", "3 天"]
    assert age_words(None, now) == ""
