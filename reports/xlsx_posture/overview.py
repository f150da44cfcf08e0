"""The sheet 概况: what the report is, its figures and a chart that Excel draws itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.posture.shapes import View
from reports.posture.words import word
from reports.read_model import STATES, CountRow, PostureReport
from reports.terms import STATE_LOOKS, STATE_NAMES
from reports.xlsx_posture.book import Book, Percent, Sheet

_COLUMNS = 10
_WIDTHS = (26.0, *(13.0,) * (_COLUMNS - 1))
_VALUE_WIDTH = 13.0 * (_COLUMNS - 1)
#: Excel's names for the patterns of the charts; none is solid.
_PATTERNS = {"stripes": "wide_upward_diagonal", "hatch": "outlined_diamond", "dots": "percent_20"}


def write_overview(book: Book, report: PostureReport, view: View) -> None:
    """Write the sheet."""
    lang = book.language
    sheet = book.sheet(word("sheet_overview", lang), view.head_system)
    sheet.widths(_WIDTHS)
    whole = sum(_WIDTHS)
    sheet.wide(view.title, _COLUMNS, book.title, width=whole / 1.8)
    if view.is_draft:
        sheet.wide(f"{word('draft_short', lang)}：{view.draft_why}", _COLUMNS, book.alarm, width=whole)
    for fact in (*view.cover, *view.system[4:]):
        sheet.fact(fact.label, fact.value, _COLUMNS, width=_VALUE_WIDTH)
    sheet.fact(word("examined_title", lang), view.examined, _COLUMNS, width=_VALUE_WIDTH)
    sheet.fact(word("disclaimer_title", lang), word("disclaimer", lang), _COLUMNS, width=_VALUE_WIDTH)
    if view.cover_notes:
        notes = "\n".join(view.notes)
        sheet.fact(word("unofficial_title", lang), notes, _COLUMNS, width=_VALUE_WIDTH)
    sheet.fact(word("ch1_key", lang), "\n".join(view.key_points), _COLUMNS, width=_VALUE_WIDTH)
    sheet.row += 1
    summary = report.summary
    first = _counts(
        sheet, word("cap_classes", lang, basis=view.basis), "class", summary.by_class, summary.total
    )
    _counts(sheet, word("cap_layers", lang, basis=view.basis), "layer", summary.by_layer, summary.total)
    _reasons(sheet, view)
    _targets(sheet, view)
    if summary.by_class:
        chart = _chart(book, sheet, view, first, len(summary.by_class))
        sheet.worksheet.insert_chart(1, _COLUMNS + 1, chart)


def _counts(sheet: Sheet, title: str, group: str, rows: Sequence[CountRow], total: CountRow) -> int:
    """Write a table of counts; give its first data row."""
    book, lang = sheet.book, sheet.book.language
    sheet.wide(title, _COLUMNS, book.section, width=sum(_WIDTHS))
    names = [STATE_NAMES[state].in_(lang) for state in STATES]
    ends = [word(key, lang) for key in ("total", "examined_share", "rate_examined", "rate_applicable")]
    sheet.heads([word(group, lang), *names, *ends])
    first = sheet.row
    for row in (*rows, total):
        counts = row.counts
        sheet.line(
            [
                row.label.in_(lang),
                *(counts.of(state) for state in STATES),
                counts.total,
                Percent(counts.examined_percent),
                Percent(row.conformity_examined),
                Percent(row.conformity_applicable),
            ]
        )
    sheet.row += 1
    return first


def _reasons(sheet: Sheet, view: View) -> None:
    book, lang = sheet.book, sheet.book.language
    sheet.wide(word("cap_reasons", lang), _COLUMNS, book.section, width=sum(_WIDTHS))
    if not view.reasons:
        sheet.wide(word("none", lang), _COLUMNS, book.text, width=sum(_WIDTHS))
    for reason in view.reasons:
        sheet.fact(reason.count, reason.reason, _COLUMNS, width=_VALUE_WIDTH)
    sheet.row += 1


def _targets(sheet: Sheet, view: View) -> None:
    book, lang = sheet.book, sheet.book.language
    sheet.wide(word("cap_targets", lang), _COLUMNS, book.section, width=sum(_WIDTHS))
    if not view.targets:
        sheet.wide(word("no_targets", lang), _COLUMNS, book.text, width=sum(_WIDTHS))
        return
    for target in view.targets:
        parts = [target.name, target.kind, target.address, target.importance, target.note]
        sheet.fact(target.code, "　".join(part for part in parts if part), _COLUMNS, width=_VALUE_WIDTH)


def _chart(book: Book, sheet: Sheet, view: View, first: int, rows: int) -> Any:
    """Make a stacked bar chart over the table of classes; the first class comes on top."""
    chart = book.workbook.add_chart({"type": "bar", "subtype": "stacked"})
    name = sheet.worksheet.get_name()
    last = first + rows - 1
    for place, state in enumerate(STATES):
        look = STATE_LOOKS[state]
        series: dict[str, Any] = {
            "name": [name, first - 1, place + 1],
            "categories": [name, first, 0, last, 0],
            "values": [name, first, place + 1, last, place + 1],
            "border": {"color": look.colour, "width": 0.75},
            "gap": 60,
        }
        if look.pattern == "solid":
            series["fill"] = {"color": look.colour}
        elif look.pattern == "open":
            series["pattern"] = {
                "pattern": "light_upward_diagonal",
                "fg_color": look.colour,
                "bg_color": "#ffffff",
            }
        else:
            series["pattern"] = {
                "pattern": _PATTERNS[look.pattern],
                "fg_color": "#ffffff",
                "bg_color": look.colour,
            }
        chart.add_series(series)
    title = word("cap_classes", book.language, basis=view.basis)
    chart.set_title({"name": title, "name_font": {"size": 12, "bold": True}, "overlay": False})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis({"reverse": True, "crossing": "max", "line": {"color": "#5b6678"}})
    chart.set_x_axis({"major_gridlines": {"visible": True, "line": {"color": "#d5dbe5"}}, "num_format": "0"})
    chart.set_size({"width": 760, "height": 120 + 34 * rows})
    return chart
