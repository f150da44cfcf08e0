"""How documents age: months, official and own limits, validity, rhythm."""

from __future__ import annotations

import doctest
import importlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.catalog import Text
from controls.documents.freshness import add_months, earliest_date
from controls.documents.model import ABSENT, Freshness, Limit, Period
from controls.documents.terms import Aspect, Field, FreshnessRule, PeriodOrigin
from controls.terms import RuleOutcome
from tests.unit.controls.documents.builders import NEVER, RECENT, TODAY, YEARLY, check, kind, record

OFFICIAL = replace(YEARLY, limit=Limit(12, PeriodOrigin.OFFICIAL_GUIDE))
VALIDITY = Freshness(FreshnessRule.VALIDITY, Field.VALID_UNTIL, None, {}, Text("以所载为准。", "As stated."))
CERTIFICATE = replace(VALIDITY, limit=Limit(36, PeriodOrigin.OFFICIAL_GUIDE), counts_from=date(2025, 1, 1))


def fresh(freshness: Freshness, interval: int | None = None, level: int = 3, **values: object) -> RuleOutcome:
    """Give the outcome of the aspect for one record."""
    found = check(
        kind(freshness=freshness, requires=(Field.DATE,), approver=None),
        record(**values),
        level=level,
        intervals={"plan": interval} if interval else {},
    )
    aspect = found.aspect(Aspect.FRESH)
    assert aspect is not None
    return aspect.outcome


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 12, 15), 1, date(2025, 1, 15)),
        (date(2025, 3, 31), -1, date(2025, 2, 28)),
        (date(9999, 12, 31), 12, date.max),
        (date(1, 1, 1), -1, date.min),
    ],
)
def test_months_are_added_by_the_calendar(day: date, months: int, expected: date) -> None:
    """Month ends stay month ends, and the calendar has a first and a last day."""
    assert add_months(day, months) == expected


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 120), st.integers(0, 120))
def test_more_months_are_never_earlier(day: date, fewer: int, more: int) -> None:
    """A longer period never ends before a shorter one."""
    low, high = sorted((fewer, more))

    assert day <= add_months(day, low) <= add_months(day, high)


@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        (TODAY, RuleOutcome.PASS),
        (date(2024, 6, 30), RuleOutcome.PASS),
        (date(2024, 6, 29), RuleOutcome.FAIL),
        (date(2025, 7, 1), RuleOutcome.ERROR),
        (None, RuleOutcome.ERROR),
        (ABSENT, RuleOutcome.FAIL),
    ],
)
def test_age(day: object, outcome: RuleOutcome) -> None:
    """The day a year ago is the last good one; tomorrow and unread are nobody's fault; undated is one."""
    assert fresh(YEARLY, dated=day) is outcome


def test_good_until_is_the_last_day_that_passes() -> None:
    """A reminder can be set: on that day it passes, on the next it fails."""
    found = check(kind(), record(dated=date(2024, 7, 31)))

    assert found.good_until == date(2025, 7, 31)


@pytest.mark.parametrize(
    ("interval", "day", "outcome"),
    [
        (6, date(2024, 12, 29), RuleOutcome.FAIL),
        (6, date(2024, 12, 30), RuleOutcome.PASS),
        (24, date(2024, 6, 30), RuleOutcome.PASS),
        (24, date(2024, 6, 29), RuleOutcome.MANUAL),
        (24, date(2023, 6, 29), RuleOutcome.FAIL),
    ],
)
def test_own_interval_replaces_custom(interval: int, day: date, outcome: RuleOutcome) -> None:
    """A shorter one binds; a longer one holds too, but a person looks at what lies beyond custom."""
    assert fresh(YEARLY, interval, dated=day) is outcome


@pytest.mark.parametrize(
    ("interval", "outcome"), [(24, RuleOutcome.FAIL), (6, RuleOutcome.FAIL), (12, RuleOutcome.FAIL)]
)
def test_own_interval_never_loosens_an_official_one(interval: int, outcome: RuleOutcome) -> None:
    """What an official guide limits stays limited."""
    assert fresh(OFFICIAL, interval, dated=date(2024, 6, 1)) is outcome


