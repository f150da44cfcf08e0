"""Vault recovery as a job: what a crash left of uploads is brought to one of its two ends."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from secops.audit_log.services import record
from secops.clock import utc_now
from secops.db import local_day
from secops.evidence import uploads
from secops.evidence.models import BlobState, Evidence
from secops.evidence.records import expire_due
from secops.evidence.recovery import ActionKind, RecoveryAction, RowListing
from secops.evidence.services import blob_ref, complete
from secops.evidence.vault import ScrubOutcome
from secops.jobs.runner import JobContext
from secops.objects.models import System
from secops.platform import Platform
from secops.posture.services import recompute


def recover(context: JobContext) -> dict[str, Any]:
    """Job kind ``vault-recovery``."""
    return recover_vault(context.platform)


def expire(context: JobContext) -> dict[str, Any]:
    """Job kind ``evidence-expiry``: what is over its period is marked, and the posture worked out without it."""
    now = utc_now()
    with context.transaction() as session:
        systems = expire_due(session, today=local_day(session, now), now=now)
        for system_id in systems:
            recompute(session, session.get_one(System, system_id), now=now)
    return {"systems": len(systems)}


def clean_uploads(context: JobContext) -> dict[str, Any]:
    """Job kind ``upload-cleanup``: uploads that nobody went on with for a day."""
    return {"removed": uploads.clean(context.platform, now=utc_now())}


SCRUB_BYTES_PER_S = 50 * 1024 * 1024


def scrub(context: JobContext) -> dict[str, Any]:
    """Job kind ``vault-scrub``: every blob is read to its end and compared with its row, at a gentle pace."""
    return scrub_vault(context.platform)


def scrub_vault(platform: Platform) -> dict[str, Any]:
    """What is damaged is marked, told of once, and shown no more; what could not be read is told of and tried again."""
    with platform.work("vault-scrub") as session:
        rows = session.scalars(
            select(Evidence).where(Evidence.blob_state == BlobState.OK).order_by(Evidence.id)
        )
        refs = [blob_ref(row) for row in rows]
    counts: dict[str, Any] = {outcome.value: 0 for outcome in ScrubOutcome}
    for result in platform.vault.scrub(
        refs, bytes_per_s=SCRUB_BYTES_PER_S, clock=time.monotonic, sleep=time.sleep
    ):
        counts[result.outcome.value] += 1
        if result.outcome is ScrubOutcome.OK:
            continue
        with platform.work("vault-scrub") as session:
            row = session.scalar(select(Evidence).where(Evidence.blob_id == result.blob_id))
            if row is None or row.blob_state is not BlobState.OK:
                # Deleted while it was being read.
                continue
            if result.outcome is not ScrubOutcome.UNREADABLE:
                row.blob_state = BlobState.DAMAGED
            word = f"vault.{result.outcome.value}"
            record(session, word, row, now=utc_now(), result="failed", reason=result.detail[:400])
    return counts


def recover_vault(platform: Platform) -> dict[str, Any]:
    """Compare rows and blobs and mend; safe beside running uploads. Returns how many of each kind were found."""
    actions = platform.vault.recover(lambda: _listing(platform))
    counts: dict[str, Any] = {}
    for action in actions:
        counts[action.kind.value] = counts.get(action.kind.value, 0) + 1
        _apply(platform, action)
    return counts


def _listing(platform: Platform) -> RowListing:
    with platform.work("vault-recovery") as session:
        rows = session.scalars(select(Evidence)).all()
        return RowListing(
            pending=tuple(blob_ref(row) for row in rows if row.blob_state is BlobState.PENDING),
            ok=tuple(blob_ref(row) for row in rows if row.blob_state is BlobState.OK),
            deleted=tuple(row.blob_id for row in rows if row.blob_state is BlobState.SHREDDED),
        )


_SILENT = frozenset({ActionKind.STAGED_REMOVED, ActionKind.SHREDDED, ActionKind.LIVE})


def _apply(platform: Platform, action: RecoveryAction) -> None:
    if action.kind in _SILENT:
        return
    now = utc_now()
    with platform.work("vault-recovery") as session:
        row = session.scalar(select(Evidence).where(Evidence.blob_id == action.blob_id))
        word = f"vault.{action.kind.value}"
        if row is None:
            record(session, word, now=now, object_type="Blob", object_id=action.blob_id, result="failed")
        elif action.kind is ActionKind.PROMOTED:
            complete(platform, session, row, now=now)
        else:
            if action.kind in (ActionKind.DAMAGED, ActionKind.MISSING, ActionKind.ABANDONED):
                row.blob_state = BlobState.DAMAGED
            record(session, word, row, now=now, result="failed", reason=action.detail)
