"""Read, check, save and remove rows of the registers. The one way for forms, sheets, API and command line alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, inspect, or_, select
from sqlalchemy.orm import Session, aliased

from secops.audit_log.services import record
from secops.errors import BadInput, Conflict, NotFound, Refused
from secops.inventory.fields import Kind
from secops.inventory.limits import follow_flow, forget_flow
from secops.inventory.models import DataFlow, Filing
from secops.inventory.registers import Register
from secops.objects.models import Asset, Department, System
from secops.posture.models import PostureCell
from secops.posture.services import recompute
from secops.scope import principal_of

Values = dict[str, Any]
_LOOKUP_CHUNK = 500


@dataclass
class Places:
    """Departments and systems by the words that people write for them; only what is in scope, read at most once."""

    session: Session
    _departments: dict[str, Department] | None = None
    _systems: dict[str, System | None] = field(default_factory=dict)

    def department(self, text: str) -> Department | None:
        if self._departments is None:
            rows = departments_in_scope(self.session)
            self._departments = {row.name.casefold(): row for row in rows}
            self._departments |= {row.code.casefold(): row for row in rows}
        return self._departments.get(text.strip().casefold())

    def load_systems(self, codes: Iterable[str]) -> None:
        """Read many systems at once, so that a sheet of ten thousand rows asks a few times only."""
        wanted = sorted({code for code in codes if code and code not in self._systems})
        for start in range(0, len(wanted), _LOOKUP_CHUNK):
            part = wanted[start : start + _LOOKUP_CHUNK]
            found = self.session.scalars(select(System).where(System.code.in_(part))).all()
            self._systems |= dict.fromkeys(part, None) | {row.code: row for row in found}

    def system(self, code: str) -> System | None:
        self.load_systems([code])
        return self._systems.get(code)


def departments_in_scope(session: Session) -> Sequence[Department]:
    """Departments whose rows the session's principal may see, that of a single granted system among them; one query.

    The tree itself carries no row scope: everybody may know which departments there are.
    """
    who = principal_of(session)
    query = select(Department).order_by(Department.path)
    if not who.everything:
        of_systems = select(System.department_id).where(System.id.in_(sorted(who.system_ids)))
        query = query.where(or_(Department.id.in_(sorted(who.department_ids)), Department.id.in_(of_systems)))
    return session.scalars(query).all()


def read_values(
    register: Register, cells: Mapping[str, Any], places: Places
) -> tuple[Values, list[BadInput]]:
    """Turn the cells of one row into values; every field that is wrong is told, not only the first."""
    values: Values = {}
    errors: list[BadInput] = []
    for one in register.fields:
        try:
            value = one.read(cells.get(one.key))
            if value and one.kind is Kind.DEPARTMENT:
                value = _require(
                    places.department(value),
                    one.wrong("：没有这个部门，或不在您的范围内。", "is no department in your scope."),
                )
            elif value and one.kind is Kind.SYSTEM:
                value = _require(
                    places.system(value),
                    one.wrong("：没有这个系统，或不在您的范围内。", "is no system in your scope."),
                )
            values[one.key] = value or (None if one.kind in (Kind.DEPARTMENT, Kind.SYSTEM) else value)
        except BadInput as error:
            errors.append(error)
    if not errors:
        errors += _rules(register, values)
    return values, errors


def _require(found: Any, error: BadInput) -> Any:
    if found is None:
        raise error
    return found


def _rules(register: Register, values: Values) -> list[BadInput]:
    """What two fields say together."""
    rule = _RULES.get(register.key)
    return rule(values) if rule else []


def _system_rules(values: Values) -> list[BadInput]:
    found = []
    if values["secrecy"] == "secret":
        found.append(
            BadInput(
                "涉及国家秘密的系统适用分级保护（涉密信息系统分级保护），不能登记到等级保护平台。",
                "A system with state secrets falls under the protection scheme for classified systems and can't be registered here.",
                "secrecy",
            )
        )
    if values["cloud_state"] == "exempt" and not values["cloud_note"]:
        found.append(BadInput("不上云须写明理由。", "Exempt from the cloud needs a reason.", "cloud_note"))
    found += _order(
        values,
        "in_operation_on",
        "retired_on",
        "停用日期早于投入运行日期。",
        "Retired before it was in operation.",
    )
    return found


def _order(values: Values, first: str, second: str, zh: str, en: str) -> list[BadInput]:
    one, two = values[first], values[second]
    return [BadInput(zh, en, second)] if one and two and two < one else []


def _policy_rules(values: Values) -> list[BadInput]:
    return _order(
        values, "approved_on", "published_on", "发布日期早于审批日期。", "Published before it was approved."
    )


def _post_rules(values: Values) -> list[BadInput]:
    return _order(values, "started_on", "left_on", "离岗日期早于上岗日期。", "Left before starting.")


def _filing_rules(values: Values) -> list[BadInput]:
    return _order(
        values, "issued_on", "valid_until", "有效期早于发证日期。", "It ends before it was issued."
    ) + _order(
        values,
        "submitted_on",
        "issued_on",
        "发证日期早于提交日期。",
        "It was issued before it was submitted.",
    )


_RULES = {
    "systems": _system_rules,
    "policies": _policy_rules,
    "posts": _post_rules,
    "filings": _filing_rules,
}


def identity_of(register: Register, values: Values) -> tuple[Any, ...]:
    """What tells the row apart from the others."""
    return tuple(getattr(value, "id", value) for value in (values.get(key) for key in register.identity))


def existing(register: Register, session: Session, wanted: Iterable[Values]) -> dict[tuple[Any, ...], Any]:
    """Rows in scope by identity, for the values of a form or of a whole sheet; a query for each 500 values."""
    model = register.model
    lead = register.identity[0]
    column = getattr(model, f"{lead}_id" if lead in ("system", "department") else lead)
    keys = {identity_of(register, values)[0] for values in wanted}
    found: dict[tuple[Any, ...], Any] = {}
    ordered = sorted(key for key in keys if key is not None)
    for start in range(0, len(ordered), _LOOKUP_CHUNK):
        rows = session.scalars(select(model).where(column.in_(ordered[start : start + _LOOKUP_CHUNK])))
        found |= {_identity_of_row(register, row): row for row in rows}
    return found


def _identity_of_row(register: Register, row: Any) -> tuple[Any, ...]:
    return tuple(
        getattr(row, f"{key}_id") if key in ("system", "department") else getattr(row, key)
        for key in register.identity
    )


def values_of(register: Register, row: Any) -> Values:
    """The present values of the row's own fields."""
    return {
        one.key: _plain(getattr(row, one.key, None)) for one in register.own_fields if one.key != "secrecy"
    }


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def differences(register: Register, row: Any, values: Values) -> dict[str, tuple[Any, Any]]:
    """Fields whose value would change: key → (old, new). The place counts where the register lets it move."""
    old = values_of(register, row)
    found = {key: (was, values[key]) for key, was in old.items() if key in values and was != values[key]}
    for key in ("department", "parent"):
        if key in values and not (key == "department" and "department" in register.identity):
            attribute = "parent_id" if key == "parent" else "department_id"
            place = values[key]
            if place is not None and getattr(row, attribute) != place.id:
                found[key] = (getattr(row, attribute), place.id)
    return found


