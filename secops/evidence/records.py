"""What happens to a piece of evidence after it was taken in: comments, links, use in another system, expiry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.clock import utc_now
from secops.errors import BadInput, Refused
from secops.evidence.models import (
    BlobState,
    Evidence,
    EvidenceComment,
    EvidenceLink,
    EvidenceSource,
    EvidenceState,
)
from secops.evidence.services import EDITION, NewEvidence, blob_ref, check_units, get_visible, store
from secops.objects.models import System
from secops.platform import Platform
from secops.posture.services import recompute
from secops.scope import Principal


def comment(session: Session, evidence_id: int, text: str, *, actor: str, now: datetime) -> EvidenceComment:
    """Add a word to one piece of evidence.

    Raises:
        NotFound, BadInput
    """
    evidence = get_visible(session, evidence_id)
    words = text.strip()
    if not words or len(words) > 1000:
        raise BadInput("评论为 1 到 1000 字。", "A comment has 1 to 1,000 characters.", "text")
    row = EvidenceComment(
        department_id=evidence.department_id,
        system_id=evidence.system_id,
        evidence_id=evidence.id,
        author=actor,
        at=now,
        text=words,
    )
    session.add(row)
    record(session, "evidence.comment", evidence, now=now)
    session.flush()
    return row


def relink(session: Session, evidence_id: int, units: Sequence[str], *, now: datetime) -> set[str]:
    """Make *units* the ones that the evidence speaks to; links at a single target stay. Returns what changed.

    Raises:
        NotFound, BadInput
        Refused: it is out of force.
    """
    evidence = get_visible(session, evidence_id)
    if evidence.state in (EvidenceState.SUPERSEDED, EvidenceState.EXPIRED):
        raise Refused("已失效的证据不能再关联。", "Evidence that is out of force gets no new links.")
    check_units(units)
    rows = session.scalars(
        select(EvidenceLink).where(EvidenceLink.evidence_id == evidence_id, EvidenceLink.asset_id.is_(None))
    ).all()
    have, want = {row.unit_id for row in rows}, set(units)
    for row in rows:
        if row.unit_id not in want:
            session.delete(row)
    for unit in sorted(want - have):
        session.add(
            EvidenceLink(
                department_id=evidence.department_id,
                system_id=evidence.system_id,
                evidence_id=evidence.id,
                edition=EDITION,
                unit_id=unit,
            )
        )
    if changed := have ^ want:
        detail = {"added": sorted(want - have), "removed": sorted(have - want)}
        record(session, "evidence.link", evidence, now=now, detail=detail)
        session.flush()
        recompute(session, session.get_one(System, evidence.system_id), now=now, only=changed)
    return have ^ want


def reuse(
    platform: Platform,
    principal: Principal,
    evidence_id: int,
    *,
    system_id: int,
    units: tuple[str, ...],
    request_id: int | None = None,
) -> int:
    """Give the same bytes as evidence of another system, sealed anew under that system; returns the new id.

    A copy rather than a shared row: scope, sensitivity and decision of each system stay its own.

    Raises:
        NotFound: evidence, system or request is not in this person's scope.
        Refused: it is out of force, or the system has it already.
    """
    with platform.work_as(principal) as session:
        old = get_visible(session, evidence_id)
        if old.state in (EvidenceState.RETURNED, EvidenceState.SUPERSEDED, EvidenceState.EXPIRED):
            raise Refused(
                "已退回或失效的证据不能复用。", "Evidence returned or out of force can't be used again."
            )
        same = select(Evidence.id).where(
            Evidence.system_id == system_id, Evidence.sm3 == old.sm3, Evidence.blob_state == BlobState.OK
        )
        if session.scalar(same.limit(1)) is not None:
            raise Refused(
                "该系统已有内容相同的证据。", "That system has evidence of the same content already."
            )
        new = NewEvidence(
            system_id=system_id,
            title=old.title,
            file_name=old.file_name,
            source=EvidenceSource.REUSE,
            state=EvidenceState.SUBMITTED,
            units=units,
            note=old.note,
            media_type=old.media_type,
            effective_from=old.effective_from,
            effective_until=old.effective_until,
            reused_from=old.id,
            request_id=request_id,
            document_kind=old.document_kind,
            document=dict(old.document),
        )
        record(session, "evidence.read", old, now=utc_now(), reason="reuse")
    with platform.vault.open(blob_ref(old), verify_first=True) as blob:
        return store(platform, principal, new, _Joined(blob))


class _Joined:
    """Pieces as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def expire_due(session: Session, *, today: date, now: datetime) -> list[int]:
    """Mark living evidence whose period is over; returns the systems whose posture that changes."""
    query = select(Evidence).where(
        Evidence.state.in_((EvidenceState.SUBMITTED, EvidenceState.ACCEPTED)),
        Evidence.effective_until < today,
    )
    systems: set[int] = set()
    for row in session.scalars(query):
        row.state = EvidenceState.EXPIRED
        record(session, "evidence.expire", row, now=now, detail={"until": str(row.effective_until)})
        systems.add(row.system_id)
    session.flush()
    return sorted(systems)
