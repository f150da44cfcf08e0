"""Who holds a lease, and when that process is certainly gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from secops.jobs import owner
from secops.jobs.owner import is_gone, owner_name

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def test_living_process_is_not_gone() -> None:
    """This very process is not gone, and its name fits the column."""
    assert not is_gone(owner_name())
    assert len(owner_name()) <= 80


def test_ended_process_is_gone() -> None:
    """A process that ended is gone, also while nobody has collected it yet."""
    code = "from secops.jobs.owner import owner_name; print(owner_name(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert not is_gone(name)

        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(name)

    assert is_gone(name)


def test_number_used_again_is_gone() -> None:
    """A process number that now belongs to another process does not keep the lease alive."""
    head, _, started = owner_name().rpartition(".")

    assert is_gone(f"{head}.{int(started) + 1}")


def test_other_places_are_never_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A holder on another machine, boot or container, or of unknown form, is never called gone."""
    name = owner_name()
    host, _, process = name.rpartition("/")

    assert not is_gone(f"{host}/000000000000:{process.partition(':')[2]}")
    assert not is_gone("worker-3:1")
    assert not is_gone("")
    assert not is_gone(f"{name.rpartition(':')[0]}:x.y")


def test_without_process_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no process table nobody is called gone, and leases run out by themselves."""
    monkeypatch.setattr(owner, "read_process", lambda pid: None)

    assert not is_gone(owner_name())
