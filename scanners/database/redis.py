"""Redis: one connection, a fixed list of commands, over our own bounded wire.

The password of the server is never read: whether one is asked for shows before the log-in, and ``ACL LIST``, which
holds digests, is cut down to names and rights as it comes in.
"""

from __future__ import annotations

import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from scanners.base import FailureReason, Target
from scanners.database.asking import Clock, NoAnswer, Request, table_of
from scanners.database.result import DatabaseKind, DatabaseResult, Table, TableState
from scanners.tls.session import HandshakeFailed, TlsStream, client_context
from scanners.tls.transport import Budget, Ending, Wire, WireError, connect

Reply: TypeAlias = "str | int | None | RedisError | list[Reply]"

SETTINGS = (
    "acllog-max-len",
    "aclfile",
    "appendonly",
    "bind",
    "dbfilename",
    "dir",
    "logfile",
    "loglevel",
    "maxclients",
    "port",
    "protected-mode",
    "save",
    "slowlog-log-slower-than",
    "syslog-enabled",
    "timeout",
    "tls-auth-clients",
    "tls-port",
    "unixsocket",
)
"""Settings that are read; none of them holds a secret."""

DANGEROUS = ("FLUSHALL", "FLUSHDB", "CONFIG", "KEYS", "EVAL", "SHUTDOWN", "DEBUG", "MODULE")

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "whoami": ("ACL", "WHOAMI"),
    "server": ("INFO", "server"),
    "replication": ("INFO", "replication"),
    "persistence": ("INFO", "persistence"),
    **{f"config {name}": ("CONFIG", "GET", name) for name in SETTINGS},
    "users": ("ACL", "LIST"),
    "commands": ("COMMAND", "INFO", *(name.lower() for name in DANGEROUS)),
}
"""What is asked after the log-in, by name; the same for every server."""

_INFO_KEYS = frozenset(
    {
        "redis_version", "valkey_version", "redis_mode", "os", "process_id", "run_id", "uptime_in_days", "executable",
        "config_file", "server_time_usec", "role", "connected_slaves", "master_link_status", "rdb_last_bgsave_status",
        "rdb_last_save_time", "aof_enabled", "aof_last_write_status", "tcp_port",
    }
)  # fmt: skip
_MAX_BYTES = 2 * 1024 * 1024
_MAX_ITEMS = 4096
_MAX_DEPTH = 8
_PER_CONNECTION_S = 20.0


@dataclass(frozen=True, slots=True)
class RedisError:
    """An answer that is an error; only its first word is kept."""

    code: str


class Reader:
    """Reads replies of the second version of the protocol, within limits of size, count and depth."""

    def __init__(self, stream: Wire | TlsStream) -> None:
        self._stream = stream
        self._buffer = bytearray()
        self._items = 0

    def reply(self, depth: int = 0) -> Reply:
        """Read one reply.

        Raises:
            NoAnswer: it is not one.
            WireError, HandshakeFailed: the connection broke.
        """
        self._items += 1
        if depth > _MAX_DEPTH or self._items > _MAX_ITEMS:
            raise NoAnswer(FailureReason.RESOURCE_LIMIT, "the target sent more than allowed")
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode("utf-8", "replace")
        if kind == b"-":
            return RedisError(rest.split(b" ", 1)[0].decode("ascii", "replace")[:40])
        if kind == b":":
            return self._number(rest)
        if kind == b"$":
            length = self._number(rest)
            return None if length < 0 else self._exactly(length).decode("utf-8", "replace")
        if kind == b"*":
            count = self._number(rest)
            return None if count < 0 else [self.reply(depth + 1) for _ in range(min(count, _MAX_ITEMS + 1))]
        raise NoAnswer(FailureReason.PROTOCOL, "the answer is not that of Redis")

    def _number(self, digits: bytes) -> int:
        text = digits.strip()
        if not text.lstrip(b"-").isdigit() or len(text) > 19:
            raise NoAnswer(FailureReason.PROTOCOL, "the answer is not that of Redis")
        return int(text)

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > 64 * 1024:
                raise NoAnswer(FailureReason.PROTOCOL, "the answer is not that of Redis")
            self._more()
        line, _, rest = bytes(self._buffer).partition(b"\r\n")
        self._buffer = bytearray(rest)
        return line

    def _exactly(self, length: int) -> bytes:
        if length > _MAX_BYTES:
            raise NoAnswer(FailureReason.RESOURCE_LIMIT, "the target sent more than allowed")
        while len(self._buffer) < length + 2:
            self._more()
        found = bytes(self._buffer[:length])
        del self._buffer[: length + 2]
        return found

    def _more(self) -> None:
        data = self._stream.receive()
        if not data:
            raise WireError(Ending.CLOSED)
        self._buffer += data


