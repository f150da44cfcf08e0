"""Makes any string safe to show, and formats figures, sizes and times the same way in every format.

Escaping for a format (XML, typst, a spreadsheet) is that renderer's work; here only what no format can show
is replaced, so that hidden or reordering characters become visible instead of acting.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Longest string any document shows; longer ones end in an ellipsis.
MAX_CHARACTERS = 20_000

_BIDI_CONTROLS = {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)
}


def clean(text: str, *, keep_newlines: bool = True, limit: int = MAX_CHARACTERS) -> str:
    """Replace what cannot be printed: controls, lone surrogates, non-characters, bidi controls.

    Tabs become spaces; line ends become ``\\n`` or, without *keep_newlines*, spaces.
    Right-to-left letters stay, only the invisible characters that reorder their neighbours go.
    """
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    if not keep_newlines:
        text = text.replace("\n", " ")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    return "".join(REPLACEMENT if _is_unprintable(each) else each for each in text)


def _is_unprintable(char: str) -> bool:
    if char == "\n" or " " <= char < "\x7f":
        return False
    code = ord(char)
    return (
        unicodedata.category(char) in ("Cc", "Cs")
        or char in _BIDI_CONTROLS
        or (code & 0xFFFE) == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
    )


#: First characters that make a spreadsheet take a text for a formula; the wide forms are what an input
#: method for Chinese types, and some programs turn them into the narrow ones.
_FORMULA_LEADS = "=+-@＝＋－＠"


def neutral(text: str) -> str:
    """Clean *text* for a spreadsheet or CSV cell; a formula lead gets an apostrophe in front and stays text."""
    cleaned = clean(text)
    return f"'{cleaned}" if cleaned.lstrip()[:1] and cleaned.lstrip()[0] in _FORMULA_LEADS else cleaned


def width_em(text: str) -> float:
    """Estimate how wide *text* runs in a sans-serif font, in em; errs a little to the wide side."""
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WFA":
        return 1.0
    if char in "mwMW@%—":
        return 0.92
    if char in "iljtfrI.,:;'|!()[] ":
        return 0.36
    return 0.68 if char.isupper() else 0.58


def shorten(text: str, max_em: float) -> str:
    """Cut *text* with an ellipsis so that it is at most *max_em* wide."""
    if width_em(text) <= max_em:
        return text
    kept: list[str] = []
    room = max_em - 1.0
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"


def wrap(text: str, max_em: float, max_lines: int) -> list[str]:
    """Break *text* into at most *max_lines* lines of *max_em*; at spaces where there are some."""
    lines: list[str] = []
    rest = text.strip()
    while rest and len(lines) < max_lines:
        if len(lines) == max_lines - 1 or width_em(rest) <= max_em:
            lines.append(shorten(rest, max_em))
            break
        cut = _break_at(rest, max_em)
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return lines


def _break_at(text: str, max_em: float) -> int:
    used = 0.0
    last_space = 0
    for position, char in enumerate(text):
        if char == " ":
            last_space = position
        used += _char_width(char)
        if used > max_em:
            return last_space or max(position, 1)
    return len(text)


def percent_text(value: Decimal | None) -> str:
    """Print a percentage, ``—`` where there is none."""
    if value is None:
        return "—"
    digits = f"{value:.0f}" if value in (0, 100) else f"{value:.1f}"
    return f"{digits}\N{NO-BREAK SPACE}%"


def size_text(size_bytes: int) -> str:
    """Print a size with binary units."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    size = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} TiB"


def time_text(value: datetime | None, zone: tzinfo) -> str:
    """Print a time to the minute in *zone*, ``—`` where there is none."""
    return "—" if value is None else value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def utc_naive(value: datetime) -> datetime:
    """Give a time the way office formats keep it among their properties: in UTC, without saying so."""
    return value.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def date_text(value: date | None) -> str:
    """Print a date, ``—`` where there is none."""
    return "—" if value is None else value.isoformat()


def safe_file_stem(text: str, limit: int = 60) -> str:
    """Make a file name of any string: letters, digits and ``-_`` of any script, nothing a path could use."""
    kept = "".join(
        char if char.isalnum() or char in "-_" else "-" for char in clean(text, keep_newlines=False)
    )
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.strip("-")[:limit].strip("-") or "report"


def with_breaks(text: str, *, after: int = 20, every: int = 8) -> str:
    """Put zero-width spaces into words too long for a column: digests, addresses, one-word names.

    Args:
        text: Any string; Chinese needs nothing, it breaks anywhere.
        after: Longest word left alone, in characters.
        every: Distance of the breaks.
    """
    if len(text) <= after:
        return text
    out: list[str] = []
    run: list[str] = []
    for char in text:
        if char.isspace() or unicodedata.east_asian_width(char) in "WF":
            out.extend(_broken(run, after, every))
            run.clear()
            out.append(char)
        else:
            run.append(char)
    out.extend(_broken(run, after, every))
    return "".join(out)


def _broken(run: list[str], after: int, every: int) -> list[str]:
    if len(run) <= after:
        return run[:]
    pieces = []
    for place, char in enumerate(run):
        if place and place % every == 0 and not unicodedata.combining(char):
            pieces.append("\N{ZERO WIDTH SPACE}")
        pieces.append(char)
    return pieces
