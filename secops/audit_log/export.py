"""Audit rows from and to the outside: a database cursor, and a file of JSON lines that is checked elsewhere.

An export has a line that names the log, one line for each row in the order of the sequence, and one for the head.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from secops.audit_log.chain import FIELDS, Head, Mac, SignedCheckpoint, plain_json
from secops.audit_log.verify import MalformedRow, Row, SealedHead, Start, VerifyResult, verify_log
from smcrypto import sm2
from smcrypto.keys import KeyProvider


class LogUnreadable(ValueError):
    """This is no audit log at all, so nothing can be said about it; ``reason`` tells what was met instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def export_lines(
    log_id: str, rows: Iterable[Mapping[str, Any]], head: Head, mac: Mac | None
) -> Iterator[str]:
    """Write a log for checking elsewhere: a line that opens it, one for each row, one for the head."""
    yield plain_json({"secops_audit_export": 1, "log_id": log_id})
    for row in rows:
        fields = {name: row[name] for name in FIELDS if name in row}
        fields["at"] = f"{row['at'].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
        fields.update(hash=row["hash"], kid=row.get("kid", ""), mac=row.get("mac", ""))
        yield plain_json(fields)
    sealed = {"kid": mac.kid, "mac": mac.value} if mac else {"kid": "", "mac": ""}
    yield plain_json({"head": {"seq": head.seq, "hash": head.hash, "mac_from": head.mac_from, **sealed}})


class Cursor(Protocol):
    """The part of a DB-API cursor that is needed here, after its query was executed."""

    @property
    def description(self) -> Any:
        """One entry for each column, its name first."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Give the rows, each a sequence of values."""
        ...


def rows_from_cursor(cursor: Cursor) -> Iterator[Mapping[str, Any]]:
    """Read rows from a cursor whose query was executed with ``ORDER BY seq``.

    Drivers differ: SQLite gives moments and JSON as text, psycopg as objects. Both are accepted; other types are left
    as they are and show as damage.
    """
    names = [column[0] for column in cursor.description]
    for values in cursor:
        yield normalise_row(dict(zip(names, values, strict=True)))


def normalise_row(fields: dict[str, Any]) -> dict[str, Any]:
    """Bring moment and detail of a row to objects; a moment without zone is UTC."""
    at, detail = fields.get("at"), fields.get("detail")
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            at = None
    if isinstance(at, datetime):
        fields["at"] = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if isinstance(detail, str):
        try:
            fields["detail"] = json.loads(detail)
        except (ValueError, RecursionError):
            # a value that has no canonical form, so that it shows as damage
            fields["detail"] = float("nan")
    return fields


@dataclass(frozen=True, slots=True)
class Export:
    """An export being read: ``rows`` can be walked once, ``head`` is there when they were."""

    log_id: str
    rows: Iterator[Row]
    _head: list[SealedHead]

    @property
    def head(self) -> SealedHead | None:
        """The head at the end of the export; None before the rows were walked or when it is missing."""
        return self._head[0] if self._head else None


def read_export(lines: Iterable[str]) -> Export:
    """Read an export line by line.

    Raises:
        LogUnreadable: the first line is not that of an export.
    """
    stream = iter(lines)
    first = _parse_line(next(stream, ""))
    if first is None or first.get("secops_audit_export") != 1 or not isinstance(first.get("log_id"), str):
        raise LogUnreadable("not an export of an audit log")
    heads: list[SealedHead] = []
    return Export(first["log_id"], _export_rows(stream, first["log_id"], heads), heads)


def _export_rows(lines: Iterator[str], log_id: str, heads: list[SealedHead]) -> Iterator[Row]:
    for line in lines:
        fields = _parse_line(line)
        if fields is None:
            yield MalformedRow("line cannot be read", is_cut=not line.endswith("\n"))
        elif "head" in fields:
            sealed = _parse_head(log_id, fields["head"])
            if sealed is None:
                yield MalformedRow("head cannot be read", is_cut=False)
            else:
                heads.append(sealed)
        elif heads:
            yield MalformedRow("row after the head", is_cut=False)
        else:
            yield normalise_row(fields)


def _parse_line(line: str) -> dict[str, Any] | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _parse_head(log_id: str, fields: Any) -> SealedHead | None:
    try:
        seq, row, start = fields["seq"], fields["hash"], fields["mac_from"]
        kid, mac = fields["kid"], fields["mac"]
    except (KeyError, TypeError):
        return None
    if type(seq) is not int or not (start is None or type(start) is int):
        return None
    if not all(isinstance(text, str) for text in (row, kid, mac)):
        return None
    return SealedHead(Head(log_id, seq, row, start), Mac(kid, mac))


def verify_export(
    lines: Iterable[str],
    *,
    log_id: str | None = None,
    keys: KeyProvider | None = None,
    mac_from: int | None = None,
    checkpoints: Iterable[SignedCheckpoint] = (),
    public_keys: Sequence[sm2.PublicKey] = (),
    start: Start | None = None,
) -> VerifyResult:
    """Check an export; the head at its end is required, so that a cut file shows.

    Args:
        lines: Text lines with their line ends.
        log_id: The log expected; None takes the one the export names, and then checkpoints must be of that one.

    Raises:
        LogUnreadable: not an export, or one of another log.
    """
    export = read_export(lines)
    if log_id is not None and export.log_id != log_id:
        raise LogUnreadable(f"export of log {export.log_id}, not of {log_id}")
    return verify_log(
        export.rows,
        export.log_id,
        head=lambda: export.head,
        needs_head=True,
        keys=keys,
        mac_from=mac_from,
        checkpoints=checkpoints,
        public_keys=public_keys,
        start=start,
    )
