"""What nmap saw of one host, as facts that rules can judge. Pure.

A port that was not asked says nothing: every list is whole only where all ports that belong to it were
scanned, and no answer of the host got lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from scanners.baseline.model import Fact, FactInfo, FactKind, Facts, FactState, FactValue, Gap
from scanners.nmap.result import Host, HostState, NmapResult, Port, PortState, ScriptOutput, Service
from scanners.nmap.script_facts import answers, listed_as_flag, rdp_ports, script_facts, smb_ports
from scanners.tls.factkit import listed, missing, nothing_seen, seen, table

PLATFORM = "network"
_SOURCE = "nmap"

FACTS: Mapping[str, FactInfo] = table(
    ("net.open_ports", FactKind.TEXTS, "开放端口", "open ports"),
    ("net.services", FactKind.RECORDS, "开放端口上的服务", "services on open ports"),
    ("net.clear_text", FactKind.TEXTS, "明文传输的服务", "services that speak in clear"),
    ("net.management", FactKind.TEXTS, "本扫描位置可达的管理端口", "management ports reachable from here"),
    (
        "net.without_login",
        FactKind.TEXTS,
        "未经登录即应答的数据服务",
        "data services that answered without a log-in",
    ),
    (
        "net.maybe_without_login",
        FactKind.TEXTS,
        "开放但未能确认是否需要登录的数据服务",
        "data services of which it is not known",
    ),
    ("net.high_risk_ports", FactKind.TEXTS, "开放的高危端口", "high-risk ports that are open"),
    ("net.address", FactKind.TEXT, "地址", "address"),
    ("net.is_up", FactKind.FLAG, "主机有应答", "the host answers"),
    ("net.rdp_open", FactKind.FLAG, "远程桌面开放", "remote desktop is open"),
    ("net.rdp_faults", FactKind.TEXTS, "远程桌面的弱安全层", "weak security layers of remote desktop"),
    ("net.smb_open", FactKind.FLAG, "文件共享开放", "file sharing is open"),
    ("net.smb_faults", FactKind.TEXTS, "文件共享的弱设置", "weak settings of file sharing"),
    ("net.snmp_default", FactKind.TEXTS, "接受默认团体字的 SNMP", "SNMP that takes a default community"),
    ("net.clock_skew_s", FactKind.NUMBER, "与扫描机的时钟偏差（秒）", "clock difference to the scanner (s)"),
    ("net.old_systems", FactKind.TEXTS, "已停止维护的系统", "systems out of maintenance"),
)
"""Everything that can be told of a host from outside, by id."""

_ALL_TCP = frozenset(range(1, 65536))
CLEAR_TEXT = {
    21: "ftp",
    23: "telnet",
    110: "pop3",
    143: "imap",
    389: "ldap",
    512: "exec",
    513: "login",
    514: "shell",
    5900: "vnc",
}
_CLEAR_NAMES = frozenset({*CLEAR_TEXT.values(), "rlogin", "rsh", "tftp", "snmp"})
MANAGEMENT = frozenset(
    {
        22,
        23,
        135,
        445,
        1433,
        1521,
        2375,
        3306,
        3389,
        5236,
        5432,
        5900,
        5985,
        5986,
        6379,
        7001,
        8848,
        9200,
        10250,
        27017,
        54321,
    }
)
DATA_SERVICES = {
    873: "rsync",
    2049: "nfs",
    2181: "zookeeper",
    2375: "docker",
    2379: "etcd",
    5984: "couchdb",
    6379: "redis",
    9200: "elasticsearch",
    10250: "kubelet",
    11211: "memcached",
    27017: "mongodb",
}
# nmap learns the version of these only from an answer that a server gives to anybody
_ANSWERS_ANYBODY = re.compile(r"redis|memcached|zookeeper|elasticsearch|docker|couchdb|etcd", re.IGNORECASE)
HIGH_RISK = frozenset({135, 137, 138, 139, 445, 593, 1025, 2745, 3127, 4444, 5554, 6129, 9996})


def facts_from_result(result: NmapResult, now: datetime) -> Facts:
    """Turn a result with one host into facts; nothing in it depends on *now*.

    A result of many hosts is taken apart with :func:`facts_per_host`.
    """
    del now
    if len(result.hosts) != 1:
        return nothing_seen(PLATFORM, FACTS)
    return _host_facts(result.hosts[0], result)


def facts_per_host(result: NmapResult) -> dict[str, Facts]:
    """Give the facts of every host of a run, by address."""
    return {host.address: _host_facts(host, result) for host in result.hosts}


def _host_facts(host: Host, result: NmapResult) -> Facts:
    about = {"address": host.address}
    if host.state is HostState.DOWN:
        down = {fact_id: missing(Gap.ABSENT, "host is down") for fact_id in FACTS}
        known = {"net.address": seen(host.address, _SOURCE), "net.is_up": seen(False, host.reason or _SOURCE)}
        return Facts(PLATFORM, {**down, **known}, about)
    scanned = scanned_tcp(result)
    hidden = _hidden(host)
    opened = [port for port in host.ports if port.state is PortState.OPEN]
    tcp = {port.number: port for port in opened if port.protocol == "tcp"}

    def among(ports: Iterable[int], values: Iterable[str], *, behind_filter: bool = True) -> Fact:
        wanted = frozenset(ports)
        unasked = wanted - scanned
        if host.timed_out:
            return listed(values, whole=False, gap=Gap.TIMED_OUT, source=_SOURCE)
        if unasked:
            return listed(values, whole=False, gap=Gap.SKIPPED, detail=_ports(unasked), source=_SOURCE)
        if behind_filter and wanted & hidden:
            return listed(
                values,
                whole=False,
                gap=Gap.UNREADABLE,
                detail=f"filtered: {_ports(wanted & hidden)}",
                source=_SOURCE,
            )
        return listed(values, whole=True, source=_SOURCE)

    proven, maybe = _data_services(opened)
    facts: dict[str, Fact] = {
        # what a filter keeps away is not reachable from here, which is all that these two are about
        "net.open_ports": among(
            _ALL_TCP, [f"{port.number}/{port.protocol}" for port in opened], behind_filter=False
        ),
        "net.services": Fact(FactState.SEEN, [_record(port) for port in opened], _SOURCE),
        "net.clear_text": among(CLEAR_TEXT, [_shown(port) for port in opened if _is_clear(port)]),
        "net.management": among(
            MANAGEMENT,
            [_shown(tcp[number]) for number in sorted(MANAGEMENT & tcp.keys())],
            behind_filter=False,
        ),
        "net.without_login": among(DATA_SERVICES, proven),
        "net.maybe_without_login": among(DATA_SERVICES, maybe),
        "net.high_risk_ports": among(
            HIGH_RISK, [_shown(tcp[number]) for number in sorted(HIGH_RISK & tcp.keys())]
        ),
        "net.address": seen(host.address, _SOURCE),
        "net.is_up": answers(host),
        **{
            name: listed_as_flag(among(wanted, [_shown(port) for port in ports]))
            for name, wanted, ports in (
                ("net.rdp_open", {3389}, rdp_ports(opened)),
                ("net.smb_open", {139, 445}, smb_ports(opened)),
            )
        },
        **script_facts(host, opened, udp_161_asked=161 in scanned_udp(result)),
    }
    return Facts(PLATFORM, facts, about)


def scanned_tcp(result: NmapResult) -> frozenset[int]:
    """Give the TCP ports that a run asked, from nmap's own spelling; unreadable parts count as not asked."""
    return _scanned(result, "tcp")


