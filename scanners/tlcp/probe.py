"""Ask one port for TLCP, prove as much as can be proven, list suites and certificates."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from cryptography import x509

from scanners.base import Attempt, Completed, Failed, FailureReason, ProbeContext, Target
from scanners.errors import InvalidTarget
from scanners.sm_crypto.certificates import name_matches
from scanners.tlcp.handshake import Conversation, Randomness, converse
from scanners.tlcp.judge import (
    chain_verified,
    chains_of,
    describe,
    hint,
    pair_checks,
    read_certificates,
    signature_problem,
    suites_of,
)
from scanners.tlcp.records import COMPLETE_SUITES, SUITES
from scanners.tlcp.result import TlcpResult
from scanners.tls.handshake import Flight, ask, legacy_hello, modern_hello
from scanners.tls.records import RecordReader, Version
from scanners.tls.result import VersionAnswer
from scanners.tls.transport import Budget, Ending, WireError

DEFAULT_PORT = 443
MAX_CONNECTIONS = 20
_MAX_BYTES = 1024 * 1024
_PER_CONNECTION_S = 6.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _fresh() -> Randomness:
    vectors = (secrets.token_bytes(16), secrets.token_bytes(16))
    return Randomness(secrets.token_bytes(32), secrets.token_bytes(46), vectors)


class TlcpProbe:
    """TLCP of one port.

    ``server_name`` is sent only where a hello without a name was refused or brought a certificate for
    another name, because some servers refuse every extension. ``anchors`` are the roots to trust; without
    any nothing is said about trust.
    """

    probe_id: ClassVar[str] = "tlcp"

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

    def run(self, target: Target, context: ProbeContext) -> Attempt[TlcpResult]:
        """Look at one port, 443 when the target names none, over at most 20 connections in turn."""
        started = time.monotonic()
        where = Target(target.host, DEFAULT_PORT if target.port is None else target.port)
        run = _Run(
            where,
            Budget.of(context, max_bytes=_MAX_BYTES),
            context,
            self._server_name,
            self._per_connection_s,
        )
        try:
            failure = run.look()
        except InvalidTarget as problem:
            return Failed(FailureReason.BAD_TARGET, str(problem))
        except WireError as problem:
            return problem.as_failed(raw=run.raw(), duration_ms=_since(started))
        if failure is not None:
            return Failed(failure[0], failure[1], run.raw(), _since(started))
        result = run.result(self._anchors, self._clock())
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
    best: Conversation | None = None
    refusal: str = ""
    accepted: list[int] = field(default_factory=list)
    finished: set[int] = field(default_factory=set)
    complete: bool = False
    understood: bool = False
    ordinary_tls: VersionAnswer = VersionAnswer.UNCLEAR
    sent_name: str = ""
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    # -- asking -----------------------------------------------------------------------------------------
    def look(self) -> tuple[FailureReason, str] | None:
        """Ask everything; gives a failure when the port said nothing that could be understood."""
        self.context.progress(0.0, "handshake")
        failure = self._detect("")
        if failure is None and self.best is None and self.server_name:
            failure = self._detect(self.server_name)
        if failure is not None:
            return failure
        if self.best is not None:
            self._prefer_named()
            self.context.progress(0.4, "suites")
            self._enumerate()
        self.context.progress(0.8, "ordinary tls")
        self._ask_ordinary_tls()
        if not self.understood:
            return FailureReason.PROTOCOL, f"ended without a word in TLCP and in TLS ({self.refusal})"
        return None

    def _converse(self, suites: Sequence[int], name: str, *, complete: bool = False) -> Conversation:
        self.connections += 1
        conversation = converse(
            self.target,
            self.budget,
            _fresh(),
            suites,
            server_name=name,
            per_connection_s=self.per_connection_s,
            complete=complete,
        )
        flight = conversation.flight
        words = "finished" if conversation.finished else conversation.problem or flight.detail
        self.notes.append(
            f"{len(suites)} suites{' with name' if name else ''}: random {conversation.client_random.hex()}"
            f" received {flight.raw.hex()} {words}".rstrip()
        )
        self._note_understood(flight)
        if conversation.answered and flight.hello is not None:
            self.accepted.append(flight.hello.suite)
            if conversation.finished:
                self.finished.add(flight.hello.suite)
        return conversation

    def _note_understood(self, flight: Flight) -> None:
        """Remember that the port spoke: without one hello or alert nothing may be concluded from silence."""
        has_alert = flight.alert is not None and not flight.malformed
        self.understood = self.understood or flight.hello is not None or has_alert

    def _detect(self, name: str) -> tuple[FailureReason, str] | None:
        """Try the suites that can be carried to the end, then all others.

        Nothing else comes before the whole handshake: some servers end after one that was broken off.
        """
        others = tuple(number for number in SUITES if number not in COMPLETE_SUITES)
        for suites, complete in ((COMPLETE_SUITES, True), (others, False)):
            conversation = self._converse(suites, name, complete=complete)
            if conversation.answered:
                self.best, self.refusal, self.sent_name = conversation, "", name
                return None
            failure = _failure(conversation)
            if failure is not None and not self.refusal:
                return failure
            self.refusal = self.refusal or _refusal(conversation)
        return None

    def _prefer_named(self) -> None:
        """Ask again with the name where the certificate that came is for another."""
        best = self.best
        if not self.server_name or self.sent_name or best is None:
            return
        facts = read_certificates(best.flight.certificates).facts
        if facts and name_matches(facts[0], self.server_name):
            return
        again = self._converse(COMPLETE_SUITES, self.server_name, complete=True)
        if again.answered and again.flight.certificates:
            self.best, self.sent_name = again, self.server_name

    def _enumerate(self) -> None:
        """Offer what was not chosen yet until the server refuses."""
        while self.connections < MAX_CONNECTIONS - 4:
            left = [number for number in SUITES if number not in self.accepted]
            if not left:
                self.complete = True
                return
            conversation = self._converse(left, self.sent_name)
            if not conversation.answered:
                self.complete = self._is_refusal(conversation)
                return
            if conversation.flight.hello is not None and conversation.flight.hello.suite not in left:
                self.problems.append("the server chose a suite that was not offered")
                return

    def _is_refusal(self, conversation: Conversation) -> bool:
        flight = conversation.flight
        if flight.malformed:
            return False
        if flight.alert is not None:
            return True
        if flight.ending in (Ending.CLOSED, Ending.RESET) and not flight.raw:
            return self._converse([self.accepted[0]], self.sent_name).answered
        return False

    def _ask_ordinary_tls(self) -> None:
        """Say hello in TLS 1.3 and 1.2; silence is a refusal where TLCP is still answered afterwards."""
        silent = False
        answers: list[VersionAnswer] = []
        for hello in (
            modern_hello(secrets.token_bytes(32), self.server_name, share=secrets.token_bytes(32)),
            legacy_hello(Version.TLS1_2, secrets.token_bytes(32), self.server_name),
        ):
            self.connections += 1
            # a server that knows TLCP alone writes its alert in a record of that version
            reader = RecordReader(frozenset(Version))
            flight = ask(
                self.target, self.budget, hello, per_connection_s=self.per_connection_s, reader=reader
            )
            self.notes.append(f"tls: {flight.raw.hex() or flight.detail}")
            self._note_understood(flight)
            if flight.accepted is not None and flight.accepted.version != Version.TLCP:
                self.ordinary_tls = VersionAnswer.ACCEPTED
                return
            ended = flight.ending in (Ending.CLOSED, Ending.RESET) and not flight.raw
            silent = silent or ended
            refused = ended or (flight.alert is not None and not flight.malformed)
            answers.append(VersionAnswer.REFUSED if refused else VersionAnswer.UNCLEAR)
        if self.best is None or set(answers) != {VersionAnswer.REFUSED}:
            return
        if not silent or self._converse([self.accepted[0]], self.sent_name).answered:
            self.ordinary_tls = VersionAnswer.REFUSED

    # -- telling ----------------------------------------------------------------------------------------
    def raw(self) -> bytes:
        """Give what was heard, one line per connection; with it every signature can be checked again."""
        return "\n".join(self.notes).encode()

    def result(self, anchors: Sequence[x509.Certificate] | None, now: datetime) -> TlcpResult:
        """Say what was proven; *now* is for the certificates alone."""
        best = self.best
        if best is None:
            return TlcpResult(
                detected=False,
                grade=0,
                ordinary_tls=self.ordinary_tls,
                refusal=self.refusal,
                server_name=self.server_name,
                connections=self.connections,
            )
        presented = read_certificates(best.flight.certificates)
        why_unsigned = signature_problem(best, presented)
        chains = chains_of(presented, anchors, now)
        pair = pair_checks(presented, chains, now)
        grade = 1 if why_unsigned is not None else 3 if best.finished else 2
        suites = suites_of(self.accepted, frozenset(self.finished))
        found = [why_unsigned, presented.problem, best.problem, best.flight.malformed, *self.problems]
        wanted = self.server_name or self.target.host
        return TlcpResult(
            detected=True,
            grade=grade,
            suites=suites,
            suites_complete=self.complete,
            certificates=describe(presented.facts),
            pair=pair,
            chain_verified=chain_verified(chains, has_anchors=bool(anchors)),
            chains=chains,
            name_matches=name_matches(presented.facts[0], wanted) if presented.facts else None,
            asks_client_certificate=best.asks_client_certificate if best.flight.whole else None,
            ordinary_tls=self.ordinary_tls,
            server_name=self.server_name,
            connections=self.connections,
            problems=tuple(dict.fromkeys(text for text in found if text)),
            hint=hint(grade, suites, pair, self.ordinary_tls),
        )


def _failure(conversation: Conversation) -> tuple[FailureReason, str] | None:
    """Say whether a first answer is so unlike any answer that nothing may be concluded from it."""
    flight = conversation.flight
    if flight.ending in (Ending.REFUSED, Ending.UNREACHABLE):
        problem = WireError(flight.ending).as_failed()
        return problem.reason, problem.detail
    if flight.ending is Ending.TIMED_OUT:
        return FailureReason.TIMED_OUT, "no whole answer to the first hello"
    if flight.malformed and flight.hello is None:
        return FailureReason.PROTOCOL, f"does not answer in TLCP or TLS: {flight.malformed}"
    if flight.ending is not None and flight.raw and flight.hello is None:
        return FailureReason.PROTOCOL, f"the answer ended early ({flight.ending})"
    return None


def _refusal(conversation: Conversation) -> str:
    hello = conversation.flight.hello
    if hello is not None:
        return f"answered with version {hello.version:04x}"
    return conversation.flight.detail
