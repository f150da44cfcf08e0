"""GB/T 39786-2021 with the units of GB/T 43206-2023: items, units, strengths and weights at four levels."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from controls.build_head import Built, checked, count_places, head_cursor, make_head, member, read_steps
from controls.catalog import (
    ALL_STEPS,
    AssessmentStep,
    AssessmentUnit,
    ControlPoint,
    CryptoTerms,
    Family,
    Group,
    Reference,
    RequirementItem,
    Text,
)
from controls.ids import ClauseRef, FrameworkId, ItemId, UnitId
from controls.reader import Cursor
from controls.registry import FrameworkSource
from controls.terms import (
    CryptoLayer,
    CryptoStrength,
    Importance,
    Layer,
    Mark,
    Method,
    Origin,
    Scope,
    TargetKind,
)

__all__ = ["WEIGHT_EDITIONS", "build_crypto"]

WEIGHT_EDITIONS = ("2021", "2023")
_UNIT_KEYS = (
    "number",
    "family",
    "name",
    "layer",
    "targets",
    "letters",
    "strengths",
    "weights",
    "note",
    "summary",
    "summary_at",
    "steps",
    "steps_at",
    "evidence",
    "holder",
    "gaps",
)


class _Layer:
    """One layer of the head: its code, the clause domain and who holds evidence."""

    def __init__(self, cursor: Cursor) -> None:
        cursor.only("code", "number", "domain", "weight", "holder")
        self.code = member(cursor.at("code"), CryptoLayer)
        self.number = cursor.at("number").string()
        self.domain = cursor.at("domain").integer()
        self.weight = _decimal(cursor.at("weight"))
        self.holder = cursor.at("holder").text()


def build_crypto(source: FrameworkSource) -> Built:
    """Build the framework from its head and ``units.yaml``.

    Raises:
        DataError: a file is wrong.
    """
    head = head_cursor(source)
    layers = [_Layer(cursor) for cursor in head.at("layers").each()]
    by_number = {layer.number: layer for layer in layers}
    common = read_steps(head.at("common_steps"))
    module_level = {int(level): cursor.integer() for level, cursor in head.at("module_level").entries()}
    built = Built()
    for cursor in source.sources.document(f"{source.folder}/units.yaml").cursor().at("units").each():
        cursor.only(*_UNIT_KEYS)
        number = cursor.at("number").string()
        layer = by_number.get(number.rpartition(".")[0])
        if layer is None:
            cursor.at("number").fail("belongs to no layer of framework.yaml")
        _read_unit(built, cursor, source.id, layer, common, module_level)
    built.items.sort(key=lambda item: item.level)
    built.units.sort(key=lambda unit: unit.level)
    groups = [
        Group(one.code.value, Text(one.code.zh, one.code.en), one.code.is_technical, one.weight)
        for one in layers
    ]
    references = tuple(
        Reference(cursor.at("id").string(), 0, "", cursor.at("summary").text())
        for cursor in head.at("references").each()
    )
    built.frameworks.append(make_head(head, groups, count_places(built.items, built.units), references))
    return built


def _read_unit(
    built: Built,
    cursor: Cursor,
    framework: str,
    layer: _Layer,
    common: tuple[AssessmentStep, ...],
    module_level: Mapping[int, int],
) -> None:
    framework_id = FrameworkId(framework)
    number = cursor.at("number").string()
    family = cursor.at("family").string()
    name = cursor.at("name").text()
    point = ControlPoint(family, framework_id, layer.code.value, Scope.GENERAL, name, Mark.G)
    security_layer = member(cursor.at("layer"), Layer)
    targets = tuple(member(kind, TargetKind) for kind in cursor.at("targets").each())
    strengths = _per_level(cursor.at("strengths"))
    weights = _weights(cursor.at("weights"), strengths)
    items: list[ItemId] = []
    units: list[UnitId] = []
    for level, letter in _per_level(cursor.at("letters")).items():
        clause = ClauseRef((level + 5, layer.domain), letter.string())
        item_id = ItemId.of(clause)
        unit_id = checked(Cursor(letter.document, letter.path, f"L{level}-{number}"), UnitId.parse)
        summary = _at_level(cursor, "summary", level).text()
        if level not in strengths:
            cursor.at("strengths").fail(f"level {level} is missing")
        built.items.append(
            RequirementItem(
                framework=framework_id,
                id=item_id,
                level=level,
                clause=clause,
                class_code=layer.code.value,
                scope=Scope.GENERAL,
                control_point=point,
                mark=Mark.G,
                layer=security_layer,
                family=family,
                units=(unit_id,),
                summary=summary,
                importance=Importance.IMPORTANT,
                importance_origin=Origin.DEFAULT,
            )
        )
        built.units.append(
            AssessmentUnit(
                framework=framework_id,
                id=unit_id,
                level=level,
                clause=ClauseRef.parse(number),
                item=item_id,
                item_clause=clause,
                class_code=layer.code.value,
                scope=Scope.GENERAL,
                control_point=point,
                mark=Mark.G,
                layer=security_layer,
                family=family,
                methods=_METHODS[layer.code.is_technical],
                steps=_steps(_at_level(cursor, "steps", level), common if layer.code.is_technical else ()),
                rule=ALL_STEPS,
                partial_possible=True,
                targets=targets,
                summary=summary,
                note=cursor.at("note").string() if cursor.has("note") else "",
                crypto=CryptoTerms(
                    strength=member(strengths[level], CryptoStrength),
                    weights=weights[level],
                    module_level=module_level.get(level) if layer.code.is_technical else None,
                ),
            )
        )
        items.append(item_id)
        units.append(unit_id)
    built.families.append(
        Family(
            id=family,
            framework=framework_id,
            control_point=point,
            layer=security_layer,
            targets=targets,
            evidence=cursor.at("evidence").text(),
            holder=cursor.at("holder").text() if cursor.has("holder") else layer.holder,
            gaps=cursor.at("gaps").text(),
            items=tuple(items),
            units=tuple(units),
        )
    )


_METHODS = {True: (Method.EXAMINE, Method.TEST), False: (Method.INTERVIEW, Method.EXAMINE)}


def _steps(cursor: Cursor, common: tuple[AssessmentStep, ...]) -> tuple[AssessmentStep, ...]:
    own = read_steps(cursor)
    following = (AssessmentStep(number, step.text) for number, step in enumerate(common, start=len(own) + 1))
    return (*own, *following)


def _at_level(cursor: Cursor, key: str, level: int) -> Cursor:
    """Give the wording of a level where it differs, else the common one."""
    if cursor.has(f"{key}_at"):
        for text, value in cursor.at(f"{key}_at").entries():
            if text == str(level):
                return value
    return cursor.at(key)


def _per_level(cursor: Cursor) -> dict[int, Cursor]:
    found: dict[int, Cursor] = {}
    for text, value in cursor.entries():
        if text not in ("1", "2", "3", "4"):
            value.fail("is no level from 1 to 4")
        found[int(text)] = value
    return found


def _weights(cursor: Cursor, strengths: Mapping[int, Cursor]) -> dict[int, dict[str, Decimal]]:
    cursor.only(*WEIGHT_EDITIONS)
    latest = {level: _decimal(value) for level, value in _per_level(cursor.at("2023")).items()}
    if latest.keys() != strengths.keys():
        cursor.at("2023").fail("must name the same levels as strengths")
    older = dict(latest)
    if cursor.has("2021"):
        older |= {level: _decimal(value) for level, value in _per_level(cursor.at("2021")).items()}
    return {level: {"2021": older[level], "2023": latest[level]} for level in latest}


def _decimal(cursor: Cursor) -> Decimal:
    text = cursor.string()
    try:
        return Decimal(text)
    except InvalidOperation:
        cursor.fail("must be a decimal number written as a text")
