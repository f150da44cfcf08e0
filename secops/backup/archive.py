"""One sealed file with many members: a tape archive inside a container under a passphrase. Pure.

The last member, ``sums.json``, holds the SM3 digest of every other; a reader that met it and compared has seen the
whole archive. Members are streamed both ways, in constant memory.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from smcrypto import passphrase, sm3
from smcrypto.errors import SmCryptoError

SUMS = "sums.json"
_PIECE = 256 * 1024
_BLOCK = 512


class BadArchive(ValueError):
    """The file is not a whole archive of ours; ``reason`` says what was met."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Member:
    """One file to pack: its size is fixed before its bytes are read."""

    name: str
    size: int
    pieces: Callable[[], Iterator[bytes]]

    @classmethod
    def of_bytes(cls, name: str, content: bytes) -> Member:
        return cls(name, len(content), lambda: iter([content] if content else []))

    @classmethod
    def of_file(cls, name: str, path: Path) -> Member:
        return cls(name, path.stat().st_size, lambda: _file_pieces(path))


def _file_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


class Pieces:
    """An iterator of pieces as something to read from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            raise ValueError("a stream is read by size")
        parts, have = [self._rest], len(self._rest)
        while have < size and (piece := next(self._pieces, b"")):
            parts.append(piece)
            have += len(piece)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def write(file: BinaryIO, members: Iterable[Member], secret: bytes) -> dict[str, str]:
    """Pack and seal; returns the digest of each member."""
    sums: dict[str, str] = {}
    passphrase.seal(Pieces(_packed(members, sums)), file, secret)
    return sums


def _packed(members: Iterable[Member], sums: dict[str, str]) -> Iterator[bytes]:
    for member in members:
        yield from _one(member, sums)
    yield from _one(Member.of_bytes(SUMS, json.dumps(sums).encode()), {})
    yield b"\0" * (2 * _BLOCK)


def _one(member: Member, sums: dict[str, str]) -> Iterator[bytes]:
    info = tarfile.TarInfo(member.name)
    info.size, info.mode = member.size, 0o600
    yield info.tobuf(tarfile.PAX_FORMAT)
    hasher, size = sm3.Hasher(), 0
    for piece in member.pieces():
        size += len(piece)
        if size > member.size:
            raise BadArchive(f"{member.name} grew while it was read")
        hasher.update(piece)
        yield piece
    if size != member.size:
        raise BadArchive(f"{member.name} shrank while it was read")
    sums[member.name] = hasher.digest().hex()
    if size % _BLOCK:
        yield b"\0" * (_BLOCK - size % _BLOCK)


def read(file: BinaryIO, secret: bytes, take: Callable[[str, Iterator[bytes]], None]) -> dict[str, str]:
    """Unseal and give each member to *take*, which must read it to its end; returns the digests.

    Nothing may be believed before this returns: only then were all digests compared.

    Raises:
        BadArchive: damaged, cut, another passphrase, or no archive of ours.
    """
    sums: dict[str, str] = {}
    told: dict[str, str] | None = None
    try:
        stream = Pieces(passphrase.open_stream(file, secret))
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_PIECE) as archive:  # type: ignore[call-overload]
            for info in archive:
                content = archive.extractfile(info)
                if content is None or told is not None:
                    raise BadArchive(f"unexpected member {info.name}")
                if info.name == SUMS:
                    told = json.loads(content.read())
                    continue
                hasher = sm3.Hasher()
                take(info.name, _hashed(content, hasher))
                sums[info.name] = hasher.digest().hex()
        while stream.read(_PIECE):
            pass
    except (SmCryptoError, tarfile.TarError, ValueError, EOFError) as error:
        raise (
            error if isinstance(error, BadArchive) else BadArchive(str(error) or type(error).__name__)
        ) from error
    if told is None or told != sums:
        raise BadArchive("members are missing or changed")
    return sums


def _hashed(content: IO[bytes], hasher: sm3.Hasher) -> Iterator[bytes]:
    while piece := content.read(_PIECE):
        hasher.update(piece)
        yield piece


def skip(name: str, pieces: Iterator[bytes]) -> None:
    """Read a member and keep nothing."""
    for _ in pieces:
        pass
