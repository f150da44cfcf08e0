"""The SSH probe against servers that answer, refuse, lie, flood and hang."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import socket
import time
from typing import Any

import pytest

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.baseline.model import Facts, FactState
from scanners.errors import InvalidResult
from scanners.jsonable import to_json
from scanners.ssh_baseline import transport
from scanners.ssh_baseline.pack import compose_pack
from scanners.ssh_baseline.probe import SshBaselineProbe
from scanners.ssh_baseline.result import Credentials, HostKey
from scanners.ssh_baseline.script import collector_script
from tests.unit.scanners.ssh_baseline.sshserver import (
    CLIENT_KEY,
    PASSWORD,
    SECOND_KEY,
    USER,
    Running,
    ssh_server,
)

PACK = compose_pack(
    {"system": {"info": "uid=0\nhostname=h\ntime=1"}, "accounts": {"passwd": "root:x:0:0::/root:/bin/sh"}}
)
KEY_TEXT = CLIENT_KEY.export_private_key().decode()


def run(
    server: Running,
    credentials: Credentials | None = None,
    *,
    fingerprint: str | None = None,
    timeout_s: float = 60,
    cancelled: Any = lambda: False,
    **options: Any,
) -> Attempt[Facts]:
    probe = SshBaselineProbe(
        credentials or Credentials(USER, password=PASSWORD), [fingerprint or server.fingerprint], **options
    )
    return probe.run(Target("127.0.0.1", server.port), ProbeContext(timeout_s, cancelled))


def failed(attempt: Attempt[Facts]) -> Failed:
    assert isinstance(attempt, Failed), attempt
    return attempt


def completed(attempt: Attempt[Facts]) -> Completed[Facts]:
    assert isinstance(attempt, Completed), attempt
    return attempt


async def give_pack(process: Any) -> None:
    await process.stdin.read()
    process.stdout.write(PACK)
    process.exit(0)


def test_the_real_script_runs_in_a_clean_environment() -> None:
    """One connection, one command; the script arrives whole and sees nothing of the server's environment."""

    async def really(process: Any) -> None:
        script = await process.stdin.read()
        assert script == collector_script()
        child = await asyncio.create_subprocess_shell(
            process.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "LEAK": "x"},
        )
        out, _ = await child.communicate(
            b'printf "@@pack 1 x 1\\n@@begin system\\n@@cmd info\\n uid=0\\n"; env | sed "s/^/ /"; printf "@@end system\\n@@finish 0\\n"'
        )
        process.stdout.write(out)
        process.exit(child.returncode or 0)

    with ssh_server(really) as server:
        attempt = completed(run(server))

    assert server.connections == 1
    assert server.commands == ["env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -s"]
    assert b"LEAK" not in attempt.raw
    assert attempt.result.facts["system.root"].value is True


@pytest.mark.parametrize("mode", ["", "keyboard"])
def test_password_and_keyboard_log_in(mode: str) -> None:
    """Both ways in which servers ask for a password work, with one password sent."""
    with ssh_server(give_pack, mode=mode) as server:
        attempt = completed(run(server))

    assert attempt.raw == PACK
    assert server.passwords == [PASSWORD]


def test_key_log_in_sends_no_password() -> None:
    """With a key the password stays at home."""
    with ssh_server(give_pack) as server:
        completed(run(server, Credentials(USER, private_key=KEY_TEXT)))

    assert server.passwords == []


@pytest.mark.parametrize("mode", ["", "keyboard", "greedy"])
def test_a_wrong_password_is_sent_at_most_twice(mode: str) -> None:
    """However often a server asks, an account is not locked by us."""
    with ssh_server(give_pack, mode=mode) as server:
        attempt = failed(run(server, Credentials(USER, password="wrong")))

    assert attempt.reason is FailureReason.AUTHENTICATION
    assert 1 <= len(server.passwords) <= transport.MAX_PASSWORD_ATTEMPTS
    assert "wrong" not in attempt.detail


