"""Read the lists of an SSH server over one connection, without a log-in and without a key exchange."""

from __future__ import annotations

import time
from typing import ClassVar

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.errors import InvalidTarget
from scanners.sshkex.algorithms import has_strict_kex, national_first, notes_on, terrapin_exposed
from scanners.sshkex.records import Identification, KexInit, SshRecordError, read_identification, read_kexinit
from scanners.sshkex.result import AlgorithmKind, SshKexResult
from scanners.tls.text import printable_bytes
from scanners.tls.transport import Budget, Ending, Wire, WireError, connect

_CLIENT_LINE = b"SSH-2.0-secops_probe\r\n"
_MAX_BYTES = 64 * 1024
_PER_CONNECTION_S = 15.0


class SshKexProbe:
    """Ask an SSH server which algorithms it offers."""

    probe_id: ClassVar[str] = "sshkex"

    def run(self, target: Target, context: ProbeContext) -> Attempt[SshKexResult]:
        """Read banner and KEXINIT over one connection; port 22 when the target names none."""
        started = time.monotonic()
        where = Target(target.host, 22 if target.port is None else target.port)
        received = b""
        try:
            with connect(
                where, Budget.of(context, max_bytes=_MAX_BYTES), per_connection_s=_PER_CONNECTION_S
            ) as wire:
                try:
                    result = _ask(wire)
                finally:
                    received = bytes(wire.received)
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        except WireError as problem:
            return problem.as_failed(raw=received, duration_ms=_since(started))
        except SshRecordError as problem:
            return Failed(FailureReason.PROTOCOL, problem.detail, received, _since(started))
        context.progress(1.0, "done")
        return Completed(result, received, "application/octet-stream", _since(started))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def _more(wire: Wire) -> None:
    if not wire.receive():
        raise WireError(Ending.CLOSED, f"after {len(wire.received)} bytes")


def _ask(wire: Wire) -> SshKexResult:
    while (identification := read_identification(bytes(wire.received))) is None:
        _more(wire)
    if not identification.protocol.startswith(("2.", "1.99")):
        return _result(identification, None)
    wire.send(_CLIENT_LINE)
    while (lists := read_kexinit(bytes(wire.received[identification.consumed :]))) is None:
        _more(wire)
    return _result(identification, lists)


def _result(identification: Identification, lists: KexInit | None) -> SshKexResult:
    banner = printable_bytes(identification.line)
    ssh1 = identification.protocol.startswith("1.")
    if lists is None:
        return SshKexResult(banner, identification.protocol, identification.software, ssh1)
    offered = {
        AlgorithmKind.KEX: lists.kex,
        AlgorithmKind.HOST_KEY: lists.host_keys,
        AlgorithmKind.CIPHER: lists.ciphers_in + lists.ciphers_out,
        AlgorithmKind.MAC: lists.macs_in + lists.macs_out,
    }
    return SshKexResult(
        banner=banner,
        protocol=identification.protocol,
        software=identification.software,
        ssh1=ssh1,
        kex=lists.kex,
        host_keys=lists.host_keys,
        ciphers_in=lists.ciphers_in,
        ciphers_out=lists.ciphers_out,
        macs_in=lists.macs_in,
        macs_out=lists.macs_out,
        compression=tuple(dict.fromkeys(lists.compression_in + lists.compression_out)),
        strict_kex=has_strict_kex(lists.kex),
        terrapin_exposed=terrapin_exposed(
            lists.kex, offered[AlgorithmKind.CIPHER], offered[AlgorithmKind.MAC]
        ),
        notes=notes_on(offered),
        national_first=national_first(offered),
    )
