"""What a crash can leave of uploads and deletions, told from two listings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from secops.evidence.store import BlobRef
from smcrypto.container import sealed_size_of


class ActionKind(StrEnum):
    """What recovery found and did. The caller's part is in the comment behind each."""

    PROMOTED = "promoted"  # blob whole and in place: commit the row as ok, with its event
    ABANDONED = "abandoned"  # nothing was written: remove the pending row or mark it failed
    STAGED_REMOVED = "staged-removed"  # nothing to do
    SHREDDED = "shredded"  # a deletion was finished: nothing to do
    QUARANTINED = "quarantined"  # bytes without a row, set aside: tell a person
    MISSING = "missing"  # a row that was ok has no blob: mark damaged, alarm
    DAMAGED = "damaged"  # the blob is not what the row says: mark damaged, alarm
    UNREADABLE = "unreadable"  # could not be looked at, for example without its key: try again, alarm
    LIVE = "live"  # its writer is at work: nothing to do


@dataclass(frozen=True, slots=True)
class RecoveryAction:
    """One thing that recovery found; ``detail`` is a short English phrase for the log."""

    kind: ActionKind
    blob_id: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RowListing:
    """The rows as the database has them: upload not finished, finished, and deleted but perhaps not yet shredded."""

    pending: tuple[BlobRef, ...] = ()
    ok: tuple[BlobRef, ...] = ()
    deleted: tuple[str, ...] = ()


class Step(StrEnum):
    """What is to be done about one id."""

    FINISH = "finish"
    CHECK_MISSING = "check-missing"
    CHECK_SIZE = "check-size"
    REMOVE_STAGED = "remove-staged"
    SET_ASIDE = "set-aside"
    SHRED = "shred"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of a recovery, before anything was touched."""

    step: Step
    blob_id: str
    ref: BlobRef | None = None


def plan_recovery(
    rows: RowListing, published: dict[str, int], staged: frozenset[str]
) -> tuple[PlannedStep, ...]:
    """Compare rows with blobs; pure.

    The listing of blobs must be **older** than the listing of rows: a row is committed before its blob is published,
    so a blob that was seen has a row that will be seen.

    Args:
        rows: From the database.
        published: Id → bytes of the container.
        staged: Ids.
    """
    steps: list[PlannedStep] = []
    known = {ref.blob_id for ref in (*rows.pending, *rows.ok)}
    steps += [PlannedStep(Step.FINISH, ref.blob_id, ref) for ref in rows.pending]
    for ref in rows.ok:
        if ref.blob_id not in published:
            steps.append(PlannedStep(Step.CHECK_MISSING, ref.blob_id, ref))
        elif published[ref.blob_id] != sealed_size_of(ref.size):
            steps.append(PlannedStep(Step.CHECK_SIZE, ref.blob_id, ref))
    deleted = frozenset(rows.deleted) - known
    steps += [PlannedStep(Step.SHRED, blob_id) for blob_id in published if blob_id in deleted]
    steps += [PlannedStep(Step.REMOVE_STAGED, blob_id) for blob_id in sorted(staged - known)]
    strangers = published.keys() - known - deleted
    steps += [PlannedStep(Step.SET_ASIDE, blob_id) for blob_id in sorted(strangers)]
    return tuple(steps)
