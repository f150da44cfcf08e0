"""One running platform per home: a lock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secops.errors import NotReady

NAME = "supervisor.lock"
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs the platform of a home; zero and empty when the note could not be read."""

    pid: int
    url: str


class AlreadyRunning(NotReady):
    """Another process runs the platform of this home."""

    def __init__(self, home: Path, holder: Holder) -> None:
        super().__init__(
            f"{home} 的平台已在运行（进程 {holder.pid}，地址 {holder.url}）。请直接打开该地址；"
            f"若要重启，先执行 kill {holder.pid}。",
            f"The platform of {home} is running already (process {holder.pid}, address {holder.url}). Open that "
            f"address; to start it anew, first run: kill {holder.pid}",
        )
        self.args = (home, holder)
        self.home = home
        self.holder = holder


class HomeLock:
    """Held from :meth:`take` to :meth:`release`; a file left behind by a dead holder is harmless."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._path = home / "run" / NAME
        self._fd: int | None = None

    def take(self, url: str) -> None:
        """Take the lock and note who holds it.

        Raises:
            AlreadyRunning: somebody else has it.
            OSError: the folder can't be written.
        """
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _lock(fd):
            os.close(fd)
            raise AlreadyRunning(self._home, _read(self._path))
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
        self._fd = fd

    def release(self) -> None:
        """Give it back; the emptied file stays, since removing it would let two holders in."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


def _lock(fd: int) -> bool:
    # A look by holder_of() holds the lock for microseconds; that is nobody running.
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.05)
    return False


def _read(path: Path) -> Holder:
    try:
        note: Any = json.loads(path.read_text(encoding="utf-8"))
        return Holder(int(note["pid"]), str(note["url"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder(0, "")


def holder_of(home: Path) -> Holder | None:
    """Who runs the platform of *home* now; None when nobody does."""
    path = home / "run" / NAME
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    finally:
        os.close(fd)
    return None
