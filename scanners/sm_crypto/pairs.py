"""Signing and encryption certificate of one holder: do they belong together and fit their purpose? Pure.

Source: GM/T 0015-2012 and GB/T 38636-2020 (dual certificates); key usage words of RFC 5280, 4.2.1.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scanners.sm_crypto.certificates import CertificateFacts, ChainReport, ChainState, KeyKind
from scanners.sm_crypto.oids import SM2_WITH_SM3

_SIGNING = "digitalSignature"
_ENCRYPTING = frozenset({"keyEncipherment", "dataEncipherment", "keyAgreement"})


class Role(StrEnum):
    """What a certificate is for, by its key usage alone."""

    SIGN = "sign"
    ENCRYPT = "encrypt"
    BOTH = "both"
    CA = "ca"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class PairCheck:
    """One question about a pair; ``passed`` is ``None`` where it could not be answered."""

    check_id: str
    passed: bool | None
    detail: str = ""


def role_of(facts: CertificateFacts) -> Role:
    """Say what a certificate is for.

    A certificate without the key usage extension is ``UNSTATED``: nothing forbids it anything.
    """
    usage = facts.key_usage
    if facts.is_ca or (usage is not None and "keyCertSign" in usage):
        return Role.CA
    if usage is None:
        return Role.UNSTATED
    signs, encrypts = _SIGNING in usage, bool(_ENCRYPTING & set(usage))
    if signs and encrypts:
        return Role.BOTH
    if signs:
        return Role.SIGN
    return Role.ENCRYPT if encrypts else Role.UNSTATED


def check_pair(
    sign: CertificateFacts,
    encrypt: CertificateFacts,
    *,
    sign_chain: ChainReport,
    encrypt_chain: ChainReport,
    now: datetime,
) -> tuple[PairCheck, ...]:
    """Ask everything about a pair; the order of the answers is fixed.

    Args:
        sign: The certificate that is used as signing certificate, whatever its key usage says.
        encrypt: Likewise the encryption certificate.
    """
    return (
        _both(
            "sm2-keys",
            sign,
            encrypt,
            lambda facts: facts.key.kind is KeyKind.SM2,
            lambda facts: facts.key.kind,
        ),
        _both(
            "sm2-with-sm3",
            sign,
            encrypt,
            lambda facts: facts.signature_oid == SM2_WITH_SM3,
            lambda facts: facts.signature_algorithm,
        ),
        PairCheck("distinct-certificates", sign.fingerprint_sha256 != encrypt.fingerprint_sha256),
        PairCheck("same-subject", sign.subject == encrypt.subject, f"{sign.subject} | {encrypt.subject}"),
        PairCheck("same-issuer", sign.issuer == encrypt.issuer, f"{sign.issuer} | {encrypt.issuer}"),
        PairCheck("sign-usage", role_of(sign) is Role.SIGN, _usage(sign)),
        PairCheck("encrypt-usage", role_of(encrypt) is Role.ENCRYPT, _usage(encrypt)),
        _both(
            "valid-now",
            sign,
            encrypt,
            lambda facts: facts.valid_at(now),
            lambda facts: facts.not_after.date(),
        ),
        _chains(sign_chain, encrypt_chain),
    )


def _usage(facts: CertificateFacts) -> str:
    return "absent" if facts.key_usage is None else ",".join(facts.key_usage)


def _both(
    check_id: str,
    sign: CertificateFacts,
    encrypt: CertificateFacts,
    holds: Callable[[CertificateFacts], bool],
    shown: Callable[[CertificateFacts], object],
) -> PairCheck:
    return PairCheck(check_id, holds(sign) and holds(encrypt), f"{shown(sign)} | {shown(encrypt)}")


def _chains(sign: ChainReport, encrypt: ChainReport) -> PairCheck:
    states = {sign.state, encrypt.state}
    detail = f"{sign.state} | {encrypt.state}"
    if ChainState.BROKEN in states:
        return PairCheck("chains", False, detail)
    if states == {ChainState.ANCHORED}:
        return PairCheck("chains", not (sign.expired or encrypt.expired), detail)
    return PairCheck("chains", None, detail)