def scanned_udp(result: NmapResult) -> frozenset[int]:
    """Give the UDP ports that a run asked."""
    return _scanned(result, "udp")


def _scanned(result: NmapResult, wanted: str) -> frozenset[int]:
    ports: set[int] = set()
    for protocol, services in result.scanned_ports:
        for part in services.split(",") if protocol == wanted else ():
            match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", part)
            if match:
                ports |= set(range(int(match[1]), min(int(match[2] or match[1]), 65535) + 1))
    return frozenset(ports)


def _hidden(host: Host) -> frozenset[int]:
    """Ports whose filter kept the answer back; all of them when nmap only counted such ports."""
    counted = any(item.count and item.state is PortState.FILTERED for item in host.unlisted)
    if counted:
        listed_ports = {port.number for port in host.ports if port.state is not PortState.FILTERED}
        return _ALL_TCP - listed_ports
    return frozenset(port.number for port in host.ports if port.state is PortState.FILTERED)


def _is_clear(port: Port) -> bool:
    service = port.service
    if service is not None and service.tunnel == "ssl":
        return False
    name = (
        service.name
        if service is not None and service.method == "probed"
        else CLEAR_TEXT.get(port.number, "")
    )
    return name in _CLEAR_NAMES


def _data_services(ports: Iterable[Port]) -> tuple[list[str], list[str]]:
    proven: list[str] = []
    maybe: list[str] = []
    for port in ports:
        service = port.service
        words = "" if service is None else f"{service.name} {service.product}"
        if (
            service is not None
            and service.method == "probed"
            and service.version
            and _ANSWERS_ANYBODY.search(words)
        ):
            proven.append(_shown(port))
        elif port.protocol == "tcp" and port.number in DATA_SERVICES:
            maybe.append(_shown(port))
    return proven, maybe


