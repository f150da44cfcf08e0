"""Which processes make up the platform in embedded mode, and with which command lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from secops.config import Settings
from secops.supervisor import broker
from secops.supervisor.child import Spec

WORKER_QUEUES = ("scan",)
"""Scans; as many at once as the settings say."""

WRITER_QUEUES = ("import", "report")
"""Imports and reports, in a node of their own: a hundred scans must not hold up the one report."""

KEEPER_QUEUES = ("housekeeping", "mail", "tick")
"""Short work and the tick: neither scans nor reports hold up the reaper or the schedules."""

_WRITER_PROCESSES = 1
_KEEPER_PROCESSES = 3


def environment(
    settings: Settings, inherited: Mapping[str, str], extra_path: Sequence[Path] = ()
) -> dict[str, str]:
    """Environment of the children: exactly *settings*, whatever ``SECOPS_*`` this process was started with."""
    found = {name: value for name, value in inherited.items() if not name.startswith("SECOPS_")}
    for item in fields(settings):
        value = getattr(settings, item.name)
        found[f"SECOPS_{item.name.upper()}"] = (
            ("yes" if value else "no") if isinstance(value, bool) else str(value)
        )
    found["PYTHONUNBUFFERED"] = "1"
    if extra_path:
        paths = [str(path) for path in extra_path]
        found["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [found.get("PYTHONPATH", "")])])
    return found


def broker_spec(settings: Settings, binary: broker.Binary, inherited: Mapping[str, str]) -> Spec:
    """The private broker."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("SECOPS_")}
    return _spec("broker", broker.arguments(binary, settings.home), settings, kept)


def application_specs(
    settings: Settings,
    inherited: Mapping[str, str],
    *,
    include: Sequence[str] = (),
    extra_path: Sequence[Path] = (),
) -> tuple[Spec, ...]:
    """Web, worker, writer, keeper and beat, in the order of their start.

    Args:
        settings: with the broker's address filled in.
        include: modules that the workers import, such as those with further kinds of jobs.
        extra_path: folders in which those modules are found.
    """
    variables = environment(settings, inherited, extra_path)
    tag = broker.home_tag(settings.home)
    return (
        _spec("web", _web(settings), settings, variables),
        _spec(
            "worker",
            _worker("worker", tag, scan_queues(settings), settings.worker_processes, include),
            settings,
            variables,
        ),
        _spec(
            "writer", _worker("writer", tag, WRITER_QUEUES, _WRITER_PROCESSES, include), settings, variables
        ),
        _spec(
            "keeper", _worker("keeper", tag, KEEPER_QUEUES, _KEEPER_PROCESSES, include), settings, variables
        ),
        _spec("beat", _beat(), settings, variables),
    )


def scan_queues(settings: Settings) -> tuple[str, ...]:
    """What this machine's worker takes: scans for anybody, and those of the network zones in which it sits."""
    zones = [zone for zone in settings.worker_zones.split(",") if zone]
    return (*WORKER_QUEUES, *(f"{queue}.{zone}" for queue in WORKER_QUEUES for zone in zones))


def _spec(name: str, argv: Sequence[str], settings: Settings, variables: Mapping[str, str]) -> Spec:
    return Spec(name, tuple(argv), variables, settings.folder("run"), settings.folder("logs") / f"{name}.log")


def _web(settings: Settings) -> list[str]:
    host = f"[{settings.bind_address}]" if ":" in settings.bind_address else settings.bind_address
    return [
        *(sys.executable, "-m", "gunicorn", "--config", "python:secops.supervisor.gunicorn_conf"),
        *("--bind", f"{host}:{settings.port}", "--workers", str(settings.web_workers)),
        *("--worker-tmp-dir", str(settings.folder("tmp")), "secops.app:create_app()"),
    ]


def _worker(name: str, tag: str, queues: Sequence[str], processes: int, include: Sequence[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "secops.celery", "worker"),
        *("--queues", ",".join(queues), "--concurrency", str(processes), "--hostname", f"{name}-{tag}@%h"),
        *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"),
        *(word for module in include for word in ("--include", module)),
    ]


def _beat() -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "secops.celery", "beat"),
        *("--scheduler", "celery.beat:Scheduler", "--loglevel", "INFO", "--pidfile", ""),
    ]
