"""The probe against a real OpenSSH server on loopback, with the real script."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from scanners.base import Completed, Failed, FailureReason, ProbeContext, Target
from scanners.baseline.model import FactState
from scanners.ssh_baseline.probe import SshBaselineProbe
from scanners.ssh_baseline.result import Credentials
from scanners.ssh_baseline.transport import fetch_host_keys

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        SSHD is None or not Path("/run/sshd").is_dir(), reason="no OpenSSH server that can start"
    ),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """A server with a key of its own; gives its port and the private key that may log in."""
    assert SSHD is not None
    host_key, user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    (tmp_path / "host").write_bytes(host_key.export_private_key())
    (tmp_path / "host").chmod(0o600)
    (tmp_path / "keys").write_bytes(user_key.export_public_key())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/keys\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    running = subprocess.Popen([SSHD, "-D", "-e", "-f", str(tmp_path / "config")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port, user_key.export_private_key().decode()
    finally:
        running.terminate()
        running.wait(10)


def test_enrol_then_collect(server: tuple[int, str]) -> None:
    """Fetch the key, enrol it, log in by key, collect: the whole way over the wire."""
    port, private_key = server
    keys = fetch_host_keys("127.0.0.1", port, timeout_s=30, cancelled=lambda: False)
    assert not isinstance(keys, Failed)
    me = Credentials(pwd.getpwuid(os.geteuid()).pw_name, private_key=private_key)

    attempt = SshBaselineProbe(me, [str(key) for key in keys]).run(
        Target("127.0.0.1", port), ProbeContext(120)
    )

    assert isinstance(attempt, Completed), attempt
    assert attempt.result.problems == ()
    assert attempt.result.facts["accounts.uid0"].state is FactState.SEEN
    assert attempt.result.about["uid"] == str(os.geteuid())


def test_a_stranger_is_refused(server: tuple[int, str]) -> None:
    """A key that is not authorised, and a host key that is not enrolled."""
    port, private_key = server
    keys = fetch_host_keys("127.0.0.1", port, timeout_s=30, cancelled=lambda: False)
    assert not isinstance(keys, Failed)
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()

    refused = SshBaselineProbe(Credentials("root", private_key=stranger), [str(keys[0])])
    changed = SshBaselineProbe(Credentials("root", private_key=private_key), ["SHA256:" + "A" * 43])
    attempts = [probe.run(Target("127.0.0.1", port), ProbeContext(60)) for probe in (refused, changed)]

    reasons = [attempt.reason for attempt in attempts if isinstance(attempt, Failed)]
    assert reasons == [FailureReason.AUTHENTICATION, FailureReason.HOST_KEY_CHANGED]
