"""Whether two documents agree, as far as their metadata tells."""

from __future__ import annotations

from datetime import date

import pytest

from controls.documents.model import ABSENT, DocumentRecord, Period
from controls.documents.terms import Aspect, LinkRule, ReviewState
from controls.terms import RuleOutcome
from tests.unit.controls.documents.builders import RECENT, check, kind, link, record

OTHER = kind("other")


def agree(
    rule: LinkRule, own: DocumentRecord, *others: DocumentRecord, months: int | None = None
) -> RuleOutcome:
    """Give the outcome of the aspect."""
    found = check(kind(links=(link(rule, months=months),)), own, *others, beside=(OTHER,))
    aspect = found.aspect(Aspect.CROSS_REFERENCED)
    assert aspect is not None
    return aspect.outcome


@pytest.mark.parametrize(
    ("review", "outcome"),
    [
        (ReviewState.ACCEPTED, RuleOutcome.PASS),
        (ReviewState.SUBMITTED, RuleOutcome.MANUAL),
        (ReviewState.DECLARED_ABSENT, RuleOutcome.FAIL),
        (ReviewState.REQUESTED, RuleOutcome.ERROR),
        (ReviewState.RETURNED, RuleOutcome.ERROR),
    ],
)
def test_the_other_one_must_be_there(review: ReviewState, outcome: RuleOutcome) -> None:
    """Only an accepted document confirms; not given is unknown, declared absent is a fault."""
    assert agree(LinkRule.EXISTS, record(), record("b", "other", review=review)) is outcome


@pytest.mark.parametrize(
    ("refers_to", "outcome"),
    [
        (("no-b",), RuleOutcome.PASS),
        (("b",), RuleOutcome.PASS),
        (("no-c",), RuleOutcome.FAIL),
        ((), RuleOutcome.FAIL),
        (None, RuleOutcome.ERROR),
    ],
)
def test_names(refers_to: tuple[str, ...] | None, outcome: RuleOutcome) -> None:
    """A number or an id names the other one; nothing entered is unknown."""
    assert agree(LinkRule.NAMES, record(refers_to=refers_to), record("b", "other")) is outcome


@pytest.mark.parametrize(
    ("own", "others", "outcome"),
    [
        (RECENT, [RECENT], RuleOutcome.PASS),
        (RECENT, [date(2025, 3, 11)], RuleOutcome.FAIL),
        (RECENT, [date(2025, 3, 11), date(2025, 1, 1)], RuleOutcome.PASS),
        (RECENT, [None], RuleOutcome.ERROR),
        (RECENT, [None, date(2025, 1, 1)], RuleOutcome.PASS),
        (None, [RECENT], RuleOutcome.ERROR),
        (ABSENT, [RECENT], RuleOutcome.ERROR),
    ],
)
def test_not_before(own: object, others: list[object], outcome: RuleOutcome) -> None:
    """One partner that is not newer is enough; what cannot be read never makes a fault."""
    partners = [record(f"b{place}", "other", dated=day) for place, day in enumerate(others)]

    assert agree(LinkRule.NOT_BEFORE, record(dated=own), *partners) is outcome


@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        (date(2024, 12, 10), RuleOutcome.PASS),
        (date(2024, 12, 9), RuleOutcome.FAIL),
        (date(2025, 6, 10), RuleOutcome.PASS),
        (date(2025, 6, 11), RuleOutcome.FAIL),
        (None, RuleOutcome.ERROR),
    ],
)
def test_within(day: date | None, outcome: RuleOutcome) -> None:
    """Months are counted in both directions."""
    assert agree(LinkRule.WITHIN, record(), record("b", "other", dated=day), months=3) is outcome


def test_a_period_is_placed_by_its_last_day() -> None:
    """A record over a period compares by the day on which the period ends."""
    partner = record("b", "other", dated=None, period=Period(date(2025, 1, 1), date(2025, 3, 11)))

    assert agree(LinkRule.NOT_BEFORE, record(), partner) is RuleOutcome.FAIL


@pytest.mark.parametrize(
    ("own", "other", "outcome"),
    [
        ("甲公司", "甲公司", RuleOutcome.PASS),
        ("甲公司", "乙公司", RuleOutcome.FAIL),
        (ABSENT, "甲公司", RuleOutcome.FAIL),
        (None, "甲公司", RuleOutcome.ERROR),
        ("甲公司", None, RuleOutcome.ERROR),
    ],
)
def test_same_party(own: object, other: object, outcome: RuleOutcome) -> None:
    """Both must name the same other party."""
    partner = record("b", "other", counterparty=other)

    assert agree(LinkRule.SAME_PARTY, record(counterparty=own), partner) is outcome


def test_a_partner_that_the_system_need_not_have_is_not_asked_for() -> None:
    """Without the other kind among those wanted, nothing is compared."""
    found = check(kind(links=(link(LinkRule.EXISTS),)), record())

    assert found.aspect(Aspect.CROSS_REFERENCED) is None
    assert found.outcome is RuleOutcome.PASS


def test_the_worst_cross_reference_counts() -> None:
    """A fault in one is not hidden by another that agrees."""
    two = kind(links=(link(LinkRule.EXISTS), link(LinkRule.NAMES)))

    found = check(two, record(refers_to=()), record("b", "other"), beside=(OTHER,))

    assert found.outcome is RuleOutcome.FAIL
    assert len(found.reasons) == 1
