"""The Excel round trip: what was filled offline comes back with a preview; damaged and foreign files name the row."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from secops.assessments.deciding import Decision, decide
from secops.assessments.models import AssessmentRecord
from secops.assessments.sheets import (
    COMMENT,
    META,
    TEXT,
    UNIT,
    VERDICT,
    VERSION,
    apply_sheet,
    plan_sheet,
    read_rows,
    write_sheets,
)
from secops.clock import utc_now
from secops.errors import BadInput
from secops.inventory.sheets import read_sheets
from tests.functional.assessments.conftest import TWO, Bench
from tests.support.services import require_tool


def _book(bench: Bench) -> Any:
    with bench.work() as (session, found, frame):
        content = write_sheets(session, found, frame, now=utc_now())
    return openpyxl.load_workbook(io.BytesIO(content))


def _bytes(book: Any) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _row_of(sheet: Any, unit: str) -> int:
    return next(row for row in range(3, sheet.max_row + 1) if sheet.cell(row, UNIT + 1).value == unit)


def _fill(sheet: Any, unit: str, verdict: str, text: str, comment: str = "") -> None:
    row = _row_of(sheet, unit)
    for column, value in ((VERDICT, verdict), (TEXT, text), (COMMENT, comment)):
        sheet.cell(row, column + 1).value = value


def _import(bench: Bench, content: bytes, take: frozenset[tuple[str, int]] = frozenset()) -> int:
    with bench.work() as (session, found, frame):
        return apply_sheet(
            session, found, frame, read_rows(found, frame, read_sheets(content)), take=take, now=utc_now()
        )


def test_filled_sheets_come_back(bench: Bench) -> None:
    """Verdict, record and remark are taken; a second import of the same file changes nothing."""
    book = _book(bench)
    whole = next(sheet for sheet in book.worksheets if sheet.title.startswith("0000"))
    _fill(whole, "L3-PES1-01", "不符合", "机房顶部有渗水痕迹", "拍照留存")
    _fill(whole, "L3-PES1-02", "Compliant", "楼层合适")
    content = _bytes(book)
    assert _import(bench, content) == 2
    with bench.work() as (session, found, frame):
        rows = {row.unit_id: row for row in session.scalars(select(AssessmentRecord))}
        assert (rows["L3-PES1-01"].verdict, rows["L3-PES1-01"].text, rows["L3-PES1-01"].comment) == (
            "non_compliant",
            "机房顶部有渗水痕迹",
            "拍照留存",
        )
        assert rows["L3-PES1-02"].verdict == "compliant"
        plan = plan_sheet(session, found, frame, read_rows(found, frame, read_sheets(content)))
        assert (plan.changes, plan.conflicts) == ([], [])


def test_what_changed_meanwhile_is_a_conflict(bench: Bench) -> None:
    """The platform's own later decision stays unless the person chooses the sheet's."""
    book = _book(bench)
    whole = book.worksheets[0]
    _fill(whole, "L3-PES1-01", "符合", "表格里写的")
    _fill(whole, "L3-PES1-02", "符合", "没有冲突")
    bench.decide("L3-PES1-01", who=TWO, verdict="non_compliant", text="平台上写的")
    content = _bytes(book)
    with bench.work() as (session, found, frame):
        plan = plan_sheet(session, found, frame, read_rows(found, frame, read_sheets(content)))
        assert [one.row.unit_id for one in plan.conflicts] == ["L3-PES1-01"]
        place = plan.conflicts[0].row.target_id
    assert _import(bench, content) == 1
    with bench.work() as (session, _, _):
        assert {row.text for row in session.scalars(select(AssessmentRecord))} == {"平台上写的", "没有冲突"}
    assert _import(bench, content, frozenset({("L3-PES1-01", place)})) == 1
    with bench.work() as (session, _, _):
        assert {row.text for row in session.scalars(select(AssessmentRecord))} == {"表格里写的", "没有冲突"}


def _change(sheet: Any, row: int, column: int, value: Any) -> None:
    sheet.cell(row, column + 1).value = value


DAMAGE: dict[str, tuple[Callable[[Any], Any], str]] = {
    "verdict word": (lambda b: _change(b.worksheets[0], 3, VERDICT, "合格"), "第 3 行"),
    "unit id": (lambda b: _change(b.worksheets[0], 4, UNIT, "L3-PES1-99"), "第 4 行"),
    "unit gone": (lambda b: _change(b.worksheets[0], 5, UNIT, None), "第 5 行"),
    "row twice": (lambda b: _change(b.worksheets[0], 4, UNIT, b.worksheets[0].cell(3, UNIT + 1).value), "第 4 行"),
    "version": (lambda b: _change(b.worksheets[0], 3, VERSION, "x"), "第 3 行"),
    "head": (lambda b: _change(b.worksheets[0], 2, TEXT, "记录"), "第 2 行"),
    "target mark": (lambda b: _change(b.worksheets[0], 1, VERSION, "T999999"), "第 1 行"),
    "no reason": (lambda b: (_change(b.worksheets[0], 3, VERDICT, "不适用"), _change(b.worksheets[0], 3, TEXT, "")), "第 3 行"),
    "meta gone": (lambda b: b.remove(b[META]), "_secops"),
    "older format": (lambda b: _change(b[META], 1, 1, "secops-sheets/0"), "secops-sheets/0"),
    "other assessment": (lambda b: _change(b[META], 2, 1, "SYS-9-2025-01"), "SYS-9-2025-01"),
    "other catalogue": (lambda b: _change(b[META], 3, 1, "0" * 32), "目录"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused_and_named(bench: Bench, name: str) -> None:
    """Nothing of a damaged file is taken, and the sentence says where."""
    damage, words = DAMAGE[name]
    book = _book(bench)
    _fill(book.worksheets[0], "L3-PES1-06", "符合", "另一行是好的")
    damage(book)
    with pytest.raises(BadInput) as caught:
        _import(bench, _bytes(book))
    assert words in caught.value.zh
    with bench.work() as (session, _, _):
        assert session.scalars(select(AssessmentRecord)).all() == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"a,b,c\n1,2,3\n"])
def test_no_workbook_at_all(bench: Bench, content: bytes) -> None:
    """Empty, cut and foreign files each get a sentence."""
    with pytest.raises(BadInput):
        _import(bench, content)


def test_text_is_never_a_formula(bench: Bench) -> None:
    """What looks like a formula is written as text."""
    bench.decide("L3-PES1-01", verdict="compliant", text='=HYPERLINK("http://x","y")')
    sheet = _book(bench).worksheets[0]
    cell = sheet.cell(_row_of(sheet, "L3-PES1-01"), TEXT + 1)
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("http://x","y")')


def test_ten_thousand_rows(bench: Bench) -> None:
    """Two hundred servers filled offline: every row comes back."""
    bench.grow(380)
    book = _book(bench)
    count = 0
    for sheet in book.worksheets:
        if sheet.title == META:
            continue
        for row in range(3, sheet.max_row + 1):
            sheet.cell(row, VERDICT + 1).value = "符合"
            sheet.cell(row, TEXT + 1).value = "核查配置，满足要求"
            count += 1
    assert count >= 10_000
    assert _import(bench, _bytes(book)) == count


@pytest.mark.live
def test_a_file_saved_by_libreoffice(bench: Bench, tmp_path: Path) -> None:
    """LibreOffice rewrites every part of the file; the rows still come back."""
    program = require_tool("soffice", "libreoffice-calc-nogui")
    book = _book(bench)
    _fill(book.worksheets[0], "L3-PES1-01", "符合", "离线填写")
    source = tmp_path / "in" / "sheets.xlsx"
    source.parent.mkdir()
    source.write_bytes(_bytes(book))
    subprocess.run(
        [program, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(source)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert _import(bench, (tmp_path / "out" / "sheets.xlsx").read_bytes()) == 1


def test_settled_cells_stay(bench: Bench) -> None:
    """A row of a cell that was settled before the start is counted and left alone."""
    from secops.assessments.models import RecordOrigin

    bench.decide("L3-PES1-01", verdict="compliant", text="继承")
    with bench.work() as (session, found, _):
        row = session.scalars(select(AssessmentRecord)).one()
        row.origin = RecordOrigin.INHERITED
        from secops.audit_log.services import record

        record(session, "assessment.decide", found, now=utc_now())
    book = _book(bench)
    _fill(book.worksheets[0], "L3-PES1-01", "不符合", "想改")
    assert _import(bench, _bytes(book)) == 0


def test_a_decision_after_an_import_carries_on(bench: Bench) -> None:
    """An imported record has a version like any other."""
    book = _book(bench)
    _fill(book.worksheets[0], "L3-PES1-01", "符合", "离线")
    _import(bench, _bytes(book))
    with bench.work() as (session, found, frame):
        row = session.scalars(select(AssessmentRecord)).one()
        decide(
            session,
            found,
            frame,
            Decision(row.unit_id, row.target_id, row.version, verdict="non_compliant"),
            now=utc_now(),
        )