def test_reason_names_where_the_months_come_from() -> None:
    """Custom, guide and own setting are told apart in both languages."""
    old = record(dated=date(2020, 1, 1))

    custom = check(kind(), old).reasons[0]
    guide = check(kind(freshness=OFFICIAL), old).reasons[0]
    own = check(kind(), old, intervals={"plan": 6}).reasons[0]

    assert "惯例（非官方）" in custom.zh
    assert "Customary, not official" in custom.en
    assert "官方指引" in guide.zh
    assert "本单位设定" in own.zh
    assert "6 months" in own.en


def test_a_level_can_have_its_own_limit() -> None:
    """Two years at level 2, one at level 3."""
    freshness = replace(OFFICIAL, limits_at={2: Limit(24, PeriodOrigin.CUSTOMARY)})

    assert fresh(freshness, level=2, dated=date(2024, 1, 1)) is RuleOutcome.PASS
    assert fresh(freshness, level=3, dated=date(2024, 1, 1)) is RuleOutcome.FAIL


@pytest.mark.parametrize(
    ("reviewed", "dated", "outcome"),
    [
        (RECENT, date(2015, 1, 1), RuleOutcome.PASS),
        (ABSENT, RECENT, RuleOutcome.PASS),
        (ABSENT, date(2015, 1, 1), RuleOutcome.FAIL),
        (None, RECENT, RuleOutcome.ERROR),
        (ABSENT, None, RuleOutcome.ERROR),
    ],
)
def test_rules_age_from_their_last_review(reviewed: object, dated: object, outcome: RuleOutcome) -> None:
    """An old rule that is reviewed every year is fresh; one never reviewed counts from its date."""
    assert fresh(replace(YEARLY, of=Field.REVIEWED), reviewed_on=reviewed, dated=dated) is outcome


def test_the_interval_stated_on_a_rule_counts() -> None:
    """A rule that says it is reviewed every six months is outdated after seven."""
    freshness = replace(YEARLY, of=Field.REVIEWED)

    assert fresh(freshness, reviewed_on=date(2024, 11, 1), review_interval_months=6) is RuleOutcome.FAIL
    assert fresh(freshness, reviewed_on=date(2024, 11, 1), review_interval_months=ABSENT) is RuleOutcome.PASS


@pytest.mark.parametrize(
    ("until", "outcome"),
    [
        (TODAY, RuleOutcome.PASS),
        (date(2025, 6, 29), RuleOutcome.FAIL),
        (date.max, RuleOutcome.PASS),
        (None, RuleOutcome.ERROR),
        (ABSENT, RuleOutcome.MANUAL),
    ],
)
def test_validity(until: object, outcome: RuleOutcome) -> None:
    """The printed last day still counts; where none is printed a person decides."""
    assert fresh(VALIDITY, valid_until=until) is outcome


@pytest.mark.parametrize(
    ("dated", "today_ok"),
    [(date(2021, 5, 1), RuleOutcome.PASS), (date(2025, 6, 1), RuleOutcome.PASS), (None, RuleOutcome.MANUAL)],
)
def test_certificate_without_printed_validity(dated: object, today_ok: RuleOutcome) -> None:
    """An old certificate counts from the day the rules give, not from its own."""
    assert fresh(CERTIFICATE, valid_until=ABSENT, dated=dated) is today_ok


def test_computed_validity_that_ended_is_for_a_person() -> None:
    """It may have been extended, so a computed end is no fault."""
    freshness = replace(CERTIFICATE, counts_from=None)

    assert fresh(freshness, valid_until=ABSENT, dated=date(2021, 5, 1)) is RuleOutcome.MANUAL


