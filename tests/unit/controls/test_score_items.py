"""From an assessment's verdicts to what is counted."""

from __future__ import annotations

from controls.applicability import select
from controls.ids import ItemId, UnitId
from controls.loader import load_catalog
from controls.scoring import collect_items
from controls.terms import Importance, LevelProfile, Origin, Scope, Verdict

C = Verdict.COMPLIANT


def test_unit_without_item_is_recorded_and_not_counted() -> None:
    """The IoT gateway unit is named and stands in no formula."""
    selection = select(load_catalog(), LevelProfile.parse("S3A3G3"), [Scope.IOT])
    verdicts = {unit.id: (C,) for unit in selection.units}

    found = collect_items(selection, verdicts)

    assert len(found.items) == len(selection.items) == 231
    assert found.recorded_only == (UnitId("L3-CES4-04"),)
    assert found.not_examined == ()
    assert found.items[0].control_point == "8.1.1.1"


def test_half_a_look_is_no_verdict() -> None:
    """An item with an object nobody examined, or without any, is named as not examined."""
    selection = select(load_catalog(), LevelProfile.parse("S2A2G2"))
    first, second, third = selection.items[:3]

    found = collect_items(selection, {first.units[0]: (C, None), second.units[0]: (C, C)})

    assert [one.id for one in found.items] == [second.id]
    assert first.id in found.not_examined
    assert third.id in found.not_examined


def test_own_weights_go_first() -> None:
    """The organisation's weight replaces the catalogue's, and every origin used is reported."""
    selection = select(load_catalog(), LevelProfile.parse("S2A2G2"))
    verdicts = {unit.id: (C,) for unit in selection.units}

    found = collect_items(selection, verdicts, {ItemId("7.1.1.1.a"): Importance.KEY})

    weights = {one.id: one.importance for one in found.items}
    assert weights["7.1.1.1.a"] is Importance.KEY
    assert weights["7.1.4.1.c"] is Importance.KEY
    assert found.importance_origins == {Origin.ORGANISATION, Origin.SINGLE_SOURCE, Origin.DEFAULT}
