"""Posture recompute as a job."""

from __future__ import annotations

from typing import Any

from secops.clock import utc_now
from secops.jobs.runner import JobContext
from secops.objects.services import get_system
from secops.posture.services import recompute as recompute_system


def recompute(context: JobContext) -> dict[str, Any]:
    """Job kind ``posture``: payload ``{"system_id"}``."""
    with context.transaction() as session:
        system = get_system(session, int(context.claim.payload["system_id"]))
        summary = recompute_system(session, system, now=utc_now())
    return {"examined_share": str(summary.examined_share) if summary else None}
