"""Counts of findings per system, layer, severity and state, kept in the transaction that changes a finding.

Every page that shows a number of findings reads these few rows instead of the findings. A change of a finding by
the session is counted when it is flushed; a statement that would change many findings behind the session's back is
refused. :func:`rebuild` counts anew, :func:`differences` proves that both ways agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    String,
    UniqueConstraint,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column

from secops.db import Base, enum_column
from secops.findings.models import Finding, FindingState, Severity
from secops.scope import SystemScoped


class FindingRollup(SystemScoped, Base):
    """How many findings one system has of one layer, severity and state."""

    __tablename__ = "finding_rollup"
    __table_args__ = (
        UniqueConstraint("system_id", "layer", "severity", "state", name="uq_finding_rollup"),
        {"extend_existing": False},
    )
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True)
    layer: Mapped[str] = mapped_column(String(20), nullable=False)
    severity: Mapped[Severity] = mapped_column(enum_column(Severity), nullable=False)
    state: Mapped[FindingState] = mapped_column(enum_column(FindingState), nullable=False)
    number: Mapped[int] = mapped_column(Integer, nullable=False)


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """What findings are counted by; ``department_id`` follows from the system."""

    system_id: int
    layer: str
    severity: str
    state: str
    department_id: int = 0


_COUNTED = ("system_id", "layer", "severity", "state", "department_id")
_TABLE: Any = FindingRollup.__table__
_FINDINGS: Any = Finding.__table__


def _note(session: Session, context: Any) -> None:
    changes: Counter[Bucket] = Counter()
    for row in session.new:
        if isinstance(row, Finding):
            changes[_bucket(row)] += 1
    for row in session.dirty:
        if isinstance(row, Finding) and (before := _before(row)) != (after := _bucket(row)):
            changes[before] -= 1
            changes[after] += 1
    for row in session.deleted:
        if isinstance(row, Finding):
            changes[_before(row)] -= 1
    apply(session.connection(), changes)


def apply(connection: Connection, changes: Mapping[Bucket, int]) -> None:
    """Add *changes* to the stored counts; always in one order, so that two transactions can't lock each other out."""
    rows = [
        {
            "department_id": one.department_id, "system_id": one.system_id, "layer": one.layer,
            "severity": Severity(one.severity), "state": FindingState(one.state), "number": change,
        }
        for one, change in sorted(changes.items())
        if change
    ]  # fmt: skip
    if not rows:
        return
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(_TABLE)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["system_id", "layer", "severity", "state"],
            set_={"number": _TABLE.c.number + statement.excluded.number},
        ),
        rows,
    )


def _bucket(row: Finding) -> Bucket:
    return Bucket(row.system_id, row.layer, row.severity.value, row.state.value, row.department_id)


def _before(row: Finding) -> Bucket:
    """The bucket that the row stood in before this flush."""
    state: Any = inspect(row)
    values = {}
    for name in _COUNTED:
        old = state.attrs[name].history.deleted
        values[name] = old[0] if old and old[0] is not None else getattr(row, name)
    return Bucket(
        values["system_id"], values["layer"], Severity(values["severity"]).value,
        FindingState(values["state"]).value, values["department_id"],
    )  # fmt: skip


def _refuse_statements(state: ORMExecuteState) -> None:
    """A statement that moves findings between buckets would not be counted."""
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    mapper = state.bind_mapper
    if mapper is None or mapper.class_ is not Finding:
        return
    statement: Any = state.statement
    if state.is_update:
        named = {getattr(column, "key", column) for column in statement._values or ()}
        # A department moves with its system, and the counts with it.
        if not named & {"system_id", "layer", "severity", "state"} and not state.is_executemany:
            return
    raise RuntimeError("findings are changed as objects, so that they are counted")


event.listen(Session, "after_flush", _note)
event.listen(Session, "do_orm_execute", _refuse_statements)


def rebuild(connection: Connection) -> int:
    """Count every finding anew; returns how many rows there are then. Below the scope: the whole store."""
    connection.execute(delete(_TABLE))
    columns = [_FINDINGS.c[name] for name in ("department_id", "system_id", "layer", "severity", "state")]
    counted = select(*columns, func.count().label("number")).group_by(*columns)
    names = [*(column.name for column in columns), "number"]
    connection.execute(insert(_TABLE).from_select(names, counted))
    return int(connection.scalar(select(func.count()).select_from(_TABLE)) or 0)


def differences(connection: Connection) -> Sequence[tuple[Bucket, int, int]]:
    """Buckets whose stored count is not the counted one: bucket, stored, counted. Empty when all is well."""
    columns = ("system_id", "layer", "severity", "state")
    stored = {
        tuple(row[:4]): int(row[4])
        for row in connection.execute(select(*(_TABLE.c[name] for name in columns), _TABLE.c.number))
    }
    query = select(*(_FINDINGS.c[name] for name in columns), func.count())
    counted = {
        tuple(row[:4]): int(row[4])
        for row in connection.execute(query.group_by(*(_FINDINGS.c[name] for name in columns)))
    }
    return [
        (Bucket(key[0], key[1], Severity(key[2]).value, FindingState(key[3]).value), stored.get(key, 0), counted.get(key, 0))
        for key in sorted(stored.keys() | counted.keys(), key=str)
        if stored.get(key, 0) != counted.get(key, 0)
    ]  # fmt: skip
