"""A file out of the vault as an attachment: the reading is on record before the first byte leaves."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote

from flask import Response
from sqlalchemy.orm import Session

from secops.errors import NotReady
from secops.evidence.services import open_for_reading
from secops.evidence.store import VaultError
from secops.platform import Platform
from smcrypto.errors import SmCryptoError

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def disposition(name: str) -> str:
    """``Content-Disposition`` of an attachment: an ASCII name for old clients and the real one in UTF-8.

    Source: RFC 6266, 4.1 and 4.3; RFC 8187, 3.2.
    """
    plain = _UNSAFE.sub("_", name).strip("._") or "evidence"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def attachment(platform: Platform, session: Session, evidence_id: int, *, now: datetime) -> Response:
    """Stream one piece of evidence; commits the event first.

    Raises:
        NotFound: there is none in this scope.
        NotReady: its bytes are missing or damaged, or their key is not here.
    """
    try:
        evidence, pieces = open_for_reading(platform, session, evidence_id, now=now)
    except (VaultError, SmCryptoError, OSError) as error:
        session.rollback()
        raise NotReady(
            "证据文件现在不能读取（缺失、损坏或密钥不在）。请系统管理员运行 secops doctor。",
            "The file can't be read now: missing, damaged, or its key is not here. An administrator can run: secops doctor",
        ) from error
    session.commit()
    response = Response(pieces, content_type=evidence.media_type or "application/octet-stream")
    response.headers["Content-Disposition"] = disposition(evidence.file_name)
    response.headers["Content-Length"] = str(evidence.size)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    close = getattr(pieces, "close", None)
    if close is not None:
        response.call_on_close(close)
    return response
