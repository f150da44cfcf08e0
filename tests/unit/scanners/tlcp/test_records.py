"""Messages of TLCP."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.tlcp.records import (
    SUITES,
    Exchange,
    KeyExchange,
    build_hello,
    client_key_exchange,
    empty_certificate,
    parse_key_exchange,
    signed_bytes,
    suite_name,
)
from scanners.tls.records import RecordError

POINT = b"\x04" + bytes(64)


def test_the_bare_hello_has_no_extension_block() -> None:
    """The hello is equal byte for byte to the one that was tried against real servers."""
    hello = build_hello(bytes(32), (0xE013, 0xE053, 0xE011, 0xE051))

    assert hello.hex() == "16010100330100002f0101" + "00" * 32 + "000008e013e053e011e0510100"


def test_a_name_is_the_only_extension() -> None:
    """With a name the hello carries server_name and nothing else."""
    hello = build_hello(bytes(32), (0xE013,), "a.cn")

    assert hello.endswith(bytes.fromhex("0100" + "000d" + "0000" + "0009" + "0007" + "00" + "0004") + b"a.cn")


@pytest.mark.parametrize(
    ("number", "name", "exchange", "is_gcm"),
    [
        (0xE013, "ECC_SM4_CBC_SM3", Exchange.ECC, False),
        (0xE053, "ECC_SM4_GCM_SM3", Exchange.ECC, True),
        (0xE011, "ECDHE_SM4_CBC_SM3", Exchange.ECDHE, False),
        (0xE051, "ECDHE_SM4_GCM_SM3", Exchange.ECDHE, True),
        (0xE019, "RSA_SM4_CBC_SM3", Exchange.RSA, False),
        (0xE05A, "RSA_SM4_GCM_SHA256", Exchange.RSA, True),
        (0xE015, "IBSDH_SM4_CBC_SM3", Exchange.IBSDH, False),
        (0xE057, "IBC_SM4_GCM_SM3", Exchange.IBC, True),
    ],
)
def test_suites(number: int, name: str, exchange: Exchange, is_gcm: bool) -> None:
    """Number, name and parts of a suite belong together."""
    suite = SUITES[number]

    assert (suite.number, suite.name, suite.exchange, suite.is_gcm) == (number, name, exchange, is_gcm)
    assert suite_name(0xE0FF) == "0xE0FF"


def test_key_exchange_of_ecc_is_a_signature_alone() -> None:
    """The encryption certificate stands in place of parameters in what is signed."""
    parsed = parse_key_exchange(Exchange.ECC, b"\x00\x03sig")

    assert parsed == KeyExchange(b"", b"sig")
    assert signed_bytes(parsed, b"C", b"S", b"cert") == b"CS\x00\x00\x04cert"


def test_key_exchange_of_ecdhe_signs_its_parameters() -> None:
    """Curve, length and point are covered, the certificate is not."""
    parameters = b"\x03\x00\x29\x41" + POINT
    parsed = parse_key_exchange(Exchange.ECDHE, parameters + b"\x00\x03sig")

    assert parsed == KeyExchange(parameters, b"sig")
    assert signed_bytes(parsed, b"C", b"S", b"cert") == b"CS" + parameters


@pytest.mark.parametrize(
    ("exchange", "body", "words"),
    [
        (Exchange.ECC, b"", "early"),
        (Exchange.ECC, b"\x00\x05sig", "early"),
        (Exchange.ECC, b"\x00\x02sig", "too many"),
        (Exchange.ECC, b"\x00\x00", "signature of 0"),
        (Exchange.ECC, b"\x02\x01" + bytes(513), "signature of 513"),
        (Exchange.ECDHE, b"\x01\x00\x29\x41" + POINT + b"\x00\x01s", "curve type 1"),
        (Exchange.ECDHE, b"\x03\x00\x29\x41" + POINT[:9], "early"),
        (Exchange.RSA, b"\x00\x03sig", "not read here"),
    ],
)
def test_wrong_key_exchanges_are_refused(exchange: Exchange, body: bytes, words: str) -> None:
    """Lengths, kinds and sizes are checked."""
    with pytest.raises(RecordError) as caught:
        parse_key_exchange(exchange, body)

    assert words in caught.value.detail


def test_messages_of_the_client() -> None:
    """Lengths stand before what they count."""
    assert client_key_exchange(b"abc") == bytes.fromhex("100000050003") + b"abc"
    assert empty_certificate() == bytes.fromhex("0b000003000000")


@given(st.sampled_from(Exchange), st.binary(max_size=200))
def test_arbitrary_bytes_raise_only_the_declared_error(exchange: Exchange, body: bytes) -> None:
    """No input makes the reader fail in another way than by its own error."""
    with contextlib.suppress(RecordError):
        assert parse_key_exchange(exchange, body).signature