def test_a_limit_that_a_level_does_not_have_is_none() -> None:
    """Where only some levels have a limit, the others do not age."""
    freshness = replace(YEARLY, limit=None, limits_at={4: Limit(6, PeriodOrigin.CUSTOMARY)})

    assert fresh(freshness, level=3, dated=date(2001, 1, 1)) is RuleOutcome.PASS
    assert fresh(freshness, level=4, dated=date(2001, 1, 1)) is RuleOutcome.FAIL


def test_once_never_ages() -> None:
    """What is made once passes whatever its date."""
    assert fresh(NEVER, dated=date(1999, 1, 1)) is RuleOutcome.PASS


RHYTHM = Freshness(
    FreshnessRule.RHYTHM, Field.PERIOD, Limit(3, PeriodOrigin.CUSTOMARY), {}, Text("按季。", "Quarterly.")
)


def quarters(*spans: tuple[date, date]) -> RuleOutcome:
    """Check a rhythm over records of these periods."""
    records = [record(str(place), period=Period(*span), dated=None) for place, span in enumerate(spans)]
    found = check(kind(freshness=RHYTHM, requires=(Field.PERIOD,), approver=None), *records).aspect(
        Aspect.FRESH
    )
    assert found is not None
    return found.outcome


FIRST = (date(2025, 1, 1), date(2025, 3, 31))
SECOND = (date(2025, 4, 1), date(2025, 6, 15))


def test_rhythm_without_gap_passes() -> None:
    """Two quarters in a row are a rhythm, and so is the one record of somebody who just began."""
    assert quarters(FIRST, SECOND) is RuleOutcome.PASS
    assert quarters(SECOND) is RuleOutcome.PASS


def test_a_gap_is_for_a_person() -> None:
    """A missing quarter was left out or not given; nobody knows which."""
    assert quarters((date(2024, 7, 1), date(2024, 9, 30)), SECOND) is RuleOutcome.MANUAL


def test_gaps_of_long_ago_do_not_matter() -> None:
    """Only the last year is looked at."""
    assert quarters((date(2020, 1, 1), date(2020, 3, 31)), FIRST, SECOND) is RuleOutcome.PASS


def test_rhythm_whose_newest_is_old_fails() -> None:
    """A record that should be quarterly and ended half a year ago is outdated."""
    assert quarters((date(2024, 10, 1), date(2024, 12, 31))) is RuleOutcome.FAIL


def test_rhythm_reads_single_days_too_and_passes_over_unread_ones() -> None:
    """Records of one day are a rhythm as well; one without any date stands in the way of nothing."""
    freshness = replace(RHYTHM, of=Field.DATE)
    records = [
        record("a", dated=date(2025, 5, 1)),
        record("b", dated=date(2025, 6, 1)),
        record("c", dated=None),
    ]

    found = check(kind(freshness=freshness, requires=(Field.DATE,), approver=None), *records)

    assert found.outcome is RuleOutcome.PASS
    assert found.records == ("b",)


@pytest.mark.parametrize(
    ("freshness", "interval", "expected"),
    [
        (YEARLY, None, date(2024, 6, 30)),
        (YEARLY, 6, date(2024, 12, 30)),
        (NEVER, None, None),
        (CERTIFICATE, None, None),
    ],
)
def test_earliest_date(freshness: Freshness, interval: int | None, expected: date | None) -> None:
    """What to ask for is the oldest date that still passes."""
    assert earliest_date(freshness, TODAY, 3, interval) == expected


@given(st.dates(date(2020, 1, 1), TODAY))
def test_asking_and_judging_agree(day: date) -> None:
    """A document passes exactly when it is not older than what was asked for."""
    asked = earliest_date(YEARLY, TODAY, 3, None)

    assert asked is not None
    assert (fresh(YEARLY, dated=day) is RuleOutcome.PASS) is (day >= asked)


def test_the_example_in_the_docstring_holds() -> None:
    """What the docstring shows is what comes out."""
    found = doctest.testmod(importlib.import_module("controls.documents.freshness"))

    assert (found.failed, found.attempted) == (0, 1)
