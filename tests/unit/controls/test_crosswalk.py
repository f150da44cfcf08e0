"""Relations, their inverse and composition, and what a mapping leaves uncovered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.catalog import Text
from controls.crosswalk import (
    Crosswalk,
    Pair,
    compose,
    compose_relations,
    coverage,
    find_crosswalk,
    load_crosswalks,
    read_crosswalk,
)
from controls.errors import DataError, UnknownFramework
from controls.ids import FrameworkId, ItemId
from controls.loader import load_catalog
from controls.registry import FrameworkSource
from controls.sources import Sources
from controls.terms import Origin, Relation

A, B, C = FrameworkId("frame-a"), FrameworkId("frame-b"), FrameworkId("frame-c")
WHY = Text("理由", "because")
relations = st.sampled_from(Relation)
# Sets over three points; every relation between two overlapping ones is one of the four.
shapes = st.frozensets(st.integers(0, 3), min_size=1)


def relation_of(one: frozenset[int], other: frozenset[int]) -> Relation | None:
    if one == other:
        return Relation.EQUAL
    if one < other:
        return Relation.SUBSET
    if one > other:
        return Relation.SUPERSET
    return Relation.INTERSECTS if one & other else None


@given(shapes, shapes, shapes)
def test_composition_is_sound(a: frozenset[int], b: frozenset[int], c: frozenset[int]) -> None:
    """What is concluded about a and c through b holds for sets; at worst less is said than is true."""
    first, second, true = relation_of(a, b), relation_of(b, c), relation_of(a, c)
    if first is None or second is None:
        return

    found = compose_relations(first, second)

    assert (
        found is None
        or found is true
        or (found is Relation.INTERSECTS and true is not None)
        or (found in (Relation.SUBSET, Relation.SUPERSET) and true is Relation.EQUAL)
    )


@given(relations, relations)
def test_composition_and_inverse(first: Relation, second: Relation) -> None:
    """Going back is the composition of the inverses in the other order."""
    there = compose_relations(first, second)
    back = compose_relations(second.inverse, first.inverse)

    assert back is (there.inverse if there else None)


pairs = st.dictionaries(
    st.tuples(st.sampled_from("pqr"), st.sampled_from("xyz")), relations, min_size=1, max_size=6
)


def crosswalk(left: FrameworkId, right: FrameworkId, found: dict[tuple[str, str], Relation]) -> Crosswalk:
    made = tuple(Pair(one, two, relation, WHY) for (one, two), relation in found.items())
    return Crosswalk(left, right, "1", Origin.ORGANISATION, made)


@given(pairs)
def test_inverse_of_inverse(found: dict[tuple[str, str], Relation]) -> None:
    """Turning a crosswalk round twice gives it back."""
    one = crosswalk(A, B, found)

    assert one.inverse().inverse() == one
    assert (one.inverse().left, one.inverse().right) == (B, A)


@given(pairs, pairs)
def test_composed_and_turned(
    first: dict[tuple[str, str], Relation], second: dict[tuple[str, str], Relation]
) -> None:
    """Composing and turning round commute."""
    one = crosswalk(A, B, first)
    two = crosswalk(B, C, {(y.translate(str.maketrans("pqr", "xyz")), z): r for (y, z), r in second.items()})

    there = compose(one, two)
    back = compose(two.inverse(), one.inverse())

    assert {(p.left, p.right): p.relation for p in there.pairs} == {
        (p.right, p.left): p.relation.inverse for p in back.pairs
    }
    assert there.via == (B,)


def test_strongest_way_wins() -> None:
    """Of several ways the strongest relation holds; subset and superset together are equal."""
    one = crosswalk(
        A, B, {("p", "x"): Relation.SUBSET, ("p", "y"): Relation.SUPERSET, ("q", "x"): Relation.EQUAL}
    )
    two = crosswalk(
        B, C, {("x", "u"): Relation.SUBSET, ("y", "u"): Relation.SUPERSET, ("y", "v"): Relation.INTERSECTS}
    )

    found = {(pair.left, pair.right): pair.relation for pair in compose(one, two).pairs}

    assert found == {
        ("p", "u"): Relation.EQUAL,
        ("p", "v"): Relation.INTERSECTS,
        ("q", "u"): Relation.SUBSET,
    }


def test_no_common_framework() -> None:
    """Two crosswalks compose only through the framework they share."""
    one = crosswalk(A, B, {("p", "x"): Relation.EQUAL})

    with pytest.raises(UnknownFramework):
        compose(one, one)


def test_find() -> None:
    """A stored way comes before its inverse and that before a composed one; without any there is none."""
    one = crosswalk(A, B, {("p", "x"): Relation.SUBSET})
    two = crosswalk(B, C, {("x", "u"): Relation.EQUAL})

    assert find_crosswalk(A, B, [one, two]) is one
    inverse = find_crosswalk(B, A, [one, two])
    composed = find_crosswalk(C, A, [one, two])
    assert inverse is not None
    assert inverse.pairs[0].relation is Relation.SUPERSET
    assert composed is not None
    assert [(p.left, p.right, p.relation) for p in composed.pairs] == [("u", "p", Relation.SUPERSET)]
    assert find_crosswalk(A, FrameworkId("frame-z"), [one, two]) is None


SAMPLE = """\
from: gbt-39786-2021
to: gbt-22239-2019
version: "1"
origin: organisation
pairs:
- {from: crypto-network-integrity, to: 8.1.2.2.a, relation: intersects, rationale: {zh: 都保护通信完整性, en: both protect integrity}}
- {from: 8.3.a, to: ces-missing, relation: subset, rationale: {zh: 理由, en: because}}
"""


def written(
    folder: Path, text: str, name: str = "gbt-39786-2021--gbt-22239-2019.yaml"
) -> list[FrameworkSource]:
    (folder / "crosswalks").mkdir()
    (folder / "crosswalks" / name).write_text(text, encoding="utf-8")
    return [FrameworkSource("any-one", "", Sources(folder), "")]


def sound() -> str:
    family = load_catalog().item("8.1.4.1.a").family
    return SAMPLE.replace("ces-missing", family)


def test_load_and_coverage(tmp_path: Path) -> None:
    """Families expand level by level, single items stand alone, and the rest is uncovered on both sides."""
    catalog = load_catalog()
    (found,) = load_crosswalks(catalog, written(tmp_path, sound()))

    covered = coverage(catalog, found, level=3)

    assert [(p.left.id, p.right.id) for p in covered.pairs] == [
        ("8.2.b", "8.1.2.2.a"),
        ("8.3.a", "8.1.4.1.a"),
    ]
    assert len(covered.uncovered_left) == 41 - 2
    assert len(covered.uncovered_right) == len(catalog.items("gbt-22239-2019", 3)) - 2
    one = coverage(catalog, found, 3, ItemId("8.3.a"))
    assert (len(one.pairs), one.uncovered_left, one.uncovered_right) == (1, (), ())
    none = coverage(catalog, found, 3, ItemId("8.1.a"))
    assert [item.id for item in none.uncovered_left] == ["8.1.a"]


def test_all_levels(tmp_path: Path) -> None:
    """Without a level every level is expanded, and items only meet items of their level."""
    catalog = load_catalog()
    (found,) = load_crosswalks(catalog, written(tmp_path, sound().replace("8.1.2.2.a", "cns-x", 0)))

    covered = coverage(catalog, found)

    assert all(pair.left.level == pair.right.level for pair in covered.pairs)


def test_frameworks_without_levels_meet_every_level() -> None:
    """A side without levels pairs with the items of each level."""
    catalog = load_catalog()
    item = catalog.item("8.1.4.1.a")
    family = catalog.family(item.family)
    made = crosswalk(
        FrameworkId("gbt-22239-2019"), FrameworkId("gbt-22239-2019"), {(family.id, family.id): Relation.EQUAL}
    )

    covered = coverage(catalog, made)

    assert len(covered.pairs) == len(family.items)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace("8.3.a", "8.3.z"), r":7 pairs.1.from: 8.3.z is no family and no item"),
        (lambda text: text.replace("relation: subset", "relation: near"), "'near' is not one of equal"),
        (lambda text: text.replace("to: gbt-22239-2019", "to: gbt-1-1"), "unknown framework 'gbt-1-1'"),
        (lambda text: text + text.splitlines()[-1] + "\n", "stands twice"),
        (lambda text: text.replace("origin: organisation", "origin: nobody"), "'nobody' is not one of"),
    ],
)
def test_wrong_files(tmp_path: Path, change: object, problem: str) -> None:
    """An end that does not exist, an unknown relation, a doubled pair: named with their line."""
    with pytest.raises(DataError, match=problem):
        load_crosswalks(load_catalog(), written(tmp_path, change(sound())))  # type: ignore[operator]


def test_wrong_name(tmp_path: Path) -> None:
    """The name of the file says what it maps."""
    with pytest.raises(DataError, match="must be named"):
        load_crosswalks(load_catalog(), written(tmp_path, sound(), "other.yaml"))


def test_pairs_are_values(tmp_path: Path) -> None:
    """Reading the same text twice gives equal values."""
    sources = written(tmp_path, sound())
    cursor = sources[0].sources.document("crosswalks/gbt-39786-2021--gbt-22239-2019.yaml").cursor()

    one = read_crosswalk(cursor, load_catalog())

    assert replace(one) == read_crosswalk(cursor, load_catalog())
