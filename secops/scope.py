"""Who sees which rows: one mixin, one hook, default empty.

Every table that belongs to a department or a system carries :class:`DepartmentScoped` or
:class:`SystemScoped`. One listener on SQLAlchemy's ``Session`` narrows every select, update and delete on
such a table, relations and counts included, to what the session's principal may see. A session without a
principal sees nothing. There is no second place, and no way to ask for "all rows" but a principal that says so.

The same hook holds the sensitivity labels: a system above the principal's clearance is not there, nor anything
that belongs to it, and a piece of evidence above it is not there, nor what hangs on it. This holds for people
whose grant is the root department as for everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, Table, and_, event, inspect, or_, select, true
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import ColumnClause, TableClause

from secops.sensitivity import HIGHEST, USUAL

_SCOPED: list[type[Any]] = []


class DepartmentScoped:
    """Row of a department; ``department_id`` is never null."""

    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), nullable=False, index=True)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if hasattr(cls, "__tablename__"):
            _SCOPED.append(cls)

    @classmethod
    def scope_clause(cls, departments: Sequence[int], systems: Sequence[int]) -> ColumnElement[bool]:
        """Which rows a principal with these departments and single systems may see."""
        return cls.department_id.in_(departments)


class SystemScoped(DepartmentScoped):
    """Row of a system, and through it of a department; both are never null."""

    system_id: Mapped[int] = mapped_column(ForeignKey("system.id"), nullable=False, index=True)

    @classmethod
    def scope_clause(cls, departments: Sequence[int], systems: Sequence[int]) -> ColumnElement[bool]:
        return or_(cls.department_id.in_(departments), cls.system_id.in_(systems))


class ScopeViolation(PermissionError):
    """A write outside the principal's scope."""

    def __init__(self, kind: str, department_id: int | None, system_id: int | None) -> None:
        super().__init__(kind, department_id, system_id)
        self.kind = kind
        self.department_id = department_id
        self.system_id = system_id


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a session works.

    ``department_ids`` is already expanded down the tree; ``system_ids`` are single systems granted beside it.
    ``everything`` lifts the filter by department: for the platform's own work, which carries its purpose in
    ``name``, and for people whose grant is the root department. ``clearance`` is the highest sensitivity label
    that is seen.
    """

    name: str
    user_id: int | None = None
    roles: frozenset[str] = frozenset()
    department_ids: frozenset[int] = frozenset()
    system_ids: frozenset[int] = frozenset()
    everything: bool = False
    clearance: int = USUAL
    address: str = ""
    session_ref: str = ""
    request_id: str = ""

    @classmethod
    def platform(cls, purpose: str) -> Principal:
        """The platform itself, for a named purpose such as ``job:scan``; it shows so in the audit log."""
        return cls(
            name=f"platform:{purpose}", roles=frozenset({"platform"}), everything=True, clearance=HIGHEST
        )

    @property
    def unlimited(self) -> bool:
        """Neither department nor label narrows what is seen."""
        return self.everything and self.clearance >= HIGHEST

    def may_see(self, department_id: int | None, system_id: int | None) -> bool:
        if self.everything:
            return True
        return department_id in self.department_ids or (
            system_id is not None and system_id in self.system_ids
        )

    def has(self, *roles: str) -> bool:
        return bool(self.roles.intersection(roles))


NOBODY = Principal(name="nobody")


def principal_of(session: Session) -> Principal:
    """The session's principal; :data:`NOBODY`, who sees no row, when none was set."""
    found: Principal = session.info.get("principal", NOBODY)
    return found


def scoped_classes() -> tuple[type[Any], ...]:
    """Every mapped class under the hook; the leak test walks them."""
    return tuple(_SCOPED)


def _options(session: Session, principal: Principal) -> list[Any]:
    cached = session.info.get("scope_options")
    if cached is not None and cached[0] is principal:
        options: list[Any] = cached[1]
        return options
    # Propagated, since a joined eager load asks nothing by itself that the hook would see.
    options = [
        with_loader_criteria(cls, clause, include_aliases=True, propagate_to_loaders=True)
        for cls in _SCOPED
        if (clause := _clause(cls, principal)) is not None
    ]
    session.info["scope_options"] = (principal, options)
    return options


def _clause(cls: type[Any], principal: Principal) -> ColumnElement[bool] | None:
    """Which rows of *cls* this principal may see; None when nothing narrows it."""
    parts: list[ColumnElement[bool]] = []
    if not principal.everything:
        parts.append(cls.scope_clause(sorted(principal.department_ids), sorted(principal.system_ids)))
    if principal.clearance < HIGHEST:
        parts += _label_clauses(cls, principal.clearance)
    return and_(true(), *parts) if parts else None


