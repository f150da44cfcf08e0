"""What the registers say beside an item: shares, gaps, and silence where nothing is registered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.inventory.models import DataCategory, DataFlow, Filing, KeyPost, Policy, Release
from secops.inventory.notes import _ASKED
from secops.objects.models import Classification, Department, System
from tests.support.builders import Rows
from tests.support.page_checks import plain
from tests.support.platforms import Client, ClientAs

TODAY = utc_now().date()
GONE = date(2020, 1, 1)


@pytest.fixture
def system(rows: Rows) -> int:
    department = rows.one(Department, leader="")
    return rows.one(System, department_id=department, code="SYS", level=3, profile="S3A3G3", filing_number="")


def _says(client: Client, system: int, unit: str) -> str:
    return plain(client.get(f"/systems/{system}/items/{unit}").text)


def test_nothing_registered_is_no_verdict(client_as: ClientAs, system: int) -> None:
    """Every unit with a word of a register opens and says that nothing is there, or that something lacks."""
    officer = client_as(Role.OFFICER)
    for unit in _ASKED:
        words = _says(officer, system, unit)
        assert "登记的内容只是线索" in words
        assert "未登记" in words or "有缺口" in words, unit
    assert "登记的内容只是线索" not in _says(officer, system, "L3-PES1-01")


@pytest.mark.parametrize(
    ("unit", "model", "good", "bad", "words"),
    [
        ("L3-HRS1-02", KeyPost, {"checked_on": TODAY}, {"checked_on": None}, "在岗人员有背景审查记录：1/2"),
        ("L3-HRS1-06", KeyPost, {"trained_on": TODAY}, {"trained_on": GONE}, "在岗人员一年内接受过培训：1/2"),
        ("L3-HRS1-04", KeyPost, {"left_on": TODAY, "access_ended_on": TODAY}, {"left_on": TODAY, "access_ended_on": TODAY + timedelta(3)}, "离岗人员的权限当日终止：1/2"),
        ("L3-PSS1-07", Policy, {"state": "in-force", "reviewed_on": TODAY, "review_months": 12}, {"state": "in-force", "reviewed_on": GONE, "review_months": 12}, "现行制度在评审周期内：1/2"),
        ("L3-CMS1-25", Release, {"released_on": TODAY, "penetration_on": TODAY}, {"released_on": TODAY, "penetration_on": None}, "上线前做过渗透测试的版本：1/2"),
        ("L3-CES1-28", DataCategory, {"grade": "important", "protection": "SM4"}, {"grade": "core", "protection": ""}, "重要或敏感数据写明密码保护措施：1/2"),
        ("L3-CES1-27", DataFlow, {"across": True, "encryption": "TLCP"}, {"across": True, "encryption": ""}, "数据流转在限值内，跨部门的已加密：1/2"),
    ],
)  # fmt: skip
def test_a_share_of_the_rows_and_a_gap(
    client_as: ClientAs, rows: Rows, system: int, unit: str, model: type, good: dict[str, Any], bad: dict[str, Any], words: str
) -> None:  # fmt: skip
    """One row that holds and one that lacks: half, shown as a gap; rows of another department don't count."""
    extra = {} if hasattr(model, "system_id") else {"department_id": 2}
    for values in (good, bad):
        rows.one(model, **{"system_id": system} if hasattr(model, "system_id") else extra, **values)
    other = rows.one(Department)
    if not hasattr(model, "system_id"):
        rows.one(model, department_id=other, **bad)
    found = _says(client_as(Role.OFFICER), system, unit)
    assert words in found
    assert "有缺口" in found


def test_classification_and_filing_are_told(client_as: ClientAs, rows: Rows, system: int) -> None:
    """Reasons, expert review and the state of the filing stand beside their items."""
    rows.one(
        Classification, system_id=system, level=3, profile="S3A3G3", reason="影响面大",
        detail={"expert": "2026-10 专家评审通过"}, decided_at=utc_now(),
    )  # fmt: skip
    rows.one(Filing, system_id=system, kind="first", number="")
    officer = client_as(Role.OFFICER)
    assert "定级为 S3A3G3" in _says(officer, system, "L3-CMS1-01")
    assert "2026-10 专家评审通过" in _says(officer, system, "L3-CMS1-02")
    assert "定级记录中没有主管部门审批" in _says(officer, system, "L3-CMS1-03")
    assert "已提交，尚无证明编号" in _says(officer, system, "L3-CMS1-04")
