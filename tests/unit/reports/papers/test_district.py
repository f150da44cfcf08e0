"""District overview: the first chapter is one page, matters are named, long lists are cut on paper only."""

from __future__ import annotations

import io

import pypdf

from reports.blocks import Bullets, Table
from reports.district.document import build_document
from reports.read_model import Language
from reports.registry import renderer
from tests.unit.reports.papers.models import district


def test_the_leaders_page_is_one_page() -> None:
    """The first chapter ends on the page where it begins, in both languages, with many long names."""
    for language, first, second in (
        ("zh", "一页概览", "等级、备案与测评"),
        ("en", "One page", "Levels, filing"),
    ):
        content = renderer("pdf_district").render(district("名称很长的区级业务系统" * 3, many=60), language=language).content  # fmt: skip
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
        assert first in pages[2]
        assert second in pages[3]


def test_what_needs_attention_is_named() -> None:
    """Each group with its number and the first names."""
    blocks = build_document(district("审批平台"), Language.ZH).blocks
    matters = next(one for one in blocks if isinstance(one, Bullets)).lines
    assert any(one.startswith("应备案未备案 1 个：审批平台") for one in matters)
    assert any(one.startswith("未定级 2 个") for one in matters)
    assert any("本平台自身" in one for one in matters)


def test_the_workbook_has_all_systems() -> None:
    """A thousand systems: three hundred on paper."""
    tables = [
        one for one in build_document(district(many=1000), Language.ZH).blocks if isinstance(one, Table)
    ]
    systems = {one.sheet_only: len(one.rows) for one in tables if one.caption == "系统清单"}
    assert systems == {False: 300, True: 1000}
