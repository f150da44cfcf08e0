"""The assessment report in its three forms: same model, same bytes; every word of a person stays text."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import docx
import openpyxl
import pypdf
import pytest

from reports.assessment.document import build_document
from reports.assessment.model import (
    AssessmentReport,
    ClassLine,
    Conclusion,
    Gap,
    Given,
    MadeGood,
    PointLine,
    Record,
    Target,
)
from reports.blocks import Heading, State, Table
from reports.errors import UnknownLanguage
from reports.read_model import (
    Counts,
    Importance,
    Language,
    Layer,
    ReportMeta,
    RuleSet,
    SystemInfo,
    Text,
    Verdict,
)
from reports.registry import renderer

NOW = datetime(2026, 11, 25, 20, 0, tzinfo=timezone(timedelta(hours=8)))
FORMS = ("docx_assessment", "pdf_assessment", "xlsx_assessment")
HOSTILE = (
    "<script>alert(1)</script>", "=HYPERLINK(\"http://x\")", '#read("/etc/passwd")', "a & b \"quoted\" 'single'", "表情 😀 与 ‮RTL",
    "字" * 500, "{{ 7*7 }} ${x}", "line\nbreak\x00\x07",
)  # fmt: skip


def _record(number: int, verdict: Verdict | None, text: str = "核查配置，满足要求") -> Record:
    return Record(
        f"T{number % 3:03}", f"L3-CES1-{number:02}", f"8.1.4.1 {'abc'[number % 3]})", "CES", Text("身份鉴别", "Identity authentication"),
        Text("每个登录者都有独一无二的标识。", "Everyone who logs in has an identity of their own."), verdict, verdict,
        text if verdict else "", False, (Text("核查", "Examine"),), ("E-00012 配置截图",) if verdict else (), "孙测",
    )  # fmt: skip


def report(*, closed: bool = True, records: int = 12, text: str = "核查配置，满足要求") -> AssessmentReport:
    """A small level-3 assessment."""
    found = [
        _record(n, None if n % 6 == 5 else Verdict.NON_COMPLIANT if n % 6 == 4 else Verdict.COMPLIANT, text)
        for n in range(records)
    ]
    counts = Counts.tally(one.verdict for one in found)
    return AssessmentReport(
        meta=ReportMeta(Text("自评估报告", "Self-assessment"), "SYS-20261125-01", NOW, "secops 0.1.0", "5895b8c88b15", rule_sets=(RuleSet(Text("集合规则", "set rule"), "1", False),)),
        system=SystemInfo("行政审批系统", "政务服务局", 3, "S3A3G3", Text("政务云", "government cloud"), code="SYS"),
        number="SYS-2026-01", title="年度自评估", begins_on=date(2026, 11, 2), ends_on=None, closed_at=NOW if closed else None, lead="李安",
        assessors=("孙测",), units=211,
        conclusion=Conclusion(Text("2025 版报告模板", "2025 template"), "基本符合", Decimal("88.15"), None, 2, 1, 1, 0, None, (Text("再有 4 项符合即达 90%", "four more items reach 90 %"),)),
        counts=counts, classes=(ClassLine("CES", Text("安全计算环境", "Secure computing environment"), counts, Decimal("80.00"), True),),
        points=(PointLine(Text("安全计算环境", "Secure computing environment"), "8.1.4.1", Text("身份鉴别", "Identity"), Verdict.PARTIAL, Decimal("7.50")),),
        targets=tuple(Target(f"T{n:03}", Text.same(f"主机 {n}"), Text("服务器", "Server"), "10.0.0.1", Importance.KEY if n else None, Text("重要性", "importance")) for n in range(3)),
        records=tuple(found),
        gaps=(Gap("L3-CES1-04", Text("身份鉴别", "Identity"), Text("口令定期更换。", "Passwords change."), Layer.APPLICATION, ("T001",), Verdict.NON_COMPLIANT, Text("高", "High"), ("6.4.1.1",), True, False, text, 12000),),
        made_good=(MadeGood("L3-CES1-05", "T002", "L3-ABS1-01", Verdict.PARTIAL, "边界已隔离"),),
        given=(Given("L3-PES1-01", Text("不适用：没有自有机房", "not applicable: no room of its own")),), items_not_examined=2,
    )  # fmt: skip


def _text(name: str, content: bytes) -> str:
    if name.startswith("pdf"):
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    if name.startswith("docx"):
        document = docx.Document(io.BytesIO(content))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(one.text for one in document.paragraphs), *cells])
    book = openpyxl.load_workbook(io.BytesIO(content))
    return "\n".join(
        str(cell.value)
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    )


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_form_tells_the_result(name: str, language: str) -> None:
    """Conclusion, shortfall and a record stand in each form and language, and bytes are the same each time."""
    rendered = renderer(name).render(report(), language=language)
    again = renderer(name).render(report(), language=language)
    assert rendered.content == again.content
    text = _text(name, rendered.content)
    text = "".join(text.split())  # a PDF breaks words where the line ends
    for words in ("基本符合", "L3-CES1-04", "核查配置，满足要求", "SYS-2026-01"):
        assert words in text
    assert ("不符合" if language == "zh" else "Non-compliant") in text
    assert ("未检查" if language == "zh" else "Notexamined") in text


@pytest.mark.parametrize("name", FORMS)
def test_what_people_type_stays_text(name: str) -> None:
    """Mark-up, formulas, template code, odd characters and a word of 500 characters are printed, never obeyed."""
    for words in HOSTILE:
        hostile = replace(report(text=words), system=replace(report().system, name=words[:80] or "x"))
        content = renderer(name).render(hostile).content
        assert content
        if name.startswith("xlsx"):
            book = openpyxl.load_workbook(io.BytesIO(content))
            assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
        if name.startswith("docx"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                assert "HYPERLINK" not in "".join(part for part in archive.namelist() if "rels" in part)
    assert "root:" not in _text(name, renderer(name).render(report(text='#read("/etc/passwd")')).content)


def test_a_running_assessment_is_a_draft() -> None:
    """Head and cover say so; a closed one that was mostly examined does not."""
    assert build_document(report(closed=False), Language.ZH).draft == "草稿"
    assert build_document(report(), Language.EN).draft == ""
    assert "草稿" in _text("pdf_assessment", renderer("pdf_assessment").render(report(closed=False)).content)


def test_the_chapters_stand_in_order() -> None:
    """Numbered chapters as in the template, unnumbered front matter and annexes."""
    blocks = build_document(report(), Language.ZH).blocks
    chapters = [one.words for one in blocks if isinstance(one, Heading) and one.level == 1 and one.numbered]
    assert chapters == [
        "测评项目概述",
        "被测对象描述",
        "单项测评结果",
        "整体测评",
        "安全问题与风险分析",
        "总体评价",
        "测评结论",
        "整改建议",
    ]


def test_every_record_is_printed_once() -> None:
    """As many lines in the annex as there are cells, each with its state."""
    blocks = build_document(report(records=30), Language.ZH).blocks
    tables = [
        one for one in blocks if isinstance(one, Table) and one.heads[-1] == "判定" and len(one.heads) == 6
    ]
    rows = [row for table in tables for row in table.rows]
    assert len(rows) == 30
    assert all(isinstance(row[-1], State) for row in rows)


def test_an_empty_one_says_why() -> None:
    """Nothing decided: no figure, a reason, and no table without rows."""
    none = replace(
        report(closed=False, records=0), gaps=(), made_good=(), given=(), points=(), targets=(), counts=Counts(),
        conclusion=Conclusion(Text("2025", "2025"), "", None, None, 0, 0, 0, 0, Text("还没有可计分的测评项。", "Nothing to score."), ()),
    )  # fmt: skip
    for name in FORMS:
        text = _text(name, renderer(name).render(none).content)
        assert "还没有可计分的测评项" in text or name.startswith("xlsx")


def test_another_language_is_refused() -> None:
    """Only two exist."""
    with pytest.raises(UnknownLanguage):
        renderer("pdf_assessment").render(report(), language="fr")
