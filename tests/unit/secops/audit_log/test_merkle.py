"""The Merkle tree against its definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secops.audit_log.merkle import EMPTY_ROOT, MerkleLog, check_inclusion, prove_inclusion
from smcrypto import sm3


def _leaves(count: int) -> list[bytes]:
    return [sm3.digest(b"\x00" + str(number).encode()) for number in range(count)]


def _root(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, by recursion."""
    if not leaves:
        return sm3.digest(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sm3.digest(b"\x01" + _root(leaves[:split]) + _root(leaves[split:]))


def test_roots_of_all_small_sizes() -> None:
    """Growing leaf by leaf gives the defined root at every size."""
    log, leaves = MerkleLog(), _leaves(70)
    assert log.root() == EMPTY_ROOT == _root([])
    for count, leaf in enumerate(leaves, 1):
        log.append(leaf)

        assert log.size == count
        assert log.root() == _root(leaves[:count])


@given(st.integers(0, 200), st.integers(0, 200))
def test_kept_peaks_are_enough(first: int, second: int) -> None:
    """A log taken up from its peaks goes on as if it had never stopped; a copy does not move the original."""
    leaves = _leaves(first + second)
    log = MerkleLog()
    for leaf in leaves[:first]:
        log.append(leaf)

    resumed = MerkleLog(log.size, log.peaks)
    branch = log.copy()
    for leaf in leaves[first:]:
        resumed.append(leaf)
        branch.append(leaf)

    assert resumed.root() == branch.root() == _root(leaves)
    assert log.size == first


@pytest.mark.parametrize(("size", "count"), [(1, 0), (0, 1), (3, 1), (-1, 1), (8, 3)])
def test_peaks_that_do_not_fit_are_refused(size: int, count: int) -> None:
    """The number of peaks follows from the size."""
    with pytest.raises(ValueError, match="peaks"):
        MerkleLog(size, [bytes(32)] * count)


def test_inclusion_of_every_leaf_of_every_small_size() -> None:
    """Every path leads to the root, and to no other leaf, place or size."""
    for size in range(1, 20):
        leaves = _leaves(size)
        root = _root(leaves)
        for index in range(size):
            path = prove_inclusion(leaves, index)

            assert check_inclusion(leaves[index], index, size, path, root)
            assert not check_inclusion(sm3.digest(b"other"), index, size, path, root)
            assert not check_inclusion(leaves[index], index, size, (*path, bytes(32)), root)
            assert not any(
                check_inclusion(leaves[index], other, size, path, root)
                for other in range(size)
                if other != index
            )
            if path:
                assert not check_inclusion(leaves[index], index, size, path[:-1], root)


def test_leaves_that_are_not_there() -> None:
    """There is no path for them, and none is believed."""
    leaves = _leaves(5)
    for index in (-1, 5):
        with pytest.raises(ValueError, match="leaf"):
            prove_inclusion(leaves, index)
        assert not check_inclusion(leaves[0], index, 5, (), _root(leaves))
