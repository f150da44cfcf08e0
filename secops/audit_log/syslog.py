"""The audit log as a stream to another machine: every record, in order, over TLS or TCP, resumed where it stopped.

Messages have the form of RFC 5424, framed by length (RFC 6587, 3.4.1; RFC 5425). ``audit/syslog.json`` notes the last
record that was handed over; a record may come twice after a lost connection, never not at all. Nothing waits for the
receiver: when it is away the records stay in the log, the page says since when, and they follow later.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from secops.audit_log.chain import FIELDS, plain_json
from secops.audit_log.checkpoints import alone, folder_of, replace_file
from secops.audit_log.models import AuditEvent
from secops.platform import Platform

BATCH = 1000
TIME_LIMIT_S = 5
# Facility 13 (log audit); severity 5 for what went as usual, 4 for what was refused or failed.
_USUAL, _TROUBLE = 13 * 8 + 5, 13 * 8 + 4


@dataclass(frozen=True, slots=True)
class Shipped:
    """How far it is: the last record handed over, when, and since when and why it stands still ("" = it does not)."""

    seq: int = 0
    at: str = ""
    fault: str = ""
    since: str = ""


def state_of(platform: Platform) -> Shipped | None:
    """None where no receiver is set up."""
    if not platform.settings.audit_syslog:
        return None
    path = folder_of(platform) / "syslog.json"
    return Shipped(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Shipped()


def ship_due(platform: Platform, *, now: datetime) -> int:
    """Hand over up to 1,000 records; run by the tick, harmless if run twice. Returns how many went."""
    if not platform.settings.audit_syslog:
        return 0
    with alone(folder_of(platform), "syslog.lock") as mine:
        if not mine:
            return 0
        before = state_of(platform) or Shipped()
        with platform.work("audit-syslog") as session:
            query = (
                select(AuditEvent).where(AuditEvent.seq > before.seq).order_by(AuditEvent.seq).limit(BATCH)
            )
            rows = session.scalars(query).all()
        moment = now.astimezone(UTC).isoformat(timespec="seconds")
        if not rows and not before.fault:
            return 0
        try:
            with _connected(platform) as peer:
                for row in rows:
                    peer.sendall(_frame(row))
        except (OSError, ValueError) as error:
            # Some may have arrived; they are sent again, and the receiver tells them by their sequence.
            since = before.since if before.fault else moment
            _note(platform, Shipped(before.seq, before.at, f"{type(error).__name__}: {error}"[:200], since))
            return 0
        _note(platform, Shipped(rows[-1].seq if rows else before.seq, moment))
        return len(rows)


def _note(platform: Platform, state: Shipped) -> None:
    replace_file(folder_of(platform) / "syslog.json", json.dumps(asdict(state)))


@contextmanager
def _connected(platform: Platform) -> Iterator[socket.socket]:
    target = urlsplit(platform.settings.audit_syslog)
    host = target.hostname or ""
    with socket.create_connection((host, target.port or 6514), timeout=TIME_LIMIT_S) as plain:
        if target.scheme != "tls":
            yield plain
            # What was only handed to the kernel may be lost: a receiver that read to our end closes on its side.
            plain.shutdown(socket.SHUT_WR)
            plain.recv(1)
            return
        context = ssl.create_default_context(cafile=platform.settings.audit_syslog_ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        with context.wrap_socket(plain, server_hostname=host) as peer:
            yield peer
            # The goodbye of a receiver says that it read to ours; one that only hangs up in order did so too.
            with suppress(ssl.SSLEOFError):
                peer.unwrap()


def _frame(row: AuditEvent) -> bytes:
    fields: dict[str, Any] = {name: getattr(row, name) for name in FIELDS if hasattr(row, name)}
    fields["at"] = f"{row.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    fields |= {"hash": row.hash, "kid": row.kid, "mac": row.mac}
    priority = _USUAL if row.result == "ok" else _TROUBLE
    head = f"<{priority}>1 {fields['at']} - secops - {row.seq} - "
    message = head.encode() + "\ufeff".encode() + plain_json(fields).encode()
    return f"{len(message)} ".encode() + message
