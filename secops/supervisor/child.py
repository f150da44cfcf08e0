"""One supervised process: how it is started, how long to wait after it died, how it is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from secops.supervisor import logfiles

_GUARD = str(Path(__file__).with_name("guard.py"))

STEADY_AFTER_S = 60.0
"""A child that lived this long is well again: the next wait is the shortest."""

UNSTABLE_DEATHS = 5
_LONGEST_WAIT_S = 30.0


@dataclass
class Backoff:
    """Waits of 1, 2, 4, 8, 16, then 30 s between two starts; all moments are of one monotonic clock, in seconds."""

    _deaths: deque[float] = field(default_factory=lambda: deque(maxlen=UNSTABLE_DEATHS))
    _next: float = 1.0

    def died(self, *, now: float, started: float) -> float:
        """Note a death; gives the seconds to wait before the next start."""
        if now - started >= STEADY_AFTER_S:
            self._next = 1.0
        self._deaths.append(now)
        wait = self._next
        self._next = min(self._next * 2, _LONGEST_WAIT_S)
        return wait

    def is_unstable(self, now: float) -> bool:
        """Whether it died five times within the last minute."""
        return len(self._deaths) == UNSTABLE_DEATHS and now - self._deaths[0] <= STEADY_AFTER_S


@dataclass(frozen=True, slots=True)
class Spec:
    """What to run; ``stop_signal`` asks it to end in good order."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM


class Child:
    """A process in a session of its own; every method is called from the supervisor's one thread."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.backoff = Backoff()
        self.restarts = -1
        self.last_exit: int | None = None
        self.started = 0.0
        self.start_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Run it, its output appended to its log; the kernel kills it when the calling thread ends."""
        log = logfiles.open_log(self.spec.log)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", _GUARD, str(os.getpid()), *self.spec.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.spec.folder,
                env=dict(self.spec.environment),
                start_new_session=True,
            )
        finally:
            os.close(log)
        self.started = time.monotonic()
        self.restarts += 1

    def ended(self) -> bool:
        """Whether it has ended; when it has, whatever is left of its group is killed first, then it is collected.

        In this order, because the number of a collected leader could already belong to somebody else.
        """
        if self._process is None:
            return True
        try:
            if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return False
        except ChildProcessError:
            # Somebody else in this process collected it; the exit code is lost, the death is not.
            self.last_exit = None
            self._process.returncode = 0
            self._process = None
            return True
        self._kill_group()
        self.last_exit = self._process.wait()
        self._process = None
        return True

    def ask_to_end(self) -> None:
        """Send the stop signal to the leader, which ends its own processes in good order."""
        if self._process is not None and not self.ended():
            with suppress(ProcessLookupError):
                self._process.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """End the whole group at once and collect the leader."""
        if self._process is not None:
            self._kill_group()
            self.last_exit = self._process.wait()
            self._process = None

    def _kill_group(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
