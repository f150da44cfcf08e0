"""SM2 signatures, encryption and key agreement. The one place through which SM2 is used.

The curve arithmetic is gmssl's (see :mod:`smcrypto._curve`), everything around it is written here, because gmssl's own
takes nonces from a predictable generator, strips digits from public keys, never compares C3 and checks no range.
About 100 operations a second; a secret scalar is split at random, so that the time taken does not follow it.

This is software, not a certified cryptographic module: see :attr:`smcrypto.keys.KeyProvider.certified`.

Source: GB/T 32918.2-2016 (signature), 32918.4-2016 (encryption), 35276-2017 (encodings and default identity).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import NoReturn

from smcrypto import _curve, der, sm3
from smcrypto.errors import DecryptionFailed, DerError, InvalidKey, InvalidParameter
from smcrypto.kdf import kdf_sm3

DEFAULT_ID = b"1234567812345678"
"""Identity of the signer where none was agreed. Source: GB/T 35276-2017."""

_MAX_ID_SIZE = 0xFFFF // 8
_SIZE = _curve.SIZE
_CURVE_PREFIX = b"".join(
    number.to_bytes(_SIZE, "big") for number in (_curve.A, _curve.B, _curve.GX, _curve.GY)
)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point of the curve, checked when made.

    Raises:
        InvalidKey: the point is not on the curve.
    """

    x: int
    y: int

    def __post_init__(self) -> None:
        if not _curve.is_on_curve(self.x, self.y):
            raise InvalidKey("public key is not a point of the SM2 curve")

    @classmethod
    def from_bytes(cls, data: bytes) -> PublicKey:
        """Read 04‖x‖y (65 bytes), x‖y (64 bytes) or the compressed form 02/03‖x (33 bytes)."""
        if len(data) == 65 and data[0] == 4:
            data = data[1:]
        if len(data) == 64:
            return cls(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big"))
        if len(data) == 33 and data[0] in (2, 3):
            return cls._decompress(int.from_bytes(data[1:], "big"), data[0] & 1)
        raise InvalidKey("public key has neither 64, 65 nor 33 bytes of a known form")

    @classmethod
    def _decompress(cls, x: int, odd: int) -> PublicKey:
        square = (x * x * x + _curve.A * x + _curve.B) % _curve.P
        # p = 3 mod 4, so this is a square root wherever there is one; __post_init__ finds the other cases
        y = pow(square, (_curve.P + 1) // 4, _curve.P)
        return cls(x, y if y & 1 == odd else _curve.P - y)

    def to_bytes(self) -> bytes:
        """Write 04‖x‖y, 65 bytes."""
        return b"\x04" + self.x.to_bytes(_SIZE, "big") + self.y.to_bytes(_SIZE, "big")

    def fingerprint(self) -> str:
        """Name the key by the first 16 hexadecimal digits of the SM3 digest of :meth:`to_bytes`."""
        return sm3.hexdigest(self.to_bytes())[:16]


class PrivateKey:
    """A secret number and its public key. Never printed, never pickled.

    Raises:
        InvalidKey: the number is not 1 … n − 2.
    """

    __slots__ = ("_number", "_public")

    def __init__(self, number: int) -> None:
        if not 0 < number < _curve.N - 1:
            raise InvalidKey("private key outside 1 … n − 2")
        self._number = number
        self._public = PublicKey(*_curve.to_numbers(_curve.multiply_secret(number, _curve.BASE)))

    @classmethod
    def from_bytes(cls, data: bytes) -> PrivateKey:
        """Read 32 bytes, most significant first."""
        if len(data) != _SIZE:
            raise InvalidKey("private key has not 32 bytes")
        return cls(int.from_bytes(data, "big"))

    @property
    def public(self) -> PublicKey:
        """The public key that belongs to it."""
        return self._public

    def secret_bytes(self) -> bytes:
        """Hand out the secret, 32 bytes: only for writing key files."""
        return self._number.to_bytes(_SIZE, "big")

    def __repr__(self) -> str:
        return f"<SM2 private key of {self._public.fingerprint()}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key with its public key."""

    private: PrivateKey

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return self.private.public


def generate_key() -> KeyPair:
    """Make a new key from the operating system's generator."""
    return KeyPair(PrivateKey(_curve.random_scalar(_curve.N - 2)))


def identity_digest(public: PublicKey, *, id: bytes = DEFAULT_ID) -> bytes:
    """Hash the signer's identity, the curve and the public key: the value called Z.

    Raises:
        InvalidParameter: *id* is longer than 8,191 bytes.

    Source: GB/T 32918.2-2016, 5.5.
    """
    if len(id) > _MAX_ID_SIZE:
        raise InvalidParameter("identity longer than 8,191 bytes")
    return sm3.digest((len(id) * 8).to_bytes(2, "big") + id + _CURVE_PREFIX + public.to_bytes()[1:])


def message_digest(public: PublicKey, message: bytes, *, id: bytes = DEFAULT_ID) -> bytes:
    """Hash Z ‖ *message*: the value called e, for callers that sign or verify with :func:`sign_digest`."""
    hasher = sm3.Hasher(identity_digest(public, id=id))
    hasher.update(message)
    return hasher.digest()


def sign(private: PrivateKey, message: bytes, *, id: bytes = DEFAULT_ID) -> bytes:
    """Sign *message*; returns DER SEQUENCE { r, s }.

    Raises:
        InvalidParameter: *id* is too long.
    """
    return sign_digest(private, message_digest(private.public, message, id=id))


def sign_digest(private: PrivateKey, digest: bytes) -> bytes:
    """Sign the 32-byte value e of :func:`message_digest`; returns DER."""
    if len(digest) != sm3.DIGEST_SIZE:
        raise InvalidParameter("digest has not 32 bytes")
    while True:
        pair = _sign_with_nonce(private, digest, _curve.random_scalar(_curve.N - 1))
        if pair is not None:
            return encode_signature(*pair)


def _sign_with_nonce(private: PrivateKey, digest: bytes, nonce: int) -> tuple[int, int] | None:
    """Compute (r, s), or None when the nonce must be drawn again.

    The nonce is an argument only for the vector of the standard; nobody else may choose it.
    """
    n, secret = _curve.N, private._number
    x1, _ = _curve.to_numbers(_curve.multiply_secret(nonce, _curve.BASE))
    r = (int.from_bytes(digest, "big") + x1) % n
    if r == 0 or r + nonce == n:
        return None
    blind = _curve.random_scalar(n - 1)
    s = blind * pow(blind * (1 + secret), -1, n) * (nonce - r * secret) % n
    return (r, s) if s else None


def verify(public: PublicKey, message: bytes, signature: bytes, *, id: bytes = DEFAULT_ID) -> bool:
    """Tell whether *signature* (DER) is *public*'s over *message*. A malformed signature is False, not an error.

    Raises:
        InvalidParameter: *id* is too long.
    """
    return verify_digest(public, message_digest(public, message, id=id), signature)


def verify_digest(public: PublicKey, digest: bytes, signature: bytes) -> bool:
    """Tell whether *signature* (DER) is *public*'s over the value e of :func:`message_digest`."""
    if len(digest) != sm3.DIGEST_SIZE:
        raise InvalidParameter("digest has not 32 bytes")
    try:
        r, s = decode_signature(signature)
    except DerError:
        return False
    n = _curve.N
    t = (r + s) % n
    if not (0 < r < n and 0 < s < n and t):
        return False
    total = _curve.add(
        _curve.multiply(s, _curve.BASE), _curve.multiply(t, _curve.to_text(public.x, public.y))
    )
    if total is None:
        return False
    expected = (int.from_bytes(digest, "big") + _curve.to_numbers(total)[0]) % n
    return hmac.compare_digest(expected.to_bytes(_SIZE, "big"), r.to_bytes(_SIZE, "big"))


def encode_signature(r: int, s: int) -> bytes:
    """Write DER SEQUENCE { r, s }."""
    return der.sequence(der.integer(r), der.integer(s))


def decode_signature(signature: bytes) -> tuple[int, int]:
    """Read DER SEQUENCE { r, s } strictly; no range is checked.

    Raises:
        DerError: other bytes.
    """
    outer = der.Reader(signature)
    inner = outer.read_sequence()
    outer.finish()
    r, s = inner.read_integer(), inner.read_integer()
    inner.finish()
    return r, s


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """The parts of an SM2 cipher text: C1 = (x, y), C3 = hash, C2 = cipher.

    Source: GB/T 35276-2017 (SM2Cipher).
    """

    x: int
    y: int
    hash: bytes
    cipher: bytes

    def to_der(self) -> bytes:
        """Write DER SEQUENCE { x, y, hash, cipher }."""
        return der.sequence(
            der.integer(self.x),
            der.integer(self.y),
            der.octet_string(self.hash),
            der.octet_string(self.cipher),
        )

    @classmethod
    def from_der(cls, data: bytes) -> Ciphertext:
        """Read DER SEQUENCE { x, y, hash, cipher } strictly.

        Raises:
            DerError: other bytes.
        """
        outer = der.Reader(data)
        inner = outer.read_sequence()
        outer.finish()
        x, y = inner.read_integer(), inner.read_integer()
        digest, cipher = inner.read(der.OCTET_STRING), inner.read(der.OCTET_STRING)
        inner.finish()
        return cls(x, y, digest, cipher)

    def to_raw(self) -> bytes:
        """Write 04‖x‖y‖C3‖C2, the order of the standard (C1C3C2)."""
        return PublicKey(self.x, self.y).to_bytes() + self.hash + self.cipher

    @classmethod
    def from_raw(cls, data: bytes) -> Ciphertext:
        """Read 04‖x‖y‖C3‖C2.

        Raises:
            DerError: too short or without its 04.
        """
        if len(data) < 98 or data[0] != 4:
            raise DerError("not 04 ‖ C1 ‖ C3 ‖ C2")
        return cls(
            int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:65], "big"), data[65:97], data[97:]
        )


