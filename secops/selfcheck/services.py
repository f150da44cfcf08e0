"""A run of the self-assessment as the platform keeps it: a row for the trend, and sealed evidence for its own system."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.clock import utc_now
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store_bytes
from secops.installation import platform_system
from secops.jobs.models import Job
from secops.jobs.services import enqueue
from secops.platform import Platform
from secops.scope import Principal
from secops.selfcheck.line import lines
from secops.selfcheck.models import SelfcheckRun
from secops.selfcheck.runner import Assessment, assess

KIND = "selfcheck"


def ask_for_run(session: Session, *, actor: str, now: datetime) -> Job:
    """Queue a run; an open one is given back instead of a second.

    The platform's own system carries the job. The caller's session must see it.
    """
    system = platform_system(session)
    return enqueue(
        session,
        kind=KIND,
        department_id=system.department_id,
        system_id=system.id,
        payload={},
        actor=actor,
        now=now,
        dedupe_key=KIND,
    )


def run_and_keep(
    platform: Platform, *, by: str, key: str, progress: Callable[[float, str], None] | None = None
) -> tuple[Assessment, int]:
    """Examine, seal the result into the vault as evidence, and note the run; returns it with its number.

    Args:
        key: names the run, so that a repeated attempt replaces what an interrupted one left.
    """
    assessment = assess(platform, progress=progress)
    now = utc_now()
    document = {"at": now.isoformat(), "by": by, **assessment.as_json()}
    content = json.dumps(document, ensure_ascii=False, indent=1).encode()
    with platform.work(KIND) as session:
        system_id = platform_system(session).id
    new = NewEvidence(
        system_id=system_id,
        title=f"平台自评估 {now:%Y-%m-%d %H:%M} UTC",
        file_name=f"selfcheck-{now:%Y%m%dT%H%M%SZ}.json",
        source=EvidenceSource.REPORT,
        state=EvidenceState.ACCEPTED,
        units=_units(),
        media_type="application/json",
        note="平台自评估的逐项结果。",
        origin_key=f"{KIND}:{key}",
        extra={"given_by": by},
    )
    evidence_id = store_bytes(platform, Principal.platform(KIND), new, content)
    with platform.work(KIND) as session:
        row = SelfcheckRun(
            run_at=now,
            run_by=by,
            counts=assessment.counts,
            lines=assessment.as_json()["lines"],
            evidence_id=evidence_id,
        )
        session.add(row)
        record(session, "selfcheck.run", row, now=now, detail={"counts": assessment.counts, "by": by})
        session.flush()
        return assessment, row.id


def _units() -> tuple[str, ...]:
    """Assessment units that the list speaks to, as the level-3 catalogue names them."""
    from controls.loader import load_catalog

    catalog = load_catalog()
    wanted = dict.fromkeys(f"L3-{unit}" for line in lines() for unit in line.units)
    return tuple(unit for unit in wanted if catalog.has_unit(unit))


def latest(session: Session) -> SelfcheckRun | None:
    """The newest run."""
    return session.scalars(select(SelfcheckRun).order_by(SelfcheckRun.id.desc()).limit(1)).first()


def recent_counts(session: Session, number: int = 24) -> list[tuple[datetime, dict[str, int]]]:
    """When and how the last runs ended, oldest first."""
    query = select(SelfcheckRun.run_at, SelfcheckRun.counts).order_by(SelfcheckRun.id.desc()).limit(number)
    return [(row.run_at, row.counts) for row in session.execute(query)][::-1]
