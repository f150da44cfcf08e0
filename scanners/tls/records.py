"""TLS records and handshake messages: bytes to values and back, for every version and for TLCP. Pure.

Nothing is trusted: every length is compared with what is there, every list is bounded, and a message
that does not fit raises :class:`RecordError`.

Source: RFC 8446 (4, 5), RFC 5246 (6.2, 7.4), RFC 6101; GB/T 38636-2020 (6.3, 6.4) for version 0x0101.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from scanners.tls.text import printable_bytes

MAX_RECORD_BYTES = 16_384 + 2_048
MAX_MESSAGE_BYTES = 128 * 1024
MAX_CERTIFICATES = 16
HELLO_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class ContentType(IntEnum):
    """Record types that a peer may send to a client."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


class MessageType(IntEnum):
    """Handshake messages that are read here."""

    SERVER_HELLO = 2
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20


class Version(IntEnum):
    """Protocol versions as they stand on the wire."""

    TLCP = 0x0101
    SSL3 = 0x0300
    TLS1_0 = 0x0301
    TLS1_1 = 0x0302
    TLS1_2 = 0x0303
    TLS1_3 = 0x0304


ALERTS = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    112: "unrecognized_name",
    116: "certificate_required",
    120: "no_application_protocol",
}


class RecordError(ValueError):
    """The bytes are not the records they should be; *detail* says where."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Record:
    """One record: type, version of the record layer, payload."""

    content_type: ContentType
    version: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert; ``level`` 1 is a warning, 2 is fatal."""

    level: int
    code: int

    @property
    def name(self) -> str:
        """Registered name, such as ``protocol_version``."""
        return ALERTS.get(self.code, f"alert {self.code}")


@dataclass(frozen=True, slots=True)
class Message:
    """One handshake message; ``raw`` is the message with its four-byte head."""

    kind: int
    body: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class ServerHello:
    """The server's choice. ``version`` is the negotiated one, an extension of TLS 1.3 regarded."""

    record_version: int
    version: int
    random: bytes
    session_id: bytes
    suite: int
    extensions: tuple[tuple[int, bytes], ...]

    @property
    def is_retry(self) -> bool:
        """Whether this is a HelloRetryRequest (RFC 8446, 4.1.3)."""
        return self.random == HELLO_RETRY_RANDOM

    @property
    def group(self) -> int | None:
        """Group named in the key_share extension, in either of its two forms."""
        body = dict(self.extensions).get(51)
        return None if body is None or len(body) < 2 else int.from_bytes(body[:2], "big")


class Cursor:
    """Reads fixed and counted fields; raises :class:`RecordError` when the bytes run out."""

    __slots__ = ("_data", "_offset", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._offset = 0
        self._what = what

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._offset

    def take(self, count: int) -> bytes:
        """Give the next *count* bytes."""
        if count > self.left:
            raise RecordError(f"{self._what} ends {count - self.left} bytes early")
        self._offset += count
        return self._data[self._offset - count : self._offset]

    def number(self, size: int) -> int:
        """Give the next *size* bytes as a number, most significant first."""
        return int.from_bytes(self.take(size), "big")

    def counted(self, size: int) -> bytes:
        """Give the bytes of a field whose length stands before it in *size* bytes."""
        return self.take(self.number(size))

    def finish(self) -> None:
        """Insist that nothing is left."""
        if self.left:
            raise RecordError(f"{self._what} has {self.left} bytes too many")


@dataclass(slots=True)
class RecordReader:
    """Takes bytes as they come and gives whole records; refuses what cannot be a record at once."""

    versions: frozenset[int] = frozenset(v for v in Version if v is not Version.TLCP)
    _pending: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Record]:
        """Add bytes and give the records that are whole now.

        Raises:
            RecordError: the bytes cannot be a record.
        """
        self._pending += data
        while self._pending:
            self._check_start()
            if len(self._pending) < 5:
                return
            content_type, version, length = struct.unpack_from(">BHH", self._pending)
            if version not in self.versions:
                raise RecordError(f"record version {version:04x}")
            if not length <= MAX_RECORD_BYTES:
                raise RecordError(f"record of {length} bytes")
            if len(self._pending) < 5 + length:
                return
            payload = bytes(self._pending[5 : 5 + length])
            del self._pending[: 5 + length]
            yield Record(ContentType(content_type), version, payload)

    def _check_start(self) -> None:
        if self._pending[0] not in ContentType.__members__.values():
            raise RecordError(f"not a record: {printable_bytes(bytes(self._pending[:24]), 48)}")


@dataclass(slots=True)
class MessageReader:
    """Joins handshake records to messages; gives alerts and messages in the order they came."""

    _pending: bytearray = field(default_factory=bytearray)
    _idle_records: int = 0

    def feed(self, record: Record) -> Iterator[Alert | Message]:
        """Add one record in clear.

        Raises:
            RecordError: a malformed alert, an over-long message, too many records that say nothing, or a
                record type that has no place before the keys are there.
        """
        if not record.payload or record.content_type is not ContentType.HANDSHAKE:
            self._idle_records += 1
            if self._idle_records > 8:
                raise RecordError("too many records without a handshake message")
        if not record.payload:
            return
        if record.content_type is ContentType.ALERT:
            if len(record.payload) != 2:
                raise RecordError(f"alert of {len(record.payload)} bytes")
            yield Alert(record.payload[0], record.payload[1])
        elif record.content_type is ContentType.HANDSHAKE:
            self._pending += record.payload
            yield from self._messages()
        elif record.content_type is not ContentType.CHANGE_CIPHER_SPEC:
            raise RecordError("application data in clear")

    def _messages(self) -> Iterator[Message]:
        while len(self._pending) >= 4:
            length = int.from_bytes(self._pending[1:4], "big")
            if length > MAX_MESSAGE_BYTES:
                raise RecordError(f"handshake message of {length} bytes")
            if len(self._pending) < 4 + length:
                return
            raw = bytes(self._pending[: 4 + length])
            del self._pending[: 4 + length]
            yield Message(raw[0], raw[4:], raw)