def encrypt(public: PublicKey, plain: bytes) -> bytes:
    """Encrypt a short secret such as a key; returns DER SEQUENCE { x, y, hash, cipher }.

    Raises:
        InvalidParameter: *plain* is empty.
    """
    if not plain:
        raise InvalidParameter("nothing to encrypt")
    while True:
        parts = _encrypt_with_nonce(public, plain, _curve.random_scalar(_curve.N - 1))
        if parts is not None:
            return parts.to_der()


def _encrypt_with_nonce(public: PublicKey, plain: bytes, nonce: int) -> Ciphertext | None:
    """Encrypt with a given nonce (only for the vector of the standard); None: draw another."""
    x1, y1 = _curve.to_numbers(_curve.multiply_secret(nonce, _curve.BASE))
    x2, y2 = _shared_point(nonce, public)
    stream = kdf_sm3(x2 + y2, len(plain))
    if not any(stream):
        return None
    return Ciphertext(x1, y1, sm3.digest(x2 + plain + y2), _xor(plain, stream))


def decrypt(private: PrivateKey, data: bytes) -> bytes:
    """Undo :func:`encrypt`; C1 is checked to lie on the curve, C3 is compared before anything is returned.

    Raises:
        DecryptionFailed: not DER, altered, or made for another key.
    """
    try:
        parts = Ciphertext.from_der(data)
        point = PublicKey(parts.x, parts.y)
    except (DerError, InvalidKey):
        raise DecryptionFailed from None
    if not parts.cipher:
        raise DecryptionFailed
    x2, y2 = _shared_point(private._number, point)
    stream = kdf_sm3(x2 + y2, len(parts.cipher))
    plain = _xor(parts.cipher, stream)
    if not any(stream) or not hmac.compare_digest(sm3.digest(x2 + plain + y2), parts.hash):
        raise DecryptionFailed
    return plain


def ecdh(private: PrivateKey, public: PublicKey) -> bytes:
    """Agree on a secret: the x coordinate of the shared point, 32 bytes. Never a key by itself: derive from it.

    Source: RFC 8998, 3.2.2 (key share of curveSM2).
    """
    return _shared_point(private._number, public)[0]


def _shared_point(secret: int, public: PublicKey) -> tuple[bytes, bytes]:
    x, y = _curve.to_numbers(_curve.multiply_secret(secret, _curve.to_text(public.x, public.y)))
    return x.to_bytes(_SIZE, "big"), y.to_bytes(_SIZE, "big")


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
