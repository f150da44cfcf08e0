"""What the TLS probe saw, as facts that rules can judge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scanners.baseline.model import FactInfo, FactKind, Facts, FactValue, Gap
from scanners.jsonable import from_json, to_json
from scanners.sm_crypto.certificates import CertificateFacts, KeyFacts, KeyKind
from scanners.sm_crypto.oids import WEAK_SIGNATURES
from scanners.tls.factkit import listed, merged, missing, nothing_seen, seen, seen_in_part, table
from scanners.tls.result import (
    NationalAnswer,
    NationalReport,
    PresentedChain,
    TlsResult,
    Trust,
    VersionAnswer,
    VersionReport,
)

PLATFORM = "tls"
OLD_VERSIONS = ("SSL 3.0", "TLS 1.0", "TLS 1.1")
_SOURCE = "tls"
_DAY_S = 86_400

FACTS: Mapping[str, FactInfo] = table(
    ("tls.versions", FactKind.TEXTS, "接受的 TLS 版本", "TLS versions accepted"),
    ("tls.old_versions", FactKind.TEXTS, "接受的过时版本", "outdated versions accepted"),
    ("tls.suites", FactKind.TEXTS, "各版本协商出的套件", "suites agreed on, per version"),
    ("tls.weaknesses", FactKind.TEXTS, "弱套件的问题", "what is weak about suites accepted"),
    ("tls.weak_suites", FactKind.TEXTS, "接受的弱套件", "weak suites accepted"),
    ("tls.small_groups", FactKind.RECORDS, "有限域密钥交换的位数", "sizes of finite-field groups"),
    ("tls.chain_trust", FactKind.TEXT, "证书链信任情况", "trust in the certificate chain"),
    ("tls.name_matches", FactKind.FLAG, "证书名称与访问地址相符", "certificate fits the name or address"),
    ("tls.days_left", FactKind.NUMBER, "证书剩余有效天数", "days until the certificate ends"),
    ("tls.valid_now", FactKind.FLAG, "证书链均在有效期内", "all certificates of the chain are valid now"),
    ("tls.keys", FactKind.RECORDS, "证书链上的公钥", "public keys of the chain"),
    ("tls.weak_signatures", FactKind.TEXTS, "证书链上的弱签名算法", "weak signatures in the chain"),
    ("tls.national", FactKind.TEXT, "国密套件（RFC 8998）", "national suites (RFC 8998)"),
)
"""Everything that can be told of a TLS port, by id."""


def facts_from_result(result: TlsResult, now: datetime) -> Facts:
    """Turn a result into facts; *now* is for the dates of certificates alone."""
    accepted = [report for report in result.versions if report.answer is VersionAnswer.ACCEPTED]
    unclear = [report.version for report in result.versions if report.answer is VersionAnswer.UNCLEAR]
    old_unclear = [version for version in unclear if version in OLD_VERSIONS]
    names = [report.version for report in accepted]
    facts = {
        "tls.versions": listed(
            names, whole=not unclear, gap=Gap.UNDECIDABLE, detail=", ".join(unclear), source=_SOURCE
        ),
        "tls.old_versions": listed(
            [name for name in names if name in OLD_VERSIONS],
            whole=not old_unclear,
            detail=", ".join(old_unclear),
            source=_SOURCE,
        ),
        "tls.suites": seen([f"{report.version} {report.suite}" for report in accepted], _SOURCE),
        "tls.weaknesses": _weak(result, [suite.why for suite in result.weak_suites]),
        "tls.weak_suites": _weak(result, [f"{s.name} ({s.version})" for s in result.weak_suites]),
        "tls.small_groups": seen(
            [{"version": r.version, "bits": r.dh_bits} for r in accepted if r.dh_bits is not None], _SOURCE
        ),
        "tls.national": _national(result),
        **_certificate_facts(result, now),
    }
    return Facts(PLATFORM, facts, {"server_name": result.server_name})


def _weak(result: TlsResult, values: list[str]) -> Any:
    return listed(values, whole=result.weak_complete, gap=Gap.TRUNCATED, source=_SOURCE)


def _national(result: TlsResult) -> Any:
    if result.national.answer is NationalAnswer.UNCLEAR:
        return missing(Gap.UNREADABLE, result.national.detail)
    return seen(str(result.national.answer), _SOURCE)


def _certificate_facts(result: TlsResult, now: datetime) -> dict[str, Any]:
    names = ("chain_trust", "name_matches", "days_left", "valid_now", "keys", "weak_signatures")
    if not result.chains:
        why = ", ".join(result.blind_spots)
        return {f"tls.{name}": missing(Gap.UNREADABLE, why) for name in names}
    everything = [facts for chain in result.chains for facts in chain.certificates]
    trusts = {chain.trust for chain in result.chains}
    trust = next((t for t in (Trust.UNTRUSTED, Trust.UNKNOWN, Trust.TRUSTED) if t in trusts), Trust.UNKNOWN)
    matches = [chain.name_matches for chain in result.chains if chain.name_matches is not None]
    left_s = min((chain.certificates[0].not_after - now).total_seconds() for chain in result.chains)
    # a root's own signature is not what anybody relies on
    signed = [facts for facts in everything if not facts.self_issued]
    return {
        "tls.chain_trust": missing(Gap.UNDECIDABLE, "no anchors")
        if trust is Trust.UNKNOWN
        else seen(str(trust), "; ".join(chain.trust_detail for chain in result.chains if chain.trust_detail)),
        "tls.name_matches": seen(all(matches), _SOURCE) if matches else missing(Gap.UNREADABLE),
        "tls.days_left": seen(int(left_s // _DAY_S), everything[0].subject),
        "tls.valid_now": seen(all(facts.valid_at(now) for facts in everything), _SOURCE),
        "tls.keys": _keys(everything),
        "tls.weak_signatures": seen(
            [
                f"{facts.subject}: {facts.signature_algorithm}"
                for facts in signed
                if facts.signature_oid in WEAK_SIGNATURES
            ],
            _SOURCE,
        ),
    }


def _keys(certificates: list[CertificateFacts]) -> Any:
    known = [facts for facts in certificates if facts.key.bits is not None]
    records = [
        {"subject": facts.subject, "kind": str(facts.key.kind), "bits": facts.key.bits} for facts in known
    ]
    if len(known) == len(certificates):
        return seen(records, _SOURCE)
    return seen_in_part(records, Gap.UNDECIDABLE, "a key of unknown kind", _SOURCE)


# -- samples in rules -------------------------------------------------------------------------------------

SAMPLE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which samples in rules are judged."""


