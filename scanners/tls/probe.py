"""Ask one TLS port which versions, suites and certificates it has: a few connections, one after the other."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from cryptography import x509

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.errors import InvalidTarget
from scanners.sm_crypto.certificates import (
    InvalidCertificate,
    KeyKind,
    facts_of,
    load_der,
    name_matches,
)
from scanners.tls.handshake import (
    Flight,
    ask,
    exchange_of,
    group_name,
    legacy_hello,
    modern_hello,
    national_hello,
)
from scanners.tls.records import Alert, RecordError, Version
from scanners.tls.result import (
    NationalAnswer,
    NationalReport,
    PresentedChain,
    TlsResult,
    VersionAnswer,
    VersionReport,
    WeakSuite,
)
from scanners.tls.session import HandshakeFailed, shake_hands
from scanners.tls.suites import RFC8998_SUITES, WEAK_SUITES, has_forward_secrecy, suite_name, weakness_of
from scanners.tls.transport import Budget, Ending, WireError
from scanners.tls.trust import judge_chain

DEFAULT_PORT = 443
MAX_CONNECTIONS = 24
_MAX_BYTES = 2 * 1024 * 1024
_PER_CONNECTION_S = 6.0
_CA_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_LEGACY = (Version.TLS1_2, Version.TLS1_1, Version.TLS1_0, Version.SSL3)
_NAMES = {
    Version.SSL3: "SSL 3.0",
    Version.TLS1_0: "TLS 1.0",
    Version.TLS1_1: "TLS 1.1",
    Version.TLS1_2: "TLS 1.2",
    Version.TLS1_3: "TLS 1.3",
}
_UNRECOGNIZED_NAME = 112


def system_anchors() -> tuple[x509.Certificate, ...] | None:
    """Load the roots that this machine trusts, ``None`` where it has no such file."""
    for path in _CA_FILES:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return tuple(x509.load_pem_x509_certificates(file.read()))
    return None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TlsProbe:
    """State of a TLS port.

    ``server_name`` is sent as SNI and compared with the certificate; without one the address is compared.
    ``anchors`` are the roots to trust, by default those of this machine.
    """

    probe_id: ClassVar[str] = "tls"

    def __init__(
        self,
        *,
        server_name: str = "",
        anchors: Sequence[x509.Certificate] | None = None,
        per_connection_s: float = _PER_CONNECTION_S,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._server_name = server_name
        self._anchors = anchors
        self._per_connection_s = per_connection_s
        self._clock = clock

    def run(self, target: Target, context: ProbeContext) -> Attempt[TlsResult]:
        """Look at one port, 443 when the target names none, over at most 24 connections in turn."""
        started = time.monotonic()
        where = Target(target.host, DEFAULT_PORT if target.port is None else target.port)
        budget = Budget.of(context, max_bytes=_MAX_BYTES)
        run = _Run(where, budget, context, self._server_name, self._per_connection_s)
        try:
            failure = run.look()
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        except WireError as problem:
            return problem.as_failed(raw=run.raw(), duration_ms=_since(started))
        if failure is not None:
            return Failed(failure[0], failure[1], run.raw(), _since(started))
        anchors = system_anchors() if self._anchors is None else self._anchors
        result = run.result(anchors, self._clock())
        context.progress(1.0, "done")
        return Completed(result, run.raw(), "text/plain; charset=utf-8", _since(started))


def _since(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


@dataclass(slots=True)
class _Run:
    """The conversations of one run and what they showed."""

    target: Target
    budget: Budget
    context: ProbeContext
    server_name: str
    per_connection_s: float
    connections: int = 0
    flights: dict[Version, Flight] = field(default_factory=dict)
    deliberate: bool = False
    weak: list[WeakSuite] = field(default_factory=list)
    weak_complete: bool = False
    national: NationalReport = NationalReport(NationalAnswer.UNCLEAR, detail="not asked")
    chains: list[tuple[str, tuple[bytes, ...]]] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    # -- asking -----------------------------------------------------------------------------------------
    def look(self) -> tuple[FailureReason, str] | None:
        """Ask everything; gives a failure when the port never spoke TLS."""
        for step, version in enumerate(
            (Version.TLS1_2, Version.TLS1_3, Version.TLS1_1, Version.TLS1_0, Version.SSL3)
        ):
            self.context.progress(step / 9, str(_NAMES[version]))
            self.flights[version] = self._ask(_NAMES[version], self._hello(version))
            ending = self.flights[version].ending
            if version is Version.TLS1_2 and ending in (Ending.REFUSED, Ending.UNREACHABLE):
                raise WireError(ending)
            if version is Version.TLS1_3 and self._silent():
                return FailureReason.TIMED_OUT, "no answer to two hellos"
        if not any(flight.accepted for flight in self.flights.values()):
            failure = self._why_not_tls()
            if failure is not None:
                return failure
        self._confirm_silence()
        self.context.progress(5 / 9, "weak suites")
        self._find_weak()
        self.context.progress(6 / 9, "rfc 8998")
        self._ask_national()
        self.context.progress(8 / 9, "certificates")
        self._read_chains()
        return None

    def _hello(self, version: Version) -> bytes:
        random = secrets.token_bytes(32)
        if version is Version.TLS1_3:
            return modern_hello(random, self.server_name, share=secrets.token_bytes(32))
        return legacy_hello(version, random, self.server_name)

    def _ask(self, step: str, hello: bytes) -> Flight:
        self.connections += 1
        flight = ask(self.target, self.budget, hello, per_connection_s=self.per_connection_s)
        self.notes.append(f"{step}: {flight.raw.hex() or flight.detail}")
        return flight

    def _silent(self) -> bool:
        return all(flight.ending is Ending.TIMED_OUT and not flight.raw for flight in self.flights.values())

    def _why_not_tls(self) -> tuple[FailureReason, str] | None:
        alerts = [
            flight for flight in self.flights.values() if flight.alert is not None and not flight.malformed
        ]
        if alerts:
            return None
        malformed = next((flight.malformed for flight in self.flights.values() if flight.malformed), "")
        endings = {flight.ending for flight in self.flights.values()}
        if not malformed and endings == {Ending.TIMED_OUT}:
            return FailureReason.TIMED_OUT, "no whole answer to any hello"
        return FailureReason.PROTOCOL, f"does not answer in TLS: {malformed or 'connection ended'}"

    def _accepts(self, version: Version) -> bool:
        flight = self.flights[version]
        return flight.accepted is not None and flight.accepted.version == version

    def _confirm_silence(self) -> None:
        """Repeat an accepted hello when others ended without a word: then those ends were meant."""
        ended = any(f.ending in (Ending.CLOSED, Ending.RESET) and not f.raw for f in self.flights.values())
        known = next(
            (version for version in Version if version in self.flights and self._accepts(version)), None
        )
        if ended and known is not None:
            again = self._ask(f"{_NAMES[known]} again", self._hello(known))
            self.deliberate = again.accepted is not None

    def _find_weak(self) -> None:
        versions = [version for version in _LEGACY if self._accepts(version)]
        # the newest and the oldest: some servers keep weak suites for old versions only
        complete = True
        for version in dict.fromkeys(versions[:1] + versions[-1:]):
            complete = self._find_weak_of(version) and complete
        self.weak_complete = complete
        if not versions and not self._accepts(Version.TLS1_3):
            self.weak_complete = False

    def _find_weak_of(self, version: Version) -> bool:
        seen = {found.number for found in self.weak}
        offered = [suite for suite in WEAK_SUITES if suite not in seen]
        while offered and self.connections < MAX_CONNECTIONS - 6:
            hello = legacy_hello(version, secrets.token_bytes(32), self.server_name, offered)
            flight = self._ask(f"weak suites of {_NAMES[version]}", hello)
            chosen = flight.accepted
            if chosen is None or chosen.version != version or chosen.suite not in offered:
                return flight.alert is not None or (self.deliberate and flight.ending is not None)
            why = weakness_of(chosen.suite) or ""
            self.weak.append(WeakSuite(suite_name(chosen.suite), chosen.suite, _NAMES[version], why))
            offered.remove(chosen.suite)
        return not offered

    def _ask_national(self) -> None:
        full = self._ask(
            "rfc 8998", national_hello(secrets.token_bytes(32), self.server_name, national_exchange=True)
        )
        report = _national_report(full, NationalAnswer.FULL)
        if report.answer is not NationalAnswer.FULL:
            hello = national_hello(secrets.token_bytes(32), self.server_name, national_exchange=False)
            partial = _national_report(self._ask("rfc 8998 suites", hello), NationalAnswer.PARTIAL)
            report = partial if partial.answer is not NationalAnswer.REFUSED else report
        self.national = report

    def _read_chains(self) -> None:
        for version in _LEGACY:
            flight = self.flights[version]
            if self._accepts(version) and flight.certificates:
                self.chains.append((_NAMES[version], flight.certificates))
                break
        newest = self.flights[Version.TLS1_3].accepted
        is_national_only = newest is not None and newest.suite in RFC8998_SUITES
        if not self.chains and self._accepts(Version.TLS1_3) and not is_national_only:
            self._shake("TLS 1.3", national=False)
        if self.national.answer in (NationalAnswer.FULL, NationalAnswer.PARTIAL):
            self._shake("RFC 8998", national=True)

    def _shake(self, source: str, *, national: bool) -> None:
        self.connections += 1
        try:
            session = shake_hands(
                self.target,
                self.budget,
                server_name=self.server_name,
                national=national,
                per_connection_s=self.per_connection_s,
            )
        except HandshakeFailed as problem:
            self.blind.append("certificates-national" if national else "certificates-tls13")
            self.notes.append(f"{source} handshake: {problem.detail}")
            return
        except WireError as problem:
            if problem.ending in (Ending.CANCELLED, Ending.TOO_MUCH):
                raise
            self.blind.append("certificates-national" if national else "certificates-tls13")
            self.notes.append(f"{source} handshake: {problem}")
            return
        self.notes.append(f"{source} handshake: {session.suite} {session.group}")
        if session.certificates:
            self.chains.append((source, session.certificates))

    # -- telling ----------------------------------------------------------------------------------------
    def raw(self) -> bytes:
        """Give what was heard, one line per connection, bytes as hexadecimal digits."""
        return "\n".join(self.notes).encode()

    def result(self, anchors: Sequence[x509.Certificate] | None, now: datetime) -> TlsResult:
        """Judge nothing but the chains; *now* is for them alone."""
        any_accepted = any(self._accepts(version) for version in self.flights)
        versions = tuple(
            _version_report(version, self.flights[version], any_accepted, self.deliberate)
            for version in sorted(self.flights, reverse=True)
        )
        chains = tuple(
            chain
            for source, ders in self.chains
            if (chain := self._chain(source, ders, anchors, now)) is not None
        )
        return TlsResult(
            server_name=self.server_name,
            versions=versions,
            weak_suites=tuple(self.weak),
            weak_complete=self.weak_complete,
            national=self.national,
            chains=chains,
            connections=self.connections,
            blind_spots=tuple(dict.fromkeys(self.blind)),
        )

    def _chain(
        self, source: str, ders: Sequence[bytes], anchors: Sequence[x509.Certificate] | None, now: datetime
    ) -> PresentedChain | None:
        try:
            certificates = [load_der(der) for der in ders]
            facts = tuple(facts_of(certificate) for certificate in certificates)
        except InvalidCertificate as problem:
            self.blind.append("certificates-unreadable")
            self.notes.append(f"{source} certificates: {problem.detail}")
            return None
        trust, detail = judge_chain(certificates, anchors, now)
        if facts[0].key.kind is KeyKind.UNKNOWN:
            self.blind.append("key-unknown")
        matches = name_matches(facts[0], self.server_name or self.target.host)
        return PresentedChain(source, facts, trust, detail, matches)


def _version_report(version: Version, flight: Flight, any_accepted: bool, deliberate: bool) -> VersionReport:
    name = _NAMES[version]
    chosen = flight.accepted
    if chosen is None:
        return VersionReport(name, _refusal(flight, any_accepted, deliberate), detail=flight.detail)
    if chosen.version != version:
        other = _NAMES.get(Version(chosen.version)) if chosen.version in _NAMES else f"{chosen.version:04x}"
        return VersionReport(name, VersionAnswer.REFUSED, detail=f"answered with {other}")
    try:
        group, dh_bits = exchange_of(chosen.suite, flight.key_exchange)
    except RecordError as problem:
        return VersionReport(name, VersionAnswer.UNCLEAR, detail=problem.detail)
    if version is Version.TLS1_3:
        group = group_name(chosen.group)
    return VersionReport(
        version=name,
        answer=VersionAnswer.ACCEPTED,
        suite=suite_name(chosen.suite),
        suite_number=chosen.suite,
        forward_secrecy=has_forward_secrecy(chosen.suite),
        group=group,
        dh_bits=dh_bits,
    )


def _refusal(flight: Flight, any_accepted: bool, deliberate: bool) -> VersionAnswer:
    """Take an alert for a refusal only where the port is known to work, an end only where that was confirmed."""
    alert: Alert | None = flight.alert
    if alert is not None and not flight.malformed and alert.code != _UNRECOGNIZED_NAME:
        return VersionAnswer.REFUSED if any_accepted or alert.code == 70 else VersionAnswer.UNCLEAR
    if deliberate and flight.ending in (Ending.CLOSED, Ending.RESET) and not flight.raw:
        return VersionAnswer.REFUSED
    return VersionAnswer.UNCLEAR


def _national_report(flight: Flight, wanted: NationalAnswer) -> NationalReport:
    chosen = flight.accepted
    if chosen is not None and chosen.version == Version.TLS1_3 and chosen.suite in RFC8998_SUITES:
        return NationalReport(wanted, suite_name(chosen.suite), group_name(chosen.group))
    if flight.alert is not None and not flight.malformed:
        return NationalReport(NationalAnswer.REFUSED, detail=flight.detail)
    if chosen is not None:
        return NationalReport(NationalAnswer.REFUSED, detail="answered with another version or suite")
    return NationalReport(NationalAnswer.UNCLEAR, detail=flight.detail)
