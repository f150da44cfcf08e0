"""Where the document fonts lie and which characters they can draw.

The fonts come from an installed package, never from the machine: the same report looks the same everywhere.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

import manimgx_fonts_cjk
import typst

from reports.text import with_breaks

#: Family used for Chinese and Latin alike.
FAMILY = "Noto Sans CJK SC"
_FILE = "NotoSansCJK-VF.otf.ttc"
#: Up to here the typesetter's own fonts help out: Latin, Greek, Cyrillic, Hebrew, Arabic.
_FALLBACK_END = 0x0700


def font_folder() -> Path:
    """Give the folder with the font file."""
    return Path(manimgx_fonts_cjk.__file__).parent


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """Give the typesetter's fonts: ours and its own, none of the machine; loaded once, as the file is large."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(font_folder())]
    )


@lru_cache(maxsize=1)
def _covered() -> tuple[tuple[int, int], ...]:
    """Read the character ranges of the font: its ``cmap`` table, sub-table format 12."""
    data = (font_folder() / _FILE).read_bytes()
    (font_at,) = struct.unpack_from(">I", data, 12)
    (tables,) = struct.unpack_from(">H", data, font_at + 4)
    for number in range(tables):
        tag, _sum, table_at, _length = struct.unpack_from(">4sIII", data, font_at + 12 + 16 * number)
        if tag == b"cmap":
            return _read_cmap(data, table_at)
    raise ValueError(f"{_FILE} has no cmap table")


def _read_cmap(data: bytes, table_at: int) -> tuple[tuple[int, int], ...]:
    (count,) = struct.unpack_from(">H", data, table_at + 2)
    for number in range(count):
        _platform, _encoding, offset = struct.unpack_from(">HHI", data, table_at + 4 + 8 * number)
        at = table_at + offset
        if struct.unpack_from(">H", data, at)[0] != 12:
            continue
        (groups,) = struct.unpack_from(">I", data, at + 12)
        return tuple(struct.unpack_from(">II", data, at + 16 + 12 * each) for each in range(groups))
    raise ValueError(f"{_FILE} has no cmap of format 12")


@lru_cache(maxsize=8192)
def can_draw(char: str) -> bool:
    """Say whether a document shows this character, rather than an empty box."""
    code = ord(char)
    if code < _FALLBACK_END or char == "\u200b":
        return True
    ranges = _covered()
    low, high = 0, len(ranges)
    while low < high:
        middle = (low + high) // 2
        if ranges[middle][1] < code:
            low = middle + 1
        else:
            high = middle
    return low < len(ranges) and ranges[low][0] <= code


def spell_out(text: str) -> str:
    """Write characters without a glyph by their number, such as ``[U+1F600]``, so that they are not lost."""
    if text.isascii():
        return text
    text = text.replace("\N{REPLACEMENT CHARACTER}", "\N{WHITE SQUARE}")
    return "".join(char if can_draw(char) else f"[U+{ord(char):04X}]" for char in text)


def printable(value: Any) -> Any:
    """Make every string of plain data break and show, however long or odd its characters are."""
    if isinstance(value, str):
        return with_breaks(spell_out(value))
    if isinstance(value, dict):
        return {key: printable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [printable(each) for each in value]
    return value
