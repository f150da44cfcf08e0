"""A document as a sequence of blocks, so that Word and PDF show the same words in the same order.

A renderer draws blocks and knows nothing of what they are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

__all__ = [
    "Block",
    "Box",
    "Bullets",
    "Chart",
    "Document",
    "Fact",
    "Heading",
    "Paragraph",
    "State",
    "Table",
    "Turn",
]


@dataclass(frozen=True, slots=True)
class State:
    """A verdict, ``not_examined`` or a severity in a cell: its key in ``reports.terms.CELL_LOOKS`` and its word."""

    key: str
    words: str


# A number stays one in a workbook; None is an empty cell there and a dash on paper.
Cell = str | int | Decimal | State | None


@dataclass(frozen=True, slots=True)
class Heading:
    """Level 1 is a chapter; annexes and what stands before the first chapter have no number."""

    level: int
    words: str
    numbered: bool = True


@dataclass(frozen=True, slots=True)
class Paragraph:
    words: str
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """``widths`` are shares of the line; an empty one prints ``nothing``.

    ``sheet`` names its page in a workbook, "" for none; with ``sheet_only`` it is too long for paper.
    """

    caption: str
    heads: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]
    nothing: str
    # Columns of numbers, aligned to the right.
    numbers: tuple[int, ...] = ()
    sheet: str = ""
    sheet_only: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A standalone drawing of ``reports.charts``; ``share`` of the line is its width."""

    caption: str
    svg: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """From here on pages stand upright or lie."""

    wide: bool


Block = Heading | Paragraph | Bullets | Table | Chart | Turn


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Box:
    """A framed note on the cover; ``alarm`` prints it in red."""

    title: str
    words: str
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. ``draft`` is the word that heads it (草稿), "" for none."""

    title: str
    subtitle: str
    number: str
    language: str
    head: str
    marking: str
    draft: str
    cover: tuple[Fact, ...]
    boxes: tuple[Box, ...]
    contents: str
    table_word: str
    page_of: str
    # Name of a workbook's first sheet.
    cover_sheet: str = "-"
    blocks: Sequence[Block] = field(default_factory=tuple)


def on_paper(cell: Cell) -> str | State:
    """A cell as a document prints it."""
    if isinstance(cell, str | State):
        return cell
    return "—" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)
