"""The reader of nmap's XML."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.jsonable import from_json, to_json
from scanners.nmap.parse import InvalidNmapXml, NmapXmlTooLarge, XmlLimits, parse_nmap_xml
from scanners.nmap.python_nmap import states_by_python_nmap
from scanners.nmap.result import HostState, NmapResult, Port, PortState, ScriptOutput, Service, UnlistedPorts

SAMPLES = Path(__file__).parent / "samples"


def _sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.xml").read_bytes()


def _run(inside: str) -> bytes:
    return f'<nmaprun scanner="nmap" version="7.93">{inside}</nmaprun>'.encode()


def _host(inside: str) -> bytes:
    return _run(f'<host><address addr="192.0.2.1" addrtype="ipv4"/>{inside}</host>')


def test_none() -> None:
    """A run without hosts is a complete run."""
    result = parse_nmap_xml(_sample("none"))

    assert (result.hosts, result.complete, result.exit_status) == ((), True, "success")
    assert (result.tool_version, result.started, result.finished) == ("7.93", 1795571525, 1795571526)
    assert result.scanned_ports == (("tcp", "22,80"),)


def test_one() -> None:
    """Every field of a host and its ports arrives, ports in order."""
    (host,) = parse_nmap_xml(_sample("one")).hosts

    assert (host.address, host.state, host.reason, host.mac, host.vendor) == (
        "192.0.2.10",
        HostState.UP,
        "user-set",
        "02:00:00:00:00:0A",
        "Example",
    )
    assert host.hostnames == ("db.example",)
    assert host.unlisted == (UnlistedPorts(PortState.FILTERED, 1),)
    closed, tls = host.ports
    assert closed == Port(
        "tcp", 22, PortState.CLOSED, "conn-refused", Service("ssh", method="table", confidence=3)
    )
    assert tls.service == Service(
        name="http",
        product="nginx",
        version="1.22.1",
        os_type="Linux",
        tunnel="ssl",
        method="probed",
        confidence=10,
        cpes=("cpe:/a:igor_sysoev:nginx:1.22.1", "cpe:/o:linux:linux_kernel"),
    )
    assert tls.scripts == (ScriptOutput("ssl-enum-ciphers", "TLSv1.2"),)


def test_many() -> None:
    """Protocols, address families, timed-out and silent hosts are told apart."""
    result = parse_nmap_xml(_sample("many"))

    assert [(host.address, host.state, host.timed_out, len(host.ports)) for host in result.hosts] == [
        ("192.0.2.1", HostState.UP, False, 2),
        ("192.0.2.2", HostState.UP, True, 0),
        ("192.0.2.3", HostState.DOWN, False, 0),
        ("2001:db8::4", HostState.UP, False, 0),
    ]
    udp = result.hosts[0].ports[1]
    assert (udp.protocol, udp.number, udp.state) == ("udp", 161, PortState.OPEN_FILTERED)


def test_broken() -> None:
    """A report that ends early is refused, unless the caller knows that it was stopped."""
    with pytest.raises(InvalidNmapXml) as caught:
        parse_nmap_xml(_sample("broken"))
    part = parse_nmap_xml(_sample("broken"), truncated_ok=True)

    assert "ends early" in caught.value.detail
    assert (part.complete, part.hosts) == (False, ())


def test_hostile_banners_are_kept_as_visible_text() -> None:
    """Markup stays, control and direction characters are spelled out."""
    (host,) = parse_nmap_xml(_sample("hostile-banner")).hosts
    service = host.ports[0].service

    assert host.hostnames == ("<img src=x onerror=alert(1)>\\u202e",)
    assert service is not None
    assert service.product == "<script>alert(1)</script>"
    assert service.extra_info == "\\x9b31m\\x85\\ufeff"


@pytest.mark.parametrize("name", ["none", "one", "many", "hostile-banner"])
def test_results_survive_json(name: str) -> None:
    """What is stored can be read back without loss."""
    result = parse_nmap_xml(_sample(name))

    assert from_json(NmapResult, to_json(result)) == result


@pytest.mark.parametrize("name", ["none", "one", "many", "hostile-banner"])
def test_a_second_reader_sees_the_same_states(name: str) -> None:
    """python-nmap and our reader agree on every port."""
    ours = {
        (host.address, port.protocol, port.number): str(port.state)
        for host in parse_nmap_xml(_sample(name)).hosts
        for port in host.ports
    }

    assert states_by_python_nmap(_sample(name)) == ours


def test_the_second_reader_gets_nothing_that_ours_refuses() -> None:
    """A report with entities never reaches the library."""
    with pytest.raises(InvalidNmapXml):
        states_by_python_nmap(b'<!DOCTYPE nmaprun [<!ENTITY a "b">]><nmaprun scanner="nmap">&a;</nmaprun>')


def test_a_port_reported_twice_counts_once() -> None:
    """The last word on a port wins, so that a repeated element cannot multiply findings."""
    port = '<port protocol="tcp" portid="22"><state state="{}"/></port>'
    (host,) = parse_nmap_xml(_host(f"<ports>{port.format('open')}{port.format('closed')}</ports>")).hosts

    assert [(port.number, port.state) for port in host.ports] == [(22, PortState.CLOSED)]


def test_unknown_words_become_unknown_states() -> None:
    """A word that nmap never writes is not taken for open or closed."""
    data = _host(
        '<status state="burning"/><ports><port protocol="tcp" portid="1"><state state="ajar"/></port></ports>'
    )
    (host,) = parse_nmap_xml(data).hosts

    assert (host.state, host.ports[0].state) == (HostState.UNKNOWN, PortState.UNKNOWN)


def test_elements_elsewhere_are_ignored() -> None:
    """The same names in other places, such as inside a script's table, are not read."""
    data = _host(
        '<ports><port protocol="tcp" portid="1"><state state="open"/>'
        '<script id="x" output="y"><table><state state="closed"/><service name="evil"/><host/></table></script>'
        "</port></ports><trace><hop><address addr='x' addrtype='ipv4'/></hop></trace>"
    )
    (host,) = parse_nmap_xml(data).hosts

    assert (host.address, host.ports[0].state, host.ports[0].service) == ("192.0.2.1", PortState.OPEN, None)


