"""Is this container's part of the platform at work? ``healthcheck.py web|worker|writer|keeper|beat``; exit 0 or 1.

Runs inside the container, beside the process it asks about, and prints one sentence when the answer is no.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

WEB = "http://127.0.0.1:8340/health/ready"
TIMEOUT_S = 4.0


def web() -> str:
    """Ask the page that also asks the database; the host name is one that the platform answers to."""
    host = os.environ.get("SECOPS_ALLOWED_HOSTS", "").split(",")[0].strip() or "127.0.0.1"
    request = urllib.request.Request(WEB, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return "" if answer.status == 200 else f"{WEB} answered {answer.status}"
    except (urllib.error.URLError, OSError) as error:
        return f"{WEB}: {error}"


def worker(name: str) -> str:
    """Ask this container's worker over the broker."""
    asked = f"{name}@{socket.gethostname()}"
    done = subprocess.run(
        [sys.executable, "-m", "celery", "--app=secops.celery", "inspect", "ping", f"--destination={asked}", "--timeout=5"],
        capture_output=True,
        text=True,
        env={**os.environ, **_entrypoint_environment()},
        check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 and "pong" in done.stdout else f"{asked} does not answer"


def beat() -> str:
    """Beat has nothing to ask; without the broker it is of no use, and when it dies its container ends."""
    host, port = "redis", 6379
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_S):
            return ""
    except OSError as error:
        return f"broker {host}:{port}: {error}"


def _entrypoint_environment() -> dict[str, str]:
    """A health check does not go through the entrypoint, so the broker's address is put together here again."""
    path = "/run/secrets/broker_password"
    if not os.path.exists(path):
        return {}
    with open(path, encoding="ascii") as stream:
        return {"SECOPS_BROKER_URL": f"redis://:{stream.read().strip()}@redis:6379/0"}


def main(arguments: list[str]) -> int:
    """Run the named check."""
    checks = {
        "web": web,
        "beat": beat,
        "worker": lambda: worker("worker"),
        "writer": lambda: worker("writer"),
        "keeper": lambda: worker("keeper"),
    }
    if len(arguments) != 1 or arguments[0] not in checks:
        print(f"usage: healthcheck.py {'|'.join(checks)}", file=sys.stderr)
        return 2
    fault = checks[arguments[0]]()
    if fault:
        print(fault, file=sys.stderr)
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
