"""Crypto self-assessment: both rules side by side, D, A and K in words of the language, no score before the end."""

from __future__ import annotations

from reports.blocks import Paragraph, State, Table
from reports.crypto.document import build_document
from reports.read_model import Language
from tests.unit.reports.papers.models import crypto


def _tables(language: Language = Language.EN, *, examined: int = 100) -> dict[str, Table]:
    document = build_document(crypto(examined=examined), language)
    return {one.caption: one for one in document.blocks if isinstance(one, Table)}


def test_both_rules_are_told_apart() -> None:
    """One is used, the other is for comparison."""
    rows = _tables()["Results of both rules"].rows
    assert [(row[0], row[1]) for row in rows] == [
        ("crypto rule 2023", "used here"),
        ("crypto rule 2021", "for comparison"),
    ]
    assert str(rows[0][2]) == "72.50"


def test_d_a_and_k_speak_the_language() -> None:
    """Words and signs, and a dash where nobody answered."""
    row = _tables()["All records"].rows[0]
    assert row[4] == State("non_compliant", "not met")
    assert row[5] == row[6] == "—"
    assert _tables(Language.ZH)["全部测评记录"].rows[2][4] == State("compliant", "满足")


def test_an_unfinished_one_has_no_score() -> None:
    """The reason stands where the figure would; a running assessment is a draft."""
    open_one = build_document(crypto(examined=60, closed=False), Language.ZH)
    assert any(isinstance(one, Paragraph) and one.words == "还有单元未测评。" for one in open_one.blocks)
    assert open_one.draft == "草稿"
    assert any("测评尚未关闭" in box.words for box in open_one.boxes)


def test_shortfalls_come_by_cost() -> None:
    """Units not met, none of the others."""
    rows = _tables()["Units not met, by what they cost"].rows
    assert [row[0] for row in rows] == ["6.1.0", "6.1.1"]
