"""Keys from keys and keys from passwords, with SM3."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from smcrypto import sm3
from smcrypto.errors import InvalidParameter

_DERIVE_DOMAIN = b"secops purpose key v1"


def kdf_sm3(shared: bytes, size: int) -> bytes:
    """Stretch *shared* to *size* bytes: SM3(shared ‖ 1) ‖ SM3(shared ‖ 2) ‖ … with a 32-bit counter.

    Raises:
        InvalidParameter: *size* is not 1 to (2³² − 1) · 32 bytes.

    Source: GB/T 32918.4-2016, 5.4.3.
    """
    if not 0 < size <= (2**32 - 1) * sm3.DIGEST_SIZE:
        raise InvalidParameter("size of a derived key out of range")
    blocks = (size + sm3.DIGEST_SIZE - 1) // sm3.DIGEST_SIZE
    prefix = sm3.Hasher(shared)
    out = bytearray()
    for counter in range(1, blocks + 1):
        hasher = prefix.copy()
        hasher.update(counter.to_bytes(4, "big"))
        out += hasher.digest()
    return bytes(out[:size])


def derive_key(key: bytes, label: str, *, context: bytes = b"", size: int = 16) -> bytes:
    """Make the key for one purpose out of a main key.

    HMAC-SM3 first, so that a purpose key that leaks says nothing about *key* or its siblings; label and context
    carry their lengths, so that no two pairs of them make the same message.

    Args:
        key: The main key, at least 16 bytes.
        label: Name of the purpose, such as ``evidence-wrap``.
        context: What else the key is bound to; may be empty.
        size: Bytes wanted: 16 for SM4, 32 for HMAC-SM3.

    Raises:
        InvalidParameter: *key* is too short or *size* out of range.
    """
    if len(key) < 16:
        raise InvalidParameter("main key shorter than 16 bytes")
    name = label.encode()
    message = b"".join(
        (_DERIVE_DOMAIN, len(name).to_bytes(4, "big"), name, len(context).to_bytes(4, "big"), context)
    )
    return kdf_sm3(sm3.hmac_sm3(key, message), size)


def pbkdf2_hmac_sm3(password: bytes, salt: bytes, *, iterations: int = 600_000, size: int = 32) -> bytes:
    """Make a key from a password. 600,000 iterations take about half a second.

    Raises:
        InvalidParameter: salt under 8 bytes, or iterations or size not positive.

    Source: RFC 8018, 5.2, with HMAC-SM3 as the function.
    """
    if len(salt) < 8 or iterations < 1 or size < 1:
        raise InvalidParameter("salt, iterations or size out of range")
    return PBKDF2HMAC(algorithm=hashes.SM3(), length=size, salt=salt, iterations=iterations).derive(password)
