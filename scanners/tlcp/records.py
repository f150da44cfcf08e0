"""Messages of TLCP that differ from those of TLS: hello, key exchange, suites. Bytes to values and back; pure.

The record layer and the certificate list are those of :mod:`scanners.tls.records`, with version 0x0101.

Source: GB/T 38636-2020, 6.4; suites that it does not list: GM/T 0024-2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scanners.tls.records import (
    Cursor,
    MessageType,
    RecordError,
    Version,
    build_client_hello,
    build_message,
    extension_server_name,
)


class Exchange(StrEnum):
    """Key exchange of a suite."""

    ECC = "ecc"
    ECDHE = "ecdhe"
    RSA = "rsa"
    IBC = "ibc"
    IBSDH = "ibsdh"


@dataclass(frozen=True, slots=True)
class Suite:
    """A cipher suite: number, name, key exchange, and whether its records are protected by GCM."""

    number: int
    name: str
    exchange: Exchange
    is_gcm: bool


def _suite(number: int, name: str) -> Suite:
    exchange = Exchange(name.partition("_")[0].lower())
    return Suite(number, name, exchange, "_GCM_" in name)


SUITES: Mapping[int, Suite] = {
    number: _suite(number, name)
    for number, name in (
        (0xE013, "ECC_SM4_CBC_SM3"),
        (0xE053, "ECC_SM4_GCM_SM3"),
        (0xE011, "ECDHE_SM4_CBC_SM3"),
        (0xE051, "ECDHE_SM4_GCM_SM3"),
        (0xE019, "RSA_SM4_CBC_SM3"),
        (0xE059, "RSA_SM4_GCM_SM3"),
        (0xE01C, "RSA_SM4_CBC_SHA256"),
        (0xE05A, "RSA_SM4_GCM_SHA256"),
        (0xE015, "IBSDH_SM4_CBC_SM3"),
        (0xE055, "IBSDH_SM4_GCM_SM3"),
        (0xE017, "IBC_SM4_CBC_SM3"),
        (0xE057, "IBC_SM4_GCM_SM3"),
        (0xE001, "ECDHE_SM1_CBC_SM3"),
        (0xE003, "ECC_SM1_CBC_SM3"),
        (0xE005, "IBSDH_SM1_CBC_SM3"),
        (0xE007, "IBC_SM1_CBC_SM3"),
        (0xE009, "RSA_SM1_CBC_SM3"),
        (0xE00A, "RSA_SM1_CBC_SHA1"),
        (0xE01A, "RSA_SM4_CBC_SHA1"),
    )
}
"""Every suite that is asked for, the usual ones first."""

COMPLETE_SUITES = (0xE013, 0xE053)
"""Suites that can be carried to the end without a certificate of our own."""

MAX_SIGNATURE_BYTES = 512


def build_hello(random: bytes, suites: Sequence[int], server_name: str = "") -> bytes:
    """Give a TLCP ClientHello; without a name it has no extension block at all, which every stack accepts."""
    extensions = [extension_server_name(server_name)] if server_name else None
    return build_client_hello(
        record_version=Version.TLCP, version=Version.TLCP, random=random, suites=suites, extensions=extensions
    )


@dataclass(frozen=True, slots=True)
class KeyExchange:
    """A ServerKeyExchange: the signature, and the parameters that it covers beside the two randoms.

    ``parameters`` is empty for ECC, where the encryption certificate is signed in their place.
    """

    parameters: bytes
    signature: bytes


def parse_key_exchange(exchange: Exchange, body: bytes) -> KeyExchange:
    """Read a ServerKeyExchange of an ECC or ECDHE suite.

    Raises:
        RecordError: it does not fit its lengths, or the suite is of another kind.
    """
    cursor = Cursor(body, "ServerKeyExchange")
    parameters = b""
    if exchange is Exchange.ECDHE:
        head = cursor.take(4)
        if head[0] != 3:
            raise RecordError(f"curve type {head[0]} in ServerKeyExchange")
        parameters = head + cursor.take(head[3])
    elif exchange is not Exchange.ECC:
        raise RecordError(f"key exchange {exchange} is not read here")
    signature = cursor.counted(2)
    cursor.finish()
    if not 0 < len(signature) <= MAX_SIGNATURE_BYTES:
        raise RecordError(f"signature of {len(signature)} bytes")
    return KeyExchange(parameters, signature)


def signed_bytes(
    key_exchange: KeyExchange, client_random: bytes, server_random: bytes, encryption_certificate: bytes
) -> bytes:
    """Give what the signature of a ServerKeyExchange covers."""
    covered = key_exchange.parameters
    if not covered:
        covered = len(encryption_certificate).to_bytes(3, "big") + encryption_certificate
    return client_random + server_random + covered


def client_key_exchange(encrypted_secret: bytes) -> bytes:
    """Give the ClientKeyExchange of an ECC suite: the pre-master secret under the encryption certificate."""
    return build_message(
        MessageType.CLIENT_KEY_EXCHANGE, len(encrypted_secret).to_bytes(2, "big") + encrypted_secret
    )


def empty_certificate() -> bytes:
    """Give a Certificate message with no certificate, the answer of a client that has none."""
    return build_message(MessageType.CERTIFICATE, b"\x00\x00\x00")


def suite_name(number: int) -> str:
    """Give the name of a suite, ``0xNNNN`` where it is not known."""
    suite = SUITES.get(number)
    return f"0x{number:04X}" if suite is None else suite.name
