"""Background work of findings."""

from __future__ import annotations

from typing import Any

from secops.clock import utc_now
from secops.db import local_day
from secops.findings import acceptance
from secops.jobs.runner import JobContext


def sweep(context: JobContext) -> dict[str, Any]:
    """Job kind ``finding-sweep``: accepted risks that are over, or have grown, are open again."""
    now = utc_now()
    with context.transaction() as session:
        return acceptance.sweep(session, today=local_day(session, now), now=now)
