"""The workbook says what the model says, opens with a real reader, and runs nothing."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

import openpyxl
import pytest

from reports.posture.view import target_codes
from reports.read_model import STATES, PostureReport, Verdict
from reports.registry import renderer
from reports.text import neutral
from tests.unit.reports.builders import (
    HOSTILE,
    empty_report,
    hostile_report,
    largest_report,
    report,
    typical_report,
)

MODELS: dict[str, Callable[[], PostureReport]] = {
    "empty": empty_report,
    "typical": typical_report,
    "largest": largest_report,
    "hostile": hostile_report,
}
ZH_SHEETS = ["概况", "控制项", "不符合与问题", "证据", "扫描", "版本与说明"]
EN_SHEETS = ["Overview", "Items", "Gaps and findings", "Evidence", "Scans", "Versions and notes"]
NAMES = {
    "compliant": "符合",
    "partial": "部分符合",
    "non_compliant": "不符合",
    "na": "不适用",
    "not_examined": "未检查",
}


@lru_cache(maxsize=16)
def content(name: str, language: str) -> bytes:
    """Render once per model and language."""
    return renderer("xlsx_posture").render(MODELS[name](), language).content


@lru_cache(maxsize=16)
def book(name: str, language: str = "zh") -> Any:
    """Read the workbook back."""
    return openpyxl.load_workbook(io.BytesIO(content(name, language)))


def rows(name: str, sheet: str) -> list[tuple[Any, ...]]:
    """All rows of a sheet, its heading first."""
    return list(book(name)[sheet].iter_rows(values_only=True))


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize(("language", "sheets"), [("zh", ZH_SHEETS), ("en", EN_SHEETS)])
def test_it_opens_with_its_six_sheets(name: str, language: str, sheets: list[str]) -> None:
    """Every model gives a sound workbook in either language."""
    assert book(name, language).sheetnames == sheets


@pytest.mark.parametrize("name", ["typical", "largest"])
def test_items_by_targets_is_complete(name: str) -> None:
    """Each cell of the model stands in its row and column; what was not examined says why."""
    model = MODELS[name]()
    head, *body = rows(name, "控制项")
    codes = target_codes(model)
    column = {target.id: head.index(f"{codes[target.id]} {target.name}") for target in model.targets}

    assert [row[0] for row in body] == [item.unit_id for item in model.items]
    for item, row in zip(model.items, body, strict=True):
        shown = {key: row[place] for key, place in column.items() if row[place] is not None}
        assert shown == {
            cell.target_id: NAMES[cell.verdict]
            if cell.verdict
            else f"未检查：{cell.not_examined.zh if cell.not_examined else ''}"
            for cell in item.cells
        }
        if item.verdict is None:
            assert item.not_examined is not None
            assert row[7] == f"未检查：{item.not_examined.zh}"


def test_figures_are_numbers_and_those_of_the_model() -> None:
    """The table of classes can be calculated with, and its chart refers to it."""
    model = typical_report()
    sheet = book("typical")["概况"]
    table = {row[0]: row for row in sheet.iter_rows(values_only=True) if row[0]}

    for group in model.summary.by_class:
        row = table[group.label.zh]
        assert list(row[1:6]) == [group.counts.of(state) for state in STATES]
        assert row[6] == group.counts.total
        assert group.conformity_examined is not None
        assert row[8] == pytest.approx(float(group.conformity_examined) / 100)
    assert table["合计"][6] == model.summary.total.counts.total
    assert len(sheet._charts) == 1


def test_the_overview_says_what_it_is() -> None:
    """Examined share, nature and unofficial notes stand on the first sheet."""
    model = typical_report()
    words = "\n".join(str(cell) for row in rows("typical", "概况") for cell in row if cell)
    counts = model.summary.total.counts

    assert f"共 {counts.total} 个" in words
    assert f"已检查 {counts.examined} 个" in words
    assert "不是等级测评报告" in words
    assert "31010799001-00001（示例）" in words
    assert all(note.zh in words for note in model.meta.unofficial_notes)
    assert not any("草稿" in str(cell) for row in rows("typical", "概况") for cell in row)
    assert any("草稿" in str(cell) for row in rows("empty", "概况") for cell in row)


def test_findings_and_gaps_are_one_table() -> None:
    """All findings come first, then each check that is not fully compliant."""
    model = typical_report()
    head, *body = rows("typical", "不符合与问题")
    gaps = [
        (item.unit_id, NAMES[cell.verdict])
        for item in model.items
        for cell in item.cells
        if cell.verdict in (Verdict.PARTIAL, Verdict.NON_COMPLIANT)
    ]

    assert [row[1] for row in body[: len(model.findings)]] == [finding.number for finding in model.findings]
    assert [(row[1], row[3]) for row in body[len(model.findings) :]] == gaps
    assert body[0][head.index("发现日期")] == datetime(2026, 9, 1)
    assert isinstance(body[0][head.index("存续天数")], int)


def test_evidence_and_scans_are_complete() -> None:
    """Digests are whole, sizes are numbers, times are in the zone of the report."""
    model = largest_report()
    _, *evidence = rows("largest", "证据")
    _, *scans = rows("largest", "扫描")

    assert [(row[0], row[3], row[4]) for row in evidence] == [
        (row.number, row.sm3_hex, row.size_bytes) for row in model.evidence
    ]
    assert evidence[0][6] == datetime(2026, 11, 25, 9, 30)
    assert [row[0] for row in scans] == [scan.id for scan in model.scans]
    assert all(row[6] == "连接被拒绝" for row in scans if row[5] == "失败")


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_strings_come_out_as_text(name: str) -> None:
    """Every one is a string cell that no program takes for a formula."""
    cells = [row[6] for row in book("hostile")["控制项"].iter_rows(min_row=2)]
    expected = neutral(HOSTILE[name]).replace("_x0041_", "_x005F_x0041_")

    assert any(cell.value == expected and cell.data_type == "s" for cell in cells)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_there_is_nothing_active_in_the_file(language: str) -> None:
    """No formula, link, macro, external reference or comment is in any part of the workbook."""
    with zipfile.ZipFile(io.BytesIO(content("hostile", language))) as archive:
        names = archive.namelist()
        parts = {
            name: archive.read(name).decode("utf-8") for name in names if name.endswith((".xml", ".rels"))
        }

    assert not [
        name for name in names if re.search(r"vba|external|comments|embeddings|hyperlink", name, re.I)
    ]
    for name, text in parts.items():
        assert "TargetMode" not in text, name
        assert "<hyperlink" not in text, name
        if name.startswith("xl/worksheets/"):
            assert "<f>" not in text, name
            assert "<f " not in text, name


def test_no_cell_starts_like_a_formula() -> None:
    """Not one string of the hostile model begins with a lead, narrow or wide, on any sheet."""
    for sheet in book("hostile"):
        for row in sheet.iter_rows(values_only=True):
            for value in row:
                assert not (isinstance(value, str) and value.lstrip()[:1] in tuple("=+-@＝＋－＠")), value


@pytest.mark.parametrize("sheet", ZH_SHEETS[1:])
def test_long_sheets_are_fit_for_work_and_print(sheet: str) -> None:
    """Heads are frozen, repeated in print and filterable; pages are landscape and one page wide."""
    found = book("typical")[sheet]

    assert found.freeze_panes is not None
    assert found.auto_filter.ref
    assert found.print_title_rows == "$1:$1"
    assert found.page_setup.orientation == "landscape"
    assert found.page_setup.fitToHeight == 0
    assert all(found.column_dimensions[letter].width > 5 for letter in "AB")


def test_states_are_tinted_by_their_words() -> None:
    """Each state has a rule of its own over the columns that name it; the word stays in the cell."""
    (area, rules), *_ = book("typical")["控制项"].conditional_formatting._cf_rules.items()

    assert str(area.sqref) == "H2:N212"
    assert [rule.text for rule in rules] == list(NAMES.values())


@pytest.mark.parametrize("name", ["empty", "typical", "hostile"])
def test_same_input_same_bytes(name: str) -> None:
    """Two runs give one file, with the date of the model."""
    again = renderer("xlsx_posture").render(MODELS[name](), "zh").content

    assert again == content(name, "zh")
    assert book(name).properties.created == datetime(2026, 11, 25, 1, 30)


def test_a_system_of_many_targets_fits() -> None:
    """Two hundred targets give two hundred columns."""
    model = report(target_count=200, finding_count=0, evidence_count=0, scan_count=0)
    made = renderer("xlsx_posture").render(model, "zh").content
    sheet = openpyxl.load_workbook(io.BytesIO(made), read_only=True)["控制项"]

    assert sheet.max_column == 208
