"""Results as JSON and back."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.errors import InvalidResult
from scanners.jsonable import from_json, to_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Outer:
    number: int
    ratio: float
    colour: Colour
    when: datetime
    address: ipaddress.IPv4Address
    inner: tuple[Inner, ...]
    pair: tuple[int, str]
    names: frozenset[str]
    table: dict[str, Inner]
    maybe: Inner | None = None


def outer(number: int = 1, name: str = "a", raw: bytes = b"\x00\xff") -> Outer:
    return Outer(
        number,
        0.5,
        Colour.RED,
        datetime(2026, 1, 2, tzinfo=UTC),
        ipaddress.IPv4Address("10.0.0.1"),
        (Inner(name, raw),),
        (1, "x"),
        frozenset({"b", "a"}),
        {"k": Inner(name)},
        None,
    )


@given(st.integers(), st.text(), st.binary(max_size=50))
def test_a_result_survives_the_trip(number: int, name: str, raw: bytes) -> None:
    """What was written as JSON text is read back as the same value."""
    value = outer(number, name, raw)

    assert from_json(Outer, json.loads(json.dumps(to_json(value)))) == value


def test_sets_are_written_in_order() -> None:
    """The same result gives the same bytes."""
    assert to_json(frozenset({"b", "a", "c"})) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"number": "1"}, "Outer.number"),
        ({"number": True}, "Outer.number"),
        ({"colour": "blue"}, "Outer.colour"),
        ({"when": "yesterday"}, "Outer.when"),
        ({"address": "10.0.0.256"}, "Outer.address"),
        ({"inner": [{"name": "a", "raw": "###"}]}, "Outer.inner[0].raw"),
        ({"inner": [{}]}, "Outer.inner[0].name"),
        ({"pair": [1]}, "Outer.pair"),
        ({"more": 1}, "Outer"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(change: dict[str, object], where: str) -> None:
    """Stored results are evidence, so nothing is filled in or passed over."""
    data = to_json(outer())
    assert isinstance(data, dict)

    with pytest.raises(InvalidResult) as raised:
        from_json(Outer, data | change)

    assert raised.value.where == where


def test_what_has_no_json_form_is_refused() -> None:
    """An object that is no plain value cannot slip into a stored result."""
    with pytest.raises(InvalidResult):
        to_json(object())
