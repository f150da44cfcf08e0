"""The kinds of work there are: which queue, which function, how long at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from secops.jobs.runner import JobContext

Handler = Callable[["JobContext"], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Kind:
    """``handler`` is ``module:function``, imported when the first job of this kind runs.

    ``time_limit_s`` in seconds for one attempt, ``memory_limit_mb`` for what it may take beside what its process
    holds already; an attempt that reaches one of them has failed.
    """

    queue: str
    handler: str
    time_limit_s: int
    memory_limit_mb: int = 1024
    # Of these, one at a time in the whole installation: they would fill every process of a queue for hours.
    heavy: bool = False
    # Told in the same transaction when a job of this kind is over for good.
    on_end: str = ""


KINDS: dict[str, Kind] = {
    "scan": Kind("scan", "secops.scans.handlers:run_scan", 1800, on_end="secops.scans.handlers:job_ended"),
    "posture": Kind("housekeeping", "secops.posture.handlers:recompute", 300),
    "report": Kind("report", "secops.reporting.handlers:build", 600),
    "audit-verify": Kind("housekeeping", "secops.audit_log.handlers:verify", 3600, heavy=True),
    "clock-reminders": Kind("housekeeping", "secops.inventory.handlers:remind", 600),
    "inheritance-expiry": Kind("housekeeping", "secops.inventory.handlers:expire_inherited", 600),
    "selfcheck": Kind("housekeeping", "secops.selfcheck.handlers:run", 900),
    "upload-cleanup": Kind("housekeeping", "secops.evidence.handlers:clean_uploads", 300),
    "vault-scrub": Kind("housekeeping", "secops.evidence.handlers:scrub", 14400, heavy=True),
    "finding-sweep": Kind("housekeeping", "secops.findings.handlers:sweep", 900),
    "evidence-expiry": Kind("housekeeping", "secops.evidence.handlers:expire", 900),
    "backup": Kind("housekeeping", "secops.backup.handlers:run", 14400, heavy=True),
    "folder-import": Kind("import", "secops.evidence.folder:run", 3600),
    "assessment-campaign": Kind("housekeeping", "secops.assessments.handlers:begin_campaign", 1800),
    "vault-recovery": Kind("housekeeping", "secops.evidence.handlers:recover", 900),
}

QUEUES = ("scan", "import", "report", "mail", "housekeeping")


class UnknownKind(LookupError):
    """No such kind of job."""


def queue_of(kind: str, zone: str = "") -> str:
    """The queue of this kind; work in a network zone goes to that zone's own, such as ``scan.cloud``."""
    try:
        queue = KINDS[kind].queue
    except KeyError:
        raise UnknownKind(kind) from None
    return f"{queue}.{zone}" if zone else queue


def heavy_kinds() -> list[str]:
    return sorted(name for name, kind in KINDS.items() if kind.heavy)


def handler_of(kind: str) -> Handler:
    """Import the function that does this kind of work."""
    if kind not in KINDS:
        raise UnknownKind(kind)
    handler: Handler = _load(KINDS[kind].handler)
    return handler


def end_hook_of(kind: str) -> Callable[[Any, int, str, str, Any], None] | None:
    """The function ``(session, job_id, state, error, now)`` that wants to know of the end, if any."""
    spec = KINDS[kind].on_end if kind in KINDS else ""
    hook: Callable[[Any, int, str, str, Any], None] | None = _load(spec) if spec else None
    return hook


def _load(spec: str) -> Any:
    module, _, name = spec.partition(":")
    return getattr(import_module(module), name)
