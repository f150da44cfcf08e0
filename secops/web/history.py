"""What the audit log tells of one row, for those who may see that row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.audit_log.models import AuditEvent
from secops.web.labels import label
from secops.web.people import names_of, shown

_TONES = {"refused": "bad", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One step, as the timeline macro reads it."""

    time: datetime
    title: str
    text: str
    tone: str
    who: str
    action: str
    detail: dict[str, Any]


def history(
    session: Session, kind: str, row_id: int, *, without: frozenset[str] = frozenset(), limit: int = 50
) -> list[Entry]:
    """The newest events about one row, newest first; two queries. The caller has checked that the row is in scope."""
    query = (
        select(AuditEvent)
        .where(AuditEvent.object_id == str(row_id), AuditEvent.object_type == kind)
        .order_by(AuditEvent.seq.desc())
        .limit(limit)
    )
    if without:
        query = query.where(AuditEvent.action.not_in(without))
    events = session.scalars(query).all()
    names = names_of(session, [event.actor for event in events])
    return [
        Entry(
            time=event.at,
            title=label("audit_action", event.action).text,
            text=event.reason,
            tone=_TONES.get(event.result, "plain"),
            who=shown(event.actor, names),
            action=event.action,
            detail=event.detail,
        )
        for event in events
    ]
