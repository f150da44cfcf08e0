"""Mappings between frameworks: relations, their inverse and composition, coverage.

An end is a family (the requirement over all its levels) or one item. The inverse and the composition
are computed, never stored. A mapping is somebody's reading; ``origin`` says whose. What was looked at
and maps to nothing is named with its reason, so that it cannot be taken for forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from controls.build_head import checked, member
from controls.catalog import Catalog, RequirementItem, Text
from controls.errors import UnknownFramework
from controls.ids import FrameworkId, ItemId
from controls.loader import load_catalog
from controls.reader import Cursor
from controls.registry import FrameworkSource, find_frameworks
from controls.sources import Sources
from controls.terms import Origin, Relation

__all__ = [
    "Coverage",
    "Crosswalk",
    "ItemPair",
    "Pair",
    "Unmapped",
    "compose",
    "compose_relations",
    "coverage",
    "find_crosswalk",
    "load_crosswalks",
    "read_crosswalk",
]


@dataclass(frozen=True, slots=True)
class Pair:
    """One mapping: the left end stands in ``relation`` to the right end."""

    left: str
    right: str
    relation: Relation
    rationale: Text


@dataclass(frozen=True, slots=True)
class Unmapped:
    """An end of one side that was looked at and maps to nothing of the other, and why."""

    end: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """All mappings from one framework to another.

    ``via`` names what it was composed through. ``note`` says in a sentence how the mappings were read;
    empty where nobody said it. A composed crosswalk names nothing as unmapped: that two steps lead
    nowhere is no reading.
    """

    left: FrameworkId
    right: FrameworkId
    version: str
    origin: Origin
    pairs: tuple[Pair, ...]
    via: tuple[FrameworkId, ...] = ()
    note: Text = Text("", "")
    unmapped_left: tuple[Unmapped, ...] = ()
    unmapped_right: tuple[Unmapped, ...] = ()

    def inverse(self) -> Crosswalk:
        """Read the mappings from the other end; the inverse of the inverse is the crosswalk itself."""
        return Crosswalk(
            left=self.right,
            right=self.left,
            version=self.version,
            origin=self.origin,
            pairs=tuple(Pair(one.right, one.left, one.relation.inverse, one.rationale) for one in self.pairs),
            via=self.via[::-1],
            note=self.note,
            unmapped_left=self.unmapped_right,
            unmapped_right=self.unmapped_left,
        )


@dataclass(frozen=True, slots=True)
class ItemPair:
    """A mapping between two items."""

    left: RequirementItem
    right: RequirementItem
    relation: Relation
    rationale: Text


@dataclass(frozen=True, slots=True)
class Coverage:
    """Mappings between items, and the items of both sides that no mapping touches."""

    pairs: tuple[ItemPair, ...]
    uncovered_left: tuple[RequirementItem, ...]
    uncovered_right: tuple[RequirementItem, ...]


Ends = dict[str, list[RequirementItem]]

_COMPOSED: dict[tuple[Relation, Relation], Relation] = {
    (Relation.SUBSET, Relation.SUBSET): Relation.SUBSET,
    (Relation.SUPERSET, Relation.SUPERSET): Relation.SUPERSET,
    (Relation.SUPERSET, Relation.SUBSET): Relation.INTERSECTS,
    (Relation.SUPERSET, Relation.INTERSECTS): Relation.INTERSECTS,
    (Relation.INTERSECTS, Relation.SUBSET): Relation.INTERSECTS,
}


def compose_relations(first: Relation, second: Relation) -> Relation | None:
    """Say how a stands to c when a stands to b and b to c; ``None`` when that does not follow."""
    if first is Relation.EQUAL:
        return second
    if second is Relation.EQUAL:
        return first
    return _COMPOSED.get((first, second))


def compose(first: Crosswalk, second: Crosswalk) -> Crosswalk:
    """Go from the left of *first* to the right of *second* through the framework they share.

    Where several ways lead to one pair, the strongest relation holds; subset and superset together are
    equal. Mappings that do not follow are left out.

    Raises:
        UnknownFramework: the two share no framework in the middle.
    """
    if first.right != second.left:
        raise UnknownFramework(second.left, f"{first.left} leads to {first.right}")
    onward: dict[str, list[Pair]] = {}
    for pair in second.pairs:
        onward.setdefault(pair.left, []).append(pair)
    found: dict[tuple[str, str], Pair] = {}
    for one in first.pairs:
        for two in onward.get(one.right, ()):
            relation = compose_relations(one.relation, two.relation)
            if relation is None:
                continue
            known = found.get((one.left, two.right))
            joined = relation if known is None else _strongest(known.relation, relation)
            if known is None or joined is not known.relation:
                rationale = Text(
                    f"{one.rationale.zh}（经 {one.right}）{two.rationale.zh}",
                    f"{one.rationale.en} (through {one.right}) {two.rationale.en}",
                )
                found[one.left, two.right] = Pair(one.left, two.right, joined, rationale)
    return Crosswalk(
        left=first.left,
        right=second.right,
        version=f"{first.version}+{second.version}",
        origin=first.origin if first.origin is second.origin else Origin.ORGANISATION,
        pairs=tuple(found.values()),
        via=(*first.via, first.right, *second.via),
        note=first.note if first.note == second.note else Text("", ""),
    )


def _strongest(one: Relation, other: Relation) -> Relation:
    if one is other:
        return one
    if Relation.EQUAL in (one, other) or {one, other} == {Relation.SUBSET, Relation.SUPERSET}:
        return Relation.EQUAL
    return other if one is Relation.INTERSECTS else one


def coverage(
    catalog: Catalog, crosswalk: Crosswalk, level: int | None = None, item: ItemId | None = None
) -> Coverage:
    """Expand the mappings to items.

    Args:
        level: Only items of this level (items of frameworks without levels always count).
        item: Only mappings of this left item; nothing else then counts as uncovered on the left.

    Items of a family are paired level by level; a side without levels pairs with every level.
    """
    left = _items_by_end(catalog, crosswalk.left, level)
    right = _items_by_end(catalog, crosswalk.right, level)
    pairs = [
        ItemPair(one, two, pair.relation, pair.rationale)
        for pair in crosswalk.pairs
        for one in left.get(pair.left, ())
        for two in right.get(pair.right, ())
        if (one.level == two.level or 0 in (one.level, two.level)) and item in (None, one.id)
    ]
    seen_left = {pair.left.id for pair in pairs}
    seen_right = {pair.right.id for pair in pairs}
    return Coverage(
        pairs=tuple(pairs),
        uncovered_left=_rest(left, seen_left, item),
        uncovered_right=() if item else _rest(right, seen_right, None),
    )


def _items_by_end(catalog: Catalog, framework: FrameworkId, level: int | None) -> Ends:
    """Group items under their family and under their own id."""
    head = catalog.framework(framework)
    wanted = level if head.levels else None
    found: Ends = {}
    for one in catalog.items(framework, wanted):
        found.setdefault(one.family, []).append(one)
        if one.id != one.family:
            found.setdefault(one.id, []).append(one)
    return found


def _rest(
    ends: Mapping[str, Sequence[RequirementItem]], seen: set[ItemId], item: ItemId | None
) -> tuple[RequirementItem, ...]:
    found = {one.id: one for items in ends.values() for one in items}
    return tuple(one for key, one in found.items() if key not in seen and item in (None, key))


def read_crosswalk(cursor: Cursor, catalog: Catalog) -> Crosswalk:
    """Read one crosswalk file.

    Raises:
        DataError: its shape is wrong, or an end does not exist.
    """
    cursor.only("from", "to", "version", "origin", "note", "pairs", "unmapped")
    left = checked(cursor.at("from"), FrameworkId.parse)
    right = checked(cursor.at("to"), FrameworkId.parse)
    known: dict[str, Ends] = {}
    for side, framework in (("from", left), ("to", right)):
        try:
            known[side] = _items_by_end(catalog, framework, None)
        except UnknownFramework as error:
            cursor.at(side).fail(str(error))
    pairs: dict[tuple[str, str], Pair] = {}
    for entry in cursor.at("pairs").each():
        entry.only("from", "to", "relation", "rationale")
        key = (
            _known_end(entry.at("from"), left, known["from"]),
            _known_end(entry.at("to"), right, known["to"]),
        )
        if key in pairs:
            entry.fail(f"{key[0]} to {key[1]} stands twice")
        relation = member(entry.at("relation"), Relation)
        pairs[key] = Pair(key[0], key[1], relation, entry.at("rationale").text())
    empty = cursor.at("unmapped") if cursor.has("unmapped") else None
    if empty is not None:
        empty.only("from", "to")
    return Crosswalk(
        left=left,
        right=right,
        version=cursor.at("version").string(),
        origin=member(cursor.at("origin"), Origin),
        pairs=tuple(pairs.values()),
        note=cursor.at("note").text() if cursor.has("note") else Text("", ""),
        unmapped_left=_unmapped(empty, "from", left, known["from"], {one for one, _ in pairs}),
        unmapped_right=_unmapped(empty, "to", right, known["to"], {two for _, two in pairs}),
    )


def _known_end(cursor: Cursor, framework: FrameworkId, known: Ends) -> str:
    end = cursor.string()
    if end not in known:
        cursor.fail(f"{end} is no family and no item of {framework}")
    return end


def _unmapped(
    cursor: Cursor | None, side: str, framework: FrameworkId, known: Ends, mapped: set[str]
) -> tuple[Unmapped, ...]:
    """Read the ends of one side that map to nothing; each entry names some that share a reason."""
    found: dict[str, Unmapped] = {}
    if cursor is None or not cursor.has(side):
        return ()
    for entry in cursor.at(side).each():
        entry.only("ends", "reason")
        reason = entry.at("reason").text()
        for one in entry.at("ends").each():
            end = _known_end(one, framework, known)
            if end in mapped:
                one.fail(f"{end} is mapped above")
            if end in found:
                one.fail(f"{end} stands twice")
            found[end] = Unmapped(end, reason)
    return tuple(found.values())


def load_crosswalks(catalog: Catalog, frameworks: Iterable[FrameworkSource]) -> tuple[Crosswalk, ...]:
    """Load the files in the ``crosswalks`` folders beside the frameworks.

    Raises:
        DataError: a file is wrong, or its name is not ``<from>--<to>.yaml``.
    """
    roots: dict[int, Sources] = {id(one.sources): one.sources for one in frameworks}
    found: list[Crosswalk] = []
    for sources in roots.values():
        for name in sources.names("crosswalks"):
            cursor = sources.document(name).cursor()
            crosswalk = read_crosswalk(cursor, catalog)
            if name != f"crosswalks/{crosswalk.left}--{crosswalk.right}.yaml":
                cursor.at("from").fail("the file must be named <from>--<to>.yaml")
            found.append(crosswalk)
    return tuple(found)


@cache
def _loaded() -> tuple[Crosswalk, ...]:
    return load_crosswalks(load_catalog(), find_frameworks()[0])


def find_crosswalk(left: str, right: str, known: Iterable[Crosswalk] | None = None) -> Crosswalk | None:
    """Find a way from one framework to another: stored, inverse, or composed through one in between.

    Returns:
        ``None`` when there is no way. Stored comes before inverse, inverse before composed.
    """
    stored = tuple(known) if known is not None else _loaded()
    both = [*stored, *(one.inverse() for one in stored)]
    for one in both:
        if (one.left, one.right) == (left, right):
            return one
    for first in both:
        if first.left == left:
            for second in both:
                if second.left == first.right and second.right == right:
                    return compose(first, second)
    return None
