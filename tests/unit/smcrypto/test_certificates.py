"""SM2 certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import crypto

from smcrypto import certificates, sm2
from smcrypto.certificates import (
    CertificatePair,
    CertificateRequest,
    ExtendedKeyUsage,
    Issuer,
    KeyUsage,
    Name,
    NamePart,
    Validity,
)
from smcrypto.errors import DerError, InvalidKey, InvalidParameter
from smcrypto.sm2 import KeyPair

VALIDITY = Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2051, 1, 1, tzinfo=UTC))
ROOT_NAME = Name.of("测试根证书", organization="secops 测试")
PEER_NAME = Name.of("tlcp.example", organization="secops 测试")


@pytest.fixture(scope="module")
def keys() -> dict[str, KeyPair]:
    """Keys of a small world."""
    return {name: sm2.generate_key() for name in ("root", "middle", "signing", "encryption", "stranger")}


@pytest.fixture(scope="module")
def root(keys: dict[str, KeyPair]) -> bytes:
    """A root certificate."""
    return certificates.self_signed_authority(
        keys["root"].private, name=ROOT_NAME, serial=1, validity=VALIDITY
    )


@pytest.fixture(scope="module")
def pair(keys: dict[str, KeyPair]) -> CertificatePair:
    """The two certificates of a TLCP peer."""
    return certificates.issue_pair(
        Issuer(ROOT_NAME, keys["root"].private),
        subject=PEER_NAME,
        validity=VALIDITY,
        signing_key=keys["signing"].public,
        encryption_key=keys["encryption"].public,
        serials=(2, 3),
        dns_names=("tlcp.example", "*.example"),
        addresses=("127.0.0.1", "::1"),
    )


def _verifies(trusted: bytes, leaf: bytes, *between: bytes) -> bool:
    """Ask OpenSSL 4 through pyOpenSSL."""
    store = crypto.X509Store()
    store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, trusted))
    store.set_flags(crypto.X509StoreFlags.CHECK_SS_SIGNATURE)
    store.set_time(datetime(2027, 1, 1))
    chain = [crypto.load_certificate(crypto.FILETYPE_ASN1, item) for item in between]
    try:
        crypto.X509StoreContext(
            store, crypto.load_certificate(crypto.FILETYPE_ASN1, leaf), chain
        ).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def test_openssl_verifies_the_chain(root: bytes, pair: CertificatePair) -> None:
    """Root, signing and encryption certificate verify in another implementation."""
    assert _verifies(root, root)
    assert _verifies(root, pair.signing)
    assert _verifies(root, pair.encryption)


def test_openssl_refuses_an_altered_certificate(root: bytes, pair: CertificatePair) -> None:
    """One changed letter of the subject and the signature no longer fits."""
    altered = pair.signing.replace(b"tlcp.example", b"tlcp.examp1e")

    other_root = root.replace("测试根证书".encode(), "测试根证收".encode())

    assert altered != pair.signing
    assert not _verifies(root, altered)
    assert other_root != root
    assert not _verifies(other_root, other_root)


def test_chain_with_an_intermediate_verifies(root: bytes, keys: dict[str, KeyPair]) -> None:
    """Three steps verify, and a path length of zero stops a fourth."""
    middle_name = Name.of("middle")
    request = CertificateRequest(
        7,
        middle_name,
        VALIDITY,
        keys["middle"].public,
        certificates.CA_USAGE,
        is_authority=True,
        path_length=0,
    )
    middle = certificates.issue(request, Issuer(ROOT_NAME, keys["root"].private))
    leaf_request = CertificateRequest(
        8, PEER_NAME, VALIDITY, keys["signing"].public, certificates.SIGNING_USAGE
    )
    leaf = certificates.issue(leaf_request, Issuer(middle_name, keys["middle"].private))
    lower = CertificateRequest(
        9, Name.of("lower"), VALIDITY, keys["stranger"].public, certificates.CA_USAGE, is_authority=True
    )
    too_deep = certificates.issue(lower, Issuer(middle_name, keys["middle"].private))
    below = certificates.issue(leaf_request, Issuer(Name.of("lower"), keys["stranger"].private))

    assert _verifies(root, leaf, middle)
    assert not _verifies(root, leaf)
    assert not _verifies(root, below, too_deep, middle)


def test_fields_are_read_by_another_parser(root: bytes, pair: CertificatePair) -> None:
    """Names, validity, serial and extensions are what was asked for."""
    signing, encryption = (x509.load_der_x509_certificate(item) for item in (pair.signing, pair.encryption))
    authority = x509.load_der_x509_certificate(root)

    assert signing.serial_number == 2
    assert encryption.serial_number == 3
    assert signing.subject == encryption.subject
    assert signing.issuer == authority.subject == authority.issuer
    assert [attribute.value for attribute in authority.subject] == ["CN", "secops 测试", "测试根证书"]
    assert signing.not_valid_before_utc == VALIDITY.not_before
    assert signing.not_valid_after_utc == VALIDITY.not_after
    assert signing.signature_algorithm_oid.dotted_string == certificates.OID_SM2_WITH_SM3
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not signing.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = signing.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["tlcp.example", "*.example"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    key_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    named = signing.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert named == key_id


def test_key_usages_of_the_pair_are_disjoint(pair: CertificatePair) -> None:
    """The signing certificate only signs, the encryption certificate never does."""

    def usage(certificate: bytes) -> x509.KeyUsage:
        parsed = x509.load_der_x509_certificate(certificate)
        extension = parsed.extensions.get_extension_for_class(x509.KeyUsage)
        assert extension.critical
        return extension.value

    signing, encryption = usage(pair.signing), usage(pair.encryption)
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    )
    assert {name for name in names if getattr(signing, name)} == {"digital_signature", "content_commitment"}
    assert {name for name in names if getattr(encryption, name)} == {
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
    }


def test_extended_usage_is_written(keys: dict[str, KeyPair]) -> None:
    """Server and client use are named by their identifiers."""
    request = CertificateRequest(
        5,
        PEER_NAME,
        VALIDITY,
        keys["signing"].public,
        frozenset({KeyUsage.DIGITAL_SIGNATURE}),
        extended_key_usage=(ExtendedKeyUsage.SERVER_AUTH, ExtendedKeyUsage.CLIENT_AUTH),
    )

    parsed = x509.load_der_x509_certificate(
        certificates.issue(request, Issuer(ROOT_NAME, keys["root"].private))
    )

    usages = parsed.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [usage.dotted_string for usage in usages] == ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]


def test_own_check_agrees(root: bytes, pair: CertificatePair, keys: dict[str, KeyPair]) -> None:
    """The signature and the key are read back; a stranger's key does not verify."""
    for certificate in (root, pair.signing, pair.encryption):
        assert certificates.is_signed_by(certificate, keys["root"].public)
        assert not certificates.is_signed_by(certificate, keys["stranger"].public)
    assert certificates.public_key_of(pair.signing) == keys["signing"].public
    assert certificates.public_key_of(pair.encryption) == keys["encryption"].public


