"""Which units bind a system, what a person took out and why, and what another level would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controls.applicability import Decision
from controls.catalog import AssessmentUnit
from controls.errors import ControlsError
from controls.terms import LevelProfile, Scope
from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.inventory.models import ExclusionState, UnitExclusion
from secops.objects.models import Asset, System
from secops.posture.catalogue import selection_for
from secops.posture.services import recompute
from secops.scope import principal_of

S = ExclusionState
OPEN_STATES = (S.REQUESTED, S.APPROVED)


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of the catalogue with whether it binds the system."""

    decision: Decision
    targets: int
    exclusion: UnitExclusion | None
    position: int

    @property
    def unit(self) -> AssessmentUnit:
        return self.decision.unit

    @property
    def state(self) -> str:
        """``in``, ``out`` (the level or extension does not ask it), ``excluded`` or ``asked`` (waits for a second person)."""
        if not self.decision.included:
            return "out"
        if self.exclusion is None:
            return "in"
        return "excluded" if self.exclusion.state is S.APPROVED else "asked"


def rows_of(session: Session, system: System) -> list[Row]:
    """Every unit of the level and its extensions, in or out, with why; two queries."""
    if not system.profile:
        return []
    selection = selection_for(system.profile, tuple(system.extensions))
    open_ones = {row.unit_id: row for row in open_exclusions(session, system.id)}
    kinds = _kinds(session, system.id)
    return [
        Row(
            decision,
            sum(kinds.get(kind.value, 0) for kind in decision.unit.targets),
            open_ones.get(str(decision.unit.id)),
            place,
        )
        for place, decision in enumerate(selection.decisions)
    ]


def _kinds(session: Session, system_id: int) -> dict[str, int]:
    query = select(Asset.kind, func.count()).where(Asset.system_id == system_id).group_by(Asset.kind)
    return {row[0]: row[1] for row in session.execute(query)}


def open_exclusions(session: Session, system_id: int) -> Sequence[UnitExclusion]:
    return session.scalars(
        select(UnitExclusion)
        .where(UnitExclusion.system_id == system_id, UnitExclusion.state.in_(OPEN_STATES))
        .order_by(UnitExclusion.id)
    ).all()


def request_exclusion(
    session: Session, system: System, units: Sequence[str], *, reason: str, actor: str, now: datetime
) -> list[UnitExclusion]:
    """Ask that units do not apply; nothing changes until somebody else approves.

    Raises:
        BadInput: no reason, or a unit that does not bind the system or is asked for already.
    """
    if len(reason.strip()) < 4:
        raise BadInput(
            "请写明不适用的理由（至少 4 个字）。",
            "Say why it does not apply (4 characters or more).",
            "reason",
        )
    known = (
        {str(unit.id) for unit in selection_for(system.profile, tuple(system.extensions)).units}
        if system.profile
        else set()
    )
    taken = {row.unit_id for row in open_exclusions(session, system.id)}
    made = []
    for unit_id in dict.fromkeys(units):
        if unit_id not in known or unit_id in taken:
            raise BadInput(
                f"{unit_id} 不适用于该系统，或已在申请中。",
                f"{unit_id} does not bind the system or is asked for already.",
                "units",
            )
        row = UnitExclusion(
            department_id=system.department_id, system_id=system.id, unit_id=unit_id, reason=reason.strip()[:400],
            state=S.REQUESTED, requested_by=actor, requested_at=now,
        )  # fmt: skip
        session.add(row)
        record(session, "exclusion.request", row, now=now, reason=reason[:200], detail={"unit": unit_id})
        made.append(row)
    if not made:
        raise BadInput("请选择控制项。", "Choose items.", "units")
    session.flush()
    return made


def decide(
    session: Session, exclusion_id: int, *, approve: bool, actor: str, note: str, now: datetime
) -> UnitExclusion:
    """Approve or refuse; whoever asked never decides.

    Raises:
        NotFound, Refused, BadInput, Conflict
    """
    row = _get(session, exclusion_id)
    if row.state is not S.REQUESTED:
        raise Conflict
    if not principal_of(session).has("platform", "officer", "assessor"):
        raise Refused("由网络安全专员或测评人员审批。", "A security officer or an assessor decides.")
    if row.requested_by == actor:
        raise Refused("申请人不能审批自己的申请。", "Nobody decides on their own request.")
    if not approve and not note.strip():
        raise BadInput("拒绝须写明理由。", "Say why it is refused.", "note")
    row.state = S.APPROVED if approve else S.REFUSED
    row.decided_by, row.decided_at, row.decision_note = actor, now, note.strip()[:400]
    record(
        session, "exclusion.approve" if approve else "exclusion.refuse", row, now=now, reason=note[:200],
        detail={"unit": row.unit_id},
    )  # fmt: skip
    session.flush()
    if approve:
        recompute(session, session.get_one(System, row.system_id), now=now, only={row.unit_id})
    return row


def withdraw(session: Session, exclusion_id: int, *, actor: str, reason: str, now: datetime) -> UnitExclusion:
    """Take an exclusion back: the unit binds again.

    Raises:
        NotFound, BadInput, Conflict
    """
    row = _get(session, exclusion_id)
    if row.state not in OPEN_STATES:
        raise Conflict
    if not reason.strip():
        raise BadInput("请写明理由。", "Say why.", "reason")
    was = row.state
    row.state = S.WITHDRAWN
    record(session, "exclusion.withdraw", row, now=now, reason=reason[:200], detail={"unit": row.unit_id})
    session.flush()
    if was is S.APPROVED:
        recompute(session, session.get_one(System, row.system_id), now=now, only={row.unit_id})
    return row


def _get(session: Session, exclusion_id: int) -> UnitExclusion:
    row = session.scalar(select(UnitExclusion).where(UnitExclusion.id == exclusion_id))
    if row is None:
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class Change:
    """What another profile or other extensions would ask: units that come, units that go."""

    profile: str
    extensions: tuple[str, ...]
    count: int
    more: tuple[AssessmentUnit, ...]
    less: tuple[AssessmentUnit, ...]


def what_if(system: System, profile: str, extensions: Sequence[str]) -> Change:
    """Compare today's units with those of *profile* and *extensions*, by requirement family.

    Raises:
        BadInput: no such profile.
    """
    wanted = tuple(scope.value for scope in Scope if scope.value in extensions)
    try:
        LevelProfile.parse(profile)
        new = selection_for(profile, wanted).units
    except ControlsError as error:
        raise BadInput(
            f"级别写作 S2A3G3 的形式：{error}", f"Write the profile like S2A3G3: {error}", "profile"
        ) from None
    old = selection_for(system.profile, tuple(system.extensions)).units if system.profile else ()
    had, has = {unit.family for unit in old}, {unit.family for unit in new}
    return Change(
        profile,
        wanted,
        len(new),
        tuple(unit for unit in new if unit.family not in had),
        tuple(unit for unit in old if unit.family not in has),
    )
