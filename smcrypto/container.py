"""The sealed container: a file encrypted in chunks, of which no byte is believed before its chunk was checked.

A header of 256 bytes, then chunks of 64 KiB, each SM4-GCM with a nonce made of a random prefix, the number of the chunk
and a mark on the last one: so nothing can be changed, cut, swapped, repeated or moved over from another file. The data
key is random for each file and wrapped by a :class:`~smcrypto.keys.KeyProvider`. GCM alone does not fix the key a file
was made with; the key commitment in the header does. The layout, byte by byte, is in ``docs/evidence-container.md``.

Chunks are bound to the part of the header that does not name the wrapping key, so that rotation rewrites 256 bytes and
not the file. The other part (key id, wrapped key) is authenticated by the wrapping itself.

Memory is constant: one or two chunks, whatever the size.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from smcrypto import sm3, sm4
from smcrypto.errors import DamagedContainer, DecryptionFailed, InvalidParameter, UnsupportedContainer
from smcrypto.keys import KeyProvider, Purpose, Wrapped

MAGIC = b"MLPSEV"
VERSION = 1
ALGORITHM_SM4_GCM = 1
CHUNK_SIZE = 64 * 1024
"""Bytes of plain text in every chunk but the last."""

HEADER_SIZE = 256
FILE_ID_SIZE = 16

_KID_AT, _KID_FIELD = 12, 32
_FILE_ID_AT = 44
_PREFIX_AT, _PREFIX_SIZE = 60, 7
_RESERVED_AT = 67
_WRAPPED_AT, _WRAPPED_FIELD = 68, 156
_COMMITMENT_AT = 224
_MAX_CHUNKS = 2**32
_COMMIT_LABEL = b"commit"


class Readable(Protocol):
    """What a container is read from: a binary stream; short reads are allowed."""

    def read(self, size: int, /) -> bytes:
        """Give up to *size* bytes; nothing at the end."""
        ...


class Writable(Protocol):
    """What a container is written to: a binary stream that takes all it is given."""

    def write(self, data: bytes, /) -> object:
        """Take *data*."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """The first 256 bytes, taken apart. Nothing in it is secret.

    ``file_id`` has 16 bytes, ``prefix`` 7, ``commitment`` 32; ``wrapped`` is the data key under a main key.
    """

    chunk_size: int
    file_id: bytes
    prefix: bytes
    wrapped: Wrapped
    commitment: bytes = b""
    algorithm: int = ALGORITHM_SM4_GCM

    @property
    def core(self) -> bytes:
        """The fields that stay when the data key is wrapped anew."""
        return self._start + self.file_id + self.prefix + b"\0"

    @property
    def wrap_aad(self) -> bytes:
        """What the wrapped data key is bound to: every byte of the header before it."""
        return self._start + self._kid_field + self.file_id + self.prefix + b"\0"

    @property
    def _start(self) -> bytes:
        return MAGIC + bytes((VERSION, self.algorithm)) + self.chunk_size.to_bytes(4, "big")

    @property
    def _kid_field(self) -> bytes:
        return _field(self.wrapped.kid.encode(), 1, _KID_FIELD)

    def to_bytes(self) -> bytes:
        """Write the 256 bytes.

        Raises:
            InvalidParameter: key id or wrapped key too long for their fields.
        """
        return self.wrap_aad + _field(self.wrapped.blob, 2, _WRAPPED_FIELD) + self.commitment

    @classmethod
    def from_bytes(cls, data: bytes) -> Header:
        """Take a header apart; every byte must be one that :meth:`to_bytes` would write.

        Raises:
            UnsupportedContainer: not a container, or one of another version, algorithm or chunk size.
            DamagedContainer: cut short, or a field that nothing writes.
        """
        if data[: len(MAGIC)] != MAGIC:
            raise UnsupportedContainer("not a sealed container")
        if len(data) != HEADER_SIZE:
            raise DamagedContainer("header")
        if data[6] != VERSION:
            raise UnsupportedContainer(f"version {data[6]}")
        if data[7] != ALGORITHM_SM4_GCM:
            raise UnsupportedContainer(f"algorithm {data[7]}")
        if int.from_bytes(data[8:12], "big") != CHUNK_SIZE:
            raise UnsupportedContainer("chunk size")
        try:
            kid = _unfield(data[_KID_AT:_FILE_ID_AT], 1).decode("ascii")
        except UnicodeDecodeError:
            raise DamagedContainer("header") from None
        header = cls(
            CHUNK_SIZE,
            data[_FILE_ID_AT:_PREFIX_AT],
            data[_PREFIX_AT:_RESERVED_AT],
            Wrapped(kid, _unfield(data[_WRAPPED_AT:_COMMITMENT_AT], 2)),
            data[_COMMITMENT_AT:],
        )
        if header.to_bytes() != data:
            raise DamagedContainer("header")
        return header


def _field(content: bytes, width: int, size: int) -> bytes:
    if len(content) > size - width:
        raise InvalidParameter("key id or wrapped key does not fit the header")
    return (len(content).to_bytes(width, "big") + content).ljust(size, b"\0")


def _unfield(field: bytes, width: int) -> bytes:
    size = int.from_bytes(field[:width], "big")
    if size > len(field) - width:
        raise DamagedContainer("header")
    return field[width : width + size]


@dataclass(frozen=True, slots=True)
class SealResult:
    """What was sealed. ``sm3`` (32 bytes) and ``size`` are those of the plain text; ``header`` is worth keeping apart."""

    file_id: bytes
    sm3: bytes
    size: int
    sealed_size: int
    header: bytes


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a container holds, after every chunk was checked."""

    sm3: bytes
    size: int


