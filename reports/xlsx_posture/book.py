"""A workbook under way: its formats, and sheets that are written row by row from top to bottom.

Rows go to disk as they come, so a sheet of any length takes the same memory. Every string passes
:func:`reports.text.neutral`; nothing is ever taken for a formula, a link or a number by its looks.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

import xlsxwriter

from reports.read_model import STATES, Language, Severity
from reports.terms import SEVERITY_LOOKS, SEVERITY_NAMES, STATE_LOOKS, STATE_NAMES
from reports.text import clean, neutral, wrap

_A4 = 9
_BRAND = "#1f4e79"
_RULE = "#c9d1dd"
_WASH = "#eef3f8"
#: Excel's own limits.
MAX_CELL = 32_767
MAX_COLUMNS = 16_384


@dataclass(frozen=True, slots=True)
class Percent:
    """A percentage 0–100 that goes into its cell as a number."""

    value: Decimal | None


class Book:
    """Formats and sheets of one workbook."""

    def __init__(self, language: Language, zone: tzinfo, properties: dict[str, Any]) -> None:
        self.language = language
        self.zone = zone
        self._buffer = io.BytesIO()
        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
        }
        self.workbook = xlsxwriter.Workbook(self._buffer, options)
        self.workbook.set_properties(properties)
        self._font = "微软雅黑" if language is Language.ZH else "Calibri"
        self.title = self.format(bold=True, font_size=18, font_color=_BRAND)
        self.alarm = self.format(
            bold=True, font_color=STATE_LOOKS["non_compliant"].ink, text_wrap=True, valign="top"
        )
        self.section = self.format(bold=True, font_size=13, font_color=_BRAND)
        self.label = self.format(bold=True, bg_color=_WASH, border=1, border_color=_RULE, valign="top")
        self.head = self.format(
            bold=True,
            bg_color=_BRAND,
            font_color="#ffffff",
            border=1,
            border_color=_RULE,
            text_wrap=True,
            valign="vcenter",
        )
        edge = {"border": 1, "border_color": _RULE, "valign": "top"}
        self.text = self.format(text_wrap=True, **edge)
        self.number = self.format(num_format="#,##0", **edge)
        self.percent = self.format(num_format="0.0%", **edge)
        self.date = self.format(num_format="yyyy-mm-dd", **edge)
        self.time = self.format(num_format="yyyy-mm-dd hh:mm", **edge)
        self.mono = self.format(**{**edge, "font_name": "Consolas"})
        self.states = [self._tinted(STATE_NAMES[s].in_(language), STATE_LOOKS[s]) for s in STATES]
        self.severities = [self._tinted(SEVERITY_NAMES[s].in_(language), SEVERITY_LOOKS[s]) for s in Severity]

    def format(self, **properties: Any) -> Any:
        """Make a cell format in the workbook's font."""
        return self.workbook.add_format({"font_name": self._font, "font_size": 10, **properties})

    def _tinted(self, words: str, look: Any) -> tuple[str, Any]:
        made = self.workbook.add_format({"bg_color": look.tint, "font_color": look.ink, "bold": True})
        return words, made

    def sheet(self, name: str, heading: str) -> Sheet:
        """Add a sheet; *heading* is printed on top of its pages."""
        return Sheet(self, self.workbook.add_worksheet(name), heading)

    def finish(self) -> bytes:
        """Close the workbook and give its bytes."""
        self.workbook.close()
        return self._buffer.getvalue()


