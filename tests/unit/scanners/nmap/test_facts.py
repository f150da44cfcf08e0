"""What an nmap run says as facts, and what it cannot say."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanners.baseline.model import FactState, Gap
from scanners.nmap.arguments import DEFAULT_TCP_PORTS
from scanners.nmap.facts import (
    CLEAR_TEXT,
    DATA_SERVICES,
    FACTS,
    HIGH_RISK,
    MANAGEMENT,
    facts_from_result,
    facts_per_host,
    scanned_tcp,
)
from scanners.nmap.parse import parse_nmap_xml
from scanners.nmap.result import Host, HostState, NmapResult, Port, PortState, Service, UnlistedPorts
from tests.support.peers.certificates import NOW

SAMPLES = Path(__file__).parent / "samples"


def _result(*ports: Port, scanned: str = "1-65535", **host: object) -> NmapResult:
    one = Host("192.0.2.1", HostState.UP, ports=ports, **host)  # type: ignore[arg-type]
    return NmapResult("7.93", "", (one,), (("tcp", scanned),), complete=True)


def _port(number: int, name: str = "", state: PortState = PortState.OPEN, **service: str) -> Port:
    return Port("tcp", number, state, service=Service(name, **{"method": "probed", **service}))  # type: ignore[arg-type]


def test_ports_that_were_asked_are_read_from_the_report() -> None:
    """Ranges and single ports count, other protocols and nonsense do not."""
    result = NmapResult("", "", (), (("tcp", "22,80-82,x,9-"), ("udp", "53")))

    assert scanned_tcp(result) == {22, 80, 81, 82}


def test_the_default_ports_answer_every_list() -> None:
    """A scan without options asks all ports that the rules speak of."""
    asked = scanned_tcp(NmapResult("", "", (), (("tcp", DEFAULT_TCP_PORTS),)))

    assert set(CLEAR_TEXT) | set(DATA_SERVICES) | MANAGEMENT | HIGH_RISK <= asked


def test_a_port_that_was_not_asked_leaves_its_list_open() -> None:
    """Faults that were seen count, their absence does not."""
    facts = facts_from_result(_result(_port(23, "telnet"), scanned="22-23"), NOW).facts

    assert (facts["net.clear_text"].state, facts["net.clear_text"].gap) == (FactState.INCOMPLETE, Gap.SKIPPED)
    assert facts["net.clear_text"].value == ["23/tcp telnet"]


@pytest.mark.parametrize(
    "host",
    [
        {"ports": [_port(23, state=PortState.FILTERED)]},
        {"ports": [_port(22, "ssh")], "unlisted": (UnlistedPorts(PortState.FILTERED, 65534),)},
    ],
)
def test_a_filter_hides_services_but_not_reachability(host: dict[str, object]) -> None:
    """What a filter drops is not reachable from here, and may still be there."""
    ports = host.pop("ports")
    facts = facts_from_result(_result(*ports, **host), NOW).facts  # type: ignore[misc]

    assert facts["net.clear_text"].state is FactState.INCOMPLETE
    assert facts["net.management"].state is FactState.SEEN


def test_a_host_that_timed_out_proves_no_absence() -> None:
    """Every list of a host that nmap gave up on stays open."""
    facts = facts_from_result(_result(timed_out=True), NOW).facts

    about_itself = {"net.services", "net.address", "net.is_up"}
    assert {fact.gap for name, fact in facts.items() if name not in about_itself} == {Gap.TIMED_OUT}


def test_a_host_that_is_down_tells_nothing() -> None:
    """No port of a host that did not answer is called closed."""
    result = NmapResult("", "", (Host("192.0.2.1", HostState.DOWN),), (("tcp", "1-65535"),))

    facts = dict(facts_from_result(result, NOW).facts)
    assert (facts.pop("net.address").value, facts.pop("net.is_up").value) == ("192.0.2.1", False)
    assert {fact.state for fact in facts.values()} == {FactState.NOT_COLLECTED}


def test_a_run_of_many_hosts_is_taken_apart() -> None:
    """Facts of several hosts never mix."""
    result = parse_nmap_xml((SAMPLES / "many.xml").read_bytes())
    per_host = facts_per_host(result)

    assert list(per_host) == ["192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::4"]
    assert per_host["192.0.2.1"].facts["net.open_ports"].value == ["22/tcp"]
    assert facts_from_result(result, NOW).facts.keys() == FACTS.keys()
    assert {fact.state for fact in facts_from_result(result, NOW).facts.values()} == {FactState.NOT_COLLECTED}


_IMPORTED = """<?xml version="1.0"?><nmaprun scanner="nmap" args="nmap" version="7.93">
<scaninfo type="connect" protocol="tcp" services="1-65535"/>
<host><status state="up" reason="user-set"/><address addr="192.0.2.7" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="3389"><state state="open" reason="syn-ack"/><service name="ms-wbt-server" method="probed"/>
<script id="rdp-enum-encryption" output="&#xa;  Security layer&#xa;    Native RDP: SUCCESS"/></port>
<port protocol="tcp" portid="445"><state state="open" reason="syn-ack"/><service name="microsoft-ds" method="probed"/></port></ports>
<hostscript><script id="smb-protocols" output="&#xa;    NT LM 0.12 (SMBv1) [dangerous, but default]"/>
<script id="clock-skew" output="mean: -2m05s, deviation: 0s, median: -2m05s"/></hostscript></host>
<runstats><finished time="1"/></runstats></nmaprun>"""


def test_scripts_of_an_imported_report_are_read() -> None:
    """Scripts of a port and of the whole host become facts; what they leave open stays open."""
    facts = facts_from_result(parse_nmap_xml(_IMPORTED.encode()), NOW).facts

    assert facts["net.is_up"].value is True
    assert facts["net.rdp_faults"].value == ["3389/tcp native RDP"]
    assert facts["net.smb_faults"].value == ["SMBv1"]
    assert (facts["net.smb_faults"].state, facts["net.smb_faults"].gap) == (
        FactState.INCOMPLETE,
        Gap.UNDECIDABLE,
    )
    assert facts["net.clock_skew_s"].value == 125
    assert facts["net.snmp_default"].gap is Gap.SKIPPED


@pytest.mark.parametrize(
    ("product", "found"),
    [
        ("Microsoft Windows XP microsoft-ds", ["445/tcp Windows XP"]),
        ("Microsoft Windows Server 2008 R2 - 2012 microsoft-ds", []),
        ("Microsoft Windows 7 - 10 microsoft-ds", []),
        ("Microsoft Windows Server 2019", []),
    ],
)
def test_old_systems_are_told_from_ranges(product: str, found: list[str]) -> None:
    """A range of versions in a banner names no version."""
    port = _port(445, "microsoft-ds", product=product, os_type="Windows")

    assert facts_from_result(_result(port), NOW).facts["net.old_systems"].value == found
