"""What one attempt may take: time and memory."""

from __future__ import annotations

import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OUT_OF_TIME = "超过这类任务的时间上限 {0} 秒。 / The time limit of {0} s for this kind of job was reached."
OUT_OF_MEMORY = (
    "超过这类任务的内存上限 {0} MB。 / The memory limit of {0} MB for this kind of job was reached."
)


class OutOfTime(BaseException):
    """The attempt ran too long. No ``Exception``: a handler's own border would take it for a fault of its target."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTime` inside after *seconds*.

    Works in the main thread, where a worker process runs its jobs; elsewhere nothing can break in and the
    caller's own flag has to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise OutOfTime(seconds)

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001))


@contextmanager
def memory_limit(megabytes: int) -> Iterator[None]:
    """Let the process and what it starts take *megabytes* more than now; beyond it ``MemoryError`` is raised.

    Counts private memory that can be written, as Linux does for ``RLIMIT_DATA``; elsewhere nothing is limited.
    """
    held = _data_bytes()
    if held is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    asked = held + megabytes * 1024 * 1024
    allowed = [bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([asked, *allowed]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int | None:
    try:
        with open("/proc/self/status", encoding="ascii") as stream:
            for line in stream:
                if line.startswith("VmData:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None
