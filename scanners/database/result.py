"""What the probe gives back, and what it is given. Credentials are never part of a result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Cell: TypeAlias = bool | int | float | str | None

MAX_ROWS = 500
"""Rows kept of one answer; a longer one is marked as cut."""

MAX_TEXT = 500
"""Characters kept of one cell."""


class DatabaseKind(StrEnum):
    """Which language is spoken; MariaDB speaks that of MySQL."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    REDIS = "redis"


DEFAULT_PORTS: Mapping[DatabaseKind, int] = {
    DatabaseKind.POSTGRESQL: 5432,
    DatabaseKind.MYSQL: 3306,
    DatabaseKind.REDIS: 6379,
}


class TableState(StrEnum):
    """What came of one question.

    ``cut``: there is more than what is kept. ``denied``: the account may not ask. ``unknown``: this server has
    no such thing. ``masked``: the answer held the password that was used, so it was thrown away.
    """

    SEEN = "seen"
    CUT = "cut"
    DENIED = "denied"
    UNKNOWN = "unknown"
    FAILED = "failed"
    MASKED = "masked"


@dataclass(frozen=True, slots=True)
class Table:
    """The answer to one fixed question; ``code`` is the error code of the server, never its text."""

    state: TableState
    rows: tuple[Mapping[str, Cell], ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseResult:
    """Everything that one look at one server gave, by name of the question.

    ``encrypted`` says whether the look itself went through TLS; ``account`` is the name used.
    """

    kind: DatabaseKind
    account: str
    encrypted: bool
    protocol: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)


class TlsUse(StrEnum):
    """Whether to go on without TLS when the server offers none."""

    PREFER = "prefer"
    REQUIRE = "require"


class Credentials:
    """How to log in. Not a dataclass on purpose: it cannot be turned into JSON and never shows its secrets.

    Args:
        kind: ``None`` means: by the usual port.
        database: The database of PostgreSQL to look into; others share its server-wide settings only.
    """

    __slots__ = ("database", "kind", "password", "tls", "username")

    def __init__(
        self,
        username: str,
        password: str,
        *,
        kind: DatabaseKind | None = None,
        database: str = "postgres",
        tls: TlsUse = TlsUse.PREFER,
    ) -> None:
        self.username = username
        self.password = password
        self.kind = kind
        self.database = database
        self.tls = tls

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, ...)"

    def __reduce__(self) -> str:
        raise TypeError("credentials are not written anywhere")
