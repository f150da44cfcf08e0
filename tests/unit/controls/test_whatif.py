"""The cheapest plan is truly the cheapest, and says what it speaks of."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controls.errors import InvalidInput
from controls.scoring import (
    Edition,
    Fix,
    MultiObjectRule,
    RateEdge,
    Risks,
    ScoreInput,
    ScoreItem,
    ThresholdBasis,
    apply_fixes,
    cheapest_plan,
    score_mlps,
)
from controls.terms import Conclusion, Importance, SecurityClass, Verdict
from tests.unit.controls.builders import MANAGEMENT, item, items

C, P, N, NA = Verdict.COMPLIANT, Verdict.PARTIAL, Verdict.NON_COMPLIANT, Verdict.NA
ORDER_2021 = [Conclusion.POOR, Conclusion.FAIR, Conclusion.GOOD, Conclusion.EXCELLENT]
ORDER_2025 = [Conclusion.NOT_CONFORMING, Conclusion.BASICALLY_CONFORMING, Conclusion.CONFORMING]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Edition, ScoreInput, list[Fix], Conclusion]:
    """Draw a small assessment with fixes over disjoint items."""
    count = draw(st.integers(2, 8))
    found = tuple(
        ScoreItem(
            f"i{n}",
            draw(st.sampled_from([SecurityClass.POLICY, SecurityClass.AREA_BOUNDARY])),
            draw(st.sampled_from(Importance)),
            tuple(draw(st.lists(st.sampled_from([C, P, N, N, NA]), min_size=1, max_size=3))),
        )
        for n in range(count)
    ) + (item("ok", C, security_class=MANAGEMENT),)
    high, medium, major = (draw(st.integers(0, 1)) for _ in range(3))
    groups: dict[int, list[str]] = {}
    for n in range(count):
        groups.setdefault(draw(st.integers(0, 5)), []).append(f"i{n}")
    fixes = [
        Fix(
            f"f{place}",
            tuple(group),
            Decimal(draw(st.integers(0, 9))),
            high=high if place == 0 and draw(st.booleans()) else 0,
            medium=medium if place == 0 and draw(st.booleans()) else 0,
            major=major if place == 0 and draw(st.booleans()) else 0,
        )
        for place, group in enumerate(groups.values())
    ]
    edition = draw(st.sampled_from([Edition.MLPS_2021, Edition.MLPS_2025]))
    wanted = draw(st.sampled_from(ORDER_2021 if edition is Edition.MLPS_2021 else ORDER_2025))
    given_input = ScoreInput(
        found,
        y=draw(st.sampled_from([Decimal("0.5"), Decimal("0.2")])),
        multi_object_rule=draw(st.sampled_from(MultiObjectRule)),
        rate_edge=draw(st.sampled_from(RateEdge)),
        threshold_basis=draw(st.sampled_from(ThresholdBasis)),
        risks=Risks(high=high, medium=medium, major=major),
    )
    return edition, given_input, fixes, wanted


@given(problems())
@settings(max_examples=150, deadline=None)
def test_against_every_subset(problem: tuple[Edition, ScoreInput, list[Fix], Conclusion]) -> None:
    """Trying every set of fixes finds nothing cheaper, and the plan's result is the real score."""
    edition, given_input, fixes, wanted = problem
    order = ORDER_2021 if edition is Edition.MLPS_2021 else ORDER_2025
    costs = [
        sum((fix.cost for fix in chosen), Decimal(0))
        for size in range(len(fixes) + 1)
        for chosen in combinations(fixes, size)
        if order.index(score_mlps(edition, apply_fixes(given_input, chosen)).conclusion)
        >= order.index(wanted)
    ]

    plan = cheapest_plan(edition, given_input, fixes, wanted)

    assert plan.reached == bool(costs)
    if costs:
        assert plan.cost == min(costs)
        chosen = [fix for fix in fixes if fix.id in plan.fixes]
        assert plan.result.exact == score_mlps(edition, apply_fixes(given_input, chosen)).exact
    else:
        assert set(plan.fixes) == {fix.id for fix in fixes}


def test_2025_speaks_of_the_next_evaluation() -> None:
    """Major risks count as found, so a plan under 2025 is one for the next evaluation and says so."""
    given_input = ScoreInput((*items(95, C), *items(5, N)), risks=Risks(major=1))
    fixes = [Fix("patch", (), Decimal(3), major=1), Fix("other", (given_input.items[-1].id,), Decimal(1))]

    plan = cheapest_plan(Edition.MLPS_2025, given_input, fixes, Conclusion.CONFORMING)

    assert (plan.fixes, plan.reached, plan.result.conclusion) == (("patch",), True, Conclusion.CONFORMING)
    assert "下一次测评" in plan.note.zh
    now = cheapest_plan(Edition.MLPS_2021, given_input, [], Conclusion.FAIR)
    assert "this evaluation" in now.note.en


@pytest.mark.parametrize(
    ("edition", "wanted", "fixes", "path"),
    [
        (Edition.MLPS_2019, Conclusion.GOOD, [], "edition"),
        (Edition.CRYPTO_2023, Conclusion.GOOD, [], "edition"),
        (Edition.MLPS_2025, Conclusion.GOOD, [], "wanted"),
        (Edition.MLPS_2021, Conclusion.GOOD, [Fix("f", ("gone",), Decimal(1))], "$.fixes[0].items"),
        (Edition.MLPS_2021, Conclusion.GOOD, [Fix("f", ("x",), Decimal(-1))], "$.fixes[0].cost"),
        (Edition.MLPS_2021, Conclusion.GOOD, [Fix("f", ("x",), Decimal("NaN"))], "$.fixes[0].cost"),
        (
            Edition.MLPS_2021,
            Conclusion.GOOD,
            [Fix("f", ("x",), Decimal(1)), Fix("g", ("x",), Decimal(1))],
            "$.fixes[1].items",
        ),
        (Edition.MLPS_2021, Conclusion.GOOD, [Fix("f", (), Decimal(1), high=1)], "$.fixes"),
    ],
)
def test_bad_input(edition: Edition, wanted: Conclusion, fixes: list[Fix], path: str) -> None:
    """Editions of the past, unknown items, shared items and surplus risks are refused with their place."""
    with pytest.raises(InvalidInput) as caught:
        cheapest_plan(edition, ScoreInput((item("x", N),)), fixes, wanted)

    assert caught.value.path == path