def save(
    session: Session,
    register: Register,
    row: Any | None,
    values: Values,
    *,
    now: datetime,
    version: int | None = None,
) -> Any:
    """Create a row, or change *row*; nothing is written when nothing differs.

    Args:
        version: the version that the form showed; another one means that somebody else was faster.

    Raises:
        BadInput: another row has this identity.
        Conflict: the row was changed in between.
        Refused: the place is outside of the person's scope.
    """
    if row is not None and version is not None and row.version != version:
        raise Conflict
    twin = existing(register, session, [values]).get(identity_of(register, values))
    if twin is not None and twin is not row:
        one = register.field(register.identity[-1])
        raise BadInput(
            f"“{one.zh}”已存在：{register.zh}中已有相同的记录。",
            f"Another row has this {one.en.lower()}.",
            one.key,
        )
    changed = differences(register, row, values) if row is not None else {}
    if row is not None and not changed:
        return row
    is_new = row is None
    row = write_row(session, register, row, values, changed, now)
    session.flush()
    if isinstance(row, Asset) and (is_new or "kind" in changed):
        recompute(session, session.get_one(System, row.system_id), now=now)
    if isinstance(row, System) and "extensions" in changed:
        recompute(session, row, now=now)
    return row


def write_row(
    session: Session,
    register: Register,
    row: Any | None,
    values: Values,
    changed: Mapping[str, Any],
    now: datetime,
) -> Any:
    """Create or change one row with its event; flush and posture are left to the caller, who may have many rows."""
    if row is None:
        return _create(session, register, values, now)
    _apply(session, register, row, values, changed)
    record(session, f"{register.key}.update", row, now=now, detail={"changed": _told(changed)})
    _carry_on(session, row, now)
    return row


