"""Ends programs that outlived the process which ran them, such as an nmap whose worker was killed.

A process that called :func:`secops.supervisor.guard.adopt_orphans` becomes the parent of such programs. It knows
its own children; every other child is an orphan.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table; ``state`` is the kernel's letter, ``Z`` for a zombie."""

    pid: int
    parent: int
    group: int
    session: int
    state: str
    started: int


def read_process(pid: int) -> Process | None:
    """Give what the kernel knows of *pid*; None when there is no such process or no ``/proc``."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return None
    # The name stands in brackets and may hold anything, blanks and brackets included.
    fields = text[text.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[0], int(fields[19]))


def processes() -> Iterator[Process]:
    """Every process that can be seen; none where there is no ``/proc``."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if name.isdigit():
            found = read_process(int(name))
            if found is not None:
                yield found


def end_orphans(is_own: Callable[[Process], bool]) -> list[int]:
    """Kill every child of this process that is not *is_own*, and collect those that are dead.

    Returns:
        process ids of those killed now; the next call collects them.
    """
    ended: list[int] = []
    me = os.getpid()
    for process in processes():
        if process.parent != me or is_own(process):
            continue
        with suppress(ProcessLookupError, PermissionError):
            # A program that leads a session takes its own helpers along.
            if process.group == process.pid:
                os.killpg(process.group, signal.SIGKILL)
            else:
                os.kill(process.pid, signal.SIGKILL)
        if process.state != "Z":
            ended.append(process.pid)
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
    return ended
