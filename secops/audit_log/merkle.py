"""A Merkle tree over SM3 that grows at its end and remembers only its peaks.

Its root fixes every leaf, so one signed root vouches for the whole log, and a short path proves that one event is in it
without handing out the others. Leaf hashes come from outside (they are the row hashes, SM3 of 0x00 ‖ record); inner
nodes are SM3 of 0x01 ‖ left ‖ right, so that no leaf can pass for a node.

Source: RFC 6962, 2.1, with SM3 as the hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smcrypto import sm3

EMPTY_ROOT = sm3.digest(b"")


def _node(left: bytes, right: bytes) -> bytes:
    return sm3.digest(b"\x01" + left + right)


class MerkleLog:
    """The tree of the first *size* leaves, kept as the roots of its full subtrees, largest first."""

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self._size = size
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count():
            raise ValueError("peaks do not fit the size")

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the full subtrees, largest first; with the size all there is to keep."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf, 32 bytes."""
        carry, size = leaf, self._size
        while size & 1:
            carry = _node(self._peaks.pop(), carry)
            size >>= 1
        self._peaks.append(carry)
        self._size += 1

    def root(self) -> bytes:
        """Hash of the whole tree, 32 bytes."""
        if not self._peaks:
            return EMPTY_ROOT
        *others, root = self._peaks
        for peak in reversed(others):
            root = _node(peak, root)
        return root

    def copy(self) -> MerkleLog:
        """Branch off."""
        return MerkleLog(self._size, self._peaks)


def prove_inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Give the path from leaf *index* (from 0) to the root of the tree over *leaves*, lowest node first.

    Source: RFC 6962, 2.1.1.
    """
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    if len(leaves) == 1:
        return ()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return (*prove_inclusion(leaves[:split], index), _root_of(leaves[split:]))
    return (*prove_inclusion(leaves[split:], index - split), _root_of(leaves[:split]))


def prove_many(leaves: Sequence[bytes], indexes: Sequence[int]) -> list[tuple[bytes, ...]]:
    """The same for many leaves, building the tree once: level by level in pairs, an odd last node moves up."""
    if any(not 0 <= index < len(leaves) for index in indexes):
        raise ValueError("no such leaf")
    paths: list[list[bytes]] = [[] for _ in indexes]
    places, level = list(indexes), list(leaves)
    while len(level) > 1:
        for path, place in zip(paths, places, strict=True):
            if (beside := place ^ 1) < len(level):
                path.append(level[beside])
        places = [place >> 1 for place in places]
        above = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = above + level[len(above) * 2 :]
    return [tuple(path) for path in paths]


def _root_of(leaves: Sequence[bytes]) -> bytes:
    log = MerkleLog()
    for leaf in leaves:
        log.append(leaf)
    return log.root()


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether *path* leads from *leaf*, the *index*-th from 0 of *size*, to *root*.

    Source: RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    position, last, current = index, size - 1, leaf
    for node in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            current = _node(node, current)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            current = _node(current, node)
        position >>= 1
        last >>= 1
    return last == 0 and current == root
