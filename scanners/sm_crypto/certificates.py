"""Certificates to facts, and whether one signed another: for RSA, EC, EdDSA and SM2 alike. Pure.

``cryptography`` reads the structure; it refuses SM2 keys and signatures (``UnsupportedAlgorithm``), so the
key is read from the structure here and an SM2 signature is checked by ``smcrypto``. What cannot be checked
is "unsupported", never "invalid".
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.utils import CryptographyDeprecationWarning

from scanners.sm_crypto.oids import (
    EC_PUBLIC_KEY,
    EXTENDED_KEY_USAGES,
    SM2_CURVE,
    SM2_KEY_ALGORITHMS,
    SM2_WITH_SM3,
    signature_name,
)
from scanners.tls.text import printable
from smcrypto import sm2, sm3
from smcrypto.der import Reader
from smcrypto.errors import DerError, InvalidKey

MAX_CERTIFICATE_BYTES = 64 * 1024
_MAX_NAMES = 100

_ExtensionT = TypeVar("_ExtensionT", bound=x509.ExtensionType)


class KeyKind(StrEnum):
    """Families of public keys."""

    SM2 = "sm2"
    RSA = "rsa"
    EC = "ec"
    ED25519 = "ed25519"
    ED448 = "ed448"
    DSA = "dsa"
    UNKNOWN = "unknown"


class Check(StrEnum):
    """Answer of a check; ``UNSUPPORTED`` means that this program cannot tell."""

    VALID = "valid"
    INVALID = "invalid"
    UNSUPPORTED = "unsupported"


class InvalidCertificate(ValueError):
    """The bytes are not an X.509 certificate that can be read; *detail* says where."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A public key: its family, size in bits where known, curve name, and the OIDs it was written with."""

    kind: KeyKind
    bits: int | None
    curve: str
    algorithm_oid: str
    parameters_oid: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What one certificate says of itself.

    ``key_usage`` is ``None`` when the extension is absent, which is not the same as an empty list.
    ``self_issued`` says that both names are equal, ``self_signed`` whether its own key signed it then
    (``None`` when the names differ). ``readable`` is False
    when a part could not be read; that part is then empty. Times carry a zone.
    """

    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    key: KeyFacts
    signature_algorithm: str
    signature_oid: str
    names: tuple[str, ...]
    key_usage: tuple[str, ...] | None
    extended_key_usage: tuple[str, ...] | None
    is_ca: bool | None
    self_issued: bool
    self_signed: Check | None
    fingerprint_sha256: str
    fingerprint_sm3: str
    readable: bool = True

    def valid_at(self, now: datetime) -> bool:
        """Say whether *now* lies within the validity, ends included."""
        return self.not_before <= now <= self.not_after


@dataclass(frozen=True, slots=True)
class Spki:
    """SubjectPublicKeyInfo as written: algorithm, parameters if they are an OID, key bits."""

    algorithm_oid: str
    parameters_oid: str
    key: bytes


def _serial(certificate: x509.Certificate) -> str:
    """Hexadecimal serial number; one that is not positive is the certificate's fault, not the program's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return f"{certificate.serial_number:x}"


def load_der(data: bytes) -> x509.Certificate:
    """Read one certificate.

    Raises:
        InvalidCertificate: too large, or not a certificate.
    """
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise InvalidCertificate(f"more than {MAX_CERTIFICATE_BYTES} bytes")
    try:
        # A serial number that is not positive is a fault of the certificate, shown as such, not of the program.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return x509.load_der_x509_certificate(data)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as problem:
        raise InvalidCertificate(printable(str(problem), 160)) from None


def to_der(certificate: x509.Certificate) -> bytes:
    """Give the exact bytes of a certificate."""
    return certificate.public_bytes(serialization.Encoding.DER)


def read_spki(certificate: x509.Certificate) -> Spki:
    """Read the public key field from the structure, whatever its algorithm.

    Raises:
        InvalidCertificate: the field is not DER as RFC 5280 has it.
    """
    try:
        tbs = Reader(certificate.tbs_certificate_bytes).read_sequence()
        if tbs.peek_tag() == 0xA0:
            tbs.read_any()
        for _ in range(5):  # serial, signature, issuer, validity, subject
            tbs.read_any()
        spki = tbs.read_sequence()
        algorithm = spki.read_sequence()
        algorithm_oid = algorithm.read_object_identifier()
        parameters = algorithm.read_object_identifier() if algorithm.peek_tag() == 0x06 else ""
        return Spki(algorithm_oid, parameters, spki.read_bit_string())
    except DerError as problem:
        raise InvalidCertificate(f"public key field: {problem.reason}") from None


def is_sm2(spki: Spki) -> bool:
    """Say whether a key field names the SM2 curve, in any of the spellings seen in the field."""
    return spki.parameters_oid == SM2_CURVE or spki.algorithm_oid in SM2_KEY_ALGORITHMS


