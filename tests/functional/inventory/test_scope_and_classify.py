"""Applicability with exclusions by two people, and the classification wizard against the command line's answer."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from controls.grading import classify
from controls.terms import Degree, HarmObject
from secops.accounts.models import Role
from secops.objects.models import Classification, System
from secops.platform import Platform
from secops.posture.models import PostureCell
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions, plain, queries_of
from tests.support.platforms import ClientAs

UNIT = "L3-CES1-01"


@pytest.fixture
def system(rows: Rows) -> int:
    return rows.one(System, code="SYS", level=3, profile="S3A3G3")


def _verdicts(platform: Platform, system_id: int) -> list[str | None]:
    with platform.work("test:look") as session:
        query = select(PostureCell.verdict).where(
            PostureCell.system_id == system_id, PostureCell.unit_id == UNIT
        )
        return list(session.scalars(query))


def test_an_exclusion_takes_two_people(client_as: ClientAs, platform: Platform, system: int) -> None:
    """Asked by one, approved by another; only then the posture says not applicable, with the reason."""
    owner, officer = client_as(Role.OWNER, system_id=system), client_as(Role.OFFICER)
    where = f"/systems/{system}/scope"
    asked = owner.post(f"{where}/exclude", data={"ids": [UNIT]})
    assert "申请不适用" in plain(asked.text)
    short = owner.post(f"{where}/exclude", data={"ids": [UNIT], "reason": "无"})
    assert short.status_code == 400
    done = owner.post(f"{where}/exclude", data={"ids": [UNIT], "reason": "系统没有此类设备"})
    assert done.status_code == 302
    assert "待批准" in plain(officer.get(f"{where}?state=asked").text)
    owner.post(f"{where}/1/decide", data={"decision": "approve"})
    assert _verdicts(platform, system) == []
    officer.post(f"{where}/1/decide", data={"decision": "approve"})
    assert _verdicts(platform, system) == ["na"]
    assert "系统没有此类设备" in plain(officer.get(f"{where}?state=excluded").text)
    owner.post(f"{where}/1/decide", data={"decision": "withdraw", "reason": "新增了设备"})
    assert _verdicts(platform, system) == [None]
    for action in ("exclusion.request", "exclusion.approve", "exclusion.withdraw"):
        assert action in audit_actions(platform)


def test_nobody_approves_the_own_request(client_as: ClientAs, platform: Platform, system: int) -> None:
    """An officer who asked leaves the decision to another."""
    officer = client_as(Role.OFFICER)
    where = f"/systems/{system}/scope"
    officer.post(f"{where}/exclude", data={"ids": [UNIT], "reason": "系统没有此类设备"})
    answer = officer.post(f"{where}/1/decide", data={"decision": "approve"}, follow_redirects=True)
    assert "申请人不能审批自己的申请" in plain(answer.text)
    refused = client_as(Role.OFFICER).post(
        f"{where}/1/decide", data={"decision": "refuse", "reason": "有此类设备"}, follow_redirects=True
    )
    assert "已拒绝" in plain(refused.text)


def test_what_another_level_would_change(client_as: ClientAs, platform: Platform, system: int) -> None:
    """The page compares by requirement: level 2 asks less, cloud asks more."""
    officer = client_as(Role.OFFICER)
    words = plain(officer.get(f"/systems/{system}/scope?profile=S2A2G2").text)
    assert "减少的要求" in words
    words = plain(officer.get(f"/systems/{system}/scope?profile=S3A3G3&extensions=cloud").text)
    assert "增加的要求" in words
    assert "级别写作" in plain(officer.get(f"/systems/{system}/scope?profile=X1").text)
    assert queries_of(officer, platform.engine, f"/systems/{system}/scope") <= 10


def _answers(business: dict[str, str], service: dict[str, str], **more: str) -> dict[str, str]:
    form = {
        "business_count": "1",
        "service_count": "1",
        "rule_set": "gbt-22240-2020",
        "action": "save",
        "reason": "影响面较大",
    }
    form |= {f"business_0_{harm}": degree for harm, degree in business.items()}
    form |= {f"service_0_{harm}": degree for harm, degree in service.items()}
    return form | more


@pytest.mark.parametrize("rule_set", ["gbt-22240-2020", "filing-form-2025"])
def test_the_wizard_gives_what_the_command_gives(
    client_as: ClientAs, platform: Platform, rows: Rows, rule_set: str
) -> None:
    """Every cell of both matrices, against the function behind ``secops classify``."""
    officer = client_as(Role.OFFICER)
    for harm in HarmObject:
        for degree in Degree:
            wanted = classify(rule_set, [(harm.value, degree.value)], [("citizens", "general")])
            system = rows.one(System, level=None, profile="")
            answer = officer.post(
                f"/systems/{system}/classify",
                data=_answers({harm.value: degree.value}, {"citizens": "general"}, rule_set=rule_set),
            )
            if wanted.level > 4:
                assert answer.status_code == 400
                assert "第五级" in plain(answer.text)
                continue
            assert answer.status_code == 302
            with platform.work("test:look") as session:
                found = session.get_one(System, system)
                assert (found.level, found.profile) == (wanted.level, str(wanted.profile))


def test_several_kinds_count_the_highest_and_are_kept(
    client_as: ClientAs, platform: Platform, rows: Rows
) -> None:
    """Two kinds of information: the graver decides, both stay on record with their names."""
    system = rows.one(System, level=None, profile="")
    form = _answers({"citizens": "general"}, {"public": "severe"}, expert="2026-10-12 三名专家同意")
    form |= {
        "business_count": "2",
        "business_0_name": "公开信息",
        "business_1_name": "居民档案",
        "business_1_public": "severe",
    }
    assert client_as(Role.OFFICER).post(f"/systems/{system}/classify", data=form).status_code == 302
    with platform.work("test:look") as session:
        row = session.scalars(select(Classification).where(Classification.system_id == system)).one()
        assert (row.s_level, row.a_level) == (3, 3)
        assert [one["name"] for one in row.detail["business"]] == ["公开信息", "居民档案"]
        assert row.detail["expert"] == "2026-10-12 三名专家同意"


def test_working_it_out_changes_nothing(client_as: ClientAs, platform: Platform, rows: Rows) -> None:
    """The trial shows level, both rule sets, dates and items, and keeps what was typed; one more kind adds fields."""
    system = rows.one(System, level=2, profile="S2A2G2")
    officer = client_as(Role.OFFICER)
    form = _answers(
        {"national": "general"}, {"citizens": "general"}, action="calc", business_0_name="户籍数据"
    )
    page = officer.post(f"/systems/{system}/classify", data=form)
    words = plain(page.text)
    assert page.status_code == 200
    for part in ("第三级", "两套规则的结果", "接下来的期限", "比现在多"):
        assert part in words
    assert "户籍数据" in page.text
    more = officer.post(f"/systems/{system}/classify", data={**form, "action": "more-service"})
    assert 'name="service_1_name"' in more.text
    with platform.work("test:look") as session:
        assert session.get_one(System, system).level == 2


def test_below_a_minimum_it_takes_an_approval(client_as: ClientAs, rows: Rows) -> None:
    """A platform that carries level 3 and comes out at 2 needs who approved it."""
    system = rows.one(System, level=None, profile="")
    officer = client_as(Role.OFFICER)
    form = _answers({"public": "general"}, {"public": "general"}, carried="3")
    answer = officer.post(f"/systems/{system}/classify", data=form)
    assert answer.status_code == 400
    assert "低于最低等级规则" in plain(answer.text)
    assert (
        officer.post(f"/systems/{system}/classify", data={**form, "approval": "市局批复 12 号"}).status_code
        == 302
    )


def test_nothing_chosen_is_told_at_the_field(client_as: ClientAs, rows: Rows) -> None:
    """An empty wizard says what is missing, and saves nothing."""
    system = rows.one(System, level=None, profile="")
    answer = client_as(Role.OFFICER).post(f"/systems/{system}/classify", data=_answers({}, {}))
    assert answer.status_code == 400
    assert plain(answer.text).count("请至少为一个客体选择损害程度") == 2
