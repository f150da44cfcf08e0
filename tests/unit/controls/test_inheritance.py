"""What a provider hands down, and until when."""

from __future__ import annotations

from datetime import date

import pytest

from controls.errors import InvalidInput
from controls.ids import ItemId
from controls.inheritance import Claim, ProviderResult, Responsibility, expiring, resolve
from controls.terms import Verdict

ITEM = ItemId("8.1.1.1.a")
TODAY = date(2026, 6, 1)
C, P, N, NA = Verdict.COMPLIANT, Verdict.PARTIAL, Verdict.NON_COMPLIANT, Verdict.NA
SHARED, INHERITED, OWN = Responsibility.SHARED, Responsibility.INHERITED, Responsibility.OWN


def handed(
    verdict: Verdict, expires: date = date(2027, 1, 1), decided: date = date(2026, 1, 1)
) -> ProviderResult:
    return ProviderResult("cloud", ITEM, verdict, decided, expires)


def answer(
    responsibility: Responsibility | None, results: list[ProviderResult], own: Verdict | None
) -> tuple[Verdict | None, bool]:
    claims = [Claim(ITEM, responsibility, "cloud")] if responsibility else []
    (found,) = resolve([ITEM], claims, results, {ITEM: own}, TODAY)
    assert found.reason.zh
    return found.verdict, found.expired


@pytest.mark.parametrize(
    ("responsibility", "handed_down", "own", "expected"),
    [
        (None, C, N, N),
        (OWN, C, None, None),
        (INHERITED, C, N, C),
        (INHERITED, None, C, None),
        (SHARED, C, P, P),
        (SHARED, N, C, N),
        (SHARED, C, C, C),
        (SHARED, C, None, None),
        (SHARED, None, C, None),
        (SHARED, N, None, N),
        (SHARED, NA, C, C),
        (SHARED, None, None, None),
    ],
)
def test_who_answers(
    responsibility: Responsibility | None,
    handed_down: Verdict | None,
    own: Verdict | None,
    expected: Verdict | None,
) -> None:
    """Own, inherited and shared answers; half of a shared answer is none, unless it is a gap."""
    results = [handed(handed_down)] if handed_down else []

    assert answer(responsibility, results, own) == (expected, False)


@pytest.mark.parametrize(
    ("expires", "expected"), [(date(2026, 6, 1), (C, False)), (date(2026, 5, 31), (None, True))]
)
def test_expiry(expires: date, expected: tuple[Verdict | None, bool]) -> None:
    """An inherited answer holds through the last day of the provider's report and not longer."""
    assert answer(INHERITED, [handed(C, expires)], None) == expected


def test_last_decision_counts() -> None:
    """Of several results the one decided last counts, whatever their order."""
    old, new = handed(C), handed(N, decided=date(2026, 5, 1))

    assert answer(INHERITED, [new, old], None)[0] is N


def test_claim_needs_a_provider() -> None:
    """An inherited or shared answer names its provider."""
    with pytest.raises(InvalidInput, match="provider"):
        Claim(ITEM, INHERITED)
    assert Claim(ITEM, OWN).provider == ""


def test_expiring() -> None:
    """Results that end soon are listed, the soonest first; ended ones are not."""
    days = [date(2026, 5, 31), date(2026, 7, 1), date(2026, 6, 1), date(2026, 7, 2)]

    found = expiring([handed(C, day) for day in days], TODAY, within_days=30)

    assert [one.expires_on for one in found] == [date(2026, 6, 1), date(2026, 7, 1)]
