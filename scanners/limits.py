"""What may be scanned, when, and how hard.

A ``Scope`` is an authorisation after parsing. ``check`` is asked three times by the application (at
request, at dequeue, at execution) and once more by ``scanners.runner`` itself, so that a target
changed on the way is caught. Connections and rates are capped per target, because a scan that
disturbs a service is a fault of ours.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath

from scanners.base import Target
from scanners.errors import InvalidScope, InvalidTarget
from scanners.targets import (
    IpAddress,
    IpNetwork,
    PortRange,
    parse_address,
    parse_network,
    parse_networks,
    parse_ports,
)

MAX_VALIDITY = timedelta(days=90)
"""Longest time for which one authorisation holds."""


class RefusalReason(StrEnum):
    """Why a target is outside an authorisation."""

    NOT_AN_ADDRESS = "not-an-address"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    PROBE = "probe-not-authorised"
    OUTSIDE = "outside-networks"
    PORT = "port-not-authorised"
    PATH = "path-not-authorised"
    DENIED = "always-denied"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A target that must not be touched; ``detail`` is a short machine-side text, e.g. ``loopback``."""

    reason: RefusalReason
    detail: str


@dataclass(frozen=True, slots=True)
class _Denied:
    network: IpNetwork
    why: str
    exception_possible: bool


def _deny(why: str, exception_possible: bool, *networks: str) -> list[_Denied]:
    return [_Denied(ipaddress.ip_network(text), why, exception_possible) for text in networks]


