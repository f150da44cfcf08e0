"""Key files: read after their owner and mode were checked, written whole or not at all, overwritten before removal."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from smcrypto.errors import KeyExists, KeyFileUnsafe

_MAX_SIZE = 64 * 1024


def check_mode(path: Path, state: os.stat_result, forbidden: int) -> None:
    """Insist that owner and mode let nobody else at the file or folder.

    Raises:
        KeyFileUnsafe: they do.
    """
    if state.st_uid not in (0, os.geteuid()):
        raise KeyFileUnsafe(str(path), "belongs to another user")
    if state.st_mode & forbidden:
        raise KeyFileUnsafe(str(path), f"mode {stat.S_IMODE(state.st_mode):04o} is wider than allowed")


def read_guarded(path: Path, forbidden: int) -> bytes:
    """Read a secret through one descriptor, after owner, type and mode were checked on that same descriptor.

    Raises:
        KeyFileUnsafe: a link, no regular file, or open to others.
        FileNotFoundError: it is gone.
    """
    try:
        # without blocking, since a pipe in place of the file would never open
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeyFileUnsafe(str(path), f"cannot be opened: {error.strerror}") from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise KeyFileUnsafe(str(path), "not a regular file")
        check_mode(path, state, forbidden)
        return os.read(descriptor, _MAX_SIZE)
    finally:
        os.close(descriptor)


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist, whole or not at all, and on the disk when this returns.

    Raises:
        KeyExists: it exists.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise KeyExists(path.name) from None
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def shred(path: Path) -> None:
    """Overwrite a small file in place, then remove it; on copy-on-write disks only the removal counts.

    It is moved out of sight first, so that nobody reads it half overwritten.
    """
    hidden = path.with_name(f".gone.{secrets.token_hex(4)}")
    path.rename(hidden)
    hidden.chmod(0o600)
    with hidden.open("r+b") as stream:
        size = os.fstat(stream.fileno()).st_size
        stream.write(secrets.token_bytes(size))
        stream.flush()
        os.fsync(stream.fileno())
    hidden.unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
