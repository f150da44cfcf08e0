"""Which broker is used, and that one which is away stops nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from secops.celery import broker_of, make_celery
from secops.config import Settings


def test_order_of_brokers(tmp_path: Path) -> None:
    """The configured broker comes first, then the private one of the home, then a file of the home."""
    (tmp_path / "run").mkdir()

    assert broker_of(Settings(home=tmp_path)) == f"sqla+sqlite:///{tmp_path}/run/broker.db"
    (tmp_path / "run" / "broker.sock").touch()
    assert broker_of(Settings(home=tmp_path)) == f"redis+socket://{tmp_path}/run/broker.sock"
    assert broker_of(Settings(home=tmp_path, broker_url="amqp://h//")) == "amqp://h//"


def test_only_json_is_accepted(tmp_path: Path) -> None:
    """Messages are JSON, acknowledged after the work, and given back when their worker dies."""
    conf = make_celery(Settings(home=tmp_path, broker_url="redis://h/0")).conf

    assert conf.accept_content == ["json"]
    assert conf.task_serializer == "json"
    assert conf.task_acks_late is True
    assert conf.task_reject_on_worker_lost is True
    assert conf.worker_prefetch_multiplier == 1
    assert conf.broker_transport_options["visibility_timeout"] > conf.task_time_limit


def test_broker_that_is_away(tmp_path: Path) -> None:
    """Publishing to a broker that is away is a warning in the log and no error: the tick sends it later."""
    code = (
        "import logging; logging.basicConfig(format='%(message)s')\n"
        "from secops.celery import publish\n"
        "publish(1, 'scan'); print('went on')"
    )
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{holder.getsockname()[1]}/0"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SECOPS_")}
        result = subprocess.run(
            [sys.executable, "-c", code],
            env=environ | {"SECOPS_HOME": str(tmp_path), "SECOPS_BROKER_URL": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert (result.returncode, result.stdout) == (0, "went on\n")
    assert "job.publish_failed" in result.stderr