def test_a_wrong_key_is_refused_without_falling_back() -> None:
    """A key that the host does not know is an answer, not a reason to try something else."""
    with ssh_server(give_pack) as server:
        other = Credentials(USER, private_key=SECOND_KEY.export_private_key().decode())
        assert failed(run(server, other)).reason is FailureReason.AUTHENTICATION
        unreadable = Credentials(USER, private_key="-----BEGIN nothing")
        assert failed(run(server, unreadable)).reason is FailureReason.AUTHENTICATION

    assert server.passwords == []


def test_a_changed_host_key_stops_before_any_password() -> None:
    """The first thing that is checked is who answers."""
    wrong = SECOND_KEY.get_fingerprint("sha256")
    with ssh_server(give_pack) as server:
        for enrolled in (wrong, f"ssh-ed25519 {wrong}"):
            attempt = failed(run(server, fingerprint=enrolled))
            assert attempt.reason is FailureReason.HOST_KEY_CHANGED
            assert server.fingerprint in attempt.detail

    assert server.passwords == []
    assert server.commands == []


def test_a_probe_without_an_enrolled_key_cannot_be_made() -> None:
    """Trust at first sight does not exist here."""
    with pytest.raises(ValueError):
        SshBaselineProbe(Credentials(USER, password="x"), [])
    with pytest.raises(ValueError):
        SshBaselineProbe(Credentials(USER, password="x"), ["md5:00:11"])


def test_host_keys_can_be_fetched_for_enrolment() -> None:
    """A person sees the fingerprint and compares it; nobody logs in."""
    with ssh_server(give_pack) as server:
        found = transport.fetch_host_keys("127.0.0.1", server.port, timeout_s=30, cancelled=lambda: False)

    assert found == (HostKey("ssh-ed25519", server.fingerprint),)
    assert HostKey.parse(str(found[0])) == found[0]
    assert server.passwords == []


def test_endless_output_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that floods is stopped at the cap."""
    monkeypatch.setattr("scanners.ssh_baseline.probe.MAX_PACK", 100_000)

    async def flood(process: Any) -> None:
        process.stdout.write(b"@@pack 1 x 1\n")
        while True:
            process.stdout.write(b" x" * 10_000)
            await process.stdout.drain()

    with ssh_server(flood) as server:
        attempt = failed(run(server))

    assert attempt.reason is FailureReason.RESOURCE_LIMIT
    assert len(attempt.raw) == 100_000


def test_noise_on_standard_error_does_no_harm() -> None:
    """Half a megabyte of complaints neither blocks nor appears in the result."""

    async def noisy(process: Any) -> None:
        await process.stdin.read()
        process.stderr.write(b"e" * 500_000)
        process.stdout.write(PACK)
        process.exit(0)

    with ssh_server(noisy) as server:
        assert completed(run(server)).raw == PACK


async def hang(process: Any) -> None:
    await asyncio.sleep(3600)


def test_a_host_that_hangs_runs_out_of_time() -> None:
    """The budget ends it, whatever the host does."""
    with ssh_server(hang) as server:
        assert failed(run(server, timeout_s=1.5)).reason is FailureReason.TIMED_OUT


def test_cancel_is_heard_while_a_host_hangs() -> None:
    """A person who stops a scan does not wait for the host."""
    begun = time.monotonic()
    with ssh_server(hang) as server:
        attempt = failed(run(server, cancelled=lambda: time.monotonic() > begun + 1))

    assert attempt.reason is FailureReason.CANCELLED


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (b"", 0, FailureReason.PROTOCOL),
        (b"Welcome to <script>alert(1)</script>\n", 0, FailureReason.PROTOCOL),
        (b"% Invalid input\n", 1, FailureReason.PROTOCOL),
        (PACK[: len(PACK) // 2], 0, FailureReason.PROTOCOL),
        (b"", 127, FailureReason.MISSING_TOOL),
        (b"", 3, FailureReason.MISSING_TOOL),
    ],
)
def test_what_is_no_pack_is_a_reason(answer: bytes, code: int, reason: FailureReason) -> None:
    """A router, a menu, a cut line: none of them becomes facts."""

    async def other(process: Any) -> None:
        await process.stdin.read()
        process.stdout.write(answer)
        process.exit(code)

    with ssh_server(other) as server:
        attempt = failed(run(server))

    assert attempt.reason is reason
    assert "<script>" not in attempt.detail


def test_a_host_that_ends_without_reading_is_a_reason() -> None:
    """Nothing is assumed about what a host does with the script."""

    async def leave(process: Any) -> None:
        process.exit(0)

    with ssh_server(leave) as server:
        assert failed(run(server)).reason is FailureReason.PROTOCOL


def test_nobody_listens() -> None:
    """A closed port is refused, not timed out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    probe = SshBaselineProbe(Credentials(USER, password="x"), ["SHA256:abc"])

    assert failed(probe.run(Target("127.0.0.1", port), ProbeContext(10))).reason is FailureReason.REFUSED


