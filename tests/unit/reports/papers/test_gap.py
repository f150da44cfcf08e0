"""Gap analysis: every item stands in the workbook once, every gap and every unexamined one on paper."""

from __future__ import annotations

from reports.blocks import State, Table
from reports.gap.document import build_document
from reports.read_model import Language
from tests.unit.reports.papers.models import gap


def test_each_item_stands_where_it_belongs() -> None:
    """Two gaps, forty unexamined, a hundred in the workbook, with a sign each."""
    report = gap()
    tables = [one for one in build_document(report, Language.ZH).blocks if isinstance(one, Table)]
    by_caption = {one.caption: one for one in tables}
    assert len(by_caption["安全计算环境：差距"].rows) == 2
    assert len(by_caption["安全计算环境：未检查"].rows) == 40
    whole = by_caption["全部要求项"]
    assert len(whole.rows) == 100
    keys = [row[6].key for row in whole.rows if isinstance(row[6], State)]
    assert {key: keys.count(key) for key in set(keys)} == {
        "compliant": 57, "non_compliant": 1, "partial": 1, "na": 1, "not_examined": 40
    }  # fmt: skip


def test_a_long_list_of_targets_is_cut_on_paper() -> None:
    """Seven targets: five are named, the rest counted."""
    tables = [one for one in build_document(gap(), Language.EN).blocks if isinstance(one, Table)]
    (gaps,) = [one for one in tables if one.caption.endswith(": gaps")]
    assert str(gaps.rows[0][4]).endswith("2 more targets")


def test_every_item_not_examined_has_its_reason() -> None:
    """No unexamined line without words."""
    tables = [
        one for one in build_document(gap("没有登记对象"), Language.ZH).blocks if isinstance(one, Table)
    ]
    (open_ones,) = [one for one in tables if one.caption.endswith("：未检查")]
    assert all("没有登记对象" in str(row[3]) for row in open_ones.rows)