LAUGHS = (
    b'<!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<nmaprun scanner="nmap" version="&b;"/>'
)
OUTSIDE = b'<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun scanner="nmap">&x;</nmaprun>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"not xml", "not well-formed"),
        (b"\xff\xfe<\x00n\x00", "ends early"),
        (b"<html/>", "root element is 'html'"),
        (b"<nmaprun/>", "scanner"),
        (b'<nmaprun scanner="masscan"/>', "scanner"),
        (b'<nmaprun scanner="nmap">', "ends early"),
        (b'<nmaprun scanner="nmap"></nmaprun><x/>', "not well-formed"),
        (LAUGHS, "forbidden"),
        (OUTSIDE, "forbidden"),
        (b'<!DOCTYPE nmaprun SYSTEM "http://x/" [<!ELEMENT a ANY>]><nmaprun scanner="nmap"/>', "forbidden"),
        (b'<!DOCTYPE other><nmaprun scanner="nmap"/>', "forbidden"),
        (b'<!DOCTYPE nmaprun><!DOCTYPE nmaprun><nmaprun scanner="nmap"/>', "forbidden"),
        (b'<?xml version="1.0" encoding="martian"?><nmaprun scanner="nmap"/>', "not well-formed"),
        (_run("<host/>"), "no IP address"),
        (_run('<host><address addr="x;rm" addrtype="ipv4"/></host>'), "not an IP address"),
        (_host('<ports><port protocol="tcp" portid="70000"/></ports>'), "portid"),
        (_host('<ports><port protocol="tcp" portid="-1"/></ports>'), "portid"),
        (_host('<ports><port protocol="tcp" portid="٢٢"/></ports>'), "portid"),
        (_host('<ports><port protocol="tcp"/></ports>'), "portid"),
        (_host('<ports><port protocol="gopher" portid="70"/></ports>'), "protocol"),
        (_host('<ports><extraports state="closed" count="many"/></ports>'), "count"),
    ],
)
def test_what_is_no_report_is_refused(data: bytes, words: str) -> None:
    """Other documents, entities, foreign document types and impossible values are named."""
    with pytest.raises(InvalidNmapXml) as caught:
        parse_nmap_xml(data)

    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        (b"<nmaprun scanner='nmap'>" + b"<a>" * 200_000, XmlLimits(), "deeper than 64"),
        (_run("<a/>" * 50), XmlLimits(max_elements=50), "50 elements"),
        (_run("<a/>" * 50), XmlLimits(max_bytes=100), "100 bytes"),
        (
            _run("<host><address addr='192.0.2.1' addrtype='ipv4'/></host>" * 3),
            XmlLimits(max_hosts=2),
            "2 hosts",
        ),
        (
            _host("<ports>" + "<port protocol='tcp' portid='1'/>" * 3 + "</ports>"),
            XmlLimits(max_ports=2),
            "2 ports",
        ),
    ],
)
def test_limits(data: bytes, limits: XmlLimits, words: str) -> None:
    """Depth, elements, bytes, hosts and ports are each bounded."""
    with pytest.raises(NmapXmlTooLarge) as caught:
        parse_nmap_xml(data, limits=limits)

    assert words in caught.value.detail


def test_long_texts_are_cut() -> None:
    """One attribute cannot fill the store."""
    data = _host(
        f'<ports><port protocol="tcp" portid="1"><service name="x" product="{"A" * 100_000}"/></port></ports>'
    )
    service = parse_nmap_xml(data).hosts[0].ports[0].service

    assert service is not None
    assert len(service.product) == 257


@pytest.mark.parametrize("name", ["one", "many"])
def test_a_report_cut_anywhere_is_refused_or_marked(name: str) -> None:
    """A prefix of a report is never taken for a whole one."""
    whole = _sample(name).rstrip()
    for cut in range(len(whole)):
        with pytest.raises(InvalidNmapXml):
            parse_nmap_xml(whole[:cut])
        with contextlib.suppress(InvalidNmapXml):
            assert parse_nmap_xml(whole[:cut], truncated_ok=True).tool_version in ("7.93", "7.94SVN")


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_report_raises_only_the_declared_error(position: int, noise: bytes) -> None:
    """Bytes replaced anywhere give a result or the reader's own error, nothing else."""
    data = bytearray(_sample("one"))
    at = position % len(data)
    data[at : at + len(noise)] = noise
    with contextlib.suppress(InvalidNmapXml):
        assert isinstance(parse_nmap_xml(bytes(data)), NmapResult)
