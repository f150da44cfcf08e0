"""Certificates made during a test: nothing is stored, nothing expires."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from smcrypto import sm2
from smcrypto.certificates import (
    ENCRYPTION_USAGE,
    SIGNING_USAGE,
    CertificateRequest,
    Issuer,
    KeyUsage,
    Name,
    Validity,
    issue,
    self_signed_authority,
)

NOW = datetime.now(UTC).replace(microsecond=0)
"""The moment that tests hand to probes as now."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def make_identity(
    name: str = "localhost",
    *,
    issuer: Identity | None = None,
    is_ca: bool = False,
    names: tuple[str, ...] = ("localhost",),
    addresses: tuple[str, ...] = ("127.0.0.1",),
    start: datetime = NOW - timedelta(days=1),
    days: int = 90,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    digest: hashes.HashAlgorithm | None = None,
) -> Identity:
    """Make a certificate: EC P-256 and SHA-256 unless told otherwise, self-signed without an issuer."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternatives: list[x509.GeneralName] = [x509.DNSName(item) for item in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(item)) for item in addresses]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if alternatives and not is_ca:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    signer = issuer.key if issuer else key
    return Identity(builder.sign(signer, digest or hashes.SHA256()), key)


# -- SM2 --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sm2Identity:
    """The two certificates of a TLCP peer with their keys, and the root above them. DER."""

    sign_key: sm2.PrivateKey
    encrypt_key: sm2.PrivateKey
    sign: bytes
    encrypt: bytes
    root: bytes
    root_key: sm2.PrivateKey


ROOT_NAME = Name.of("Test root", organization="Loopback")
VALIDITY = Validity(NOW - timedelta(days=1), NOW + timedelta(days=90))


def make_sm2_root() -> tuple[sm2.PrivateKey, bytes]:
    """Make a root key and its certificate."""
    key = sm2.generate_key().private
    return key, self_signed_authority(key, name=ROOT_NAME, serial=1, validity=VALIDITY)


def make_sm2_certificate(
    root_key: sm2.PrivateKey,
    key: sm2.PublicKey,
    usage: frozenset[KeyUsage],
    *,
    serial: int = 7,
    subject: str = "localhost",
    validity: Validity = VALIDITY,
    issuer: Name = ROOT_NAME,
) -> bytes:
    """Make one SM2 certificate under the root; DER."""
    request = CertificateRequest(
        serial, Name.of(subject, organization="Loopback"), validity, key, usage, dns_names=("localhost",)
    )
    return issue(request, Issuer(issuer, root_key))


def make_sm2_identity(root: tuple[sm2.PrivateKey, bytes] | None = None) -> Sm2Identity:
    """Make a good pair."""
    root_key, root_der = root or make_sm2_root()
    sign_key, encrypt_key = sm2.generate_key().private, sm2.generate_key().private
    return Sm2Identity(
        sign_key,
        encrypt_key,
        make_sm2_certificate(root_key, sign_key.public, SIGNING_USAGE, serial=2),
        make_sm2_certificate(root_key, encrypt_key.public, ENCRYPTION_USAGE, serial=3),
        root_der,
        root_key,
    )
