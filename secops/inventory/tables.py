"""The list of a register, made from its description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement

from secops.inventory.fields import Field, Kind
from secops.inventory.registers import REGISTERS, Register
from secops.objects.models import Department, System
from secops.objects.parts import macro
from secops.objects.tables import today
from secops.web.lang import listed, t
from secops.web.links import link
from secops.web.table_filters import Choice
from secops.web.tables import Column, Table

_MAX_BADGES = 3


def _row(found: Any) -> Any:
    """The model's row: the first part of what the statement gives."""
    return found[0]


def _value(one: Field) -> Callable[[Any], Any]:
    if one.kind in (Kind.DAY, Kind.NUMBER):
        return lambda found: getattr(_row(found), one.key)
    return lambda found: one.words(_plain(getattr(_row(found), one.key)))


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _column(register: Register, one: Field) -> Column:
    kind = {Kind.DAY: "day", Kind.NUMBER: "number", Kind.ADDRESS: "code"}.get(one.kind, "text")
    lead = one.key == register.identity[-1] or one.key == "name"
    return Column(
        one.key,
        one.zh,
        one.en,
        _value(one),
        sort=None if one.kind in _UNSORTED else getattr(register.model, one.key),
        kind=kind,
        shown=one.listed,
        width="wide" if lead else "fit" if kind in ("day", "number") else "",
    )


_UNSORTED = (Kind.CHOICES, Kind.NETWORKS, Kind.DOMAINS)


def _place_columns(register: Register) -> list[Column]:
    if register.place == "system":
        return [
            Column("system", "系统", "System", lambda r: r.system_name, sort=System.name, note=lambda r: r.system_code, kind="link", url=lambda r: link("SystemView.show", system_id=_row(r).system_id), export=lambda r: r.system_code, width="wide"),
            Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name, shown=False),
        ]  # fmt: skip
    if register.place == "department":
        return [Column("department", "部门", "Department", lambda r: r.department_name, sort=Department.name)]
    return [Column("parent", "上级部门", "Parent", lambda r: r.parent_name or "")]


def _gaps(register: Register) -> Column:
    def labels(found: Any) -> list[Any]:
        return register.gaps(_row(found), today())

    def shown(found: Any) -> Markup:
        every = labels(found)
        badges = [macro("badge", one) for one in every[:_MAX_BADGES]]
        if len(every) > _MAX_BADGES:
            badges.append(macro("tag", f"+{len(every) - _MAX_BADGES}"))
        return Markup(" ").join(badges)

    return Column(
        "gaps", "缺口", "Gaps", shown, export=lambda r: listed(one.text for one in labels(r)), width="wide"
    )


def _filters(register: Register) -> tuple[Any, ...]:
    found: list[Any] = []
    for one in register.fields:
        if one.kind is Kind.CHOICE and hasattr(register.model, one.key):
            found.append(
                Choice(one.key, one.zh, one.en, getattr(register.model, one.key), options=_choices(one))
            )
        elif one.kind is Kind.YESNO and one.listed:
            found.append(
                Choice(
                    one.key, one.zh, one.en, options=_yes_no, clause=_flag(getattr(register.model, one.key))
                )
            )
    return tuple(found[:4])


def _choices(one: Field) -> Callable[[Any], list[tuple[str, str]]]:
    return lambda session: one.choices()


def _yes_no(session: Any) -> list[tuple[str, str]]:
    return [("yes", t("是", "Yes")), ("no", t("否", "No"))]


def _flag(column: Any) -> Callable[[str], ColumnElement[bool]]:
    return lambda value: column.is_(value == "yes")


def _search(register: Register) -> tuple[Any, ...]:
    texts = [
        getattr(register.model, one.key)
        for one in register.fields
        if one.kind in (Kind.TEXT, Kind.ADDRESS) and hasattr(register.model, one.key)
    ][:5]
    if register.place == "system":
        texts += [System.name, System.code]
    return tuple(texts)


def _table(register: Register) -> Table:
    place = _place_columns(register)
    own = [_column(register, one) for one in register.own_fields if hasattr(register.model, one.key)]
    # What is wrong stands beside the name: at the end of a wide list nobody would see it.
    lead = 2 if register.key in ("systems", "departments", "policies", "posts", "assets") else 1
    columns = [*own[:lead], _gaps(register), *place, *own[lead:]]
    if register.place == "system":
        columns = [place[0], *own[:lead], _gaps(register), *place[1:], *own[lead:]]
    if register is REGISTERS["assets"]:
        columns = [one for one in columns if one.key != "gaps"]
    first = columns[0].key
    return Table(
        f"register_{register.key}",
        tuple(columns),
        filters=_filters(register),
        search=_search(register),
        default_sort=first,
        row_url=lambda r: link(f"{register.page}.show", row_id=_row(r).id),
        row_tone=lambda r: "bad" if any(g.tone == "bad" for g in register.gaps(_row(r), today())) else "",
        empty=(
            f"还没有登记{register.zh}。",
            "Nothing is registered.",
            "可逐条登记，或用模板批量导入。",
            "Enter them one by one, or import a filled-in template.",
        ),
    )


TABLES: dict[str, Table] = {key: _table(register) for key, register in REGISTERS.items()}
