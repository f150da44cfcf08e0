"""The database probe against loopback peers that lie, stall and flood: bounded, named, and the password stays here."""

from __future__ import annotations

import json
import pickle
import socket
import struct

import pytest

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.database.asking import Request, masked
from scanners.database.child import answer
from scanners.database.probe import DatabaseProbe
from scanners.database.result import Credentials, DatabaseKind, DatabaseResult, Table, TableState, TlsUse
from scanners.jsonable import from_json, to_json
from tests.support.peers.tcp import HOSTILE, Peer
from tests.support.services import free_port

WORD = "Sesame-open-42"
KINDS = tuple(DatabaseKind)


def _ask(
    target: Target,
    kind: DatabaseKind | None,
    *,
    timeout_s: float = 8,
    tls: TlsUse = TlsUse.PREFER,
    user: str = "audit",
) -> Attempt[DatabaseResult]:
    credentials = Credentials(user, WORD, kind=kind, tls=tls)
    return DatabaseProbe(credentials).run(target, ProbeContext(timeout_s))


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_there_is_refused(kind: DatabaseKind) -> None:
    """A closed port is told from a silent one, for every kind."""
    attempt = _ask(Target("127.0.0.1", free_port()), kind)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.REFUSED


@pytest.mark.parametrize("name", sorted(HOSTILE))
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_peers_give_a_failure(kind: DatabaseKind, name: str) -> None:
    """Whatever a peer does instead of speaking its protocol ends in a named failure within the time given."""
    with Peer(HOSTILE[name]) as peer:
        attempt = _ask(peer.target, kind, timeout_s=4)

    assert isinstance(attempt, Failed)
    assert attempt.reason in {FailureReason.PROTOCOL, FailureReason.TIMED_OUT, FailureReason.RESOURCE_LIMIT}
    assert attempt.duration_ms < 6000


@pytest.mark.parametrize("host", ["localhost", "127.1", "fe80::1%lo", "10.0.0.1;id", ""])
def test_only_address_literals_are_accepted(host: str) -> None:
    """Names and unusual spellings never reach a driver."""
    attempt = _ask(Target(host, 5432), DatabaseKind.POSTGRESQL)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_a_port_that_is_not_usual_needs_a_kind() -> None:
    """Nothing is tried out on a port that could be anything."""
    attempt = _ask(Target("127.0.0.1", 9), None)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_a_cancelled_probe_stops() -> None:
    """A request to stop ends the child."""
    asked = iter([False] * 5)
    with Peer(HOSTILE["tarpit"]) as peer:
        probe = DatabaseProbe(Credentials("audit", WORD, kind=DatabaseKind.MYSQL))
        attempt = probe.run(peer.target, ProbeContext(30, cancelled=lambda: next(asked, True)))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.CANCELLED


