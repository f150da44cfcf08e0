"""Where sealed blobs lie: a small interface, and a local folder behind it.

Knows nothing of encryption, rows or people: ids in, bytes in and out. A blob is *staged* while it is written and
*published* when it has its final name. Ids are made here or checked here, so that no name from outside becomes a path.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

_ID_RE = re.compile(r"[0-9a-f]{32}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class VaultError(Exception):
    """Base of the errors of vault and store.

    ::

        VaultError
        ├── InvalidBlobId       not an id that the store makes
        ├── BlobMissing         no bytes under this id
        ├── StoreUnsafe         the folder is open to others, or not ours
        ├── NotEnoughSpace      the disk is full, or would fall below its floor
        └── UploadTooLarge      more bytes than allowed
    """


class InvalidBlobId(VaultError, ValueError):
    """The text is not an id that the store makes; it was not used as a path."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text[:80]!r} is not a blob id"


class BlobMissing(VaultError):
    """No bytes lie under this id."""

    def __init__(self, blob_id: str) -> None:
        super().__init__(blob_id)
        self.blob_id = blob_id

    def __str__(self) -> str:
        return f"blob {self.blob_id} is missing"


class StoreUnsafe(VaultError):
    """The folder of the store cannot be used as it is."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class NotEnoughSpace(VaultError):
    """The disk is full or would fall below its floor; nothing was kept. All three in bytes, ``free`` as seen then."""

    def __init__(self, free: int, floor: int, needed: int) -> None:
        super().__init__(free, floor, needed)
        self.free = free
        self.floor = floor
        self.needed = needed

    def __str__(self) -> str:
        return f"not enough space: {self.free} bytes free, {self.floor} to be kept free, {self.needed} needed"


class UploadTooLarge(VaultError):
    """The stream is longer than ``limit`` bytes; nothing was kept."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"longer than {self.limit} bytes"


