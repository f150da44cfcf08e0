"""Rotation of the main key: new data uses the new one at once, what lies in the vault follows row by row.

Each row tells by its own header which key it is under, so a run that was cut off goes on by itself. Old main keys stay:
the MACs of older audit records are under them.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from secops.audit_log.services import record
from secops.clock import utc_now
from secops.evidence.models import BlobState, Evidence
from secops.evidence.services import blob_ref
from secops.platform import Platform

BATCH = 100


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """``done`` headers are new, ``current`` were already."""

    done: int
    current: int


def rotate(platform: Platform) -> str:
    """Make the next main key; returns its id. The vault follows by :func:`rewrap_vault`."""
    before = platform.keys.current_kid
    kid = platform.keys.rotate_main_key()
    with platform.work("key-rotation") as session:
        record(
            session, "keys.rotate", now=utc_now(), object_type="Key", object_id=kid, detail={"before": before}
        )
    return kid


def rewrap_vault(platform: Platform) -> Rewrapped:
    """Bring every data key under the current main key.

    The row first, since its header counts before the one in the file; a cut in between leaves a file whose old header
    opens as well.
    """
    done = current = last = 0
    kept = Evidence.blob_state.in_((BlobState.OK, BlobState.DAMAGED))
    while True:
        fresh: list[tuple[str, bytes]] = []
        with platform.work("key-rewrap") as session:
            query = select(Evidence).where(kept, Evidence.id > last).order_by(Evidence.id).limit(BATCH)
            rows = session.scalars(query.with_for_update()).all()
            if not rows:
                return Rewrapped(done, current)
            for row in rows:
                header = platform.vault.rewrap(blob_ref(row))
                if header is None:
                    current += 1
                    continue
                row.blob_header = header
                fresh.append((row.blob_id, header))
            last = rows[-1].id
            if fresh:
                detail = {"count": len(fresh), "up_to": last}
                kid = platform.keys.current_kid
                record(session, "keys.rewrap", now=utc_now(), object_type="Key", object_id=kid, detail=detail)
        for blob_id, header in fresh:
            platform.vault.write_header(blob_id, header)
        done += len(fresh)
