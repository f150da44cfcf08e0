"""Classification under both matrices, and what follows from a level."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.errors import InvalidInput, UnknownRuleSet
from controls.grading import (
    GRADING_RULE_SETS,
    DutyDates,
    add_months,
    allowed_combinations,
    classify,
    grading_rule_set,
    minimum_levels,
    next_dates,
)
from controls.terms import Degree, HarmObject, LevelProfile, Origin

MATRICES = {
    "gbt-22240-2020": {"citizens": (1, 2, 2), "public": (2, 3, 4), "national": (3, 4, 5)},
    "filing-form-2025": {"citizens": (1, 2, 2), "public": (2, 3, 4), "national": (4, 5, 5)},
}
pairs = st.lists(st.tuples(st.sampled_from(HarmObject), st.sampled_from(Degree)), min_size=1, max_size=5)
rule_sets = st.sampled_from(GRADING_RULE_SETS)


@pytest.mark.parametrize(("rule_set", "harm", "degree"), list(product(MATRICES, HarmObject, Degree)))
def test_matrices(rule_set: str, harm: HarmObject, degree: Degree) -> None:
    """Each cell of both matrices gives its level."""
    expected = MATRICES[rule_set][harm][list(Degree).index(degree)]

    found = classify(rule_set, [(harm, degree)], [("citizens", "general")])

    assert (found.s, found.a, found.level) == (expected, 1, expected)


def test_sides_apart_and_highest_counts() -> None:
    """S and A are judged apart, of several objects the highest counts, and it is named."""
    found = classify(
        "gbt-22240-2020",
        business=[("citizens", "severe"), ("public", "severe"), ("public", "general")],
        service=[("public", "general")],
    )

    assert str(found.profile) == "S3A2G3"
    assert (found.business.object, found.business.degree) == (HarmObject.PUBLIC, Degree.SEVERE)
    assert found.rule_set.version


def test_both_rule_sets_say_what_they_are() -> None:
    """The standard's matrix is official; the form's was not seen and says so."""
    assert grading_rule_set("gbt-22240-2020").origin is Origin.OFFICIAL
    assert grading_rule_set("filing-form-2025").origin is Origin.SINGLE_SOURCE
    assert "地区安全" in grading_rule_set("filing-form-2025").objects[HarmObject.NATIONAL].zh


@given(rule_set=rule_sets, business=pairs, service=pairs)
def test_monotone(rule_set: str, business: list[tuple[str, str]], service: list[tuple[str, str]]) -> None:
    """A worse degree or a weightier object never lowers a side, and one more pair neither."""
    base = classify(rule_set, business, service)
    harm, degree = business[0]
    for harder in list(Degree)[list(Degree).index(Degree(degree)) :]:
        assert classify(rule_set, [(harm, harder), *business[1:]], service).s >= base.s
    for weightier in list(HarmObject)[list(HarmObject).index(HarmObject(harm)) :]:
        assert classify(rule_set, [(weightier, degree), *business[1:]], service).s >= base.s
    more = classify(rule_set, business, [*service, *business])
    assert more.a >= base.a
    assert base.level == max(base.s, base.a)


@given(business=pairs, service=pairs)
def test_form_is_never_lower(business: list[tuple[str, str]], service: list[tuple[str, str]]) -> None:
    """The 2025 form gives at least the level of the standard."""
    standard, form = (classify(one, business, service) for one in GRADING_RULE_SETS)

    assert form.level >= standard.level


@pytest.mark.parametrize(
    ("business", "service", "path"),
    [
        ([], [("public", "general")], "$.business"),
        ([("public", "general")], [], "$.service"),
        ([("public", "general"), ("nobody", "general")], [("public", "general")], "$.business[1]"),
        ([("public", "general")], [("public", "awful")], "$.service[0]"),
    ],
)
def test_bad_input(business: list[tuple[str, str]], service: list[tuple[str, str]], path: str) -> None:
    """The place of a wrong pair is named, with what could stand there."""
    with pytest.raises(InvalidInput) as caught:
        classify("gbt-22240-2020", business, service)

    assert caught.value.path == path


def test_unknown_rule_set() -> None:
    """There are exactly two matrices."""
    with pytest.raises(UnknownRuleSet, match="filing-form-2025"):
        classify("gbt-22240-2008", [("public", "general")], [("public", "general")])


@pytest.mark.parametrize(("level", "count"), [(1, 1), (2, 3), (3, 5), (4, 7), (5, 9)])
def test_allowed_combinations(level: int, count: int) -> None:
    """Every pair whose higher part is the level is allowed; S5A5 is only missing in the table."""
    found = allowed_combinations(level)

    wanted = {LevelProfile(s, a, level) for s, a in product(range(1, 6), repeat=2) if max(s, a) == level}
    assert set(found) == wanted
    assert len(found) == count
    assert len(allowed_combinations(level, include_unlisted=False)) == count - (level == 5)


def test_no_combinations_of_level_zero() -> None:
    """Only levels 1 to 5 exist."""
    with pytest.raises(InvalidInput):
        allowed_combinations(0)


def test_minimum_levels() -> None:
    """What is carried and what serves the public with personal data set a floor that is reported, not forced."""
    found = classify(
        "gbt-22240-2020",
        [("citizens", "severe")],
        [("citizens", "severe")],
        carried_levels=[1, 3],
        big_data_public_service=True,
    )

    assert found.level == 2
    assert {(one.key, one.level, one.met) for one in found.minimums} == {
        ("big-data", 3, False),
        ("carried", 3, False),
    }
    assert all(one.met for one in minimum_levels(4, carried_levels=[4], big_data_public_service=True))
    assert minimum_levels(1) == ()


def test_level_one_has_no_dates() -> None:
    """The operator decides level 1 alone; nothing is due."""
    found = classify("gbt-22240-2020", [("citizens", "general")], [("citizens", "general")])

    assert found.next_dates == ()
    assert "自主" in found.procedure.zh


def due(level: int, dates: DutyDates, **more: int) -> dict[str, date | None]:
    return {one.key: one.due for one in next_dates(level, dates, **more)}


def test_filing_within_thirty_days() -> None:
    """A running system counts from the fixed level, a new one from its start."""
    running = due(2, DutyDates(level_fixed=date(2026, 1, 31)))
    fresh = due(2, DutyDates(level_fixed=date(2026, 1, 31), in_operation=date(2026, 3, 1)))

    assert running["filing"] == date(2026, 3, 2)
    assert fresh["filing"] == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("issued", "evaluations", "expiry"),
    [
        (date(2025, 6, 30), 0, date(2028, 6, 30)),
        (date(2023, 6, 30), 0, date(2028, 1, 1)),
        (date(2025, 6, 30), 2, date(2030, 6, 30)),
    ],
)
def test_certificate(issued: date, evaluations: int, expiry: date) -> None:
    """Three years from issue, from 2025-01-01 for older ones, one year more per evaluation; extension before."""
    found = due(3, DutyDates(certificate_issued=issued, evaluations_completed=evaluations))

    assert found["certificate-expiry"] == expiry
    assert found["certificate-extension"] == add_months(expiry, -3)


@pytest.mark.parametrize(("level", "expected"), [(2, 2028), (3, 2027), (4, 2027), (5, 2027)])
def test_evaluation_interval(level: int, expected: int) -> None:
    """Levels 3 to 5 are evaluated yearly; the two years of level 2 are customary and say so."""
    found = {one.key: one for one in next_dates(level, DutyDates(last_evaluation=date(2026, 5, 1)))}

    assert found["evaluation"].due == date(expected, 5, 1)
    assert (found["evaluation"].origin is Origin.DEFAULT) == (level == 2)


def test_level_two_interval_is_a_setting() -> None:
    """The interval of level 2 can be set."""
    assert due(2, DutyDates(last_evaluation=date(2026, 5, 1)), level2_interval_years=1)["evaluation"] == date(
        2027, 5, 1
    )


def test_unknown_start_gives_no_date() -> None:
    """Without the day it counts from nothing is due; working days are never computed."""
    found = next_dates(3, DutyDates(filed=date(2026, 1, 1)))

    assert {one.due for one in found} == {None}
    assert all(one.source.zh and one.rule.en and one.rule_set.startswith("duties ") for one in found)
    assert next(one.period for one in found if one.key == "filing-check") == "10 working_days"


@given(start=st.dates(date(1990, 1, 1), date(2090, 1, 1)), months=st.integers(-240, 240))
def test_add_months(start: date, months: int) -> None:
    """Going by months keeps the day or ends on the month's last day."""
    found = add_months(start, months)

    assert (found.year * 12 + found.month) - (start.year * 12 + start.month) == months
    assert found.day <= start.day
    assert found.day == start.day or add_months(found.replace(day=1), 1).toordinal() - found.toordinal() == 1
