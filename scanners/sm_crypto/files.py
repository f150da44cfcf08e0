"""Bytes of files to certificates and keys, and what they say together. Pure: the bytes are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from scanners.sm_crypto.certificates import (
    InvalidCertificate,
    KeyKind,
    facts_of,
    follow_chain,
    load_der,
    read_spki,
)
from scanners.sm_crypto.configurations import ConfigurationFinding, kind_of, read_configuration
from scanners.sm_crypto.hints import DakHint, Suggestion
from scanners.sm_crypto.keys import KeyState, public_digest, read_private_key
from scanners.sm_crypto.pairs import Role, check_pair, role_of
from scanners.sm_crypto.result import (
    CertificateReport,
    KeyFileReport,
    PairReport,
    SmCryptoResult,
    UnreadFile,
)
from smcrypto.errors import DerError
from smcrypto.sm2_files import decode_pem

MAX_CERTIFICATES = 300
MAX_PAIRS = 100


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as read: its name below the given path, its bytes, and who else may read it."""

    name: str
    data: bytes
    open_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    file: str
    index: int
    certificate: x509.Certificate


def examine(
    files: Sequence[ReadFile],
    *,
    now: datetime,
    anchors: Sequence[x509.Certificate] = (),
    unread: Iterable[UnreadFile] = (),
    complete: bool = True,
) -> SmCryptoResult:
    """Read every certificate and key, build chains and pairs, match keys to certificates.

    Args:
        anchors: Roots to trust. Without any, no chain is ``anchored``, however good it is.
    """
    problems = list(unread)
    found: list[_Found] = []
    keys: list[KeyFileReport] = []
    settings: list[ConfigurationFinding] = []
    for file in files:
        kind = kind_of(file.name)
        if kind is not None:
            settings += read_configuration(file.name, file.data, kind)
        else:
            _sort_out(file, found, keys, problems)
    if len(found) > MAX_CERTIFICATES:
        found, complete = found[:MAX_CERTIFICATES], False
    reports = _reports(found, keys, anchors, now, problems)
    pairs = _pairs(reports, now)
    return SmCryptoResult(
        files=len(files),
        complete=complete,
        certificates=tuple(reports),
        pairs=tuple(pairs),
        keys=tuple(keys),
        configurations=tuple(settings),
        unread=tuple(problems),
        hint=_hint(reports, pairs),
    )


def _sort_out(
    file: ReadFile, found: list[_Found], keys: list[KeyFileReport], problems: list[UnreadFile]
) -> None:
    ders: list[bytes] = []
    if b"-----BEGIN " in file.data:
        try:
            blocks = decode_pem(file.data)
        except DerError as problem:
            problems.append(UnreadFile(file.name, problem.reason))
            return
        ders = [
            body
            for label, body in blocks
            if label in ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
        ]
        if any(label.endswith("PRIVATE KEY") for label, _ in blocks):
            keys.append(KeyFileReport(file.name, read_private_key(file.data), file.open_to))
    elif file.data[:1] == b"\x30":
        facts = read_private_key(file.data)
        if facts.state is not KeyState.INVALID:
            keys.append(KeyFileReport(file.name, facts, file.open_to))
        else:
            ders = [file.data]
    for index, der in enumerate(ders):
        try:
            found.append(_Found(file.name, index, load_der(der)))
        except InvalidCertificate as problem:
            problems.append(UnreadFile(f"{file.name}[{index}]", problem.detail))


def _reports(
    found: Sequence[_Found],
    keys: Sequence[KeyFileReport],
    anchors: Sequence[x509.Certificate],
    now: datetime,
    problems: list[UnreadFile],
) -> list[CertificateReport]:
    others = [item.certificate for item in found]
    reports: list[CertificateReport] = []
    for item in found:
        try:
            facts = facts_of(item.certificate)
            bits = public_digest(read_spki(item.certificate).key)
        except InvalidCertificate as problem:
            problems.append(UnreadFile(f"{item.file}[{item.index}]", problem.detail))
            continue
        chain = follow_chain(item.certificate, others, anchors, now)
        key_files = tuple(key.file for key in keys if key.facts.public_sm3 == bits)
        reports.append(CertificateReport(item.file, item.index, facts, role_of(facts), chain, key_files))
    return reports


def _pairs(reports: Sequence[CertificateReport], now: datetime) -> list[PairReport]:
    """Put together what belongs together by subject: first by key usage, then by order.

    Two national certificates of one subject whose usage does not say which is which are a pair all the
    same; its checks then tell what is wrong.
    """
    by_subject: dict[str, list[int]] = {}
    for position, report in enumerate(reports):
        is_sm2 = report.facts.key.kind is KeyKind.SM2
        if is_sm2 and report.role is not Role.CA:
            by_subject.setdefault(report.facts.subject, []).append(position)
    pairs: list[PairReport] = []
    for positions in by_subject.values():
        signing = [p for p in positions if reports[p].role is Role.SIGN]
        encrypting = [p for p in positions if reports[p].role is Role.ENCRYPT]
        if not (signing and encrypting) and len(positions) == 2:
            signing, encrypting = positions[:1], positions[1:]
        for sign in signing:
            for encrypt in encrypting:
                if len(pairs) < MAX_PAIRS:
                    pairs.append(_pair(reports, sign, encrypt, now))
    return pairs


def _pair(reports: Sequence[CertificateReport], sign: int, encrypt: int, now: datetime) -> PairReport:
    checks = check_pair(
        reports[sign].facts,
        reports[encrypt].facts,
        sign_chain=reports[sign].chain,
        encrypt_chain=reports[encrypt].chain,
        now=now,
    )
    return PairReport(sign, encrypt, checks)


def _hint(reports: Sequence[CertificateReport], pairs: Sequence[PairReport]) -> DakHint | None:
    """Suggest A from the algorithms; D stays unknown, because a file on a disk is not a use."""
    holders = [report for report in reports if report.role is not Role.CA]
    if not holders:
        return None
    national = [r.facts.key.kind is KeyKind.SM2 for r in holders]
    reasons = ["file-is-no-proof-of-use"]
    if all(national):
        bad = {name for pair in pairs for name in pair.failed}
        reasons += sorted(bad)
        return DakHint(Suggestion.UNKNOWN, Suggestion.UNKNOWN if bad else Suggestion.YES, tuple(reasons))
    reasons.append("not-sm2")
    return DakHint(Suggestion.UNKNOWN, Suggestion.UNKNOWN if any(national) else Suggestion.NO, tuple(reasons))
