"""Logs to attack: an SQLite table with a head row, as plain as the verifier expects it, and honest ways to fill it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from secops.audit_log import chain, export
from secops.audit_log.chain import CheckpointSigner, Head, Mac, SignedCheckpoint
from secops.audit_log.verify import SealedHead, VerifyResult, verify_log
from smcrypto.keys import FileKeyProvider, Signer

LOG_ID = "5ec0950000000001"
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = (*chain.FIELDS, "hash", "kid", "mac")


def event(seq: int, prev: str, **changes: Any) -> dict[str, Any]:
    """One row before it is hashed."""
    row = {
        "seq": seq,
        "prev": prev,
        "at": START + timedelta(seconds=seq, microseconds=seq),
        "actor": "张三",
        "actor_id": seq % 7 or None,
        "roles": "assessor",
        "session_ref": "a" * 16,
        "address": "10.0.0.7",
        "action": "finding.close",
        "object_type": "Finding",
        "object_id": str(seq),
        "result": "ok",
        "reason": "复测通过",
        "request_id": f"r{seq}",
        "before_digest": "",
        "after_digest": "",
        "detail": {"from": "open", "to": "closed", "count": seq},
    }
    return row | changes


def seal(row: dict[str, Any], keys: FileKeyProvider | None, log_id: str = LOG_ID) -> dict[str, Any]:
    """Hash a row and authenticate it."""
    row["hash"] = chain.row_hash(log_id, row)
    mac = chain.row_mac(keys, row["hash"]) if keys else Mac("", "")
    return row | {"kid": mac.kid, "mac": mac.value}


def make_rows(
    count: int, keys: FileKeyProvider | None, *, log_id: str = LOG_ID, mac_from: int = 1
) -> list[dict[str, Any]]:
    """A chain of rows; those before *mac_from* have no MAC."""
    rows: list[dict[str, Any]] = []
    prev = chain.GENESIS
    for seq in range(1, count + 1):
        rows.append(seal(event(seq, prev), keys if seq >= mac_from else None, log_id))
        prev = rows[-1]["hash"]
    return rows


def sealed_head(
    rows: list[dict[str, Any]], keys: FileKeyProvider | None, mac_from: int | None = 1
) -> SealedHead:
    """The head that belongs to the rows."""
    last = rows[-1] if rows else {"seq": 0, "hash": chain.GENESIS}
    head = Head(LOG_ID, last["seq"], last["hash"], mac_from if keys else None)
    return SealedHead(head, chain.head_mac(keys, head) if keys else Mac("", ""))


def make_checkpoints(
    rows: list[dict[str, Any]], keys: FileKeyProvider, every: int = 50, log_id: str = LOG_ID
) -> list[SignedCheckpoint]:
    """Checkpoints as the signer makes them while the log grows."""
    signer = CheckpointSigner(keys, log_id)
    made = []
    for start in range(0, len(rows) - every + 1, every):
        signed = signer.advance(
            (row["hash"] for row in rows[start : start + every]), time_ms=1_767_225_600_000 + start
        )
        assert signed is not None
        made.append(signed)
    return made


class Database:
    """The log in SQLite, without a key on ``seq`` so that an attacker can do as he likes."""

    def __init__(self, rows: Iterable[dict[str, Any]], head: SealedHead | None) -> None:
        self.sql = sqlite3.connect(":memory:")
        self.sql.row_factory = sqlite3.Row
        for table in ("audit_event", "archive"):
            self.sql.execute(f"create table {table} ({', '.join(COLUMNS)})")
        self.sql.execute("create table audit_head (log_id, seq, hash, mac_from, kid, mac)")
        self.insert(rows)
        if head is not None:
            self.put_head(head)

    def insert(self, rows: Iterable[dict[str, Any]], table: str = "audit_event") -> None:
        marks = ", ".join("?" * len(COLUMNS))
        self.sql.executemany(
            f"insert into {table} values ({marks})",
            [tuple(_stored(row[name]) for name in COLUMNS) for row in rows],
        )

    def put_head(self, sealed: SealedHead) -> None:
        head, mac = sealed.head, sealed.mac
        self.sql.execute("delete from audit_head")
        self.sql.execute(
            "insert into audit_head values (?, ?, ?, ?, ?, ?)",
            (head.log_id, head.seq, head.hash, head.mac_from, mac.kid, mac.value),
        )

    def head(self) -> SealedHead | None:
        row = self.sql.execute("select * from audit_head").fetchone()
        if row is None:
            return None
        return SealedHead(
            Head(row["log_id"], row["seq"], row["hash"], row["mac_from"]), Mac(row["kid"], row["mac"])
        )

    def rows(self) -> list[dict[str, Any]]:
        """Read rows the way an attacker would to forge some."""
        return [dict(row) for row in export.rows_from_cursor(self.cursor())]

    def cursor(self) -> sqlite3.Cursor:
        return self.sql.execute("select * from audit_event order by seq")

    def replace_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        rows = list(rows)
        self.sql.execute("delete from audit_event")
        self.insert(rows)

    def rechain(self, rows: list[dict[str, Any]], keys: FileKeyProvider | None) -> None:
        """Give all rows new numbers and hashes, with MACs when the attacker holds the key; keep old MACs if not."""
        prev = chain.GENESIS
        for seq, row in enumerate(rows, 1):
            row["seq"], row["prev"] = seq, prev
            row["hash"] = prev = chain.row_hash(LOG_ID, row)
            if keys is not None:
                mac = chain.row_mac(keys, prev)
                row["kid"], row["mac"] = mac.kid, mac.value
        self.replace_rows(rows)

    def move_head(self, seq: int, row_hash: str, keys: FileKeyProvider | None = None) -> None:
        """Let the head name another row; without the key its MAC stays the old one."""
        found = self.head()
        assert found is not None
        head = Head(LOG_ID, seq, row_hash, found.head.mac_from)
        self.put_head(SealedHead(head, chain.head_mac(keys, head) if keys else found.mac))

    def verify(
        self, keys: FileKeyProvider | None, checkpoints: Iterable[SignedCheckpoint] = (), **named: Any
    ) -> VerifyResult:
        checkpoints = tuple(checkpoints)
        signer = [keys.public_key(Signer.CHECKPOINT)] if keys else []
        named = {
            "public_keys": signer,
            "keys": keys,
            "needs_head": True,
            "mac_from": 1 if keys else None,
        } | named
        return verify_log(
            export.rows_from_cursor(self.cursor()), LOG_ID, head=self.head(), checkpoints=checkpoints, **named
        )


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return value
