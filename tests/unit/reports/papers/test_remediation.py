"""Remediation: figures of the parts add up, long lists of a district are cut on paper only."""

from __future__ import annotations

import pytest

from reports.blocks import Heading, State, Table
from reports.read_model import Language
from reports.remediation.document import build_document
from reports.remediation.model import Tally
from tests.unit.reports.papers.models import remediation


def _tables(many: int, *, district: bool = False) -> list[Table]:
    document = build_document(remediation(many=many, district=district), Language.ZH)
    return [one for one in document.blocks if isinstance(one, Table)]


def test_every_breakdown_adds_up() -> None:
    """Layers, systems, owners and states each add up to all findings."""
    by_sheet = {one.sheet: one for one in _tables(30, district=True)}
    for name in ("按层面", "按系统", "按责任人"):
        assert sum(row[1] for row in by_sheet[name].rows if isinstance(row[1], int)) == 30
    assert sum(row[4] for row in by_sheet["按状态"].rows if isinstance(row[4], int)) == 30


def test_every_open_finding_stands_in_its_layer() -> None:
    """The plan names each open finding once, with its severity as a tag."""
    plan = [one for one in _tables(30) if one.caption.endswith("层面待整改问题")]
    rows = [row for table in plan for row in table.rows]
    assert len(rows) == Tally.of(remediation(many=30).problems).open
    assert all(isinstance(row[2], State) for row in rows)


@pytest.mark.parametrize("many", [0, 1000])
def test_the_workbook_has_all(many: int) -> None:
    """Paper shows the first of a long list and says how many follow; an empty one says so."""
    tables = _tables(many)
    (whole,) = [one for one in tables if one.sheet == "全部问题"]
    assert len(whole.rows) == many
    assert all(len(one.rows) <= 120 for one in tables if not one.sheet_only)
    assert all(one.nothing for one in tables)


def test_chapters() -> None:
    """Progress, overdue, plan, measures, settled, how it was counted."""
    blocks = build_document(remediation(), Language.EN).blocks
    chapters = [one.words for one in blocks if isinstance(one, Heading) and one.level == 1]
    assert chapters == ["Progress", "Overdue findings", "Plan", "Measures", "Settled findings", "How this was counted"]  # fmt: skip
