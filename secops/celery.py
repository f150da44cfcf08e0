"""The Celery app: messages carry a job id and nothing else; the job row decides what happens.

Run by ``secops up`` in embedded mode and by ``celery -A secops.celery worker|beat`` in a cluster.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from billiard.process import current_process
from celery import Celery
from celery.concurrency.prefork import TaskPool
from celery.signals import setup_logging, worker_process_init, worker_ready, worker_shutting_down
from sqlalchemy.exc import SQLAlchemyError

from secops import (
    logs,
    models,  # noqa: F401  (every listener on sessions is there before the broker's own session asks)
)
from secops.clock import utc_now
from secops.config import Settings
from secops.jobs import presence, runner, services
from secops.jobs.kinds import KINDS, QUEUES
from secops.platform import Platform
from secops.supervisor import broker as private
from secops.supervisor import guard, orphans

log = logging.getLogger("secops.celery")

_ONE_MORE_TRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
_ORPHANS_EVERY_S = 2.0
_LONGEST_S = max(kind.time_limit_s for kind in KINDS.values()) + 600
# A queue of its own: a thousand waiting jobs must not hold up the reaper and the schedules.
TICK_QUEUE = "tick"
_leaving = threading.Event()
# A pool process that is born in the middle of a transaction of its parent would inherit half of it.
_no_fork = threading.Lock()
os.register_at_fork(
    before=_no_fork.acquire, after_in_parent=_no_fork.release, after_in_child=_no_fork.release
)


def broker_of(settings: Settings) -> str:
    """The configured broker, else the private one of this home, else a file of the home."""
    if settings.broker_url:
        return settings.broker_url
    if private.is_present(settings.home):
        return private.private_url(settings.home)
    return private.database_url(settings.home)


def _transport_options(url: str) -> dict[str, Any]:
    if url.startswith(("redis", "rediss", "sentinel")):
        # Longer than the longest job; a lost message is not waited for, since the tick looks at the rows.
        return {
            "visibility_timeout": _LONGEST_S + 120,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 3,
        }
    return {}


def make_celery(settings: Settings) -> Celery:
    """Configure the app for one broker; only settings differ between laptop and cluster."""
    url = broker_of(settings)
    app = Celery("secops", broker=url, set_as_current=True)
    over_database = url.startswith("sqla")
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        task_default_queue="housekeeping",
        task_create_missing_queues=True,
        worker_prefetch_multiplier=10 if over_database else 1,
        worker_enable_remote_control=not over_database,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_max_tasks_per_child=200,
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(url),
        # The runner ends an attempt at its kind's own limit; this is for one that does not hear.
        task_time_limit=_LONGEST_S,
        worker_max_memory_per_child=1024 * 1024,
        timezone="UTC",
        enable_utc=True,
        beat_scheduler="celery.beat:Scheduler",
        beat_schedule={
            "tick": {
                "task": "secops.tick",
                "schedule": float(settings.tick_seconds),
                "options": {"queue": TICK_QUEUE, "expires": 60},
            }
        },
    )
    return app


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings.from_env()


@lru_cache(maxsize=1)
def platform() -> Platform:
    """This process's platform; the web factory makes its own."""
    from secops.store import require_current

    found = Platform.open(_settings())
    require_current(found.engine)
    return found


celery = make_celery(_settings())
app = celery


def publish(job_id: int, queue: str) -> None:
    """Wake a worker. A broker that is down is no error here: the tick sends the message again."""
    from kombu.exceptions import OperationalError

    try:
        # One more try, at once: after a restart of the broker the first use of an old connection fails.
        run.apply_async((job_id,), queue=queue, retry=True, retry_policy=_ONE_MORE_TRY)
    except (OperationalError, OSError) as error:
        log.warning("job.publish_failed", extra={"fields": {"job_id": job_id, "error": str(error)[:200]}})


services.publisher[0] = publish


def depths(queues: Sequence[str]) -> dict[str, int] | None:
    """How many messages wait in each queue, those that a worker holds not counted; None while the broker is away."""
    from amqp.exceptions import ChannelError as AmqpChannelError  # type: ignore[import-untyped]
    from kombu.exceptions import ChannelError, OperationalError

    found: dict[str, int] = {}
    try:
        with celery.connection_for_write() as connection:
            connection.ensure_connection(**_ONE_MORE_TRY)
            for queue in queues:
                # A channel of its own: asking for a queue that is not there closes the channel.
                try:
                    with connection.channel() as channel:
                        found[queue] = int(channel.queue_declare(queue, passive=True).message_count)
                except (ChannelError, AmqpChannelError):
                    found[queue] = 0
    # SQLAlchemy's own where a file is the queue.
    except (OperationalError, OSError, SQLAlchemyError) as error:
        log.warning("broker.unseen", extra={"fields": {"error": str(error)[:200]}})
        return None
    return found


