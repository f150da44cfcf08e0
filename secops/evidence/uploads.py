"""Files that come in piece by piece: begun once, continued at an offset, finished as evidence.

    POST  /evidence/uploads           → token, and how much of this very file is here already
    PATCH /evidence/uploads/<token>   body = the next piece, ``Upload-Offset`` = where it begins
    HEAD  /evidence/uploads/<token>   → ``Upload-Offset``: go on from there

Each piece is sealed on its own before it counts, so nothing lies in clear on the disk, and a piece that was cut off
does not count. A piece that comes twice, or out of turn, is refused with the offset to go on from.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from secops.errors import BadInput, Conflict, NotFound, NotReady, Refused
from secops.evidence.models import EvidenceUpload
from secops.evidence.services import MAX_NAME
from secops.evidence.store import is_full
from secops.objects.models import System
from secops.platform import Platform
from smcrypto import container
from smcrypto.errors import ContainerError, SmCryptoError

PIECE = 4 * 1024 * 1024
"""Bytes of a piece, the last one excepted."""

LIVES = timedelta(hours=24)
MAX_OPEN = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where an upload stands."""

    token: str
    received: int
    size: int


def begin(
    platform: Platform,
    session: Session,
    *,
    system_id: int,
    file_name: str,
    size: int,
    stamp: str,
    actor: str,
    now: datetime,
) -> Place:
    """Begin an upload, or find the unfinished one of the same file by the same person.

    Raises:
        NotFound: no such system in scope.
        BadInput: too large, or no name.
        Refused: too many uploads at once.
        NotReady: the disk has no room for it.
    """
    system = session.scalar(select(System).where(System.id == system_id))
    if system is None:
        raise NotFound
    limit = platform.settings.upload_limit_mb
    if not 0 <= size <= limit * 1024 * 1024:
        raise BadInput(f"文件超过 {limit} MB 的上限。", f"The file is larger than {limit} MB.", "file")
    if not file_name or len(file_name) > MAX_NAME:
        raise BadInput("文件名为 1 到 255 字。", "A file name has 1 to 255 characters.", "file")
    own = select(EvidenceUpload).where(EvidenceUpload.given_by == actor)
    same = own.where(
        EvidenceUpload.system_id == system_id,
        EvidenceUpload.file_name == file_name,
        EvidenceUpload.size == size,
        EvidenceUpload.stamp == stamp,
    )
    row = session.scalars(same.order_by(EvidenceUpload.id.desc()).limit(1)).first()
    if row is None:
        if len(session.scalars(own.limit(MAX_OPEN)).all()) >= MAX_OPEN:
            raise Refused("未完成的上传过多，请先完成或明天再试。", "Too many unfinished uploads.")
        if (
            shutil.disk_usage(platform.settings.home).free
            < 2 * size + platform.settings.free_space_floor_mb * 1024 * 1024
        ):
            raise NotReady("磁盘空间不足，不能开始上传。", "The disk has no room for this upload.")
        row = EvidenceUpload(
            department_id=system.department_id,
            system_id=system_id,
            token=secrets.token_hex(16),
            file_name=file_name,
            stamp=stamp[:40],
            size=size,
            received=0,
            given_by=actor,
            touched_at=now,
        )
        session.add(row)
        session.flush()
    return Place(row.token, row.received, row.size)


def find(session: Session, token: str, actor: str) -> EvidenceUpload:
    """One's own unfinished upload.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    query = select(EvidenceUpload).where(EvidenceUpload.token == token, EvidenceUpload.given_by == actor)
    row = session.scalar(query)
    if row is None:
        raise NotFound
    return row


def mine(session: Session, tokens: list[str], actor: str) -> list[EvidenceUpload]:
    """One's own uploads of these tokens that are still there."""
    query = select(EvidenceUpload).where(
        EvidenceUpload.token.in_(tokens[:MAX_OPEN]), EvidenceUpload.given_by == actor
    )
    return list(session.scalars(query)) if tokens else []


