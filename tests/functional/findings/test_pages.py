"""The pages of findings through the application: list, page, and the steps of remediation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.findings.models import Finding, FindingEvent, FindingState, Measure
from secops.objects.models import Asset, System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import ClientAs, add_person

READERS = (Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR, Role.LEADER)


@pytest.fixture
def found(rows: Rows) -> dict[str, int]:
    """Two departments with a system each; three findings in the first, one in the second."""
    one, two = two_departments(rows)
    system, other = (
        rows.one(System, department_id=one, name="审批平台"),
        rows.one(System, department_id=two, name="公文交换"),
    )
    host = rows.one(Asset, system_id=system, name="审批主机")
    base = {"system_id": system, "asset_id": host, "units": ["L3-CES1-01"]}
    late = utc_now().date() - timedelta(days=3)
    soon = utc_now().date() + timedelta(days=30)
    high = rows.one(
        Finding,
        **base,
        key="a",
        severity="high",
        state="open",
        suggested_due=soon,
        title={"zh": "弱口令", "en": "Weak password"},
    )
    rows.one(
        Finding,
        **base,
        key="b",
        severity="low",
        state="planned",
        due=late,
        layer="data",
        title={"zh": "日志缺失", "en": "No log"},
    )
    rows.one(
        Finding,
        **base,
        key="c",
        severity="low",
        state="closed",
        due=late,
        title={"zh": "旧问题", "en": "Closed one"},
    )
    foreign = rows.one(Finding, system_id=other, key="d", title={"zh": "别处", "en": "Elsewhere"})
    return {"department": one, "system": system, "other": other, "high": high, "foreign": foreign}


@pytest.mark.parametrize("role", READERS)
def test_everybody_with_business_reads_list_and_page(
    client_as: ClientAs, found: dict[str, int], role: Role
) -> None:
    """List and page open for each business role."""
    client = client_as(role)
    assert "弱口令" in client.get("/findings/").text
    assert f"P-{found['high']:05}" in client.get(f"/findings/{found['high']}").text


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_administrators_see_no_finding(client_as: ClientAs, found: dict[str, int], role: Role) -> None:
    """The three administrators are refused list, page and export."""
    client = client_as(role)
    for url in ("/findings/", f"/findings/{found['high']}", "/findings/export?format=csv"):
        assert client.get(url).status_code == 403


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("severity=high", "弱口令", "日志缺失"),
        ("layer=data", "日志缺失", "弱口令"),
        ("overdue=1", "日志缺失", "弱口令"),
        ("open=1", "弱口令", "旧问题"),
        ("state=closed", "旧问题", "弱口令"),
        ("system={system}", "弱口令", "别处"),
        ("system=公文", "别处", "弱口令"),
        ("department={department}", "弱口令", "别处"),
        ("unit=L3-CES1-01", "弱口令", "nothing"),
        ("q=P-{high:05}", "弱口令", "日志缺失"),
        ("q=weak", "弱口令", "日志缺失"),
    ],
)
def test_filters_narrow_the_list(
    client_as: ClientAs, found: dict[str, int], query: str, shown: str, hidden: str
) -> None:
    """Each filter of the address keeps what fits and nothing else."""
    text = client_as(Role.OFFICER).get("/findings/?" + query.format(**found)).text
    assert shown in text
    assert hidden not in text


def test_figures_are_those_of_their_lists(client_as: ClientAs, found: dict[str, int]) -> None:
    """The tiles say how many rows the list behind each holds, in this person's scope."""
    text = plain(client_as(Role.CONTACT, department_id=found["department"]).get("/findings/").text)
    assert "未关闭 2" in text
    assert "其中高 1" in text
    assert "已逾期 1" in text
    assert "已关闭 1" in text


def test_export_holds_the_filtered_set(
    client_as: ClientAs, platform: Platform, found: dict[str, int]
) -> None:
    """The CSV has the rows of the filter, and the export is on record."""
    answer = client_as(Role.INSPECTOR).get("/findings/export?format=csv&severity=high")
    assert answer.status_code == 200
    assert "弱口令" in answer.text
    assert "日志缺失" not in answer.text
    assert last_event(platform, "table.export").object_id == "findings"


