"""Child process: a spreadsheet on standard input, its rows as JSON on standard output.

Run with the limits of ``scanners.tools.PARSER_LIMITS``: a few hundred kilobytes of .xlsx can ask for gigabytes.
Prints ``{"rows": [[cell, …], …]}`` of the first sheet, or with ``--all`` ``{"sheets": [{"name", "rows"}]}``, or
``{"error": "word"}``; the words are those of ``secops.inventory.sheets``.
Loads nothing of the platform.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from datetime import date, datetime
from typing import Any

MAX_ROWS = 20_001
MAX_COLUMNS = 100
MAX_CELL = 8_000
MAX_SHEETS = 3_000
MAX_ALL_ROWS = 200_000
_MEMBERS, _MEMBER_BYTES, _RATIO = 6_200, 200 << 20, 200


def main() -> None:
    content = sys.stdin.buffer.read()
    try:
        if sys.argv[1:] == ["--all"]:
            print(json.dumps({"sheets": _all_sheets(content)}, ensure_ascii=True))
            return
        rows = _xlsx(content) if content[:4] == b"PK\x03\x04" else _csv(content)
    except _Refused as error:
        print(json.dumps({"error": str(error)}))
        return
    print(json.dumps({"rows": rows}, ensure_ascii=True))


class _Refused(Exception):
    pass


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    return str(value)[:MAX_CELL]


def _all_sheets(content: bytes) -> list[dict[str, Any]]:
    if content[:4] != b"PK\x03\x04":
        raise _Refused("kind")
    _look_inside(content)
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        if len(book.worksheets) > MAX_SHEETS:
            raise _Refused("sheets")
        found, total = [], 0
        for sheet in book.worksheets:
            rows = _collect(sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS))
            total += len(rows)
            if total > MAX_ALL_ROWS:
                raise _Refused("rows")
            found.append({"name": sheet.title, "rows": rows})
        return found
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, SyntaxError, zipfile.BadZipFile):
        raise _Refused("broken") from None


def _look_inside(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile:
        raise _Refused("broken") from None
    packed = sum(one.compress_size for one in members) or 1
    unpacked = sum(one.file_size for one in members)
    if len(members) > _MEMBERS or unpacked > _MEMBER_BYTES or unpacked / packed > _RATIO:
        raise _Refused("bomb")


def _xlsx(content: bytes) -> list[list[Any]]:
    _look_inside(content)
    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)
        return _collect(rows)
    except (KeyError, ValueError, IndexError, TypeError, AttributeError, SyntaxError, zipfile.BadZipFile):
        # openpyxl answers a damaged part with whatever it meets first.
        raise _Refused("broken") from None


def _csv(content: bytes) -> list[list[Any]]:
    if b"\x00" in content[:4096]:
        raise _Refused("kind")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _Refused("encoding")
    csv.field_size_limit(1 << 20)
    head = text.splitlines()[0] if text else ""
    mark = max(",;\t", key=head.count)
    try:
        return _collect(csv.reader(io.StringIO(text), delimiter=mark))
    except csv.Error:
        raise _Refused("broken") from None


def _collect(rows: Any) -> list[list[Any]]:
    found: list[list[Any]] = []
    last = 0
    for row in rows:
        cells = [_cell(value) for value in list(row)[:MAX_COLUMNS]]
        found.append(cells)
        if any(cell not in (None, "") for cell in cells):
            last = len(found)
            if last > MAX_ROWS:
                raise _Refused("rows")
        elif len(found) - last > 1000:
            break
    return found[:last]


if __name__ == "__main__":
    main()
