"""The demo's assessment: begun over the real targets, with what the scans propose taken over for people to go on."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.assessments.deciding import decide_many, load_frame
from secops.assessments.models import Assessment
from secops.assessments.planning import Plan, create
from secops.clock import utc_now
from secops.objects.models import Asset, System


def begin(session: Session, system: System) -> tuple[Assessment, int]:
    """The system's assessment, begun when there is none; returns how many proposals it took over now.

    One transaction, so an interrupted run leaves no half of it. Texts stay drafts: no person has read them.
    """
    found = session.scalar(
        select(Assessment).where(Assessment.system_id == system.id).order_by(Assessment.id)
    )
    if found is not None:
        return found, 0
    assets = session.scalars(select(Asset.id).where(Asset.system_id == system.id)).all()
    now = utc_now()
    found = create(session, system, Plan(title="演示：年度等级测评自评估", assets=assets), now=now)
    frame = load_frame(session, found)
    return found, decide_many(session, found, frame, frame.cells(), verdict=None, now=now).changed
