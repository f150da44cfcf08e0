"""SM3 and HMAC-SM3, from the OpenSSL inside ``cryptography``.

Source: GB/T 32905-2016; HMAC construction of GB/T 15852.2-2012.
"""

from __future__ import annotations

from typing import BinaryIO

from cryptography.hazmat.primitives import hashes, hmac

DIGEST_SIZE = 32
"""Bytes of a digest."""

_READ_SIZE = 1 << 20
_SM3 = hashes.SM3()


def digest(data: bytes | bytearray | memoryview) -> bytes:
    """Hash *data*; 32 bytes."""
    context = hashes.Hash(_SM3)
    context.update(data)
    return context.finalize()


def hexdigest(data: bytes | bytearray | memoryview) -> str:
    """Hash *data*; 64 lower-case hexadecimal digits."""
    return digest(data).hex()


class Hasher:
    """Incremental SM3 with the calls of :mod:`hashlib`: reading the digest does not end it."""

    __slots__ = ("_context",)

    def __init__(self, data: bytes | bytearray | memoryview = b"") -> None:
        self._context = hashes.Hash(_SM3)
        if data:
            self._context.update(data)

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add *data* to what was hashed so far."""
        self._context.update(data)

    def copy(self) -> Hasher:
        """Branch off: both go on independently."""
        twin = Hasher.__new__(Hasher)
        twin._context = self._context.copy()
        return twin

    def digest(self) -> bytes:
        """Digest of everything added so far; 32 bytes."""
        return self._context.copy().finalize()

    def hexdigest(self) -> str:
        """Digest of everything added so far; 64 hexadecimal digits."""
        return self.digest().hex()


def hash_stream(stream: BinaryIO) -> bytes:
    """Hash a readable binary stream to its end, 1 MiB at a time."""
    hasher = Hasher()
    while block := stream.read(_READ_SIZE):
        hasher.update(block)
    return hasher.digest()


def hmac_sm3(key: bytes, data: bytes | bytearray | memoryview) -> bytes:
    """Authenticate *data* with *key* (any length, best 32 bytes); 32 bytes."""
    context = hmac.HMAC(key, _SM3)
    context.update(data)
    return context.finalize()
