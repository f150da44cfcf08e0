"""Makes archives that are the same every time: fixed dates, fixed order of members, fixed attributes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o644 << 16


def pack(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Write members in the given order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _REGULAR_FILE
            info.create_system = 3
            archive.writestr(info, content)
    return buffer.getvalue()


def without_dates(content: bytes) -> bytes:
    """Write an archive again in its own order, without the dates of its members."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return pack((name, archive.read(name)) for name in archive.namelist())
