"""A profile with extensions gives an exact, frozen set, and says why each unit is in or out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.applicability import Why, extensions_for, select
from controls.errors import LevelNotCatalogued, MissingReason, UnknownItem
from controls.ids import ItemId, UnitId
from controls.loader import load_catalog
from controls.terms import LevelProfile, Mark, Scope, TargetKind

GOLDEN = Path(__file__).parent / "golden"
# Items per profile from an independent count of the standard (general requirements).
BASELINES = {
    "S1A1G1": 55,
    "S1A2G2": 129,
    "S2A1G2": 133,
    "S2A2G2": 135,
    "S1A3G3": 196,
    "S2A3G3": 202,
    "S3A1G3": 207,
    "S3A2G3": 209,
    "S3A3G3": 211,
    "S1A4G4": 212,
    "S2A4G4": 218,
    "S3A4G4": 227,
    "S4A1G4": 222,
    "S4A2G4": 224,
    "S4A3G4": 226,
    "S4A4G4": 228,
}
SELECTIONS = {
    "S2A2G2": ("S2A2G2", ()),
    "S2A3G3": ("S2A3G3", ()),
    "S3A3G3": ("S3A3G3", ()),
    "S3A3G3-cloud": ("S3A3G3", (Scope.CLOUD,)),
    "S3A3G3-iot": ("S3A3G3", (Scope.IOT,)),
    "S4A4G4-all": ("S4A4G4", tuple(Scope)),
}
profiles = st.sampled_from(list(BASELINES)).map(LevelProfile.parse)
extensions = st.sets(st.sampled_from(list(Scope)[1:]))


@pytest.mark.parametrize(("profile", "count"), BASELINES.items())
def test_counts(profile: str, count: int) -> None:
    """Each profile selects as many general items as the independent count says, each with its unit."""
    chosen = select(load_catalog(), LevelProfile.parse(profile))

    assert len(chosen.items) == len(chosen.units) == count


@pytest.mark.parametrize(("name", "wanted"), SELECTIONS.items())
def test_frozen_selections(name: str, wanted: tuple[str, tuple[Scope, ...]]) -> None:
    """Published selections change only on purpose: item and unit, one pair a line."""
    chosen = select(load_catalog(), LevelProfile.parse(wanted[0]), wanted[1])

    lines = [f"{unit.item or '-'} {unit.id}" for unit in chosen.units]

    assert lines == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()


@given(profile=profiles, chosen=extensions)
def test_levels_follow_the_marks(profile: LevelProfile, chosen: set[Scope]) -> None:
    """Every item comes from the level its mark asks for, and from a scope that was chosen."""
    selection = select(load_catalog(), profile, chosen)

    for item in selection.items:
        assert item.level == profile.level_for(item.mark)
        assert item.scope is Scope.GENERAL or item.scope in chosen
        assert item.mark is Mark.G or item.scope is Scope.GENERAL
    assert len(selection.item_ids) == len(selection.items)
    assert len(selection.unit_ids) == len(selection.units)
    assert [unit.item for unit in selection.units if unit.item] == [item.id for item in selection.items]


def test_lower_s_level_keeps_its_clauses() -> None:
    """Under S2A3G3 the S items carry level-2 clauses and ids."""
    chosen = select(load_catalog(), LevelProfile.parse("S2A3G3"))

    s_items = [item for item in chosen.items if item.mark is Mark.S]

    assert len(s_items) == 15
    assert {item.id.split(".")[0] for item in s_items} == {"7"}
    assert "L2-CES1-01" in chosen.unit_ids
    assert "L3-CES1-01" not in chosen.unit_ids
    assert chosen.explain(UnitId("L3-CES1-01")).why is Why.OTHER_LEVEL


def test_the_one_unit_without_item() -> None:
    """The IoT gateway unit is selected with its extension and stands beside no item."""
    chosen = select(load_catalog(), LevelProfile.parse("S3A3G3"), [Scope.IOT])

    assert len(chosen.units) == len(chosen.items) + 1
    assert [unit.id for unit in chosen.units if unit.item is None] == ["L3-CES4-04"]


def test_exclusion() -> None:
    """An excluded item takes its unit along and shows its reason."""
    item = ItemId("8.1.1.7.a")
    chosen = select(load_catalog(), LevelProfile.parse("S3A3G3"), exclusions={item: "托管机房"})

    assert item not in chosen.item_ids
    assert len(chosen.units) == 210
    decision = chosen.explain(load_catalog().item(item).units[0])
    assert (decision.included, decision.why) == (False, Why.EXCLUDED)
    assert "托管机房" in decision.reason.zh


def test_exclusion_needs_a_reason() -> None:
    """An exclusion with a blank reason is refused."""
    with pytest.raises(MissingReason, match=r"8\.1\.1\.7\.a"):
        select(load_catalog(), LevelProfile.parse("S3A3G3"), exclusions={ItemId("8.1.1.7.a"): " "})


def test_exclusion_of_something_else() -> None:
    """An item that does not apply cannot be excluded: that would hide a slip."""
    with pytest.raises(UnknownItem, match="S3A3G3"):
        select(load_catalog(), LevelProfile.parse("S3A3G3"), exclusions={ItemId("7.1.4.1.a"): "no"})


def test_target_kinds() -> None:
    """Units that know none of the system's kinds of target drop out, and say so."""
    kinds = {TargetKind.DOCUMENT, TargetKind.PERSON}
    chosen = select(load_catalog(), LevelProfile.parse("S3A3G3"), target_kinds=kinds)

    assert chosen.units
    assert all(not unit.targets or kinds & set(unit.targets) for unit in chosen.units)
    assert chosen.explain(UnitId("L3-ABS1-05")).why is Why.NO_TARGET


