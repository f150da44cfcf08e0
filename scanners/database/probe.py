"""Look into one database with a given read-only account: one connection, fixed statements, nothing written."""

from __future__ import annotations

import json
import sys
import time
from typing import ClassVar

from scanners.base import (
    Attempt,
    Completed,
    Failed,
    FailureReason,
    ProbeContext,
    ProbeTraits,
    Target,
    TargetKind,
)
from scanners.database.result import DEFAULT_PORTS, Credentials, DatabaseKind, DatabaseResult, TlsUse
from scanners.errors import InvalidResult, InvalidTarget
from scanners.jsonable import from_json
from scanners.targets import parse_address
from scanners.tools import ChildLimits, run_tool

_LIMITS = ChildLimits(address_space=1 << 30, cpu_s=20, file_size=1 << 20, open_files=64)
_LARGEST_ANSWER = 8 * 1024 * 1024
# what the child needs to begin and to end within the budget of the probe
_MARGIN_S = 1.5


class DatabaseProbe:
    """Log in to PostgreSQL, MySQL, MariaDB or Redis with a read-only account and ask a fixed list of questions.

    Args:
        credentials: Used for this run only; never in a result, a log line or a representation. They go to the child
            process over its standard input.
    """

    probe_id: ClassVar[str] = "database"
    traits: ClassVar[ProbeTraits] = ProbeTraits(TargetKind.HOST_PORT, connections=1, needs_credentials=True)

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def run(self, target: Target, context: ProbeContext) -> Attempt[DatabaseResult]:
        """Connect, ask, understand; the password is sent once."""
        started = time.monotonic()
        try:
            address = parse_address(target.host)
        except InvalidTarget as error:
            return Failed(FailureReason.BAD_TARGET, error.why)
        kind = self._kind(target.port)
        if kind is None:
            return Failed(
                FailureReason.BAD_TARGET, "the kind of database is not told and the port is not a usual one"
            )
        port = target.port or DEFAULT_PORTS[kind]
        if not 1 <= port <= 65535:
            return Failed(FailureReason.BAD_TARGET, "a port from 1 to 65535 is needed")
        context.progress(0.0, "connect")
        request = {
            "kind": kind.value,
            "host": str(address),
            "port": port,
            "username": self._credentials.username,
            "password": self._credentials.password,
            "database": self._credentials.database,
            "require_tls": self._credentials.tls is TlsUse.REQUIRE,
            "timeout_s": max(1.0, context.timeout_s - _MARGIN_S),
        }
        ran = run_tool(
            [sys.executable, "-I", "-m", "scanners.database.child"],
            timeout_s=context.timeout_s,
            stdout_cap=_LARGEST_ANSWER,
            stdin=json.dumps(request).encode(),
            cancelled=context.cancelled,
            limits=_LIMITS,
        )
        duration_ms = round((time.monotonic() - started) * 1000)
        if isinstance(ran, Failed):
            # what the child had written so far is not kept: it was not searched for the password
            return Failed(ran.reason, _WORDS.get(ran.reason, ran.detail), duration_ms=duration_ms)
        if ran.returncode < 0 or not ran.stdout:
            return Failed(
                FailureReason.RESOURCE_LIMIT, "the reader of the answers was stopped", duration_ms=duration_ms
            )
        attempt = _understand(ran.stdout, duration_ms)
        context.progress(1.0, "done")
        return attempt

    def _kind(self, port: int | None) -> DatabaseKind | None:
        if self._credentials.kind is not None:
            return self._credentials.kind
        return next((kind for kind, usual in DEFAULT_PORTS.items() if usual == port), None)


_WORDS = {
    FailureReason.TIMED_OUT: "no answer in time",
    FailureReason.CANCELLED: "stopped on request",
    FailureReason.RESOURCE_LIMIT: "the target sent more than allowed",
}


def _understand(output: bytes, duration_ms: int) -> Attempt[DatabaseResult]:
    document = json.loads(output)
    if "reason" in document:
        return Failed(FailureReason(document["reason"]), str(document["detail"]), duration_ms=duration_ms)
    try:
        result = from_json(DatabaseResult, document["result"])
    except InvalidResult as error:
        return Failed(FailureReason.PROTOCOL, error.where, duration_ms=duration_ms)
    raw = json.dumps(document["result"], ensure_ascii=False, indent=1).encode()
    return Completed(result, raw, "application/json", duration_ms)
