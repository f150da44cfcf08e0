"""Scope: what an authorisation allows, and what nothing can allow."""

from __future__ import annotations

import ipaddress
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.base import Target
from scanners.errors import InvalidScope
from scanners.limits import ConnectionGate, RateLimiter, RefusalReason, Scope, check, loopback_scope
from scanners.targets import parse_ports

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def scope(**changes: object) -> Scope:
    values: dict[str, object] = {
        "networks": ["10.0.0.0/24", "2001:db8::/125"],
        "ports": "22,443",
        "probe_ids": ["tls", "ssh_baseline"],
        "valid_from": NOW - timedelta(days=1),
        "valid_until": NOW + timedelta(days=1),
    }
    return Scope.parse(**(values | changes))  # type: ignore[arg-type]


def reason(
    target: Target, probe_id: str = "tls", now: datetime = NOW, **changes: object
) -> RefusalReason | None:
    refusal = check(scope(**changes), target, probe_id, now)
    return None if refusal is None else refusal.reason


def test_a_target_inside_everything_is_allowed() -> None:
    """Address, port, probe and time all fit."""
    assert reason(Target("10.0.0.7", 443)) is None
    assert reason(Target("2001:db8::3", 22)) is None
    assert reason(Target("10.0.0.7")) is None


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (Target("10.0.1.7", 443), RefusalReason.OUTSIDE),
        (Target("10.0.0.7", 8443), RefusalReason.PORT),
        (Target("::ffff:10.0.1.7", 443), RefusalReason.OUTSIDE),
        (Target("10.0.0.255", 443), RefusalReason.DENIED),
        (Target("example.org", 443), RefusalReason.NOT_AN_ADDRESS),
        (Target("10.0.0.07", 443), RefusalReason.NOT_AN_ADDRESS),
    ],
)
def test_a_target_outside_is_refused(target: Target, expected: RefusalReason) -> None:
    """Every way of leaving the scope has its reason."""
    assert reason(target) is expected


def test_a_mapped_address_is_judged_as_what_it_is() -> None:
    """Another spelling neither opens nor closes anything."""
    assert reason(Target("::ffff:10.0.0.7", 443)) is None


def test_time_and_probe_are_checked() -> None:
    """An authorisation begins, ends, and names its probes."""
    target = Target("10.0.0.7", 443)

    assert reason(target, now=NOW - timedelta(days=2)) is RefusalReason.NOT_YET_VALID
    assert reason(target, now=NOW + timedelta(days=1)) is RefusalReason.EXPIRED
    assert reason(target, probe_id="nmap") is RefusalReason.PROBE


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "224.0.0.1",
        "ff02::1",
        "255.255.255.255",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "240.0.0.1",
        "::10.0.0.7",
        "64:ff9b::a00:7",
        "2002:a00:7::1",
        "2001:0:1::1",
    ],
)
def test_some_addresses_are_denied_even_inside_the_networks(address: str) -> None:
    """Naming the network of a special address does not authorise the address."""
    special = Scope(
        networks=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")),
        ports=parse_ports("1-65535"),
        probe_ids=frozenset({"tls"}),
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
    )

    refusal = check(special, Target(address, 443), "tls", NOW)

    assert refusal is not None
    assert refusal.reason is RefusalReason.DENIED


def test_an_explicit_exception_opens_loopback_only_where_it_says() -> None:
    """An exception holds for the address named and must also lie in the networks."""
    opened = {"networks": ["127.0.0.1"], "exceptions": ["127.0.0.1"]}

    assert reason(Target("127.0.0.1", 443), **opened) is None
    assert reason(Target("127.0.0.2", 443), **opened) is RefusalReason.DENIED
    assert reason(Target("127.0.0.1", 443), exceptions=["127.0.0.1"]) is RefusalReason.OUTSIDE


@pytest.mark.parametrize(
    "exception",
    ["224.0.0.1", "255.255.255.255", "0.0.0.0", "240.0.0.0/4", "::/96", "169.254.0.0/16", "2002::/16"],
)
def test_no_exception_for_what_has_no_owner(exception: str) -> None:
    """Multicast, broadcast and their like are never targets; a metadata address must be named alone."""
    with pytest.raises(InvalidScope):
        scope(exceptions=[exception])


