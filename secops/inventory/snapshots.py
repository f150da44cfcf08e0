"""A register as evidence: its rows for one system or department, as they stand now, sealed like any upload."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from controls.catalog import AssessmentUnit
from secops.errors import BadInput
from secops.evidence.models import EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence
from secops.inventory.notes import Note, note_for
from secops.inventory.registers import REGISTERS, Register
from secops.inventory.services import readable, values_of
from secops.objects.models import System

# A register goes on changing; what it said stands for a year at most. A setting of this platform, not official.
STANDS_FOR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bytes, and what goes with them."""

    new: NewEvidence
    content: bytes


def snapshot_of(
    session: Session, system: System, unit: AssessmentUnit, *, today: date, actor: str
) -> Snapshot:
    """The rows of the register that speaks to a unit, with the sentence it gives.

    Raises:
        BadInput: no register speaks to the unit, or it holds nothing to go by.
    """
    note = note_for(session, system, unit, today)
    register = _register_of(note)
    if note is None or register is None:
        raise BadInput("没有登记册对应这一单元。", "No register speaks to this unit.", "unit")
    rows = _rows(session, register, system)
    if not rows or note.good is None:
        raise BadInput("登记册里没有可以作为证据的内容。", "The register holds nothing to go by.", "unit")
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([register.zh, note.zh, today.isoformat()])
    writer.writerow([one.zh for one in register.own_fields])
    for row in rows:
        values: Mapping[str, object] = values_of(register, row)
        writer.writerow([_safe(one.words(values.get(one.key))) for one in register.own_fields])
    return Snapshot(
        NewEvidence(
            system_id=system.id, title=f"登记册：{register.zh}（{today.isoformat()}）", file_name=f"{register.zh}-{today.isoformat()}.csv",
            source=EvidenceSource.REGISTER, state=EvidenceState.SUBMITTED, units=(str(unit.id),), note=note.zh,
            media_type="text/csv", effective_from=today, effective_until=today + STANDS_FOR, extra={"given_by": actor},
        ),
        ("\ufeff" + stream.getvalue()).encode(),
    )  # fmt: skip


def _register_of(note: Note | None) -> Register | None:
    if note is None:
        return None
    return next((one for one in REGISTERS.values() if one.page == note.page), None)


def _rows(session: Session, register: Register, system: System) -> list[object]:
    statement = readable(session, register)
    model = register.model
    if model is System:
        return [system]
    where = (
        model.system_id == system.id
        if register.place == "system"
        else model.department_id == system.department_id
    )
    return [row[0] for row in session.execute(statement.where(where).order_by(model.id))]


def _safe(words: str) -> str:
    """A cell that a spreadsheet never takes for a formula."""
    return f"'{words}" if words[:1] in ("=", "+", "-", "@", "\t", "\r") else words
