"""MLPS scores under the three report templates: worked examples, edges, rules for several objects."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from controls.errors import InvalidInput, NothingApplies
from controls.scoring import (
    Edition,
    MultiObjectRule,
    RateEdge,
    Risks,
    ScoreInput,
    ScoreItem,
    ThresholdBasis,
    default_edition,
    score_mlps,
)
from controls.terms import Conclusion, Importance, Origin, SecurityClass, Verdict
from tests.unit.controls.builders import MANAGEMENT, TECHNICAL, dec, item, items

C, P, N, NA = Verdict.COMPLIANT, Verdict.PARTIAL, Verdict.NON_COMPLIANT, Verdict.NA
KEY, IMPORTANT, NORMAL = Importance.KEY, Importance.IMPORTANT, Importance.NORMAL


def worked_example() -> list[ScoreItem]:
    """Level 3, 211 items of which 11 are na, with gaps on both sides."""
    gaps = [
        *items(2, N, KEY),
        *items(4, N, IMPORTANT),
        *items(6, P, IMPORTANT),
        *items(5, N, NORMAL),
        *items(4, P, NORMAL),
        *items(1, P, KEY, MANAGEMENT),
        *items(3, N, IMPORTANT, MANAGEMENT),
        *items(5, P, IMPORTANT, MANAGEMENT),
        *items(2, N, NORMAL, MANAGEMENT),
    ]
    return [*gaps, *items(200 - len(gaps), C), *items(11, NA)]


@pytest.mark.parametrize(
    ("y", "technical", "management"), [("0.5", "36.50", "42.75"), ("0.6", "46.50", "32.75")]
)
def test_worked_example_2021(y: str, technical: str, management: str) -> None:
    """The worked example to the printed decimals; while no clamp acts y cancels out."""
    result = score_mlps(Edition.MLPS_2021, ScoreInput(tuple(worked_example()), y=dec(y)))

    assert (result.technical, result.management) == (dec(technical), dec(management))
    assert result.score == dec("79.25")
    assert result.conclusion is Conclusion.FAIR
    assert result.applicable == 200
    assert sum(one.cost for one in result.explanation.deductions) == dec("20.75")


def test_high_risk_makes_it_poor() -> None:
    """One high risk gives the worst conclusion whatever the score."""
    result = score_mlps(Edition.MLPS_2021, ScoreInput(tuple(worked_example()), risks=Risks(high=1)))

    assert (result.score, result.conclusion) == (dec("79.25"), Conclusion.POOR)
    assert any("高风险" in one.zh for one in result.explanation.outlook)


@pytest.mark.parametrize(("count", "importance", "cost"), [(211, KEY, "1.4218"), (135, KEY, "2.2222")])
def test_base_values(count: int, importance: Importance, cost: str) -> None:
    """One failed item costs its factor of the base points, 100 over the number of items."""
    result = score_mlps(Edition.MLPS_2021, ScoreInput((item("x", N, importance), *items(count - 1, C))))

    assert result.explanation.deductions[0].cost == dec(cost)
    assert result.exact == 100 - Fraction(300, count)


def test_clamp() -> None:
    """A side never goes below zero, and the explanation says which one lost more than it holds."""
    bad = items(10, N, KEY)
    result = score_mlps(Edition.MLPS_2021, ScoreInput((*bad, *items(10, C, security_class=MANAGEMENT))))

    assert (result.technical, result.management, result.score) == (dec("0.00"), dec("50.00"), dec("50.00"))
    assert any("技术部分" in one.zh for one in result.explanation.outlook)


def scored(score: str, *, medium: int = 0, basis: ThresholdBasis = ThresholdBasis.EXACT) -> Conclusion:
    """Make an assessment with exactly this score and give its conclusion."""
    lost = (100 - dec(score)) / 100
    count = 20000
    failing = lost * count
    assert failing == int(failing)
    found = (*items(int(failing), N, NORMAL), *items(count - int(failing), C, security_class=MANAGEMENT))
    result = score_mlps(
        Edition.MLPS_2021, ScoreInput(found, risks=Risks(medium=medium), threshold_basis=basis)
    )
    assert result.exact == Fraction(dec(score))
    return result.conclusion


@pytest.mark.parametrize(
    ("score", "medium", "expected"),
    [
        ("90", 0, Conclusion.EXCELLENT),
        ("90", 1, Conclusion.GOOD),
        ("89.995", 0, Conclusion.GOOD),
        ("80", 3, Conclusion.GOOD),
        ("79.995", 0, Conclusion.FAIR),
        ("70", 0, Conclusion.FAIR),
        ("69.995", 0, Conclusion.POOR),
        ("59.995", 0, Conclusion.POOR),
    ],
)
def test_thresholds_2021(score: str, medium: int, expected: Conclusion) -> None:
    """Thresholds belong to the better side and are held against the exact value."""
    assert scored(score, medium=medium) is expected


def test_rounded_thresholds_are_a_setting() -> None:
    """Held against the printed value, 89.995 counts as 90.00; either way the setting is called unofficial."""
    assert scored("89.995", basis=ThresholdBasis.ROUNDED) is Conclusion.EXCELLENT
    result = score_mlps(Edition.MLPS_2021, ScoreInput(tuple(items(1, C))))
    assert result.rule_sets["threshold"].origin is Origin.DEFAULT


def test_output_is_rounded_half_up() -> None:
    """89.995 prints as 90.00 although it is judged below 90."""
    count = 20000
    found = (*items(2001, N, NORMAL), *items(count - 2001, C, security_class=MANAGEMENT))

    result = score_mlps(Edition.MLPS_2021, ScoreInput(found))

    assert (result.score, result.conclusion) == (dec("90.00"), Conclusion.GOOD)


@pytest.mark.parametrize(
    ("rule", "objects", "lost"),
    [
        (MultiObjectRule.SET, (C, C), "0"),
        (MultiObjectRule.SET, (N, N), "1"),
        (MultiObjectRule.SET, (C, C, C, N), "0.5"),
        (MultiObjectRule.SET, (P, P), "0.5"),
        (MultiObjectRule.SET, (N, NA), "1"),
        (MultiObjectRule.MEAN, (C, C, C, N), "0.25"),
        (MultiObjectRule.MEAN, (P, N, NA), "0.75"),
        (MultiObjectRule.MIN, (C, C, C, N), "1"),
        (MultiObjectRule.MIN, (C, P), "0.5"),
        (MultiObjectRule.MIN, (C, NA), "0"),
    ],
)
def test_several_objects(rule: MultiObjectRule, objects: tuple[Verdict, ...], lost: str) -> None:
    """Each rule combines objects its own way; na objects are left out."""
    given = ScoreInput((item("x", objects, NORMAL), *items(99, C)), multi_object_rule=rule)

    result = score_mlps(Edition.MLPS_2021, given)

    assert result.exact == 100 - Fraction(dec(lost))
    assert result.rule_sets["multi_object_rule"].id == rule
    assert result.rule_sets["multi_object_rule"].origin is Origin.DEFAULT


def test_item_with_na_objects_only_is_na() -> None:
    """An item that is na on every object is in no sum and in no count."""
    result = score_mlps(Edition.MLPS_2021, ScoreInput((item("x", (NA, NA)), item("y", C))))

    assert (result.applicable, result.score) == (1, dec("100.00"))


@pytest.mark.parametrize("edition", [Edition.MLPS_2019, Edition.MLPS_2021, Edition.MLPS_2025])
@pytest.mark.parametrize("found", [(), (item("x", NA),)])
def test_nothing_applies(edition: Edition, found: tuple[ScoreItem, ...]) -> None:
    """Without one applicable item there is no score."""
    with pytest.raises(NothingApplies):
        score_mlps(edition, ScoreInput(found))


def test_worked_example_2019() -> None:
    """Mean over the classes of a weighted loss over items and objects."""
    found = (
        item("a", (C, N), KEY),
        item("b", P, IMPORTANT),
        item("c", C, NORMAL, MANAGEMENT),
        item("d", NA, KEY, SecurityClass.PHYSICAL_ENVIRONMENT),
    )

    result = score_mlps(Edition.MLPS_2019, ScoreInput(found))

    assert result.score == dec("75.00")
    assert (result.technical, result.management, result.rate) == (None, None, None)
    assert result.conclusion is Conclusion.FAIR
    assert [one.id for one in result.explanation.deductions] == ["a", "b"]
    assert sum(one.cost for one in result.explanation.deductions) == dec("25.0000")
    assert result.rule_sets["formula"].origin is not Origin.OFFICIAL


@pytest.mark.parametrize(
    ("compliant", "major", "edge", "expected"),
    [
        (91, 0, RateEdge.INCLUSIVE, Conclusion.CONFORMING),
        (91, 1, RateEdge.INCLUSIVE, Conclusion.BASICALLY_CONFORMING),
        (90, 0, RateEdge.INCLUSIVE, Conclusion.CONFORMING),
        (90, 0, RateEdge.EXCLUSIVE, Conclusion.BASICALLY_CONFORMING),
        (89, 0, RateEdge.INCLUSIVE, Conclusion.BASICALLY_CONFORMING),
        (60, 5, RateEdge.INCLUSIVE, Conclusion.BASICALLY_CONFORMING),
        (60, 0, RateEdge.EXCLUSIVE, Conclusion.NOT_CONFORMING),
        (61, 0, RateEdge.EXCLUSIVE, Conclusion.BASICALLY_CONFORMING),
        (59, 0, RateEdge.INCLUSIVE, Conclusion.NOT_CONFORMING),
    ],
)
def test_conclusions_2025(compliant: int, major: int, edge: RateEdge, expected: Conclusion) -> None:
    """Rate and major risks give the conclusion; the edge is a setting."""
    given = ScoreInput(
        (*items(compliant, C), *items(100 - compliant, N)), rate_edge=edge, risks=Risks(major=major)
    )

    result = score_mlps(Edition.MLPS_2025, given)

    assert (result.conclusion, result.rate) == (expected, Decimal(compliant).quantize(dec("0.01")))
    assert (result.score, result.technical, result.management) == (None, None, None)


def test_major_risks_count_as_found() -> None:
    """Fixing major risks before the report changes no conclusion, and the outlook says so."""
    result = score_mlps(
        Edition.MLPS_2025, ScoreInput(tuple(items(10, C)), risks=Risks(high=4, major=10, major_fixed=10))
    )

    assert result.conclusion is Conclusion.BASICALLY_CONFORMING
    assert "10 major risks were found (10 fixed since)" in result.explanation.outlook[0].en


def test_partial_counts_nothing_in_the_rate() -> None:
    """The rate counts compliant items only, unweighted, over the applicable ones."""
    result = score_mlps(
        Edition.MLPS_2025,
        ScoreInput((item("a", C, NORMAL), item("b", P, KEY), item("c", (C, N)), item("d", NA))),
    )

    assert result.rate == dec("33.33")
    assert [one.cost for one in result.explanation.deductions] == [dec("33.3333")] * 2
    assert result.explanation.outlook[0].en == "compliant items still needed for the 60 % of 基本符合: 1"


def test_rate_threshold_is_exact() -> None:
    """59.995 % prints as 60.00 and is judged below 60."""
    given = ScoreInput((*items(11999, C), *items(8001, N)))

    result = score_mlps(Edition.MLPS_2025, given)

    assert (result.rate, result.conclusion) == (dec("60.00"), Conclusion.NOT_CONFORMING)


def test_control_points_and_classes() -> None:
    """Items roll up to control points and classes; na is left out of both."""
    ces = SecurityClass.COMPUTING_ENVIRONMENT
    given = ScoreInput(
        (
            ScoreItem("8.1.4.1.a", ces, KEY, (C, N)),
            ScoreItem("8.1.4.1.b", ces, NORMAL, (C,)),
            ScoreItem("8.1.4.2.a", ces, KEY, (NA,)),
            ScoreItem("8.1.4.3.a", ces, KEY, (N,)),
            ScoreItem("own", MANAGEMENT, KEY, (C,), "own-point"),
        )
    )

    result = score_mlps(Edition.MLPS_2025, given)

    assert [(one.point, one.verdict, one.score) for one in result.points] == [
        ("8.1.4.1", P, dec("6.25")),
        ("8.1.4.2", NA, None),
        ("8.1.4.3", N, dec("0.00")),
        ("own-point", C, dec("10.00")),
    ]
    assert [(one.security_class, one.applicable, one.compliant, one.rate) for one in result.classes] == [
        (ces, 3, 1, dec("33.33")),
        (MANAGEMENT, 1, 1, dec("100.00")),
    ]


@pytest.mark.parametrize(
    ("day", "edition"),
    [
        (date(2021, 6, 17), Edition.MLPS_2019),
        (date(2021, 6, 18), Edition.MLPS_2021),
        (date(2025, 3, 19), Edition.MLPS_2021),
        (date(2025, 3, 20), Edition.MLPS_2025),
    ],
)
def test_default_edition(day: date, edition: Edition) -> None:
    """The date on the report's cover decides the edition."""
    assert default_edition(day) is edition


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: Risks(high=-1), "$.risks.high"),
        (lambda: Risks(major=1, major_fixed=2), "$.risks.major_fixed"),
        (lambda: ScoreInput((), y=dec("1.1")), "$.y"),
        (lambda: score_mlps(Edition.CRYPTO_2023, ScoreInput(())), "edition"),
    ],
)
def test_impossible_input(make: object, path: str) -> None:
    """Impossible figures are refused with their place."""
    with pytest.raises(InvalidInput) as caught:
        make()  # type: ignore[operator]

    assert caught.value.path == path


def test_technical_side_is_by_class() -> None:
    """The five technical classes feed the technical side, the five others management."""
    for security_class in SecurityClass:
        result = score_mlps(
            Edition.MLPS_2021, ScoreInput((item("x", N, NORMAL, security_class), *items(99, C, prefix="c")))
        )
        side = result.technical if security_class.is_technical else result.management
        assert side == dec("49.00")
    assert TECHNICAL.is_technical
