"""Private key files: which public key do they belong to? The secret itself never leaves this module.

Nothing is decrypted: a file under a passphrase is reported as such, which is the better state for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from smcrypto import sm2, sm2_files, sm3
from smcrypto.der import Reader
from smcrypto.errors import DerError, InvalidKey

_NONCE = b"does this key sign for that certificate?"


class KeyState(StrEnum):
    """What a private key file turned out to be."""

    SM2 = "sm2"
    CLASSIC = "classic"
    ENCRYPTED = "encrypted"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class PrivateKeyFacts:
    """A private key file without its secret.

    ``public_sm3`` is the SM3 digest of the public key bits, empty where they are not known; ``signs`` says
    whether a trial signature was made and verified with it (SM2 only, else ``None``).
    """

    state: KeyState
    public_sm3: str = ""
    signs: bool | None = None
    detail: str = ""


def public_digest(key_bits: bytes) -> str:
    """Name a public key by the SM3 digest of its bits as they stand in a certificate."""
    return sm3.hexdigest(key_bits)


def read_private_key(data: bytes) -> PrivateKeyFacts:
    """Look at the first private key in a PEM or DER file."""
    if b"ENCRYPTED" in data:
        return PrivateKeyFacts(KeyState.ENCRYPTED)
    try:
        key = sm2_files.parse_private_key(data)
    except (DerError, InvalidKey) as problem:
        return _classic(data, problem.reason)
    signature = sm2.sign(key, _NONCE)
    return PrivateKeyFacts(
        KeyState.SM2, public_digest(key.public.to_bytes()), sm2.verify(key.public, _NONCE, signature)
    )


def _classic(data: bytes, why_not_sm2: str) -> PrivateKeyFacts:
    load = (
        serialization.load_pem_private_key if b"-----BEGIN " in data else serialization.load_der_private_key
    )
    try:
        key = load(data, password=None)
        return PrivateKeyFacts(KeyState.CLASSIC, public_digest(_key_bits(key)))
    except TypeError:
        return PrivateKeyFacts(KeyState.ENCRYPTED)
    except (ValueError, UnsupportedAlgorithm):
        return PrivateKeyFacts(KeyState.INVALID, detail=why_not_sm2)


def _key_bits(key: PrivateKeyTypes) -> bytes:
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _bits_of_spki(spki)


def _bits_of_spki(spki: bytes) -> bytes:
    info = Reader(spki).read_sequence()
    info.read_any()
    return info.read_bit_string()
