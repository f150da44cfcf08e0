"""The Excel round trip: one sheet per target in the layout assessors use, filled in offline, read back with care."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controls.loader import load_catalog
from controls.terms import Method, Verdict
from reports.workbook import LINE, open_book
from secops.assessments.deciding import CellWriter, begin_change, records_of
from secops.assessments.frame import Frame, Target, asks_dak
from secops.assessments.models import Assessment, AssessmentRecord, RecordOrigin
from secops.assessments.suggestions import proposals
from secops.audit_log.services import record
from secops.errors import BadInput

FORMAT = "secops-sheets/1"
META = "_secops"
HEAD = (
    "序号",
    "安全类",
    "控制点",
    "测评项",
    "测评单元",
    "要求（平台摘要）",
    "测评方法",
    "结果记录",
    "符合情况",
    "备注",
    "版本",
)
UNIT, TEXT, VERDICT, COMMENT, VERSION = 4, 7, 8, 9, 10
_WIDTHS = (6, 14, 16, 14, 15, 46, 12, 60, 12, 24, 6)
_BAD_NAME = re.compile(r"[\\/*?:\[\]']")
_WORDS: Mapping[str, str | None] = {
    **{one.zh: one.value for one in Verdict}, **{one.en.casefold(): one.value for one in Verdict},
    **{one.value: one.value for one in Verdict}, "": None, "未检查": None,
}  # fmt: skip


def write_sheets(
    session: Session, assessment: Assessment, frame: Frame, *, now: datetime, targets: Sequence[int] = ()
) -> bytes:
    """The work sheets of these targets, or of all."""
    chosen = [one for one in frame.targets if not targets or one.id in set(targets)]
    rows = {
        (row.unit_id, row.target_id): row
        for row in session.scalars(
            select(AssessmentRecord).where(AssessmentRecord.assessment_id == assessment.id)
        )
    }
    stream = io.BytesIO()
    book = open_book(stream)
    book.set_properties({"title": assessment.title, "created": now.replace(tzinfo=None)})
    looks = _looks(book)
    for target in chosen:
        units = [
            unit for unit in frame.units if any(one.id == target.id for one in frame.places[str(unit.id)])
        ]
        if units:
            _write_target(book, looks, target, units, rows)
    meta = book.add_worksheet(META)
    pairs = (("format", FORMAT), ("assessment", assessment.number), ("catalogue", assessment.catalogue),
             ("revision", str(assessment.revision)), ("written", now.isoformat(timespec="seconds")))  # fmt: skip
    for number, (key, value) in enumerate(pairs):
        meta.write_string(number, 0, key)
        meta.write_string(number, 1, value)
    meta.hide()
    book.close()
    return stream.getvalue()


def _looks(book: Any) -> dict[str, Any]:
    line = dict(LINE)
    return {
        "title": book.add_format({"bold": True, "font_size": 12}),
        "head": book.add_format({"bold": True, "bg_color": "#E8F0FB", **line}),
        "read": book.add_format({**line, "bg_color": "#F8F9FB"}),
        "fill": book.add_format({**line, "num_format": "@", "locked": False}),
        "faint": book.add_format({"font_color": "#8A94A3"}),
    }


def sheet_name(target: Target) -> str:
    return f"{target.position:04} {_BAD_NAME.sub(' ', target.name)}"[:31].strip()


def _write_target(
    book: Any, looks: dict[str, Any], target: Target, units: Sequence[Any], rows: Mapping[Any, Any]
) -> None:
    sheet = book.add_worksheet(sheet_name(target))
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(1)
    sheet.freeze_panes(2, 5)
    sheet.write_string(0, 0, f"测评对象：{target.name}", looks["title"])
    sheet.write_string(0, VERSION, f"T{target.id}", looks["faint"])
    for column, (title, width) in enumerate(zip(HEAD, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width, None, {"hidden": column == VERSION})
        sheet.write_string(1, column, title, looks["head"])
    for number, unit in enumerate(units):
        row = rows.get((str(unit.id), target.id))
        clause = unit.item_clause
        cells = (
            str(number + 1), load_catalog().group_of(unit).name.zh, unit.control_point.name.zh,
            (f"{clause.clause} {clause.letter})" if clause and clause.letter else clause.clause) if clause else "",
            str(unit.id), unit.summary.zh, "、".join(Method(one).zh for one in unit.methods),
            row.text if row is not None else "", Verdict(row.verdict).zh if row is not None and row.verdict else "",
            row.comment if row is not None else "", str(row.version if row is not None else 0),
        )  # fmt: skip
        for column, value in enumerate(cells):
            sheet.write_string(
                number + 2,
                column,
                value[:32_000],
                looks["fill" if column in (TEXT, VERDICT, COMMENT) else "read"],
            )
        words = [one.zh for one in Verdict if one is not Verdict.PARTIAL or unit.partial_possible]
        sheet.data_validation(
            number + 2,
            VERDICT,
            number + 2,
            VERDICT,
            {"validate": "list", "source": words, "ignore_blank": True},
        )


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One filled row: where it stands, and what it says."""

    sheet: str
    row: int
    unit_id: str
    target_id: int
    version: int
    verdict: str | None
    text: str
    comment: str

    def as_list(self) -> list[Any]:
        return [
            self.sheet,
            self.row,
            self.unit_id,
            self.target_id,
            self.version,
            self.verdict,
            self.text,
            self.comment,
        ]


