"""Which items and units bind one system, and why each is in or out.

S items follow the S level of the profile, A items the A level, everything else (and every
extension) the G level. So under S2A3G3 the S items are those of level 2, with their level-2
clauses and ids.

Source: GB/T 22239-2019, Annex A.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from controls.catalog import (
    MLPS_EVALUATION,
    MLPS_REQUIREMENTS,
    AssessmentUnit,
    Catalog,
    RequirementItem,
    Text,
)
from controls.errors import MissingReason, UnknownItem
from controls.ids import ItemId, UnitId
from controls.terms import LevelProfile, Mark, Scope, SecurityClass, TargetKind

__all__ = ["Decision", "Exclusion", "Selection", "Why", "extensions_for", "select"]


class Why(StrEnum):
    """Why an item is in or out."""

    LEVEL = "level"
    EXTENSION = "extension"
    OTHER_LEVEL = "other-level"
    EXTENSION_NOT_CHOSEN = "extension-not-chosen"
    NO_TARGET = "no-target"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An item a person took out, with the reason that must stand beside it."""

    item: ItemId
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise MissingReason(self.item)


@dataclass(frozen=True, slots=True)
class Decision:
    """One item (or the one unit without an item), whether it applies, and why."""

    item: RequirementItem | None
    unit: AssessmentUnit
    included: bool
    why: Why
    reason: Text


@dataclass(frozen=True)
class Selection:
    """The exact set for one system, in the order of the standard.

    ``units`` has one entry per item plus, with the IoT extension from level 3, the one unit without item.
    ``decisions`` is worked out when first asked for: every unit of the G level and every one that is in.
    """

    profile: LevelProfile
    extensions: tuple[Scope, ...]
    items: tuple[RequirementItem, ...]
    units: tuple[AssessmentUnit, ...]
    exclusions: Mapping[ItemId, str]
    target_kinds: frozenset[TargetKind] | None
    _catalog: Catalog

    @cached_property
    def item_ids(self) -> frozenset[ItemId]:
        """Ids of the applicable items."""
        return frozenset(item.id for item in self.items)

    @cached_property
    def unit_ids(self) -> frozenset[UnitId]:
        """Numbers of the applicable units."""
        return frozenset(unit.id for unit in self.units)

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """Every unit of the G level and every one from a lower level that is in, with why."""
        return tuple(self._decide(unit) for unit in _candidates(self._catalog, self.profile))

    def explain(self, unit_id: UnitId) -> Decision:
        """Say why one unit is in or out.

        Raises:
            UnknownUnit: no such unit.
        """
        return self._decide(self._catalog.unit(unit_id))

    def _decide(self, unit: AssessmentUnit) -> Decision:
        item = self._catalog.item(unit.item) if unit.item else None
        included, why, reason = self._reason(unit)
        return Decision(item, unit, included, why, reason)

    def _reason(self, unit: AssessmentUnit) -> tuple[bool, Why, Text]:
        wanted = self.profile.level_for(unit.mark)
        if unit.scope is not Scope.GENERAL and unit.scope not in self.extensions:
            zh = f"未选择{unit.scope.zh}"
            return False, Why.EXTENSION_NOT_CHOSEN, Text(zh, f"{unit.scope.en} is not chosen")
        if unit.level != wanted:
            zh = f"{unit.mark} 类要求按 {self.profile} 取第 {wanted} 级，不取第 {unit.level} 级"
            en = f"{unit.mark} items of {self.profile} come from level {wanted}, not from level {unit.level}"
            return False, Why.OTHER_LEVEL, Text(zh, en)
        reason = self.exclusions.get(unit.item) if unit.item else None
        if reason is not None:
            return False, Why.EXCLUDED, Text(f"不适用：{reason}", f"excluded: {reason}")
        if not _has_target(unit, self.target_kinds):
            return (
                False,
                Why.NO_TARGET,
                Text("系统没有此类测评对象", "the system has no target of these kinds"),
            )
        if unit.scope is Scope.GENERAL:
            zh = f"{unit.mark} 类要求按 {self.profile} 取第 {wanted} 级"
            return True, Why.LEVEL, Text(zh, f"{unit.mark} items of {self.profile} come from level {wanted}")
        return True, Why.EXTENSION, Text(f"已选择{unit.scope.zh}", f"{unit.scope.en} is chosen")


