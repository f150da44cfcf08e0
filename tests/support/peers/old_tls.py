"""A TLS server that can choose any suite of any version, because it never does any cryptography.

It answers with a ServerHello, its certificates, a key exchange without meaning and ServerHelloDone. Local
OpenSSL refuses RC4, 3DES and export suites; this peer does not.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scanners.tls.records import HELLO_RETRY_RANDOM, Cursor, build_message, build_record
from scanners.tls.suites import suite_name
from tests.support.peers.tcp import reset, wait_for_close


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client asked for."""

    version: int
    suites: tuple[int, ...]
    extensions: Mapping[int, bytes]

    @property
    def versions(self) -> tuple[int, ...]:
        body = self.extensions.get(43)
        if body is None:
            return (self.version,)
        return tuple(int.from_bytes(body[i : i + 2], "big") for i in range(1, len(body), 2))

    @property
    def groups(self) -> tuple[int, ...]:
        body = self.extensions.get(10, b"\0\0")
        return tuple(int.from_bytes(body[i : i + 2], "big") for i in range(2, len(body), 2))


def read_client_hello(connection: socket.socket) -> ClientHello:
    """Read one ClientHello that stands in one record."""
    head = _exactly(connection, 5)
    cursor = Cursor(_exactly(connection, int.from_bytes(head[3:], "big")), "ClientHello")
    assert cursor.number(1) == 1
    body = Cursor(cursor.counted(3), "ClientHello")
    version = body.number(2)
    body.take(32)
    body.counted(1)
    listed = body.counted(2)
    body.counted(1)
    extensions: dict[int, bytes] = {}
    if body.left:
        block = Cursor(body.counted(2), "extensions")
        while block.left:
            number = block.number(2)
            extensions[number] = block.counted(2)
    suites = tuple(int.from_bytes(listed[i : i + 2], "big") for i in range(0, len(listed), 2))
    return ClientHello(version, suites, extensions)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise OSError("client went away")
        data += more
    return data


def server_hello(version: int, suite: int, extensions: Sequence[tuple[int, bytes]] | None = None) -> bytes:
    """Give a ServerHello message; TLS 1.3 is written as its extension demands."""
    random = bytes(range(32))
    wire_version = min(version, 0x0303)
    body = struct.pack(">H", wire_version) + random + b"\0" + struct.pack(">HB", suite, 0)
    if extensions is not None:
        block = b"".join(struct.pack(">HH", number, len(data)) + data for number, data in extensions)
        body += struct.pack(">H", len(block)) + block
    return build_message(2, body)


def hello_retry(suite: int, group: int) -> bytes:
    """Give a HelloRetryRequest that names a suite and a group."""
    block = struct.pack(">HHH", 43, 2, 0x0304) + struct.pack(">HHH", 51, 2, group)
    body = struct.pack(">H", 0x0303) + HELLO_RETRY_RANDOM + b"\0" + struct.pack(">HB", suite, 0)
    return build_message(2, body + struct.pack(">H", len(block)) + block)


def certificates_message(certificates: Sequence[bytes]) -> bytes:
    """Give a Certificate message of TLS 1.2 and older."""
    entries = b"".join(len(der).to_bytes(3, "big") + der for der in certificates)
    return build_message(11, len(entries).to_bytes(3, "big") + entries)


def key_exchange_message(suite: int, dh_bits: int = 2048) -> bytes:
    """Give a ServerKeyExchange of the right shape and no meaning, or nothing for static RSA."""
    name = suite_name(suite)
    if name.startswith(("TLS_ECDHE_", "TLS_ECDH_anon_")):
        return build_message(12, b"\x03\x00\x17\x41\x04" + bytes(64) + b"\x04\x03\x00\x00")
    if name.startswith(("TLS_DHE_", "TLS_DH_anon_")):
        prime = (1 << (dh_bits - 1)) | 1
        size = (dh_bits + 7) // 8
        body = (
            size.to_bytes(2, "big") + prime.to_bytes(size, "big") + b"\x00\x01\x02" + b"\x00\x01\x03\x00\x00"
        )
        return build_message(12, body)
    return b""


def legacy_flight(version: int, suite: int, certificates: Sequence[bytes], dh_bits: int = 2048) -> bytes:
    """Give the whole first flight of a server of TLS 1.2 or older, in one record."""
    messages = server_hello(version, suite)
    messages += (
        certificates_message(certificates) + key_exchange_message(suite, dh_bits) + build_message(14, b"")
    )
    return build_record(22, version, messages)  # type: ignore[arg-type]


@dataclass(slots=True)
class OldTls:
    """What the server accepts: suites per version, first one wins; and how it says no.

    ``refuses_by`` is ``alert``, ``close`` or ``reset``. ``retry_group`` makes TLS 1.3 answer with a
    HelloRetryRequest for that group where the client offers it.
    """

    accepts: Mapping[int, Sequence[int]]
    certificates: Sequence[bytes] = ()
    refuses_by: str = "alert"
    alert: int = 70
    retry_group: int | None = None
    dh_bits: int = 2048
    hellos: list[ClientHello] = field(default_factory=list)

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        hello = read_client_hello(connection)
        self.hellos.append(hello)
        answer = self._answer(hello)
        if answer:
            connection.sendall(answer)
            wait_for_close(connection)
        elif self.refuses_by == "alert":
            connection.sendall(build_record(21, 0x0301, bytes([2, self.alert])))  # type: ignore[arg-type]
            wait_for_close(connection)
        elif self.refuses_by == "reset":
            reset(connection)
        else:
            connection.shutdown(socket.SHUT_WR)
            wait_for_close(connection)

    def _answer(self, hello: ClientHello) -> bytes:
        for version in sorted(self.accepts, reverse=True):
            newer = version == 0x0304 and version in hello.versions
            older = version < 0x0304 and 43 not in hello.extensions and version <= hello.version
            suite = next((suite for suite in self.accepts[version] if suite in hello.suites), None)
            if suite is None or not (newer or older):
                continue
            if older:
                return legacy_flight(version, suite, self.certificates, self.dh_bits)
            return self._modern(hello, suite)
        return b""

    def _modern(self, hello: ClientHello, suite: int) -> bytes:
        if self.retry_group is not None:
            message = hello_retry(suite, self.retry_group) if self.retry_group in hello.groups else b""
        else:
            extensions = [(43, b"\x03\x04"), (51, b"\x00\x1d\x00\x20" + bytes(32))]
            message = server_hello(0x0304, suite, extensions)
        return build_record(22, 0x0303, message) if message else b""  # type: ignore[arg-type]
