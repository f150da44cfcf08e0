"""The filtered set of a list as CSV or XLSX. Every export goes into the audit log."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import quote

import xlsxwriter
from flask import Response, current_app, stream_with_context
from sqlalchemy.orm import Session

from secops.audit_log.services import record_alone
from secops.errors import BadInput
from secops.web.filters import local_time, zone
from secops.web.lang import t
from secops.web.principal import principal
from secops.web.tables import Column, Statement, Table

_CHUNK = 64 * 1024
_LONGEST_CELL = 32_000
# A spreadsheet program takes a text that starts so for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_table(
    table: Table,
    session: Session,
    statement: Statement,
    args: Mapping[str, str],
    *,
    now: datetime,
    title: str,
) -> Response:
    """Answer with all rows of the filtered set, every column, in the chosen order, as ``args["format"]`` says.

    Args:
        title: name of the list in the language of the request; becomes the file's name.

    Raises:
        BadInput: a format other than ``csv`` and ``xlsx``.
    """
    response = export_rows(table, table.everything(session, statement, args), args, now=now, title=title)
    # The request's teardown ran before the first row was read, so the connection is given back here.
    response.call_on_close(session.close)
    return response


def export_rows(
    table: Table, rows: Iterator[Any], args: Mapping[str, str], *, now: datetime, title: str
) -> Response:
    """The same for rows that don't come from the store.

    Raises:
        BadInput: a format other than ``csv`` and ``xlsx``.
    """
    form = args.get("format", "")
    if form not in ("csv", "xlsx"):
        raise BadInput("只能导出为 csv 或 xlsx。", "Only csv and xlsx can be exported.", "format")
    record_alone(
        current_app.extensions["secops"].engine,
        principal(),
        "table.export",
        now=now,
        object_type="table",
        object_id=table.name,
        detail={"format": form, "filter": {key: str(value)[:200] for key, value in args.items() if value}},
    )
    if form == "csv":
        body: Iterator[bytes] = csv_bytes(table.columns, rows)
        media = "text/csv; charset=utf-8"
    else:
        body = xlsx_bytes(table.columns, rows, title, now)
        media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    response = Response(stream_with_context(body), mimetype=media)
    name = f"{title}-{local_time(now)[:10]}.{form}"
    response.headers["Content-Disposition"] = (
        f"attachment; filename=\"{table.name}.{form}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    return response


def harmless(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet program would run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return local_time(value, seconds=True)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    return harmless(str(value).replace("\x00", ""))


def csv_bytes(columns: tuple[Column, ...], rows: Iterator[Any]) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, so that Excel reads Chinese; CRLF as RFC 4180 wants."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([column.title for column in columns])
    for row in rows:
        writer.writerow([_written(column.plain(row)) for column in columns])
        if buffer.tell() > _CHUNK:
            yield buffer.getvalue().encode("utf-8")
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode("utf-8")


def xlsx_bytes(
    columns: tuple[Column, ...], rows: Iterator[Any], title: str, now: datetime
) -> Iterator[bytes]:
    """One sheet with a frozen head and a filter, written row by row to a temporary file."""
    with TemporaryFile() as stream:
        book = xlsxwriter.Workbook(
            stream,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "remove_timezone": True,
            },
        )
        # Equal content gives equal bytes.
        book.set_properties({"title": title, "created": now.astimezone(UTC).replace(tzinfo=None)})
        _write_sheet(book, columns, rows, title)
        book.close()
        stream.seek(0)
        while piece := stream.read(_CHUNK):
            yield piece


def _write_sheet(book: Any, columns: tuple[Column, ...], rows: Iterator[Any], title: str) -> None:
    formats = {
        "head": book.add_format(
            {"bold": True, "bg_color": "#E8F0FB", "border": 1, "border_color": "#CFD6E0"}
        ),
        "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    sheet = book.add_worksheet(t("数据", "Data"))
    sheet.freeze_panes(1, 1)
    for number, column in enumerate(columns):
        wide = (
            36 if column.width == "wide" else 20 if column.kind in ("text", "link", "time", "badges") else 14
        )
        sheet.set_column(number, number, wide)
        sheet.write_string(0, number, column.title, formats["head"])
    last = 0
    for last, row in enumerate(rows, start=1):
        for number, column in enumerate(columns):
            _write_cell(sheet, last, number, column.plain(row), formats)
    sheet.autofilter(0, 0, max(last, 1), len(columns) - 1)


def _write_cell(sheet: Any, row: int, number: int, value: Any, formats: dict[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, datetime):
        sheet.write_datetime(row, number, value.astimezone(zone()).replace(tzinfo=None), formats["time"])
    elif isinstance(value, date):
        sheet.write_datetime(row, number, datetime(value.year, value.month, value.day), formats["day"])
    elif isinstance(value, int | float):
        sheet.write_number(row, number, value)
    else:
        sheet.write_string(row, number, str(value)[:_LONGEST_CELL])


__all__ = ["csv_bytes", "export_rows", "export_table", "harmless", "xlsx_bytes"]