class _Chunks:
    """Encrypts and decrypts single chunks of one file."""

    __slots__ = ("_aad", "_data_key", "_prefix")

    def __init__(self, data_key: bytes, header: Header, context: bytes) -> None:
        self._data_key = data_key
        self._prefix = header.prefix
        self._aad = sm3.digest(header.core + header.commitment + context)

    def _nonce(self, number: int, is_last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + (b"\1" if is_last else b"\0")

    def seal(self, number: int, plain: bytes, is_last: bool) -> bytes:
        return sm4.gcm_encrypt(self._data_key, self._nonce(number, is_last), plain, self._aad)

    def open(self, number: int, sealed: bytes, is_last: bool) -> bytes:
        try:
            return sm4.gcm_decrypt(self._data_key, self._nonce(number, is_last), sealed, self._aad)
        except DecryptionFailed:
            raise DamagedContainer("chunk", number) from None


def seal(
    reader: Readable,
    writer: Writable,
    provider: KeyProvider,
    *,
    file_id: bytes,
    purpose: Purpose = Purpose.EVIDENCE_WRAP,
    context: bytes = b"",
    max_size: int | None = None,
) -> SealResult:
    """Encrypt a stream to its end.

    Args:
        reader: Plain text.
        writer: Gets header and chunks, in order, from where it stands; never sought.
        provider: Wraps the data key.
        file_id: 16 bytes that name this file and no other.
        purpose: Which purpose key wraps.
        context: What else the file is bound to, such as its owner; the same bytes are needed to open it.
        max_size: Bytes of plain text allowed; None for no limit.

    Raises:
        InvalidParameter: *file_id* has not 16 bytes, or the plain text is longer than *max_size* or 256 TiB.
    """
    data_key = provider.random(sm4.KEY_SIZE)
    header = _new_header(data_key, provider, purpose, file_id)
    chunks = _Chunks(data_key, header, context)
    head = header.to_bytes()
    writer.write(head)
    hasher, size, number, sealed_size = sm3.Hasher(), 0, 0, len(head)
    plain = _read_full(reader, CHUNK_SIZE)
    while True:
        following = _read_full(reader, CHUNK_SIZE) if len(plain) == CHUNK_SIZE else b""
        size += len(plain)
        if number == _MAX_CHUNKS or (max_size is not None and size > max_size):
            raise InvalidParameter("plain text longer than allowed")
        hasher.update(plain)
        block = chunks.seal(number, plain, not following)
        writer.write(block)
        sealed_size += len(block)
        if not following:
            return SealResult(file_id, hasher.digest(), size, sealed_size, head)
        plain, number = following, number + 1


def _new_header(data_key: bytes, provider: KeyProvider, purpose: Purpose, file_id: bytes) -> Header:
    if len(file_id) != FILE_ID_SIZE:
        raise InvalidParameter("file id has not 16 bytes")
    bare = Header(CHUNK_SIZE, file_id, secrets.token_bytes(_PREFIX_SIZE), Wrapped("", b""))
    return _wrap(replace(bare, commitment=_commit(data_key, bare)), data_key, provider, purpose)


def _wrap(header: Header, data_key: bytes, provider: KeyProvider, purpose: Purpose) -> Header:
    """Wrap the data key under the current main key; if another becomes current meanwhile, under that one."""
    while True:
        named = replace(header, wrapped=Wrapped(provider.current_kid, b""))
        wrapped = provider.wrap(purpose, data_key, aad=named.wrap_aad)
        if wrapped.kid == named.wrapped.kid:
            return replace(named, wrapped=wrapped)


def _commit(data_key: bytes, header: Header) -> bytes:
    return sm3.hmac_sm3(data_key, _COMMIT_LABEL + header.core)


def _unwrap(header: Header, provider: KeyProvider, purpose: Purpose) -> bytes:
    try:
        data_key = provider.unwrap(purpose, header.wrapped, aad=header.wrap_aad)
    except DecryptionFailed:
        raise DamagedContainer("key") from None
    if len(data_key) != sm4.KEY_SIZE or not hmac.compare_digest(_commit(data_key, header), header.commitment):
        raise DamagedContainer("key")
    return data_key


def read_header(reader: Readable) -> Header:
    """Read and take apart the header of a container; nothing is decrypted.

    Raises:
        UnsupportedContainer, DamagedContainer: as :meth:`Header.from_bytes`.
    """
    return Header.from_bytes(_read_full(reader, HEADER_SIZE))


def open_stream(
    reader: Readable,
    provider: KeyProvider,
    *,
    file_id: bytes | None = None,
    purpose: Purpose = Purpose.EVIDENCE_WRAP,
    context: bytes = b"",
    header: bytes | None = None,
) -> Iterator[bytes]:
    """Decrypt a container; the header is checked at once, each chunk before it is given out.

    A container cut at the border of a chunk is found only at its end: whoever must not act on a part first runs
    :func:`verify`.

    Args:
        reader: Container from its first byte.
        provider: Unwraps the data key.
        file_id: The file expected; None takes any.
        purpose: As when it was sealed.
        context: As when it was sealed.
        header: Header kept elsewhere, used in place of the one in the file, which is then read past.

    Returns:
        Plain text in pieces of at most 64 KiB; no piece for an empty file.

    Raises:
        UnsupportedContainer: not a container this code knows.
        DamagedContainer: changed, cut or spliced; also while iterating.
        KeyMissing: its main key is not here.
    """
    found = _read_full(reader, HEADER_SIZE)
    parsed = Header.from_bytes(found if header is None else header)
    if file_id is not None and not hmac.compare_digest(parsed.file_id, file_id):
        raise DamagedContainer("header")
    chunks = _Chunks(_unwrap(parsed, provider, purpose), parsed, context)
    return _open_chunks(reader, chunks)


def _open_chunks(reader: Readable, chunks: _Chunks) -> Iterator[bytes]:
    sealed_size = CHUNK_SIZE + sm4.TAG_SIZE
    number, sealed = 0, _read_full(reader, sealed_size)
    while True:
        following = _read_full(reader, sealed_size) if len(sealed) == sealed_size else b""
        plain = chunks.open(number, sealed, not following)
        if plain:
            yield plain
        elif number:
            # nothing writes an empty chunk after a full one
            raise DamagedContainer("chunk", number)
        if not following:
            return
        sealed, number = following, number + 1


def verify(
    reader: Readable,
    provider: KeyProvider,
    *,
    file_id: bytes | None = None,
    purpose: Purpose = Purpose.EVIDENCE_WRAP,
    context: bytes = b"",
    header: bytes | None = None,
) -> VerifyResult:
    """Check a whole container without giving out any of it.

    Raises:
        As :func:`open_stream`.
    """
    hasher, size = sm3.Hasher(), 0
    for piece in open_stream(
        reader, provider, file_id=file_id, purpose=purpose, context=context, header=header
    ):
        hasher.update(piece)
        size += len(piece)
    return VerifyResult(hasher.digest(), size)


def rewrap(header: bytes, provider: KeyProvider, *, purpose: Purpose = Purpose.EVIDENCE_WRAP) -> bytes | None:
    """Wrap the data key under the current main key; the chunks stay as they are.

    Returns:
        The new header, or None when it is under the current key already.

    Raises:
        As :func:`open_stream`.
    """
    parsed = Header.from_bytes(header)
    if parsed.wrapped.kid == provider.current_kid:
        return None
    return _wrap(parsed, _unwrap(parsed, provider, purpose), provider, purpose).to_bytes()


def sealed_size_of(size: int) -> int:
    """Bytes of the container for *size* bytes of plain text."""
    chunk_count = max(1, -(-size // CHUNK_SIZE))
    return HEADER_SIZE + size + chunk_count * sm4.TAG_SIZE


def _read_full(reader: Readable, size: int) -> bytes:
    """Read exactly *size* bytes, fewer only at the end."""
    data = reader.read(size)
    if not data or len(data) == size:
        return data
    parts = [data]
    missing = size - len(data)
    while missing and (data := reader.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)
