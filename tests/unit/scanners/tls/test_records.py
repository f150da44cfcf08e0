"""TLS records and messages to values."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.tls.records import (
    MAX_MESSAGE_BYTES,
    Alert,
    ContentType,
    Cursor,
    Message,
    MessageReader,
    Record,
    RecordError,
    RecordReader,
    Version,
    build_client_hello,
    build_message,
    build_record,
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
from tests.support.peers.old_tls import certificates_message, hello_retry, legacy_flight, server_hello

RANDOM = bytes(32)


def _message(raw: bytes) -> Message:
    (item,) = MessageReader().feed(Record(ContentType.HANDSHAKE, 0x0303, raw))
    assert isinstance(item, Message)
    return item


def test_the_bare_hello_has_the_known_bytes() -> None:
    """A hello without extensions is equal byte for byte to the one that was tried against real servers."""
    hello = build_client_hello(
        record_version=Version.TLCP,
        version=Version.TLCP,
        random=RANDOM,
        suites=(0xE013, 0xE053, 0xE011, 0xE051),
        extensions=None,
    )

    expected = "16010100330100002f0101" + "00" * 32 + "00" + "0008" + "e013e053e011e051" + "0100"
    assert hello.hex() == expected


def test_extensions_have_the_bytes_of_their_standards() -> None:
    """Each extension is written as its document has it."""
    assert extension_groups([29, 23]) == (10, bytes.fromhex("0004001d0017"))
    assert extension_point_formats() == (11, bytes.fromhex("0100"))
    assert extension_signatures([0x0403]) == (13, bytes.fromhex("00020403"))
    assert extension_versions([0x0304]) == (43, bytes.fromhex("020304"))
    assert extension_key_shares([]) == (51, bytes.fromhex("0000"))
    assert extension_key_shares([(29, b"ab")]) == (51, bytes.fromhex("0006001d00026162"))
    assert extension_server_name("a.b") == (0, bytes.fromhex("0006000003612e62"))
    assert extension_renegotiation() == (0xFF01, b"\x00")


def test_a_random_of_another_length_is_wrong_use() -> None:
    """The caller owes exactly 32 bytes."""
    with pytest.raises(ValueError, match="32"):
        build_client_hello(record_version=1, version=1, random=b"", suites=(1,), extensions=None)


def test_records_are_put_together_from_single_bytes() -> None:
    """Records come out whole however the bytes arrive."""
    stream = build_record(ContentType.HANDSHAKE, 0x0303, b"abc") + build_record(
        ContentType.ALERT, 0x0303, b"\x02\x28"
    )
    reader = RecordReader()

    records = [record for byte in stream for record in reader.feed(bytes([byte]))]

    assert records == [
        Record(ContentType.HANDSHAKE, 0x0303, b"abc"),
        Record(ContentType.ALERT, 0x0303, b"\x02\x28"),
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 400 Bad Request", "not a record: HTTP/1.1 400"),
        (b"\x80\x2e\x01", "not a record"),
        (b"\x16\x02\x00\x00\x01a", "record version 0200"),
        (b"\x16\x01\x01\x00\x01a", "record version 0101"),
        (b"\x16\x03\x03\xff\xffa", "record of 65535 bytes"),
        (b"\x18\x03\x03\x00\x01a", "not a record"),
    ],
)
def test_what_cannot_be_a_record_is_refused_at_once(data: bytes, words: str) -> None:
    """Other protocols, versions and lengths are named."""
    with pytest.raises(RecordError) as caught:
        list(RecordReader().feed(data))

    assert words in caught.value.detail


def test_a_message_may_span_records() -> None:
    """Handshake messages are joined across records, and two may share one."""
    raw = build_message(11, b"x" * 10) + build_message(14, b"")
    reader = MessageReader()

    items = [
        item for byte in raw for item in reader.feed(Record(ContentType.HANDSHAKE, 0x0303, bytes([byte])))
    ]

    assert [(item.kind, item.body) for item in items if isinstance(item, Message)] == [
        (11, b"x" * 10),
        (14, b""),
    ]


def test_alerts_keep_their_number_and_get_their_name() -> None:
    """Known alerts are named, unknown ones keep the number."""
    items = list(MessageReader().feed(Record(ContentType.ALERT, 0x0301, b"\x02\x46")))

    assert items == [Alert(2, 70)]
    assert (Alert(2, 70).name, Alert(2, 199).name) == ("protocol_version", "alert 199")


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([Record(ContentType.ALERT, 0x0303, b"\x02")], "alert of 1 bytes"),
        ([Record(ContentType.APPLICATION_DATA, 0x0303, b"x")], "application data"),
        ([Record(ContentType.HANDSHAKE, 0x0303, b"")] * 9, "without a handshake message"),
        ([Record(ContentType.ALERT, 0x0303, b"\x01\x70")] * 9, "without a handshake message"),
        ([Record(ContentType.CHANGE_CIPHER_SPEC, 0x0303, b"\x01")] * 9, "without a handshake message"),
        (
            [Record(ContentType.HANDSHAKE, 0x0303, b"\x0b" + (MAX_MESSAGE_BYTES + 1).to_bytes(3, "big"))],
            f"message of {MAX_MESSAGE_BYTES + 1} bytes",
        ),
    ],
)
def test_records_that_lead_nowhere_end_the_reading(records: list[Record], words: str) -> None:
    """Neither noise nor a length can keep the reader busy."""
    reader = MessageReader()

    with pytest.raises(RecordError) as caught:
        [list(reader.feed(record)) for record in records]

    assert words in caught.value.detail


def test_server_hello_of_an_old_version() -> None:
    """Without the extension the version in the message is the negotiated one."""
    hello = parse_server_hello(_message(server_hello(0x0301, 0x002F)), 0x0301)

    assert (hello.version, hello.suite, hello.is_retry, hello.group) == (0x0301, 0x002F, False, None)


def test_server_hello_of_the_newest_version() -> None:
    """The extension overrides the version in the message and the key share names the group."""
    raw = server_hello(0x0304, 0x1301, [(43, b"\x03\x04"), (51, b"\x00\x1d\x00\x20" + bytes(32))])
    hello = parse_server_hello(_message(raw), 0x0303)

    assert (hello.version, hello.suite, hello.is_retry, hello.group) == (0x0304, 0x1301, False, 29)


def test_hello_retry_request_is_told_by_its_random() -> None:
    """A retry names suite and group as well."""
    hello = parse_server_hello(_message(hello_retry(0x00C6, 41)), 0x0303)

    assert (hello.version, hello.suite, hello.is_retry, hello.group) == (0x0304, 0x00C6, True, 41)


def _hello_body(session: bytes = b"", tail: bytes = b"") -> bytes:
    return b"\x03\x03" + RANDOM + bytes([len(session)]) + session + b"\x00\x2f\x00" + tail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "early"),
        (_hello_body()[:-1], "early"),
        (_hello_body(bytes(33)), "session id of 33"),
        (_hello_body(tail=b"\x00"), "early"),
        (_hello_body(tail=b"\x00\x05abc"), "early"),
        (_hello_body(tail=b"\x00\x04\x00\x2b\x00\x09"), "early"),
        (_hello_body(tail=b"\x00\x00x"), "1 bytes too many"),
        (_hello_body(tail=b"\x00\x08\x00\x17\x00\x00\x00\x17\x00\x00"), "repeats"),
        (_hello_body(tail=b"\x00\x05\x00\x2b\x00\x01\x03"), "two bytes"),
    ],
)
def test_a_server_hello_with_wrong_lengths_is_refused(body: bytes, words: str) -> None:
    """Every length inside a ServerHello is compared with what is there."""
    with pytest.raises(RecordError) as caught:
        parse_server_hello(Message(2, body, build_message(2, body)), 0x0303)

    assert words in caught.value.detail


def test_certificates_come_in_the_order_sent() -> None:
    """The list is given as it stands."""
    assert parse_certificates(_message(certificates_message([b"one", b"two"]))) == (b"one", b"two")


def test_an_empty_certificate_list_is_no_error() -> None:
    """A list of length zero is a list."""
    assert parse_certificates(_message(certificates_message([]))) == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\x00\x00\x05ab", "early"),
        (b"\x00\x00\x00x", "too many"),
        (b"\x00\x00\x04\x00\x00\x05a", "early"),
        (b"\x00\x00\x03\x00\x00\x00", "empty certificate"),
        (b"\xff\xff\xff", "early"),
        ((17 * 4).to_bytes(3, "big") + b"\x00\x00\x01x" * 17, "more than 16"),
    ],
)
def test_a_certificate_list_with_wrong_lengths_is_refused(body: bytes, words: str) -> None:
    """Wrong inner and outer lengths are both caught."""
    with pytest.raises(RecordError) as caught:
        parse_certificates(Message(11, body, build_message(11, body)))

    assert words in caught.value.detail


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_the_declared_error(data: bytes) -> None:
    """No input makes the readers fail in another way than by their own error."""
    reader, messages = RecordReader(), MessageReader()
    with contextlib.suppress(RecordError):
        for record in reader.feed(data):
            assert isinstance(record, Record)
            list(messages.feed(record))
    for parse in (parse_certificates, lambda message: parse_server_hello(message, 0x0303)):
        with contextlib.suppress(RecordError):
            assert parse(Message(2, data, data)) is not None


@given(st.integers(0, 400), st.integers(0, 255))
def test_one_changed_byte_never_breaks_the_reader(position: int, value: int) -> None:
    """A flight with any byte replaced is either read or refused by the declared error."""
    flight = bytearray(legacy_flight(0x0303, 0xC02F, [b"x" * 100]))
    flight[position % len(flight)] = value
    with contextlib.suppress(RecordError):
        messages = MessageReader()
        for record in RecordReader().feed(bytes(flight)):
            for item in messages.feed(record):
                if isinstance(item, Message) and item.kind == 2:
                    assert 0 <= parse_server_hello(item, record.version).suite <= 0xFFFF
                elif isinstance(item, Message) and item.kind == 11:
                    assert len(parse_certificates(item)) <= 16


def test_cursor_counts_what_is_left() -> None:
    """Fields are taken from the front until nothing is left."""
    cursor = Cursor(struct.pack(">HB", 7, 2) + b"ab", "test")

    assert (cursor.number(2), cursor.counted(1), cursor.left) == (7, b"ab", 0)
