"""Fixtures of all tests.

    platform         a fresh installation in a temporary folder: migrated SQLite, keys, vault, first rows
    pg_platform      the same on a private PostgreSQL (skipped when it is not installed; see support/postgres.py)
    both_platforms   runs the test on each of the two
    make_app         make_app(platform) → the Flask application over it
    client_as        client_as(Role.OFFICER, department_id=…) → signed-in client; client_as(None) → nobody
    rows             rows.one(Model, …), rows.many(Model, n, …): quick rows of any table (support/builders.py)
    query_recorder   with query_recorder(engine) as queries: … queries.count

Three rules hold everywhere. A warning is an error (pyproject.toml). No socket leaves this machine: connecting or
sending to anything but loopback and Unix sockets raises ``OutsideNetwork``; programs that a test starts are outside
of that guard, so a test gives them loopback addresses. And no setting of the person who runs the tests is seen:
``SECOPS_*`` is gone from the environment, and ``SECOPS_HOME`` names an empty temporary folder.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from secops.config import _NOT_SETTINGS
from secops.platform import Platform
from tests.support import platforms
from tests.support.builders import Rows
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.queries import recorded_queries

_KEPT: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Hide the settings of whoever runs the tests before a module is imported that reads them."""
    for name in [name for name in os.environ if name.startswith("SECOPS_") and name not in _NOT_SETTINGS]:
        _KEPT[name] = os.environ.pop(name)
    os.environ["SECOPS_HOME"] = tempfile.mkdtemp(prefix="secops-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give them back, and remove the folder."""
    shutil.rmtree(os.environ.pop("SECOPS_HOME"), ignore_errors=True)
    os.environ.update(_KEPT)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests with a browser last, each group in its random order.

    Playwright leaves an event loop running in the main thread until the browser closes; whatever else calls
    ``asyncio.run`` would meet it.
    """
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))


class OutsideNetwork(RuntimeError):
    """A test tried to reach another machine. No OSError, so that the code under test can't take it for a fault."""

    def __init__(self, address: object) -> None:
        super().__init__(address)
        self.address = address

    def __str__(self) -> str:
        return f"tests reach loopback only, not {self.address!r}"


def _is_local(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = address[0] if isinstance(address, tuple) else address
    return _is_local_name(host)


def _is_local_name(host: Any) -> bool:
    if host in (None, "", b"", "localhost", b"localhost", "ip6-localhost"):
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuse every connection and every name that lead off this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), position=0))
        patch.setattr(socket.socket, "sendto", _guarded(socket.socket.sendto, position=-1))
        real_lookup = socket.getaddrinfo

        def lookup(host: Any, *rest: Any, **named: Any) -> Any:
            numeric = _is_numeric(host)
            if not numeric and not _is_local_name(host):
                raise OutsideNetwork(host)
            return real_lookup(host, *rest, **named)

        patch.setattr(socket, "getaddrinfo", lookup)
        yield


def _is_numeric(host: Any) -> bool:
    try:
        ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return True


def _guarded(real: Callable[..., Any], *, position: int) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: Any) -> Any:
        if arguments and not _is_local(self.family, arguments[position]):
            raise OutsideNetwork(arguments[position])
        return real(self, *arguments)

    return call


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"
    platforms.make_template(home)
    return home


@pytest.fixture
def platform(_sqlite_template: Path, tmp_path: Path) -> Iterator[Platform]:
    """A fresh installation on SQLite."""
    found = platforms.copy_installation(_sqlite_template, tmp_path / "home")
    yield found
    found.engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private server for the whole session; it starts with the first test that asks."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _postgres_template(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    database = postgres.create_database()
    home = tmp_path_factory.mktemp("pg-template") / "home"
    platforms.make_template(home, database_url=postgres.url(database))
    return database, home


@pytest.fixture
def pg_platform(
    postgres: PostgresServer, _postgres_template: tuple[str, Path], tmp_path: Path
) -> Iterator[Platform]:
    """A fresh installation on PostgreSQL, in a database of its own."""
    template, home = _postgres_template
    database = postgres.create_database(template)
    found = platforms.copy_installation(home, tmp_path / "pg-home", database_url=postgres.url(database))
    yield found
    found.engine.dispose()
    postgres.drop_database(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def both_platforms(request: pytest.FixtureRequest) -> Platform:
    """A fresh installation, once on each database."""
    found: Platform = request.getfixturevalue("platform" if request.param == "sqlite" else "pg_platform")
    return found


@pytest.fixture
def make_app() -> Iterator[Callable[[Platform], Flask]]:
    """``make_app(platform)`` gives the application over it."""
    made: list[Flask] = []

    def make(platform: Platform) -> Flask:
        app = platforms.application(platform)
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["secops"].engine.dispose()


@pytest.fixture
def client_as(make_app: Callable[[Platform], Flask], platform: Platform) -> platforms.ClientAs:
    """``client_as(role, department_id=…, system_id=…)`` gives a client that went through the log-in page."""
    return platforms.client_factory(make_app, platform)


@pytest.fixture
def rows(platform: Platform) -> Rows:
    """Quick rows for ``platform``; ``Rows(engine)`` does it for another store."""
    return Rows(platform.engine)


@pytest.fixture
def query_recorder() -> Any:
    """``with query_recorder(engine) as queries`` counts statements; see support/queries.py."""
    return recorded_queries
