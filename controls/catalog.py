"""The catalogue: frozen values and the look-ups over them.

Knows no file and no folder: ``controls.loader`` builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Generic, TypeVar

from controls.errors import (
    LevelNotCatalogued,
    UnknownFamily,
    UnknownFramework,
    UnknownItem,
    UnknownUnit,
)
from controls.ids import ClauseRef, FrameworkId, ItemId, UnitId
from controls.terms import (
    CryptoStrength,
    Importance,
    Lang,
    Layer,
    Mark,
    Method,
    Origin,
    Scope,
    TargetKind,
)

__all__ = [
    "ALL_STEPS",
    "AssessmentStep",
    "AssessmentUnit",
    "CRYPTO",
    "Catalog",
    "ControlPoint",
    "CryptoTerms",
    "Family",
    "Framework",
    "Group",
    "LevelDiff",
    "MLPS_EVALUATION",
    "MLPS_REQUIREMENTS",
    "Matrix",
    "Reference",
    "RequirementItem",
    "Text",
    "VerdictRule",
]

MLPS_REQUIREMENTS = FrameworkId("gbt-22239-2019")
MLPS_EVALUATION = FrameworkId("gbt-28448-2019")
CRYPTO = FrameworkId("gbt-39786-2021")


@dataclass(frozen=True, slots=True)
class Text:
    """One text in Chinese and English; both empty when nothing was written yet."""

    zh: str
    en: str

    def label(self, lang: Lang) -> str:
        """Give the text in one language."""
        return self.zh if lang == "zh" else self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


@dataclass(frozen=True, slots=True)
class Group:
    """A class, layer or cell of a framework, under which items stand.

    ``weight`` is the layer weight of GB/T 39786 scoring, else ``None``.
    """

    code: str
    name: Text
    technical: bool | None = None
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows and columns of a framework whose groups are the cells of a table."""

    rows: tuple[Group, ...]
    columns: tuple[Group, ...]

    @staticmethod
    def cell(row: Group, column: Group) -> str:
        """Give the code of the group that stands in a row and a column: ``TRA-TEC``."""
        return f"{row.code}-{column.code}"

    def groups(self) -> tuple[Group, ...]:
        """Give the cells row by row, named after row and column."""
        return tuple(
            Group(
                self.cell(row, column),
                Text(f"{row.name.zh} · {column.name.zh}", f"{row.name.en} · {column.name.en}"),
            )
            for row in self.rows
            for column in self.columns
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """A clause that is shown and cited but never judged or counted."""

    id: str
    level: int
    group: str
    summary: Text


@dataclass(frozen=True, slots=True)
class Framework:
    """One edition of one framework.

    ``levels`` is empty where the framework has none. ``counts`` is level → scope → (items, units),
    level 0 standing for "no levels". ``official`` is False for our own reading of a text. ``matrix`` is
    there when the groups are the cells of one.
    """

    id: FrameworkId
    title: Text
    edition: str
    publisher: Text
    text_policy: Text
    levels: tuple[int, ...]
    scopes: tuple[Scope, ...]
    groups: tuple[Group, ...]
    official: bool
    units_in: FrameworkId | None
    items_in: FrameworkId | None
    advice: Mapping[int, Text] = field(default_factory=dict)
    counts: Mapping[int, Mapping[Scope, tuple[int, int]]] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    matrix: Matrix | None = None

    def lacks_level(self, level: int) -> LevelNotCatalogued:
        """Make the error for a level this framework does not have, with the advice it carries."""
        levels = ", ".join(map(str, self.levels))
        known = (
            Text(f"它的等级为 {levels}", f"its levels are {levels}")
            if levels
            else Text("它不分等级", "it has no levels")
        )
        advice = self.advice.get(level, known)
        return LevelNotCatalogued(self.id, level, advice.en, advice.zh)

    def group(self, code: str) -> Group:
        """Give the class or layer with this code."""
        for group in self.groups:
            if group.code == code:
                return group
        raise UnknownFramework(f"{self.id} {code}", "no such class or layer")


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """A security control point over all levels it stands at."""

    key: str
    framework: FrameworkId
    class_code: str
    scope: Scope
    name: Text
    mark: Mark


@dataclass(frozen=True, slots=True)
class Family:
    """The same requirement over the levels, with what helps to answer it."""

    id: str
    framework: FrameworkId
    control_point: ControlPoint
    layer: Layer
    targets: tuple[TargetKind, ...]
    evidence: Text
    holder: Text
    gaps: Text
    items: tuple[ItemId, ...]
    units: tuple[UnitId, ...]


@dataclass(frozen=True, slots=True)
class AssessmentStep:
    """One step of a unit; ``number`` counts from 1."""

    number: int
    text: Text


@dataclass(frozen=True, slots=True)
class VerdictRule:
    """Which steps must be positive: any one of the alternatives, each a set of step numbers.

    ``alternatives`` empty means all steps.
    """

    alternatives: tuple[tuple[int, ...], ...] = ()

    def expanded(self, step_count: int) -> tuple[tuple[int, ...], ...]:
        """Give the alternatives with "all" spelled out."""
        return self.alternatives or (tuple(range(1, step_count + 1)),)

    def as_data(self) -> str | list[list[str]]:
        """Give the spelling of YAML and JSON: ``"all"`` or ``[["1", "3"], ["2", "3"]]``."""
        if not self.alternatives:
            return "all"
        return [[str(number) for number in alternative] for alternative in self.alternatives]


ALL_STEPS = VerdictRule()


@dataclass(frozen=True, slots=True)
class CryptoTerms:
    """What scoring under GB/T 39786 needs of a unit: its strength and its weight per rule edition."""

    strength: CryptoStrength
    weights: Mapping[str, Decimal]
    module_level: int | None


@dataclass(frozen=True, slots=True)
class RequirementItem:
    """One requirement item at one level (0 where the framework has no levels)."""

    framework: FrameworkId
    id: ItemId
    level: int
    clause: ClauseRef | None
    class_code: str
    scope: Scope
    control_point: ControlPoint
    mark: Mark
    layer: Layer
    family: str
    units: tuple[UnitId, ...]
    summary: Text
    importance: Importance
    importance_origin: Origin

    @property
    def letter(self) -> str:
        """The list letter, ``""`` for single items."""
        return self.clause.letter if self.clause else ""


@dataclass(frozen=True, slots=True)
class AssessmentUnit:
    """One assessment unit.

    ``item`` is ``None`` for the one unit that has no requirement item (IoT gateway, maximum number of
    connections): it is recorded, never counted. ``note`` carries known faults of the numbering.
    """

    framework: FrameworkId
    id: UnitId
    level: int
    clause: ClauseRef | None
    item: ItemId | None
    item_clause: ClauseRef | None
    class_code: str
    scope: Scope
    control_point: ControlPoint
    mark: Mark
    layer: Layer
    family: str
    methods: tuple[Method, ...]
    steps: tuple[AssessmentStep, ...]
    rule: VerdictRule
    partial_possible: bool
    targets: tuple[TargetKind, ...]
    summary: Text
    note: str
    crypto: CryptoTerms | None = None


ThingT = TypeVar("ThingT", RequirementItem, AssessmentUnit)


@dataclass(frozen=True, slots=True)
class LevelDiff(Generic[ThingT]):
    """What changes between two levels, joined by family.

    ``changed`` pairs members of one family whose content differs; equal content is no change.
    """

    added: tuple[ThingT, ...]
    changed: tuple[tuple[ThingT, ThingT], ...]
    removed: tuple[ThingT, ...]


class Catalog:
    """All frameworks that were loaded, with their items, units and families. Read-only."""

    def __init__(
        self,
        frameworks: Iterable[Framework],
        items: Iterable[RequirementItem],
        units: Iterable[AssessmentUnit],
        families: Iterable[Family],
        missing: Iterable[str] = (),
    ) -> None:
        self.frameworks: tuple[Framework, ...] = tuple(frameworks)
        self.families: tuple[Family, ...] = tuple(families)
        self.missing: tuple[str, ...] = tuple(missing)
        self._frameworks = {framework.id: framework for framework in self.frameworks}
        self._families = {family.id: family for family in self.families}
        self._items = {(item.framework, item.id): item for item in items}
        self._units = {unit.id: unit for unit in units}
        by_place: dict[tuple[FrameworkId, int], list[RequirementItem]] = {}
        for item in self._items.values():
            by_place.setdefault((item.framework, item.level), []).append(item)
        units_by_place: dict[tuple[FrameworkId, int], list[AssessmentUnit]] = {}
        for unit in self._units.values():
            units_by_place.setdefault((unit.framework, unit.level), []).append(unit)
        self._items_at = {place: tuple(found) for place, found in by_place.items()}
        self._units_at = {place: tuple(found) for place, found in units_by_place.items()}

    def framework(self, framework_id: str) -> Framework:
        """Give a framework by its id.

        Raises:
            UnknownFramework: nothing with this id was loaded.
        """
        try:
            return self._frameworks[FrameworkId(framework_id)]
        except KeyError:
            raise UnknownFramework(framework_id, "known: " + ", ".join(self._frameworks)) from None

    def items(
        self, framework: str, level: int | None = None, scope: Scope | None = None
    ) -> tuple[RequirementItem, ...]:
        """Give the items of a framework in the order of the standard.

        Args:
            framework: Id; for a framework that only holds units, the framework of its items is used.
            level: ``None`` for every level.
            scope: ``None`` for the general requirements and every extension.

        Raises:
            UnknownFramework: no such framework.
            LevelNotCatalogued: the framework has no such level.
        """
        head = self.framework(framework)
        found: tuple[RequirementItem, ...] = ()
        for one_level in self._levels(head, level):
            found += self._items_at.get((head.items_in or head.id, one_level), ())
        return found if scope is None else tuple(item for item in found if item.scope is scope)

    def units(
        self, framework: str, level: int | None = None, scope: Scope | None = None
    ) -> tuple[AssessmentUnit, ...]:
        """Give the units of a framework in the order of the standard; see ``items``."""
        head = self.framework(framework)
        found: tuple[AssessmentUnit, ...] = ()
        for one_level in self._levels(head, level):
            found += self._units_at.get((head.units_in or head.id, one_level), ())
        return found if scope is None else tuple(unit for unit in found if unit.scope is scope)

    @staticmethod
    def _levels(head: Framework, level: int | None) -> tuple[int, ...]:
        known = head.levels or (0,)
        if level is None:
            return known
        if level not in known:
            raise head.lacks_level(level)
        return (level,)

    def item(self, item_id: str, framework: str = MLPS_REQUIREMENTS) -> RequirementItem:
        """Give one item; ids are unique inside a framework only.

        Raises:
            UnknownItem: the framework has no such item.
        """
        try:
            return self._items[FrameworkId(framework), ItemId(item_id)]
        except KeyError:
            raise UnknownItem(item_id, f"not in {framework}") from None

    def unit(self, unit_id: str) -> AssessmentUnit:
        """Give one unit; numbers are unique over all frameworks.

        Raises:
            UnknownUnit: no framework has such a unit.
        """
        try:
            return self._units[UnitId(unit_id)]
        except KeyError:
            raise UnknownUnit(unit_id) from None

    def has_unit(self, unit_id: str) -> bool:
        """Say whether a unit exists."""
        return unit_id in self._units

    def family(self, family_id: str) -> Family:
        """Give one family.

        Raises:
            UnknownFamily: no such family.
        """
        try:
            return self._families[family_id]
        except KeyError:
            raise UnknownFamily(family_id) from None

    @cached_property
    def control_points(self) -> Mapping[str, ControlPoint]:
        """All control points by key, in the order of the standards."""
        found = {item.control_point.key: item.control_point for item in self._items.values()}
        return MappingProxyType(found)

    def group_of(self, thing: RequirementItem | AssessmentUnit) -> Group:
        """Give the class or layer an item or unit stands under."""
        return self.framework(thing.framework).group(thing.class_code)

    def diff(
        self, framework: str, from_level: int, to_level: int, scope: Scope | None = None
    ) -> LevelDiff[RequirementItem]:
        """Say which items are new, changed and gone from one level to another, joined by family.

        Raises:
            UnknownFramework: no such framework.
            LevelNotCatalogued: the framework lacks one of the levels.
        """
        before = self.items(framework, from_level, scope)
        return _diff(before, self.items(framework, to_level, scope), lambda item: item.summary)

    def diff_units(
        self, framework: str, from_level: int, to_level: int, scope: Scope | None = None
    ) -> LevelDiff[AssessmentUnit]:
        """Say the same of units; here other steps or another verdict rule are a change too."""
        before = self.units(framework, from_level, scope)
        after = self.units(framework, to_level, scope)
        return _diff(before, after, lambda unit: (unit.summary, unit.steps, unit.rule))


def _diff(
    before: Iterable[ThingT], after: Iterable[ThingT], content: Callable[[ThingT], object]
) -> LevelDiff[ThingT]:
    olds_of = _by_family(before)
    news_of = _by_family(after)
    added: list[ThingT] = []
    changed: list[tuple[ThingT, ThingT]] = []
    for family, news in news_of.items():
        olds = olds_of.get(family)
        if olds is None:
            added += news
            continue
        for position, new in enumerate(news):
            old = olds[min(position, len(olds) - 1)]
            if content(old) != content(new):
                changed.append((old, new))
    removed = [old for family, olds in olds_of.items() if family not in news_of for old in olds]
    return LevelDiff(tuple(added), tuple(changed), tuple(removed))


def _by_family(things: Iterable[ThingT]) -> dict[str, list[ThingT]]:
    found: dict[str, list[ThingT]] = {}
    for thing in things:
        found.setdefault(thing.family, []).append(thing)
    return found
