"""One step for many findings: each is taken or passed over with its reason, and nothing else is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, Refused
from secops.findings import services
from secops.findings.machine import OPEN_STATES, WORKERS
from secops.findings.models import Finding, FindingEvent, Measure, MeasureFinding
from secops.findings.moving import add_event
from secops.scope import Principal

MOST = 1000
# Steps that need nothing but words, and the two that name a person.
STEPS = ("plan", "assign", "start", "submit", "verify", "close", "return", "false-positive", "reopen")


@dataclass(frozen=True, slots=True)
class Passed:
    """A finding that the step was not taken for, and why."""

    finding_id: int
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Done:
    taken: Sequence[int]
    passed: Sequence[Passed]


def take(
    session: Session,
    ids: Sequence[int],
    name: str,
    *,
    who: Principal,
    now: datetime,
    note: str = "",
    owner: str = "",
    due: date | None = None,
) -> Done:
    """Take step *name* for each finding in scope; ids out of scope are not there.

    ``plan`` makes one measure per system that covers its findings; ``assign`` names an owner and leaves the state.

    Raises:
        BadInput: the step or what it asks for is wrong; nothing was done.
    """
    if name not in STEPS:
        raise BadInput("未知的操作。", "Unknown action.", "action")
    if len(ids) > MOST:
        raise BadInput(f"一次最多 {MOST} 条。", f"At most {MOST} at a time.", "ids")
    if name in ("plan", "assign") and not owner.strip():
        raise BadInput("请选择责任人。", "Name an owner.", "owner")
    if name == "plan" and (due is None or due < now.date()):
        raise BadInput("整改期限不能早于今天。", "The due date lies in the past.", "due")
    rows = session.scalars(select(Finding).where(Finding.id.in_(list(ids))).order_by(Finding.id)).all()
    submitters = _submitters(session, [row.id for row in rows]) if name == "verify" else {}
    taken: list[Finding] = []
    passed: list[Passed] = []
    for row in rows:
        try:
            _one(session, row, name, who=who, now=now, note=note, owner=owner, submitters=submitters)
        except (Refused, Conflict) as error:
            passed.append(Passed(row.id, error.zh, error.en))
        else:
            taken.append(row)
    if name == "plan" and due is not None:
        _measures(session, taken, note, owner, due, who, now)
    session.flush()
    return Done([row.id for row in taken], passed)


def _one(
    session: Session, row: Finding, name: str, *, who: Principal, now: datetime, note: str, owner: str,
    submitters: Mapping[int, str],
) -> None:  # fmt: skip
    if name == "assign":
        if not who.has("platform", *WORKERS):
            raise Refused("您的角色不能执行这一步。", "Your role does not include this step.")
        if row.state not in OPEN_STATES:
            raise Refused("问题当前的状态不允许这一步。", "The finding's state does not allow this step.")
        before, row.owner = row.owner, owner.strip()
        detail: dict[str, Any] = {"from": before, "to": row.owner}
        add_event(session, row, who.name, "assign", now, note=row.owner, detail=detail)
        record(session, "finding.assign", row, now=now, detail=detail)
        return
    if submitters.get(row.id) == who.name:
        raise Refused(
            "整改结果须由提交人以外的人确认。", "Somebody else than who handed it in confirms a fix."
        )
    services.act(session, row, name, who=who, now=now, note=note)


def _submitters(session: Session, ids: list[int]) -> dict[int, str]:
    query = (
        select(FindingEvent.finding_id, FindingEvent.actor)
        .where(FindingEvent.finding_id.in_(ids), FindingEvent.action == "submit")
        .order_by(FindingEvent.id)
    )
    return {row.finding_id: row.actor for row in session.execute(query)}


def _measures(
    session: Session, rows: Sequence[Finding], text: str, owner: str, due: date, who: Principal, now: datetime
) -> None:
    by_system: dict[int, list[Finding]] = {}
    for row in rows:
        row.owner, row.due = owner.strip(), due
        by_system.setdefault(row.system_id, []).append(row)
    for system_id, found in by_system.items():
        base = {"department_id": found[0].department_id, "system_id": system_id}
        measure = Measure(
            **base,
            text=text.strip(),
            owner=owner.strip(),
            due=due,
            cost=None,
            created_by=who.name,
            created_at=now,
        )
        session.add(measure)
        session.flush()
        session.add_all(MeasureFinding(**base, measure_id=measure.id, finding_id=row.id) for row in found)
        record(
            session, "measure.create", measure, now=now,
            detail={"findings": len(found), "first": found[0].id, "due": due.isoformat()},
        )  # fmt: skip
