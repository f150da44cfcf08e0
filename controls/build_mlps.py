"""GB/T 22239-2019 and GB/T 28448-2019 from ``units.csv`` (numbers) and ``classes/*.yaml`` (words).

The table is the index: it says which units exist. A class file that is not there yet leaves its
units without words and is named in ``Words.missing``; a class file that contradicts the table is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controls.build_head import Built, count_places, head_cursor, make_head, member, read_rule, read_steps
from controls.catalog import (
    ALL_STEPS,
    AssessmentStep,
    AssessmentUnit,
    ControlPoint,
    Family,
    Group,
    RequirementItem,
    Text,
    VerdictRule,
)
from controls.errors import DataError
from controls.ids import ClauseRef, FrameworkId, ItemId, UnitId
from controls.reader import Cursor
from controls.registry import FrameworkSource
from controls.terms import Importance, Layer, Mark, Method, Origin, Scope, SecurityClass, TargetKind

__all__ = ["UNIT_COLUMNS", "build_mlps"]

UNIT_COLUMNS = [
    "level",
    "scope",
    "domain_code",
    "unit_id",
    "clause_28448",
    "clause_22239",
    "item_22239",
    "control_point_zh",
    "methods",
    "steps",
    "partial_possible",
    "note",
]
_NO_TEXT = Text("", "")
_FAMILY_KEYS = ("family", "layer", "targets", "evidence", "holder", "gaps", "variants")
Place = tuple[Scope, SecurityClass]


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of ``units.csv`` with its types."""

    level: int
    scope: Scope
    security_class: SecurityClass
    unit: UnitId
    clause: ClauseRef
    item_clause: ClauseRef
    point: str
    methods: tuple[Method, ...]
    steps: int | None
    partial: bool | None
    note: str


@dataclass(frozen=True, slots=True)
class _FamilyHead:
    id: str
    point: ControlPoint
    layer: Layer
    targets: tuple[TargetKind, ...]
    evidence: Text
    holder: Text
    gaps: Text


@dataclass(frozen=True, slots=True)
class _Words:
    """What a class file says about one unit."""

    family: _FamilyHead
    summary: Text
    steps: tuple[AssessmentStep, ...]
    rule: VerdictRule


def build_mlps(requirements: FrameworkSource, evaluation: FrameworkSource, *, strict: bool = True) -> Built:
    """Join the two standards.

    Args:
        strict: False keeps a class file that contradicts the table out and names it as missing.

    Raises:
        DataError: the table or a head is wrong; with *strict*, a class file is.
    """
    rows = _read_rows(evaluation)
    marks = _read_marks(requirements)
    words: dict[UnitId, _Words] = {}
    built = Built()
    for place in dict.fromkeys((row.scope, row.security_class) for row in rows.values()):
        name = _class_file(requirements, place)
        if not requirements.sources.exists(name):
            built.missing.append(f"{name}: is not written yet")
            continue
        try:
            words |= _ClassFile(requirements, name, place, rows, marks).read()
        except DataError as error:
            if strict:
                raise
            built.missing.append(str(error))
            continue
        lost = [u for u, r in rows.items() if (r.scope, r.security_class) == place and u not in words]
        built.missing += (f"{name}: {unit} has no words yet" for unit in lost)
    _refuse_stray_files(requirements, rows.values())
    _assemble(built, requirements, evaluation, rows, words, marks)
    return built


def _class_file(source: FrameworkSource, place: Place) -> str:
    scope, security_class = place
    return f"{source.folder}/classes/{scope}-{security_class.lower()}.yaml"


def _refuse_stray_files(source: FrameworkSource, rows: Iterable[_Row]) -> None:
    known = {_class_file(source, (row.scope, row.security_class)) for row in rows}
    for name in source.sources.names(f"{source.folder}/classes"):
        if name not in known:
            raise DataError(name, 0, "", "no class of the standard has this name")


def _read_rows(source: FrameworkSource) -> dict[UnitId, _Row]:
    name = f"{source.folder}/units.csv"
    rows: dict[UnitId, _Row] = {}
    for line, raw in enumerate(source.sources.table(name, UNIT_COLUMNS), start=2):
        try:
            row = _row(raw)
        except ValueError as error:
            raise DataError(name, line, raw["unit_id"], str(error)) from error
        if row.unit in rows:
            raise DataError(name, line, row.unit, "stands twice")
        rows[row.unit] = row
    return rows


def _row(raw: Mapping[str, str]) -> _Row:
    return _Row(
        level=int(raw["level"]),
        scope=Scope(raw["scope"]),
        security_class=SecurityClass(raw["domain_code"]),
        unit=UnitId.parse(raw["unit_id"]),
        clause=ClauseRef.parse(raw["clause_28448"]),
        item_clause=ClauseRef.parse(raw["clause_22239"], raw["item_22239"]),
        point=raw["control_point_zh"],
        methods=tuple(Method(letter) for letter in raw["methods"]),
        steps=int(raw["steps"]) if raw["steps"] else None,
        partial={"yes": True, "no": False, "": None}[raw["partial_possible"]],
        note=raw["note"],
    )