def _label_clauses(cls: type[Any], clearance: int) -> list[ColumnElement[bool]]:
    """The label of the row itself, of its system, and of the evidence it hangs on."""
    columns = inspect(cls).columns
    parts: list[ColumnElement[bool]] = []
    if "sensitivity" in columns:
        parts.append(cls.sensitivity <= clearance)
    # By bare tables: the hook would narrow a class here once more, without end.
    if "system_id" in columns:
        parts.append(cls.system_id.not_in(_above("system", clearance)))
    if "evidence_id" in columns:
        parts.append(or_(cls.evidence_id.is_(None), cls.evidence_id.not_in(_above("evidence", clearance))))
    return parts


def _above(name: str, clearance: int) -> Any:
    table = _scoped_table(name)
    return select(table.c.id).where(table.c.sensitivity > clearance)


def _scoped_table(name: str) -> Table:
    # A process that has loaded some classes only, such as a worker that still connects, gets the rest here.
    import secops.models  # noqa: F401

    (found,) = (inspect(cls).local_table for cls in _SCOPED if cls.__tablename__ == name)
    return found


def _narrow(state: ORMExecuteState) -> None:
    """Narrow what is asked; refuse what can't be narrowed: a bare table, and a write that names its own place."""
    principal = principal_of(state.session)
    if principal.unlimited or state.is_column_load:
        return
    bare = _bare_tables(state.statement)
    if bare:
        raise ScopeViolation(min(bare), None, None)
    if state.is_insert or state.is_update:
        _require_places(state, principal)
    if state.is_select or state.is_update or state.is_delete:
        state.statement = state.statement.options(*_options(state.session, principal))


def _bare_tables(statement: Any) -> set[str]:
    """Scoped tables that the statement uses without their class: the criteria would not reach them."""
    scoped = {inspect(cls).local_table.name for cls in _SCOPED}
    used: set[str] = set()
    mapped: set[str] = set()
    for part in visitors.iterate(statement):
        entity = part._annotations.get("parententity") if hasattr(part, "_annotations") else None
        if entity is not None:
            mapped.add(entity.mapper.local_table.name)
            continue
        table = part.table if isinstance(part, ColumnClause) else part
        if isinstance(table, TableClause) and table.name in scoped:
            used.add(table.name)
    return used - mapped


def _require_places(state: ORMExecuteState, principal: Principal) -> None:
    """Hold inserts and updates by statement to the rule for objects: the place of a row must be in scope."""
    kind = state.bind_mapper.class_ if state.bind_mapper is not None else None
    if kind is None or not issubclass(kind, DepartmentScoped):
        return
    statement: Any = state.statement
    rows: list[Any] = state.parameters if isinstance(state.parameters, list) else [state.parameters or {}]
    if principal.everything:
        _require_cleared(state.session, principal, kind, (row.get("system_id") for row in rows))
        return
    if state.is_update:
        named = {getattr(column, "key", column) for column in statement._values or ()} | set().union(*rows)
        # Many updates by key know no condition, and a new place would have to be looked up for each.
        if isinstance(state.parameters, list) or named & {"department_id", "system_id"}:
            raise ScopeViolation(kind.__name__, None, None)
        return
    if statement._values or statement._multi_values or statement.select is not None:
        raise ScopeViolation(kind.__name__, None, None)
    for place in {(row.get("department_id"), row.get("system_id")) for row in rows}:
        _require_place(state.session, principal, kind, *place)


def _require_place(
    session: Session, principal: Principal, kind: type[Any], department_id: int | None, system_id: int | None
) -> None:
    violation = ScopeViolation(kind.__name__, department_id, system_id)
    if not principal.may_see(department_id, system_id):
        raise violation
    if issubclass(kind, SystemScoped):
        # A row of the own department may not hang on somebody else's system.
        (systems,) = (cls for cls in _SCOPED if cls.__tablename__ == "system")
        system = session.get(systems, system_id) if system_id is not None else None
        if system is None or system.department_id != department_id:
            raise violation


def _require_cleared(session: Session, principal: Principal, kind: type[Any], systems: Iterable[Any]) -> None:
    """Refuse rows for a system above the clearance; one query for all of them."""
    wanted = {system_id for system_id in systems if system_id is not None}
    if not wanted:
        return
    hidden = session.connection().execute(_above("system", principal.clearance)).scalars()
    for system_id in wanted.intersection(hidden):
        raise ScopeViolation(kind.__name__, None, system_id)


def _refuse_foreign_writes(session: Session, context: Any, instances: Any) -> None:
    principal = principal_of(session)
    if principal.unlimited:
        return
    if principal.everything:
        rows = [row for row in (*session.new, *session.dirty) if isinstance(row, SystemScoped)]
        _require_cleared(session, principal, SystemScoped, (row.system_id for row in rows))
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, DepartmentScoped):
            continue
        kind = type(row)
        if isinstance(row, SystemScoped):
            _require_place(session, principal, kind, row.department_id, row.system_id)
        else:
            own_id = row.id if kind.__tablename__ == "system" else None  # type: ignore[attr-defined]
            _require_place(session, principal, kind, row.department_id, own_id)


event.listen(Session, "do_orm_execute", _narrow)
event.listen(Session, "before_flush", _refuse_foreign_writes)
