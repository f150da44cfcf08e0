"""SM2 X.509 certificates, written as plain DER: a small authority for tests, for TLCP pairs and for closed networks.

``cryptography`` can neither write nor check certificates with SM2 keys, and Debian's OpenSSL needs a tool run for each.
Serial numbers, validity and names are arguments, so that the same call gives the same certificate but for its signature.

Source: RFC 5280; GB/T 20518-2018 and GM/T 0015 for SM2 profiles; GB/T 38636-2020 for the pair of certificates of TLCP.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

from smcrypto import der, sm2, sm2_files, sm3
from smcrypto.errors import DerError, InvalidParameter

OID_SM2_WITH_SM3 = "1.2.156.10197.1.501"

_SIGNATURE_ALGORITHM = der.sequence(der.object_identifier(OID_SM2_WITH_SM3))
_MAX_SERIAL = 2**159
_OID_BASIC_CONSTRAINTS = "2.5.29.19"
_OID_KEY_USAGE = "2.5.29.15"
_OID_EXTENDED_KEY_USAGE = "2.5.29.37"
_OID_SUBJECT_KEY_ID = "2.5.29.14"
_OID_AUTHORITY_KEY_ID = "2.5.29.35"
_OID_ALTERNATIVE_NAME = "2.5.29.17"
_DNS_RE = re.compile(
    r"(?=.{1,253}\Z)(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_-]{1,63}"
)


class NamePart(StrEnum):
    """Kinds of attributes in a name; the value is the object identifier."""

    COMMON_NAME = "2.5.4.3"
    COUNTRY = "2.5.4.6"
    LOCALITY = "2.5.4.7"
    PROVINCE = "2.5.4.8"
    ORGANIZATION = "2.5.4.10"
    UNIT = "2.5.4.11"
    SERIAL_NUMBER = "2.5.4.5"


class KeyUsage(IntEnum):
    """Bits of the key usage extension. Source: RFC 5280, 4.2.1.3."""

    DIGITAL_SIGNATURE = 0
    NON_REPUDIATION = 1
    KEY_ENCIPHERMENT = 2
    DATA_ENCIPHERMENT = 3
    KEY_AGREEMENT = 4
    KEY_CERT_SIGN = 5
    CRL_SIGN = 6


CA_USAGE = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
SIGNING_USAGE = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION})
ENCRYPTION_USAGE = frozenset({KeyUsage.KEY_ENCIPHERMENT, KeyUsage.DATA_ENCIPHERMENT, KeyUsage.KEY_AGREEMENT})


class ExtendedKeyUsage(StrEnum):
    """What a leaf may be used for; the value is the object identifier."""

    SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


@dataclass(frozen=True, slots=True)
class Name:
    """A distinguished name, its parts in the order of the certificate."""

    parts: tuple[tuple[NamePart, str], ...]

    @classmethod
    def of(cls, common_name: str, *, organization: str = "", country: str = "CN") -> Name:
        """Make the usual short name; empty parts are left out."""
        parts = (
            (NamePart.COUNTRY, country),
            (NamePart.ORGANIZATION, organization),
            (NamePart.COMMON_NAME, common_name),
        )
        return cls(tuple((kind, text) for kind, text in parts if text))

    def to_der(self) -> bytes:
        """Write RDNSequence.

        Raises:
            InvalidParameter: an empty part, or a country that is not two capital letters.
        """
        return der.sequence(*(der.set_of(_attribute(kind, text)) for kind, text in self.parts))


def _attribute(kind: NamePart, text: str) -> bytes:
    if not text:
        raise InvalidParameter(f"empty {kind.name.lower()} in a name")
    if kind is NamePart.COUNTRY and not re.fullmatch("[A-Z]{2}", text):
        raise InvalidParameter("a country has two capital letters")
    is_printable = kind in (NamePart.COUNTRY, NamePart.SERIAL_NUMBER)
    tag = der.PRINTABLE_STRING if is_printable else der.UTF8_STRING
    return der.sequence(der.object_identifier(kind.value), der.tlv(tag, text.encode("utf-8")))


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when, both aware and in whole seconds."""

    not_before: datetime
    not_after: datetime

    def __post_init__(self) -> None:
        if self.not_before.tzinfo is None or self.not_after.tzinfo is None:
            raise InvalidParameter("validity without a time zone")
        if self.not_before >= self.not_after:
            raise InvalidParameter("validity ends before it begins")

    def to_der(self) -> bytes:
        """Write Validity."""
        return der.sequence(_time(self.not_before), _time(self.not_after))


