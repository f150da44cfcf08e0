"""What every probe is and what it gives back.

Knows nothing of storage, web or catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

ResultT_co = TypeVar("ResultT_co", covariant=True)


class FailureReason(StrEnum):
    """Why a probe has nothing to say; none of these is a verdict."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    CANCELLED = "cancelled"
    NOT_AUTHORISED = "not-authorised"
    AUTHENTICATION = "authentication"
    HOST_KEY_CHANGED = "host-key-changed"
    MISSING_TOOL = "missing-tool"
    PROTOCOL = "protocol"
    RESOURCE_LIMIT = "resource-limit"
    BAD_TARGET = "bad-target"
    PROBE_BUG = "probe-bug"


class NotAskedReason(StrEnum):
    """Why a probe was never started."""

    RUN_CANCELLED = "run-cancelled"
    RUN_BUDGET_SPENT = "run-budget-spent"


class TargetKind(StrEnum):
    """What part of a ``Target`` a probe reads."""

    HOST = "host"
    HOST_PORT = "host-port"
    PATH = "path"
    THIS_MACHINE = "this-machine"


@dataclass(frozen=True, slots=True)
class ProbeTraits:
    """What the engine must know of a probe before it runs it.

    ``connections`` is how many connections the probe may hold to one target at the same moment.
    ``needs_credentials`` says that the constructor wants some; a result never has a field for them.
    """

    target_kind: TargetKind = TargetKind.HOST_PORT
    connections: int = 1
    needs_credentials: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """Where to look: a host (an IP literal) and a port where the probe needs one, or a path on this machine."""

    host: str
    port: int | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Completed(Generic[ResultT_co]):
    """The probe ran to its end. ``raw`` is what it saw, kept as evidence; ``result`` what it understood."""

    result: ResultT_co
    raw: bytes = b""
    raw_media_type: str = "text/plain; charset=utf-8"
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The probe could not finish; the reason is data, not a log line."""

    reason: FailureReason
    detail: str
    raw: bytes = b""
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The probe was never started, so nothing at all is known."""

    reason: NotAskedReason
    detail: str


Attempt: TypeAlias = Completed[ResultT_co] | Failed


@dataclass(frozen=True, slots=True)
class ProbeContext:
    """What a caller lends a probe: time, a way to be stopped, a way to tell how far it is.

    ``timeout_s`` is the whole budget in seconds, > 0. ``cancelled`` is asked between steps.
    ``progress`` takes a share 0.0 to 1.0 and a short machine word for the step.
    """

    timeout_s: float
    cancelled: Callable[[], bool] = field(default=lambda: False)
    progress: Callable[[float, str], None] = field(default=lambda share, step: None)


class Probe(Protocol[ResultT_co]):
    """One thing that can be asked of a target.

    A probe class may also have a class variable ``traits`` (``ProbeTraits``); without one it is taken
    to need a host and a port, one connection and no credentials.
    """

    probe_id: ClassVar[str]

    def run(self, target: Target, context: ProbeContext) -> Attempt[ResultT_co]:
        """Ask, over at most the connections that ``scanners.limits`` allows; never raises for what a target does."""
        ...


def traits_of(probe: Probe[Any] | type[Probe[Any]]) -> ProbeTraits:
    """Give the traits of a probe or probe class, the defaults when it declares none."""
    traits = getattr(probe, "traits", None)
    return traits if isinstance(traits, ProbeTraits) else ProbeTraits()
