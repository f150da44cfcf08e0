"""What an nmap run saw, as plain frozen values; ``scanners.jsonable`` turns them into JSON and back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HostState(StrEnum):
    """nmap's word for a host."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


class PortState(StrEnum):
    """nmap's word for a port; only OPEN says that a service answered."""

    OPEN = "open"
    CLOSED = "closed"
    FILTERED = "filtered"
    UNFILTERED = "unfiltered"
    OPEN_FILTERED = "open|filtered"
    CLOSED_FILTERED = "closed|filtered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Service:
    """What nmap takes the service for.

    ``method`` is ``probed`` (it answered) or ``table`` (guessed from the port number alone);
    ``confidence`` 0 to 10; ``tunnel`` is ``ssl`` when the service spoke inside TLS, else empty.
    """

    name: str
    product: str = ""
    version: str = ""
    extra_info: str = ""
    os_type: str = ""
    tunnel: str = ""
    method: str = ""
    confidence: int = 0
    cpes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptOutput:
    """Text of one NSE script, cut; only in imported files, no preset of ours runs scripts."""

    script_id: str
    output: str


@dataclass(frozen=True, slots=True)
class Port:
    """One port of one host; ``reason`` is nmap's evidence for the state, such as ``syn-ack``."""

    protocol: str
    number: int
    state: PortState
    reason: str = ""
    service: Service | None = None
    scripts: tuple[ScriptOutput, ...] = ()


@dataclass(frozen=True, slots=True)
class UnlistedPorts:
    """Ports that nmap only counted: their number and the state they share."""

    state: PortState
    count: int


@dataclass(frozen=True, slots=True)
class Host:
    """One address. ``timed_out`` means that the ports below are not the whole answer.

    ``scripts`` are those of the whole host, in imported files alone.
    """

    address: str
    state: HostState
    reason: str = ""
    mac: str = ""
    vendor: str = ""
    hostnames: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    unlisted: tuple[UnlistedPorts, ...] = ()
    timed_out: bool = False
    scripts: tuple[ScriptOutput, ...] = ()


@dataclass(frozen=True, slots=True)
class NmapResult:
    """One run. ``complete`` is False when the XML ended before nmap wrote its closing statistics.

    ``started`` and ``finished`` are seconds since 1970 in UTC as nmap wrote them, ``None`` if absent;
    ``scanned_ports`` keeps nmap's own range spelling per protocol, so that "closed" and "not asked"
    can be told apart.
    """

    tool_version: str
    arguments: str
    hosts: tuple[Host, ...]
    scanned_ports: tuple[tuple[str, str], ...] = ()
    started: int | None = None
    finished: int | None = None
    complete: bool = False
    exit_status: str = ""
