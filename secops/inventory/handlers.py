"""Background work of the registers."""

from __future__ import annotations

from typing import Any

from secops.clock import utc_now
from secops.db import local_day
from secops.inventory import clocks
from secops.inventory.providers import tell_expired
from secops.jobs.runner import JobContext


def expire_inherited(context: JobContext) -> dict[str, Any]:
    """Job kind ``inheritance-expiry``: results whose report has ended count no longer, and that is told once."""
    now = utc_now()
    with context.transaction() as session:
        systems = tell_expired(session, today=local_day(session, now), now=now)
    return {"systems": len(systems)}


def remind(context: JobContext) -> dict[str, Any]:
    """Job kind ``clock-reminders``: dates that come near or have passed are told, each once."""
    now = utc_now()
    with context.transaction() as session:
        told = clocks.tell(session, today=local_day(session, now), now=now)
    return {"told": told}
