"""What holds for every assessment, under every edition and rule."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.errors import NothingApplies
from controls.scoring import Edition, MultiObjectRule, RateEdge, Risks, ScoreInput, ScoreItem, score_mlps
from controls.terms import Conclusion, Importance, SecurityClass, Verdict

EDITIONS = (Edition.MLPS_2019, Edition.MLPS_2021, Edition.MLPS_2025)
BETTER = {Verdict.NON_COMPLIANT: Verdict.PARTIAL, Verdict.PARTIAL: Verdict.COMPLIANT}
RANK = {
    Conclusion.POOR: 0,
    Conclusion.FAIR: 1,
    Conclusion.GOOD: 2,
    Conclusion.EXCELLENT: 3,
    Conclusion.NOT_CONFORMING: 0,
    Conclusion.BASICALLY_CONFORMING: 1,
    Conclusion.CONFORMING: 2,
}


@st.composite
def inputs(draw: st.DrawFn) -> ScoreInput:
    """Draw an assessment with at least one applicable item."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(SecurityClass),
                st.sampled_from(Importance),
                st.lists(st.sampled_from(Verdict), min_size=1, max_size=4),
            ),
            min_size=1,
            max_size=25,
        )
    )
    found = [
        ScoreItem(f"i{n}", one, weight, tuple(objects)) for n, (one, weight, objects) in enumerate(drawn)
    ]
    found.append(ScoreItem("last", SecurityClass.POLICY, Importance.KEY, (Verdict.COMPLIANT,)))
    return ScoreInput(
        tuple(found),
        y=draw(st.decimals(0, 1, places=2)),
        multi_object_rule=draw(st.sampled_from(MultiObjectRule)),
        rate_edge=draw(st.sampled_from(RateEdge)),
        risks=Risks(
            high=draw(st.integers(0, 1)), medium=draw(st.integers(0, 1)), major=draw(st.integers(0, 1))
        ),
    )


@given(inputs(), st.sampled_from(EDITIONS))
def test_range(found: ScoreInput, edition: Edition) -> None:
    """Every figure lies between 0 and 100, and both sides make the score."""
    result = score_mlps(edition, found)

    assert 0 <= result.exact <= 100
    if edition is Edition.MLPS_2021:
        assert result.technical is not None
        assert result.management is not None
        assert result.score is not None
        assert abs(result.technical + result.management - result.score) <= Fraction(1, 100)


@given(inputs(), st.sampled_from(EDITIONS), st.data())
def test_monotone(found: ScoreInput, edition: Edition, data: st.DataObject) -> None:
    """Improving one verdict on one object never lowers figure or conclusion."""
    places = [
        (i, o)
        for i, item in enumerate(found.items)
        for o, verdict in enumerate(item.objects)
        if verdict in BETTER
    ]
    if not places:
        return
    i, o = data.draw(st.sampled_from(places))
    objects = list(found.items[i].objects)
    objects[o] = BETTER[objects[o]]
    better_item = replace(found.items[i], objects=tuple(objects))
    better = replace(found, items=(*found.items[:i], better_item, *found.items[i + 1 :]))

    before, after = score_mlps(edition, found), score_mlps(edition, better)

    assert after.exact >= before.exact
    assert RANK[after.conclusion] >= RANK[before.conclusion]


@given(inputs(), st.sampled_from(EDITIONS), st.randoms(use_true_random=False))
def test_order_is_irrelevant(found: ScoreInput, edition: Edition, shuffler: random.Random) -> None:
    """The order of items changes nothing."""
    mixed = list(found.items)
    shuffler.shuffle(mixed)

    one, other = score_mlps(edition, found), score_mlps(edition, replace(found, items=tuple(mixed)))

    assert (one.exact, one.conclusion) == (other.exact, other.conclusion)
    assert {d.id: d.cost for d in one.explanation.deductions} == {
        d.id: d.cost for d in other.explanation.deductions
    }


@given(inputs())
def test_2021_is_100_minus_deductions(found: ScoreInput) -> None:
    """While no side is clamped the score is 100 minus the sum of the deductions, and y does not matter."""
    result = score_mlps(Edition.MLPS_2021, found)
    by_id = {item.id: item for item in found.items}
    sides = {True: Fraction(0), False: Fraction(0)}
    for one in result.explanation.deductions:
        sides[by_id[one.id].security_class.is_technical] += Fraction(one.cost)

    room = {True: 100 * Fraction(found.y), False: 100 * (1 - Fraction(found.y))}
    slack = Fraction(len(found.items), 10000)

    if all(sides[side] <= room[side] - slack for side in sides):
        assert abs(result.exact - (100 - sum(sides.values()))) <= slack
    else:
        assert result.exact >= 100 - sum(sides.values()) - slack


@given(inputs(), st.sampled_from(EDITIONS))
@settings(max_examples=60)
def test_na_items_change_nothing(found: ScoreInput, edition: Edition) -> None:
    """An item that is na on every object might as well not be there."""
    extra = ScoreItem("na-item", SecurityClass.OPERATIONS, Importance.KEY, (Verdict.NA, Verdict.NA))

    result = score_mlps(edition, replace(found, items=(*found.items, extra)))

    assert result.exact == score_mlps(edition, found).exact


@given(st.lists(st.just(Verdict.NA), min_size=1, max_size=3), st.sampled_from(EDITIONS))
def test_only_na_is_no_score(objects: list[Verdict], edition: Edition) -> None:
    """An assessment of nothing gives an error, never 0 or 100."""
    item = ScoreItem("x", SecurityClass.POLICY, Importance.KEY, tuple(objects))

    with pytest.raises(NothingApplies, match="nothing to score"):
        score_mlps(edition, ScoreInput((item,)))