def select(
    catalog: Catalog,
    profile: LevelProfile,
    extensions: Iterable[Scope] = (),
    *,
    target_kinds: Collection[TargetKind] | None = None,
    exclusions: Mapping[ItemId, str] | None = None,
) -> Selection:
    """Select the MLPS items and units for one system.

    Args:
        profile: Its G part is the level of the system.
        extensions: Chosen extensions; the general requirements are always in.
        target_kinds: Kinds of targets the system has; units that know none of them drop out.
            ``None`` keeps all. Units without stated kinds always stay.
        exclusions: Item id → reason it does not apply.

    Raises:
        LevelNotCatalogued: level 5.
        MissingReason: an exclusion without a reason.
        UnknownItem: an exclusion of an item that would not apply anyway.
    """
    chosen = frozenset(extensions) - {Scope.GENERAL}
    items, units = _base(catalog, profile, chosen)
    excluded: dict[ItemId, str] = {}
    for item_id, reason in (exclusions or {}).items():
        exclusion = Exclusion(item_id, reason)
        excluded[exclusion.item] = exclusion.reason
    if excluded:
        known = {item.id for item in items}
        for item_id in excluded:
            if item_id not in known:
                raise UnknownItem(item_id, f"it is not among the items of {profile}")
    kinds = None if target_kinds is None else frozenset(target_kinds)
    if excluded or kinds is not None:
        units = tuple(unit for unit in units if unit.item not in excluded and _has_target(unit, kinds))
        kept = {unit.item for unit in units}
        items = tuple(item for item in items if item.id in kept)
    ordered = tuple(scope for scope in Scope if scope in chosen)
    return Selection(profile, ordered, items, units, excluded, kinds, catalog)


def extensions_for(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """Turn spellings into extensions, in the standard's order, each once.

    Raises:
        ValueError: a spelling that is no scope.
    """
    wanted = {Scope(text) for text in scopes}
    return tuple(scope for scope in Scope if scope in wanted and scope is not Scope.GENERAL)


def _has_target(unit: AssessmentUnit, kinds: frozenset[TargetKind] | None) -> bool:
    return kinds is None or not unit.targets or not kinds.isdisjoint(unit.targets)


def _candidates(catalog: Catalog, profile: LevelProfile) -> tuple[AssessmentUnit, ...]:
    levels = sorted({profile.s, profile.a, profile.g})
    found = [
        unit
        for level in levels
        for unit in catalog.units(MLPS_EVALUATION, level)
        if level in (profile.g, profile.level_for(unit.mark))
    ]
    ranks = _ranks(catalog)
    return tuple(sorted(found, key=lambda unit: _order(unit, ranks)))


Base = tuple[tuple[RequirementItem, ...], tuple[AssessmentUnit, ...]]
_bases: WeakKeyDictionary[Catalog, dict[Any, Base]] = WeakKeyDictionary()


def _base(catalog: Catalog, profile: LevelProfile, chosen: frozenset[Scope]) -> Base:
    """Select by level and extension alone; kept per catalogue, because few combinations exist."""
    known = _bases.setdefault(catalog, {})
    key = (profile, chosen)
    found = known.get(key)
    if found is None:
        found = known[key] = _select_base(catalog, profile, chosen)
    return found


def _select_base(catalog: Catalog, profile: LevelProfile, chosen: frozenset[Scope]) -> Base:
    ranks = _ranks(catalog)
    scopes = chosen | {Scope.GENERAL}
    items: list[RequirementItem] = []
    units: list[AssessmentUnit] = []
    for mark in Mark:
        level = profile.level_for(mark)
        items += (
            item
            for item in catalog.items(MLPS_REQUIREMENTS, level)
            if item.mark is mark and item.scope in scopes
        )
        units += (
            unit
            for unit in catalog.units(MLPS_EVALUATION, level)
            if unit.mark is mark and unit.scope in scopes
        )
    items.sort(key=lambda item: _order(item, ranks))
    units.sort(key=lambda unit: _order(unit, ranks))
    return tuple(items), tuple(units)


_CLASS_ORDER = {one.value: place for place, one in enumerate(SecurityClass)}
_SCOPE_ORDER = {one: place for place, one in enumerate(Scope)}
Ranks = dict[tuple[Scope, str, str], int]


def _ranks(catalog: Catalog) -> Ranks:
    """Give each control point its place in its class, the highest level leading.

    A point can carry another number at another level, so a mixed profile needs one common order.
    """
    ranks: Ranks = {}
    for level in sorted(catalog.framework(MLPS_REQUIREMENTS).levels, reverse=True):
        for item in catalog.items(MLPS_REQUIREMENTS, level):
            ranks.setdefault((item.scope, item.class_code, item.control_point.name.zh), len(ranks))
    return ranks


def _order(thing: RequirementItem | AssessmentUnit, ranks: Ranks) -> tuple[int, int, int, str]:
    rank = ranks.get((thing.scope, thing.class_code, thing.control_point.name.zh), len(ranks))
    letter = thing.letter if isinstance(thing, RequirementItem) else str(thing.id)
    return _SCOPE_ORDER[thing.scope], _CLASS_ORDER[thing.class_code], rank, letter
