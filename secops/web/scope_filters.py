"""Filters that lists of systems' rows share: the system, the department, and one exact number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from secops.objects.models import Department, System
from secops.scope import principal_of
from secops.web.table_filters import Args, Choice, FilterState, Text


@dataclass(frozen=True, slots=True)
class SystemFilter(Text):
    """One system by its id, as links of other pages give it, or some by a part of name or code.

    A text and no list of options: a province has thousands. The statement must join ``System``.
    """

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        wanted = (args.get(prefix + self.key) or "").strip()[:200]
        state = FilterState(self, prefix, chosen=[wanted])
        if not wanted:
            return state
        if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
            name = session.scalar(select(System.name).where(System.id == int(wanted)))
            state.clause = System.id == int(wanted)
            state.chosen = [name or f"#{wanted}"]
        else:
            state.clause = or_(
                System.name.icontains(wanted, autoescape=True), System.code.icontains(wanted, autoescape=True)
            )
        return state


@dataclass(frozen=True, slots=True)
class Exact(Text):
    """A whole number that links of other pages set, such as the id of a scan."""

    def read(self, args: Args, prefix: str, session: Session) -> FilterState:
        wanted = (args.get(prefix + self.key) or "").strip().lstrip("#")
        state = FilterState(self, prefix, chosen=[wanted if wanted.isdigit() else ""])
        if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
            state.clause = self.expression == int(wanted)
        return state


def system_filter() -> SystemFilter:
    return SystemFilter("system", "系统", "System", System.id)


def department_filter() -> Choice:
    """Departments of this person's scope. The statement must join ``System``."""
    return Choice(
        "department", "部门", "Department", System.department_id, options=scoped_departments, cast=int
    )


def scoped_departments(session: Session) -> list[tuple[str, str]]:
    """(id, name) of the departments whose rows this person may see, in the order of the tree; one query.

    A department of a single granted system counts too.
    """
    who = principal_of(session)
    query = select(Department.id, Department.name, Department.path).order_by(Department.path)
    if not who.everything:
        of_systems = select(System.department_id).where(System.id.in_(sorted(who.system_ids)))
        query = query.where(
            or_(Department.id.in_(sorted(who.department_ids)), Department.id.in_(of_systems))
            if who.system_ids
            else Department.id.in_(sorted(who.department_ids))
        )
    rows = session.execute(query)
    return [(str(row.id), "　" * max(0, row.path.count("/") - 2) + row.name) for row in rows]


SUGGESTED = 20
_CODE_BEHIND = re.compile(r"[（(]([^（）()]{1,32})[）)]$")


def system_words(system: Any) -> str:
    """Name and code as a field shows a system and reads it back."""
    return f"{system.name}（{system.code}）"


def system_options(session: Session, *, classified: bool = False, like: str = "") -> list[tuple[str, str]]:
    """(id, "name（code）") of the first systems in scope whose name or code holds *like*, for suggestions; one query.

    Never all of them: a province has thousands.
    """
    query = (
        select(System.id, System.code, System.name).where(System.is_platform.is_(False)).order_by(System.code)
    )
    if classified:
        query = query.where(System.profile != "")
    for term in like.split()[:4]:
        query = query.where(
            or_(System.name.icontains(term, autoescape=True), System.code.icontains(term, autoescape=True))
        )
    return [(str(row.id), system_words(row)) for row in session.execute(query.limit(SUGGESTED))]


def asked_system(session: Session, value: Any) -> System | None:
    """The system in scope that an address or a form names: by its id, its code, or name and code as suggested."""
    text = str(value or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        found = session.scalar(select(System).where(System.id == int(text)))
        if found is not None:
            return found
    behind = _CODE_BEHIND.search(text)
    code = behind[1].strip() if behind else text
    if not code or len(code) > 32:
        return None
    return session.scalar(select(System).where(System.code == code))
