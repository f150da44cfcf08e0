"""Certificates to facts, signatures, chains and pairs."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from scanners.sm_crypto.certificates import (
    CertificateFacts,
    ChainState,
    Check,
    InvalidCertificate,
    KeyKind,
    check_signature,
    facts_of,
    follow_chain,
    load_der,
    name_matches,
    sm2_key,
)
from scanners.sm_crypto.pairs import Role, check_pair, role_of
from smcrypto.certificates import ENCRYPTION_USAGE, SIGNING_USAGE, KeyUsage, Name, Validity
from tests.support.peers.certificates import (
    NOW,
    make_identity,
    make_sm2_certificate,
    make_sm2_identity,
    make_sm2_root,
)

PAIR = make_sm2_identity()
SIGN, ENCRYPT, ROOT = (load_der(der) for der in (PAIR.sign, PAIR.encrypt, PAIR.root))


def test_facts_of_an_sm2_certificate() -> None:
    """Key, curve, signature algorithm and usage are read although the library refuses SM2."""
    facts = facts_of(SIGN)

    assert (facts.key.kind, facts.key.bits, facts.key.curve) == (KeyKind.SM2, 256, "sm2p256v1")
    assert (facts.key.algorithm_oid, facts.key.parameters_oid) == ("1.2.840.10045.2.1", "1.2.156.10197.1.301")
    assert facts.signature_algorithm == "SM2-with-SM3"
    assert facts.key_usage == ("digitalSignature", "nonRepudiation")
    assert (facts.is_ca, facts.self_issued, facts.self_signed) == (False, False, None)
    assert facts.names == ("localhost",)
    assert facts.readable
    assert facts_of(ROOT).self_signed is Check.VALID


def test_an_sm2_signature_is_checked_with_its_own_key_only() -> None:
    """The root's key verifies the leaf; the leaf's keys and a foreign root's do not."""
    _, other_root = make_sm2_root()

    assert check_signature(SIGN, ROOT) is Check.VALID
    assert check_signature(SIGN, ENCRYPT) is Check.INVALID
    assert check_signature(SIGN, load_der(other_root)) is Check.INVALID
    assert check_signature(SIGN, make_identity(is_ca=True).certificate) is Check.INVALID


@pytest.mark.parametrize("position", [-1, -40, 60])
def test_a_changed_byte_breaks_the_signature_or_the_structure(position: int) -> None:
    """A certificate with one bit flipped is never valid."""
    der = bytearray(PAIR.sign)
    der[position] ^= 1
    try:
        changed = load_der(bytes(der))
    except InvalidCertificate:
        return

    assert check_signature(changed, ROOT) is Check.INVALID


