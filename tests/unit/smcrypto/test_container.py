"""The sealed container: what goes in comes out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smcrypto import container, sm3
from smcrypto.container import CHUNK_SIZE, HEADER_SIZE, Header
from smcrypto.errors import (
    DamagedContainer,
    InvalidParameter,
    KeyMissing,
    UnsupportedContainer,
)
from smcrypto.keys import FileKeyProvider, Purpose, Wrapped

FILE_ID = bytes(range(16))


def seal(provider: FileKeyProvider, plain: bytes, **named: object) -> bytes:
    out = io.BytesIO()
    container.seal(io.BytesIO(plain), out, provider, **{"file_id": FILE_ID, **named})
    return out.getvalue()


def opened(provider: FileKeyProvider, sealed: bytes, **named: object) -> bytes:
    return b"".join(container.open_stream(io.BytesIO(sealed), provider, **named))


@pytest.mark.parametrize(
    "size",
    [
        0,
        1,
        CHUNK_SIZE - 1,
        CHUNK_SIZE,
        CHUNK_SIZE + 1,
        2 * CHUNK_SIZE - 1,
        2 * CHUNK_SIZE,
        2 * CHUNK_SIZE + 1,
    ],
)
def test_sizes_around_the_chunks(provider: FileKeyProvider, size: int) -> None:
    """Nothing, one byte and every size next to a border come back, with digest and sizes as told."""
    plain = bytes(number % 251 for number in range(size))
    out = io.BytesIO()

    result = container.seal(io.BytesIO(plain), out, provider, file_id=FILE_ID)

    sealed = out.getvalue()
    assert (result.size, result.sm3, result.file_id) == (size, sm3.digest(plain), FILE_ID)
    assert result.sealed_size == len(sealed) == container.sealed_size_of(size)
    assert result.header == sealed[:HEADER_SIZE]
    assert opened(provider, sealed) == plain
    assert container.verify(io.BytesIO(sealed), provider) == container.VerifyResult(sm3.digest(plain), size)


class _Trickle:
    """Gives out data in pieces of given sizes, as a socket does."""

    def __init__(self, data: bytes, sizes: Iterator[int]) -> None:
        self._stream = io.BytesIO(data)
        self._sizes = sizes

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, next(self._sizes, size)))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3 * CHUNK_SIZE), st.lists(st.integers(1, 70_000), max_size=30), st.binary(max_size=60))
def test_round_trip(provider: FileKeyProvider, size: int, pieces: list[int], context: bytes) -> None:
    """Any size read in any pieces comes back, bound to any context."""
    plain = (b"evidence" * (size // 8 + 1))[:size]
    out = io.BytesIO()

    container.seal(_Trickle(plain, iter(pieces)), out, provider, file_id=FILE_ID, context=context)

    reader = _Trickle(out.getvalue(), iter(pieces))
    assert b"".join(container.open_stream(reader, provider, context=context)) == plain


def test_no_two_seals_share_anything(provider: FileKeyProvider) -> None:
    """The same text under the same id gets another key and another nonce prefix each time."""
    plain = bytes(1000)
    headers = [Header.from_bytes(seal(provider, plain)[:HEADER_SIZE]) for _ in range(20)]
    bodies = [seal(provider, plain)[HEADER_SIZE:] for _ in range(20)]

    assert len({header.prefix for header in headers}) == 20
    assert len({header.commitment for header in headers}) == 20
    assert len(set(bodies)) == 20


def test_plain_text_does_not_show(provider: FileKeyProvider) -> None:
    """No part of the plain text is in the container."""
    plain = "机密测评记录,内部资料".encode() * 50

    sealed = seal(provider, plain)

    assert all(plain[at : at + 16] not in sealed for at in range(0, len(plain) - 16, 16))


def test_pieces_are_no_longer_than_a_chunk(provider: FileKeyProvider) -> None:
    """Memory stays constant: pieces are handed out chunk by chunk."""
    pieces = list(container.open_stream(io.BytesIO(seal(provider, bytes(3 * CHUNK_SIZE + 5))), provider))

    assert [len(piece) for piece in pieces] == [CHUNK_SIZE, CHUNK_SIZE, CHUNK_SIZE, 5]


def test_limit_is_exact(provider: FileKeyProvider) -> None:
    """As many bytes as allowed pass, one more does not."""
    assert seal(provider, bytes(CHUNK_SIZE + 1), max_size=CHUNK_SIZE + 1)
    with pytest.raises(InvalidParameter):
        seal(provider, bytes(CHUNK_SIZE + 2), max_size=CHUNK_SIZE + 1)


def test_file_ids_have_16_bytes(provider: FileKeyProvider) -> None:
    """Another length would shift the header."""
    with pytest.raises(InvalidParameter):
        seal(provider, b"", file_id=bytes(15))


def test_binding(provider: FileKeyProvider) -> None:
    """Another file id, context or purpose does not open it."""
    sealed = seal(provider, b"evidence", context=b"system 7")

    assert opened(provider, sealed, context=b"system 7", file_id=FILE_ID) == b"evidence"
    for named in (
        {"context": b"system 8"},
        {},
        {"context": b"system 7", "file_id": bytes(16)},
        {"context": b"system 7", "purpose": Purpose.BACKUP_WRAP},
    ):
        with pytest.raises(DamagedContainer):
            opened(provider, sealed, **named)


def test_header_is_checked_before_the_first_piece_is_asked_for(provider: FileKeyProvider) -> None:
    """A wrong header raises at the call, not in the middle of an answer."""
    sealed = bytearray(seal(provider, b"evidence"))
    sealed[230] ^= 1

    with pytest.raises(DamagedContainer):
        container.open_stream(io.BytesIO(bytes(sealed)), provider)


def test_other_keys_say_that_the_key_is_missing(provider: FileKeyProvider, own_folder, tmp_path) -> None:
    """A container of another installation is not called damaged."""
    other = FileKeyProvider.create(tmp_path / "other", signers=[])

    with pytest.raises(KeyMissing):
        opened(provider, seal(other, b"evidence"))


def test_rewrapping_leaves_the_chunks(own_provider: FileKeyProvider) -> None:
    """After a rotation 256 bytes change; the new header opens alone, with the old file, and after the old key is gone."""
    sealed = seal(own_provider, bytes(100_000), context=b"system 7")
    old_header = sealed[:HEADER_SIZE]
    assert container.rewrap(old_header, own_provider) is None
    old_kid = own_provider.current_kid
    own_provider.rotate_main_key()

    header = container.rewrap(old_header, own_provider)

    assert header is not None
    assert len(header) == HEADER_SIZE
    assert Header.from_bytes(header).wrapped.kid == own_provider.current_kid
    for file, kept in ((header + sealed[HEADER_SIZE:], None), (sealed, header), (sealed, None)):
        assert opened(own_provider, file, context=b"system 7", header=kept) == bytes(100_000)
    own_provider.destroy_main_key(old_kid)
    assert opened(own_provider, sealed, context=b"system 7", header=header) == bytes(100_000)
    with pytest.raises(KeyMissing):
        opened(own_provider, sealed, context=b"system 7")
    with pytest.raises(KeyMissing):
        container.rewrap(old_header, own_provider)


def test_rewrapping_checks_what_it_wraps(own_provider: FileKeyProvider) -> None:
    """A damaged header is not made good by a rotation."""
    header = bytearray(seal(own_provider, b"evidence")[:HEADER_SIZE])
    header[100] ^= 1
    own_provider.rotate_main_key()

    with pytest.raises(DamagedContainer):
        container.rewrap(bytes(header), own_provider)


def test_header_of_another_file_does_not_fit(provider: FileKeyProvider) -> None:
    """A kept header opens only the file it was made for."""
    first, second = seal(provider, b"first"), seal(provider, b"second")

    with pytest.raises(DamagedContainer):
        opened(provider, first, header=second[:HEADER_SIZE])


def test_key_commitment_is_checked(provider: FileKeyProvider) -> None:
    """A header that names another data key, wrapped by a holder of the main key, is refused before any chunk."""
    sealed = seal(provider, b"evidence")
    header = Header.from_bytes(sealed[:HEADER_SIZE])
    bare = replace(header, wrapped=Wrapped(header.wrapped.kid, b""))
    for other_key in (bytes(16), bytes(32)):
        wrapped = provider.wrap(Purpose.EVIDENCE_WRAP, other_key, aad=bare.wrap_aad)
        forged = replace(header, wrapped=wrapped).to_bytes()

        with pytest.raises(DamagedContainer, match="key"):
            container.open_stream(io.BytesIO(forged + sealed[HEADER_SIZE:]), provider)


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [(0, 0x6D, "not a sealed container"), (6, 2, "version 2"), (7, 2, "algorithm 2"), (11, 1, "chunk size")],
)
def test_unknown_kinds_are_named(provider: FileKeyProvider, at: int, value: int, words: str) -> None:
    """Another magic, version, algorithm or chunk size is "unknown", not "damaged"."""
    sealed = bytearray(seal(provider, b"evidence"))
    sealed[at] = value

    with pytest.raises(UnsupportedContainer, match=words):
        opened(provider, bytes(sealed))


def test_long_keys_do_not_fit_in_silence() -> None:
    """A key id or wrapped key that is too long for its field is refused when written."""
    for wrapped in (Wrapped("k" * 32, b""), Wrapped("k", bytes(155))):
        with pytest.raises(InvalidParameter):
            Header(CHUNK_SIZE, FILE_ID, bytes(7), wrapped, bytes(32)).to_bytes()


def test_layout_is_frozen() -> None:
    """The bytes stand where the documentation says, for ever."""
    header = Header(CHUNK_SIZE, FILE_ID, b"prefix7", Wrapped("1-abc", b"wrapped"), b"c" * 32)

    data = header.to_bytes()

    assert data == (
        b"MLPSEV\x01\x01\x00\x01\x00\x00"
        + (b"\x051-abc").ljust(32, b"\0")
        + FILE_ID
        + b"prefix7\0"
        + (b"\x00\x07wrapped").ljust(156, b"\0")
        + b"c" * 32
    )
    assert Header.from_bytes(data) == header
    assert container.read_header(io.BytesIO(data + b"more")) == header


def test_failing_reader_is_not_hidden(provider: FileKeyProvider) -> None:
    """An error of the source while sealing is the caller's to see."""

    class Broken:
        def read(self, size: int, /) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        container.seal(Broken(), io.BytesIO(), provider, file_id=FILE_ID)
