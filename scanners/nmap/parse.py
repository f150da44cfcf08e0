"""Read nmap's XML, live or saved, as a stream and under limits.

The document is written by a program that repeats what strangers sent, or uploaded by a person: it is
untrusted. No DTD, no entities, no external references, bounded depth, elements and bytes. One reader
serves the live probe and the import.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from scanners.nmap.result import (
    Host,
    HostState,
    NmapResult,
    Port,
    PortState,
    ScriptOutput,
    Service,
    UnlistedPorts,
)
from scanners.tls.text import printable

_CHUNK_BYTES = 64 * 1024
_MAX_HOSTNAMES = 16
_MAX_SCRIPTS = 32
_MAX_SCRIPT_TEXT = 4096
_PROTOCOLS = frozenset({"tcp", "udp", "sctp", "ip"})

# nmap always writes this declaration; it names no subset and no entity. It alone is blanked out, so that
# every other document type declaration can be refused.
_NMAP_DOCTYPE_RE = re.compile(
    rb"<!DOCTYPE\s{1,8}nmaprun(?:\s{1,8}(?:PUBLIC|SYSTEM)(?:\s{1,8}\"[^\"<>\[\]&%]{0,120}\"){1,2})?\s{0,8}>"
)


class InvalidNmapXml(ValueError):
    """The bytes are not an nmap XML report that we accept; *detail* says what is wrong with them."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NmapXmlTooLarge(InvalidNmapXml):
    """The report is over a limit: bytes, elements, depth or hosts."""


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """Bounds of one report. Bytes, nesting, elements and hosts; all > 0."""

    max_bytes: int = 100 * 1024 * 1024
    max_depth: int = 64
    max_elements: int = 2_000_000
    max_hosts: int = 65_536
    max_ports: int = 1_000_000


DEFAULT_LIMITS = XmlLimits()


def _number(text: str | None, what: str, low: int, high: int) -> int:
    if text is None or not re.fullmatch(r"[0-9]{1,12}", text) or not low <= int(text) <= high:
        raise InvalidNmapXml(f"{what} is {printable(str(text), 40)!r}, expected {low} to {high}")
    return int(text)


def _optional_number(text: str | None, high: int) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,12}", text) or int(text) > high:
        return None
    return int(text)


def _port_state(text: str | None) -> PortState:
    try:
        return PortState(text or "")
    except ValueError:
        return PortState.UNKNOWN


def _host_state(text: str | None) -> HostState:
    try:
        return HostState(text or "")
    except ValueError:
        return HostState.UNKNOWN


@dataclass(slots=True)
class _OpenPort:
    protocol: str
    number: int
    state: PortState = PortState.UNKNOWN
    reason: str = ""
    service: Service | None = None
    cpes: list[str] = field(default_factory=list)
    scripts: list[ScriptOutput] = field(default_factory=list)

    def close(self) -> Port:
        service = self.service
        if service is not None and self.cpes:
            service = Service(
                service.name,
                service.product,
                service.version,
                service.extra_info,
                service.os_type,
                service.tunnel,
                service.method,
                service.confidence,
                tuple(self.cpes),
            )
        return Port(self.protocol, self.number, self.state, self.reason, service, tuple(self.scripts))


@dataclass(slots=True)
class _OpenHost:
    timed_out: bool
    address: str = ""
    mac: str = ""
    vendor: str = ""
    state: HostState = HostState.UNKNOWN
    reason: str = ""
    hostnames: list[str] = field(default_factory=list)
    ports: dict[tuple[str, int], Port] = field(default_factory=dict)
    unlisted: list[UnlistedPorts] = field(default_factory=list)
    scripts: list[ScriptOutput] = field(default_factory=list)

    def close(self) -> Host:
        return Host(
            address=self.address,
            state=self.state,
            reason=self.reason,
            mac=self.mac,
            vendor=self.vendor,
            hostnames=tuple(self.hostnames),
            ports=tuple(self.ports[key] for key in sorted(self.ports)),
            unlisted=tuple(self.unlisted),
            timed_out=self.timed_out,
            scripts=tuple(self.scripts),
        )