def sm2_key(certificate: x509.Certificate) -> sm2.PublicKey | None:
    """Give the SM2 public key; ``None`` for another kind of key or a point off the curve."""
    try:
        spki = read_spki(certificate)
        return sm2.PublicKey.from_bytes(spki.key) if is_sm2(spki) else None
    except (InvalidCertificate, InvalidKey):
        return None


def key_facts(certificate: x509.Certificate) -> KeyFacts:
    """Say which kind of key a certificate carries, and how long it is."""
    try:
        spki = read_spki(certificate)
    except InvalidCertificate:
        return KeyFacts(KeyKind.UNKNOWN, None, "", "", "")
    oids = (spki.algorithm_oid, spki.parameters_oid)
    if is_sm2(spki):
        return KeyFacts(KeyKind.SM2, 256, "sm2p256v1", *oids)
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        kind = KeyKind.EC if spki.algorithm_oid == EC_PUBLIC_KEY else KeyKind.UNKNOWN
        return KeyFacts(kind, None, "", *oids)
    if isinstance(key, rsa.RSAPublicKey):
        return KeyFacts(KeyKind.RSA, key.key_size, "", *oids)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return KeyFacts(KeyKind.EC, key.key_size, key.curve.name, *oids)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return KeyFacts(KeyKind.ED25519, 256, "", *oids)
    if isinstance(key, ed448.Ed448PublicKey):
        return KeyFacts(KeyKind.ED448, 456, "", *oids)
    if isinstance(key, dsa.DSAPublicKey):
        return KeyFacts(KeyKind.DSA, key.key_size, "", *oids)
    return KeyFacts(KeyKind.UNKNOWN, None, "", *oids)


def check_signature(certificate: x509.Certificate, issuer: x509.Certificate) -> Check:
    """Say whether *issuer*'s key signed *certificate*; names are not compared."""
    if certificate.signature_algorithm_oid.dotted_string == SM2_WITH_SM3:
        key = sm2_key(issuer)
        good = key is not None and sm2.verify(key, certificate.tbs_certificate_bytes, certificate.signature)
        return Check.VALID if good else Check.INVALID
    try:
        _verify_classic(certificate, issuer)
    except UnsupportedAlgorithm:
        return Check.UNSUPPORTED
    except (InvalidSignature, ValueError, TypeError):
        return Check.INVALID
    return Check.VALID


def _verify_classic(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    if sm2_key(issuer) is not None:
        raise UnsupportedAlgorithm("SM2 key with another signature algorithm")
    key = issuer.public_key()
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        key.verify(signature, signed)
        return
    digest = certificate.signature_hash_algorithm
    if digest is None:
        raise UnsupportedAlgorithm("no digest")
    parameters = certificate.signature_algorithm_parameters
    if isinstance(key, rsa.RSAPublicKey) and not isinstance(parameters, ec.ECDSA | None):
        key.verify(signature, signed, parameters, digest)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(parameters, ec.ECDSA):
        key.verify(signature, signed, parameters)
    elif isinstance(key, dsa.DSAPublicKey):
        key.verify(signature, signed, digest)
    else:
        raise InvalidSignature


def _key_usage(extensions: x509.Extensions | None) -> tuple[str, ...] | None:
    usage = _extension(extensions, x509.KeyUsage)
    if usage is None:
        return None
    words = [
        ("digitalSignature", usage.digital_signature),
        ("nonRepudiation", usage.content_commitment),
        ("keyEncipherment", usage.key_encipherment),
        ("dataEncipherment", usage.data_encipherment),
        ("keyAgreement", usage.key_agreement),
        ("keyCertSign", usage.key_cert_sign),
        ("cRLSign", usage.crl_sign),
        ("encipherOnly", usage.key_agreement and usage.encipher_only),
        ("decipherOnly", usage.key_agreement and usage.decipher_only),
    ]
    return tuple(word for word, is_set in words if is_set)


def _extension(extensions: x509.Extensions | None, kind: type[_ExtensionT]) -> _ExtensionT | None:
    if extensions is None:
        return None
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _general_name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DNSName | x509.RFC822Name | x509.UniformResourceIdentifier):
        return name.value
    if isinstance(name, x509.IPAddress):
        return str(name.value)
    if isinstance(name, x509.DirectoryName):
        return name.value.rfc4514_string()
    return type(name).__name__


def _names(extensions: x509.Extensions | None) -> tuple[str, ...]:
    alternative = _extension(extensions, x509.SubjectAlternativeName)
    if alternative is None:
        return ()
    return tuple(printable(_general_name(name), 253) for name in list(alternative)[:_MAX_NAMES])


