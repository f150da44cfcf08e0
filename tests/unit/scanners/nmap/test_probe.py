"""The nmap probe: with stand-in programs, and with the real one on loopback."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.nmap.arguments import NmapOptions, Preset
from scanners.nmap.probe import Nmap, NmapProbe, find_nmap
from scanners.nmap.result import HostState, NmapResult, PortState
from scanners.targets import PortRange, parse_ports
from tests.support.peers.tcp import Peer, sends, wait_for_close
from tests.support.services import free_port, require_tool

SAMPLES = Path(__file__).parent / "samples"
CONTEXT = ProbeContext(timeout_s=10)
ONE = Target("192.0.2.10")


def _stand_in(folder: Path, script: str) -> Nmap:
    program = folder / "nmap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Nmap(str(program))


def _run(folder: Path, script: str, context: ProbeContext = CONTEXT) -> Attempt[NmapResult]:
    return NmapProbe(installation=_stand_in(folder, script)).run(ONE, context)


def test_the_report_becomes_the_result_and_is_kept(tmp_path: Path) -> None:
    """The XML is understood and kept as evidence; targets arrive on standard input."""
    attempt = _run(tmp_path, f'cat > {tmp_path}/targets; echo "$@" > {tmp_path}/argv; cat {SAMPLES}/one.xml')

    assert isinstance(attempt, Completed), attempt
    assert attempt.raw == (SAMPLES / "one.xml").read_bytes()
    assert attempt.raw_media_type == "application/xml"
    assert (tmp_path / "targets").read_text() == "192.0.2.10\n"
    assert "192.0.2.10" not in (tmp_path / "argv").read_text()
    assert "--host-timeout 8s" in (tmp_path / "argv").read_text()


def test_the_environment_is_empty(tmp_path: Path) -> None:
    """Variables that redirect nmap to other files do not reach it."""
    attempt = _run(tmp_path, f"env | cut -d= -f1 | sort > {tmp_path}/env; cat {SAMPLES}/one.xml")

    assert isinstance(attempt, Completed), attempt
    assert set((tmp_path / "env").read_text().split()) <= {"LC_ALL", "PATH", "PWD", "SHLVL", "_", "OLDPWD"}


def test_the_port_of_the_target_replaces_those_of_the_options(tmp_path: Path) -> None:
    """A target with a port asks for that port alone."""
    nmap = _stand_in(tmp_path, f'echo "$@" > {tmp_path}/argv; cat {SAMPLES}/one.xml')
    NmapProbe(NmapOptions(ports=parse_ports("1-1000")), installation=nmap).run(
        Target("192.0.2.10", 443), CONTEXT
    )

    assert " -p 443 " in (tmp_path / "argv").read_text()


@pytest.mark.parametrize(
    ("script", "reason", "words"),
    [
        ("exit 1", FailureReason.PROTOCOL, "code 1"),
        (
            "echo 'You requested a scan type which requires root privileges.' >&2; exit 1",
            FailureReason.MISSING_TOOL,
            "raw",
        ),
        ("printf '\\033[2Jboom' >&2; exit 3", FailureReason.PROTOCOL, "\\x1b[2Jboom"),
        ("echo hello", FailureReason.PROTOCOL, "not well-formed"),
        ("true", FailureReason.PROTOCOL, "empty"),
        (f"head -c 900 {SAMPLES}/one.xml", FailureReason.PROTOCOL, "ends early"),
        ("echo '<nmaprun scanner=\"nmap\"/>'", FailureReason.PROTOCOL, "did not finish"),
        (
            f"sed 's/exit=.success./exit=\"error\"/' {SAMPLES}/one.xml",
            FailureReason.PROTOCOL,
            "did not finish",
        ),
        ("yes '<nmaprun scanner=\"nmap\">'", FailureReason.RESOURCE_LIMIT, ""),
    ],
)
def test_a_run_that_went_wrong_is_a_failure(
    tmp_path: Path, script: str, reason: FailureReason, words: str
) -> None:
    """Exit codes, missing rights and unusable output are each a failure with a reason."""
    attempt = _run(tmp_path, script)

    assert isinstance(attempt, Failed)
    assert attempt.reason is reason
    assert words in attempt.detail


def test_a_host_that_nmap_gave_up_on_is_a_timeout(tmp_path: Path) -> None:
    """A host that timed out says nothing about its ports."""
    document = (SAMPLES / "many.xml").read_text()
    start, end = document.index("<host timedout"), document.index('<host><status state="down"')
    first = document.index("<host><status")
    (tmp_path / "timed-out.xml").write_text(
        document[:first] + document[start:end] + "<runstats><finished exit='success'/></runstats></nmaprun>"
    )
    attempt = _run(tmp_path, f"cat {tmp_path}/timed-out.xml")

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.TIMED_OUT


def test_a_program_that_hangs_is_stopped(tmp_path: Path) -> None:
    """The budget of the run ends the whole group of processes."""
    attempt = _run(tmp_path, "sleep 60", ProbeContext(timeout_s=0.3))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.TIMED_OUT


def test_a_cancelled_run_is_stopped(tmp_path: Path) -> None:
    """A request to stop is heard while nmap works."""
    attempt = _run(tmp_path, "sleep 60", ProbeContext(timeout_s=60, cancelled=lambda: True))

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.CANCELLED


def test_a_missing_program_is_named() -> None:
    """Without nmap the probe says so."""
    attempt = NmapProbe(installation=Nmap("/nonexistent/nmap")).run(ONE, CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.MISSING_TOOL


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1 -oN /tmp/x", None),
        ("--script=/tmp/evil.nse", None),
        ("-iL", None),
        ("localhost", None),
        ("127.1", None),
        ("192.0.2.0/24", None),
        ("fe80::1%eth0", None),
        ("192.0.2.1\n192.0.2.2", None),
        ("192.0.2.1", 0),
        ("192.0.2.1", 65536),
        ("192.0.2.1", -1),
    ],
)
def test_hostile_targets_never_reach_nmap(tmp_path: Path, host: str, port: int | None) -> None:
    """Everything but one plain address and one port is refused before a program runs."""
    nmap = _stand_in(tmp_path, f"touch {tmp_path}/ran")
    attempt = NmapProbe(installation=nmap).run(Target(host, port), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET
    assert not (tmp_path / "ran").exists()


def test_several_hosts_go_into_one_run(tmp_path: Path) -> None:
    """A list of addresses is one process; a mixed list is refused."""
    nmap = _stand_in(tmp_path, f"cat > {tmp_path}/targets; cat {SAMPLES}/many.xml")
    probe = NmapProbe(installation=nmap)
    attempt = probe.run_many([ip_address("192.0.2.1"), ip_address("192.0.2.2")], CONTEXT)
    mixed = probe.run_many([ip_address("192.0.2.1"), ip_address("::1")], CONTEXT)

    assert isinstance(attempt, Completed)
    assert (tmp_path / "targets").read_text() == "192.0.2.1\n192.0.2.2\n"
    assert isinstance(mixed, Failed)
    assert mixed.reason is FailureReason.BAD_TARGET


@pytest.fixture
def installed() -> Nmap:
    """The nmap of this machine."""
    require_tool("nmap", "nmap")
    found = find_nmap()
    assert found is not None
    return found


@pytest.mark.live
def test_open_and_closed_ports_of_loopback(installed: Nmap) -> None:
    """Real nmap tells an open port with a banner from a closed one."""
    with Peer(sends(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")) as peer:
        closed = free_port()
        ports = tuple(sorted(PortRange(port, port) for port in (peer.port, closed)))
        probe = NmapProbe(NmapOptions(Preset.SERVICES, ports), installation=installed)
        attempt = probe.run(Target("127.0.0.1"), ProbeContext(timeout_s=60))

    assert isinstance(attempt, Completed), attempt
    (host,) = attempt.result.hosts
    found = {port.number: port for port in host.ports}
    assert found[closed].state is PortState.CLOSED
    assert found[peer.port].state is PortState.OPEN
    service = found[peer.port].service
    assert service is not None
    assert (service.name, service.product, service.method) == ("ssh", "OpenSSH", "probed")
    assert attempt.result.arguments.endswith("--no-stylesheet -oX - -iL -")


@pytest.mark.live
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("preset", [Preset.DISCOVERY, Preset.PORTS])
def test_both_families_and_presets_run(installed: Nmap, host: str, preset: Preset) -> None:
    """Discovery and port presets work on loopback without rights."""
    probe = NmapProbe(NmapOptions(preset, (PortRange(9, 9),)), installation=installed)
    attempt = probe.run(Target(host), ProbeContext(timeout_s=30))

    assert isinstance(attempt, Completed), attempt
    assert [found.state for found in attempt.result.hosts] == [HostState.UP]


@pytest.mark.live
def test_a_peer_that_floods_does_not_harm(installed: Nmap) -> None:
    """A service that answers with markup and noise gives a bounded, visible result."""

    def noise(connection: object) -> None:
        connection.sendall(b"<script>\x1b[2J\x00" * 1000)  # type: ignore[attr-defined]
        wait_for_close(connection)  # type: ignore[arg-type]

    with Peer(noise) as peer:
        probe = NmapProbe(
            NmapOptions(Preset.SERVICES, (PortRange(peer.port, peer.port),)), installation=installed
        )
        attempt = probe.run(Target("127.0.0.1"), ProbeContext(timeout_s=120))

    assert isinstance(attempt, Completed), attempt
    (port,) = attempt.result.hosts[0].ports
    assert port.state is PortState.OPEN
    assert "\x1b" not in str(attempt.result)
