"""A campaign of assessments as a job."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from secops.accounts.services import acting_for
from secops.assessments.models import Assessment, AssessmentCampaign, AssessmentState
from secops.assessments.planning import MAX_CAMPAIGN, Plan, create_campaign
from secops.clock import utc_now
from secops.errors import Refused
from secops.jobs.runner import JobContext
from secops.objects.models import System


def begin_campaign(context: JobContext) -> dict[str, Any]:
    """Job kind ``assessment-campaign``: payload ``{"systems", "title", "edition"}``.

    In the name of the job's actor. A system whose assessment still runs is left out and named in the result.
    """
    payload = context.claim.payload
    now = utc_now()
    with context.transaction() as session:
        who = acting_for(session, context.claim.actor, now)
        if who is None:
            raise Refused("计划的建立人已停用。", "The owner of the schedule is disabled.")
        session.info["principal"] = who
        made = session.scalar(
            select(AssessmentCampaign.id).where(
                AssessmentCampaign.title == payload["title"], AssessmentCampaign.created_by == who.name
            )
        )
        if made is not None:
            # An earlier attempt got as far as this.
            return {"campaign": made}
        systems = session.scalars(
            select(System)
            .where(System.id.in_(payload["systems"]), System.profile != "")
            .order_by(System.code)
        ).all()
        running = set(
            session.scalars(
                select(Assessment.system_id).where(
                    Assessment.system_id.in_([one.id for one in systems]),
                    Assessment.state == AssessmentState.RUNNING,
                )
            )
        )
        free = [one for one in systems if one.id not in running][:MAX_CAMPAIGN]
        if not free:
            raise Refused(
                "没有可开始测评的系统：未定级，或上一次测评仍在进行。",
                "No system to begin with: none is classified, or their last assessment still runs.",
            )
        plan = Plan(edition=payload["edition"], title=payload["title"])
        campaign, begun = create_campaign(session, free, plan, now=now)
        return {"campaign": campaign.id, "assessments": len(begun), "left_out": sorted(running)}
