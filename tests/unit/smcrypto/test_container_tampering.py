"""The sealed container: whatever is done to it is refused, and nothing of a damaged chunk comes out."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Callable

import pytest

from smcrypto import container, sm4
from smcrypto.container import CHUNK_SIZE, HEADER_SIZE
from smcrypto.errors import ContainerError, KeyMissing
from smcrypto.keys import FileKeyProvider, Purpose

FILE_ID = bytes(range(16))
SEALED_CHUNK = CHUNK_SIZE + sm4.TAG_SIZE
PLAIN = bytes(number * 7 % 251 for number in range(3 * CHUNK_SIZE + 1000))


@pytest.fixture(scope="module")
def sealed(provider: FileKeyProvider) -> bytes:
    """A container of three full chunks and a short one."""
    return _seal(provider, PLAIN)


@pytest.fixture(scope="module")
def small(provider: FileKeyProvider) -> bytes:
    """A container of one short chunk."""
    return _seal(provider, PLAIN[:900])


def _seal(provider: FileKeyProvider, plain: bytes) -> bytes:
    out = io.BytesIO()
    container.seal(io.BytesIO(plain), out, provider, file_id=FILE_ID)
    return out.getvalue()


def _released(provider: FileKeyProvider, altered: bytes) -> bytes:
    """Open an altered container; give what came out before it was refused."""
    out = bytearray()
    try:
        for piece in container.open_stream(io.BytesIO(altered), provider):
            out += piece
    except (ContainerError, KeyMissing):
        return bytes(out)
    pytest.fail("an altered container was opened")


def _chunks(sealed: bytes) -> list[bytes]:
    body = sealed[HEADER_SIZE:]
    return [body[at : at + SEALED_CHUNK] for at in range(0, len(body), SEALED_CHUNK)]


def _flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_bit_of_the_header(provider: FileKeyProvider, small: bytes) -> None:
    """All 2,048 bits of the header, one after the other: refused, and nothing comes out."""
    for bit in range(HEADER_SIZE * 8):
        assert _released(provider, _flip(small, bit)) == b"", bit


def test_sampled_bits_of_a_small_body(provider: FileKeyProvider, small: bytes) -> None:
    """2,000 bits of the only chunk and its tag: refused, and nothing comes out."""
    bits = random.Random(1).sample(range(HEADER_SIZE * 8, len(small) * 8), 2000)
    for bit in bits:
        assert _released(provider, _flip(small, bit)) == b"", bit


def test_sampled_bits_of_a_long_body(provider: FileKeyProvider, sealed: bytes) -> None:
    """1,000 bits of several chunks: refused; what came out are the whole chunks before the damaged one."""
    bits = random.Random(2).sample(range(HEADER_SIZE * 8, len(sealed) * 8), 1000)
    for bit in bits:
        chunk = (bit // 8 - HEADER_SIZE) // SEALED_CHUNK

        assert _released(provider, _flip(sealed, bit)) == PLAIN[: chunk * CHUNK_SIZE], bit


def test_truncations(provider: FileKeyProvider, sealed: bytes) -> None:
    """Cut at every border, next to it, and at 200 other places: refused."""
    borders = [HEADER_SIZE + number * SEALED_CHUNK for number in range(4)]
    near = [border + shift for border in borders for shift in (-17, -16, -1, 0, 1, 15, 16, 17)]
    sampled = random.Random(3).sample(range(len(sealed)), 200)
    for length in [0, 1, 5, 6, 255, len(sealed) - 1, len(sealed) - 16, *near, *sampled]:
        released = _released(provider, sealed[:length])

        whole = max(0, length - HEADER_SIZE) // SEALED_CHUNK
        assert released == PLAIN[: len(released)]
        assert len(released) <= whole * CHUNK_SIZE, length


def test_cut_at_a_border_never_gives_out_the_chunk_before_it(
    provider: FileKeyProvider, sealed: bytes
) -> None:
    """The chunk that would have to be the last one is not the last one, so it is refused itself."""
    for number in (1, 2, 3):
        cut = sealed[: HEADER_SIZE + number * SEALED_CHUNK]

        assert _released(provider, cut) == PLAIN[: (number - 1) * CHUNK_SIZE]


@pytest.mark.parametrize("extra", [b"\0", bytes(16), bytes(17), bytes(SEALED_CHUNK), b"appended" * 10])
def test_appended_bytes(provider: FileKeyProvider, sealed: bytes, small: bytes, extra: bytes) -> None:
    """Anything after the end is refused, and the last real chunk with it."""
    assert _released(provider, small + extra) == b""
    assert _released(provider, sealed + extra) == PLAIN[: 3 * CHUNK_SIZE]


def test_swapped_repeated_dropped_and_reversed_chunks(provider: FileKeyProvider, sealed: bytes) -> None:
    """Every other order of the chunks is refused."""
    header, chunks = sealed[:HEADER_SIZE], _chunks(sealed)
    orders = [list(order) for size in (2, 3, 4, 5) for order in itertools.product(range(4), repeat=size)]
    orders.remove([0, 1, 2, 3])
    for order in random.Random(4).sample(orders, 150) + [
        [1, 0, 2, 3],
        [3, 2, 1, 0],
        [0, 1, 2, 2, 3],
        [0, 1, 3],
    ]:
        released = _released(provider, header + b"".join(chunks[number] for number in order))

        assert released == PLAIN[: len(released)], order


def _splice_chunk(first: bytes, second: bytes, number: int) -> bytes:
    chunks = _chunks(first)
    chunks[number] = _chunks(second)[number]
    return first[:HEADER_SIZE] + b"".join(chunks)


@pytest.mark.parametrize("number", range(4))
def test_chunks_of_another_container(provider: FileKeyProvider, sealed: bytes, number: int) -> None:
    """A chunk of another sealing of the very same file, at the same place, is refused."""
    other = _seal(provider, PLAIN)

    assert _released(provider, _splice_chunk(sealed, other, number)) == PLAIN[: number * CHUNK_SIZE]


def test_header_of_another_container(provider: FileKeyProvider, sealed: bytes) -> None:
    """The header of another sealing of the same file opens none of its chunks."""
    other = _seal(provider, PLAIN)

    assert _released(provider, other[:HEADER_SIZE] + sealed[HEADER_SIZE:]) == b""


@pytest.mark.parametrize(("start", "stop"), [(12, 44), (44, 60), (60, 67), (67, 68), (68, 224), (224, 256)])
def test_fields_of_another_header(provider: FileKeyProvider, sealed: bytes, start: int, stop: int) -> None:
    """No single field can be taken from another header of the same provider."""
    out = io.BytesIO()
    container.seal(io.BytesIO(PLAIN), out, provider, file_id=bytes(16))
    other = out.getvalue()
    mixed = sealed[:start] + other[start:stop] + sealed[stop:]

    if mixed == sealed:
        # key id and reserved byte are equal in both
        assert (start, stop) in {(12, 44), (67, 68)}
    else:
        assert _released(provider, mixed) == b""


@pytest.mark.parametrize(
    "edit",
    [
        lambda header: header[:12] + b"\x1f" + header[13:],
        lambda header: header[:12] + b"\xff" + header[13:],
        lambda header: header[:12] + bytes(32) + header[44:],
        lambda header: header[:13] + b"\xff\xfe" + header[15:],
        lambda header: header[:67] + b"\x01" + header[68:],
        lambda header: header[:68] + b"\xff\xff" + header[70:],
        lambda header: header[:68] + bytes(156) + header[224:],
        lambda header: header[:223] + b"\x01" + header[224:],
        lambda header: header[:224] + bytes(32),
        lambda header: bytes(256),
        lambda header: b"",
    ],
)
def test_edited_headers(provider: FileKeyProvider, sealed: bytes, edit: Callable[[bytes], bytes]) -> None:
    """Lengths, padding, reserved bytes, emptied fields: refused by this package's own errors."""
    assert _released(provider, edit(sealed[:HEADER_SIZE]) + sealed[HEADER_SIZE:]) == b""


def test_verification_finds_the_same(provider: FileKeyProvider, sealed: bytes) -> None:
    """Checking without reading refuses what reading refuses."""
    for bit in random.Random(5).sample(range(len(sealed) * 8), 60):
        with pytest.raises((ContainerError, KeyMissing)):
            container.verify(io.BytesIO(_flip(sealed, bit)), provider)


def test_empty_chunk_after_a_full_one(provider: FileKeyProvider) -> None:
    """A form that nothing writes is refused even when a holder of the data key made it: one file, one container."""
    data_key, plain = bytes(16), bytes(CHUNK_SIZE)
    header = container._new_header(data_key, provider, Purpose.EVIDENCE_WRAP, FILE_ID)
    chunks = container._Chunks(data_key, header, b"")
    forged = header.to_bytes() + chunks.seal(0, plain, False) + chunks.seal(1, b"", True)

    assert _released(provider, forged) == plain
