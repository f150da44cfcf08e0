"""One TLCP conversation, as far as it can be carried without a certificate of our own."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from scanners.base import Target
from scanners.sm_crypto.certificates import InvalidCertificate, load_der, sm2_key
from scanners.tlcp.keys import Protection, connection_keys, master_secret, verify_data
from scanners.tlcp.records import (
    COMPLETE_SUITES,
    SUITES,
    build_hello,
    client_key_exchange,
    empty_certificate,
)
from scanners.tls.handshake import Flight, listen
from scanners.tls.records import (
    Alert,
    ContentType,
    MessageReader,
    MessageType,
    Record,
    RecordError,
    RecordReader,
    Version,
    build_message,
    build_record,
)
from scanners.tls.transport import Budget, Ending, Wire, WireError, connect
from smcrypto import sm2

RECORD_HEAD_BYTES = 5
_CLOSE_NOTIFY = b"\x01\x00"
_NEW_SESSION_TICKET = 4


@dataclass(frozen=True, slots=True)
class Randomness:
    """All random bytes of one conversation: hello 32, pre-master secret 46, two initial vectors of 16."""

    hello: bytes
    pre_master: bytes
    vectors: tuple[bytes, bytes]


@dataclass(slots=True)
class Conversation:
    """What came of one hello. ``finished`` when the server's Finished message was right."""

    client_random: bytes
    flight: Flight = field(default_factory=Flight)
    finished: bool = False
    problem: str = ""

    @property
    def answered(self) -> bool:
        """Whether a ServerHello of TLCP came, whatever followed."""
        hello = self.flight.hello
        return hello is not None and hello.version == hello.record_version == Version.TLCP

    @property
    def asks_client_certificate(self) -> bool:
        """Whether the server asked for a certificate of ours."""
        return any(message.kind == MessageType.CERTIFICATE_REQUEST for message in self.flight.messages)


def converse(
    target: Target,
    budget: Budget,
    randomness: Randomness,
    suites: Sequence[int],
    *,
    server_name: str,
    per_connection_s: float,
    complete: bool,
) -> Conversation:
    """Say a hello and go on to the end of the handshake if asked to and possible.

    Raises:
        WireError: the run was cancelled, or its bytes are spent.
        InvalidTarget: see :func:`scanners.tls.transport.connect`.
    """
    conversation = Conversation(randomness.hello)
    flight = conversation.flight
    hello = build_hello(randomness.hello, suites, server_name)
    # alerts of servers that know TLS alone carry their own record version
    reader = RecordReader(frozenset(Version))
    try:
        with connect(target, budget, per_connection_s=per_connection_s) as wire:
            try:
                wire.send(hello)
                listen(wire, flight, reader, MessageType.SERVER_HELLO_DONE)
                if complete and flight.whole and conversation.answered:
                    _complete(wire, reader, conversation, hello[RECORD_HEAD_BYTES:], randomness)
            finally:
                flight.raw = bytes(wire.received)
    except WireError as problem:
        if problem.ending in (Ending.CANCELLED, Ending.TOO_MUCH):
            raise
        if flight.whole:
            conversation.problem = str(problem.ending)
        else:
            flight.ending = problem.ending
    except RecordError as problem:
        if flight.whole:
            conversation.problem = problem.detail
        else:
            flight.malformed = problem.detail
    return conversation


def _complete(
    wire: Wire, reader: RecordReader, conversation: Conversation, hello: bytes, randomness: Randomness
) -> None:
    flight = conversation.flight
    if flight.hello is None or flight.hello.suite not in COMPLETE_SUITES:
        return
    encrypt_key = _encryption_key(flight.certificates)
    if encrypt_key is None:
        conversation.problem = "no SM2 encryption certificate"
        return
    suite = SUITES[flight.hello.suite]
    pre_master = int(Version.TLCP).to_bytes(2, "big") + randomness.pre_master
    master = master_secret(pre_master, randomness.hello, flight.hello.random)
    ours, theirs = connection_keys(master, randomness.hello, flight.hello.random, is_gcm=suite.is_gcm)
    sealer, opener = Protection(ours), Protection(theirs)

    reply = empty_certificate() if conversation.asks_client_certificate else b""
    reply += client_key_exchange(sm2.encrypt(encrypt_key, pre_master))
    transcript = hello + b"".join(message.raw for message in flight.messages) + reply
    finished = build_message(MessageType.FINISHED, verify_data(master, transcript, by_client=True))
    sealed = sealer.seal(ContentType.HANDSHAKE, finished, randomness.vectors[0])
    wire.send(
        build_record(ContentType.HANDSHAKE, Version.TLCP, reply)
        + build_record(ContentType.CHANGE_CIPHER_SPEC, Version.TLCP, b"\x01")
        + build_record(ContentType.HANDSHAKE, Version.TLCP, sealed)
    )
    expected = verify_data(master, transcript + finished, by_client=False)
    conversation.finished = _server_finished(wire, reader, opener, expected)
    if conversation.finished:
        goodbye = sealer.seal(ContentType.ALERT, _CLOSE_NOTIFY, randomness.vectors[1])
        wire.send(build_record(ContentType.ALERT, Version.TLCP, goodbye))
    else:
        conversation.problem = "the server's Finished message is wrong"


def _encryption_key(certificates: Sequence[bytes]) -> sm2.PublicKey | None:
    if len(certificates) < 2:
        return None
    try:
        return sm2_key(load_der(certificates[1]))
    except InvalidCertificate:
        return None


def _server_finished(wire: Wire, reader: RecordReader, opener: Protection, expected: bytes) -> bool:
    """Read up to the server's Finished message and compare it.

    Raises:
        RecordError: an alert or anything else that does not belong there.
    """
    is_protected = False
    messages = MessageReader()
    data = b""
    while True:
        for record in reader.feed(data):
            if record.content_type is ContentType.CHANGE_CIPHER_SPEC and not is_protected:
                is_protected = True
                continue
            if is_protected:
                plain = opener.open(record.content_type, record.payload)
                record = Record(record.content_type, record.version, plain)
            for item in messages.feed(record):
                if isinstance(item, Alert):
                    raise RecordError(f"alert {item.code} {item.name}")
                if is_protected and item.kind == MessageType.FINISHED:
                    return hmac.compare_digest(item.body, expected)
                if is_protected or item.kind != _NEW_SESSION_TICKET:
                    raise RecordError(f"handshake message {item.kind} where Finished was expected")
        data = wire.receive()
        if not data:
            raise WireError(Ending.CLOSED)
