"""Outside programs: clean surroundings, hard limits, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scanners.base import Failed, FailureReason
from scanners.tools import ChildLimits, ToolRun, find_tool, run_tool

PYTHON = sys.executable


def ran(found: ToolRun | Failed) -> ToolRun:
    assert isinstance(found, ToolRun), found
    return found


def failed(found: ToolRun | Failed) -> Failed:
    assert isinstance(found, Failed), found
    return found


def test_the_environment_is_empty_but_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the worker's environment reaches a program."""
    monkeypatch.setenv("SECOPS_SECRET", "x")

    out = ran(run_tool(["env"], timeout_s=10, env={"EXTRA": "1"})).stdout.decode()

    assert {line.partition("=")[0] for line in out.splitlines()} == {"LC_ALL", "PATH", "EXTRA"}


def test_exit_code_and_both_outputs_are_given() -> None:
    """A program that fails still ran."""
    found = ran(run_tool(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=10))

    assert (found.returncode, found.stdout, found.stderr) == (3, b"out\n", b"err\n")


def test_standard_input_of_any_size_is_fed() -> None:
    """Feeding and reading go side by side, so neither blocks the other."""
    data = os.urandom(500_000)

    assert ran(run_tool(["cat"], timeout_s=20, stdin=data)).stdout == data


def test_a_program_that_does_not_read_is_no_fault() -> None:
    """A closed pipe is the program's own business."""
    assert ran(run_tool(["true"], timeout_s=10, stdin=b"x" * 500_000)).returncode == 0


def test_output_beyond_the_cap_stops_the_program() -> None:
    """Endless output ends at the cap, and what came is kept."""
    found = failed(run_tool(["sh", "-c", "yes"], timeout_s=20, stdout_cap=1000))

    assert found.reason is FailureReason.RESOURCE_LIMIT
    assert len(found.raw) == 1000


def test_error_output_is_bounded() -> None:
    """Noise on standard error is read and thrown away beyond a limit."""
    found = ran(run_tool(["sh", "-c", "head -c 1000000 /dev/zero >&2"], timeout_s=20))

    assert len(found.stderr) == 64_000


def is_gone(pid: int) -> bool:
    """Say whether a killed process has ended; the kernel needs a moment between the two."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.01)
    return False


def test_the_whole_group_dies_at_the_limit(tmp_path: Path) -> None:
    """A child of the program does not outlive it."""
    note = tmp_path / "pid"
    script = f"sleep 300 & echo $! > {note}; wait"

    found = failed(run_tool(["sh", "-c", script], timeout_s=0.5))

    assert found.reason is FailureReason.TIMED_OUT
    assert is_gone(int(note.read_text()))


def test_a_grandchild_that_keeps_the_pipe_does_not_hold_the_answer(tmp_path: Path) -> None:
    """The answer is there when the program ended; what it left behind is killed."""
    note = tmp_path / "pid"

    found = ran(run_tool(["sh", "-c", f"echo done; sleep 300 & echo $! > {note}"], timeout_s=30))

    assert found.stdout == b"done\n"
    assert is_gone(int(note.read_text()))


def test_a_program_does_not_outlive_a_killed_worker(tmp_path: Path) -> None:
    """When the worker is killed, in the very first moment of the program, it and what it started go too."""
    leader, child = tmp_path / "leader", tmp_path / "child"
    script = f"sleep 300 & echo $! > {child}; echo $$ > {leader}; kill -9 $PPID; wait"
    code = (
        "import sys; from scanners.tools import run_tool; run_tool(['sh', '-c', sys.argv[1]], timeout_s=60)"
    )

    worker = subprocess.run([PYTHON, "-c", code, script], check=False, timeout=60)

    assert worker.returncode == -signal.SIGKILL
    assert is_gone(int(leader.read_text()))
    assert is_gone(int(child.read_text()))


def test_no_watcher_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that nobody would end is not started."""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    found = failed(run_tool(["sleep", "300"], timeout_s=60))

    assert found.reason is FailureReason.RESOURCE_LIMIT
    assert "watcher" in found.detail


def test_cancel_is_heard() -> None:
    """A cancelled run kills the program at once."""
    assert (
        failed(run_tool(["sleep", "300"], timeout_s=60, cancelled=lambda: True)).reason
        is FailureReason.CANCELLED
    )


def test_a_missing_program_is_a_reason(tmp_path: Path) -> None:
    """Neither a missing nor a forbidden program raises."""
    plain = tmp_path / "plain"
    plain.write_text("no program")

    assert failed(run_tool(["no-such-program"], timeout_s=1)).reason is FailureReason.MISSING_TOOL
    assert failed(run_tool([str(plain)], timeout_s=1)).reason is FailureReason.MISSING_TOOL
    assert find_tool("no-such-program") is None


def test_arguments_are_not_interpreted() -> None:
    """An argument that looks like shell stays one argument."""
    text = "$(id); `id` > /tmp/x & rm -rf *"

    assert ran(run_tool(["printf", "%s", text], timeout_s=10)).stdout.decode() == text


def test_limits_of_the_kernel_hold_for_parsers() -> None:
    """A child that eats memory is stopped by its own limit, not by ours."""
    code = "import time; time.sleep(0.2); x = bytearray(400 << 20); print(len(x))"

    found = ran(
        run_tool([PYTHON, "-I", "-c", code], timeout_s=30, limits=ChildLimits(address_space=200 << 20))
    )

    assert found.returncode != 0
    assert b"MemoryError" in found.stderr


def test_killed_by_a_signal_is_told_by_the_exit_code() -> None:
    """A negative exit code names the signal."""
    assert ran(run_tool(["sh", "-c", "kill -9 $$"], timeout_s=10)).returncode == -signal.SIGKILL
