"""Evidence shown in the browser: text, pictures and PDF that nothing was found in, under a policy that runs nothing."""

from __future__ import annotations

from datetime import datetime

from flask import Response
from sqlalchemy.orm import Session

from secops.errors import NotFound, NotReady
from secops.evidence.models import Evidence
from secops.evidence.services import get_visible, open_for_reading
from secops.evidence.store import VaultError
from secops.platform import Platform
from smcrypto.errors import SmCryptoError

TEXT_LIMIT = 256 * 1024
SIZE_LIMIT = 32 * 1024 * 1024
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif"})
# A sandbox without any "allow" has no script, no form, no origin. The browser's own PDF viewer does not start in one,
# so a PDF goes without the word and still may load nothing.
_SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_PDF = "default-src 'none'; script-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def preview_type(row: Evidence) -> str:
    """``text``, ``picture``, ``pdf``, or "" for what is only downloaded: flagged, not looked at, large, other types."""
    if row.size > SIZE_LIMIT or row.inspection.get("verdict") != "clean":
        return ""
    if row.media_type in _PICTURES:
        return "picture"
    return {"text/plain": "text", "application/pdf": "pdf"}.get(row.media_type, "")


def preview_of(platform: Platform, session: Session, evidence_id: int, *, now: datetime) -> Response:
    """One piece to look at; the reading is on record like a download.

    Raises:
        NotFound: there is none in this scope, or it is only downloaded.
        NotReady: its bytes can't be read.
    """
    kind = preview_type(get_visible(session, evidence_id))
    if not kind:
        raise NotFound
    try:
        evidence, pieces = open_for_reading(platform, session, evidence_id, now=now)
        content = b""
        for piece in pieces:
            content += piece
            if kind == "text" and len(content) > TEXT_LIMIT:
                break
    except (VaultError, SmCryptoError, OSError) as error:
        session.rollback()
        raise NotReady("证据文件现在不能读取。", "The file can't be read now.") from error
    finally:
        close = getattr(locals().get("pieces"), "close", None)
        if close is not None:
            close()
    session.commit()
    if kind == "text":
        response = Response(_as_text(content[:TEXT_LIMIT]), content_type="text/plain; charset=utf-8")
    else:
        response = Response(content, content_type=evidence.media_type)
    response.headers["Content-Security-Policy"] = _PDF if kind == "pdf" else _SANDBOX
    response.headers["Content-Disposition"] = "inline"
    return response


def _as_text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError as error:
            # The cut may have gone through a character.
            if error.start >= len(content) - 4:
                return content[: error.start].decode(encoding)
    return content.decode("utf-8", "replace")