def add_piece(
    platform: Platform, session: Session, row: EvidenceUpload, offset: int, data: bytes, *, now: datetime
) -> Place:
    """Seal one piece and count it.

    Raises:
        Conflict: it does not begin where the last one ended.
        BadInput: it is too long, or empty.
        NotReady: no room, or no keys.
    """
    if offset != row.received:
        raise Conflict
    if not data or len(data) > PIECE or row.received + len(data) > row.size:
        raise BadInput("分片大小不正确。", "The piece has a wrong size.", "file")
    folder = _folder(platform, row.token)
    path, draft = folder / f"{offset:016x}", folder / f"{offset:016x}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(draft, "xb") as file:
            container.seal(
                _Bytes(data),
                file,
                platform.keys,
                file_id=secrets.token_bytes(16),
                context=_context(row, offset),
            )
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        if is_full(error):
            raise NotReady("磁盘空间不足，上传暂停。", "The disk is full; the upload waits.") from error
        raise
    except SmCryptoError as error:
        draft.unlink(missing_ok=True)
        raise NotReady("平台的密钥不可用。", "The platform's keys are not available.") from error
    moved = session.execute(
        update(EvidenceUpload)
        .where(EvidenceUpload.id == row.id, EvidenceUpload.received == offset)
        .values(received=offset + len(data), touched_at=now),
        execution_options={"synchronize_session": False},
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict
    return Place(row.token, offset + len(data), row.size)


def open_whole(platform: Platform, row: EvidenceUpload) -> Whole:
    """The whole file as one stream.

    Raises:
        Refused: it is not whole yet.
    """
    if row.received != row.size:
        raise Refused("文件尚未传完。", "The file is not whole yet.")
    return Whole(platform, row)


class Whole:
    """All pieces one after the other, each checked before a byte of it is given out."""

    def __init__(self, platform: Platform, row: EvidenceUpload) -> None:
        self._pieces = self._read(platform, row)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def _read(self, platform: Platform, row: EvidenceUpload) -> Iterator[bytes]:
        offset = 0
        while offset < row.size:
            begun = offset
            try:
                with open(_folder(platform, row.token) / f"{offset:016x}", "rb") as file:
                    for data in container.open_stream(file, platform.keys, context=_context(row, begun)):
                        offset += len(data)
                        yield data
            except (ContainerError, OSError) as error:
                raise BadInput(
                    "已传的分片损坏，请重新选择文件上传。",
                    "A piece that was sent is damaged; choose the file again.",
                    "file",
                ) from error


def drop(platform: Platform, session: Session, row: EvidenceUpload) -> None:
    """Forget an upload, its pieces first."""
    shutil.rmtree(_folder(platform, row.token), ignore_errors=True)
    session.execute(delete(EvidenceUpload).where(EvidenceUpload.id == row.id))


def clean(platform: Platform, *, now: datetime) -> int:
    """Remove uploads that nobody went on with, and folders that no row knows; returns how many."""
    root = platform.settings.home / "uploads"
    with platform.work("upload-cleanup") as session:
        old = session.scalars(select(EvidenceUpload).where(EvidenceUpload.touched_at < now - LIVES)).all()
        for row in old:
            drop(platform, session, row)
        known = set(session.scalars(select(EvidenceUpload.token)))
    # A folder is made after its row was committed, so one without a row is left over.
    strangers = [path for path in root.iterdir() if path.name not in known] if root.is_dir() else []
    for path in strangers:
        shutil.rmtree(path, ignore_errors=True)
    return len(old) + len(strangers)


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def read(self, size: int, /) -> bytes:
        given, self._data = self._data[:size], self._data[size:]
        return bytes(given)


def _folder(platform: Platform, token: str) -> Path:
    return platform.settings.home / "uploads" / token


def _context(row: EvidenceUpload, offset: int) -> bytes:
    return f"upload:{row.token}:{offset}".encode()