def encode(words: Sequence[str]) -> bytes:
    """Write one command as an array of counted strings, so that no word can become another command."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(f"${len(data)}\r\n".encode() + data + b"\r\n")
    return b"".join(parts)


def ask_redis(request: Request, clock: Clock) -> DatabaseResult:
    """Say PING in clear to see what the port speaks, log in, ask everything.

    Raises:
        NoAnswer: with the reason.
    """
    budget = Budget(time.monotonic() + clock.left_s(), _MAX_BYTES, lambda: False)
    target = Target(request.host, request.port)
    try:
        first = _greet(target, budget)
        if first is not None:
            if request.require_tls:
                raise NoAnswer(
                    FailureReason.AUTHENTICATION, "the server offers no TLS, and the credentials ask for it"
                )
            wire, stream, reader, greeting = first
        else:
            wire = connect(target, budget, per_connection_s=_PER_CONNECTION_S)
            stream = TlsStream(wire, client_context(), "")
            stream.shake_hands()
            reader = Reader(stream)
            stream.send(encode(("PING",)))
            greeting = reader.reply()
        with wire:
            return _look(request, stream, reader, greeting, encrypted=first is None)
    except HandshakeFailed:
        raise NoAnswer(FailureReason.PROTOCOL, "the TLS handshake failed") from None
    except WireError as problem:
        failed = problem.as_failed()
        raise NoAnswer(failed.reason, failed.detail) from None


def _greet(target: Target, budget: Budget) -> tuple[Wire, Wire | TlsStream, Reader, Reply] | None:
    """Give the open connection when the port answers in clear, ``None`` when it seems to want TLS."""
    wire = connect(target, budget, per_connection_s=_PER_CONNECTION_S)
    try:
        reader = Reader(wire)
        wire.send(encode(("PING",)))
        return wire, wire, reader, reader.reply()
    except (NoAnswer, WireError) as problem:
        wire.close()
        heard = bytes(wire.received[:1])
        is_silent = isinstance(problem, WireError) and problem.ending in (Ending.CLOSED, Ending.RESET)
        if heard in (b"\x15", b"\x16") or (is_silent and not heard):
            return None
        raise


def _look(
    request: Request, stream: Wire | TlsStream, reader: Reader, greeting: Reply, *, encrypted: bool
) -> DatabaseResult:
    if isinstance(greeting, RedisError) and greeting.code == "DENIED":
        raise NoAnswer(
            FailureReason.AUTHENTICATION, "the server is in protected mode and takes no log-in from here"
        )
    asked = isinstance(greeting, RedisError) and greeting.code == "NOAUTH"
    if not asked and greeting != "PONG":
        raise NoAnswer(FailureReason.PROTOCOL, "the answer is not that of Redis")
    if asked or request.username != "default":
        words = (request.username, request.password) if request.username != "default" else (request.password,)
        stream.send(encode(("AUTH", *words)))
        if reader.reply() != "OK":
            raise NoAnswer(FailureReason.AUTHENTICATION, "the server refused the log-in")
    answers: dict[str, Reply] = {}
    for name, command in COMMANDS.items():
        stream.send(encode(command))
        answers[name] = reader.reply()
    tables = _tables(answers)
    tables["login"] = table_of(("asked", "encrypted"), [(asked, encrypted)])
    tables["given"] = _given(request, asked=asked)
    return DatabaseResult(DatabaseKind.REDIS, request.username, encrypted, "TLS" if encrypted else "", tables)


def _given(request: Request, *, asked: bool) -> Table:
    """Say of the password that was used how strong it is, in steps too coarse to help anybody guess it."""
    if not asked or not request.password:
        return Table(TableState.UNKNOWN)
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    classes = sum(any(letter in kind for letter in request.password) for kind in kinds)
    classes += any(letter not in "".join(kinds) for letter in request.password)
    # 16 stands for all that is longer, and even numbers alone are told
    length = min(len(request.password), 16) // 2 * 2
    return table_of(("account", "length", "classes"), [(request.username, length, classes)])


def _tables(answers: Mapping[str, Reply]) -> dict[str, Table]:
    tables = {name: _info(answers[name]) for name in ("server", "replication", "persistence")}
    tables["settings"] = _settings(answers)
    tables["users"] = _users(answers["users"])
    tables["commands"] = _commands(answers["commands"])
    return tables


def _refused(reply: RedisError) -> Table:
    denied = reply.code in ("NOPERM", "NOAUTH")
    return Table(TableState.DENIED if denied else TableState.UNKNOWN, code=reply.code)


def _info(reply: Reply) -> Table:
    if isinstance(reply, RedisError):
        return _refused(reply)
    if not isinstance(reply, str):
        return Table(TableState.FAILED)
    pairs = (line.partition(":") for line in reply.splitlines() if ":" in line)
    found = {key: value for key, _, value in pairs if key in _INFO_KEYS}
    return table_of(tuple(found), [tuple(found.values())])


def _settings(answers: Mapping[str, Reply]) -> Table:
    rows: list[tuple[str, str]] = []
    refused: Table | None = None
    for name in SETTINGS:
        reply = answers[f"config {name}"]
        if isinstance(reply, RedisError):
            refused = _refused(reply)
        elif isinstance(reply, list) and len(reply) == 2 and reply[0] == name and isinstance(reply[1], str):
            rows.append((name, reply[1]))
    if refused is not None and not rows:
        return refused
    return table_of(("name", "setting"), rows)


def _users(reply: Reply) -> Table:
    """Keep name, flags, the number of secrets, and rights of each user; the digests are left behind here."""
    if isinstance(reply, RedisError):
        return _refused(reply)
    if not isinstance(reply, list):
        return Table(TableState.FAILED)
    rows: list[tuple[object, ...]] = []
    for line in reply:
        words = line.split() if isinstance(line, str) else []
        if len(words) < 3 or words[0] != "user":
            return Table(TableState.FAILED)
        flags = words[2:]
        rights = [
            word for word in flags if word.startswith(("+", "-")) or word in ("allcommands", "nocommands")
        ]
        keys = [word for word in flags if word.startswith(("~", "%", "allkeys"))]
        secrets = sum(1 for word in flags if word.startswith("#"))
        rows.append(
            (words[1], "on" in flags, "nopass" in flags, secrets, " ".join(keys)[:200], " ".join(rights))
        )
    return table_of(("user", "enabled", "nopass", "secrets", "keys", "rights"), rows)


def _commands(reply: Reply) -> Table:
    """A command that was renamed away is not known to the server any more."""
    if isinstance(reply, RedisError):
        return _refused(reply)
    if not isinstance(reply, list) or len(reply) != len(DANGEROUS):
        return Table(TableState.FAILED)
    return table_of(
        ("command", "there"), [(name, one is not None) for name, one in zip(DANGEROUS, reply, strict=True)]
    )
