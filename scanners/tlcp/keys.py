"""Keys of a TLCP connection and the protection of its records. Pure: randomness is an argument.

Source: GB/T 38636-2020, 5.2 (pseudo-random function), 6.3 (records), 6.5 (key computation).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from scanners.tls.records import RecordError, Version
from smcrypto import sm3, sm4
from smcrypto.errors import DecryptionFailed

PRE_MASTER_BYTES = 48
MASTER_BYTES = 48
VERIFY_BYTES = 12
_MAC_BYTES = 32
_BLOCK = 16
_SALT_BYTES = 4
_EXPLICIT_NONCE_BYTES = 8


def prf(secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """Expand a secret to *size* bytes by HMAC-SM3, as TLS 1.2 does with its own hash."""
    seed = label + seed
    chain, out = seed, b""
    while len(out) < size:
        chain = sm3.hmac_sm3(secret, chain)
        out += sm3.hmac_sm3(secret, chain + seed)
    return out[:size]


def master_secret(pre_master: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """Derive the 48 bytes from which everything else of a connection follows."""
    return prf(pre_master, b"master secret", client_random + server_random, MASTER_BYTES)


def verify_data(master: bytes, transcript: bytes, *, by_client: bool) -> bytes:
    """Give the twelve bytes of a Finished message over all handshake messages before it."""
    label = b"client finished" if by_client else b"server finished"
    return prf(master, label, sm3.digest(transcript), VERIFY_BYTES)


@dataclass(frozen=True, slots=True)
class DirectionKeys:
    """Keys of one direction. ``mac`` is empty for GCM, ``salt`` is empty for CBC."""

    cipher: bytes
    mac: bytes = b""
    salt: bytes = b""


def connection_keys(
    master: bytes, client_random: bytes, server_random: bytes, *, is_gcm: bool
) -> tuple[DirectionKeys, DirectionKeys]:
    """Derive the keys of both directions: client to server, server to client."""
    if is_gcm:
        block = prf(master, b"key expansion", server_random + client_random, 2 * (_BLOCK + _SALT_BYTES))
        return DirectionKeys(block[:16], salt=block[32:36]), DirectionKeys(block[16:32], salt=block[36:40])
    block = prf(master, b"key expansion", server_random + client_random, 2 * (_MAC_BYTES + _BLOCK))
    return DirectionKeys(block[64:80], mac=block[:32]), DirectionKeys(block[80:96], mac=block[32:64])


@dataclass(slots=True)
class Protection:
    """Seals or opens the records of one direction in order."""

    keys: DirectionKeys
    _sequence: int = field(default=0)

    def seal(self, content_type: int, plain: bytes, random: bytes) -> bytes:
        """Give the payload of a protected record.

        Args:
            random: 16 bytes, the initial vector of a CBC record; GCM counts its nonces.
        """
        number = self._next()
        if self.keys.mac:
            tag = sm3.hmac_sm3(self.keys.mac, number + _header(content_type, len(plain)) + plain)
            missing = _BLOCK - (len(plain) + _MAC_BYTES) % _BLOCK
            padded = plain + tag + bytes([missing - 1]) * missing
            encryptor = Cipher(algorithms.SM4(self.keys.cipher), modes.CBC(random)).encryptor()
            return random + encryptor.update(padded) + encryptor.finalize()
        aad = number + _header(content_type, len(plain))
        return number + sm4.gcm_encrypt(self.keys.cipher, self.keys.salt + number, plain, aad)

    def open(self, content_type: int, payload: bytes) -> bytes:
        """Give the content of a protected record.

        Raises:
            RecordError: it was not made with these keys, or was altered.
        """
        number = self._next()
        return (
            self._open_cbc(number, content_type, payload)
            if self.keys.mac
            else self._open_gcm(number, content_type, payload)
        )

    def _open_gcm(self, number: bytes, content_type: int, payload: bytes) -> bytes:
        nonce, sealed = payload[:_EXPLICIT_NONCE_BYTES], payload[_EXPLICIT_NONCE_BYTES:]
        if len(sealed) < _BLOCK:
            raise RecordError("protected record is too short")
        aad = number + _header(content_type, len(sealed) - _BLOCK)
        try:
            return sm4.gcm_decrypt(self.keys.cipher, self.keys.salt + nonce, sealed, aad)
        except DecryptionFailed:
            raise RecordError("protected record does not open") from None

    def _open_cbc(self, number: bytes, content_type: int, payload: bytes) -> bytes:
        if len(payload) < 2 * _BLOCK + _MAC_BYTES or len(payload) % _BLOCK:
            raise RecordError("protected record has an impossible length")
        decryptor = Cipher(algorithms.SM4(self.keys.cipher), modes.CBC(payload[:_BLOCK])).decryptor()
        padded = decryptor.update(payload[_BLOCK:]) + decryptor.finalize()
        padding = padded[-1] + 1
        size = len(padded) - padding - _MAC_BYTES
        if size < 0 or any(byte != padding - 1 for byte in padded[-padding:]):
            raise RecordError("protected record does not open")
        plain, tag = padded[:size], padded[size : size + _MAC_BYTES]
        expected = sm3.hmac_sm3(self.keys.mac, number + _header(content_type, size) + plain)
        if not hmac.compare_digest(tag, expected):
            raise RecordError("protected record does not open")
        return plain

    def _next(self) -> bytes:
        number = self._sequence.to_bytes(8, "big")
        self._sequence += 1
        return number


def _header(content_type: int, size: int) -> bytes:
    return bytes([content_type]) + int(Version.TLCP).to_bytes(2, "big") + size.to_bytes(2, "big")
