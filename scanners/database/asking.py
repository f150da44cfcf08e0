"""What the three askers share: the request that a child gets, how it ends early, caps, and masking."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from scanners.base import FailureReason
from scanners.database.result import MAX_ROWS, MAX_TEXT, Cell, DatabaseResult, Table, TableState
from scanners.tls.text import printable

SHORTEST_MASKED = 4
"""Passwords shorter than this are not looked for in answers: they would be found everywhere."""

RowsOf = Iterable[Sequence[object]]


class NoAnswer(Exception):
    """The look ended before it had a result; *detail* is our own text, never the server's."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Request:
    """What the child is told over its standard input; lives in memory alone."""

    kind: str
    host: str
    port: int
    username: str
    password: str
    database: str
    require_tls: bool
    timeout_s: float

    def __repr__(self) -> str:
        return f"Request({self.kind} {self.host}:{self.port})"


class Clock:
    """The time that is left, shared by connecting and by every question."""

    def __init__(self, timeout_s: float) -> None:
        self.deadline = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Seconds left.

        Raises:
            NoAnswer: none.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NoAnswer(FailureReason.TIMED_OUT, "no answer in time")
        return left


def cell(value: object) -> Cell:
    """Turn what a driver gives into a plain value; texts are made printable and short."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return printable(bytes(value).decode("utf-8", "replace"), MAX_TEXT)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return printable(str(value), MAX_TEXT)


def table_of(names: Sequence[str], rows: RowsOf) -> Table:
    """Keep at most ``MAX_ROWS`` rows."""
    kept: list[Mapping[str, Cell]] = []
    for row in rows:
        if len(kept) == MAX_ROWS:
            return Table(TableState.CUT, tuple(kept))
        kept.append({name: cell(value) for name, value in zip(names, row, strict=True)})
    return Table(TableState.SEEN, tuple(kept))


def masked(result: DatabaseResult, password: str) -> DatabaseResult:
    """Throw away every answer that holds the password: what a server says back must not leave this process."""
    if len(password) < SHORTEST_MASKED:
        return result
    tables = {
        name: Table(TableState.MASKED) if _holds(table, password) else table
        for name, table in result.tables.items()
    }
    protocol = "" if password in result.protocol else result.protocol
    return DatabaseResult(result.kind, result.account, result.encrypted, protocol, tables)


def _holds(table: Table, password: str) -> bool:
    return any(password in str(value) for row in table.rows for value in row.values() if value is not None)