@dataclass(frozen=True, slots=True)
class Space:
    """Room on the disk, in bytes; ``free`` is what an ordinary user may still use."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class BlobRef:
    """What a row knows about its blob.

    ``size`` and ``sm3`` (64 hexadecimal digits) are those of the plain text. ``header`` is the row's copy of the
    container header, where rows keep one: it then counts before the one in the file. ``context`` is what the container
    was bound to when it was sealed.
    """

    blob_id: str
    size: int
    sm3: str
    header: bytes | None = None
    context: bytes = b""


class StagedFile(Protocol):
    """A blob that is being written. While it is open, recovery leaves it alone, published or not."""

    def write(self, data: bytes, /) -> object:
        """Append *data*."""
        ...

    def finish(self) -> None:
        """Put everything written on the disk."""
        ...

    def close(self) -> None:
        """Let go; may be called twice."""
        ...


class BlobStore(Protocol):
    """Keeps blobs by id."""

    def new_id(self) -> str:
        """Make an id that was never used."""
        ...

    def stage(self, blob_id: str) -> StagedFile:
        """Begin a blob."""
        ...

    def publish(self, blob_id: str) -> None:
        """Give a staged blob its final name, durably; does nothing when it has it already."""
        ...

    def discard(self, blob_id: str) -> None:
        """Remove a staged blob; does nothing when there is none."""
        ...

    def open(self, blob_id: str) -> BinaryIO:
        """Open a published blob for reading."""
        ...

    def size(self, blob_id: str) -> int | None:
        """Bytes of a published blob; None when there is none."""
        ...

    def is_staged(self, blob_id: str) -> bool:
        """Whether a staged blob of this id exists."""
        ...

    def is_held(self, blob_id: str) -> bool:
        """Whether somebody has the :class:`StagedFile` open at this moment."""
        ...

    def overwrite_start(self, blob_id: str, data: bytes) -> None:
        """Replace the first bytes of a published blob, durably."""
        ...

    def remove(self, blob_id: str) -> None:
        """Remove a published blob, durably; does nothing when there is none."""
        ...

    def quarantine(self, blob_id: str) -> None:
        """Move a published blob out of the way for a person to look at; never removes it."""
        ...

    def published(self) -> Iterator[tuple[str, int]]:
        """List published blobs with their sizes, in no order."""
        ...

    def staged(self) -> Iterator[str]:
        """List staged blobs, in no order."""
        ...

    def space(self) -> Space:
        """Tell the room left."""
        ...


class _LockedFile:
    """A staged file under an advisory lock, which the kernel drops when its writer dies."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._stream = os.fdopen(descriptor, "wb", buffering=0)
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def write(self, data: bytes, /) -> None:
        """Append *data*, whole."""
        view = memoryview(data)
        while view:
            view = view[self._stream.write(view) :]

    def finish(self) -> None:
        """Put everything written on the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close and unlock."""
        self._stream.close()

    def __enter__(self) -> _LockedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FolderStore:
    """Blobs as files: ``objects/ab/cd/ID`` published, ``staging/ID`` on the way, ``quarantine/ID`` set aside.

    The folders have mode 0700, the files 0600. All of them must be on one file system.

    Raises:
        StoreUnsafe: *root* belongs to another user or lets others in.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._objects = root / "objects"
        self._staging = root / "staging"
        self._quarantine = root / "quarantine"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = root.stat()
        if state.st_uid != os.geteuid():
            raise StoreUnsafe(str(root), "belongs to another user")
        if state.st_mode & 0o077:
            raise StoreUnsafe(str(root), f"mode {state.st_mode & 0o777:04o} lets others in; 0700 is needed")
        for folder in (self._objects, self._staging, self._quarantine):
            folder.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(root)

    def new_id(self) -> str:
        """Make an id: 32 hexadecimal digits from the operating system's generator."""
        return secrets.token_hex(16)

    def stage(self, blob_id: str) -> _LockedFile:
        """Begin a blob, under a lock until it is closed."""
        return _LockedFile(self._staged_path(blob_id))

    def publish(self, blob_id: str) -> None:
        """Rename into place; file, both folder levels and the old folder are on the disk when this returns.

        Raises:
            BlobMissing: neither staged nor published.
        """
        source, target = self._staged_path(blob_id), self._path(blob_id)
        self._make_levels(target.parent)
        try:
            source.rename(target)
        except FileNotFoundError:
            if target.exists():
                return
            raise BlobMissing(blob_id) from None
        _sync_folder(target.parent)
        _sync_folder(self._staging)

    def _make_levels(self, folder: Path) -> None:
        for level in (folder.parent, folder):
            try:
                level.mkdir(mode=0o700)
            except FileExistsError:
                continue
            _sync_folder(level.parent)

    def discard(self, blob_id: str) -> None:
        """Remove a staged blob."""
        self._staged_path(blob_id).unlink(missing_ok=True)

    def open(self, blob_id: str) -> BinaryIO:
        """Open a published blob, buffered.

        Raises:
            BlobMissing: there is none.
        """
        try:
            return self._path(blob_id).open("rb")
        except FileNotFoundError:
            raise BlobMissing(blob_id) from None

    def size(self, blob_id: str) -> int | None:
        """Bytes of a published blob; None when there is none."""
        try:
            return self._path(blob_id).stat().st_size
        except FileNotFoundError:
            return None

    def is_staged(self, blob_id: str) -> bool:
        """Whether a staged blob exists."""
        return self._staged_path(blob_id).exists()

    def is_held(self, blob_id: str) -> bool:
        """Ask for the writer's lock without waiting; whoever is refused knows that the writer lives."""
        for path in (self._staged_path(blob_id), self._path(blob_id)):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)
        return False

    def overwrite_start(self, blob_id: str, data: bytes) -> None:
        """Replace the first bytes in place.

        Raises:
            BlobMissing: there is none.
        """
        try:
            descriptor = os.open(self._path(blob_id), os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BlobMissing(blob_id) from None
        try:
            written = os.pwrite(descriptor, data, 0)
            if written != len(data):
                raise OSError(errno.EIO, "short write", str(self._path(blob_id)))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, blob_id: str) -> None:
        """Remove a published blob."""
        path = self._path(blob_id)
        try:
            path.unlink()
        except FileNotFoundError:
            return
        _sync_folder(path.parent)

    def quarantine(self, blob_id: str) -> None:
        """Move a published blob to ``quarantine/``.

        Raises:
            BlobMissing: there is none.
        """
        path = self._path(blob_id)
        try:
            path.rename(self._quarantine / blob_id)
        except FileNotFoundError:
            raise BlobMissing(blob_id) from None
        _sync_folder(self._quarantine)
        _sync_folder(path.parent)

    def published(self) -> Iterator[tuple[str, int]]:
        """Walk the two levels; names that are no ids are passed over."""
        for first in _folders(self._objects):
            for second in _folders(first):
                for entry in os.scandir(second):
                    if _ID_RE.fullmatch(entry.name):
                        try:
                            yield entry.name, entry.stat(follow_symlinks=False).st_size
                        except FileNotFoundError:
                            continue

    def staged(self) -> Iterator[str]:
        """List the staging folder."""
        return (entry.name for entry in os.scandir(self._staging) if _ID_RE.fullmatch(entry.name))

    def space(self) -> Space:
        """Ask the file system."""
        state = os.statvfs(self._root)
        return Space(state.f_bavail * state.f_frsize, state.f_blocks * state.f_frsize)

    def _path(self, blob_id: str) -> Path:
        _check_id(blob_id)
        return self._objects / blob_id[:2] / blob_id[2:4] / blob_id

    def _staged_path(self, blob_id: str) -> Path:
        _check_id(blob_id)
        return self._staging / blob_id


def is_full(error: OSError) -> bool:
    """Whether the operating system refused for want of room or quota."""
    return error.errno in _FULL


def _check_id(blob_id: str) -> None:
    if not _ID_RE.fullmatch(blob_id):
        raise InvalidBlobId(blob_id)


def _folders(parent: Path) -> list[Path]:
    with os.scandir(parent) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
