"""Text to addresses, networks and ports, once, at the edge, by ``ipaddress`` only.

What other programs understand as an address and this one refuses: short forms (``127.1``), octal and
hexadecimal parts, plain integers, zone ids, names. A name is resolved once by the application and
stored as an address; nothing here looks anything up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from scanners.errors import InvalidTarget

MAX_ADDRESSES = 4096
"""Most addresses that one job may name."""

_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_PORT_RE = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?")

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, order=True, slots=True)
class PortRange:
    """Ports *first* to *last*, both 1-65535 and both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= self.last <= 65535:
            raise InvalidTarget(str(self), "ports go from 1 to 65535, the lower first")

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


def parse_address(text: str) -> IpAddress:
    """Read one IP literal; IPv4-mapped IPv6 is folded to IPv4.

    Raises:
        InvalidTarget: anything else than a plain IPv4 or IPv6 literal.
    """
    try:
        address = ipaddress.ip_address(_plain(text))
    except ValueError:
        raise InvalidTarget(text, "is not an IPv4 or IPv6 address") from None
    return fold(address)


def parse_network(text: str) -> IpNetwork:
    """Read an address or a network in CIDR form whose host bits are zero.

    Raises:
        InvalidTarget: another shape, a netmask instead of a prefix length, or host bits set.
    """
    if "/" not in text:
        return ipaddress.ip_network(parse_address(text))
    _, _, prefix = text.partition("/")
    if not (prefix.isascii() and prefix.isdigit()) or (prefix != "0" and prefix.startswith("0")):
        raise InvalidTarget(text, "the prefix length must be a plain number")
    try:
        network = ipaddress.ip_network(_plain(text), strict=True)
    except ValueError:
        raise InvalidTarget(text, "is not a network in CIDR form with its host bits zero") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        folded = fold(network.network_address)
        return ipaddress.ip_network(f"{folded}/{network.prefixlen - 96}")
    return network


def parse_networks(texts: Iterable[str], *, max_addresses: int = MAX_ADDRESSES) -> tuple[IpNetwork, ...]:
    """Read several; sorted, overlaps merged, never more than *max_addresses* addresses in all.

    Raises:
        InvalidTarget: one of them is wrong, or they are too many.
    """
    v4: list[ipaddress.IPv4Network] = []
    v6: list[ipaddress.IPv6Network] = []
    for count, text in enumerate(texts):
        if count >= MAX_ADDRESSES:
            raise InvalidTarget(text, f"more than {MAX_ADDRESSES} entries")
        network = parse_network(text)
        if isinstance(network, ipaddress.IPv4Network):
            v4.append(network)
        else:
            v6.append(network)
    merged: tuple[IpNetwork, ...] = (*ipaddress.collapse_addresses(v4), *ipaddress.collapse_addresses(v6))
    total = sum(network.num_addresses for network in merged)
    if total > max_addresses:
        raise InvalidTarget(
            ", ".join(map(str, merged)), f"{total} addresses, at most {max_addresses} are allowed"
        )
    return merged


def addresses_of(networks: Iterable[IpNetwork]) -> Iterator[IpAddress]:
    """Give every usable address, without the network and broadcast address of an IPv4 network."""
    for network in networks:
        yield from network.hosts()


def parse_ports(text: str) -> tuple[PortRange, ...]:
    """Read ``"22,80,8000-8100"``; sorted, overlaps merged. Empty text means no port at all.

    Raises:
        InvalidTarget: another shape, or a port outside 1-65535.
    """
    ranges: list[PortRange] = []
    for part in text.split(",") if text else ():
        match = _PORT_RE.fullmatch(part.strip(" "))
        if match is None:
            raise InvalidTarget(text, f"{part[:20]!r} is not a port or a range of ports")
        first = int(match[1])
        ranges.append(PortRange(first, int(match[2]) if match[2] else first))
    merged: list[PortRange] = []
    for port_range in sorted(ranges):
        if merged and port_range.first <= merged[-1].last + 1:
            merged[-1] = PortRange(merged[-1].first, max(merged[-1].last, port_range.last))
        else:
            merged.append(port_range)
    return tuple(merged)


def fold(address: IpAddress) -> IpAddress:
    """Give the IPv4 address inside an IPv4-mapped IPv6 address, any other address unchanged."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _plain(text: str) -> str:
    if not text.isascii() or "%" in text or len(text) > 50:
        raise InvalidTarget(text, "is not a plain address (no zone id, no other characters)")
    return text