def _read_marks(source: FrameworkSource) -> dict[tuple[SecurityClass, str], Mark]:
    head = head_cursor(source)
    return {
        (SecurityClass(code), point): Mark(mark)
        for mark, classes in head.at("marks").entries()
        for code, points in classes.entries()
        for point in points.strings()
    }


class _ClassFile:
    """Reads one class file against the table."""

    def __init__(
        self,
        source: FrameworkSource,
        name: str,
        place: Place,
        rows: Mapping[UnitId, _Row],
        marks: Mapping[tuple[SecurityClass, str], Mark],
    ) -> None:
        self.source = source
        self.root = source.sources.document(name).cursor()
        self.scope, self.security_class = place
        self.rows = rows
        self.marks = marks
        self.words: dict[UnitId, _Words] = {}

    def read(self) -> dict[UnitId, _Words]:
        root = self.root
        root.only("class", "scope", "control_points")
        if root.at("class").value != self.security_class or root.at("scope").value != self.scope:
            root.at("class").fail("class and scope must agree with the file's name")
        keys: set[str] = set()
        for point in root.at("control_points").each():
            self._read_point(point)
            key = point.at("key").string()
            if key in keys:
                point.at("key").fail(f"{key} stands twice")
            keys.add(key)
        return self.words

    def _read_point(self, cursor: Cursor) -> None:
        cursor.only("key", "name", "mark", "families")
        name = cursor.at("name").text()
        mark = _mark_of(self.marks, self.scope, self.security_class, name.zh)
        if cursor.at("mark").value != mark:
            cursor.at("mark").fail(f"the standard marks {name.zh} with {mark}")
        point = ControlPoint(
            key=_point_key(self.scope, self.security_class, cursor.at("key").string()),
            framework=FrameworkId(self.source.id),
            class_code=self.security_class,
            scope=self.scope,
            name=name,
            mark=mark,
        )
        for family in cursor.at("families").each():
            self._read_family(family, point)

    def _read_family(self, cursor: Cursor, point: ControlPoint) -> None:
        cursor.only(*_FAMILY_KEYS)
        family_id = cursor.at("family").string()
        prefix = _point_key(self.scope, self.security_class, "")
        if not family_id.startswith(prefix):
            cursor.at("family").fail(f"must begin with {prefix}")
        head = _FamilyHead(
            id=family_id,
            point=point,
            layer=member(cursor.at("layer"), Layer),
            targets=tuple(member(kind, TargetKind) for kind in cursor.at("targets").each()),
            evidence=cursor.at("evidence").text(),
            holder=cursor.at("holder").text(),
            gaps=cursor.at("gaps").text(),
        )
        for variant in cursor.at("variants").each():
            self._read_variant(variant, head)

    def _read_variant(self, cursor: Cursor, head: _FamilyHead) -> None:
        cursor.only("units", "summary", "steps", "rule")
        steps = read_steps(cursor.at("steps"))
        words = _Words(head, cursor.at("summary").text(), steps, read_rule(cursor.at("rule"), len(steps)))
        for entry in cursor.at("units").each():
            unit = UnitId(entry.string())
            row = self.rows.get(unit)
            if row is None or (row.scope, row.security_class) != (self.scope, self.security_class):
                entry.fail(f"{unit} is no unit of this class")
            if row.point != head.point.name.zh:
                entry.fail(f"{unit} belongs to {row.point}, not to {head.point.name.zh}")
            if row.steps is not None and row.steps != len(steps):
                entry.fail(f"{unit} has {row.steps} steps in the standard, here {len(steps)}")
            if unit in self.words:
                entry.fail(f"{unit} stands twice")
            self.words[unit] = words


def _point_key(scope: Scope, security_class: SecurityClass, key: str) -> str:
    prefix = "" if scope is Scope.GENERAL else f"{scope}-"
    return f"{prefix}{security_class.lower()}-{key}"


def _mark_of(
    marks: Mapping[tuple[SecurityClass, str], Mark], scope: Scope, security_class: SecurityClass, point: str
) -> Mark:
    return marks.get((security_class, point), Mark.G) if scope is Scope.GENERAL else Mark.G