class Sheet:
    """One sheet, written downwards; ``row`` is the next row, counted from 0."""

    def __init__(self, book: Book, worksheet: Any, heading: str) -> None:
        self.book = book
        self.worksheet = worksheet
        self.row = 0
        worksheet.set_landscape()
        worksheet.set_paper(_A4)
        worksheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        worksheet.fit_to_pages(1, 0)
        printed = clean(heading, keep_newlines=False)[:90].replace("&", "&&")
        worksheet.set_header(f"&L{printed}&R&A")
        worksheet.set_footer("&C&P / &N")
        worksheet.hide_gridlines(2)

    def widths(self, widths: Sequence[float]) -> None:
        """Set column widths in characters, from column A."""
        for column, width in enumerate(widths):
            self.worksheet.set_column(column, column, width)

    def put(self, column: int, value: object, form: Any = None) -> None:
        """Write one value into the next row; the kind of the value decides how."""
        book, sheet, row = self.book, self.worksheet, self.row
        if value is None or value == "":
            sheet.write_blank(row, column, None, form or book.text)
        elif isinstance(value, Percent):
            self._put_percent(column, value.value)
        elif isinstance(value, datetime):
            sheet.write_datetime(
                row, column, value.astimezone(book.zone).replace(tzinfo=None), form or book.time
            )
        elif isinstance(value, date):
            sheet.write_datetime(row, column, value, form or book.date)
        elif isinstance(value, int):
            sheet.write_number(row, column, value, form or book.number)
        else:
            sheet.write_string(row, column, neutral(str(value))[:MAX_CELL], form or book.text)

    def _put_percent(self, column: int, value: Decimal | None) -> None:
        if value is None:
            self.worksheet.write_string(self.row, column, "—", self.book.text)
        else:
            self.worksheet.write_number(self.row, column, float(value) / 100, self.book.percent)

    def line(self, values: Sequence[object], forms: Sequence[Any] | None = None) -> None:
        """Write a row of cells and go on to the next."""
        for column, value in enumerate(values):
            self.put(column, value, forms[column] if forms else None)
        self.row += 1

    def heads(self, names: Sequence[str]) -> int:
        """Write a row of headings; give its number."""
        self.line(names, [self.book.head] * len(names))
        return self.row - 1

    def wide(self, words: str, columns: int, form: Any, *, width: float) -> None:
        """Write words over *columns* joined cells, high enough for them; *width* is theirs in characters."""
        words = neutral(words)[:MAX_CELL]
        lines = sum(max(len(wrap(part, width / 2.1, 40)), 1) for part in words.split("\n"))
        size = 24 if form is self.book.title else 18 if form is self.book.section else 15
        self.worksheet.set_row(self.row, min(size * lines + 3, 400))
        if columns > 1:
            self.worksheet.merge_range(self.row, 0, self.row, columns - 1, "", form)
        self.worksheet.write_string(self.row, 0, words, form)
        self.row += 1

    def fact(self, label: str, value: str, columns: int, *, width: float) -> None:
        """Write a label in column A and a value over the others."""
        value = neutral(value)[:MAX_CELL]
        lines = sum(max(len(wrap(part, width / 2.1, 40)), 1) for part in value.split("\n"))
        self.worksheet.set_row(self.row, min(15 * lines + 3, 400))
        self.worksheet.write_string(self.row, 0, neutral(label), self.book.label)
        self.worksheet.merge_range(self.row, 1, self.row, columns - 1, "", self.book.text)
        self.worksheet.write_string(self.row, 1, value, self.book.text)
        self.row += 1

    def freeze(self, head_row: int, columns: int, last_column: int) -> None:
        """Fix the heading row and *columns* first columns, repeat the row in print, and offer a filter."""
        self.worksheet.freeze_panes(head_row + 1, columns)
        self.worksheet.repeat_rows(head_row)
        self.worksheet.autofilter(head_row, 0, max(self.row - 1, head_row), last_column)

    def colour_states(self, first_row: int, first_column: int, last_column: int) -> None:
        """Tint cells by the state they name; the word stays, the colour only helps."""
        self._colour(self.book.states, first_row, first_column, last_column)

    def colour_severities(self, first_row: int, column: int) -> None:
        """Tint cells by the severity they name."""
        self._colour(self.book.severities, first_row, column, column)

    def _colour(self, rules: list[tuple[str, Any]], first_row: int, first: int, last: int) -> None:
        if self.row <= first_row:
            return
        for words, form in rules:
            rule = {"type": "text", "criteria": "begins with", "value": words, "format": form}
            self.worksheet.conditional_format(first_row, first, self.row - 1, last, rule)
