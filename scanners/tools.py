"""Run one outside program: fixed argv, empty environment, own process group, capped output.

The caller builds *argv* from closed lists and parsed addresses; nothing here joins strings or knows a
shell. A program that is missing, too slow, too loud or cancelled gives a ``Failed`` value.
A program never outlives this process, not even when it is killed: see ``_Lifeline``.
"""

from __future__ import annotations

import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scanners.base import Failed, FailureReason

TOOL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The only folders in which an outside program is looked for."""

DEFAULT_STDOUT_CAP = 50_000_000
"""Bytes of standard output after which a program is stopped."""

_STDERR_CAP = 64_000
_POLL_S = 0.02
_GRACE_S = 1.0
# waits for the end of its standard input, then kills the group that it leads
_WATCH = "import os, signal\nos.read(0, 1)\nos.killpg(0, signal.SIGKILL)"


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Limits of the kernel for a child that reads foreign data; ``None`` leaves the default."""

    address_space: int | None = None
    cpu_s: int | None = None
    file_size: int | None = None
    open_files: int | None = None


PARSER_LIMITS = ChildLimits(address_space=512 << 20, cpu_s=20, file_size=64 << 20, open_files=64)
"""What a child gets that parses the output of an outside tool."""


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A program that ran to its own end, whatever its exit code."""

    returncode: int
    stdout: bytes
    stderr: bytes
    duration_ms: int


def find_tool(name: str) -> str | None:
    """Give the full path of an outside program, looked for in ``TOOL_PATH`` only."""
    return shutil.which(name, path=TOOL_PATH)


def run_tool(
    argv: Sequence[str],
    *,
    timeout_s: float,
    stdout_cap: int = DEFAULT_STDOUT_CAP,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    limits: ChildLimits | None = None,
) -> ToolRun | Failed:
    """Run a program and give its output, or say why there is none.

    Args:
        argv: Program and arguments; the program as a name (looked for in ``TOOL_PATH``) or a full path.
        timeout_s: Seconds, > 0, after which the whole process group is killed.
        stdout_cap: Bytes; one more and the group is killed with ``RESOURCE_LIMIT``.
        env: Added to ``LC_ALL=C`` and ``PATH``; nothing else of our own environment is passed on.

    The output so far is kept in ``Failed.raw``.
    """
    program = argv[0] if argv[0].startswith("/") else find_tool(argv[0])
    if program is None or not os.access(program, os.X_OK):
        return Failed(FailureReason.MISSING_TOOL, argv[0])
    started = time.monotonic()
    try:
        lifeline = _Lifeline()
    except OSError as error:
        return Failed(FailureReason.RESOURCE_LIMIT, f"{Path(program).name}: no watcher, {error.strerror}")
    with lifeline:
        try:
            # "/" because a worker's own folder may vanish or be unreadable for the child
            process = subprocess.Popen(
                [program, *argv[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={"LC_ALL": "C", "PATH": TOOL_PATH, **(env or {})},
                cwd=cwd or Path("/"),
                process_group=lifeline.group,
            )
        except OSError as error:
            return Failed(FailureReason.MISSING_TOOL, f"{program}: {error.strerror}")
        with process:
            try:
                _limit(process.pid, limits)
                pump = _Pump(process, stdin, stdout_cap)
                reason = pump.run(started + timeout_s, cancelled)
            finally:
                lifeline.kill_group()
    duration_ms = round((time.monotonic() - started) * 1000)
    if reason is not None:
        return Failed(reason, Path(program).name, bytes(pump.stdout), duration_ms)
    return ToolRun(process.returncode, bytes(pump.stdout), bytes(pump.stderr), duration_ms)


class _Pump:
    """Feeds standard input and reads both outputs without ever blocking for longer than ``_POLL_S``."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, stdout_cap: int) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._process = process
        self._to_write = memoryview(stdin)
        self._stdout_cap = stdout_cap
        self._selector = selectors.DefaultSelector()
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise AssertionError("pipes were asked for")
        for stream in (process.stdin, process.stdout, process.stderr):
            os.set_blocking(stream.fileno(), False)
        self._selector.register(process.stdin, selectors.EVENT_WRITE, self._write)
        self._selector.register(process.stdout, selectors.EVENT_READ, self._read_stdout)
        self._selector.register(process.stderr, selectors.EVENT_READ, self._read_stderr)

    def run(self, deadline: float, cancelled: Callable[[], bool]) -> FailureReason | None:
        with self._selector:
            while self._selector.get_map():
                now = time.monotonic()
                if cancelled():
                    return FailureReason.CANCELLED
                if now >= deadline:
                    return FailureReason.TIMED_OUT
                if self._ended():
                    # a grandchild may keep the pipes open; the answer is complete without it
                    deadline = min(deadline, now + _GRACE_S)
                for key, _ in self._selector.select(_POLL_S):
                    key.data(key.fileobj)
                if len(self.stdout) > self._stdout_cap:
                    del self.stdout[self._stdout_cap :]
                    return FailureReason.RESOURCE_LIMIT
                if self._ended() and time.monotonic() >= deadline:
                    return None
        while not self._ended():
            if cancelled():
                return FailureReason.CANCELLED
            if time.monotonic() >= deadline:
                return FailureReason.TIMED_OUT
            time.sleep(_POLL_S)
        return None

    def _ended(self) -> bool:
        # not poll(): the leader must stay unreaped until its group is killed, or its number could be reused
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def _write(self, stream: IO[bytes]) -> None:
        try:
            if self._to_write:
                self._to_write = self._to_write[os.write(stream.fileno(), self._to_write[:65536]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # the program may well end before it has read everything; its exit code tells
            self._to_write = memoryview(b"")
        if not self._to_write:
            self._drop(stream)

    def _read_stdout(self, stream: IO[bytes]) -> None:
        self._read(stream, self.stdout, self._stdout_cap + 1)

    def _read_stderr(self, stream: IO[bytes]) -> None:
        self._read(stream, self.stderr, _STDERR_CAP)

    def _read(self, stream: IO[bytes], into: bytearray, cap: int) -> None:
        try:
            chunk = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return
        if not chunk:
            self._drop(stream)
            return
        into += chunk[: max(0, cap - len(into))]

    def _drop(self, stream: IO[bytes]) -> None:
        self._selector.unregister(stream)
        stream.close()


class _Lifeline:
    """A process group that dies with this process, whatever ends it.

    A bare interpreter leads the group and waits at the far end of a pipe. The kernel closes our end when we
    are killed, and then the whole group goes. The group is there before the program is, so that there is no
    moment at which the program has nobody to end it.

    The parent-death signal of Linux would spare the leader, but it reaches the program alone (a shell, not
    the ``find`` it waits for), the kernel drops it when a program with file capabilities starts (an nmap that
    may send raw packets), and setting it needs code between fork and exec, which can hang where other
    threads run.
    """

    def __init__(self) -> None:
        self._leader = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WATCH],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            process_group=0,
        )
        self.group = self._leader.pid

    def __enter__(self) -> _Lifeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_group()
        with self._leader:
            # closes our end of the pipe and reaps; until now the number of the group was its own
            pass

    def kill_group(self) -> None:
        """Kill everything in the group; to be called when the program ended too, for what it left behind."""
        try:
            os.killpg(self.group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return


def _limit(pid: int, limits: ChildLimits | None) -> None:
    if limits is None:
        return
    for kind, value in (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files),
    ):
        if value is not None:
            try:
                resource.prlimit(pid, kind, (value, value))
            except ProcessLookupError:
                return
