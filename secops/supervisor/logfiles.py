"""Log files of the children: appended to by the child itself, cut by the supervisor."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 10 * 1024 * 1024
KEEP = 5


def open_log(path: Path) -> int:
    """Open *path* for appending, readable by the owner only; the caller closes the descriptor."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def rotate(path: Path, *, max_bytes: int = MAX_BYTES, keep: int = KEEP) -> bool:
    """Move a log that has grown over *max_bytes* to ``.1`` (older ones to ``.2`` …) and begin anew.

    The child keeps its descriptor, so the content is copied and the file emptied; appending makes that safe.
    A line written between the two can be lost, which is why audit events are not kept in these files.
    """
    try:
        if path.stat().st_size <= max_bytes:
            return False
    except FileNotFoundError:
        return False
    for number in range(keep - 1, 0, -1):
        with suppress(FileNotFoundError):
            os.replace(_numbered(path, number), _numbered(path, number + 1))
    shutil.copyfile(path, _numbered(path, 1))
    os.chmod(_numbered(path, 1), 0o600)
    os.truncate(path, 0)
    return True


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def tail(path: Path, lines: int = 3, window: int = 8192) -> str:
    """The last non-empty lines, for a sentence that says why a child died; empty when there is no log."""
    try:
        with open(path, "rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - window))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join(found[-lines:])