services.depths[0] = depths


def use_broker(url: str) -> None:
    """Send to this broker instead of the configured one: for a process that started the broker itself."""
    celery.conf.broker_url = url
    celery.conf.broker_transport_options = _transport_options(url)


@celery.task(name="secops.run")
def run(job_id: int) -> None:
    """Do one job of the queue that the job with this id waits in; nothing when there is no such job."""
    from secops.jobs.runner import run_next, take_back

    ran, state = run_next(platform(), int(job_id))
    if state == "skipped":
        # The broker sends a message again when its worker was killed; then the lease need not run out first.
        take_back(platform())
    log.info("job.ran", extra={"fields": {"job_id": ran, "state": state}})


@celery.task(name="secops.tick")
def tick() -> None:
    """Dispatch what is due, take back what the dead hold, send again what nobody took."""
    from secops.audit_log.checkpoints import sign_due
    from secops.audit_log.syslog import ship_due
    from secops.jobs.duties import start_duties
    from secops.jobs.runner import take_back
    from secops.schedules.dispatch import dispatch_due

    take_back(platform())
    with platform().work("tick") as session:
        presence.note(session, "tick", role="tick", now=utc_now())
        presence.sweep(session, now=utc_now())
        counts = services.reap(session, now=utc_now())
        start_duties(session, now=utc_now())
    if sign_due(platform(), now=utc_now()) == "refused":
        log.error("audit.checkpoint_refused")
    ship_due(platform(), now=utc_now())
    started = dispatch_due(platform(), now=utc_now())
    if started or any(counts.values()):
        log.info("tick", extra={"fields": {**counts, "dispatched": started}})


@setup_logging.connect
def _logging(**_: Any) -> None:
    logs.configure()
    # A line for each tick says nothing; alembic tells of its own start.
    for chatty in ("celery.beat", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@worker_process_init.connect
def _after_fork(**_: Any) -> None:
    # A worker's main process that is killed takes its pool along, else a zombie would go on with a lost lease.
    parent = current_process()._parent_pid
    if parent is not None:
        guard.die_with_parent(parent)
    # Connections opened before the fork belong to the parent.
    platform().engine.dispose(close=False)
    runner.end_process[0] = lambda: os.kill(os.getpid(), signal.SIGKILL)


@worker_ready.connect
def _start_of_worker(sender: Any = None, **_: Any) -> None:
    """Take back what killed predecessors held, without waiting; from now on end what killed children leave."""
    from secops.jobs.runner import take_back

    take_back(platform())
    threading.Thread(target=_tell_presence, args=(sender,), name="presence", daemon=True).start()
    if isinstance(getattr(sender, "pool", None), TaskPool) and guard.adopt_orphans():
        threading.Thread(target=_end_orphans_for_ever, name="orphans", daemon=True).start()


def _tell_presence(consumer: Any) -> None:
    """Say every few seconds that this worker lives, until it is asked to stop."""
    name, pool = str(consumer.hostname), getattr(consumer, "pool", None)
    queues, started_at = sorted(consumer.app.amqp.queues.consume_from), utc_now()
    while True:
        leaves = _leaving.is_set()
        try:
            with _no_fork, platform().work("presence") as session:
                if leaves:
                    presence.leave(session, name)
                else:
                    presence.note(
                        session, name, role="worker", now=utc_now(), queues=queues,
                        processes=int(getattr(pool, "num_processes", 1)), started_at=started_at,
                    )  # fmt: skip
        except SQLAlchemyError as error:
            log.warning("worker.presence_failed", extra={"fields": {"error": str(error)[:200]}})
        if leaves:
            return
        _leaving.wait(presence.EVERY_S)


@worker_shutting_down.connect
def _leave(**_: Any) -> None:
    _leaving.set()


def _end_orphans_for_ever() -> None:
    """Kill tools, such as nmap, whose pool process was killed; they run in sessions of their own, the pool does not."""
    own_session = os.getsid(0)
    while True:
        time.sleep(_ORPHANS_EVERY_S)
        for pid in orphans.end_orphans(lambda process: process.session == own_session):
            log.warning("worker.orphan_ended", extra={"fields": {"pid": pid}})


__all__ = ["QUEUES", "app", "celery", "make_celery", "publish"]