def _time(moment: datetime) -> bytes:
    """Two-digit years until 2049, four digits after. Source: RFC 5280, 4.1.2.5."""
    utc = moment.astimezone(UTC)
    if 1950 <= utc.year < 2050:
        return der.tlv(der.UTC_TIME, f"{utc:%y%m%d%H%M%S}Z".encode("ascii"))
    return der.tlv(der.GENERALIZED_TIME, f"{utc.year:04}{utc:%m%d%H%M%S}Z".encode("ascii"))


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a certificate is to say of its subject.

    ``path_length`` counts only for an authority: how many authorities may follow; None for no limit. ``addresses`` are
    IP literals.
    """

    serial: int
    subject: Name
    validity: Validity
    public_key: sm2.PublicKey
    key_usage: frozenset[KeyUsage]
    is_authority: bool = False
    path_length: int | None = None
    extended_key_usage: tuple[ExtendedKeyUsage, ...] = ()
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issuer:
    """An authority: its name and its key."""

    name: Name
    key: sm2.PrivateKey


@dataclass(frozen=True, slots=True)
class CertificatePair:
    """The two certificates of a TLCP peer, DER: signing first, as they are sent."""

    signing: bytes
    encryption: bytes


def issue(request: CertificateRequest, issuer: Issuer, *, id: bytes = sm2.DEFAULT_ID) -> bytes:
    """Write and sign a certificate; DER.

    Args:
        request: What it says.
        issuer: Who says it.
        id: Identity in the signature; everyone expects the default.

    Raises:
        InvalidParameter: serial out of range, a name or address that is none.
    """
    if not 0 < request.serial < _MAX_SERIAL:
        raise InvalidParameter("serial number outside 1 … 2¹⁵⁹ − 1")
    tbs = der.sequence(
        der.context(0, der.integer(2)),
        der.integer(request.serial),
        _SIGNATURE_ALGORITHM,
        issuer.name.to_der(),
        request.validity.to_der(),
        request.subject.to_der(),
        sm2_files.encode_public_key(request.public_key),
        der.context(3, der.sequence(*_extensions(request, issuer.key.public))),
    )
    signature = sm2.sign(issuer.key, tbs, id=id)
    return der.sequence(tbs, _SIGNATURE_ALGORITHM, der.bit_string(signature))


def self_signed_authority(
    key: sm2.PrivateKey, *, name: Name, serial: int, validity: Validity, path_length: int | None = None
) -> bytes:
    """Write a root certificate; DER.

    Raises:
        InvalidParameter: as :func:`issue`.
    """
    request = CertificateRequest(
        serial, name, validity, key.public, CA_USAGE, is_authority=True, path_length=path_length
    )
    return issue(request, Issuer(name, key))


def issue_pair(
    issuer: Issuer,
    *,
    subject: Name,
    validity: Validity,
    signing_key: sm2.PublicKey,
    encryption_key: sm2.PublicKey,
    serials: tuple[int, int],
    dns_names: tuple[str, ...] = (),
    addresses: tuple[str, ...] = (),
) -> CertificatePair:
    """Write the signing and the encryption certificate of one TLCP peer: same subject, different keys and usages.

    Raises:
        InvalidParameter: the two keys or serial numbers are equal, or as :func:`issue`.
    """
    if signing_key == encryption_key or serials[0] == serials[1]:
        raise InvalidParameter("signing and encryption certificate need different keys and serial numbers")

    def write(serial: int, public_key: sm2.PublicKey, usage: frozenset[KeyUsage]) -> bytes:
        request = CertificateRequest(
            serial, subject, validity, public_key, usage, dns_names=dns_names, addresses=addresses
        )
        return issue(request, issuer)

    return CertificatePair(
        write(serials[0], signing_key, SIGNING_USAGE), write(serials[1], encryption_key, ENCRYPTION_USAGE)
    )


def _extensions(request: CertificateRequest, issuer_key: sm2.PublicKey) -> Iterable[bytes]:
    if request.is_authority:
        length = b"" if request.path_length is None else der.integer(request.path_length)
        yield _extension(_OID_BASIC_CONSTRAINTS, der.sequence(der.boolean(True), length), critical=True)
    else:
        yield _extension(_OID_BASIC_CONSTRAINTS, der.sequence(), critical=True)
    yield _extension(_OID_KEY_USAGE, _key_usage(request.key_usage), critical=True)
    if request.extended_key_usage:
        usages = (der.object_identifier(usage.value) for usage in request.extended_key_usage)
        yield _extension(_OID_EXTENDED_KEY_USAGE, der.sequence(*usages))
    if request.dns_names or request.addresses:
        yield _extension(_OID_ALTERNATIVE_NAME, _alternative_names(request))
    yield _extension(_OID_SUBJECT_KEY_ID, der.octet_string(_key_id(request.public_key)))
    authority = der.sequence(der.context(0, _key_id(issuer_key), constructed=False))
    yield _extension(_OID_AUTHORITY_KEY_ID, authority)


def _extension(oid: str, content: bytes, *, critical: bool = False) -> bytes:
    mark = der.boolean(True) if critical else b""
    return der.sequence(der.object_identifier(oid), mark, der.octet_string(content))


def _key_usage(usage: frozenset[KeyUsage]) -> bytes:
    """Write a named bit list: no zero bits at the end. Source: ITU-T X.690, 11.2.2."""
    if not usage:
        raise InvalidParameter("a certificate without key usage")
    highest = max(usage)
    bits = sum(0x80 >> bit for bit in usage)
    return der.bit_string(bytes((bits,)), 7 - highest)


def _alternative_names(request: CertificateRequest) -> bytes:
    names: list[bytes] = []
    for name in request.dns_names:
        if not _DNS_RE.fullmatch(name):
            raise InvalidParameter(f"{name!r} is not a DNS name")
        names.append(der.context(2, name.encode("ascii"), constructed=False))
    for address in request.addresses:
        try:
            packed = ipaddress.ip_address(address).packed
        except ValueError:
            raise InvalidParameter(f"{address!r} is not an address") from None
        names.append(der.context(7, packed, constructed=False))
    return der.sequence(*names)


def _key_id(key: sm2.PublicKey) -> bytes:
    """Name a key by 20 bytes of its SM3 digest, as RFC 7093 does with other hashes."""
    return sm3.digest(key.to_bytes())[:20]


@dataclass(frozen=True, slots=True)
class SignedParts:
    """A certificate in the three parts a signature check needs, and its public key's encoding."""

    tbs: bytes
    algorithm: str
    signature: bytes
    public_key_info: bytes


