"""Any other framework: one ``framework.yaml`` with its groups and items, no Python.

Instead of ``groups`` it may declare a ``matrix`` of rows and columns; the groups are then its cells.
An item with ``steps`` also makes one assessment unit ``<framework>/<item>``.
"""

from __future__ import annotations

from controls.build_head import (
    HEAD_KEYS,
    Built,
    checked,
    count_places,
    head_cursor,
    make_head,
    member,
    read_rule,
    read_steps,
)
from controls.catalog import AssessmentUnit, ControlPoint, Family, Group, Matrix, RequirementItem, Text
from controls.ids import FrameworkId, ItemId, UnitId
from controls.reader import Cursor
from controls.registry import FrameworkSource
from controls.terms import Importance, Layer, Mark, Method, Origin, Scope, TargetKind

__all__ = ["build_plain"]

_GROUP_KEYS = ("code", "name")
_ITEM_KEYS = (
    "id",
    "level",
    "group",
    "name",
    "family",
    "layer",
    "targets",
    "summary",
    "evidence",
    "holder",
    "gaps",
    "methods",
    "steps",
    "rule",
    "importance",
)


def build_plain(source: FrameworkSource) -> Built:
    """Build a framework of kind ``items``.

    Raises:
        DataError: the file is wrong.
    """
    head = head_cursor(source)
    head.only(*HEAD_KEYS, "groups", "matrix", "items", "expected_items")
    matrix = _matrix(head) if head.has("matrix") else None
    groups = {group.code: group for group in (matrix.groups() if matrix else _groups(head.at("groups")))}
    built = Built()
    seen: set[ItemId] = set()
    families: dict[str, Family] = {}
    for cursor in head.at("items").each():
        cursor.only(*_ITEM_KEYS)
        item = _item(cursor, source.id, groups)
        if item.id in seen:
            cursor.at("id").fail(f"{item.id} stands twice")
        seen.add(item.id)
        built.items.append(item)
        if item.units:
            built.units.append(_unit(cursor, item, item.units[0]))
        families[item.family] = _family(cursor, item, families.get(item.family))
    built.families += families.values()
    if head.has("expected_items") and head.at("expected_items").integer() != len(built.items):
        head.at("expected_items").fail(f"there are {len(built.items)} items")
    counts = count_places(built.items, built.units)
    built.frameworks.append(make_head(head, groups.values(), counts, matrix=matrix))
    return built


def _groups(cursor: Cursor) -> tuple[Group, ...]:
    groups: dict[str, Group] = {}
    for entry in cursor.each():
        entry.only(*_GROUP_KEYS)
        code = entry.at("code").string()
        if code in groups:
            entry.at("code").fail(f"{code} stands twice")
        groups[code] = Group(code, entry.at("name").text())
    return tuple(groups.values())


def _matrix(head: Cursor) -> Matrix:
    if head.has("groups"):
        head.at("groups").fail("follow from the matrix")
    cursor = head.at("matrix")
    cursor.only("rows", "columns")
    return Matrix(_groups(cursor.at("rows")), _groups(cursor.at("columns")))


def _item(cursor: Cursor, framework: str, groups: dict[str, Group]) -> RequirementItem:
    framework_id = FrameworkId(framework)
    item_id = checked(cursor.at("id"), ItemId.parse)
    group = cursor.at("group").string()
    if group not in groups:
        cursor.at("group").fail("is not one of " + ", ".join(groups))
    family = cursor.at("family").string() if cursor.has("family") else f"{framework}/{item_id}"
    name = cursor.at("name").text()
    has_steps = cursor.has("steps")
    unit = checked(Cursor(cursor.document, (*cursor.path, "id"), f"{framework}/{item_id}"), UnitId.parse)
    has_weight = cursor.has("importance")
    return RequirementItem(
        framework=framework_id,
        id=item_id,
        level=cursor.at("level").integer() if cursor.has("level") else 0,
        clause=item_id.clause,
        class_code=group,
        scope=Scope.GENERAL,
        control_point=ControlPoint(
            f"{framework}/{item_id}", framework_id, group, Scope.GENERAL, name, Mark.G
        ),
        mark=Mark.G,
        layer=member(cursor.at("layer"), Layer),
        family=family,
        units=(unit,) if has_steps else (),
        summary=cursor.at("summary").text(),
        importance=member(cursor.at("importance"), Importance) if has_weight else Importance.IMPORTANT,
        importance_origin=Origin.ORGANISATION if has_weight else Origin.DEFAULT,
    )


def _targets(cursor: Cursor) -> tuple[TargetKind, ...]:
    if not cursor.has("targets"):
        return ()
    return tuple(member(kind, TargetKind) for kind in cursor.at("targets").each())


def _unit(cursor: Cursor, item: RequirementItem, unit_id: UnitId) -> AssessmentUnit:
    steps = read_steps(cursor.at("steps"))
    methods = (
        tuple(member(one, Method) for one in cursor.at("methods").each()) if cursor.has("methods") else ()
    )
    return AssessmentUnit(
        framework=item.framework,
        id=unit_id,
        level=item.level,
        clause=item.clause,
        item=item.id,
        item_clause=item.clause,
        class_code=item.class_code,
        scope=item.scope,
        control_point=item.control_point,
        mark=item.mark,
        layer=item.layer,
        family=item.family,
        methods=methods,
        steps=steps,
        rule=read_rule(
            cursor.at("rule") if cursor.has("rule") else Cursor(cursor.document, (), "all"), len(steps)
        ),
        partial_possible=len(steps) > 1,
        targets=_targets(cursor),
        summary=item.summary,
        note="",
    )


def _family(cursor: Cursor, item: RequirementItem, known: Family | None) -> Family:
    """Make the family of an item, or add the item to it; the first item's hints hold."""
    empty = Text("", "")
    items = (*known.items, item.id) if known else (item.id,)
    units = (*known.units, *item.units) if known else item.units
    return Family(
        id=item.family,
        framework=item.framework,
        control_point=known.control_point if known else item.control_point,
        layer=item.layer,
        targets=known.targets if known else _targets(cursor),
        evidence=known.evidence if known else cursor.at("evidence").text(),
        holder=known.holder if known else (cursor.at("holder").text() if cursor.has("holder") else empty),
        gaps=known.gaps if known else (cursor.at("gaps").text() if cursor.has("gaps") else empty),
        items=items,
        units=units,
    )
