"""Who sees which rows: one mixin, one hook, default empty.

Every table that belongs to a department or a system carries :class:`DepartmentScoped` or
:class:`SystemScoped`. One listener on SQLAlchemy's ``Session`` narrows every select, update and delete on
such a table, relations and counts included, to what the session's principal may see. A session without a
principal sees nothing. There is no second place, and no way to ask for "all rows" but a principal that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, event, or_
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column, with_loader_criteria

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
    ``everything`` lifts the row filter: for the platform's own work, which carries its purpose in ``name``,
    and for people whose grant is the root department.
    """

    name: str
    user_id: int | None = None
    roles: frozenset[str] = frozenset()
    department_ids: frozenset[int] = frozenset()
    system_ids: frozenset[int] = frozenset()
    everything: bool = False
    address: str = ""
    session_ref: str = ""
    request_id: str = ""

    @classmethod
    def platform(cls, purpose: str) -> Principal:
        """The platform itself, for a named purpose such as ``job:scan``; it shows so in the audit log."""
        return cls(name=f"platform:{purpose}", roles=frozenset({"platform"}), everything=True)

    def may_see(self, department_id: int | None, system_id: int | None) -> bool:
        if self.everything:
            return True
        return department_id in self.department_ids or (system_id is not None and system_id in self.system_ids)

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
    departments = sorted(principal.department_ids)
    systems = sorted(principal.system_ids)
    options = [
        with_loader_criteria(cls, cls.scope_clause(departments, systems), include_aliases=True, propagate_to_loaders=False)
        for cls in _SCOPED
    ]
    session.info["scope_options"] = (principal, options)
    return options


def _narrow(state: ORMExecuteState) -> None:
    if not (state.is_select or state.is_update or state.is_delete) or state.is_column_load:
        return
    principal = principal_of(state.session)
    if not principal.everything:
        state.statement = state.statement.options(*_options(state.session, principal))


def _refuse_foreign_writes(session: Session, context: Any, instances: Any) -> None:
    principal = principal_of(session)
    if principal.everything:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, DepartmentScoped):
            department_id = row.department_id
            system_id = getattr(row, "system_id", None)
            if type(row).__name__ == "System":
                system_id = row.id  # type: ignore[attr-defined]
            if not principal.may_see(department_id, system_id):
                raise ScopeViolation(type(row).__name__, department_id, system_id)


event.listen(Session, "do_orm_execute", _narrow)
event.listen(Session, "before_flush", _refuse_foreign_writes)