def split(certificate: bytes) -> SignedParts:
    """Take a certificate (DER) apart; nothing is checked.

    Raises:
        DerError: not the DER of a certificate.
    """
    outer = der.Reader(certificate)
    body = outer.read_sequence()
    outer.finish()
    _, _, tbs = body.read_any()
    algorithm = body.read_sequence().read_object_identifier()
    signature = body.read_bit_string()
    body.finish()
    fields = der.Reader(tbs).read_sequence()
    if fields.peek_tag() == 0xA0:
        fields.read_any()
    for _ in range(5):
        # serial, signature algorithm, issuer, validity, subject
        fields.read_any()
    tag, _, public_key_info = fields.read_any()
    if tag != der.SEQUENCE:
        raise DerError("no public key where it is due")
    return SignedParts(tbs, algorithm, signature, public_key_info)


def public_key_of(certificate: bytes) -> sm2.PublicKey:
    """Read the SM2 key of a certificate (DER).

    Raises:
        DerError: no certificate.
        InvalidKey: a key of another algorithm.
    """
    return sm2_files.parse_public_key(split(certificate).public_key_info)


def is_signed_by(certificate: bytes, issuer: sm2.PublicKey, *, id: bytes = sm2.DEFAULT_ID) -> bool:
    """Tell whether *issuer* signed a certificate (DER) with SM2 and SM3; names and validity are not looked at.

    Raises:
        DerError: no certificate.
    """
    parts = split(certificate)
    return parts.algorithm == OID_SM2_WITH_SM3 and sm2.verify(issuer, parts.tbs, parts.signature, id=id)


def encode_certificate_pem(certificate: bytes) -> bytes:
    """Wrap a certificate in PEM."""
    return sm2_files.encode_pem("CERTIFICATE", certificate)
