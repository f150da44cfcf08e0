"""Addresses, networks and ports: what is read, and what other programs understand but we refuse."""

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.errors import InvalidTarget
from scanners.targets import (
    MAX_ADDRESSES,
    PortRange,
    addresses_of,
    parse_address,
    parse_network,
    parse_networks,
    parse_ports,
)


@pytest.mark.parametrize(
    "text",
    [
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "010.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "1.2.3.4.5",
        "1.2.3",
        "256.1.1.1",
        "-1.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4\n",
        "1.2.3.4\0",
        "1.2.3.4%0",
        "１.2.3.4",
        "1。2。3。4",
        "fe80::1%eth0",
        "fe80::1%25eth0",
        "[::1]",
        "::ffff:0x7f000001",
        "::1::2",
        "localhost",
        "example.org",
        "10.0.0.1;id",
        "-iL",
        "10.0.0.1,10.0.0.2",
        "10.0.0.1-5",
        "http://10.0.0.1",
        "10.0.0.1:22",
        "",
        "*",
        "1" * 200,
    ],
)
def test_everything_but_a_plain_literal_is_refused(text: str) -> None:
    """Only the usual spelling of an address is read, because every other spelling is read differently elsewhere."""
    with pytest.raises(InvalidTarget):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [("::ffff:127.0.0.1", "127.0.0.1"), ("::ffff:7f00:1", "127.0.0.1"), ("::FFFF:10.0.0.5", "10.0.0.5")],
)
def test_mapped_addresses_are_folded(text: str, folded: str) -> None:
    """An IPv4 address in IPv6 clothes is the IPv4 address."""
    assert parse_address(text) == ipaddress.ip_address(folded)
    assert parse_network(f"{text}/128") == ipaddress.ip_network(folded)


@given(st.ip_addresses())
def test_every_address_survives_a_round_trip(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """What ``ipaddress`` prints is read back as the same address, mapped ones folded."""
    expected = getattr(address, "ipv4_mapped", None) or address

    assert parse_address(str(address)) == expected


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_a_refusal(text: str) -> None:
    """No text whatever makes parsing fail in another way."""
    found: object = None
    with contextlib.suppress(InvalidTarget):
        found = parse_network(text)

    assert found is None or str(found)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1/24",
        "10.0.0.0/255.255.255.0",
        "10.0.0.0/0.0.0.255",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0.0/08",
    ],
)
def test_networks_need_a_prefix_and_zero_host_bits(text: str) -> None:
    """A network is written one way only, so that nobody scans more than they thought."""
    with pytest.raises(InvalidTarget):
        parse_network(text)


def test_too_many_addresses_are_refused_after_overlaps_are_merged() -> None:
    """4,096 addresses are the limit of one job, counted once each."""
    assert (
        sum(network.num_addresses for network in parse_networks(["10.0.0.0/20", "10.0.1.0/24"]))
        == MAX_ADDRESSES
    )

    for too_many in (["10.0.0.0/20", "10.0.16.0"], ["0.0.0.0/0"], ["::/0"], ["10.0.0.0/19"]):
        with pytest.raises(InvalidTarget, match="at most 4096"):
            parse_networks(too_many)


def test_expansion_leaves_out_network_and_broadcast() -> None:
    """The two special addresses of an IPv4 network are no hosts."""
    found = [str(address) for address in addresses_of(parse_networks(["10.0.0.0/30"]))]

    assert found == ["10.0.0.1", "10.0.0.2"]


def test_ports_are_merged_and_sorted() -> None:
    """Overlapping and neighbouring ranges become one."""
    assert parse_ports("443,22,80-90,85-100,101") == (
        PortRange(22, 22),
        PortRange(80, 101),
        PortRange(443, 443),
    )
    assert parse_ports("") == ()


@pytest.mark.parametrize(
    "text", ["0", "65536", "1-70000", "90-80", "22;23", "-1", "1-", "http", "22,,23", "٢٢"]
)
def test_wrong_ports_are_refused(text: str) -> None:
    """Ports are plain numbers from 1 to 65535."""
    with pytest.raises(InvalidTarget):
        parse_ports(text)
