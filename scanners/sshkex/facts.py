"""What the SSH probe saw, as facts that rules can judge. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scanners.baseline.model import Fact, FactInfo, FactKind, Facts, FactValue, Gap
from scanners.sshkex.algorithms import has_strict_kex, national_first, notes_on, terrapin_exposed
from scanners.sshkex.result import AlgorithmKind, Concern, SshKexResult
from scanners.tls.factkit import missing, nothing_seen, seen, table

PLATFORM = "ssh"
_SOURCE = "KEXINIT"

FACTS: Mapping[str, FactInfo] = table(
    ("ssh.banner", FactKind.TEXT, "SSH 服务标识", "SSH banner"),
    ("ssh.protocol_one", FactKind.FLAG, "接受 SSH 第 1 版协议", "SSH version 1 is accepted"),
    ("ssh.broken", FactKind.TEXTS, "提供的已被攻破的算法", "broken algorithms offered"),
    ("ssh.weak", FactKind.TEXTS, "提供的弱算法", "weak algorithms offered"),
    (
        "ssh.prefix_truncation",
        FactKind.FLAG,
        "受前缀截断攻击影响（CVE-2023-48795）",
        "open to prefix truncation (CVE-2023-48795)",
    ),
    ("ssh.national", FactKind.TEXTS, "提供的国密算法", "national algorithms offered"),
    (
        "ssh.national_first",
        FactKind.TEXTS,
        "国密算法居首的类别",
        "lists that begin with a national algorithm",
    ),
)
"""Everything that can be told of an SSH server before a log-in, by id."""


def facts_from_result(result: SshKexResult, now: datetime) -> Facts:
    """Turn a result into facts; nothing in it depends on *now*."""
    del now
    has_lists = bool(result.kex)

    def noted(concern: Concern) -> Fact:
        if not has_lists:
            return missing(Gap.ABSENT, "a server of version 1 sends no lists")
        return seen([f"{note.kind} {note.name}" for note in result.notes if note.concern is concern], _SOURCE)

    facts: dict[str, Fact] = {
        "ssh.banner": seen(result.banner, "banner"),
        "ssh.protocol_one": seen(result.ssh1, "banner"),
        "ssh.broken": noted(Concern.BROKEN),
        "ssh.weak": noted(Concern.WEAK),
        "ssh.national": noted(Concern.NATIONAL),
        "ssh.national_first": seen([str(kind) for kind in result.national_first], _SOURCE)
        if has_lists
        else missing(Gap.ABSENT),
        "ssh.prefix_truncation": missing(Gap.ABSENT)
        if result.terrapin_exposed is None
        else seen(result.terrapin_exposed, _SOURCE),
    }
    return Facts(PLATFORM, facts, {"banner": result.banner})


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts.

    Section ``offer``: ``kex``, ``host_keys``, ``ciphers``, ``macs`` as lists, ``protocol``; what is left out is that
    of a sound server. No section at all means that nobody looked.
    """
    if not sections:
        return nothing_seen(PLATFORM, FACTS)
    sound: dict[str, Any] = {
        "protocol": "2.0",
        "kex": ["curve25519-sha256", "kex-strict-s-v00@openssh.com"],
        "host_keys": ["ssh-ed25519"],
        "ciphers": ["aes256-gcm@openssh.com"],
        "macs": ["hmac-sha2-256-etm@openssh.com"],
    }
    offer = {**sound, **sections.get("offer", {})}
    lists = {name: tuple(offer[name]) for name in ("kex", "host_keys", "ciphers", "macs")}
    by_kind = dict(zip(AlgorithmKind, lists.values(), strict=True))
    result = SshKexResult(
        banner=f"SSH-{offer['protocol']}-Example",
        protocol=offer["protocol"],
        software="Example",
        ssh1=offer["protocol"].startswith("1."),
        kex=lists["kex"],
        host_keys=lists["host_keys"],
        ciphers_in=lists["ciphers"],
        ciphers_out=lists["ciphers"],
        macs_in=lists["macs"],
        macs_out=lists["macs"],
        compression=("none",),
        strict_kex=has_strict_kex(lists["kex"]),
        terrapin_exposed=terrapin_exposed(lists["kex"], lists["ciphers"], lists["macs"])
        if lists["kex"]
        else None,
        notes=notes_on(by_kind),
        national_first=national_first(by_kind),
    )
    return facts_from_result(result, datetime.min)