@given(profile=profiles, chosen=extensions)
def test_decisions_agree_with_the_selection(profile: LevelProfile, chosen: set[Scope]) -> None:
    """What the decisions call included is exactly what was selected."""
    selection = select(load_catalog(), profile, chosen)

    included = {decision.unit.id for decision in selection.decisions if decision.included}

    assert included == selection.unit_ids
    assert all(decision.reason.zh and decision.reason.en for decision in selection.decisions)
    assert all((decision.item is None) == (decision.unit.item is None) for decision in selection.decisions)


def test_reasons_for_in_and_out() -> None:
    """General items are in by level, extension items by choice; other extensions are out by choice."""
    selection = select(load_catalog(), LevelProfile.parse("S3A3G3"), [Scope.CLOUD])

    assert selection.explain(UnitId("L3-PES1-01")).why is Why.LEVEL
    assert selection.explain(UnitId("L3-PES2-01")).why is Why.EXTENSION
    assert selection.explain(UnitId("L3-PES3-01")).why is Why.EXTENSION_NOT_CHOSEN


def test_level_five_is_refused() -> None:
    """A profile of level 5 has no items of its own."""
    with pytest.raises(LevelNotCatalogued):
        select(load_catalog(), LevelProfile.parse("S5A3G5"))


def test_extensions_for() -> None:
    """Spellings become extensions in the standard's order, each once; the general part is no extension."""
    assert extensions_for(["ics", "cloud", "ics", "general"]) == (Scope.CLOUD, Scope.ICS)
    with pytest.raises(ValueError, match="nope"):
        extensions_for(["nope"])


def test_order_is_the_standards() -> None:
    """Inside a mixed profile control points keep one order although their numbers differ by level."""
    chosen = select(load_catalog(), LevelProfile.parse("S2A3G3"))

    points = list(dict.fromkeys(i.control_point.name.zh for i in chosen.items if i.class_code == "CES"))

    assert points == [
        "身份鉴别",
        "访问控制",
        "安全审计",
        "入侵防范",
        "恶意代码防范",
        "可信验证",
        "数据完整性",
        "数据备份恢复",
        "剩余信息保护",
        "个人信息保护",
    ]