def _sample_certificate() -> CertificateFacts:
    return CertificateFacts(
        subject="CN=www.example.cn",
        issuer="CN=Example CA",
        serial="1",
        not_before=SAMPLE_NOW - timedelta(days=10),
        not_after=SAMPLE_NOW + timedelta(days=200),
        key=KeyFacts(KeyKind.RSA, 2048, "", "1.2.840.113549.1.1.1", ""),
        signature_algorithm="RSA-with-SHA256",
        signature_oid="1.2.840.113549.1.1.11",
        names=("www.example.cn",),
        key_usage=None,
        extended_key_usage=None,
        is_ca=False,
        self_issued=False,
        self_signed=None,
        fingerprint_sha256="",
        fingerprint_sm3="",
    )


def _sample_result() -> TlsResult:
    good = VersionAnswer.ACCEPTED, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xC02F, True, "x25519"
    versions = (
        VersionReport("TLS 1.3", VersionAnswer.ACCEPTED, "TLS_AES_128_GCM_SHA256", 0x1301, True, "x25519"),
        VersionReport("TLS 1.2", *good),
        *(
            VersionReport(name, VersionAnswer.REFUSED, detail="alert 70 protocol_version")
            for name in OLD_VERSIONS[::-1]
        ),
    )
    chain = PresentedChain("TLS 1.2", (_sample_certificate(),), Trust.TRUSTED, "", True)
    national = NationalReport(NationalAnswer.REFUSED, detail="alert 40 handshake_failure")
    return TlsResult("www.example.cn", versions, (), True, national, (chain,), 8)


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts.

    Sections: ``result`` lies over the JSON of a sound port, ``versions`` gives answers by version, ``leaf`` lies over
    its certificate, where ``days_left`` may stand for the end of its validity, ``chain`` over its chain. No
    section at all means that nobody looked.
    """
    if not sections:
        return nothing_seen(PLATFORM, FACTS)
    data: Any = to_json(_sample_result())
    for name, answer in sections.get("versions", {}).items():
        for report in data["versions"]:
            if report["version"] == name:
                report.update({"answer": answer, "suite": "TLS_RSA_WITH_AES_128_CBC_SHA", "detail": ""})
    leaf = dict(sections.get("leaf", {}))
    if "days_left" in leaf:
        leaf["not_after"] = (SAMPLE_NOW + timedelta(days=leaf.pop("days_left"), hours=1)).isoformat()
    chain = data["chains"][0]
    chain["certificates"][0] = merged(chain["certificates"][0], leaf)
    data["chains"][0] = merged(chain, sections.get("chain", {}))
    return facts_from_result(from_json(TlsResult, merged(data, sections.get("result", {}))), SAMPLE_NOW)
