"""A private PostgreSQL for tests: own data folder, own Unix socket, no TCP port at all, no durability.

The machine's PostgreSQL, if any, is never touched. ``initdb`` refuses root, so a root build drops to ``nobody``
for the server; an ordinary user runs it as they are. One server serves a whole test session; each test gets a
database of its own, copied from a template that was migrated once.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

_PORT = 5999  # a name for the socket file, nothing listens on TCP
_OPTIONS = (
    "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c max_connections=60 -c shared_buffers=64MB -c log_min_messages=warning"
)


@dataclass
class PostgresServer:
    """A running server; ``url(name)`` is the SQLAlchemy address of one of its databases."""

    folder: Path
    binaries: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://secops@/{database}?host={self.folder}&port={_PORT}"

    def create_database(self, template: str = "template1") -> str:
        """Make a database of its own, copied from *template*, and give its name."""
        name = f"t{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Drop it with whatever is still connected."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=str(self.folder), port=_PORT, user="secops", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def binaries_folder() -> Path | None:
    """Folder of ``initdb`` and ``pg_ctl``: Debian keeps them out of the PATH, newest version first."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def require_postgres() -> Path:
    """Give the folder of PostgreSQL's programs, or skip; with SECOPS_REQUIRE_SERVICES=1 absence is a failure."""
    found = binaries_folder()
    if found is None:
        message = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("SECOPS_REQUIRE_SERVICES") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return found


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a server in a temporary folder; stop it and remove the folder at the end, whatever happened."""
    binaries = require_postgres()
    # Not below pytest's folder: that one is closed to other users, and a socket path has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="secops-pg-"))
    as_user: list[str] = []
    if os.getuid() == 0:
        shutil.chown(folder, "nobody")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data = folder / "data"
    try:
        _call(
            [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", "secops", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            folder,
        )  # fmt: skip
        control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
        _call(
            [*control, "-l", str(folder / "log"), "-o", f"{_OPTIONS} -k {folder} -p {_PORT}", "start"], folder
        )
        try:
            yield PostgresServer(folder, binaries)
        finally:
            _call([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _call(arguments: list[str], folder: Path) -> None:
    # Output goes to a file: the server inherits it and would keep a pipe open for ever.
    log = folder / "commands.log"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    with open(log, "ab") as stream:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=folder,
            env=environment,
            check=False,
        )
    if done.returncode != 0:
        server_log = folder / "log"
        told = log.read_text() + (server_log.read_text() if server_log.exists() else "")
        raise RuntimeError(f"{arguments[-1]} failed with {done.returncode}:\n{told[-3000:]}")
