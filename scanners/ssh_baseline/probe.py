"""Look at a Linux host over one SSH connection: no agent, nothing written, one script, one round trip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from scanners.base import Attempt, Failed, FailureReason, ProbeContext, ProbeTraits, Target, TargetKind
from scanners.baseline.model import Facts
from scanners.errors import InvalidTarget
from scanners.ssh_baseline.result import Credentials, HostKey
from scanners.ssh_baseline.script import MAX_PACK, WEAK_PASSWORDS, collector_script, judge_run
from scanners.ssh_baseline.transport import run_script
from scanners.targets import parse_address

DEFAULT_PORT = 22

# "env -i" drops what the account's log-in shell may have set; the shell is told nothing but PATH
_COMMAND = "env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -s"


class SshBaselineProbe:
    """Log in with given credentials to a host whose key was enrolled, and run the collector script.

    Args:
        credentials: Used for this run only; never in a result, a log line or a representation.
        host_keys: The enrolled keys, ``"ssh-ed25519 SHA256:..."`` or a fingerprint alone; one at least.
        use_sudo: Start the script with ``sudo -n``, which never asks for a password.
        weak_passwords: Also compare password hashes with a short list, on the host; only with a
            written permission.
    """

    probe_id: ClassVar[str] = "ssh_baseline"
    traits: ClassVar[ProbeTraits] = ProbeTraits(TargetKind.HOST_PORT, connections=1, needs_credentials=True)

    def __init__(
        self,
        credentials: Credentials,
        host_keys: Sequence[str],
        *,
        use_sudo: bool = False,
        weak_passwords: bool = False,
    ) -> None:
        if not host_keys:
            raise ValueError("a host key must be enrolled first")
        self._credentials = credentials
        self._host_keys = tuple(HostKey.parse(text) for text in host_keys)
        self._command = ("sudo -n -- " if use_sudo else "") + _COMMAND
        if weak_passwords:
            self._command += f" {WEAK_PASSWORDS}"

    def run(self, target: Target, context: ProbeContext) -> Attempt[Facts]:
        """Connect, collect, parse; at most two passwords are sent."""
        try:
            address = parse_address(target.host)
        except InvalidTarget as error:
            return Failed(FailureReason.BAD_TARGET, error.why)
        started = time.monotonic()
        context.progress(0.0, "connect")
        answer = run_script(
            str(address),
            target.port or DEFAULT_PORT,
            self._credentials,
            self._host_keys,
            self._command,
            collector_script(),
            timeout_s=context.timeout_s,
            stdout_cap=MAX_PACK,
            cancelled=context.cancelled,
        )
        duration_ms = round((time.monotonic() - started) * 1000)
        if isinstance(answer, Failed):
            return Failed(answer.reason, answer.detail, answer.raw, duration_ms)
        context.progress(0.9, "parse")
        returncode, pack = answer
        attempt = judge_run(returncode, pack, duration_ms)
        context.progress(1.0, "done")
        return attempt