@pytest.mark.parametrize(
    "identity",
    [
        make_identity(is_ca=True),
        make_identity(is_ca=True, key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        make_identity(is_ca=True, digest=hashes.SHA384()),
    ],
)
def test_classic_signatures_are_checked_too(identity: object) -> None:
    """RSA and EC certificates verify with their own issuer."""
    certificate = identity.certificate  # type: ignore[attr-defined]

    assert check_signature(certificate, certificate) is Check.VALID
    assert check_signature(certificate, ROOT) is Check.UNSUPPORTED
    assert sm2_key(certificate) is None


def test_a_chain_to_a_given_anchor_is_anchored() -> None:
    """The path is told from leaf to root."""
    report = follow_chain(SIGN, [], [ROOT], NOW)

    assert (report.state, report.expired) == (ChainState.ANCHORED, "")
    assert [subject.partition(",")[0] for subject in report.path] == ["CN=localhost", "CN=Test root"]


def test_a_chain_to_a_root_that_nobody_vouched_for_is_not_anchored() -> None:
    """A root among the presented certificates proves nothing."""
    assert follow_chain(SIGN, [ROOT, ENCRYPT], [], NOW).state is ChainState.SELF_SIGNED_ROOT


def test_a_missing_issuer_leaves_the_chain_incomplete() -> None:
    """Without the issuer nothing is said about the signature."""
    assert follow_chain(SIGN, [ENCRYPT], [], NOW).state is ChainState.INCOMPLETE


def test_an_issuer_of_the_same_name_with_another_key_breaks_the_chain() -> None:
    """Equal names do not make an issuer."""
    _, other_root = make_sm2_root()

    assert follow_chain(SIGN, [], [load_der(other_root)], NOW).state is ChainState.BROKEN


def test_a_leaf_may_not_sign() -> None:
    """A certificate that is no authority does not continue a chain, even with a good signature."""
    key = PAIR.sign_key
    child = make_sm2_certificate(
        key, PAIR.encrypt_key.public, SIGNING_USAGE, issuer=Name.of("localhost", organization="Loopback")
    )

    assert check_signature(load_der(child), SIGN) is Check.VALID
    assert follow_chain(load_der(child), [SIGN, ROOT], [ROOT], NOW).state is ChainState.BROKEN


def test_an_expired_certificate_is_named_in_the_chain() -> None:
    """A chain may hold by signatures and still be past its time."""
    report = follow_chain(SIGN, [], [ROOT], NOW + timedelta(days=400))

    assert report.state is ChainState.ANCHORED
    assert report.expired.startswith("CN=localhost")


def _checks(sign: x509.Certificate, encrypt: x509.Certificate) -> dict[str, bool | None]:
    checks = check_pair(
        facts_of(sign),
        facts_of(encrypt),
        sign_chain=follow_chain(sign, [], [ROOT], NOW),
        encrypt_chain=follow_chain(encrypt, [], [ROOT], NOW),
        now=NOW,
    )
    return {check.check_id: check.passed for check in checks}


def test_a_good_pair_passes_every_check() -> None:
    """Signing and encryption certificate of one subject under one root."""
    assert set(_checks(SIGN, ENCRYPT).values()) == {True}


def _other(usage: frozenset[KeyUsage], **changes: object) -> x509.Certificate:
    key = PAIR.encrypt_key.public
    return load_der(make_sm2_certificate(PAIR.root_key, key, usage, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encrypt", "failed"),
    [
        (SIGN, {"distinct-certificates", "encrypt-usage"}),
        (_other(SIGNING_USAGE), {"encrypt-usage"}),
        (_other(SIGNING_USAGE | ENCRYPTION_USAGE), {"encrypt-usage"}),
        (_other(ENCRYPTION_USAGE, subject="someone else"), {"same-subject"}),
        (
            _other(ENCRYPTION_USAGE, validity=Validity(NOW - timedelta(days=9), NOW - timedelta(days=2))),
            {"valid-now", "chains"},
        ),
        (
            make_identity("localhost").certificate,
            {"sm2-keys", "sm2-with-sm3", "same-subject", "same-issuer", "encrypt-usage"},
        ),
    ],
)
def test_what_is_wrong_with_a_pair_is_named(encrypt: x509.Certificate, failed: set[str]) -> None:
    """Each fault of a pair fails exactly the checks that are about it."""
    checks = _checks(SIGN, encrypt)

    assert {name for name, passed in checks.items() if passed is False} == failed


def test_the_wrong_order_shows_in_both_usages() -> None:
    """A pair presented the wrong way round fails for both certificates."""
    checks = _checks(ENCRYPT, SIGN)

    assert {name for name, passed in checks.items() if passed is False} == {"sign-usage", "encrypt-usage"}


@pytest.mark.parametrize(
    ("usage", "is_ca", "role"),
    [
        (("digitalSignature",), False, Role.SIGN),
        (("digitalSignature", "nonRepudiation"), None, Role.SIGN),
        (("keyEncipherment",), False, Role.ENCRYPT),
        (("dataEncipherment", "keyAgreement"), False, Role.ENCRYPT),
        (("digitalSignature", "keyEncipherment"), False, Role.BOTH),
        (("keyCertSign",), None, Role.CA),
        (("digitalSignature",), True, Role.CA),
        (("cRLSign",), False, Role.UNSTATED),
        ((), False, Role.UNSTATED),
        (None, False, Role.UNSTATED),
    ],
)
def test_roles(usage: tuple[str, ...] | None, is_ca: bool | None, role: Role) -> None:
    """The role follows from key usage and basic constraints alone."""
    assert role_of(replace(facts_of(SIGN), key_usage=usage, is_ca=is_ca)) is role


@pytest.mark.parametrize(
    ("names", "wanted", "fits"),
    [
        (("www.example.cn",), "www.example.cn", True),
        (("WWW.example.cn",), "www.EXAMPLE.cn.", True),
        (("*.example.cn",), "www.example.cn", True),
        (("*.example.cn",), "a.b.example.cn", False),
        (("*.example.cn",), "example.cn", False),
        (("*.cn",), "example.cn", False),
        (("w*.example.cn",), "www.example.cn", False),
        (("10.0.0.1",), "10.0.0.1", True),
        (("10.0.0.1",), "10.0.0.2", False),
        (("2001:db8::1",), "2001:0db8::0001", True),
        ((), "example.cn", False),
    ],
)
def test_names_of_a_certificate(names: tuple[str, ...], wanted: str, fits: bool) -> None:
    """A star stands for one whole label, an address only for itself."""
    facts: CertificateFacts = replace(facts_of(SIGN), names=names)

    assert name_matches(facts, wanted) is fits


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x82\xff\xff", b"x" * 70_000, PAIR.sign[:-1], PAIR.sign + b"\0"]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    """Cut, lengthened, huge and empty input is refused by name."""
    with pytest.raises(InvalidCertificate) as caught:
        load_der(data)

    assert caught.value.detail


@settings(deadline=None)
@given(st.integers(0, len(PAIR.sign) - 1), st.integers(0, 255))
def test_one_changed_byte_never_breaks_the_reader(position: int, value: int) -> None:
    """A certificate with any byte replaced is read or refused, and never verified unless it is the same."""
    der = bytearray(PAIR.sign)
    der[position] = value
    with contextlib.suppress(InvalidCertificate):
        certificate = load_der(bytes(der))
        facts = facts_of(certificate)
        assert len(facts.fingerprint_sm3) == 64
        if bytes(der) != PAIR.sign:
            assert check_signature(certificate, ROOT) is not Check.VALID
