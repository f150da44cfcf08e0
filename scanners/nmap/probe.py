"""Run nmap with one of our command lines and read its report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scanners.base import (
    Attempt,
    Completed,
    Failed,
    FailureReason,
    ProbeContext,
    ProbeTraits,
    Target,
    TargetKind,
)
from scanners.errors import InvalidTarget
from scanners.nmap.arguments import MAX_PARALLEL, NmapOptions, build_argv, target_list
from scanners.nmap.parse import InvalidNmapXml, NmapXmlTooLarge, parse_nmap_xml
from scanners.nmap.result import NmapResult
from scanners.targets import IpAddress, PortRange, parse_address
from scanners.tls.text import printable_bytes
from scanners.tools import ToolRun, find_tool, run_tool

_DATADIRS = ("/usr/share/nmap", "/usr/local/share/nmap")
_MEDIA_TYPE = "application/xml"
_RAW_SOCKET_WORDS = (b"requires root privileges", b"Operation not permitted")
_GRACE_S = 2


@dataclass(frozen=True, slots=True)
class Nmap:
    """An installed nmap: its full path, and the folder of its data files where it is known."""

    binary: str
    datadir: str | None = None


def find_nmap() -> Nmap | None:
    """Look for nmap in the system's folders, never along a user's search path."""
    binary = find_tool("nmap")
    if binary is None:
        return None
    datadir = next((d for d in _DATADIRS if os.path.isfile(os.path.join(d, "nmap-services"))), None)
    return Nmap(binary, datadir)


class NmapProbe:
    """Ask nmap which ports of a host answer and what speaks there.

    A port of the target takes the place of the ports in the options.
    """

    probe_id: ClassVar[str] = "nmap"
    traits: ClassVar[ProbeTraits] = ProbeTraits(TargetKind.HOST, connections=MAX_PARALLEL)

    def __init__(self, options: NmapOptions | None = None, *, installation: Nmap | None = None) -> None:
        self.options = NmapOptions() if options is None else options
        self._installation = installation

    def run(self, target: Target, context: ProbeContext) -> Attempt[NmapResult]:
        """Scan one host with the options of this probe."""
        try:
            address = parse_address(target.host)
            ports = () if target.port is None else (PortRange(target.port, target.port),)
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        return self._scan((address,), ports or self.options.ports, context)

    def run_many(self, addresses: Sequence[IpAddress], context: ProbeContext) -> Attempt[NmapResult]:
        """Scan several hosts of one address family in one process; the caller has checked the scope."""
        return self._scan(addresses, self.options.ports, context)

    def _scan(
        self, addresses: Sequence[IpAddress], ports: tuple[PortRange, ...], context: ProbeContext
    ) -> Attempt[NmapResult]:
        nmap = self._installation or find_nmap()
        if nmap is None:
            return Failed(FailureReason.MISSING_TOOL, "nmap")
        given = self.options
        host_timeout_s = max(1, min(given.host_timeout_s, int(context.timeout_s) - _GRACE_S))
        options = NmapOptions(given.preset, ports, host_timeout_s, given.max_rate, given.max_retries)
        try:
            listed = target_list(addresses)
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        argv = build_argv(nmap.binary, options, ipv6=addresses[0].version == 6, datadir=nmap.datadir)
        context.progress(0.0, "nmap")
        ran = run_tool(argv, timeout_s=context.timeout_s, stdin=listed, cancelled=context.cancelled)
        return ran if isinstance(ran, Failed) else _read(ran, context)


def _read(ran: ToolRun, context: ProbeContext) -> Attempt[NmapResult]:
    if ran.returncode != 0:
        lacks_rights = any(words in ran.stderr + ran.stdout for words in _RAW_SOCKET_WORDS)
        reason = FailureReason.MISSING_TOOL if lacks_rights else FailureReason.PROTOCOL
        detail = "nmap may not send raw packets here (CAP_NET_RAW)" if lacks_rights else _last_words(ran)
        return Failed(reason, detail, ran.stdout, ran.duration_ms)
    try:
        result = parse_nmap_xml(ran.stdout)
    except NmapXmlTooLarge as problem:
        return Failed(FailureReason.RESOURCE_LIMIT, problem.detail, ran.stdout, ran.duration_ms)
    except InvalidNmapXml as problem:
        return Failed(FailureReason.PROTOCOL, problem.detail, ran.stdout, ran.duration_ms)
    if not result.complete or result.exit_status != "success":
        return Failed(FailureReason.PROTOCOL, "nmap did not finish its report", ran.stdout, ran.duration_ms)
    if result.hosts and all(host.timed_out for host in result.hosts):
        return Failed(FailureReason.TIMED_OUT, "nmap gave up on the host", ran.stdout, ran.duration_ms)
    context.progress(1.0, "done")
    return Completed(result, ran.stdout, _MEDIA_TYPE, ran.duration_ms)


def _last_words(ran: ToolRun) -> str:
    lines = [line for line in ran.stderr.splitlines() if line.strip()]
    return f"nmap ended with code {ran.returncode}: {printable_bytes(lines[-1] if lines else b'', 160)}"