def read_rows(
    assessment: Assessment, frame: Frame, sheets: Sequence[tuple[str, list[list[Any]]]]
) -> list[SheetRow]:
    """Read a filled workbook.

    Raises:
        BadInput: it is of another assessment, of another catalogue, older than this format, or damaged; the
            sentence names sheet and row.
    """
    by_name = dict(sheets)
    meta = {str(row[0]): str(row[1]) for row in by_name.get(META, ()) if len(row) > 1}
    if not meta:
        raise BadInput(
            "不是本平台导出的测评表（缺少隐藏的工作表 _secops）。",
            "Not a workbook of this platform: the hidden sheet _secops is missing.",
            "file",
        )
    if meta.get("format") != FORMAT:
        raise BadInput(
            f"测评表的格式是 {meta.get('format', '')}，本版本只读 {FORMAT}，请重新导出。",
            f"The workbook has the format {meta.get('format', '')}; this version reads {FORMAT}. Export it again.",
            "file",
        )
    if meta.get("assessment") != assessment.number:
        raise BadInput(
            f"这是测评 {meta.get('assessment', '')} 的表，不是 {assessment.number} 的。",
            f"This workbook is of {meta.get('assessment', '')}, not of {assessment.number}.",
            "file",
        )
    if meta.get("catalogue") != assessment.catalogue:
        raise BadInput(
            "测评表依据另一版本的目录，请重新导出。",
            "The workbook rests on another catalogue; export it again.",
            "file",
        )
    found: list[SheetRow] = []
    seen: dict[tuple[str, int], str] = {}
    for name, rows in sheets:
        if name == META:
            continue
        target = _target_of(frame, name, rows)
        for number, cells in enumerate(rows[2:], start=3):
            if any(cell not in (None, "") for cell in cells):
                row = _row(frame, name, number, target, cells)
                cell = (row.unit_id, row.target_id)
                if cell in seen:
                    raise _wrong(name, number, f"与{seen[cell]}重复", f"repeats {seen[cell]}")
                seen[cell] = f"{name}!{number}"
                found.append(row)
    return found


def _wrong(sheet: str, row: int, zh: str, en: str) -> BadInput:
    return BadInput(f"工作表“{sheet}”第 {row} 行：{zh}。", f"Sheet “{sheet}”, row {row}: {en}.", "file")


def _target_of(frame: Frame, name: str, rows: list[list[Any]]) -> Target:
    mark = str(rows[0][VERSION]) if rows and len(rows[0]) > VERSION else ""
    if len(rows) < 2 or [str(one or "") for one in rows[1][: len(HEAD)]] != list(HEAD):
        raise _wrong(name, 2, "表头被改动，请使用导出的表", "the head was changed; use the exported sheet")
    if not mark.startswith("T") or not mark[1:].isdigit() or int(mark[1:]) not in frame.target_of:
        raise _wrong(
            name, 1, "测评对象的标记缺失或不属于本次测评", "the mark of the target is gone or foreign"
        )
    return frame.target_of[int(mark[1:])]