def _told(changed: Mapping[str, tuple[Any, Any]]) -> dict[str, list[str]]:
    return {key: [_short(old), _short(new)] for key, (old, new) in changed.items()}


def _short(value: Any) -> str:
    return "" if value is None else str(value)[:80]


def _create(session: Session, register: Register, values: Values, now: datetime) -> Any:
    own = {one.key: values[one.key] for one in register.own_fields if one.key != "secrecy"}
    row = register.model(**{key: _typed(register, key, value) for key, value in own.items()})
    _place(session, register, row, values)
    if isinstance(row, System):
        row.created_at = now
    session.add(row)
    if isinstance(row, Department):
        session.flush()
        _set_path(session, row, values.get("parent"))
    record(session, f"{register.key}.create", row, now=now, detail={"name": _name(register, row)})
    _carry_on(session, row, now)
    return row


def _typed(register: Register, key: str, value: Any) -> Any:
    column = inspect(register.model).columns[key]
    kind = getattr(column.type, "enum_class", None)
    return kind(value) if kind is not None else value


def _name(register: Register, row: Any) -> str:
    return " ".join(
        str(_plain(getattr(row, key))) for key in register.identity if key not in ("system", "department")
    )[:160]


def _place(session: Session, register: Register, row: Any, values: Values) -> None:
    if "system" in values:
        row.system_id = values["system"].id
        row.department_id = values["system"].department_id
    elif "department" in values:
        row.department_id = values["department"].id
    elif isinstance(row, Department):
        row.path = "/"
        if values.get("parent") is None:
            raise BadInput("请填写上级部门。", "Give the department above.", "parent")


def _apply(
    session: Session, register: Register, row: Any, values: Values, changed: Mapping[str, Any]
) -> None:
    for one in register.own_fields:
        if one.key in changed:
            setattr(row, one.key, _typed(register, one.key, values[one.key]))
    if "department" in changed:
        _move(session, row, values["department"])
    if "parent" in changed and isinstance(row, Department):
        _set_path(session, row, values["parent"])


def _move(session: Session, row: Any, department: Department) -> None:
    """Give a row to another department; what hangs on a system goes with it."""
    if isinstance(row, System):
        from secops.inventory.moves import move_system

        move_system(session, row, department)
    else:
        row.department_id = department.id


def _set_path(session: Session, row: Department, parent: Department | None) -> None:
    """Put the department below *parent*, with everything below it.

    Raises:
        BadInput: *parent* is the department itself or lies below it.
    """
    if parent is None:
        return
    old = row.path
    if parent.id == row.id or (old != "/" and parent.path.startswith(old)):
        raise BadInput("上级部门不能是它自己或它的下级。", "A department can't lie below itself.", "parent")
    row.parent_id = parent.id
    row.path = f"{parent.path}{row.id}/"
    if old not in ("/", row.path):
        for below in session.scalars(
            select(Department).where(Department.path.startswith(old), Department.id != row.id)
        ):
            below.path = row.path + below.path[len(old) :]


def _carry_on(session: Session, row: Any, now: datetime) -> None:
    """What follows from a row at once: the system shows its newest filing, a flow beyond its limit is a finding."""
    if isinstance(row, Filing):
        session.flush()
        _carry_filing(session, row, now)
    elif isinstance(row, DataFlow):
        session.flush()
        follow_flow(session, row, now=now)


