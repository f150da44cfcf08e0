"""The collector script as bytes, and what its exit codes mean."""

from __future__ import annotations

import importlib.resources
from functools import cache

from scanners.base import Completed, Failed, FailureReason
from scanners.baseline.model import Facts
from scanners.ssh_baseline.facts import parse_pack
from scanners.ssh_baseline.pack import MAX_BYTES

MAX_PACK = MAX_BYTES
WEAK_PASSWORDS = "weak-passwords"
"""Argument that switches the comparison of hashes on; only with a written permission."""

PACK_MEDIA_TYPE = "text/x-secops-pack; charset=utf-8"


@cache
def collector_script() -> bytes:
    """Give the script as it is sent to a shell over standard input."""
    return (importlib.resources.files("scanners.ssh_baseline") / "collector.sh").read_bytes()


def judge_run(returncode: int | None, pack: bytes, duration_ms: int) -> Completed[Facts] | Failed:
    """Turn exit code and output of the script into the answer of a probe."""
    if returncode == 3:
        return Failed(FailureReason.MISSING_TOOL, "awk", pack, duration_ms)
    if returncode in (126, 127) and not pack:
        return Failed(FailureReason.MISSING_TOOL, "sh", pack, duration_ms)
    if not pack.startswith(b"@@pack "):
        return Failed(
            FailureReason.PROTOCOL, f"not a collector pack, exit code {returncode}", pack[:4096], duration_ms
        )
    facts = parse_pack(pack)
    if not pack.rstrip().rpartition(b"\n")[2].startswith(b"@@finish "):
        return Failed(FailureReason.PROTOCOL, f"the pack was cut, exit code {returncode}", pack, duration_ms)
    return Completed(facts, pack, PACK_MEDIA_TYPE, duration_ms)
