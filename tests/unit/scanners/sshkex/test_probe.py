"""The SSH probe against loopback peers."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.jsonable import from_json, to_json
from scanners.sshkex.probe import SshKexProbe
from scanners.sshkex.result import AlgorithmKind, Concern, SshKexResult
from tests.support.peers.tcp import HOSTILE, Handler, Peer, drips, endless, resets_after, sends
from tests.support.services import free_port, require_tool
from tests.unit.scanners.sshkex.wire import OLD, OPENEULER, packet, server_says

CONTEXT = ProbeContext(timeout_s=5)


def _complete(handler: Handler) -> SshKexResult:
    with Peer(handler) as peer:
        attempt = SshKexProbe().run(peer.target, CONTEXT)
        assert peer.connections == 1
    assert isinstance(attempt, Completed), attempt
    return attempt.result


def test_national_algorithms_are_found_and_seen_to_come_first() -> None:
    """A server of the openEuler kind is read whole, without a key exchange."""
    result = _complete(sends(server_says(OPENEULER)))

    assert result.kex == tuple(OPENEULER[0])
    assert {(note.name, note.concern) for note in result.notes} == {
        ("sm2-sm3", Concern.NATIONAL),
        ("sm2", Concern.NATIONAL),
        ("sm4-ctr", Concern.NATIONAL),
        ("hmac-sm3", Concern.NATIONAL),
    }
    assert result.national_first == tuple(AlgorithmKind)


def test_old_algorithms_are_noted() -> None:
    """Broken and weak names of an old device each get a remark, and the banner is kept."""
    result = _complete(sends(server_says(OLD, b"SSH-1.99-Cisco-1.25\r\n")))

    assert result.ssh1
    assert result.software == "Cisco-1.25"
    assert {note.name for note in result.notes if note.concern is Concern.BROKEN} == {
        "diffie-hellman-group1-sha1",
        "ssh-dss",
        "arcfour",
        "hmac-md5",
    }


def test_a_server_of_version_one_alone_is_an_answer() -> None:
    """SSH-1 servers send no lists; the banner alone is the finding."""
    result = _complete(sends(b"SSH-1.5-1.2.27\n"))

    assert (result.ssh1, result.protocol, result.kex, result.terrapin_exposed) == (True, "1.5", (), None)


def test_a_slow_server_is_waited_for() -> None:
    """Bytes that drip in one at a time are put together."""
    done = threading.Event()
    result = _complete(drips(server_says([["a"]] * 10), done, 0.001))

    assert result.kex == ("a",)


def test_the_result_survives_json() -> None:
    """What is stored can be read back without loss."""
    result = _complete(sends(server_says(OPENEULER)))

    assert from_json(SshKexResult, to_json(result)) == result


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_peers_give_a_failure(name: str) -> None:
    """Whatever a peer does instead of speaking SSH ends in a named failure within the time given."""
    with Peer(HOSTILE[name]) as peer:
        attempt = SshKexProbe().run(peer.target, ProbeContext(timeout_s=1))

    assert isinstance(attempt, Failed)
    assert attempt.reason in {FailureReason.PROTOCOL, FailureReason.TIMED_OUT, FailureReason.RESOURCE_LIMIT}


def test_a_reset_at_any_byte_is_a_failure() -> None:
    """A connection cut anywhere before the lists are whole says nothing."""
    whole = server_says([["sm2-sm3"]] * 10)
    for cut in range(len(whole)):
        with Peer(resets_after(whole[:cut])) as peer:
            attempt = SshKexProbe().run(peer.target, CONTEXT)

        assert isinstance(attempt, Failed), cut


def test_endless_harmless_messages_are_cut_off() -> None:
    """A server that sends IGNORE for ever is stopped by the byte cap."""
    noise = packet(b"\x02" + bytes(1000))

    def handle(connection: object) -> None:
        connection.sendall(b"SSH-2.0-x\r\n")  # type: ignore[attr-defined]
        endless(noise)(connection)  # type: ignore[arg-type]

    with Peer(handle) as peer:
        attempt = SshKexProbe().run(peer.target, CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.RESOURCE_LIMIT


def test_a_wrong_length_is_a_protocol_failure_with_the_bytes_kept() -> None:
    """The bytes that were seen are kept as evidence of the failure."""
    with Peer(sends(b"SSH-2.0-x\r\n" + b"\xff" * 16)) as peer:
        attempt = SshKexProbe().run(peer.target, CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.PROTOCOL
    assert attempt.raw.startswith(b"SSH-2.0-x")


def test_nobody_there_is_refused() -> None:
    """A closed port is told from a silent one."""
    attempt = SshKexProbe().run(Target("127.0.0.1", free_port()), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.REFUSED


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "0x7f000001", "127.0.0.1 -oN", "::1%lo", "", "2130706433"]
)
def test_only_address_literals_are_accepted(host: str) -> None:
    """Names and unusual spellings never reach the resolver."""
    attempt = SshKexProbe().run(Target(host, 22), CONTEXT)

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.BAD_TARGET


def test_a_cancelled_probe_stops() -> None:
    """A request to stop is heard while waiting for an answer."""
    asked = iter([False, False, True])
    with Peer(HOSTILE["tarpit"]) as peer:
        attempt = SshKexProbe().run(
            peer.target, ProbeContext(timeout_s=30, cancelled=lambda: next(asked, True))
        )

    assert isinstance(attempt, Failed)
    assert attempt.reason is FailureReason.CANCELLED


@pytest.fixture
def openssh(tmp_path: Path) -> Iterator[int]:
    """A real OpenSSH server on a free port."""
    sshd = require_tool("sshd", "openssh-server")
    keygen = require_tool("ssh-keygen", "openssh-client")
    Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    port = free_port()
    command = [sshd, "-D", "-e", "-f", "/dev/null", "-h", str(tmp_path / "key"), "-p", str(port)]
    options = [
        "-o",
        "ListenAddress=127.0.0.1",
        "-o",
        f"PidFile={tmp_path / 'pid'}",
        "-o",
        "Ciphers=aes128-cbc",
    ]
    with subprocess.Popen(command + options, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            while b"listening on" not in (line := process.stderr.readline()):
                assert line, "sshd ended"
            yield port
        finally:
            process.terminate()


@pytest.mark.live
def test_a_real_server_is_read(openssh: int) -> None:
    """OpenSSH answers before any log-in, and its configured cipher is seen."""
    attempt = SshKexProbe().run(Target("127.0.0.1", openssh), CONTEXT)

    assert isinstance(attempt, Completed), attempt
    assert attempt.result.software.startswith("OpenSSH")
    assert attempt.result.ciphers_in == ("aes128-cbc",)
    assert [(n.name, n.why) for n in attempt.result.notes if n.kind is AlgorithmKind.CIPHER] == [
        ("aes128-cbc", "cbc")
    ]
