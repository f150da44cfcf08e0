"""What the bytes of TLCP conversations prove. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from scanners.sm_crypto.certificates import (
    CertificateFacts,
    ChainReport,
    ChainState,
    InvalidCertificate,
    facts_of,
    follow_chain,
    load_der,
    sm2_key,
    to_der,
)
from scanners.sm_crypto.hints import DakHint, Suggestion
from scanners.sm_crypto.pairs import PairCheck, Role, check_pair, role_of
from scanners.tlcp.handshake import Conversation
from scanners.tlcp.records import SUITES, Exchange, parse_key_exchange, signed_bytes, suite_name
from scanners.tlcp.result import TlcpCertificate, TlcpSuite
from scanners.tls.records import RecordError
from scanners.tls.result import VersionAnswer
from smcrypto import sm2


@dataclass(frozen=True, slots=True)
class Presented:
    """The certificates of one flight, read."""

    certificates: tuple[x509.Certificate, ...]
    facts: tuple[CertificateFacts, ...]
    problem: str = ""


def read_certificates(ders: Sequence[bytes]) -> Presented:
    """Read all certificates of a flight; none at all when one of them cannot be read."""
    try:
        certificates = tuple(load_der(der) for der in ders)
        return Presented(certificates, tuple(facts_of(certificate) for certificate in certificates))
    except InvalidCertificate as problem:
        return Presented((), (), f"certificates cannot be read: {problem.detail}")


def signature_problem(conversation: Conversation, presented: Presented) -> str | None:
    """Say why the key exchange does not prove the signing key; ``None`` when it does."""
    flight = conversation.flight
    suite = None if flight.hello is None else SUITES.get(flight.hello.suite)
    if flight.hello is None or suite is None or suite.exchange not in (Exchange.ECC, Exchange.ECDHE):
        return "key exchange of this suite is not checked here"
    if flight.key_exchange is None:
        return "no key exchange message"
    if len(presented.certificates) < 2:
        return presented.problem or "fewer than two certificates"
    try:
        message = parse_key_exchange(suite.exchange, flight.key_exchange)
    except RecordError as problem:
        return problem.detail
    sign, encrypt = presented.certificates[:2]
    randoms = (conversation.client_random, flight.hello.random)
    if _verifies(sign, signed_bytes(message, *randoms, to_der(encrypt)), message.signature):
        return None
    for covered in (sign, encrypt):
        if _verifies(encrypt, signed_bytes(message, *randoms, to_der(covered)), message.signature):
            return "signed with the key of the second certificate"
    return "signature of the key exchange is wrong"


def _verifies(certificate: x509.Certificate, message: bytes, signature: bytes) -> bool:
    key = sm2_key(certificate)
    return key is not None and sm2.verify(key, message, signature)


def describe(facts: Sequence[CertificateFacts]) -> tuple[TlcpCertificate, ...]:
    """Turn certificate facts into the shape of the result; the first two are the pair by their place."""
    roles = [Role.SIGN, Role.ENCRYPT]
    return tuple(
        TlcpCertificate(
            role=roles[place] if place < 2 else Role.CA,
            stated_role=role_of(one),
            subject=one.subject,
            issuer=one.issuer,
            not_before=one.not_before,
            not_after=one.not_after,
            key=str(one.key.kind) if one.key.bits is None else f"{one.key.kind}-{one.key.bits}",
            key_usage=one.key_usage,
            signature_algorithm=one.signature_algorithm,
            names=one.names,
            fingerprint_sm3=one.fingerprint_sm3,
        )
        for place, one in enumerate(facts)
    )


def chains_of(
    presented: Presented, anchors: Sequence[x509.Certificate] | None, now: datetime
) -> tuple[ChainReport, ...]:
    """Follow signing and encryption certificate upwards."""
    pair = presented.certificates[:2]
    return tuple(follow_chain(leaf, presented.certificates[2:], anchors or (), now) for leaf in pair)


def chain_verified(chains: Sequence[ChainReport], *, has_anchors: bool) -> bool | None:
    """Say whether both chains hold; ``None`` where that cannot be told."""
    if any(chain.state is ChainState.BROKEN or chain.expired for chain in chains):
        return False
    if not has_anchors or not chains:
        return None
    if all(chain.state is ChainState.ANCHORED for chain in chains):
        return True
    if any(chain.state is ChainState.SELF_SIGNED_ROOT for chain in chains):
        return False
    return None


def pair_checks(presented: Presented, chains: Sequence[ChainReport], now: datetime) -> tuple[PairCheck, ...]:
    """Ask everything about the first two certificates, their order too."""
    if len(presented.facts) < 2:
        return (PairCheck("two-certificates", False, f"{len(presented.facts)} sent"),)
    sign, encrypt = presented.facts[:2]
    in_order = (role_of(sign), role_of(encrypt)) != (Role.ENCRYPT, Role.SIGN)
    return (
        PairCheck("two-certificates", True, f"{len(presented.facts)} sent"),
        PairCheck("order", in_order, f"{role_of(sign)} | {role_of(encrypt)}"),
        *check_pair(sign, encrypt, sign_chain=chains[0], encrypt_chain=chains[1], now=now),
    )


def suites_of(numbers: Sequence[int], finished: frozenset[int]) -> tuple[TlcpSuite, ...]:
    """Give accepted suites in the order of the table; a number outside it keeps its number."""
    known = list(SUITES)
    ordered = sorted(dict.fromkeys(numbers), key=lambda n: known.index(n) if n in SUITES else len(known))
    return tuple(
        TlcpSuite(n, suite_name(n), str(SUITES[n].exchange) if n in SUITES else "", n in finished)
        for n in ordered
    )


def hint(
    grade: int, suites: Sequence[TlcpSuite], pair: Sequence[PairCheck], ordinary_tls: VersionAnswer
) -> DakHint:
    """Suggest D and A for the channel of this port; K is a person's.

    D is met where a whole handshake was done. A needs the signing key proven, national suites alone, a
    sound pair, and no way round it: a port that also speaks ordinary TLS leaves A open.
    """
    reasons = [f"grade-{grade}"]
    d = Suggestion.YES if grade == 3 else Suggestion.UNKNOWN
    failed = sorted(check.check_id for check in pair if check.passed is False)
    reasons += failed
    foreign = any(not _is_national(suite.name) for suite in suites)
    if foreign:
        reasons.append("foreign-suite")
    if ordinary_tls is not VersionAnswer.REFUSED:
        reasons.append(
            "ordinary-tls-open" if ordinary_tls is VersionAnswer.ACCEPTED else "ordinary-tls-unclear"
        )
    sound = grade >= 2 and not failed and not foreign and ordinary_tls is VersionAnswer.REFUSED
    return DakHint(d, Suggestion.YES if sound else Suggestion.UNKNOWN, tuple(reasons))


def _is_national(name: str) -> bool:
    return name.startswith(("ECC_SM4", "ECDHE_SM4")) and name.endswith("_SM3")