# Addresses of cloud metadata services answer with credentials; the embedding IPv6 ranges would let an
# IPv4 address through under another spelling.
_ALWAYS_DENIED: tuple[_Denied, ...] = (
    *_deny(
        "metadata", True, "169.254.169.254/32", "169.254.0.23/32", "100.100.100.200/32", "168.63.129.16/32"
    ),
    *_deny("metadata", True, "192.0.0.192/32", "fd00:ec2::254/128"),
    *_deny("loopback", True, "127.0.0.0/8", "::1/128"),
    *_deny("link-local", True, "169.254.0.0/16", "fe80::/10"),
    *_deny("multicast", False, "224.0.0.0/4", "ff00::/8"),
    *_deny("broadcast", False, "255.255.255.255/32"),
    *_deny("unspecified", False, "0.0.0.0/8", "::/128"),
    *_deny("reserved", False, "240.0.0.0/4"),
    *_deny("embedded-ipv4", False, "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """An authorisation after parsing.

    ``networks`` are what may be scanned; ``exceptions`` the always-denied addresses that were named
    explicitly (they must also lie in ``networks``); ``denied`` the platform's own hosts.
    ``ports`` are checked for targets that name a port. ``path_roots`` are folders whose files may be
    read, none by default. Both times carry a zone. ``rate_per_s`` is connections or packets per second
    over the whole run.
    """

    networks: tuple[IpNetwork, ...]
    ports: tuple[PortRange, ...]
    probe_ids: frozenset[str]
    valid_from: datetime
    valid_until: datetime
    exceptions: tuple[IpNetwork, ...] = ()
    denied: tuple[IpNetwork, ...] = ()
    path_roots: tuple[str, ...] = ()
    connections_per_target: int = 2
    rate_per_s: float = 100.0

    def __post_init__(self) -> None:
        if self.valid_from.tzinfo is None or self.valid_until.tzinfo is None:
            raise InvalidScope("times need a zone")
        if self.valid_until <= self.valid_from:
            raise InvalidScope("ends before it begins")
        if self.valid_until - self.valid_from > MAX_VALIDITY:
            raise InvalidScope(f"longer than {MAX_VALIDITY.days} days")
        if self.connections_per_target < 1 or self.rate_per_s <= 0:
            raise InvalidScope("caps must be positive")
        for exception in self.exceptions:
            _check_exception(exception)

    @classmethod
    def parse(
        cls,
        *,
        networks: Iterable[str],
        ports: str,
        probe_ids: Iterable[str],
        valid_from: datetime,
        valid_until: datetime,
        exceptions: Iterable[str] = (),
        denied: Iterable[str] = (),
        path_roots: Iterable[str] = (),
        connections_per_target: int = 2,
        rate_per_s: float = 100.0,
    ) -> Scope:
        """Read an authorisation as people wrote it.

        Raises:
            InvalidTarget: a network, address or port that is not one, or more than 4,096 addresses.
            InvalidScope: parts that contradict each other.
        """
        return cls(
            networks=parse_networks(networks),
            ports=parse_ports(ports),
            probe_ids=frozenset(probe_ids),
            valid_from=valid_from,
            valid_until=valid_until,
            exceptions=tuple(parse_network(text) for text in exceptions),
            denied=tuple(parse_network(text) for text in denied),
            path_roots=tuple(path_roots),
            connections_per_target=connections_per_target,
            rate_per_s=rate_per_s,
        )

    def covers_ports(self, ports: Iterable[PortRange]) -> bool:
        """Say whether every one of *ports* is authorised; for probes that choose their own ports."""
        return all(
            any(own.first <= asked.first and asked.last <= own.last for own in self.ports) for asked in ports
        )


def loopback_scope(probe_ids: Iterable[str], now: datetime) -> Scope:
    """Give the scope of a probe run by hand without an authorisation: this machine, for one hour."""
    loopback = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    return Scope(
        networks=loopback,
        ports=(PortRange(1, 65535),),
        probe_ids=frozenset(probe_ids),
        valid_from=now - timedelta(minutes=1),
        valid_until=now + timedelta(hours=1),
        exceptions=loopback,
        path_roots=("/",),
    )


def check(scope: Scope, target: Target, probe_id: str, now: datetime) -> Refusal | None:
    """Say why *target* must not be touched, or ``None`` when it may.

    Args:
        now: The moment of the check, with a zone.
    """
    if now < scope.valid_from:
        return Refusal(RefusalReason.NOT_YET_VALID, scope.valid_from.isoformat())
    if now >= scope.valid_until:
        return Refusal(RefusalReason.EXPIRED, scope.valid_until.isoformat())
    if probe_id not in scope.probe_ids:
        return Refusal(RefusalReason.PROBE, probe_id)
    if target.path is not None:
        refusal = _check_path(scope, target.path)
        if refusal is not None or not target.host:
            return refusal
    return _check_address(scope, target)


def _check_address(scope: Scope, target: Target) -> Refusal | None:
    try:
        address = parse_address(target.host)
    except InvalidTarget as error:
        return Refusal(RefusalReason.NOT_AN_ADDRESS, error.why)
    if _in_any(address, scope.denied):
        return Refusal(RefusalReason.DENIED, "platform-host")
    if not _in_any(address, scope.exceptions):
        why = _why_denied(address) or _directed_broadcast(address, scope.networks)
        if why is not None:
            return Refusal(RefusalReason.DENIED, why)
    if not _in_any(address, scope.networks):
        return Refusal(RefusalReason.OUTSIDE, str(address))
    if target.port is not None and not any(target.port in allowed for allowed in scope.ports):
        return Refusal(RefusalReason.PORT, str(target.port))
    return None


def _check_path(scope: Scope, text: str) -> Refusal | None:
    path = PurePosixPath(text)
    if not path.is_absolute() or ".." in path.parts or "\0" in text:
        return Refusal(RefusalReason.PATH, "not a plain absolute path")
    if not any(path.is_relative_to(root) for root in scope.path_roots):
        return Refusal(RefusalReason.PATH, "outside the authorised folders")
    return None


def _in_any(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address in network for network in networks)


def _why_denied(address: IpAddress) -> str | None:
    return next((entry.why for entry in _ALWAYS_DENIED if address in entry.network), None)


def _directed_broadcast(address: IpAddress, networks: Iterable[IpNetwork]) -> str | None:
    for network in networks:
        if network.version == 4 and network.prefixlen < 31 and address == network.broadcast_address:
            return "broadcast"
    return None


def _check_exception(exception: IpNetwork) -> None:
    for entry in _ALWAYS_DENIED:
        if entry.network.version != exception.version or not entry.network.overlaps(exception):
            continue
        if not entry.exception_possible:
            # ::1 lies inside ::/96, and is the one address there that may be named
            if entry.why == "embedded-ipv4" and exception == ipaddress.ip_network("::1/128"):
                continue
            raise InvalidScope(f"{exception}: no exception can be made for {entry.why} addresses")
        if entry.why == "metadata" and exception != entry.network:
            raise InvalidScope(f"{exception}: a metadata address must be named alone")


class ConnectionGate:
    """Hold at most so many connections to one target, and so many in all.

    Shared by the threads of one run.
    """

    def __init__(self, *, per_target: int, total: int) -> None:
        if per_target < 1 or total < 1:
            raise InvalidScope("caps must be positive")
        self._per_target = per_target
        self._total = total
        self._held: dict[str, int] = {}
        self._condition = threading.Condition()

    @contextmanager
    def hold(self, host: str, connections: int = 1, *, cancelled: Callable[[], bool]) -> Iterator[bool]:
        """Wait for room for *connections* to *host*; gives ``False`` when cancelled while waiting.

        More connections than the cap of a target are cut to the cap, so nothing waits for ever.
        """
        wanted = min(connections, self._per_target, self._total)
        got = self._acquire(host, wanted, cancelled)
        try:
            yield got
        finally:
            if got:
                self._release(host, wanted)

    def _acquire(self, host: str, wanted: int, cancelled: Callable[[], bool]) -> bool:
        with self._condition:
            while not self._has_room(host, wanted):
                if cancelled():
                    return False
                self._condition.wait(0.1)
            self._held[host] = self._held.get(host, 0) + wanted
            return True

    def _has_room(self, host: str, wanted: int) -> bool:
        here = self._held.get(host, 0)
        return here + wanted <= self._per_target and sum(self._held.values()) + wanted <= self._total

    def _release(self, host: str, wanted: int) -> None:
        with self._condition:
            left = self._held[host] - wanted
            if left:
                self._held[host] = left
            else:
                del self._held[host]
            self._condition.notify_all()


class RateLimiter:
    """Let at most *per_s* events per second pass, evenly spaced; shared by threads."""

    def __init__(
        self,
        per_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if per_s <= 0:
            raise InvalidScope("a rate must be positive")
        self._gap_s = 1.0 / per_s
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Sleep until the next event may happen."""
        with self._lock:
            now = self._clock()
            slot = max(self._next, now)
            self._next = slot + self._gap_s
        if slot > now:
            self._sleep(slot - now)
