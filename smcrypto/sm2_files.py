"""SM2 keys as files: SEC1, PKCS#8 and SubjectPublicKeyInfo, DER and PEM.

Encrypted private keys are not read: Debian's OpenSSL and GmSSL do not even agree on how to write them.

Source: RFC 5915 (SEC1), RFC 5958 (PKCS#8), RFC 5480 (SPKI), GB/T 35276-2017 (identifiers).
"""

from __future__ import annotations

import base64
import binascii
import re

from smcrypto import der
from smcrypto.errors import DerError, InvalidKey
from smcrypto.sm2 import PrivateKey, PublicKey

OID_EC_PUBLIC_KEY = "1.2.840.10045.2.1"
OID_SM2_CURVE = "1.2.156.10197.1.301"

_ALGORITHM = der.sequence(der.object_identifier(OID_EC_PUBLIC_KEY), der.object_identifier(OID_SM2_CURVE))
_PEM_RE = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s(.+?)-----END \1-----", re.DOTALL)


def encode_pem(label: str, data: bytes) -> bytes:
    """Wrap DER in PEM lines of 64 characters."""
    text = base64.b64encode(data)
    lines = b"\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    name = label.encode("ascii")
    return b"-----BEGIN " + name + b"-----\n" + lines + b"\n-----END " + name + b"-----\n"


def decode_pem(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """List the blocks of a PEM file in order as (label, DER); text between them is passed over.

    Raises:
        DerError: a block is not base64.
    """
    blocks: list[tuple[str, bytes]] = []
    for label, body in _PEM_RE.findall(data):
        try:
            blocks.append((label.decode("ascii"), base64.b64decode(b"".join(body.split()), validate=True)))
        except binascii.Error:
            raise DerError(f"PEM block {label.decode('ascii')!r} is not base64") from None
    return tuple(blocks)


def encode_public_key(key: PublicKey) -> bytes:
    """Write SubjectPublicKeyInfo, DER."""
    return der.sequence(_ALGORITHM, der.bit_string(key.to_bytes()))


def encode_public_key_pem(key: PublicKey) -> bytes:
    """Write SubjectPublicKeyInfo, PEM."""
    return encode_pem("PUBLIC KEY", encode_public_key(key))


def parse_public_key(data: bytes) -> PublicKey:
    """Read SubjectPublicKeyInfo, DER or PEM.

    Raises:
        DerError: other bytes.
        InvalidKey: a key of another algorithm or curve, or off the curve.
    """
    outer = der.Reader(_unwrap(data, "PUBLIC KEY"))
    info = outer.read_sequence()
    outer.finish()
    _read_algorithm(info)
    point = info.read_bit_string()
    info.finish()
    return PublicKey.from_bytes(point)


def _read_algorithm(reader: der.Reader) -> None:
    algorithm = reader.read_sequence()
    name = algorithm.read_object_identifier()
    # some issuers name the curve itself as the algorithm
    if name == OID_SM2_CURVE:
        return
    if name != OID_EC_PUBLIC_KEY:
        raise InvalidKey(f"key of algorithm {name}, not of SM2")
    if algorithm.peek_tag() != der.OBJECT_IDENTIFIER:
        raise InvalidKey("curve not given by name")
    curve = algorithm.read_object_identifier()
    algorithm.finish()
    if curve != OID_SM2_CURVE:
        raise InvalidKey(f"key on curve {curve}, not on that of SM2")


def encode_sec1(key: PrivateKey) -> bytes:
    """Write ECPrivateKey with curve name and public key, DER."""
    return _sec1(key, with_curve=True)


def encode_sec1_pem(key: PrivateKey) -> bytes:
    """Write ECPrivateKey, PEM."""
    return encode_pem("EC PRIVATE KEY", encode_sec1(key))


def _sec1(key: PrivateKey, *, with_curve: bool) -> bytes:
    curve = der.context(0, der.object_identifier(OID_SM2_CURVE)) if with_curve else b""
    public = der.context(1, der.bit_string(key.public.to_bytes()))
    return der.sequence(der.integer(1), der.octet_string(key.secret_bytes()), curve, public)


def encode_pkcs8(key: PrivateKey) -> bytes:
    """Write PrivateKeyInfo, DER, not encrypted."""
    return der.sequence(der.integer(0), _ALGORITHM, der.octet_string(_sec1(key, with_curve=False)))


def encode_pkcs8_pem(key: PrivateKey) -> bytes:
    """Write PrivateKeyInfo, PEM, not encrypted."""
    return encode_pem("PRIVATE KEY", encode_pkcs8(key))


def parse_private_key(data: bytes) -> PrivateKey:
    """Read PKCS#8 or SEC1, DER or PEM. A public key inside must belong to the private one.

    Raises:
        DerError: other bytes.
        InvalidKey: another algorithm or curve, out of range, or encrypted.
    """
    raw = _unwrap(data, "PRIVATE KEY", "EC PRIVATE KEY")
    outer = der.Reader(raw)
    info = outer.read_sequence()
    outer.finish()
    version = info.read_integer()
    if info.peek_tag() == der.OCTET_STRING:
        return _read_sec1(info, version, curve_known=False)
    if version not in (0, 1):
        raise DerError(f"private key of version {version}")
    _read_algorithm(info)
    inner = der.Reader(info.read(der.OCTET_STRING))
    body = inner.read_sequence()
    inner.finish()
    return _read_sec1(body, body.read_integer(), curve_known=True)


def _read_sec1(reader: der.Reader, version: int, *, curve_known: bool) -> PrivateKey:
    if version != 1:
        raise DerError(f"ECPrivateKey of version {version}")
    number = reader.read(der.OCTET_STRING)
    # OpenSSL pads to 32 bytes, others write the shortest form
    key = PrivateKey.from_bytes(number.rjust(32, b"\0") if len(number) < 32 else number)
    public: bytes | None = None
    while not reader.at_end:
        tag, content, _ = reader.read_any()
        if tag == 0xA0:
            if der.Reader(content).read_object_identifier() != OID_SM2_CURVE:
                raise InvalidKey("private key on another curve")
            curve_known = True
        elif tag == 0xA1:
            public = der.Reader(content).read_bit_string()
        else:
            raise DerError(f"tag {tag:#04x} in ECPrivateKey")
    if not curve_known:
        raise InvalidKey("private key without the name of its curve")
    if public is not None and PublicKey.from_bytes(public) != key.public:
        raise InvalidKey("private and public key do not belong together")
    return key


def _unwrap(data: bytes, *labels: str) -> bytes:
    """Give the DER inside PEM, or *data* itself when it is no PEM."""
    if b"-----BEGIN " not in data:
        return data
    blocks = decode_pem(data)
    for label, body in blocks:
        if label in labels:
            return body
    if any("ENCRYPTED" in label for label, _ in blocks):
        raise InvalidKey("private key is encrypted")
    raise DerError("no PEM block of the kind wanted")
