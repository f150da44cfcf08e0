"""Make text from strangers safe to store and to read.

Banners, certificate names and nmap's output are written by whoever runs the scanned host. The text is
kept, because it is evidence, but nothing in it may move a cursor, turn the reading direction round or
fill a disk. Escaping for HTML is the page's task, not done here.
"""

from __future__ import annotations

import unicodedata

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN_CATEGORIES:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str, limit: int = 256) -> str:
    """Spell control, format and unassigned characters out and cut at *limit* characters.

    >>> printable("ok\\x1b[2J")
    'ok\\\\x1b[2J'
    """
    cut = text[:limit]
    shown = "".join(_shown(character) for character in cut)
    return shown[:limit] + ("…" if len(text) > limit or len(shown) > limit else "")


def printable_bytes(data: bytes, limit: int = 256) -> str:
    """Like :func:`printable` for bytes: UTF-8 where it is UTF-8, ``\\xNN`` where it is not."""
    return printable(data[: limit * 4].decode("utf-8", errors="backslashreplace"), limit)
