"""Rules that the read model keeps by itself."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal

import pytest

from reports.errors import InvalidModel, UnknownLanguage
from reports.read_model import (
    Cell,
    CountBasis,
    CountRow,
    Counts,
    Language,
    Summary,
    SystemInfo,
    Text,
    Verdict,
    percent,
)
from tests.unit.reports.builders import meta, typical_report

WHY = Text("没有人看过", "Nobody looked")


def test_not_examined_needs_a_reason() -> None:
    """A cell without verdict and without words is refused."""
    with pytest.raises(InvalidModel, match="no reason"):
        Cell("t", None)
    with pytest.raises(InvalidModel, match="no reason"):
        Cell("t", None, not_examined=Text("原因", " "))


def test_a_verdict_excludes_a_reason_for_having_none() -> None:
    """A cell cannot be judged and unexamined at once."""
    with pytest.raises(InvalidModel, match="verdict"):
        Cell("t", Verdict.COMPLIANT, not_examined=WHY)


def test_the_model_is_frozen() -> None:
    """No renderer can change what another one prints."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        typical_report().system.name = "other"  # type: ignore[misc]


def test_times_need_a_zone() -> None:
    """A naive time is refused where it comes in."""
    with pytest.raises(InvalidModel, match="without zone"):
        meta(generated_at=datetime(2026, 1, 1))


def test_level_is_checked() -> None:
    """Only levels of the scheme exist."""
    with pytest.raises(InvalidModel, match="not a level"):
        SystemInfo("a", "b", 6, "S3A3G3", Text.same("c"))


def test_tally_counts_none_as_not_examined() -> None:
    """Not examined is counted apart from every verdict."""
    counts = Counts.tally([None, Verdict.NA, Verdict.COMPLIANT, None])

    assert counts == Counts(compliant=1, na=1, not_examined=2)
    assert (counts.total, counts.examined, counts.judged, counts.applicable) == (4, 2, 1, 3)


def test_negative_counts_are_refused() -> None:
    """A count below zero is a bug of the caller."""
    with pytest.raises(InvalidModel):
        Counts(partial=-1)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 0, None),
        (0, 7, "0.0"),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (9999, 10000, "99.9"),
        (1, 10000, "0.1"),
        (5, 5, "100.0"),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(part: int, whole: int, expected: str | None) -> None:
    """99.99 % is not printed as 100 %, and something is not printed as nothing."""
    assert percent(part, whole) == (None if expected is None else Decimal(expected))


def test_rates_of_a_row() -> None:
    """The first rate leaves out what was not examined, the second counts it against."""
    row = CountRow.of("x", WHY, Counts(compliant=6, partial=1, non_compliant=1, na=2, not_examined=4))

    assert row.conformity_examined == Decimal("75.0")
    assert row.conformity_applicable == Decimal("50.0")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(), True),
        (Counts(compliant=1, not_examined=1), False),
        (Counts(compliant=1, not_examined=2), True),
        (Counts(na=3), False),
    ],
)
def test_a_report_is_a_draft_when_more_than_half_is_open(counts: Counts, expected: bool) -> None:
    """Exactly half is not yet a draft; nothing in scope is."""
    assert Summary(CountBasis.ITEM, CountRow.of("all", WHY, counts)).is_draft is expected


def test_language_is_parsed() -> None:
    """Only languages with all texts are taken."""
    assert Language.parse("zh") is Language.ZH
    with pytest.raises(UnknownLanguage, match="fr"):
        Language.parse("fr")
