"""The tables of a document as CSV for other programs, and a whole read model as JSON."""

from __future__ import annotations

import csv
import io

from reports.blocks import Cell, Document, State, Table
from reports.text import neutral, safe_file_stem
from reports.zipping import pack


def csv_bytes(document: Document) -> tuple[str, bytes]:
    """Suffix and content: one file for a document of one sheet, else an archive of them.

    UTF-8 with a byte-order mark, so that spreadsheets read Chinese; every string is neutral to them.
    """
    tables = [one for one in document.blocks if isinstance(one, Table) and one.sheet]
    if len(tables) == 1:
        return "csv", _file(tables[0])
    return "csv.zip", pack((f"{safe_file_stem(one.sheet)}.csv", _file(one)) for one in tables)


def _file(table: Table) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([neutral(head) for head in table.heads])
    writer.writerows([_written(cell) for cell in row] for row in table.rows)
    return buffer.getvalue().encode("utf-8-sig")


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, State):
        return neutral(cell.words)
    return neutral(cell) if isinstance(cell, str) else str(cell)