def _extended_usage(extensions: x509.Extensions | None) -> tuple[str, ...] | None:
    usage = _extension(extensions, x509.ExtendedKeyUsage)
    if usage is None:
        return None
    oids = (purpose.dotted_string for purpose in usage)
    return tuple(EXTENDED_KEY_USAGES.get(oid, oid) for oid in oids)


def _is_ca(extensions: x509.Extensions | None) -> bool | None:
    constraints = _extension(extensions, x509.BasicConstraints)
    return None if constraints is None else constraints.ca


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """Turn one certificate into facts; a part that cannot be read is empty and ``readable`` False.

    Raises:
        InvalidCertificate: not even names and dates can be read.
    """
    der = to_der(certificate)
    readable = True
    try:
        extensions: x509.Extensions | None = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        extensions, readable = None, False
    try:
        subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
        self_issued = certificate.subject == certificate.issuer
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError) as problem:
        raise InvalidCertificate(printable(str(problem), 160)) from None
    signature_oid = certificate.signature_algorithm_oid.dotted_string
    return CertificateFacts(
        subject=printable(subject, 512),
        issuer=printable(issuer, 512),
        serial=_serial(certificate),
        not_before=not_before,
        not_after=not_after,
        key=key_facts(certificate),
        signature_algorithm=signature_name(signature_oid),
        signature_oid=signature_oid,
        names=_names(extensions),
        key_usage=_key_usage(extensions),
        extended_key_usage=_extended_usage(extensions),
        is_ca=_is_ca(extensions),
        self_issued=self_issued,
        self_signed=check_signature(certificate, certificate) if self_issued else None,
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        fingerprint_sm3=sm3.digest(der).hex(),
        readable=readable,
    )


def name_matches(facts: CertificateFacts, name: str) -> bool:
    """Say whether a certificate is good for a host name or an address, by its alternative names only.

    The common name does not count (RFC 9110, 4.3.4). A ``*`` stands for the whole leftmost label.
    """
    try:
        wanted = ipaddress.ip_address(name)
    except ValueError:
        return any(_dns_matches(pattern, name) for pattern in facts.names)
    return any(pattern == str(wanted) for pattern in facts.names)


def _dns_matches(pattern: str, name: str) -> bool:
    pattern, name = pattern.lower().rstrip("."), name.lower().rstrip(".")
    if not pattern.startswith("*."):
        return pattern == name
    _, _, rest = name.partition(".")
    return "." in rest and rest == pattern[2:]


class ChainState(StrEnum):
    """How far a chain of signatures reaches."""

    ANCHORED = "anchored"
    SELF_SIGNED_ROOT = "self-signed-root"
    INCOMPLETE = "incomplete"
    BROKEN = "broken"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One certificate followed upwards: subjects on the way and how it ended.

    ``ANCHORED`` ends in a given anchor; ``SELF_SIGNED_ROOT`` in a root that nobody vouched for;
    ``INCOMPLETE`` at an issuer that is not there; ``BROKEN`` at a bad signature or an issuer that is no CA;
    ``expired`` names the first certificate that is not valid at the given time.
    """

    state: ChainState
    path: tuple[str, ...]
    expired: str = ""


def follow_chain(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    now: datetime,
) -> ChainReport:
    """Follow a certificate to an anchor, checking every signature; at most ten steps."""
    path: list[x509.Certificate] = [leaf]
    anchor_bytes = {to_der(anchor) for anchor in anchors}
    state = ChainState.INCOMPLETE
    for _ in range(10):
        current = path[-1]
        if to_der(current) in anchor_bytes:
            state = ChainState.ANCHORED
            break
        if current.subject == current.issuer:
            good = check_signature(current, current) is Check.VALID
            state = ChainState.SELF_SIGNED_ROOT if good else ChainState.BROKEN
            break
        found, state = _issuer_of(current, (*anchors, *others))
        if found is None:
            break
        path.append(found)
    late = next((c for c in path if not c.not_valid_before_utc <= now <= c.not_valid_after_utc), None)
    return ChainReport(state, tuple(_subject(c) for c in path), "" if late is None else _subject(late))


def _subject(certificate: x509.Certificate) -> str:
    return printable(certificate.subject.rfc4514_string(), 512)


def _issuer_of(
    certificate: x509.Certificate, candidates: Iterable[x509.Certificate]
) -> tuple[x509.Certificate | None, ChainState]:
    state = ChainState.INCOMPLETE
    for candidate in candidates:
        if candidate.subject != certificate.issuer:
            continue
        answer = check_signature(certificate, candidate)
        if answer is Check.VALID and _may_sign(candidate):
            return candidate, ChainState.INCOMPLETE
        state = ChainState.UNSUPPORTED if answer is Check.UNSUPPORTED else ChainState.BROKEN
    return None, state


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        extensions = issuer.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False
    usage = _key_usage(extensions)
    return _is_ca(extensions) is True and (usage is None or "keyCertSign" in usage)
