"""Closed lists have one spelling and two labels."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import terms
from controls.errors import InvalidProfile
from controls.terms import LevelProfile, Mark, Relation, Scope, SecurityClass, Term, Verdict

TERMS = [
    one for _, one in inspect.getmembers(terms, inspect.isclass) if issubclass(one, Term) and one is not Term
]
levels = st.integers(1, 5)


@pytest.mark.parametrize("kind", TERMS, ids=lambda one: one.__name__)
def test_labels_and_spelling(kind: type[Term]) -> None:
    """Every member has both labels, is found by its spelling, and survives copying and pickling."""
    for member in kind:
        assert not member.label("zh").isascii()
        assert member.label("en").isascii()
        assert kind(member.value) is member
        assert copy.deepcopy(member) is member
        assert pickle.loads(pickle.dumps(member)) is member
        assert {member.value: 1}[member] == 1


def test_technical_classes() -> None:
    """Five classes are technical, five are management."""
    assert [one.value for one in SecurityClass if one.is_technical] == ["PES", "CNS", "ABS", "CES", "SMC"]


def test_verdicts_know_no_unexamined() -> None:
    """There are four verdicts and none of them means that nobody looked."""
    assert [one.value for one in Verdict] == ["compliant", "partial", "non_compliant", "na"]


def test_scope_digits() -> None:
    """The digit of a unit number and the scope lead to each other."""
    assert [Scope.from_digit(one.digit) for one in Scope] == list(Scope)


def test_inverse_of_inverse() -> None:
    """Reading a relation twice from the other end gives the relation."""
    assert [one.inverse.inverse for one in Relation] == list(Relation)


@given(s=levels, a=levels)
def test_profiles_round_trip(s: int, a: int) -> None:
    """A profile prints as the standard does, G being the higher of the two."""
    profile = LevelProfile.parse(f"S{s}A{a}")

    assert LevelProfile.parse(str(profile)) == profile
    assert profile.g == max(s, a)
    assert [profile.level_for(mark) for mark in Mark] == [s, a, max(s, a)]


@pytest.mark.parametrize("text", ["", "S3A3G2", "S3A2G2", "S6A1", "S0A1G1", "s3a3g3", "S3A3G3 ", "A3S3G3"])
def test_no_profile(text: str) -> None:
    """Another shape, another level or a G that is not the higher one is refused."""
    with pytest.raises(InvalidProfile, match="SxAyGz"):
        LevelProfile.parse(text)


def test_full_profile() -> None:
    """The full profile of a level has it three times."""
    assert str(LevelProfile.of_level(3)) == "S3A3G3"
