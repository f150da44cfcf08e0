"""What scripts of an imported nmap report, and banners, say beyond ports. Pure.

No preset of ours runs scripts: where none was run, these facts say that they cannot be decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from scanners.baseline.model import Fact, FactState, Gap
from scanners.nmap.result import Host, HostState, Port, PortState
from scanners.tls.factkit import listed, missing, seen

_SOURCE = "nmap"
_RDP_NAMES = frozenset({"ms-wbt-server", "rdp"})
_SMB_NAMES = frozenset({"microsoft-ds", "netbios-ssn"})
_OLD = re.compile(
    r"windows[ _](?:xp|2000|nt|me|98|vista|server[ _]2003|server[ _]2008|2003|7)(?!\w)(?!(?:[ _]r2)? -)|"
    r"microsoft iis httpd (?:[1-6]\.|7\.)",
    re.IGNORECASE,
)
# "+1h02m3s", "-5s", "2d00h00m01s"
_SKEW = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(\d+)(?:\.\d+)?s")


def rdp_ports(ports: Iterable[Port]) -> list[Port]:
    """Open ports that are, or by habit are, remote desktop."""
    return [port for port in ports if port.protocol == "tcp" and _is(port, _RDP_NAMES, {3389})]


def smb_ports(ports: Iterable[Port]) -> list[Port]:
    """Open ports that are, or by habit are, file sharing of Windows."""
    return [port for port in ports if port.protocol == "tcp" and _is(port, _SMB_NAMES, {139, 445})]


def _is(port: Port, names: frozenset[str], usual: set[int]) -> bool:
    probed = port.service is not None and port.service.method == "probed"
    return port.service.name in names if probed and port.service is not None else port.number in usual


def listed_as_flag(fact: Fact) -> Fact:
    """Turn a list of open ports into "open or not"; nothing seen in an incomplete list is not known."""
    if fact.value:
        return seen(True, fact.source)
    if fact.state is FactState.SEEN:
        return seen(False, fact.source)
    return missing(fact.gap or Gap.UNREADABLE, fact.detail)


def answers(host: Host) -> Fact:
    """Whether the host answers; one that nmap was told to take for up needs a port that says so."""
    told = host.reason in ("user-set", "")
    alive = any(port.state in (PortState.OPEN, PortState.CLOSED, PortState.UNFILTERED) for port in host.ports)
    alive = alive or any(one.count and one.state is PortState.CLOSED for one in host.unlisted)
    if alive or (host.state is HostState.UP and not told):
        return seen(True, host.reason or _SOURCE)
    return missing(Gap.UNDECIDABLE, "nothing answered, and nmap did not ask whether the host is there")


def script_facts(host: Host, opened: Sequence[Port], *, udp_161_asked: bool) -> dict[str, Fact]:
    """Give the facts that rest on scripts and banners; a host that nmap gave up on proves no absence."""
    facts = {
        "net.rdp_faults": _rdp(rdp_ports(opened)),
        "net.smb_faults": _smb(host, smb_ports(opened)),
        "net.snmp_default": _snmp(host, asked=udp_161_asked),
        "net.clock_skew_s": _skew(host),
        "net.old_systems": _old_systems(opened),
    }
    return {name: _cut_short(fact) for name, fact in facts.items()} if host.timed_out else facts


def _cut_short(fact: Fact) -> Fact:
    if isinstance(fact.value, list):
        return listed(fact.value, whole=False, gap=Gap.TIMED_OUT, source=fact.source)
    return missing(Gap.TIMED_OUT)


def _output(port: Port, script_id: str) -> str | None:
    return next((one.output for one in port.scripts if one.script_id == script_id), None)


def _host_output(host: Host, script_id: str) -> str | None:
    return next((one.output for one in host.scripts if one.script_id == script_id), None)


def _rdp(ports: list[Port]) -> Fact:
    told = [(port, _output(port, "rdp-enum-encryption")) for port in ports]
    faults = [
        f"{port.number}/tcp native RDP" for port, text in told if text and "Native RDP: SUCCESS" in text
    ]
    return listed(
        faults,
        whole=all(text is not None for _, text in told),
        gap=Gap.UNDECIDABLE,
        detail="rdp-enum-encryption was not run",
        source="rdp-enum-encryption",
    )


def _smb(host: Host, ports: list[Port]) -> Fact:
    protocols = _host_output(host, "smb-protocols")
    signing = [_host_output(host, name) for name in ("smb-security-mode", "smb2-security-mode")]
    faults = ["SMBv1"] if protocols and "SMBv1" in protocols else []
    words = " ".join(text for text in signing if text).lower()
    if "not required" in words or "message_signing: disabled" in words or "signing disabled" in words:
        faults.append("signing is not required")
    # banners of old servers give themselves away
    faults += [
        f"{port.number}/tcp {port.service.product}"
        for port in ports
        if port.service is not None
        and re.search(r"Windows XP|Samba smbd 3\.", f"{port.service.product} {port.service.version}")
    ]
    whole = not ports or (protocols is not None and any(signing))
    return listed(
        faults,
        whole=whole,
        gap=Gap.UNDECIDABLE,
        detail="smb-protocols and smb2-security-mode were not run",
        source=_SOURCE,
    )


def _snmp(host: Host, *, asked: bool) -> Fact:
    port = next((one for one in host.ports if (one.protocol, one.number) == ("udp", 161)), None)
    faults = []
    if port is not None and port.state is PortState.OPEN:
        words = "" if port.service is None else f"{port.service.product} {port.service.extra_info}"
        words += " ".join(one.output for one in port.scripts if one.script_id == "snmp-brute")
        faults = [f"161/udp {name}" for name in ("public", "private") if re.search(rf"\b{name}\b", words)]
    if not asked:
        return listed(faults, whole=False, gap=Gap.SKIPPED, detail="161/udp", source=_SOURCE)
    silent = port is not None and port.state is PortState.OPEN_FILTERED
    return listed(
        faults, whole=not silent, gap=Gap.UNREADABLE, detail="161/udp did not answer", source=_SOURCE
    )


def _skew(host: Host) -> Fact:
    texts = [_host_output(host, "clock-skew"), *(_output(port, "http-date") for port in host.ports)]
    found = []
    for text in texts:
        # "mean: 1h00m00s, deviation: ..." and "Date: ...; -3s from local time."
        match = re.search(r"(?:mean: |^|; )[+-]?([0-9dhm.]+s)\b", text or "")
        parts = _SKEW.fullmatch(match[1]) if match else None
        if parts is not None:
            days, hours, minutes, rest = (int(part or 0) for part in parts.groups())
            found.append(((days * 24 + hours) * 60 + minutes) * 60 + rest)
    if not found:
        return missing(Gap.SKIPPED, "neither clock-skew nor http-date was run")
    return seen(max(found), "clock-skew, http-date")


def _old_systems(opened: Sequence[Port]) -> Fact:
    services = [(port, port.service) for port in opened if port.service is not None]
    faults = []
    for port, service in services:
        words = f"{service.product} {service.version} {service.extra_info} {' '.join(service.cpes)}"
        match = _OLD.search(words.strip())
        if match:
            faults.append(f"{port.number}/{port.protocol} {match[0]}")
    told = any(
        service.os_type or any(cpe.startswith("cpe:/o:") for cpe in service.cpes) for _, service in services
    )
    return listed(
        faults, whole=told, gap=Gap.UNDECIDABLE, detail="no service tells its system", source=_SOURCE
    )
