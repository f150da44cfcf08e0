"""Where a request may be led to."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_next(target: str | None) -> str:
    """Only a path of our own; anything with a host, a scheme or a second slash leads home."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or not target.isprintable()
    ):
        return "/"
    try:
        return "/" if urlsplit(target).netloc else target
    except ValueError:
        return "/"
