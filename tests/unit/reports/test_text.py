"""Strings become printable, and figures read the same everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import text
from reports.fonts import can_draw, spell_out
from tests.unit.reports.builders import HOSTILE


@given(st.text())
def test_clean_leaves_nothing_that_acts(value: str) -> None:
    """No control, surrogate or reordering character is left, and cleaning twice changes nothing."""
    cleaned = text.clean(value)

    assert not any(ord(char) < 32 and char != "\n" for char in cleaned)
    assert not any("\ud800" <= char <= "\udfff" or char in "\u202e\u2066\u200f" for char in cleaned)
    assert text.clean(cleaned) == cleaned
    cleaned.encode()


def test_clean_keeps_ordinary_text() -> None:
    """Chinese, right-to-left letters, quotes and angle brackets stay as they are."""
    value = "甲<b>&\"'שלום عربي😀"

    assert text.clean(value) == value


def test_clean_bounds_the_length() -> None:
    """A text of any size ends in an ellipsis at the limit."""
    assert text.clean("é" * 30, limit=10) == "é" * 9 + "…"


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith("formula")])
def test_a_formula_lead_gets_an_apostrophe(name: str) -> None:
    """Narrow and wide leads alike can no longer start a formula, even after white space."""
    assert text.neutral(HOSTILE[name]).startswith("'")


@pytest.mark.parametrize("value", ["甲=1", "", "1+1", "a@b", "'=1"])
def test_other_text_stays_without_apostrophe(value: str) -> None:
    """Only the first character matters."""
    assert text.neutral(value) == value


def test_wrap_breaks_at_spaces_and_shortens_the_last_line() -> None:
    """Words stay whole where they can; what does not fit ends in an ellipsis."""
    assert text.wrap("Security operations management", 8, 3) == ["Security", "operations", "management"]
    assert text.wrap("安全计算环境", 4, 1) == ["安全计…"]
    assert text.wrap("安全计算环境", 3, 2) == ["安全计", "算环境"]
    assert text.wrap("", 3, 2) == []


@given(st.text(max_size=60), st.integers(2, 20))
def test_shortened_text_fits(value: str, room: int) -> None:
    """The estimate of the width is kept."""
    assert text.width_em(text.shorten(value, room)) <= room


def test_long_words_get_breaks_and_nothing_else() -> None:
    """A digest can break every eight characters; Chinese and short words are left alone."""
    digest = "0123456789abcdef" * 4

    broken = text.with_breaks(f"甲乙 word {digest}")

    assert broken.replace("\u200b", "") == f"甲乙 word {digest}"
    assert broken.startswith("甲乙 word 01234567\u200b89abcdef")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "—"),
        (Decimal("0.0"), "0\u00a0%"),
        (Decimal("100.0"), "100\u00a0%"),
        (Decimal("5"), "5.0\u00a0%"),
    ],
)
def test_percent_text(value: Decimal | None, expected: str) -> None:
    """One decimal, except for none and all."""
    assert text.percent_text(value) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 1024**3, "5.0 GiB"), (2**41, "2.0 TiB")],
)
def test_size_text(size: int, expected: str) -> None:
    """Binary units with one decimal."""
    assert text.size_text(size) == expected


def test_times_are_printed_in_the_zone_of_the_report() -> None:
    """A time in UTC shows as local time; a missing one as a dash."""
    zone = timezone(timedelta(hours=8))

    assert text.time_text(datetime(2026, 1, 1, 20, 0, tzinfo=UTC), zone) == "2026-01-02 04:00"
    assert text.time_text(None, zone) == "—"
    assert text.date_text(date(2026, 1, 2)) == "2026-01-02"
    assert text.date_text(None) == "—"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("政务 平台", "政务-平台"),
        ("///", "report"),
        ("a" * 99, "a" * 60),
        ("con\x00", "con"),
    ],
)
def test_file_stems_hold_no_path(value: str, expected: str) -> None:
    """No separator, dot, space or control character gets into a name."""
    assert text.safe_file_stem(value) == expected


def test_characters_without_glyph_are_spelled_out() -> None:
    """What the font cannot draw is written by number instead of vanishing."""
    assert can_draw("政")
    assert can_draw("A")
    assert not can_draw("😀")
    assert spell_out("报告😀") == "报告[U+1F600]"
    assert spell_out("a\ufffdb") == "a□b"
