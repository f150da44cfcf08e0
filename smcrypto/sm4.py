"""SM4 in Galois/counter mode, from the OpenSSL inside ``cryptography``.

No CBC: nothing new is written without authentication.

Source: GB/T 32907-2016; use in GCM as in RFC 8998.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from smcrypto.errors import DecryptionFailed, InvalidKey, InvalidParameter

KEY_SIZE = 16
NONCE_SIZE = 12
TAG_SIZE = 16
BLOCK_SIZE = 16


def _check(key: bytes, nonce: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise InvalidKey("an SM4 key has 16 bytes")
    if len(nonce) != NONCE_SIZE:
        raise InvalidParameter("a GCM nonce has 12 bytes")


def gcm_encrypt(key: bytes, nonce: bytes, plain: bytes, aad: bytes = b"") -> bytes:
    """Encrypt and authenticate; returns cipher text ‖ 16-byte tag.

    Args:
        key: 16 bytes.
        nonce: 12 bytes, never twice under one key: a second use gives away the authentication key.
        plain: At most 2³⁶ − 32 bytes.
        aad: Authenticated, not encrypted.

    Raises:
        InvalidKey, InvalidParameter: wrong sizes.
    """
    _check(key, nonce)
    encryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    if aad:
        encryptor.authenticate_additional_data(aad)
    return b"".join((encryptor.update(plain), encryptor.finalize(), encryptor.tag))


def gcm_decrypt(key: bytes, nonce: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
    """Undo :func:`gcm_encrypt`; the plain text is returned only after its tag was checked.

    Raises:
        DecryptionFailed: the tag does not fit, or *sealed* is shorter than a tag.
        InvalidKey, InvalidParameter: wrong sizes.
    """
    _check(key, nonce)
    if len(sealed) < TAG_SIZE:
        raise DecryptionFailed
    body, tag = memoryview(sealed)[:-TAG_SIZE], bytes(sealed[-TAG_SIZE:])
    decryptor = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
    if aad:
        decryptor.authenticate_additional_data(aad)
    plain = decryptor.update(body)
    try:
        return plain + decryptor.finalize()
    except (InvalidTag, ValueError):
        # a wrong tag becomes ValueError when other code left an error in this thread's OpenSSL queue
        raise DecryptionFailed from None


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """Encrypt one block of 16 bytes: for self-tests and key check values, not for data.

    Raises:
        InvalidKey, InvalidParameter: wrong sizes.
    """
    if len(key) != KEY_SIZE:
        raise InvalidKey("an SM4 key has 16 bytes")
    if len(block) != BLOCK_SIZE:
        raise InvalidParameter("an SM4 block has 16 bytes")
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()
