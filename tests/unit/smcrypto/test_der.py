"""The strict DER reader and writer."""

from __future__ import annotations

import pytest
from cryptography.x509 import ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from smcrypto import der
from smcrypto.errors import DerError


@given(st.integers(0, 2**600))
def test_integers_come_back(value: int) -> None:
    """An integer is written in the form that the reader accepts."""
    reader = der.Reader(der.integer(value))

    assert reader.read_integer() == value
    assert reader.at_end


@given(
    st.tuples(st.integers(0, 2), st.integers(0, 39)),
    st.lists(st.integers(0, 2**70), max_size=6),
)
def test_object_identifiers_come_back(head: tuple[int, int], rest: list[int]) -> None:
    """Dotted text to bytes and back, arcs of any size."""
    dotted = ".".join(str(arc) for arc in (*head, *rest))

    assert der.Reader(der.object_identifier(dotted)).read_object_identifier() == dotted


@pytest.mark.parametrize("dotted", ["1.2.840.10045.2.1", "1.2.156.10197.1.501", "2.5.29.15", "2.100.3"])
def test_object_identifiers_are_real_ones(dotted: str) -> None:
    """Another implementation accepts the dotted text that the reader gives."""
    assert der.decode_object_identifier(der.object_identifier(dotted)[2:]) == dotted
    assert ObjectIdentifier(dotted).dotted_string == dotted


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths_take_their_shortest_form(size: int) -> None:
    """Content of any length comes back."""
    encoded = der.octet_string(bytes(size))

    assert der.Reader(encoded).read(der.OCTET_STRING) == bytes(size)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "02",
        "0201",
        "020200",
        "0200",
        "020180",
        "02020001",
        "028101ff",
        "02820001ff",
        "0280",
        "0285000000000102",
        "1f0100",
        "0201ff",
        "0401",
    ],
)
def test_other_forms_of_integers_are_refused(text: str) -> None:
    """Cut, long, negative, indefinite or wrongly tagged: none is read as an integer."""
    with pytest.raises(DerError):
        der.Reader(bytes.fromhex(text)).read_integer()


@pytest.mark.parametrize("content", ["", "80", "8001", "2a80", "2a8001"])
def test_other_forms_of_identifiers_are_refused(content: str) -> None:
    """Empty, unfinished or padded identifiers are refused."""
    with pytest.raises(DerError):
        der.decode_object_identifier(bytes.fromhex(content))


@pytest.mark.parametrize("encoded", ["0300", "030101", "030204f0"])
def test_bit_strings_that_are_not_of_whole_bytes_are_refused(encoded: str) -> None:
    """Only whole bytes are keys and signatures."""
    with pytest.raises(DerError):
        der.Reader(bytes.fromhex(encoded)).read_bit_string()


def test_bytes_after_the_end_are_refused() -> None:
    """A reader that is told to finish minds what is left."""
    reader = der.Reader(der.integer(1) + b"\0")
    reader.read_integer()

    with pytest.raises(DerError):
        reader.finish()


@given(st.binary(max_size=80))
def test_no_other_error_escapes(data: bytes) -> None:
    """Whatever the bytes, the reader either reads or raises its own error."""
    try:
        der.Reader(data).read_sequence().read_integer()
    except DerError:
        return
    assert data[0] == der.SEQUENCE


def test_sets_are_sorted() -> None:
    """Members of a set stand in the order of their bytes."""
    assert der.set_of(der.integer(2), der.integer(1)) == der.set_of(der.integer(1), der.integer(2))


def test_negative_integers_are_not_written() -> None:
    """Nothing here is negative."""
    with pytest.raises(DerError):
        der.integer(-1)