def _shown(port: Port) -> str:
    name = "" if port.service is None else port.service.name
    return f"{port.number}/{port.protocol} {name}".rstrip()


def _record(port: Port) -> dict[str, Any]:
    service = port.service
    return {
        "protocol": port.protocol,
        "port": port.number,
        "service": "" if service is None else service.name,
        "product": "" if service is None else service.product,
        "version": "" if service is None else service.version,
        "tunnel": "" if service is None else service.tunnel,
        "method": "" if service is None else service.method,
    }


def _ports(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    return ", ".join(map(str, ordered[:12])) + (" …" if len(ordered) > 12 else "")


def facts_from_sample(sections: Mapping[str, Mapping[str, FactValue]]) -> Facts:
    """Turn a sample of a rule into facts.

    Sections: ``ports`` gives for ``22/tcp`` a mapping with ``state`` (``open`` unless told), ``name``, ``product``,
    ``version``, ``extra_info``, ``os_type``, ``tunnel``, ``method``, and ``scripts`` by id; ``scripts`` are those of the
    whole host; ``scan`` has ``tcp`` and ``udp``, nmap's lists of asked ports, all and none unless told; ``host`` has
    ``address``, ``state``, ``reason``. Every other asked port is closed. No section at all means that nobody looked.
    """
    if not sections:
        return nothing_seen(PLATFORM, FACTS)
    ports: list[Port] = []
    for text, given in sections.get("ports", {}).items():
        number, _, protocol = text.partition("/")
        about = dict(given or {})
        state = PortState(about.pop("state", "open"))
        scripts = _scripts(about.pop("scripts", {}))
        service = Service(**{"name": "", "method": "probed", **about})
        ports.append(Port(protocol, int(number), state, service=service, scripts=scripts))
    asked = {"tcp": "1-65535", "udp": "", **sections.get("scan", {})}
    scanned = tuple((protocol, str(text)) for protocol, text in asked.items())
    about_host = {"address": "192.0.2.10", "state": "up", "reason": "syn-ack", **sections.get("host", {})}
    host = Host(
        str(about_host["address"]),
        HostState(about_host["state"]),
        str(about_host["reason"]),
        ports=tuple(ports),
        scripts=_scripts(sections.get("scripts", {})),
    )
    return facts_from_result(NmapResult("7.93", "", (host,), scanned, complete=True), datetime.min)


def _scripts(given: Mapping[str, FactValue]) -> tuple[ScriptOutput, ...]:
    return tuple(ScriptOutput(name, str(text)) for name, text in given.items())