def _row(frame: Frame, sheet: str, number: int, target: Target, cells: list[Any]) -> SheetRow:
    cells = [*cells, *([None] * len(HEAD))][: len(HEAD)]
    unit_id = str(cells[UNIT] or "").strip()
    if not frame.applies(unit_id, target.id):
        raise _wrong(
            sheet,
            number,
            f"单元 {unit_id or '（空）'} 不在该对象的范围内",
            f"unit {unit_id or '(empty)'} is not judged on this target",
        )
    version = str(cells[VERSION] if cells[VERSION] is not None else "")
    if not version.isdigit():
        raise _wrong(sheet, number, "隐藏的版本列被改动", "the hidden column of versions was changed")
    word = str(cells[VERDICT] or "").strip()
    key = word if word in _WORDS else word.casefold()
    if key not in _WORDS:
        raise _wrong(sheet, number, f"符合情况“{word[:20]}”不是可用的判定", f"“{word[:20]}” is no verdict")
    verdict = _WORDS[key]
    if verdict == Verdict.PARTIAL.value and not frame.unit_of[unit_id].partial_possible:
        raise _wrong(sheet, number, f"{unit_id} 没有“部分符合”", f"{unit_id} knows no partial compliance")
    text, comment = (str(cells[one] or "").strip() for one in (TEXT, COMMENT))
    if verdict == Verdict.NA.value and len(text) < 4:
        raise _wrong(sheet, number, "判为不适用须写明理由", "say why it does not apply")
    return SheetRow(sheet, number, unit_id, target.id, int(version), verdict, text[:8000], comment[:8000])


@dataclass(frozen=True, slots=True)
class SheetChange:
    """A row that differs from ``there``, what stands on the platform now; None: nobody touched the cell."""

    row: SheetRow
    there: AssessmentRecord | None

    @property
    def cell(self) -> tuple[str, int]:
        return self.row.unit_id, self.row.target_id

    @property
    def before(self) -> dict[str, Any]:
        names = ("text", "comment", "assessor")
        values = {name: getattr(self.there, name) if self.there else "" for name in names}
        return {"verdict": self.there.verdict if self.there else None} | values


@dataclass
class SheetPlan:
    """What an import would do. ``conflicts`` were changed on the platform since the export."""

    same: int = 0
    settled: int = 0
    changes: list[SheetChange] = field(default_factory=list)
    conflicts: list[SheetChange] = field(default_factory=list)


def plan_sheet(session: Session, assessment: Assessment, frame: Frame, rows: Sequence[SheetRow]) -> SheetPlan:
    """Compare a workbook with what stands there now; one query.

    Raises:
        BadInput: a verdict was written where D, A and K make it; the sentence names sheet and row.
    """
    known = records_of(session, assessment, [(row.unit_id, row.target_id) for row in rows])
    plan = SheetPlan()
    for row in rows:
        there = known.get((row.unit_id, row.target_id))
        change = SheetChange(row, there)
        before = change.before
        _check_dak(frame, row, before["verdict"])
        if (row.verdict, row.text, row.comment) == (before["verdict"], before["text"], before["comment"]):
            plan.same += 1
        elif there is not None and there.origin in (RecordOrigin.INHERITED, RecordOrigin.EXCLUSION):
            plan.settled += 1
        elif (there.version if there else 0) != row.version:
            plan.conflicts.append(change)
        else:
            plan.changes.append(change)
    return plan


def _check_dak(frame: Frame, row: SheetRow, now: str | None) -> None:
    said = row.verdict not in (None, Verdict.NA.value, now)
    if said and asks_dak(frame.unit_of[row.unit_id]):
        raise _wrong(
            row.sheet,
            row.row,
            f"{row.unit_id} 由 D、A、K 得出判定，请在平台上逐项填写",
            f"the verdict of {row.unit_id} comes from D, A and K; answer these on the platform",
        )


def apply_sheet(
    session: Session, assessment: Assessment, frame: Frame, rows: Sequence[SheetRow], *, take: frozenset[tuple[str, int]],
    now: datetime,
) -> int:  # fmt: skip
    """Take over the changes, and of the conflicts those in *take*; returns how many cells changed.

    Raises:
        BadInput, Refused
    """
    revision = begin_change(session, assessment)
    plan = plan_sheet(session, assessment, frame, rows)
    chosen = plan.changes + [one for one in plan.conflicts if one.cell in take]
    proposed = proposals(session, assessment, frame, [one.cell for one in chosen])
    writer = CellWriter(session, assessment, "sheet", revision, now)
    for one in chosen:
        row = one.row
        values = {"verdict": row.verdict, "text": row.text, "comment": row.comment, "text_draft": False,
                  "origin": RecordOrigin.SHEET}  # fmt: skip
        writer.put(one.cell, one.there, values, proposed.get(one.cell), f"{row.sheet}!{row.row}")
    count = writer.flush()
    record(session, "assessment.import", assessment, now=now,
           detail={"cells": count, "conflicts": len(plan.conflicts)})  # fmt: skip
    return count
