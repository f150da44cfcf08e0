"""The daily verification of the audit log."""

from __future__ import annotations

from typing import Any

from secops.audit_log.checkpoints import note_check, verify_with
from secops.clock import utc_now
from secops.jobs.runner import JobContext


def verify(context: JobContext) -> dict[str, Any]:
    """Job kind ``audit-verify``: the whole chain against its head and the checkpoints outside; what is found is an event."""
    with context.transaction() as session:
        found = verify_with(context.platform, session)
        note_check(session, found, now=utc_now())
    return found.to_json()
