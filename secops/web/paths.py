"""Where a request may be led to, and what is kept of a file name that came with one."""

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


def file_name(given: str | None) -> str:
    """The name without folders and control characters."""
    last = (given or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:255]