class _Heard:
    """Keeps what a peer was sent."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, connection: socket.socket) -> bytes:
        found = connection.recv(65536)
        self.data += found
        return found


def test_postgresql_gets_no_password_in_clear() -> None:
    """A server that asks for the password itself is refused, and over its connection no piece of it went."""
    heard = _Heard()

    def serve(connection: socket.socket) -> None:
        while data := heard.read(connection):
            if data[4:8] == struct.pack(">I", 80877103):
                connection.sendall(b"N")
            else:
                connection.sendall(b"R" + struct.pack(">II", 8, 3))

    with Peer(serve) as peer:
        attempt = _ask(peer.target, DatabaseKind.POSTGRESQL)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.AUTHENTICATION
    assert attempt.detail == "the server asks for the password in clear"
    assert b"audit" in heard.data
    assert WORD.encode() not in heard.data


def _mysql_packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def _mysql_greeting(*, capabilities: int = 0x81FFF7FF & ~0x800) -> bytes:
    body = b"\x0a8.0.99\0" + struct.pack("<I", 7) + b"abcdefgh\0" + struct.pack("<H", capabilities & 0xFFFF)
    body += b"\x21" + struct.pack("<H", 2) + struct.pack("<H", capabilities >> 16) + bytes([21]) + bytes(10)
    return _mysql_packet(0, body + b"ijklmnopqrst\0" + b"mysql_native_password\0")


@pytest.mark.parametrize("method", [b"mysql_clear_password", b"dialog", b"mysql_old_password"])
def test_mysql_gets_no_password_in_clear(method: bytes) -> None:
    """A server that turns to a method that shows the password is refused."""
    heard = _Heard()

    def serve(connection: socket.socket) -> None:
        connection.sendall(_mysql_greeting())
        heard.read(connection)
        connection.sendall(_mysql_packet(2, b"\xfe" + method + b"\0Password: \0"))
        heard.read(connection)

    with Peer(serve) as peer:
        attempt = _ask(peer.target, DatabaseKind.MYSQL)

    assert isinstance(attempt, Failed)
    assert (attempt.reason, attempt.detail) == (
        FailureReason.AUTHENTICATION,
        "the server asks for the password in clear",
    )
    assert b"audit" in heard.data
    assert WORD.encode() not in heard.data


@pytest.mark.parametrize("kind", KINDS)
def test_without_tls_nothing_is_sent_where_it_is_required(kind: DatabaseKind) -> None:
    """``tls: require`` ends the look before the log-in."""
    heard = _Heard()

    def serve(connection: socket.socket) -> None:
        if kind is DatabaseKind.MYSQL:
            connection.sendall(_mysql_greeting())
        while heard.read(connection):
            connection.sendall(b"N" if kind is DatabaseKind.POSTGRESQL else b"-NOAUTH who\r\n")

    with Peer(serve) as peer:
        attempt = _ask(peer.target, kind, tls=TlsUse.REQUIRE)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.AUTHENTICATION
    assert "TLS" in attempt.detail
    assert WORD.encode() not in heard.data
    assert b"audit" not in heard.data


def test_the_password_is_sent_once_and_is_nowhere_in_the_failure() -> None:
    """A Redis that refuses and repeats what it heard: one AUTH, and our own words in the failure."""
    heard = _Heard()

    def serve(connection: socket.socket) -> None:
        while data := heard.read(connection):
            connection.sendall(
                b"-NOAUTH\r\n" if b"PING" in data else b"-ERR wrong " + WORD.encode() + b"\r\n"
            )

    with Peer(serve) as peer:
        attempt = _ask(peer.target, DatabaseKind.REDIS)
        assert peer.connections == 1

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.AUTHENTICATION
    assert heard.data.count(WORD.encode()) == 1
    assert WORD not in repr(attempt)


def test_a_server_that_repeats_the_password_loses_its_answer() -> None:
    """What holds the password is thrown away whole; the rest stays."""

    def serve(connection: socket.socket) -> None:
        while data := connection.recv(65536):
            if b"PING" in data:
                connection.sendall(b"-NOAUTH\r\n")
            elif b"AUTH" in data and b"INFO" not in data and b"ACL" not in data:
                connection.sendall(b"+OK\r\n")
            elif b"INFO" in data and b"COMMAND" not in data:
                body = f"redis_version:7.{WORD}\r\nrole:master\r\n".encode()
                connection.sendall(b"$%d\r\n%s\r\n" % (len(body), body))
            else:
                connection.sendall(b"-NOPERM no\r\n")

    with Peer(serve) as peer:
        attempt = _ask(peer.target, DatabaseKind.REDIS)

    assert isinstance(attempt, Completed), attempt
    assert attempt.result.tables["server"] == Table(TableState.MASKED)
    assert attempt.result.tables["users"].state is TableState.DENIED
    assert WORD not in json.dumps(to_json(attempt.result))
    assert WORD.encode() not in attempt.raw
    assert from_json(DatabaseResult, to_json(attempt.result)) == attempt.result


def test_an_array_of_millions_is_cut_off() -> None:
    """A count is believed up to the limit, and nesting up to a depth."""
    for flood in (b"*99999999\r\n" + b":1\r\n" * 9000, b"*1\r\n" * 100, b"$999999999\r\n", b"*-5x\r\n"):

        def serve(connection: socket.socket, flood: bytes = flood) -> None:
            connection.recv(65536)
            connection.sendall(flood)
            connection.recv(1)

        with Peer(serve) as peer:
            attempt = _ask(peer.target, DatabaseKind.REDIS)

        assert isinstance(attempt, Failed)
        assert attempt.reason in {FailureReason.RESOURCE_LIMIT, FailureReason.PROTOCOL}


def test_a_short_password_is_not_looked_for() -> None:
    """Three letters stand in every answer; masking them would leave nothing to see."""
    result = DatabaseResult(
        DatabaseKind.REDIS, "default", False, "", {"server": Table(TableState.SEEN, ({"role": "abc"},))}
    )

    assert masked(result, "abc") == result
    assert masked(result, "abcd") == result


def test_credentials_and_requests_show_nothing() -> None:
    """Neither text nor pickle of what carries the password has it."""
    credentials = Credentials("audit", WORD)
    request = Request("redis", "127.0.0.1", 1, "audit", WORD, "", False, 1.0)

    assert WORD not in repr(credentials) + repr(request) + str(request)
    with pytest.raises(TypeError):
        pickle.dumps(credentials)


def test_the_child_says_why_in_its_own_words() -> None:
    """The answer of the child has a reason of the closed list."""
    told = answer(Request("redis", "127.0.0.1", free_port(), "audit", WORD, "", False, 2.0))

    assert told == {"reason": "refused", "detail": "connection refused"}
