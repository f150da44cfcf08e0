"""Ids are parsed once and printed back unchanged."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.errors import InvalidClause, InvalidFrameworkId, InvalidId, InvalidItemId, InvalidUnitId
from controls.ids import ClauseRef, FrameworkId, ItemId, UnitId
from controls.terms import Scope, SecurityClass


@given(
    level=st.integers(1, 5),
    security_class=st.sampled_from(SecurityClass),
    scope=st.sampled_from(Scope),
    ordinal=st.integers(1, 99),
)
def test_unit_numbers_round_trip(
    level: int, security_class: SecurityClass, scope: Scope, ordinal: int
) -> None:
    """Every MLPS number gives its parts and prints back as it was read."""
    text = f"L{level}-{security_class}{scope.digit}-{ordinal:02}"

    found = UnitId.parse(text)

    assert str(found) == text == found.number
    assert (found.level, found.security_class, found.scope) == (level, security_class, scope)


def test_crypto_and_own_units() -> None:
    """A crypto unit carries its level in front of its number; an own unit its framework."""
    crypto, own = UnitId.parse("L4-6.2.1"), UnitId.parse("acme-rules/login.1")

    assert (crypto.level, crypto.number, crypto.security_class, crypto.scope) == (4, "6.2.1", None, None)
    assert (own.level, own.number, own.security_class) == (None, "login.1", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "L3-CES1-1",
        "L6-CES1-01",
        "L3-XYZ1-01",
        "L3-CES6-01",
        " L3-CES1-01",
        "L5-6.1.1",
        "L3-8.1.1",
        "plain",
    ],
)
def test_no_unit_number(text: str) -> None:
    """Anything but the printed form is refused, with what was expected."""
    with pytest.raises(InvalidUnitId, match="is not a unit number") as caught:
        UnitId.parse(text)

    assert caught.value.text == text
    assert "测评单元编号" in caught.value.zh


@pytest.mark.parametrize("text", ["8.1.4.1.a", "8.1.1.2", "9.1.10.13.b", "8.2.c", "collection-technology"])
def test_item_ids_round_trip(text: str) -> None:
    """Clauses with and without letter, and words, are item ids."""
    assert str(ItemId.parse(text)) == text


@pytest.mark.parametrize("text", ["", "8.1.4.1.aa", "8.1.4.1.", "8..1", "-a", "a b"])
def test_no_item_id(text: str) -> None:
    """A clause with a wrong tail is no item id."""
    with pytest.raises(InvalidItemId):
        ItemId.parse(text)


def test_clause_of_an_item() -> None:
    """The clause of an id sorts by number, not by text."""
    ninth, tenth = ItemId("8.1.9.1.a").clause, ItemId("8.1.10.1").clause

    assert ninth is not None
    assert tenth is not None
    assert ninth < tenth
    assert (ninth.clause, ninth.letter, str(ninth)) == ("8.1.9.1", "a", "8.1.9.1.a")
    assert ItemId("word-id").clause is None
    assert ItemId.of(ninth) == "8.1.9.1.a"


@pytest.mark.parametrize(("clause", "letter"), [("8.1.4.1.a", ""), ("x", ""), ("8.1", "A"), ("8.1", "ab")])
def test_no_clause(clause: str, letter: str) -> None:
    """A clause is numbers, a letter is one small letter."""
    with pytest.raises(InvalidClause):
        ClauseRef.parse(clause, letter)


@pytest.mark.parametrize("text", ["", "GBT-1", "gbt", "gbt--1", "-gbt", "gbt_22239"])
def test_no_framework_id(text: str) -> None:
    """Framework ids are small letters, digits and single hyphens."""
    with pytest.raises(InvalidFrameworkId):
        FrameworkId.parse(text)


def test_ids_are_texts() -> None:
    """An id stores, hashes and serialises like the text it is, and its error survives pickling."""
    found = UnitId.parse("L3-CES1-01")

    assert {found: 1}["L3-CES1-01"] == 1
    assert json.dumps(found) == '"L3-CES1-01"'
    error = pickle.loads(pickle.dumps(InvalidUnitId("x")))
    assert isinstance(error, InvalidId)
    assert str(error) == str(InvalidUnitId("x"))
