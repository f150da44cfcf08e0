"""The roll-up counts, and never takes "not examined" for a verdict."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.ids import UnitId
from controls.loader import load_catalog
from controls.posture import Counts, combine_set, count, roll_up
from controls.terms import Layer, Scope, Verdict

C, P, N, NA = Verdict.COMPLIANT, Verdict.PARTIAL, Verdict.NON_COMPLIANT, Verdict.NA
UNITS = load_catalog().units("gbt-28448-2019", 3, Scope.GENERAL)
cells = st.lists(st.sampled_from([C, P, N, NA, None]), max_size=6)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], None),
        ([None], None),
        ([NA], NA),
        ([NA, None], None),
        ([C, NA], C),
        ([C, C], C),
        ([N, N, NA], N),
        ([C, N], P),
        ([P], P),
        ([P, P], P),
        ([N, None], N),
    ],
)
def test_combine_set(verdicts: list[Verdict | None], expected: Verdict | None) -> None:
    """All alike give that verdict, anything mixed is partial; na and open targets are left out."""
    assert combine_set(count(verdicts)) is expected


def test_a_compliant_unit_with_open_targets_is_not_examined() -> None:
    """Half a look is no compliance, but a gap shows at once."""
    one, two = UNITS[0], UNITS[1]

    found = roll_up([one, two], {one.id: {"a": C, "b": None}, two.id: {"a": N, "b": None}})

    assert found.units[one.id].verdict is None
    assert found.units[two.id].verdict is N
    assert not found.units[two.id].complete
    assert (found.total.not_examined, found.total.non_compliant) == (1, 1)


def test_units_without_targets_are_not_examined() -> None:
    """A unit nobody gave a target counts as not examined."""
    found = roll_up(UNITS, {})

    assert found.total == Counts(not_examined=211)
    assert found.total.examined_share == Decimal("0.00")
    assert found.total.rate_over_examined is None
    assert found.total.rate_over_applicable == Decimal("0.00")


def test_shares() -> None:
    """Shares are exact percentages rounded half up, with na out of the whole."""
    counts = Counts(compliant=2, partial=1, non_compliant=0, na=4, not_examined=3)

    assert (counts.total, counts.applicable, counts.examined) == (10, 6, 3)
    assert counts.examined_share == Decimal("50.00")
    assert counts.rate_over_examined == Decimal("66.67")
    assert counts.rate_over_applicable == Decimal("33.33")
    assert Counts(na=3).examined_share is None


@given(st.dictionaries(st.sampled_from([unit.id for unit in UNITS]), cells, max_size=30))
def test_parts_add_up(found: dict[UnitId, list[Verdict | None]]) -> None:
    """Classes and layers each add up to the total, which holds every unit once."""
    posture = roll_up(UNITS, {unit: dict(enumerate_cells(values)) for unit, values in found.items()})

    for parts in (posture.by_class.values(), posture.by_layer.values()):
        for name in ("compliant", "partial", "non_compliant", "na", "not_examined"):
            assert sum(getattr(part, name) for part in parts) == getattr(posture.total, name)
    assert posture.total.total == len(UNITS) == len(posture.units)
    assert set(posture.by_layer) == set(Layer)


def enumerate_cells(values: list[Verdict | None]) -> list[tuple[str, Verdict | None]]:
    return [(f"t{place}", value) for place, value in enumerate(values)]


def test_verdicts_of_other_units_are_ignored() -> None:
    """Only applicable units count."""
    posture = roll_up(UNITS[:1], {UnitId("L2-CES1-01"): {"a": C}})

    assert posture.total.total == 1