@pytest.mark.parametrize("method", ["get", "post"])
def test_foreign_and_missing_look_the_same(client_as: ClientAs, found: dict[str, int], method: str) -> None:
    """A finding of another department and one that does not exist both answer 404."""
    client = client_as(Role.CONTACT, department_id=found["department"])
    ending = "/act" if method == "post" else ""
    for number in (found["foreign"], 99999):
        assert getattr(client, method)(f"/findings/{number}{ending}").status_code == 404


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform) -> None:
    """The list needs as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    for small, large in counts_small_and_large(client, platform.engine, "/findings/").values():
        assert small == large <= 9


def _plan(version: int = 1, **changes: Any) -> dict[str, Any]:
    soon = (utc_now() + timedelta(days=10)).date().isoformat()
    return {
        "action": "plan",
        "version": version,
        "measure": "启用口令复杂度",
        "owner": "owner",
        "due": soon,
        **changes,
    }


def _state(platform: Platform, number: int) -> FindingState:
    with platform.work("test:look") as session:
        return session.get_one(Finding, number).state


def test_a_plan_is_kept_and_on_record(client_as: ClientAs, platform: Platform, found: dict[str, int]) -> None:
    """Planning makes a measure, moves the state, adds history and audit events."""
    answer = client_as(Role.OFFICER).post(f"/findings/{found['high']}/act", _plan(cost="1200"))
    assert answer.status_code == 302
    with platform.work("test:look") as session:
        finding = session.get_one(Finding, found["high"])
        assert (finding.state, finding.owner) == (FindingState.PLANNED, "owner")
        assert session.query(Measure).one().cost == 1200
        assert session.query(FindingEvent).one().action == "plan"
    assert {"finding.plan", "measure.create"} <= set(audit_actions(platform))


@pytest.mark.parametrize(
    "changes", [{"measure": ""}, {"due": "2020-01-01"}, {"due": "soon"}, {"cost": "-1"}, {"owner": ""}]
)
def test_bad_input_is_kept_and_changes_nothing(
    client_as: ClientAs, platform: Platform, found: dict[str, int], changes: dict[str, str]
) -> None:
    """A wrong field is named, the other fields keep what was typed, the state stays."""
    answer = client_as(Role.OFFICER).post(
        f"/findings/{found['high']}/act", _plan(**({"measure": "保留的文字"} | changes))
    )
    assert answer.status_code == 400
    assert "field-error" in answer.text
    if "measure" not in changes:
        assert "保留的文字" in answer.text
    assert _state(platform, found["high"]) is FindingState.OPEN


def test_the_second_of_two_writers_is_told(
    client_as: ClientAs, platform: Platform, found: dict[str, int]
) -> None:
    """An old version answers 409, keeps the input and does not overwrite."""
    client = client_as(Role.OFFICER)
    note = {"action": "false-positive", "version": 1, "note-false-positive": "测试环境"}
    assert client.post(f"/findings/{found['high']}/act", _plan()).status_code == 302
    answer = client.post(f"/findings/{found['high']}/act", note)
    assert answer.status_code == 409
    assert "测试环境" in answer.text
    assert _state(platform, found["high"]) is FindingState.PLANNED


def test_words_are_asked_for(client_as: ClientAs, platform: Platform, found: dict[str, int]) -> None:
    """A step that needs a reason is not taken without one."""
    answer = client_as(Role.ASSESSOR).post(
        f"/findings/{found['high']}/act", {"action": "false-positive", "version": 1}
    )
    assert answer.status_code == 400
    assert "field-error" in answer.text
    assert _state(platform, found["high"]) is FindingState.OPEN


def test_buttons_are_exactly_the_possible_steps(client_as: ClientAs, found: dict[str, int]) -> None:
    """An owner sees no button of a judge; an inspector sees none at all."""
    url = f"/findings/{found['high']}"
    officer, owner, inspector = (
        client_as(role).get(url).text for role in (Role.OFFICER, Role.OWNER, Role.INSPECTOR)
    )
    assert 'value="false-positive"' in officer
    assert 'value="plan"' in owner
    assert 'value="false-positive"' not in owner
    assert 'name="action"' not in inspector


def test_a_step_of_another_role_is_refused(
    client_as: ClientAs, platform: Platform, found: dict[str, int]
) -> None:
    """Who posts what the page does not offer is refused, and nothing changes."""
    note = {"action": "false-positive", "version": 1, "note-false-positive": "不是问题"}
    assert client_as(Role.OWNER).post(f"/findings/{found['high']}/act", note).status_code == 403
    assert client_as(Role.INSPECTOR).post(f"/findings/{found['high']}/act", note).status_code == 403
    assert _state(platform, found["high"]) is FindingState.OPEN


def test_owners_offered_are_those_of_the_system(
    client_as: ClientAs, platform: Platform, found: dict[str, int]
) -> None:
    """The plan offers people whose grant covers the system and nobody of another department."""
    mine = add_person(platform, Role.CONTACT, department_id=found["department"])
    with platform.work("test:look") as session:
        other = session.get_one(System, found["other"]).department_id
    theirs = add_person(platform, Role.CONTACT, department_id=other)
    text = client_as(Role.OFFICER).get(f"/findings/{found['high']}").text
    assert f'value="{mine}"' in text
    assert f'value="{theirs}"' not in text
