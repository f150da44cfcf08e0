"""Look-ups over the catalogue, and what differs between levels."""

from __future__ import annotations

import pytest

from controls.catalog import ALL_STEPS, VerdictRule
from controls.errors import LevelNotCatalogued, UnknownFamily, UnknownFramework, UnknownItem, UnknownUnit
from controls.loader import load_catalog
from controls.terms import Scope


@pytest.fixture(scope="module")
def catalog():  # type: ignore[no-untyped-def]
    return load_catalog()


def test_item_and_unit_point_at_each_other(catalog) -> None:  # type: ignore[no-untyped-def]
    """Every item leads to its units and each of these back to it, with both in one family."""
    for item in catalog.items("gbt-22239-2019"):
        for unit_id in item.units:
            unit = catalog.unit(unit_id)
            assert unit.item == item.id
            assert unit.level == item.level
            family = catalog.family(item.family)
            assert item.id in family.items
            assert unit_id in family.units
            assert family.control_point.class_code == item.class_code


def test_a_renamed_control_point_keeps_its_family(catalog) -> None:  # type: ignore[no-untyped-def]
    """From level 3 a control point has a longer name; the requirement is the same and stays one family."""
    before, after = catalog.item("7.1.3.4"), catalog.item("8.1.3.4.a")

    assert before.family == after.family
    assert before.control_point.name.zh != after.control_point.name.zh
    assert "7.1.3.4" not in {item.id for item in catalog.diff("gbt-22239-2019", 2, 3).removed}


def test_either_framework_of_the_pair_answers(catalog) -> None:  # type: ignore[no-untyped-def]
    """Items can be asked of the framework that holds units, and the other way round."""
    assert catalog.items("gbt-28448-2019", 3) == catalog.items("gbt-22239-2019", 3)
    assert catalog.units("gbt-22239-2019", 3) == catalog.units("gbt-28448-2019", 3)


def test_scope_filter(catalog) -> None:  # type: ignore[no-untyped-def]
    """A scope gives its items only; all levels together when none is named."""
    general = catalog.items("gbt-22239-2019", 3, Scope.GENERAL)
    everything = catalog.items("gbt-22239-2019")

    assert len(general) == 211
    assert len(everything) == sum(len(catalog.items("gbt-22239-2019", level)) for level in (1, 2, 3, 4))


def test_level_five(catalog) -> None:  # type: ignore[no-untyped-def]
    """Level 5 is refused with what applies instead, in both languages."""
    with pytest.raises(LevelNotCatalogued, match="GA/T 2182-2024") as caught:
        catalog.items("gbt-22239-2019", 5)

    assert "第四级" in caught.value.zh


def test_unknown_things(catalog) -> None:  # type: ignore[no-untyped-def]
    """Well-formed ids that nothing carries are named in the error."""
    with pytest.raises(UnknownFramework, match="gbt-22239-2019"):
        catalog.framework("gbt-1-1")
    with pytest.raises(UnknownItem, match=r"8\.1\.99\.1"):
        catalog.item("8.1.99.1")
    with pytest.raises(UnknownUnit, match="L3-CES1-16"):
        catalog.unit("L3-CES1-16")
    with pytest.raises(UnknownFamily, match="no-family"):
        catalog.family("no-family")
    with pytest.raises(UnknownFramework, match="no such class"):
        catalog.framework("gbt-22239-2019").group("XYZ")
    with pytest.raises(LevelNotCatalogued, match="its levels are 1, 2, 3, 4"):
        catalog.units("gbt-28448-2019", 7)
    assert not catalog.has_unit("L3-CES1-16")


def test_ids_are_unique_inside_a_framework_only(catalog) -> None:  # type: ignore[no-untyped-def]
    """An item of the crypto standard needs its framework to be named."""
    assert catalog.item("8.2.a", "gbt-39786-2021").control_point.name.zh == "身份鉴别"
    with pytest.raises(UnknownItem):
        catalog.item("8.2.a")


def test_diff_joins_families(catalog) -> None:  # type: ignore[no-untyped-def]
    """From 2 to 3 every item of level 3 is new, changed or worded as before, and none is two of these."""
    diff = catalog.diff("gbt-22239-2019", 2, 3, Scope.GENERAL)
    after = catalog.items("gbt-22239-2019", 3, Scope.GENERAL)
    before = {item.family for item in catalog.items("gbt-22239-2019", 2, Scope.GENERAL)}

    added = {item.id for item in diff.added}
    changed = {new.id for _, new in diff.changed}

    assert not added & changed
    assert added == {item.id for item in after if item.family not in before}
    assert all(old.family == new.family and old.summary != new.summary for old, new in diff.changed)
    assert {item.family for item in diff.removed}.isdisjoint(item.family for item in after)


def test_diff_with_itself(catalog) -> None:  # type: ignore[no-untyped-def]
    """A level does not differ from itself."""
    for compare in (catalog.diff, catalog.diff_units):
        diff = compare("gbt-28448-2019", 3, 3)
        assert (diff.added, diff.changed, diff.removed) == ((), (), ())


def test_diff_backwards_swaps(catalog) -> None:  # type: ignore[no-untyped-def]
    """What is new going up is gone going down."""
    up = catalog.diff("gbt-22239-2019", 2, 3)
    down = catalog.diff("gbt-22239-2019", 3, 2)

    assert up.added == down.removed
    assert up.removed == down.added


def test_diff_of_units_sees_steps(catalog) -> None:  # type: ignore[no-untyped-def]
    """For units other steps are a change even when the requirement is the same."""
    items = {new.units[0] for _, new in catalog.diff("gbt-22239-2019", 2, 3).changed}
    units = {new.id for _, new in catalog.diff_units("gbt-28448-2019", 2, 3).changed}

    assert items <= units


def test_verdict_rule_spelling() -> None:
    """A rule spells as in YAML, and "all" expands to every step."""
    either = VerdictRule(((1, 3), (2, 3)))

    assert ALL_STEPS.as_data() == "all"
    assert either.as_data() == [["1", "3"], ["2", "3"]]
    assert ALL_STEPS.expanded(3) == ((1, 2, 3),)
    assert either.expanded(3) == ((1, 3), (2, 3))


def test_group_of(catalog) -> None:  # type: ignore[no-untyped-def]
    """The class of a unit has its official name."""
    group = catalog.group_of(catalog.unit("L3-SMC1-01"))

    assert (group.code, group.name.zh, group.technical) == ("SMC", "安全管理中心", True)
    assert catalog.control_points["ces-identity-authentication"].name.zh == "身份鉴别"
