"""Classification report: both sides with their harms; a level without a record says so and is a draft."""

from __future__ import annotations

from reports.blocks import Heading, Table
from reports.classification.document import build_document
from reports.read_model import Language
from tests.unit.reports.papers.models import classification


def test_every_harm_is_told() -> None:
    """Two kinds of information, one service, each with who is harmed how badly."""
    tables = [one for one in build_document(classification(), Language.ZH).blocks if isinstance(one, Table)]
    by_sheet = {one.sheet: one for one in tables}
    assert len(by_sheet["业务信息安全（S）"].rows) == 2
    assert len(by_sheet["系统服务安全（A）"].rows) == 1
    assert by_sheet["等级"].rows[-1][1] == "第三级 S3A3G3"


def test_a_level_without_a_record() -> None:
    """Nothing tells what it rests on: a draft that says why, and no table of harms."""
    document = build_document(classification(recorded=False), Language.EN)
    assert document.draft == "DRAFT"
    assert any("no record of a classification" in box.words for box in document.boxes)
    assert not [one for one in document.blocks if isinstance(one, Table) and one.caption == "Matrix"]


def test_chapters() -> None:
    """The object, the level, what follows, the rules."""
    blocks = build_document(classification(), Language.EN).blocks
    chapters = [one.words for one in blocks if isinstance(one, Heading) and one.level == 1]
    assert chapters == ["The object", "How the level was found", "What follows", "Rules that were used"]
