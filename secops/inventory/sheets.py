"""Spreadsheets of the registers: read in a limited child, written as a template or with the rows that there are."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from reports.workbook import open_book
from scanners.base import Failed, FailureReason
from scanners.tools import PARSER_LIMITS, run_tool
from secops.errors import BadInput
from secops.inventory import sheet_reader
from secops.inventory.fields import Field, Kind
from secops.inventory.registers import Register
from secops.web.lang import t

MAX_BYTES = 20 << 20
MAX_ROWS = sheet_reader.MAX_ROWS - 1
_WAIT_S = 60.0
_ERRORS = {
    "broken": ("文件已损坏，或不是 XLSX/CSV。请用 WPS 或 Excel 重新另存后再试。", "The file is damaged or neither XLSX nor CSV. Save it again and retry."),
    "bomb": ("文件解压后过大，未读取。", "The file unpacks to too much and was not read."),
    "kind": ("只能导入 XLSX 或 CSV 文件。", "Only XLSX and CSV files can be imported."),
    "encoding": ("CSV 的编码无法识别，请存为 UTF-8。", "The encoding of the CSV is unknown; save it as UTF-8."),
    "sheets": ("工作表过多，请分批导入。", "There are too many sheets; import them in parts."),
    "rows": (f"一次最多导入 {MAX_ROWS} 行，请拆分后再导入。", f"At most {MAX_ROWS} rows at a time; split the file."),
}  # fmt: skip
_LIMIT = (
    "读取文件超出时间或内存上限，未导入任何内容。",
    "Reading the file passed the limit of time or memory; nothing was imported.",
)


def read_sheet(content: bytes) -> list[list[Any]]:
    """The rows of the first sheet, empty ones at the end left out.

    Raises:
        BadInput: not a spreadsheet, damaged, or too large.
    """
    rows: list[list[Any]] = _read(content)["rows"]
    return rows


def read_sheets(content: bytes) -> list[tuple[str, list[list[Any]]]]:
    """Name and rows of every sheet of a workbook.

    Raises:
        BadInput: no workbook, damaged, or too large.
    """
    return [(one["name"], one["rows"]) for one in _read(content, "--all")["sheets"]]


def _read(content: bytes, *options: str) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise BadInput("文件超过 20 MB，请拆分后再导入。", "The file is over 20 MB; split it.", "file")
    if not content:
        raise BadInput("文件是空的。", "The file is empty.", "file")
    argv = [sys.executable, "-I", str(Path(sheet_reader.__file__)), *options]
    done = run_tool(argv, timeout_s=_WAIT_S, stdin=content, limits=PARSER_LIMITS, env={"PYTHONUTF8": "1"})
    if isinstance(done, Failed):
        if done.reason is FailureReason.MISSING_TOOL:
            raise RuntimeError(f"{argv[0]} can't be run: {done.detail}")
        raise BadInput(*_LIMIT, "file")
    if done.returncode != 0:
        raise BadInput(*_LIMIT, "file")
    answer: dict[str, Any] = json.loads(done.stdout)
    if "error" in answer:
        raise BadInput(*_ERRORS[answer["error"]], "file")
    return answer


def head_of(register: Register, row: list[Any]) -> dict[str, int]:
    """Which column holds which field, by its title in either language or its key.

    Raises:
        BadInput: an unknown title, one twice, or a required field without a column.
    """
    names: dict[str, str] = {}
    for one in register.fields:
        names |= dict.fromkeys((one.zh, one.en.casefold(), one.key), one.key)
    found: dict[str, int] = {}
    for number, cell in enumerate(row):
        title = str(cell or "").strip().rstrip("*＊").strip()
        if not title:
            continue
        key = names.get(title) or names.get(title.casefold())
        if key is None:
            raise BadInput(
                f"第 1 行第 {number + 1} 列“{title[:40]}”不是本表的列。请使用模板的表头。",
                f"Row 1, column {number + 1}: “{title[:40]}” is no column of this register. Use the template's head.",
                "file",
            )
        if key in found:
            raise BadInput(f"第 1 行有两列“{title[:40]}”。", f"Row 1 holds “{title[:40]}” twice.", "file")
        found[key] = number
    missing = [one for one in register.fields if one.required and one.key not in found]
    if missing:
        raise BadInput(
            f"缺少必填的列：{'、'.join(one.zh for one in missing)}。",
            f"Columns are missing: {', '.join(one.en for one in missing)}.",
            "file",
        )
    return found


def cells_of(head: dict[str, int], row: list[Any]) -> dict[str, Any]:
    return {key: row[number] if number < len(row) else None for key, number in head.items()}


def write_book(register: Register, rows: Iterable[dict[str, Any]], *, now: datetime) -> bytes:
    """The register as XLSX in the very shape that an import takes; without rows it is the template.

    Closed lists are drop-downs, and a second sheet explains each column.
    """
    stream = io.BytesIO()
    book = open_book(stream)
    book.set_properties({"title": register.title, "created": now.replace(tzinfo=None)})
    head = book.add_format({"bold": True, "bg_color": "#E8F0FB", "border": 1, "border_color": "#CFD6E0"})
    must = book.add_format({"bold": True, "bg_color": "#FDEBD8", "border": 1, "border_color": "#CFD6E0"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(register.title[:31])
    sheet.freeze_panes(1, 1)
    for column, one in enumerate(register.fields):
        sheet.set_column(
            column,
            column,
            14 if one.kind in (Kind.DAY, Kind.NUMBER, Kind.YESNO) else 24,
            day if one.kind is Kind.DAY else text,
        )
        sheet.write_string(
            0, column, one.title + ("*" if one.required else ""), must if one.required else head
        )
        _drop_down(sheet, column, one)
    for number, cells in enumerate(rows, start=1):
        for column, one in enumerate(register.fields):
            _write(sheet, number, column, one, cells.get(one.key), day, text)
    _explain(book, register, head)
    book.close()
    return stream.getvalue()


def _drop_down(sheet: Any, column: int, one: Field) -> None:
    if one.kind is Kind.CHOICE:
        words = [word for _, word in one.choices()]
    elif one.kind is Kind.YESNO:
        words = [t("是", "Yes"), t("否", "No")]
    else:
        return
    # Excel keeps at most 255 characters of a list in place.
    if len(",".join(words)) <= 255:
        sheet.data_validation(
            1, column, MAX_ROWS, column, {"validate": "list", "source": words, "ignore_blank": True}
        )


def _write(sheet: Any, row: int, column: int, one: Field, value: Any, day: Any, text: Any) -> None:
    if value is None or value == "" or value == []:
        return
    if isinstance(value, date):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), day)
    elif isinstance(value, int) and not isinstance(value, bool):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, one.words(value)[:32_000], text)


def _explain(book: Any, register: Register, head: Any) -> None:
    sheet = book.add_worksheet(t("填写说明", "How to fill in"))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 10)
    sheet.set_column(2, 2, 90)
    for column, words in enumerate((t("列", "Column"), t("必填", "Required"), t("说明", "Meaning"))):
        sheet.write_string(0, column, words, head)
    for number, one in enumerate(register.fields, start=1):
        sheet.write_string(number, 0, one.title)
        sheet.write_string(number, 1, t("是", "Yes") if one.required else "")
        sheet.write_string(number, 2, " ".join(_meaning(one)))


def _meaning(one: Field) -> Iterator[str]:
    if one.help:
        yield one.help
    if one.kind in (Kind.CHOICE, Kind.CHOICES):
        yield t("可填：", "One of: ") + t("、", ", ").join(word for _, word in one.choices())
        if one.kind is Kind.CHOICES:
            yield t("（可多项，用顿号分开）", "(several, with commas)")
    elif one.kind is Kind.DAY:
        yield t("日期，例如 2026-11-25", "A date such as 2026-11-25")
    elif one.kind is Kind.YESNO:
        yield t("是或否", "Yes or no")
    elif one.kind is Kind.NUMBER:
        yield t("整数", "A whole number")
    elif one.kind in (Kind.TEXT, Kind.AREA):
        yield t(f"最多 {one.limit} 个字符", f"At most {one.limit} characters")