@pytest.mark.parametrize(
    "greeting",
    [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"SSH-1.5-old\r\n", b"\x00" * 5000, b"SSH-2.0-x\r\n\xff\xff\xff\xff"],
)
def test_peers_that_do_not_speak_ssh(greeting: bytes) -> None:
    """Whatever greets us, the answer is a reason within the budget."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        import threading

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                # The probe may hang up at any moment; that is what is tested.
                with contextlib.suppress(OSError):
                    connection.sendall(greeting)
                    connection.recv(1000)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        probe = SshBaselineProbe(Credentials(USER, password="x"), ["SHA256:abc"])
        attempt = failed(probe.run(Target("127.0.0.1", listener.getsockname()[1]), ProbeContext(5)))
        thread.join(10)

    assert attempt.reason in (FailureReason.PROTOCOL, FailureReason.TIMED_OUT, FailureReason.UNREACHABLE)


@pytest.mark.parametrize("host", ["localhost", "127.1", "fe80::1%lo", ""])
def test_only_addresses_are_connected_to(host: str) -> None:
    """A name is never resolved here."""
    probe = SshBaselineProbe(Credentials(USER, password="x"), ["SHA256:abc"])

    assert failed(probe.run(Target(host, 22), ProbeContext(5))).reason is FailureReason.BAD_TARGET


def test_credentials_go_nowhere() -> None:
    """They are in no representation, no JSON, no pickle and no result."""
    secret = Credentials(USER, password="Sup3r-Secret", private_key="PRIVATE", passphrase="PHRASE")

    assert not {"Sup3r-Secret", "PRIVATE", "PHRASE"} & set(repr(secret).replace("'", " ").split())
    with pytest.raises(InvalidResult):
        to_json(secret)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with ssh_server(give_pack) as server:
        attempt = completed(run(server))
    assert PASSWORD not in json.dumps(to_json(attempt))


def test_options_change_the_fixed_command_only_by_words() -> None:
    """sudo never asks, and the comparison of passwords must be asked for."""
    with ssh_server(give_pack) as server:
        completed(run(server, use_sudo=True, weak_passwords=True))

    assert server.commands == [
        "sudo -n -- env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -s weak-passwords"
    ]


def test_progress_is_told() -> None:
    """A caller sees where the probe is."""
    steps: list[tuple[float, str]] = []
    with ssh_server(give_pack) as server:
        probe = SshBaselineProbe(Credentials(USER, password=PASSWORD), [server.fingerprint])
        attempt = probe.run(
            Target("127.0.0.1", server.port),
            ProbeContext(60, progress=lambda share, step: steps.append((share, step))),
        )

    assert steps == [(0.0, "connect"), (0.9, "parse"), (1.0, "done")]
    assert completed(attempt).result.facts["accounts.uid0"].state is FactState.SEEN
