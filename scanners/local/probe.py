"""Look at the machine that the worker itself runs on, as the user it runs as."""

from __future__ import annotations

from typing import ClassVar

from scanners.base import Attempt, Failed, FailureReason, ProbeContext, ProbeTraits, Target, TargetKind
from scanners.baseline.model import Facts
from scanners.errors import InvalidTarget
from scanners.ssh_baseline.script import MAX_PACK, WEAK_PASSWORDS, collector_script, judge_run
from scanners.targets import parse_address
from scanners.tools import run_tool


class LocalProbe:
    """Run the collector script here and read its pack.

    ``weak_passwords`` also compares password hashes with a short list; only with a written permission.
    """

    probe_id: ClassVar[str] = "local"
    traits: ClassVar[ProbeTraits] = ProbeTraits(TargetKind.THIS_MACHINE)

    def __init__(self, *, weak_passwords: bool = False) -> None:
        self._weak_passwords = weak_passwords

    def run(self, target: Target, context: ProbeContext) -> Attempt[Facts]:
        """Collect and parse. The target must be a loopback address, so that nobody takes it for another host."""
        try:
            if not parse_address(target.host).is_loopback:
                return Failed(FailureReason.BAD_TARGET, "only this machine")
        except InvalidTarget as error:
            return Failed(FailureReason.BAD_TARGET, error.why)
        context.progress(0.0, "collect")
        run = run_tool(
            ["sh", "-s", *([WEAK_PASSWORDS] if self._weak_passwords else [])],
            timeout_s=context.timeout_s,
            stdout_cap=MAX_PACK,
            stdin=collector_script(),
            cancelled=context.cancelled,
        )
        if isinstance(run, Failed):
            return run
        context.progress(0.9, "parse")
        attempt = judge_run(run.returncode, run.stdout, run.duration_ms)
        context.progress(1.0, "done")
        return attempt
