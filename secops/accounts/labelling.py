"""Set the label of a record, and note that grants were looked through."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.accounts.administration import require_reason
from secops.accounts.models import RoleGrant
from secops.audit_log.services import record
from secops.errors import BadInput
from secops.evidence.models import Evidence
from secops.objects.models import System
from secops.scope import Principal
from secops.sensitivity import Sensitivity


def set_label(
    session: Session, item: System | Evidence, label: Sensitivity, *, reason: str, now: datetime
) -> None:
    """Give a system or a piece of evidence another label; in force with the next question that anybody asks.

    Raises:
        BadInput: no reason, or it has this label already.
    """
    reason = require_reason(reason)
    before = Sensitivity(item.sensitivity)
    if label == before:
        raise BadInput("标记没有变化。", "It has this label already.", "to")
    item.sensitivity = int(label)
    record(
        session,
        "label.change",
        item,
        object_id=item.code if isinstance(item, System) else str(item.id),
        now=now,
        reason=reason,
        detail={"from": before.word, "to": label.word},
    )
    session.flush()


def confirm_grants(session: Session, ids: list[int], *, by: Principal, now: datetime) -> int:
    """Note that these grants are still needed; one's own are left for somebody else.

    Raises:
        BadInput: none of them is a grant in force that this person may review.
    """
    grants = [
        grant
        for grant in session.scalars(
            select(RoleGrant).where(RoleGrant.id.in_(ids), RoleGrant.revoked_at.is_(None))
        )
        if grant.user_id != by.user_id
    ]
    if not grants:
        raise BadInput(
            "请先选择要复核的授权；自己的授权由他人复核。",
            "Choose grants first; your own are for somebody else.",
        )
    for grant in grants:
        grant.reviewed_at = now
        grant.reviewed_by = by.name
    record(
        session,
        "review.confirm",
        now=now,
        object_type="RoleGrant",
        object_id=str(len(grants)),
        detail={"grants": [grant.id for grant in grants]},
    )
    session.flush()
    return len(grants)
