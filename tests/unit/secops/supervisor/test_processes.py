"""Children die with their parent, and orphans are ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from secops.supervisor import guard, orphans
from secops.supervisor.child import Child, Spec

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def until(ask: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if ask():
            return True
        time.sleep(0.02)
    return False


def is_alive(pid: int) -> bool:
    found = orphans.read_process(pid)
    return found is not None and found.state not in "ZX"


def spec(tmp_path: Path, *argv: str) -> Spec:
    return Spec("test", argv, {"PATH": os.environ["PATH"]}, tmp_path, tmp_path / "test.log")


def test_own_process_is_read() -> None:
    """The process table's line of this very process says what the system calls say."""
    me = orphans.read_process(os.getpid())

    assert me is not None
    assert (me.parent, me.group, me.session) == (os.getppid(), os.getpgrp(), os.getsid(0))
    assert me in list(orphans.processes()) or me.pid in {found.pid for found in orphans.processes()}
    assert orphans.read_process(2**22 + 1) is None


def test_guarded_program_dies_with_its_parent(tmp_path: Path) -> None:
    """When the process that started a guarded program is killed, the program goes too."""
    program = (
        "import subprocess, sys, os\n"
        f"child = subprocess.Popen([sys.executable, '-I', '-S', {guard.__file__!r}, str(os.getpid()), '/bin/sleep', '60'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert until(lambda: b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes())

        parent.kill()

    assert until(lambda: not is_alive(pid))


def test_guard_refuses_a_foreign_parent() -> None:
    """A guard whose parent has gone before it could ask the kernel starts nothing."""
    result = subprocess.run(
        [sys.executable, "-I", "-S", guard.__file__, "1", "/bin/echo", "started"],
        capture_output=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stdout == b""


def test_guarded_program_has_narrow_limits(tmp_path: Path) -> None:
    """A guarded program makes files for its owner only and never dumps its memory."""
    result = subprocess.run(
        [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), "/bin/sh", "-c", "umask; ulimit -c"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.split() == ["0077", "0"]


def test_child_writes_its_log_and_tells_its_end(tmp_path: Path) -> None:
    """Output of both streams goes to the log, and the exit code is kept."""
    child = Child(spec(tmp_path, "/bin/sh", "-c", "echo out; echo err >&2; exit 3"))
    child.start()

    assert until(child.ended)
    assert child.last_exit == 3
    assert child.pid is None
    assert child.ended()
    assert (tmp_path / "test.log").read_text(encoding="ascii").split() == ["out", "err"]


def test_group_goes_with_its_leader(tmp_path: Path) -> None:
    """When a child's main process is killed, what it had started in its group is killed too."""
    child = Child(spec(tmp_path, "/bin/sh", "-c", "sleep 60 & echo $!; wait"))
    child.start()
    assert until(lambda: (tmp_path / "test.log").read_text(encoding="ascii").strip().isdigit())
    helper = int((tmp_path / "test.log").read_text(encoding="ascii"))
    assert child.pid is not None

    os.kill(child.pid, signal.SIGKILL)

    assert until(child.ended)
    assert child.last_exit == -signal.SIGKILL
    assert until(lambda: not is_alive(helper))


def test_asking_and_killing(tmp_path: Path) -> None:
    """A child that ignores the polite signal is ended by kill; asking a child that is down does nothing."""
    child = Child(spec(tmp_path, "/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"))
    child.ask_to_end()
    child.start()
    assert until(lambda: "ready" in (tmp_path / "test.log").read_text(encoding="ascii"))
    child.ask_to_end()
    assert not child.ended()

    child.kill()

    assert child.pid is None
    assert child.last_exit == -signal.SIGKILL
    child.kill()


def test_orphans_are_adopted_and_ended() -> None:
    """A program whose own parent is killed comes to the adopting process and is ended there; own children stay."""
    program = (
        "import os, signal, subprocess, sys, time\n"
        "from secops.supervisor import guard, orphans\n"
        "assert guard.adopt_orphans()\n"
        "own = subprocess.Popen(['sleep', '60'])\n"
        "script = 'setsid sleep 61 & echo $!; sleep 60'\n"
        "middle = subprocess.Popen(['sh', '-c', script], stdout=subprocess.PIPE, text=True)\n"
        "orphan = int(middle.stdout.readline())\n"
        "middle.kill(); middle.wait()\n"
        "ended = []\n"
        "deadline = time.monotonic() + 10\n"
        "while orphan not in ended and time.monotonic() < deadline:\n"
        "    ended += orphans.end_orphans(lambda process: process.pid == own.pid)\n"
        "while orphans.read_process(orphan) is not None and time.monotonic() < deadline:\n"
        "    orphans.end_orphans(lambda process: process.pid == own.pid)\n"
        "print(orphan in ended, orphans.read_process(orphan) is None, own.poll() is None)\n"
        "own.kill()\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )

    assert result.stdout.split() == ["True", "True", "True"], result.stderr