def test_a_metadata_address_can_be_named_alone() -> None:
    """A person may want to test the metadata service, on purpose."""
    one = ["169.254.169.254"]

    assert reason(Target("169.254.169.254", 443), networks=one, exceptions=one) is None


def test_platform_hosts_stay_closed_whatever_the_exceptions() -> None:
    """The platform does not scan its own parts by accident."""
    assert reason(Target("10.0.0.5", 443), denied=["10.0.0.5"]) is RefusalReason.DENIED
    assert (
        reason(Target("10.0.0.5", 443), denied=["10.0.0.5"], exceptions=["10.0.0.5"]) is RefusalReason.DENIED
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_from": NOW.replace(tzinfo=None)},
        {"valid_until": NOW - timedelta(days=2)},
        {"valid_until": NOW + timedelta(days=100)},
        {"connections_per_target": 0},
        {"rate_per_s": 0},
    ],
)
def test_a_scope_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    """Times need a zone and at most ninety days; caps are positive."""
    with pytest.raises(InvalidScope):
        scope(**changes)


def test_paths_need_a_root() -> None:
    """No file may be read unless its folder was named, and dots do not lead out of it."""
    opened = {"path_roots": ["/srv/packs"]}

    assert reason(Target("", path="/srv/packs/a.pack"), **opened) is None
    assert reason(Target("", path="/srv/packs/a.pack")) is RefusalReason.PATH
    for path in (
        "/srv/packs/../../etc/shadow",
        "/srv/packsx/a",
        "srv/packs/a",
        "/etc/shadow",
        "/srv/packs/a\0b",
    ):
        assert reason(Target("", path=path), **opened) is RefusalReason.PATH


def test_loopback_scope_is_this_machine_for_an_hour() -> None:
    """A probe run by hand reaches loopback and nothing else."""
    own = loopback_scope(["tls"], NOW)

    assert check(own, Target("127.0.0.1", 1), "tls", NOW) is None
    assert check(own, Target("::1", 65535), "tls", NOW) is None
    assert check(own, Target("10.0.0.1", 1), "tls", NOW) is not None
    assert check(own, Target("127.0.0.1", 1), "tls", NOW + timedelta(hours=2)) is not None


@given(st.ip_addresses())
def test_only_addresses_in_the_networks_pass(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """Whatever the spelling, what passes lies in the authorised networks."""
    allowed = check(scope(), Target(str(address)), "tls", NOW) is None
    folded = getattr(address, "ipv4_mapped", None) or address

    inside = any(folded in network for network in scope().networks)
    assert not allowed or inside


def test_gate_caps_connections_per_target() -> None:
    """A second job for the same target waits until the first has gone."""
    gate = ConnectionGate(per_target=1, total=5)
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with gate.hold("10.0.0.1", cancelled=lambda: False) as got:
            order.append(f"second {got}")

    with gate.hold("10.0.0.1", cancelled=lambda: False):
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait(5)
        order.append("first")
    thread.join(5)

    assert order == ["first", "second True"]


def test_gate_gives_up_when_cancelled() -> None:
    """Waiting for room ends when the run does."""
    gate = ConnectionGate(per_target=1, total=1)

    with gate.hold("a", cancelled=lambda: False), gate.hold("b", cancelled=lambda: True) as got:
        assert got is False


def test_gate_lets_a_greedy_probe_through_at_the_cap() -> None:
    """Asking for more than the cap is cut to the cap instead of waiting for ever."""
    gate = ConnectionGate(per_target=2, total=2)

    with gate.hold("a", 9, cancelled=lambda: False) as got:
        assert got is True


def test_rate_limiter_spaces_events() -> None:
    """Events are at least one gap apart, counted with a given clock."""
    clock = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        clock[0] += seconds

    limiter = RateLimiter(10, clock=lambda: clock[0], sleep=sleep)
    for _ in range(3):
        limiter.wait()

    assert slept == [0.1, 0.1]
