"""Import of a register: a plan of every row first, nothing written while one row is wrong."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.errors import BadInput, NotFound
from secops.inventory import services
from secops.inventory.models import ImportDraft
from secops.inventory.registers import REGISTERS, Register
from secops.inventory.services import Places, Values
from secops.inventory.sheets import cells_of, head_of, read_sheet
from secops.jobs.services import enqueue
from secops.objects.models import Asset, System
from secops.posture.services import recompute
from secops.scope import ScopeViolation, principal_of
from secops.web.lang import language
from smcrypto.sm3 import hexdigest

KEPT = timedelta(days=1)
# With more changed rows than this the postures follow in the background.
AT_ONCE = 50
MAX_ERRORS = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: the row as the sheet counts it, from 1 with the head; the title of the column or ""."""

    row: int
    column: str
    zh: str
    en: str

    @property
    def text(self) -> str:
        return self.zh if language() == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one row: ``create``, ``update`` or ``same``, with the fields that change."""

    row: int
    action: str
    name: str
    values: Values
    target: Any
    changes: dict[str, tuple[Any, Any]]


@dataclass
class Plan:
    """The whole file. Rows with a fault are not among ``rows``; ``total`` counts all that are filled in."""

    register: Register
    rows: list[Planned] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    total: int = 0
    more_faults: int = 0

    def count(self, action: str) -> int:
        return sum(1 for one in self.rows if one.action == action)

    @property
    def faulty_rows(self) -> int:
        return len({fault.row for fault in self.faults})

    @property
    def digest(self) -> str:
        """Changes when the store no longer is what the preview showed."""
        told = [
            (one.row, one.action, one.name, sorted((k, str(v)) for k, v in one.changes.items()))
            for one in self.rows
        ]
        return hashlib.sha256(json.dumps(told, ensure_ascii=True).encode()).hexdigest()[:32]

    def add_fault(self, row: int, column: str, error: BadInput) -> None:
        if len(self.faults) < MAX_ERRORS:
            self.faults.append(Fault(row, column, error.zh, error.en))
        else:
            self.more_faults += 1


def plan_import(session: Session, register: Register, rows: list[list[Any]]) -> Plan:
    """Check every row against the register and the store; a constant number of queries for each 500 rows.

    Raises:
        BadInput: the head is not that of the register.
    """
    if not rows:
        raise BadInput("文件里没有内容。", "The file holds nothing.", "file")
    head = head_of(register, rows[0])
    plan = Plan(register)
    places = Places(session)
    if "system" in head:
        places.load_systems(str(cells_of(head, row).get("system") or "").strip() for row in rows[1:])
    good: list[tuple[int, Values]] = []
    for number, row in enumerate(rows[1:], start=2):
        if any(cell not in (None, "") for cell in row):
            plan.total += 1
            values, errors = services.read_values(register, cells_of(head, row), places)
            for error in errors:
                plan.add_fault(number, _title(register, error.field), error)
            if not errors:
                good.append((number, values))
    _match(session, plan, good, head)
    return plan


def _title(register: Register, key: str) -> str:
    return next((one.title for one in register.fields if one.key == key), "")


def _match(session: Session, plan: Plan, good: list[tuple[int, Values]], head: dict[str, int]) -> None:
    register = plan.register
    known = services.existing(register, session, [values for _, values in good])
    seen: dict[tuple[Any, ...], int] = {}
    for number, values in good:
        identity = services.identity_of(register, values)
        if identity in seen:
            error = BadInput(f"与第 {seen[identity]} 行重复。", f"The same as row {seen[identity]}.")
            plan.add_fault(number, _title(register, register.identity[-1]), error)
            continue
        seen[identity] = number
        target = known.get(identity)
        # A column that the file leaves out says nothing: the value stays.
        given = {key: value for key, value in values.items() if key in head}
        changes = services.differences(register, target, given) if target is not None else {}
        action = "create" if target is None else "update" if changes else "same"
        plan.rows.append(Planned(number, action, _name(register, values), values, target, changes))


def _name(register: Register, values: Values) -> str:
    words = [
        register.field(key).words(getattr(values[key], "code", values[key])) for key in register.identity
    ]
    return " · ".join(word for word in words if word)


def apply(session: Session, plan: Plan, *, file_name: str, sm3: str, now: datetime) -> dict[str, int]:
    """Write the plan in this transaction: every row with its own event, and one for the file.

    Raises:
        BadInput: a row is wrong, so nothing is written.
    """
    if plan.faults:
        raise BadInput(
            f"文件有 {plan.faulty_rows} 行需要更正，未导入任何内容。",
            f"{plan.faulty_rows} rows need mending; nothing was imported.",
            "file",
        )
    touched: set[int] = set()
    for one in plan.rows:
        if one.action != "same":
            _write(session, plan.register, one, now, touched)
    counts = {action: plan.count(action) for action in ("create", "update", "same")}
    record(
        session, "inventory.import", now=now, object_type="register", object_id=plan.register.key,
        detail={"file": file_name[:160], "sm3": sm3, **counts},
    )  # fmt: skip
    session.flush()
    _follow(session, touched, counts["create"] + counts["update"], now)
    return counts


def _follow(session: Session, touched: set[int], changed: int, now: datetime) -> None:
    """Bring the postures up to date: at once for a few rows, else as background work, a job for each system."""
    actor = principal_of(session).name
    for system_id in sorted(touched):
        system = session.get_one(System, system_id)
        if changed <= AT_ONCE:
            recompute(session, system, now=now)
        elif system.profile:
            enqueue(
                session, kind="posture", department_id=system.department_id, system_id=system.id,
                payload={"system_id": system.id}, actor=actor, now=now, cause="import",
                dedupe_key=f"posture:{system.id}",
            )  # fmt: skip


def _write(session: Session, register: Register, one: Planned, now: datetime, touched: set[int]) -> None:
    try:
        row = services.write_row(session, register, one.target, one.values, one.changes, now)
    except ScopeViolation:
        raise BadInput(
            f"第 {one.row} 行不在您的权限范围内，未导入任何内容。",
            f"Row {one.row} is outside of your scope; nothing was imported.",
            "file",
        ) from None
    if isinstance(row, Asset):
        touched.add(row.system_id)
    elif isinstance(row, System) and "extensions" in one.changes:
        touched.add(row.id)


def keep_draft(
    session: Session, register: Register, file_name: str, content: bytes, *, now: datetime
) -> ImportDraft:
    """Read a file and keep its rows for the preview; older drafts of everybody are swept away.

    Raises:
        BadInput: not a spreadsheet.
    """
    rows = read_sheet(content)
    user_id = principal_of(session).user_id
    if user_id is None:
        raise NotFound
    session.execute(delete(ImportDraft).where(ImportDraft.created_at < now - KEPT))
    draft = ImportDraft(
        user_id=user_id, register=register.key, file_name=file_name[:255], sm3=hexdigest(content), rows=rows, created_at=now
    )  # fmt: skip
    session.add(draft)
    session.flush()
    return draft


def get_draft(session: Session, register: Register, draft_id: int) -> ImportDraft:
    """A draft of this very person.

    Raises:
        NotFound
    """
    draft = session.scalar(
        select(ImportDraft).where(
            ImportDraft.id == draft_id,
            ImportDraft.user_id == principal_of(session).user_id,
            ImportDraft.register == register.key,
        )
    )
    if draft is None:
        raise NotFound
    return draft


def plan_draft(session: Session, draft: ImportDraft) -> Plan:
    return plan_import(session, REGISTERS[draft.register], draft.rows)
