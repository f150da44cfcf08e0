"""Key derivation and record protection of TLCP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.tlcp.keys import (
    DirectionKeys,
    Protection,
    connection_keys,
    master_secret,
    prf,
    verify_data,
)
from scanners.tls.records import RecordError

CBC = DirectionKeys(bytes(range(16)), mac=bytes(range(32)))
GCM = DirectionKeys(bytes(range(16)), salt=b"salt")
VECTOR = bytes(range(16))


def test_expansion_gives_the_asked_size_and_a_common_beginning() -> None:
    """A longer output continues a shorter one."""
    long = prf(b"secret", b"label", b"seed", 100)

    assert len(long) == 100
    assert prf(b"secret", b"label", b"seed", 33) == long[:33]
    assert prf(b"secret", b"label", b"other", 33) != long[:33]


def test_both_directions_have_keys_of_their_own() -> None:
    """No key is used twice, and sizes are those of SM4 and SM3."""
    for is_gcm in (False, True):
        ours, theirs = connection_keys(bytes(48), b"c" * 32, b"s" * 32, is_gcm=is_gcm)

        assert len({ours.cipher, theirs.cipher, ours.mac + ours.salt, theirs.mac + theirs.salt}) == 4
        assert (len(ours.cipher), len(ours.mac), len(ours.salt)) == ((16, 0, 4) if is_gcm else (16, 32, 0))


def test_finished_depends_on_side_secret_and_transcript() -> None:
    """The two sides never send the same twelve bytes."""
    master = master_secret(bytes(48), b"c" * 32, b"s" * 32)
    values = {
        verify_data(master, b"t", by_client=True),
        verify_data(master, b"t", by_client=False),
        verify_data(master, b"u", by_client=True),
        verify_data(bytes(48), b"t", by_client=True),
    }

    assert {len(value) for value in values} == {12}
    assert len(values) == 4


@given(st.sampled_from([CBC, GCM]), st.lists(st.binary(max_size=70), min_size=1, max_size=4))
def test_records_open_in_order(keys: DirectionKeys, plains: list[bytes]) -> None:
    """What was sealed opens to the same bytes, for every length."""
    sealer, opener = Protection(keys), Protection(keys)

    assert [opener.open(22, sealer.seal(22, plain, VECTOR)) for plain in plains] == plains


@pytest.mark.parametrize("keys", [CBC, GCM])
def test_a_record_out_of_order_or_of_another_type_does_not_open(keys: DirectionKeys) -> None:
    """Number and type of a record are protected with it."""
    sealer = Protection(keys)
    first, second = sealer.seal(22, b"one", VECTOR), sealer.seal(22, b"two", VECTOR)

    with pytest.raises(RecordError):
        Protection(keys).open(22, second)
    with pytest.raises(RecordError):
        Protection(keys).open(23, first)


@pytest.mark.parametrize("keys", [CBC, GCM])
def test_a_changed_bit_anywhere_does_not_open(keys: DirectionKeys) -> None:
    """Every byte of a protected record is authenticated."""
    sealed = Protection(keys).seal(22, b"x" * 20, VECTOR)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(RecordError):
            Protection(keys).open(22, bytes(changed))


@pytest.mark.parametrize("keys", [CBC, GCM])
@pytest.mark.parametrize("size", [0, 1, 8, 15, 16, 23, 24, 31, 32, 47, 48, 63])
def test_short_records_do_not_open(keys: DirectionKeys, size: int) -> None:
    """A record that cannot hold its parts is refused by length or tag."""
    with pytest.raises(RecordError):
        Protection(keys).open(22, bytes(size))
