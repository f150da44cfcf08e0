"""A finding changes its state: the one place that writes its event and its line in the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.findings.models import Finding, FindingEvent, FindingState


def move(
    session: Session,
    finding: Finding,
    to: FindingState,
    *,
    actor: str,
    action: str,
    now: datetime,
    note: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Change the state, with its event and its line in the audit log; the caller has checked that it may."""
    before = finding.state
    finding.state = to
    finding.closed_at = now if to is FindingState.CLOSED else None
    add_event(session, finding, actor, action, now, before.value, to.value, note, detail)
    record(
        session,
        f"finding.{action}",
        finding,
        now=now,
        reason=note[:200],
        detail={"from": before.value, "to": to.value, **(detail or {})},
    )


def add_event(
    session: Session,
    finding: Finding,
    actor: str,
    action: str,
    now: datetime,
    before: str = "",
    after: str = "",
    note: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    session.add(
        FindingEvent(
            department_id=finding.department_id,
            system_id=finding.system_id,
            finding_id=finding.id,
            at=now,
            actor=actor,
            action=action,
            from_state=before,
            to_state=after,
            note=note,
            detail=detail or {},
        )
    )
