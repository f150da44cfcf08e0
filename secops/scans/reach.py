"""Which network a scan reaches into, and whose workers can reach it."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session


def network_of(plan: Sequence[dict[str, Any]]) -> str:
    """The /24 (or /64) that holds most targets; empty when no target has an address of the network.

    A target of this machine itself loads no network.
    """
    found = Counter(
        str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))
        for address in _addresses(plan)
        if not address.is_loopback
    )
    return min(found, key=lambda network: (-found[network], network)) if found else ""


def zone_of(session: Session, plan: Sequence[dict[str, Any]]) -> str:
    """The zone of most targets after ``SECOPS_NETWORK_ZONES``; empty means that any worker reaches them."""
    written = str(session.get_bind().get_execution_options().get("network_zones", ""))
    zones = [
        (ipaddress.ip_network(network), name)
        for network, _, name in (pair.partition("=") for pair in written.split(",") if pair)
    ]
    if not zones:
        return ""
    found: Counter[str] = Counter()
    for address in _addresses(plan):
        fitting = [(network.prefixlen, name) for network, name in zones if address in network]
        # The narrowest network decides.
        found[max(fitting)[1] if fitting else ""] += 1
    return min(found, key=lambda name: (-found[name], name)) if found else ""


def _addresses(plan: Sequence[dict[str, Any]]) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    addresses = []
    for host in {str(entry.get("host", "")) for entry in plan if entry["probe"] != "local"}:
        try:
            addresses.append(ipaddress.ip_address(host))
        except ValueError:
            # A name: nobody knows its network before it is resolved, at the time of the scan.
            continue
    return addresses