def parse_server_hello(message: Message, record_version: int) -> ServerHello:
    """Read a ServerHello.

    Raises:
        RecordError: it does not fit its lengths, or repeats an extension.
    """
    cursor = Cursor(message.body, "ServerHello")
    version, random = cursor.number(2), cursor.take(32)
    session_id = cursor.counted(1)
    if len(session_id) > 32:
        raise RecordError(f"session id of {len(session_id)} bytes")
    suite, _compression = cursor.number(2), cursor.number(1)
    extensions: list[tuple[int, bytes]] = []
    if cursor.left:
        block = Cursor(cursor.counted(2), "extensions of ServerHello")
        while block.left:
            extensions.append((block.number(2), block.counted(2)))
    cursor.finish()
    if len({number for number, _ in extensions}) != len(extensions):
        raise RecordError("ServerHello repeats an extension")
    chosen = dict(extensions).get(43)
    if chosen is not None:
        if len(chosen) != 2:
            raise RecordError("supported_versions of ServerHello has not two bytes")
        version = int.from_bytes(chosen, "big")
    return ServerHello(record_version, version, random, session_id, suite, tuple(extensions))


def parse_certificates(message: Message) -> tuple[bytes, ...]:
    """Read a Certificate message of TLS 1.2 and older or of TLCP; DER each, in the order sent.

    Raises:
        RecordError: lengths do not fit, an entry is empty, or there are more than sixteen.
    """
    cursor = Cursor(message.body, "Certificate")
    entries = Cursor(cursor.counted(3), "certificate list")
    cursor.finish()
    certificates: list[bytes] = []
    while entries.left:
        if len(certificates) >= MAX_CERTIFICATES:
            raise RecordError(f"more than {MAX_CERTIFICATES} certificates")
        certificate = entries.counted(3)
        if not certificate:
            raise RecordError("an empty certificate")
        certificates.append(certificate)
    return tuple(certificates)


def build_client_hello(
    *,
    record_version: int,
    version: int,
    random: bytes,
    suites: Sequence[int],
    extensions: Iterable[tuple[int, bytes]] | None,
    session_id: bytes = b"",
) -> bytes:
    """Give a ClientHello in one record. ``extensions=None`` leaves the whole block away (SSL 3.0, TLCP).

    Args:
        random: 32 bytes, from the caller, so that equal input gives equal bytes.
    """
    if len(random) != 32:
        raise ValueError("random must have 32 bytes")
    listed = b"".join(suite.to_bytes(2, "big") for suite in suites)
    body = struct.pack(">H", version) + random + _vector(1, session_id) + _vector(2, listed) + b"\x01\x00"
    if extensions is not None:
        body += _vector(
            2, b"".join(struct.pack(">H", number) + _vector(2, data) for number, data in extensions)
        )
    return build_record(ContentType.HANDSHAKE, record_version, build_message(1, body))


def build_message(kind: int, body: bytes) -> bytes:
    """Give a handshake message with its four-byte head."""
    return bytes([kind]) + _vector(3, body)


def build_record(content_type: ContentType, version: int, payload: bytes) -> bytes:
    """Give one record; the payload must fit one."""
    return struct.pack(">BHH", content_type, version, len(payload)) + payload


def _vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


# -- extensions of a ClientHello ------------------------------------------------------------------------


def extension_groups(groups: Sequence[int]) -> tuple[int, bytes]:
    """supported_groups (RFC 8446, 4.2.7)."""
    return 10, _vector(2, b"".join(group.to_bytes(2, "big") for group in groups))


def extension_point_formats() -> tuple[int, bytes]:
    """ec_point_formats with the uncompressed form alone (RFC 8422, 5.1.2)."""
    return 11, b"\x01\x00"


def extension_signatures(schemes: Sequence[int]) -> tuple[int, bytes]:
    """signature_algorithms (RFC 8446, 4.2.3)."""
    return 13, _vector(2, b"".join(scheme.to_bytes(2, "big") for scheme in schemes))


def extension_versions(versions: Sequence[int]) -> tuple[int, bytes]:
    """supported_versions (RFC 8446, 4.2.1)."""
    return 43, _vector(1, b"".join(version.to_bytes(2, "big") for version in versions))


def extension_key_shares(shares: Sequence[tuple[int, bytes]]) -> tuple[int, bytes]:
    """key_share; an empty list asks the server to name a group (RFC 8446, 4.2.8)."""
    return 51, _vector(2, b"".join(group.to_bytes(2, "big") + _vector(2, key) for group, key in shares))


def extension_server_name(name: str) -> tuple[int, bytes]:
    """server_name for a host name; never for an address (RFC 6066, 3)."""
    return 0, _vector(2, b"\x00" + _vector(2, name.encode("ascii")))


def extension_renegotiation() -> tuple[int, bytes]:
    """renegotiation_info of a first handshake (RFC 5746)."""
    return 0xFF01, b"\x00"