def _carry_filing(session: Session, row: Filing, now: datetime) -> None:
    """The newest entry of the ledger is what the system shows."""
    newest = session.scalars(
        select(Filing)
        .where(Filing.system_id == row.system_id)
        .order_by(Filing.submitted_on.desc(), Filing.id.desc())
        .limit(1)
    ).one_or_none()
    system = session.get_one(System, row.system_id)
    if newest is None or newest.kind.value == "withdrawal":
        system.filing_number, system.filed_on, system.certificate_until = "", None, None
    else:
        system.filing_number = newest.number
        system.filed_on = newest.issued_on or newest.submitted_on
        system.certificate_until = newest.valid_until
    if session.is_modified(system):
        record(session, "system.filing", system, now=now, detail={"number": system.filing_number})
        session.flush()


def get_row(session: Session, register: Register, row_id: int) -> Any:
    """One row in scope.

    Raises:
        NotFound
    """
    query = select(register.model).where(register.model.id == row_id)
    if register.model is Department:
        query = query.where(Department.id.in_([one.id for one in departments_in_scope(session)]))
    if register.model is System:
        query = query.where(System.is_platform.is_(False))
    row = session.scalar(query)
    if row is None:
        raise NotFound
    return row


def remove(session: Session, register: Register, row: Any, *, reason: str, now: datetime) -> None:
    """Take a row out. What others rest on stays: it is retired instead.

    Raises:
        BadInput: no reason.
        Refused: something hangs on it.
    """
    if not reason.strip():
        raise BadInput("删除须写明理由。", "Say why it is removed.", "reason")
    if isinstance(row, System | Department):
        raise Refused(
            "系统和部门不能删除：请把系统状态改为“已停用”，历史记录会保留。",
            "Systems and departments are never removed: set a system to retired, its history stays.",
        )
    if isinstance(row, Asset):
        _require_unused(session, row)
        session.execute(
            delete(PostureCell).where(PostureCell.asset_id == row.id),
            execution_options={"synchronize_session": False},
        )
    # Whatever the row said goes into the log, so that it can be entered again.
    record(
        session, f"{register.key}.remove", row, now=now, reason=reason[:400],
        detail={"was": {key: _short(value) for key, value in values_of(register, row).items() if value}},
    )  # fmt: skip
    if isinstance(row, DataFlow):
        forget_flow(session, row, now=now)
    system_id = getattr(row, "system_id", None)
    session.delete(row)
    session.flush()
    if isinstance(row, Asset) and system_id is not None:
        recompute(session, session.get_one(System, system_id), now=now)
    if isinstance(row, Filing):
        _carry_filing(session, row, now)


def _require_unused(session: Session, asset: Asset) -> None:
    from secops.evidence.models import EvidenceLink
    from secops.findings.models import Finding
    from secops.scans.models import Outcome

    for model in (Finding, Outcome, EvidenceLink):
        if session.scalar(select(model.id).where(model.asset_id == asset.id).limit(1)) is not None:
            raise Refused(
                "这个对象已有检查结果、证据或问题，不能删除。",
                "This target has outcomes, evidence or findings and can't be removed.",
            )


def readable(session: Session, register: Register) -> Any:
    """The select of a register's rows with the name of its place, for lists and exports."""
    model = register.model
    if register.place == "system":
        return (
            select(
                model,
                System.code.label("system_code"),
                System.name.label("system_name"),
                Department.name.label("department_name"),
            )
            .join(System, System.id == model.system_id)
            .join(Department, Department.id == System.department_id)
        )
    if register.place == "department":
        query = select(
            model, Department.code.label("department_code"), Department.name.label("department_name")
        ).join(Department, Department.id == model.department_id)
        return query.where(System.is_platform.is_(False)) if model is System else query
    # Departments carry no row scope: the tree is known to all, so the list is narrowed here.
    who = principal_of(session)
    parent = aliased(Department)
    query = select(Department, parent.code.label("parent_code"), parent.name.label("parent_name")).outerjoin(
        parent, parent.id == Department.parent_id
    )
    return query if who.everything else query.where(Department.id.in_(sorted(who.department_ids)))


__all__ = [
    "Places", "Values", "differences", "existing", "get_row", "identity_of", "read_values", "readable", "remove",
    "save", "values_of",
]  # fmt: skip
