"""A limit exceeded is a finding that lives and dies with the register."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from secops.accounts.models import Role
from secops.findings.models import Finding, FindingState, Severity
from secops.objects.models import System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions, plain
from tests.support.platforms import Client, ClientAs

FLOW = {
    "system": "SYS", "name": "人口数据共享", "source": "公安分局", "target": "政数局", "across": "1",
    "frequency_limit": "10", "frequency_seen": "25", "volume_limit": "100", "volume_seen": "40", "encryption": "TLCP",
}  # fmt: skip


@pytest.fixture
def officer(client_as: ClientAs, rows: Rows) -> Client:
    rows.one(System, code="SYS", level=3, profile="S3A3G3")
    return client_as(Role.OFFICER)


def _findings(platform: Platform) -> list[Finding]:
    with platform.work("test:look") as session:
        found = list(session.scalars(select(Finding).order_by(Finding.id)))
        session.expunge_all()
        return found


def _edit(officer: Client, version: int, **more: Any) -> None:
    answer = officer.post("/registers/flows/1/edit", data={**FLOW, "version": str(version), **more})
    assert answer.status_code == 302, plain(answer.text)


def test_over_the_limit_back_and_over_again(officer: Client, platform: Platform) -> None:
    """One finding for one measure: opened, closed when the flow fits again, reopened with its history."""
    assert officer.post("/registers/flows/new", data=FLOW).status_code == 302
    [finding] = _findings(platform)
    assert (finding.state, finding.severity, finding.layer, finding.asset_id) == (
        FindingState.OPEN,
        Severity.HIGH,
        "data",
        None,
    )
    assert finding.units == ["L3-CES1-27"]
    assert "实测 25 次/日，上限 10 次/日" in finding.observed["zh"]

    page = plain(officer.get(f"/findings/{finding.id}").text)
    for part in ("数据流转频次超限", "人口数据共享", "跨部门流转按高处理"):
        assert part in page
    assert "数据流转频次超限" in plain(officer.get("/findings/").text)
    assert "问题 1" in plain(officer.get("/layers/data/").text)

    _edit(officer, 1, frequency_seen="5")
    [finding] = _findings(platform)
    assert finding.state is FindingState.CLOSED
    _edit(officer, 2, frequency_seen="30", volume_seen="500")
    again, volume = _findings(platform)
    assert (again.id, again.state) == (finding.id, FindingState.OPEN)
    assert volume.title["zh"] == "数据流转数量超限"
    for action in ("finding.open", "finding.register-fits", "finding.reopen"):
        assert action in audit_actions(platform)


def test_a_flow_that_is_removed_closes_its_findings(officer: Client, platform: Platform) -> None:
    """Nothing stays open for a flow that is no longer registered."""
    officer.post("/registers/flows/new", data=FLOW)
    officer.post("/registers/flows/1/remove", data={"reason": "已停止共享"})
    assert [finding.state for finding in _findings(platform)] == [FindingState.CLOSED]


def test_what_a_person_judged_stays(officer: Client, platform: Platform) -> None:
    """A false positive is not closed or reopened by the register."""
    officer.post("/registers/flows/new", data=FLOW)
    answer = officer.post(
        "/findings/1/act",
        data={"action": "false-positive", "version": "1", "note-false-positive": "限值登记有误"},
    )
    assert answer.status_code == 302
    _edit(officer, 1, frequency_seen="5")
    _edit(officer, 2, frequency_seen="60")
    assert [finding.state for finding in _findings(platform)] == [FindingState.FALSE_POSITIVE]


def test_no_retest_is_offered_where_no_scan_can_look(officer: Client, platform: Platform) -> None:
    """The register closes such a finding, so the page offers no retest."""
    officer.post("/registers/flows/new", data=FLOW)
    page = officer.get("/findings/1").text
    assert "act-retest" not in page
