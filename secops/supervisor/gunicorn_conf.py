"""Settings of the web server, shared by ``secops up`` and the cluster; read by ``gunicorn --config``.

The application is loaded once and forked, which halves start time and memory; what must not be shared between
processes is let go after the fork.
"""

from __future__ import annotations

import os
from typing import Any

preload_app = True
worker_class = "gthread"
threads = 4
timeout = 120
graceful_timeout = 15
keepalive = 5
control_socket_disable = True
accesslog = None
limit_request_line = 8190
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "secops.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
}


def on_starting(server: Any) -> None:
    """Let services wake the workers; without it a new job would wait for the next tick."""
    import secops.celery  # noqa: F401


def when_ready(server: Any) -> None:
    """The application is loaded and no worker is forked yet."""
    from secops.app import settle

    settle()


def post_fork(server: Any, worker: Any) -> None:
    """End with the arbiter, and open database connections of one's own."""
    from secops.supervisor.guard import die_with_parent

    die_with_parent(worker.ppid if isinstance(worker.ppid, int) else os.getppid())
    server.app.wsgi().extensions["secops"].engine.dispose(close=False)
