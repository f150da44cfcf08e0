"""A document as a sequence of blocks, so that Word and PDF show the same words in the same order.

A renderer draws blocks and knows nothing of what they are about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Block", "Box", "Bullets", "Document", "Fact", "Heading", "Paragraph", "State", "Table", "Turn"]


@dataclass(frozen=True, slots=True)
class State:
    """A verdict or ``not_examined`` in a cell: its key in ``reports.terms.STATE_LOOKS`` and its word."""

    key: str
    words: str


Cell = str | State


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
    """``widths`` are shares of the line; an empty one prints ``nothing``."""

    caption: str
    heads: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]
    nothing: str
    # Columns of numbers, aligned to the right.
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """From here on pages stand upright or lie."""

    wide: bool


Block = Heading | Paragraph | Bullets | Table | Turn


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
    blocks: Sequence[Block] = field(default_factory=tuple)
