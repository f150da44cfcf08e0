"""Workbooks in which nothing typed by a person is ever a formula, a link or a number, the same bytes every time."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from reports.blocks import Cell, Document, State, Table
from reports.terms import CELL_LOOKS
from reports.text import clean, neutral, utc_naive, width_em
from reports.zipping import without_dates

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: What a cell of a workbook holds at most, less some room.
MAX_CHARACTERS = 32_000
LINE: Mapping[str, Any] = {"border": 1, "border_color": "#CFD6E0", "valign": "top", "text_wrap": True}
_LONGEST_NAME = 31
_BAD_IN_NAMES = str.maketrans(dict.fromkeys("\\/*?:[]'", " "))
# Widths count digits, of which this many make an em; heights are points.
_DIGITS_PER_EM = 1.9
_LINE_DIGITS = 150
_LINE_PT = 16.0
_TALLEST_PT = 400


def open_book(stream: io.BytesIO) -> Any:
    """A workbook under way in memory; strings stay strings."""
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    return xlsxwriter.Workbook(stream, options)


def sheet_name(words: str) -> str:
    """Words as the name of a sheet: what such a name may not hold is a space, and it is short."""
    return clean(words, keep_newlines=False).translate(_BAD_IN_NAMES)[:_LONGEST_NAME].strip() or "-"


@dataclass(frozen=True, slots=True)
class _Looks:
    title: Any
    head: Any
    plain: Any
    bold: Any
    alarm: Any
    tags: Mapping[str, Any]


def workbook_bytes(document: Document, *, author: str, made_at: datetime) -> bytes:
    """The cover as a first sheet, then every table of the document that names its sheet."""
    stream = io.BytesIO()
    book = open_book(stream)
    book.set_properties(
        {
            "title": clean(document.title, keep_newlines=False)[:255],
            "subject": clean(document.subtitle, keep_newlines=False)[:255],
            "author": clean(author, keep_newlines=False)[:255],
            "comments": document.number[:255],
            "created": utc_naive(made_at),
        }
    )
    looks = _Looks(
        title=book.add_format({"bold": True, "font_size": 14}),
        head=book.add_format({"bold": True, "bg_color": "#1F4E79", "font_color": "#FFFFFF", **LINE}),
        plain=book.add_format(dict(LINE)),
        bold=book.add_format({"bold": True, **LINE}),
        alarm=book.add_format({"bold": True, "font_color": "#A33B1F", **LINE}),
        tags={
            key: book.add_format({**LINE, "bg_color": look.tint, "font_color": look.ink})
            for key, look in CELL_LOOKS.items()
        },
    )
    _cover(book, looks, document)
    for block in document.blocks:
        if isinstance(block, Table) and block.sheet:
            _table(book, looks, block)
    book.close()
    return without_dates(stream.getvalue())


def _cover(book: Any, looks: _Looks, document: Document) -> None:
    sheet = book.add_worksheet(sheet_name(document.cover_sheet))
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    sheet.hide_gridlines(2)
    heading = f"{document.draft}　{document.title}" if document.draft else document.title
    sheet.write_string(0, 0, clean(heading, keep_newlines=False)[:255], looks.title)
    sheet.write_string(1, 0, clean(document.subtitle, keep_newlines=False)[:255], looks.title)
    boxes = [(box.title, box.words, looks.alarm if box.alarm else looks.bold) for box in document.boxes]
    facts = [(fact.label, fact.value, looks.bold) for fact in document.cover]
    for row, (label, words, look) in enumerate([*facts, *boxes], start=3):
        sheet.write_string(row, 0, clean(label), look)
        _cell(sheet, looks, row, 1, words)
        sheet.set_row(row, _height([words], [90.0]))
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _height(values: Sequence[Cell], widths: Sequence[float]) -> float:
    """Points that the tallest of these cells takes; programs do not all work it out by themselves."""
    most = 1
    for value, width in zip(values, widths, strict=True):
        words = value.words if isinstance(value, State) else value
        if isinstance(words, str):
            lines = words[:MAX_CHARACTERS].split("\n")
            most = max(most, sum(max(1, math.ceil(width_em(one) * _DIGITS_PER_EM / width)) for one in lines))
    return min(most * _LINE_PT, _TALLEST_PT)


def _table(book: Any, looks: _Looks, block: Table) -> None:
    sheet = book.add_worksheet(sheet_name(block.sheet))
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
    line = max(_LINE_DIGITS, len(block.heads) * 14) / sum(block.widths)
    widths = [
        max(width_em(head) * _DIGITS_PER_EM + 3, width * line)
        for head, width in zip(block.heads, block.widths, strict=True)
    ]
    for column, (head, width) in enumerate(zip(block.heads, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, clean(head, keep_newlines=False), looks.head)
    for number, row in enumerate(block.rows, start=1):
        height = _height(row, widths)
        if height > _LINE_PT:
            sheet.set_row(number, height)
        for column, value in enumerate(row):
            _cell(sheet, looks, number, column, value)
    if not block.rows:
        sheet.write_string(1, 0, neutral(block.nothing), looks.plain)
    sheet.autofilter(0, 0, max(1, len(block.rows)), len(block.heads) - 1)


def _cell(sheet: Any, looks: _Looks, row: int, column: int, value: Cell) -> None:
    if value is None or value == "":
        sheet.write_blank(row, column, None, looks.plain)
    elif isinstance(value, State):
        sheet.write_string(row, column, clean(value.words), looks.tags[value.key])
    elif isinstance(value, str):
        sheet.write_string(row, column, neutral(value)[:MAX_CHARACTERS], looks.plain)
    elif isinstance(value, Decimal):
        sheet.write_number(row, column, float(value), looks.plain)
    else:
        sheet.write_number(row, column, value, looks.plain)
