"""One TCP connection to a stranger: deadline, byte cap, cancel; every way it can end has a name.

Used by the probes that speak a protocol with own code (``tls``, ``tlcp``, ``sshkex``, ``web``). Nothing
here knows what is said over the connection.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType

from scanners.base import Failed, FailureReason, ProbeContext, Target
from scanners.errors import InvalidTarget
from scanners.targets import parse_address

_SLICE_S = 0.2
_READ_BYTES = 16 * 1024


class Ending(StrEnum):
    """How a conversation ended before it was over."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"
    RESET = "reset"
    CLOSED = "closed"
    TOO_MUCH = "too-much"
    CANCELLED = "cancelled"


_REASONS = {
    Ending.REFUSED: FailureReason.REFUSED,
    Ending.UNREACHABLE: FailureReason.UNREACHABLE,
    Ending.TIMED_OUT: FailureReason.TIMED_OUT,
    Ending.RESET: FailureReason.PROTOCOL,
    Ending.CLOSED: FailureReason.PROTOCOL,
    Ending.TOO_MUCH: FailureReason.RESOURCE_LIMIT,
    Ending.CANCELLED: FailureReason.CANCELLED,
}

_DETAILS = {
    Ending.REFUSED: "connection refused",
    Ending.UNREACHABLE: "no route to the target",
    Ending.TIMED_OUT: "no answer in time",
    Ending.RESET: "connection reset by the target",
    Ending.CLOSED: "connection closed by the target before its answer was whole",
    Ending.TOO_MUCH: "the target sent more than allowed",
    Ending.CANCELLED: "stopped on request",
}


class WireError(Exception):
    """The conversation ended early; *ending* says how, *detail* where."""

    def __init__(self, ending: Ending, detail: str = "") -> None:
        super().__init__(ending, detail)
        self.ending = ending
        self.detail = detail

    def __str__(self) -> str:
        return f"{_DETAILS[self.ending]}{': ' + self.detail if self.detail else ''}"

    def as_failed(self, *, raw: bytes = b"", duration_ms: int = 0) -> Failed:
        """Give the failure that a probe reports for this ending."""
        return Failed(_REASONS[self.ending], str(self), raw, duration_ms)


@dataclass(slots=True)
class Budget:
    """Time and bytes that one run may spend on one target, over all its connections."""

    deadline: float
    bytes_left: int
    cancelled: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, context: ProbeContext, *, max_bytes: int) -> Budget:
        """Start the clock of a run; *max_bytes* is what may be received in all, > 0."""
        return cls(time.monotonic() + context.timeout_s, max_bytes, context.cancelled)

    def remaining_s(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.deadline - self.clock())


class Wire:
    """A connected socket under a budget; a context manager.

    ``received`` keeps every byte that came, as evidence.
    """

    def __init__(self, sock: socket.socket, budget: Budget, *, deadline: float) -> None:
        self._sock = sock
        self._budget = budget
        self._deadline = min(deadline, budget.deadline)
        self.received = bytearray()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; safe to call twice."""
        self._sock.close()

    def send(self, data: bytes) -> None:
        """Send all of *data*.

        Raises:
            WireError: it could not be sent in time, or the target went away.
        """
        view = memoryview(data)
        while view:
            self._prepare()
            try:
                view = view[self._sock.send(view) :]
            except TimeoutError:
                continue
            except OSError as problem:
                raise WireError(Ending.RESET, "while sending") from problem

    def receive(self) -> bytes:
        """Give the next bytes, at least one; ``b""`` when the target closed in an orderly way.

        Raises:
            WireError: time, bytes or the connection ran out.
        """
        while True:
            self._prepare()
            try:
                data = self._sock.recv(min(_READ_BYTES, self._budget.bytes_left + 1))
            except TimeoutError:
                continue
            except OSError as problem:
                raise WireError(Ending.RESET, f"after {len(self.received)} bytes") from problem
            if len(data) > self._budget.bytes_left:
                raise WireError(Ending.TOO_MUCH, f"after {len(self.received)} bytes")
            self._budget.bytes_left -= len(data)
            self.received += data
            return data

    def _prepare(self) -> None:
        if self._budget.cancelled():
            raise WireError(Ending.CANCELLED)
        left = self._deadline - self._budget.clock()
        if left <= 0:
            raise WireError(Ending.TIMED_OUT, f"after {len(self.received)} bytes")
        self._sock.settimeout(min(_SLICE_S, left))


def connect(target: Target, budget: Budget, *, per_connection_s: float) -> Wire:
    """Open one TCP connection to an IP literal and a port.

    Args:
        per_connection_s: Seconds for this connection alone, handshake and answer together.

    Raises:
        InvalidTarget: the host is not an IP literal or the port is missing or out of range.
        WireError: nobody answered.
    """
    address = parse_address(target.host)
    if target.port is None or not 1 <= target.port <= 65535:
        raise InvalidTarget(str(target.port), "a port from 1 to 65535 is needed")
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    deadline = min(budget.clock() + per_connection_s, budget.deadline)
    if budget.cancelled():
        raise WireError(Ending.CANCELLED)
    if deadline <= budget.clock():
        raise WireError(Ending.TIMED_OUT, "before connecting")
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as problem:
        raise WireError(Ending.UNREACHABLE, errno.errorcode.get(problem.errno or 0, "")) from problem
    try:
        _connect(sock, (str(address), target.port), budget, deadline)
    except BaseException:
        sock.close()
        raise
    return Wire(sock, budget, deadline=deadline)


def _connect(sock: socket.socket, address: tuple[str, int], budget: Budget, deadline: float) -> None:
    sock.settimeout(max(0.001, deadline - budget.clock()))
    try:
        sock.connect(address)
    except TimeoutError:
        raise WireError(Ending.TIMED_OUT, "while connecting") from None
    except ConnectionRefusedError:
        raise WireError(Ending.REFUSED) from None
    except ConnectionResetError:
        raise WireError(Ending.RESET, "while connecting") from None
    except OSError as problem:
        ending = Ending.TIMED_OUT if problem.errno == errno.ETIMEDOUT else Ending.UNREACHABLE
        raise WireError(ending, errno.errorcode.get(problem.errno or 0, "")) from problem
