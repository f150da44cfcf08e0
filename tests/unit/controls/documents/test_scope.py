"""Which documents a system should have, and which steps they count for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controls.applicability import select
from controls.documents.loader import load_kinds
from controls.documents.model import Answer
from controls.documents.scope import DocumentScope, Place
from controls.documents.terms import Trait
from controls.ids import ItemId, UnitId
from controls.loader import load_catalog
from controls.terms import LevelProfile, Scope
from tests.unit.controls.documents.builders import kind, system

KINDS = load_kinds()


def answer(unit: str, step: int) -> Answer:
    return Answer(UnitId(unit), step)


@pytest.mark.parametrize(
    ("profile", "unit", "step", "expected"),
    [
        ("S3A3G3", "L3-MMS1-43", 3, ["L3-MMS1-43 3"]),
        ("S2A2G2", "L3-MMS1-43", 3, ["L2-MMS1-29 3"]),
        ("S4A4G4", "L3-MMS1-43", 3, ["L4-MMS1-46 3"]),
        ("S1A1G1", "L3-MMS1-43", 3, []),
        # the words of this step are others at level 2
        ("S2A2G2", "L3-ORS1-07", 2, []),
        ("S2A2G2", "L2-ORS1-05", 1, ["L2-ORS1-05 1"]),
        ("S3A3G3", "L2-ORS1-05", 1, []),
        ("S4A4G4", "L4-MMS1-48", 2, ["L4-MMS1-48 2"]),
        # a room item follows the G level of a mixed profile
        ("S2A3G3", "L3-PES1-10", 1, ["L3-PES1-10 1"]),
    ],
)
def test_places(profile: str, unit: str, step: int, expected: list[str]) -> None:
    """An answer counts at another level only for a step with the same words."""
    places = system(profile).places([answer(unit, step)])

    assert [f"{place.unit} {place.step}" for place in places] == expected


def test_places_are_given_once() -> None:
    """Two answers that lead to one step make one place."""
    places = system("S2A2G2").places([answer("L3-MMS1-43", 3), answer("L2-MMS1-29", 3)])

    assert places == (Place(UnitId("L2-MMS1-29"), 3),)


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({}, None),
        ({Trait.OWN_DEVELOPMENT: True}, True),
        ({Trait.OWN_DEVELOPMENT: False}, None),
        ({Trait.OWN_DEVELOPMENT: False, Trait.OUTSOURCED_DEVELOPMENT: False}, False),
        ({Trait.OWN_DEVELOPMENT: False, Trait.OUTSOURCED_DEVELOPMENT: True}, True),
    ],
)
def test_one_trait_of_several_is_enough(traits: dict[Trait, bool], expected: bool | None) -> None:
    """Unknown stays unknown until one is there or all are known to be gone."""
    scope = system(traits=traits)

    assert scope.has((Trait.OWN_DEVELOPMENT, Trait.OUTSOURCED_DEVELOPMENT)) is expected
    assert scope.has(()) is True


def test_every_kind_is_wanted_or_told_why_not() -> None:
    """Nothing falls between; each reason is in both languages."""
    scope = system("S2A2G2", {Trait.OWN_ROOM: False})

    wanted = scope.wanted(KINDS)
    others = {kind.id: reason for kind, reason in scope.not_wanted(KINDS)}

    assert {kind.id for kind in wanted} | others.keys() == {kind.id for kind in KINDS}
    assert {kind.id for kind in wanted} & others.keys() == set()
    assert "自有机房" in others["fire-system-report"].zh
    assert "own machine room" in others["fire-system-report"].en
    assert "用不到" in others["full-inspection-report"].zh


def test_more_is_asked_at_higher_levels() -> None:
    """What level 2 wants, level 3 wants too, and level 4 all of it."""
    wanted = [{kind.id for kind in system(f"S{n}A{n}G{n}").wanted(KINDS)} for n in (1, 2, 3, 4)]

    assert wanted[0] < wanted[1] < wanted[2] <= wanted[3]


def test_extensions_bring_their_documents() -> None:
    """The cloud contract is wanted by cloud systems only."""
    catalog = load_catalog()
    cloud = DocumentScope(select(catalog, LevelProfile.of_level(3), [Scope.CLOUD]), catalog)

    assert "cloud-service-agreement" in {kind.id for kind in cloud.wanted(KINDS)}
    assert "cloud-service-agreement" not in {kind.id for kind in system().wanted(KINDS)}


def test_an_excluded_item_takes_its_document_along() -> None:
    """Where the items on outsourced operation do not apply, the agreement is not asked for."""
    catalog = load_catalog()
    items = [ItemId(f"8.1.10.14.{letter}") for letter in "abcd"]
    selection = select(catalog, LevelProfile.of_level(3), exclusions=dict.fromkeys(items, "自行运维"))

    scope = DocumentScope(selection, catalog)

    assert "outsourced-operation-agreement" not in {kind.id for kind in scope.wanted(KINDS)}


def test_level_is_the_g_level() -> None:
    """Periods that depend on the level follow the level of the system."""
    assert system("S2A3G3").level == 3


def test_kinds_without_a_place_are_not_wanted() -> None:
    """A kind that answers only level 4 is no business of level 3."""
    only_four = replace(kind(), answers=(answer("L4-MMS1-48", 2),))

    assert system().wanted([only_four]) == ()
    assert system("S4A4G4").wanted([only_four]) == (only_four,)