class _Reader:
    """Target object of the XML parser: keeps the path of open elements, never a tree."""

    def __init__(self, limits: XmlLimits) -> None:
        self._limits = limits
        self._path: list[str] = []
        self._elements = 0
        self._port_count = 0
        self._host: _OpenHost | None = None
        self._port: _OpenPort | None = None
        self._cpe: list[str] | None = None
        self.hosts: list[Host] = []
        self.head: Mapping[str, str] | None = None
        self.scanned: list[tuple[str, str]] = []
        self.finished: int | None = None
        self.exit_status = ""
        self.complete = False

    # -- interface of XMLParser ------------------------------------------------------------------
    def start(self, tag: str, attrib: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.max_elements:
            raise NmapXmlTooLarge(f"more than {self._limits.max_elements} elements")
        if len(self._path) >= self._limits.max_depth:
            raise NmapXmlTooLarge(f"nested deeper than {self._limits.max_depth}")
        parent = self._path[-1] if self._path else ""
        self._path.append(tag)
        if not parent and tag != "nmaprun":
            raise InvalidNmapXml(f"root element is {printable(tag, 40)!r}, expected 'nmaprun'")
        if self._port is not None:
            self._in_port(parent, tag, attrib)
        elif self._host is not None:
            self._in_host(parent, tag, attrib)
        else:
            self._in_run(parent, tag, attrib)

    def end(self, tag: str) -> None:
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        if tag == "cpe" and self._cpe is not None and self._port is not None:
            self._port.cpes.append(printable("".join(self._cpe)))
            self._cpe = None
        elif tag == "port" and parent == "ports" and self._port is not None and self._host is not None:
            port = self._port.close()
            self._host.ports[(port.protocol, port.number)] = port
            self._port = None
        elif tag == "host" and parent == "nmaprun" and self._host is not None:
            self._end_host(self._host)
            self._host = None

    def data(self, text: str) -> None:
        if self._cpe is not None and sum(map(len, self._cpe)) < 256:
            self._cpe.append(text)

    def close(self) -> None:
        return None

    # -- levels of the document -------------------------------------------------------------------
    def _in_run(self, parent: str, tag: str, attrib: Mapping[str, str]) -> None:
        if tag == "nmaprun" and not parent:
            if attrib.get("scanner") != "nmap":
                raise InvalidNmapXml("attribute 'scanner' of the root is not 'nmap'")
            self.head = dict(attrib)
        elif tag == "scaninfo" and parent == "nmaprun":
            if len(self.scanned) < 8:
                services = printable(attrib.get("services", ""), 8192)
                self.scanned.append((printable(attrib.get("protocol", ""), 8), services))
        elif tag == "host" and parent == "nmaprun":
            if len(self.hosts) >= self._limits.max_hosts:
                raise NmapXmlTooLarge(f"more than {self._limits.max_hosts} hosts")
            self._host = _OpenHost(timed_out=attrib.get("timedout") == "true")
        elif tag == "finished" and parent == "runstats":
            self.complete = True
            self.finished = _optional_number(attrib.get("time"), 10**11)
            self.exit_status = printable(attrib.get("exit", ""), 32)

    def _in_host(self, parent: str, tag: str, attrib: Mapping[str, str]) -> None:
        host = self._host
        assert host is not None
        if parent == "host" and tag == "status":
            host.state = _host_state(attrib.get("state"))
            host.reason = printable(attrib.get("reason", ""), 64)
        elif parent == "host" and tag == "address":
            self._address(host, attrib)
        elif parent == "hostnames" and tag == "hostname":
            if len(host.hostnames) < _MAX_HOSTNAMES:
                host.hostnames.append(printable(attrib.get("name", ""), 253))
        elif parent == "ports" and tag == "port":
            self._start_port(attrib)
        elif parent == "hostscript" and tag == "script" and len(host.scripts) < _MAX_SCRIPTS:
            host.scripts.append(_script(attrib))
        elif parent == "ports" and tag == "extraports" and len(host.unlisted) < 16:
            count = _number(attrib.get("count"), "count of extraports", 0, 65_536 * 4)
            host.unlisted.append(UnlistedPorts(_port_state(attrib.get("state")), count))

    def _in_port(self, parent: str, tag: str, attrib: Mapping[str, str]) -> None:
        port = self._port
        assert port is not None
        if parent == "port" and tag == "state":
            port.state = _port_state(attrib.get("state"))
            port.reason = printable(attrib.get("reason", ""), 64)
        elif parent == "port" and tag == "service":
            port.service = _service(attrib)
        elif parent == "service" and tag == "cpe" and len(port.cpes) < 16:
            self._cpe = []
        elif parent == "port" and tag == "script" and len(port.scripts) < _MAX_SCRIPTS:
            port.scripts.append(_script(attrib))

    def _address(self, host: _OpenHost, attrib: Mapping[str, str]) -> None:
        kind, text = attrib.get("addrtype"), attrib.get("addr", "")
        if kind == "mac":
            host.mac, host.vendor = printable(text, 32), printable(attrib.get("vendor", ""), 64)
        elif kind in ("ipv4", "ipv6"):
            try:
                host.address = str(ip_address(text))
            except ValueError:
                raise InvalidNmapXml(f"address {printable(text, 64)!r} is not an IP address") from None

    def _start_port(self, attrib: Mapping[str, str]) -> None:
        self._port_count += 1
        if self._port_count > self._limits.max_ports:
            raise NmapXmlTooLarge(f"more than {self._limits.max_ports} ports")
        protocol = attrib.get("protocol", "")
        if protocol not in _PROTOCOLS:
            raise InvalidNmapXml(f"protocol {printable(protocol, 16)!r} of a port is unknown")
        self._port = _OpenPort(protocol, _number(attrib.get("portid"), "portid", 0, 65_535))

    def _end_host(self, host: _OpenHost) -> None:
        if not host.address:
            raise InvalidNmapXml("a host has no IP address")
        self.hosts.append(host.close())


def _script(attrib: Mapping[str, str]) -> ScriptOutput:
    text = printable(attrib.get("output", ""), _MAX_SCRIPT_TEXT)
    return ScriptOutput(printable(attrib.get("id", ""), 64), text)


def _service(attrib: Mapping[str, str]) -> Service:
    return Service(
        name=printable(attrib.get("name", ""), 64),
        product=printable(attrib.get("product", "")),
        version=printable(attrib.get("version", "")),
        extra_info=printable(attrib.get("extrainfo", "")),
        os_type=printable(attrib.get("ostype", ""), 64),
        tunnel=printable(attrib.get("tunnel", ""), 16),
        method=printable(attrib.get("method", ""), 16),
        confidence=_optional_number(attrib.get("conf"), 10) or 0,
    )


def _without_nmap_doctype(data: bytes) -> bytes:
    match = _NMAP_DOCTYPE_RE.search(data, 0, 1024)
    if match is None:
        return data
    return data[: match.start()] + b" " * (match.end() - match.start()) + data[match.end() :]


def parse_nmap_xml(
    data: bytes, *, limits: XmlLimits = DEFAULT_LIMITS, truncated_ok: bool = False
) -> NmapResult:
    """Turn an nmap XML report into a result; the same for a live run and for a saved file.

    Args:
        data: The whole report as bytes, at most ``limits.max_bytes``.
        limits: Bounds; see :class:`XmlLimits`.
        truncated_ok: Accept a report that ends early (nmap was stopped); hosts that were closed before
            the end are given and ``complete`` is False. A document that is wrong in another way is
            refused all the same.

    Raises:
        NmapXmlTooLarge: a limit is exceeded.
        InvalidNmapXml: not XML, a document type of its own, not nmap's, or a value outside its range.
    """
    if not data.strip():
        raise InvalidNmapXml("the document is empty")
    if len(data) > limits.max_bytes:
        raise NmapXmlTooLarge(f"more than {limits.max_bytes} bytes")
    reader = _Reader(limits)
    parser = XMLParser(target=reader, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    blanked = _without_nmap_doctype(data)
    try:
        for offset in range(0, len(blanked), _CHUNK_BYTES):
            parser.feed(blanked[offset : offset + _CHUNK_BYTES])
    except DefusedXmlException as problem:
        raise InvalidNmapXml(f"forbidden XML construct: {type(problem).__name__}") from None
    except (ParseError, UnicodeError, LookupError, ValueError) as problem:
        if isinstance(problem, InvalidNmapXml):
            raise
        raise InvalidNmapXml(f"not well-formed XML: {printable(str(problem), 120)}") from None
    try:
        parser.close()
    except (ParseError, ValueError) as problem:
        if not (truncated_ok and reader.head is not None):
            raise InvalidNmapXml(f"the report ends early: {printable(str(problem), 120)}") from None
    if reader.head is None:
        raise InvalidNmapXml("the report ends before its root element")
    return NmapResult(
        tool_version=printable(reader.head.get("version", ""), 32),
        arguments=printable(reader.head.get("args", ""), 4096),
        hosts=tuple(reader.hosts),
        scanned_ports=tuple(reader.scanned),
        started=_optional_number(reader.head.get("start"), 10**11),
        finished=reader.finished,
        complete=reader.complete,
        exit_status=reader.exit_status,
    )
