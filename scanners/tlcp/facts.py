"""What the TLCP probe saw, as facts that rules can judge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from scanners.baseline.model import FactInfo, FactKind, Facts, FactValue, Gap
from scanners.jsonable import from_json, to_json
from scanners.sm_crypto.pairs import PairCheck, Role
from scanners.tlcp.result import TlcpCertificate, TlcpResult, TlcpSuite
from scanners.tls.factkit import listed, merged, missing, nothing_seen, seen, table
from scanners.tls.result import VersionAnswer

PLATFORM = "sm"
_SOURCE = "tlcp"

FACTS: Mapping[str, FactInfo] = table(
    ("tlcp.detected", FactKind.FLAG, "支持 TLCP", "TLCP is spoken"),
    (
        "tlcp.grade",
        FactKind.NUMBER,
        "证据等级（1 握手应答，2 签名，3 完整握手）",
        "grade of proof (1 hello, 2 signature, 3 Finished)",
    ),
    ("tlcp.suites", FactKind.TEXTS, "接受的套件", "suites accepted"),
    (
        "tlcp.foreign_suites",
        FactKind.TEXTS,
        "含非国密算法的套件",
        "suites with other than national algorithms",
    ),
    ("tlcp.pair_faults", FactKind.TEXTS, "双证书存在的问题", "faults of the dual certificates"),
    ("tlcp.chain_verified", FactKind.FLAG, "证书链验证通过", "both chains are verified"),
    ("tlcp.days_left", FactKind.NUMBER, "双证书剩余有效天数", "days until one of the two certificates ends"),
    ("tlcp.ordinary_tls", FactKind.TEXT, "同端口的普通 TLS", "ordinary TLS on the same port"),
)
"""Everything that can be told of a port in TLCP, by id."""


def facts_from_result(result: TlcpResult, now: datetime) -> Facts:
    """Turn a result into facts; *now* is for the dates of certificates alone."""
    if not result.detected:
        facts = {fact_id: missing(Gap.ABSENT, result.refusal) for fact_id in FACTS}
        facts["tlcp.detected"] = seen(False, result.refusal)
        facts["tlcp.grade"] = seen(0, _SOURCE)
    else:
        facts = _detected(result, now)
    facts["tlcp.ordinary_tls"] = (
        missing(Gap.UNREADABLE)
        if result.ordinary_tls is VersionAnswer.UNCLEAR
        else seen(str(result.ordinary_tls), _SOURCE)
    )
    return Facts(PLATFORM, facts, {"server_name": result.server_name})


def _detected(result: TlcpResult, now: datetime) -> dict[str, Any]:
    names = [suite.name for suite in result.suites]
    pair = result.certificates[:2]
    verified = result.chain_verified
    return {
        "tlcp.detected": seen(True, _SOURCE),
        "tlcp.grade": seen(result.grade, "; ".join(result.problems) or _SOURCE),
        "tlcp.suites": listed(names, whole=result.suites_complete, gap=Gap.TRUNCATED, source=_SOURCE),
        "tlcp.foreign_suites": listed(
            [name for name in names if not _is_national(name)],
            whole=result.suites_complete,
            gap=Gap.TRUNCATED,
            source=_SOURCE,
        ),
        # the chains are a fact of their own, because without anchors nobody can tell
        "tlcp.pair_faults": seen(
            [check.check_id for check in result.pair if check.passed is False and check.check_id != "chains"],
            _SOURCE,
        ),
        "tlcp.chain_verified": missing(Gap.UNDECIDABLE, "no anchors, or an issuer is missing")
        if verified is None
        else seen(verified, _SOURCE),
        "tlcp.days_left": seen(min((one.not_after - now).days for one in pair), _SOURCE)
        if pair
        else missing(Gap.UNREADABLE, "; ".join(result.problems)),
    }


def _is_national(name: str) -> bool:
    return name.startswith(("ECC_SM4", "ECDHE_SM4")) and name.endswith("_SM3")


# -- samples in rules -------------------------------------------------------------------------------------

SAMPLE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which samples in rules are judged."""


def _sample_certificate(role: Role, usage: tuple[str, ...]) -> TlcpCertificate:
    return TlcpCertificate(
        role=role,
        stated_role=role,
        subject="CN=www.example.cn",
        issuer="CN=Example SM2 CA",
        not_before=SAMPLE_NOW - timedelta(days=10),
        not_after=SAMPLE_NOW + timedelta(days=200),
        key="sm2-256",
        key_usage=usage,
        signature_algorithm="SM2-with-SM3",
        names=("www.example.cn",),
        fingerprint_sm3="",
    )


_CHECKS = (
    *("two-certificates", "order", "sm2-keys", "sm2-with-sm3", "distinct-certificates", "same-subject"),
    *("same-issuer", "sign-usage", "encrypt-usage", "valid-now", "chains"),
)


def _sample_result() -> TlcpResult:
    return TlcpResult(
        detected=True,
        grade=3,
        suites=(
            TlcpSuite(0xE013, "ECC_SM4_CBC_SM3", "ecc", True),
            TlcpSuite(0xE053, "ECC_SM4_GCM_SM3", "ecc", False),
        ),
        suites_complete=True,
        certificates=(
            _sample_certificate(Role.SIGN, ("digitalSignature",)),
            _sample_certificate(Role.ENCRYPT, ("keyEncipherment",)),
        ),
        pair=tuple(PairCheck(check_id, True) for check_id in _CHECKS),
        chain_verified=True,
        name_matches=True,
        asks_client_certificate=False,
        ordinary_tls=VersionAnswer.REFUSED,
        connections=6,
    )


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts.

    Sections: ``result`` lies over the JSON of a sound port; ``checks`` gives answers by id of the check of the pair;
    ``dates`` has ``days_left`` of both certificates. No section at all means that nobody looked.
    """
    if not sections:
        return nothing_seen(PLATFORM, FACTS)
    data: Any = to_json(_sample_result())
    for check in data["pair"]:
        check["passed"] = sections.get("checks", {}).get(check["check_id"], check["passed"])
    if "dates" in sections:
        end = SAMPLE_NOW + timedelta(days=sections["dates"]["days_left"], hours=1)
        for one in data["certificates"]:
            one["not_after"] = end.isoformat()
    return facts_from_result(from_json(TlcpResult, merged(data, sections.get("result", {}))), SAMPLE_NOW)
