"""Say one hello and listen to the answer, no further than the server's first flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scanners.base import Target
from scanners.tls.records import (
    Alert,
    Cursor,
    Message,
    MessageReader,
    MessageType,
    RecordError,
    RecordReader,
    ServerHello,
    Version,
    build_client_hello,
    extension_groups,
    extension_key_shares,
    extension_point_formats,
    extension_renegotiation,
    extension_server_name,
    extension_signatures,
    extension_versions,
    parse_certificates,
    parse_server_hello,
)
from scanners.tls.suites import LEGACY_SUITES, RFC8998_SUITES, TLS13_SUITES, suite_name
from scanners.tls.transport import Budget, Ending, Wire, WireError, connect

GROUP_NAMES = {
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    29: "x25519",
    30: "x448",
    31: "brainpoolP256r1tls13",
    32: "brainpoolP384r1tls13",
    33: "brainpoolP512r1tls13",
    41: "curveSM2",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    4590: "curveSM2MLKEM768",
}
CURVE_SM2 = 41
_SM2SIG_SM3 = 0x0708
_GROUPS = (29, 23, 24, 25, 30, 26, 27, 28, 22, 14, 13, 256, 257, 258, 259, 260)
_SIGNATURES = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080A, 0x080B),
    *(0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202),
)
_FLIGHT_END = MessageType.SERVER_HELLO_DONE
_CERTIFICATE_STATUS = 22
_OTHER_MESSAGES = frozenset(
    {_CERTIFICATE_STATUS, MessageType.CERTIFICATE_REQUEST, MessageType.SERVER_HELLO_DONE}
)


@dataclass(slots=True)
class Flight:
    """All that came back for one hello. ``whole`` says that the server said all it had to say in clear."""

    hello: ServerHello | None = None
    certificates: tuple[bytes, ...] = ()
    key_exchange: bytes | None = None
    alert: Alert | None = None
    ending: Ending | None = None
    malformed: str = ""
    whole: bool = False
    raw: bytes = b""
    messages: list[Message] = field(default_factory=list)

    @property
    def accepted(self) -> ServerHello | None:
        """The ServerHello, when the flight that it opened came to its proper end."""
        return self.hello if self.whole else None

    @property
    def detail(self) -> str:
        """Short words on how it ended when it was not accepted."""
        if self.malformed:
            return self.malformed
        if self.alert is not None:
            return f"alert {self.alert.code} {self.alert.name}"
        return "" if self.ending is None else str(self.ending)


def group_name(number: int | None) -> str:
    """Give the registered name of a group, the number where it has none here."""
    return "" if number is None else GROUP_NAMES.get(number, f"group {number}")


def legacy_hello(
    version: Version, random: bytes, server_name: str, suites: Sequence[int] = LEGACY_SUITES
) -> bytes:
    """Give a hello that can end in *version* or an older one and in nothing newer."""
    if version is Version.SSL3:
        offered = tuple(suite for suite in suites if suite < 0xC000)
        return build_client_hello(
            record_version=Version.SSL3, version=version, random=random, suites=offered, extensions=None
        )
    extensions = [extension_server_name(server_name)] if server_name else []
    extensions += [extension_renegotiation(), extension_groups(_GROUPS), extension_point_formats()]
    if version is Version.TLS1_2:
        extensions.append(extension_signatures(_SIGNATURES))
    return build_client_hello(
        record_version=Version.TLS1_0, version=version, random=random, suites=suites, extensions=extensions
    )


def modern_hello(
    random: bytes,
    server_name: str,
    *,
    suites: Sequence[int] = TLS13_SUITES + RFC8998_SUITES,
    groups: Sequence[int] = (*_GROUPS, CURVE_SM2),
    signatures: Sequence[int] = (*_SIGNATURES, _SM2SIG_SM3),
    share: bytes = b"",
) -> bytes:
    """Give a hello that can end in TLS 1.3 only.

    Args:
        share: 32 bytes taken as an x25519 key, or empty: then the server has to name a group itself, which
            costs no cryptography on either side.
    """
    extensions = [extension_server_name(server_name)] if server_name else []
    extensions += [
        extension_groups(groups),
        extension_signatures(signatures),
        extension_versions([Version.TLS1_3]),
        extension_key_shares([(29, share)] if share else []),
    ]
    return build_client_hello(
        record_version=Version.TLS1_0,
        version=Version.TLS1_2,
        random=random,
        suites=suites,
        extensions=extensions,
        session_id=random,
    )


def national_hello(random: bytes, server_name: str, *, national_exchange: bool) -> bytes:
    """Give one of the two hellos that find RFC 8998; neither needs a key.

    The first allows national algorithms alone. The second keeps the suites and offers every other group and
    every signature, so that it finds a national suite over a foreign curve with either kind of certificate.
    """
    if national_exchange:
        return modern_hello(
            random, server_name, suites=RFC8998_SUITES, groups=(CURVE_SM2,), signatures=(_SM2SIG_SM3,)
        )
    return modern_hello(random, server_name, suites=RFC8998_SUITES, groups=_GROUPS)


def ask(
    target: Target,
    budget: Budget,
    hello: bytes,
    *,
    per_connection_s: float,
    reader: RecordReader | None = None,
    flight_end: MessageType = _FLIGHT_END,
) -> Flight:
    """Open one connection, say *hello*, collect the server's flight.

    An end of any kind, refusal and silence too, is told in the flight.

    Raises:
        WireError: the run was cancelled, or its bytes are spent.
        InvalidTarget: see :func:`scanners.tls.transport.connect`.
    """
    flight = Flight()
    try:
        with connect(target, budget, per_connection_s=per_connection_s) as wire:
            try:
                wire.send(hello)
                listen(wire, flight, reader or RecordReader(), flight_end)
            finally:
                flight.raw = bytes(wire.received)
    except WireError as problem:
        if problem.ending in (Ending.CANCELLED, Ending.TOO_MUCH):
            raise
        flight.ending = problem.ending
    except RecordError as problem:
        flight.malformed = problem.detail
    return flight


def listen(wire: Wire, flight: Flight, reader: RecordReader, flight_end: MessageType) -> None:
    """Fill *flight* until it is whole or a fatal alert came.

    Raises:
        WireError, RecordError: what came so far stays in *flight*.
    """
    messages = MessageReader()
    while True:
        data = wire.receive()
        if not data:
            raise WireError(Ending.CLOSED)
        for record in reader.feed(data):
            for item in messages.feed(record):
                if isinstance(item, Alert):
                    flight.alert = item
                    if item.level == 2 or item.code == 0:
                        return
                else:
                    _take(item, record.version, flight, flight_end)
                if flight.whole:
                    return


def _take(message: Message, record_version: int, flight: Flight, flight_end: MessageType) -> None:
    if flight.hello is None:
        if message.kind != MessageType.SERVER_HELLO:
            raise RecordError(f"handshake message {message.kind} where ServerHello was expected")
        flight.hello = parse_server_hello(message, record_version)
        flight.whole = flight.hello.version == Version.TLS1_3
    elif message.kind == MessageType.SERVER_HELLO:
        raise RecordError("a second ServerHello")
    elif message.kind == MessageType.CERTIFICATE:
        if flight.certificates:
            raise RecordError("a second Certificate")
        flight.certificates = parse_certificates(message)
    elif message.kind == MessageType.SERVER_KEY_EXCHANGE:
        flight.key_exchange = message.body
    elif message.kind not in _OTHER_MESSAGES:
        raise RecordError(f"handshake message {message.kind} inside the server's flight")
    flight.messages.append(message)
    if message.kind == flight_end:
        _check_whole(flight.hello, flight)


def _check_whole(hello: ServerHello, flight: Flight) -> None:
    name = suite_name(hello.suite)
    if not flight.certificates and "_anon_" not in name:
        raise RecordError("no certificate for a suite that needs one")
    if flight.key_exchange is None and ("_DHE_" in name or "_ECDHE_" in name or "_anon_" in name):
        raise RecordError("no key exchange for a suite that needs one")
    flight.whole = True


def exchange_of(suite: int, key_exchange: bytes | None) -> tuple[str, int | None]:
    """Read group and size out of a ServerKeyExchange of TLS 1.2 and older.

    Returns:
        Name of the curve or empty, and bits of the finite-field group or ``None``.

    Raises:
        RecordError: the message does not fit its suite.
    """
    name = suite_name(suite)
    if key_exchange is None:
        return "", None
    cursor = Cursor(key_exchange, "ServerKeyExchange")
    if name.startswith(("TLS_ECDHE_", "TLS_ECDH_anon_")):
        if cursor.number(1) != 3:
            return "explicit curve", None
        return group_name(cursor.number(2)), None
    if name.startswith(("TLS_DHE_", "TLS_DH_anon_")):
        return "", int.from_bytes(cursor.counted(2), "big").bit_length()
    return "", None
