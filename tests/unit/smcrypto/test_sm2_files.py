"""SM2 keys as files."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from smcrypto import der, sm2, sm2_files
from smcrypto.errors import DerError, InvalidKey
from smcrypto.sm2 import KeyPair, PrivateKey


@pytest.mark.parametrize(
    "encode",
    [
        sm2_files.encode_sec1,
        sm2_files.encode_sec1_pem,
        sm2_files.encode_pkcs8,
        sm2_files.encode_pkcs8_pem,
    ],
)
def test_private_keys_come_back(key_pair: KeyPair, encode: Callable[[PrivateKey], bytes]) -> None:
    """Each form is read back to the same key."""
    read = sm2_files.parse_private_key(encode(key_pair.private))

    assert read.secret_bytes() == key_pair.private.secret_bytes()
    assert read.public == key_pair.public


def test_public_keys_come_back(key_pair: KeyPair) -> None:
    """DER and PEM are read back to the same key."""
    assert sm2_files.parse_public_key(sm2_files.encode_public_key(key_pair.public)) == key_pair.public
    assert sm2_files.parse_public_key(sm2_files.encode_public_key_pem(key_pair.public)) == key_pair.public


def test_pem_is_read_between_other_text(key_pair: KeyPair) -> None:
    """Parameters and remarks around the block are passed over."""
    parameters = sm2_files.encode_pem("EC PARAMETERS", der.object_identifier(sm2_files.OID_SM2_CURVE))
    text = b"# signing key\n" + parameters + sm2_files.encode_sec1_pem(key_pair.private)

    assert sm2_files.parse_private_key(text).public == key_pair.public
    assert [label for label, _ in sm2_files.decode_pem(text)] == ["EC PARAMETERS", "EC PRIVATE KEY"]


def test_short_numbers_are_filled_up() -> None:
    """A private number written without its leading zeros is the same number."""
    key = PrivateKey(77)
    info = der.sequence(
        der.integer(1),
        der.octet_string(b"\x4d"),
        der.context(0, der.object_identifier(sm2_files.OID_SM2_CURVE)),
    )

    assert sm2_files.parse_private_key(info).public == key.public


def test_keys_of_other_algorithms_are_named() -> None:
    """RSA and P-256 keys are refused as what they are."""
    for other in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())):
        private = other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = other.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

        with pytest.raises(InvalidKey):
            sm2_files.parse_private_key(private)
        with pytest.raises(InvalidKey):
            sm2_files.parse_public_key(public)


def test_encrypted_keys_are_named() -> None:
    """An encrypted key is not taken for garbage."""
    private = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )

    with pytest.raises(InvalidKey, match="encrypted"):
        sm2_files.parse_private_key(private)


def test_halves_that_do_not_belong_together_are_refused(key_pair: KeyPair) -> None:
    """A public key inside a private one is believed only when it fits."""
    other = sm2.generate_key()
    info = der.sequence(
        der.integer(1),
        der.octet_string(key_pair.private.secret_bytes()),
        der.context(0, der.object_identifier(sm2_files.OID_SM2_CURVE)),
        der.context(1, der.bit_string(other.public.to_bytes())),
    )

    with pytest.raises(InvalidKey, match="together"):
        sm2_files.parse_private_key(info)


def test_private_key_without_curve_is_refused(key_pair: KeyPair) -> None:
    """A bare SEC1 key could be of any curve."""
    info = der.sequence(der.integer(1), der.octet_string(key_pair.private.secret_bytes()))

    with pytest.raises(InvalidKey, match="curve"):
        sm2_files.parse_private_key(info)


@pytest.mark.parametrize(
    "data", [b"", b"\x30\x00", b"text", b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n"]
)
def test_garbage_is_refused(data: bytes) -> None:
    """What is no key is refused by this package's own error."""
    with pytest.raises(DerError):
        sm2_files.parse_private_key(data)
    with pytest.raises(DerError):
        sm2_files.parse_public_key(data)


_CURVE = der.object_identifier(sm2_files.OID_SM2_CURVE)
_NUMBER = der.octet_string(bytes(31) + b"\x4d")


@pytest.mark.parametrize(
    ("info", "error"),
    [
        (der.sequence(der.integer(2), _NUMBER, der.context(0, _CURVE)), DerError),
        (der.sequence(der.integer(1), _NUMBER, der.context(0, _CURVE), der.context(2, _CURVE)), DerError),
        (
            der.sequence(der.integer(1), _NUMBER, der.context(0, der.object_identifier("1.2.3"))),
            InvalidKey,
        ),
        (der.sequence(der.integer(5), der.sequence(_CURVE), der.octet_string(b"")), DerError),
        (
            der.sequence(
                der.integer(0),
                der.sequence(der.object_identifier("1.2.840.10045.2.1"), der.sequence()),
                _NUMBER,
            ),
            InvalidKey,
        ),
    ],
    ids=["version", "unknown part", "other curve", "other version", "curve spelled out"],
)
def test_other_private_keys_are_refused(info: bytes, error: type[Exception]) -> None:
    """Versions, parts and curves that are not those of an SM2 key."""
    with pytest.raises(error):
        sm2_files.parse_private_key(info)


def test_curve_as_algorithm_is_read(key_pair: KeyPair) -> None:
    """Some issuers name the curve itself where the algorithm is due."""
    info = der.sequence(der.sequence(_CURVE), der.bit_string(key_pair.public.to_bytes()))

    assert sm2_files.parse_public_key(info) == key_pair.public


def test_pem_of_another_kind_is_refused(key_pair: KeyPair) -> None:
    """A certificate or a public key is no private key."""
    with pytest.raises(DerError, match="no PEM block"):
        sm2_files.parse_private_key(sm2_files.encode_public_key_pem(key_pair.public))