def _unwritten(row: _Row, framework: FrameworkId, mark: Mark) -> _Words:
    """Give the words of a unit nobody described yet: numbers and names only, no text."""
    point = ControlPoint(
        key=_point_key(row.scope, row.security_class, row.point),
        framework=framework,
        class_code=row.security_class,
        scope=row.scope,
        name=Text(row.point, ""),
        mark=mark,
    )
    layer = Layer.INFRASTRUCTURE if row.security_class.is_technical else Layer.MANAGEMENT
    steps = tuple(AssessmentStep(number, _NO_TEXT) for number in range(1, (row.steps or 1) + 1))
    family = _FamilyHead(
        f"{point.key}-{row.item_clause.letter}", point, layer, (), _NO_TEXT, _NO_TEXT, _NO_TEXT
    )
    return _Words(family, _NO_TEXT, steps, ALL_STEPS)


def _read_importance(source: FrameworkSource) -> dict[ItemId, tuple[Importance, Origin]]:
    cursor = head_cursor(source).at("importance")
    origin = member(cursor.at("origin"), Origin)
    return {
        ItemId.parse(text): (importance, origin)
        for importance in Importance
        for text in cursor.at(importance).strings()
    }


def _assemble(
    built: Built,
    requirements: FrameworkSource,
    evaluation: FrameworkSource,
    rows: Mapping[UnitId, _Row],
    words: Mapping[UnitId, _Words],
    marks: Mapping[tuple[SecurityClass, str], Mark],
) -> None:
    requirements_id, evaluation_id = FrameworkId(requirements.id), FrameworkId(evaluation.id)
    importance = _read_importance(requirements)
    joined = {old: new.string() for old, new in head_cursor(requirements).at("joined_families").entries()}
    without_item = set(head_cursor(evaluation).at("units_without_item").strings())
    heads: dict[str, _FamilyHead] = {}
    for row in rows.values():
        told = words.get(row.unit) or _unwritten(
            row, requirements_id, _mark_of(marks, row.scope, row.security_class, row.point)
        )
        first = heads.setdefault(told.family.id, told.family)
        if first is not told.family and first.targets:
            raise DataError(requirements.folder, 0, first.id, "a family of this name stands twice")
        family = joined.get(first.id, first.id)
        item = None if row.unit in without_item else ItemId.of(row.item_clause)
        built.units.append(_unit(row, told, evaluation_id, item, family))
        if item is not None:
            weight = importance.get(item, (Importance.IMPORTANT, Origin.DEFAULT))
            built.items.append(_item(row, told, requirements_id, item, family, weight))
    built.families += _families(heads, built, requirements_id)
    groups = [Group(one.value, Text(one.zh, one.en), one.is_technical) for one in SecurityClass]
    counts = count_places(built.items, built.units)
    built.frameworks.append(make_head(head_cursor(requirements), groups, counts))
    built.frameworks.append(make_head(head_cursor(evaluation), groups, counts))


def _families(heads: Mapping[str, _FamilyHead], built: Built, framework: FrameworkId) -> list[Family]:
    """Make the families with their members; one that was joined to another stands under the other's name."""
    items_of: dict[str, list[ItemId]] = {}
    units_of: dict[str, list[UnitId]] = {}
    for item in built.items:
        items_of.setdefault(item.family, []).append(item.id)
    for unit in built.units:
        units_of.setdefault(unit.family, []).append(unit.id)
    return [
        Family(
            id=head.id,
            framework=framework,
            control_point=head.point,
            layer=head.layer,
            targets=head.targets,
            evidence=head.evidence,
            holder=head.holder,
            gaps=head.gaps,
            items=tuple(items_of.get(head.id, ())),
            units=tuple(units_of[head.id]),
        )
        for head in heads.values()
        if head.id in units_of
    ]


def _unit(
    row: _Row, told: _Words, framework: FrameworkId, item: ItemId | None, family_id: str
) -> AssessmentUnit:
    family = told.family
    return AssessmentUnit(
        framework=framework,
        id=row.unit,
        level=row.level,
        clause=row.clause,
        item=item,
        item_clause=row.item_clause,
        class_code=row.security_class.value,
        scope=row.scope,
        control_point=family.point,
        mark=family.point.mark,
        layer=family.layer,
        family=family_id,
        methods=row.methods,
        steps=told.steps,
        rule=told.rule,
        partial_possible=len(told.steps) > 1 if row.partial is None else row.partial,
        targets=family.targets,
        summary=told.summary,
        note=row.note,
    )


def _item(
    row: _Row,
    told: _Words,
    framework: FrameworkId,
    item: ItemId,
    family_id: str,
    weight: tuple[Importance, Origin],
) -> RequirementItem:
    family = told.family
    return RequirementItem(
        framework=framework,
        id=item,
        level=row.level,
        clause=row.item_clause,
        class_code=row.security_class.value,
        scope=row.scope,
        control_point=family.point,
        mark=family.point.mark,
        layer=family.layer,
        family=family_id,
        units=(row.unit,),
        summary=told.summary,
        importance=weight[0],
        importance_origin=weight[1],
    )
