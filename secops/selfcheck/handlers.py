"""The job of the self-assessment."""

from __future__ import annotations

from typing import Any

from secops.jobs.runner import JobContext
from secops.selfcheck.services import run_and_keep


def run(context: JobContext) -> dict[str, Any]:
    """Job kind ``selfcheck``."""
    claim = context.claim
    assessment, run_id = run_and_keep(
        context.platform, by=claim.actor, key=str(claim.job_id), progress=context.progress
    )
    return {"run": run_id, "counts": assessment.counts}