def test_cryptography_still_cannot_do_it(root: bytes) -> None:
    """The reason for this module: the day this fails, part of it can go."""
    with pytest.raises(UnsupportedAlgorithm):
        x509.load_der_x509_certificate(root).public_key()


def test_other_identity_gives_another_signature(keys: dict[str, KeyPair]) -> None:
    """A certificate signed under another identity verifies only under it."""
    request = CertificateRequest(6, PEER_NAME, VALIDITY, keys["signing"].public, certificates.SIGNING_USAGE)
    certificate = certificates.issue(request, Issuer(ROOT_NAME, keys["root"].private), id=b"other")

    assert certificates.is_signed_by(certificate, keys["root"].public, id=b"other")
    assert not certificates.is_signed_by(certificate, keys["root"].public)


def test_moments_are_written_in_utc() -> None:
    """A moment in another zone is the same moment."""
    east = timezone(timedelta(hours=8))
    here = Validity(datetime(2026, 1, 1, 8, tzinfo=east), datetime(2051, 1, 1, 8, tzinfo=east))

    assert here.to_der() == VALIDITY.to_der()


@pytest.mark.parametrize("serial", [0, -1, 2**159])
def test_serials_out_of_range_are_refused(keys: dict[str, KeyPair], serial: int) -> None:
    """1 to 20 bytes, positive."""
    with pytest.raises(InvalidParameter):
        certificates.self_signed_authority(
            keys["root"].private, name=ROOT_NAME, serial=serial, validity=VALIDITY
        )


def test_impossible_arguments_are_refused(keys: dict[str, KeyPair]) -> None:
    """Names, validities, addresses and pairs that make no sense are refused before anything is signed."""
    issuer = Issuer(ROOT_NAME, keys["root"].private)
    early, late = VALIDITY.not_before, VALIDITY.not_after

    with pytest.raises(InvalidParameter):
        Validity(late, early)
    with pytest.raises(InvalidParameter):
        Validity(early.replace(tzinfo=None), late)
    with pytest.raises(InvalidParameter):
        Name(((NamePart.COUNTRY, "China"),)).to_der()
    with pytest.raises(InvalidParameter):
        Name(((NamePart.COMMON_NAME, ""),)).to_der()
    for changes in ({"dns_names": ("not a name",)}, {"addresses": ("1.2.3",)}, {"key_usage": frozenset()}):
        arguments = {"key_usage": certificates.SIGNING_USAGE, **changes}
        with pytest.raises(InvalidParameter):
            certificates.issue(
                CertificateRequest(4, PEER_NAME, VALIDITY, keys["signing"].public, **arguments), issuer
            )
    same = keys["signing"].public
    with pytest.raises(InvalidParameter):
        certificates.issue_pair(
            issuer,
            subject=PEER_NAME,
            validity=VALIDITY,
            signing_key=same,
            encryption_key=same,
            serials=(1, 2),
        )


def test_other_certificates_are_told_apart(root: bytes) -> None:
    """Garbage is no certificate, and a certificate with another key has no SM2 key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "other")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, VALIDITY.not_before, VALIDITY.not_after
    )
    encoded = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    with pytest.raises(DerError):
        certificates.split(b"\x30\x03\x02\x01\x01")
    with pytest.raises(DerError):
        certificates.split(root + b"\0")
    with pytest.raises(InvalidKey):
        certificates.public_key_of(encoded)
    assert not certificates.is_signed_by(encoded, certificates.public_key_of(root))
