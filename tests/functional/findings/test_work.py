"""Board, inbox, steps for many, findings by hand and papers, through the application."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence.models import Evidence
from secops.findings.models import (
    Finding,
    FindingEvidence,
    FindingRequest,
    FindingSource,
    FindingState,
    Measure,
    RequestState,
)
from secops.objects.models import System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions, counts_small_and_large, plain, two_departments
from tests.support.platforms import ClientAs


def _day(ahead: int) -> str:
    return (utc_now() + timedelta(days=ahead)).date().isoformat()


def _get(platform: Platform, number: int) -> Finding:
    with platform.work("test:look") as session:
        return session.get_one(Finding, number)


@pytest.fixture
def system(rows: Rows) -> int:
    one, _ = two_departments(rows)
    return rows.one(System, department_id=one, name="审批平台", level=3, profile="S3A3G3", extensions=[])


def test_a_finding_is_written_down_by_hand(client_as: ClientAs, platform: Platform, system: int) -> None:
    """First the system, then the words; the same words twice are refused with the number of the first."""
    client = client_as(Role.OFFICER)
    page = client.post("/findings/new", {"step": "system", "system": str(system)})
    assert 'name="observed"' in page.text
    data = {
        "system": str(system), "kind": "manual", "title": "管理后台可从互联网访问", "observed": "从外网打开了登录页",
        "severity": "high", "layer": "application", "units": "L3-CES1-01，L3-CES1-02",
    }  # fmt: skip
    answer = client.post("/findings/new", data)
    assert answer.status_code == 302
    with platform.work("test:look") as session:
        finding = session.scalars(select(Finding)).one()
        assert (finding.source, finding.state) == (FindingSource.MANUAL, FindingState.OPEN)
        assert finding.units == ["L3-CES1-01", "L3-CES1-02"]
        assert finding.suggested_due is not None
    assert "finding.open" in audit_actions(platform)
    again = client.post("/findings/new", data)
    assert again.status_code == 400
    assert f"P-{finding.id:05}" in again.text
    assert "从外网打开了登录页" in again.text
    assert "管理后台可从互联网访问" in client.get(f"/findings/{finding.id}").text


@pytest.mark.parametrize(
    "change",
    [{"title": ""}, {"severity": "x"}, {"layer": ""}, {"units": "L3-CES1-99"}, {"units": "L4-CES1-01"}, {"observed": ""},
     {"kind": "notice"}, {"kind": "notice", "issuer": "网信办", "reference": "1号", "deadline": "bald"}],
)  # fmt: skip
def test_bad_words_keep_what_was_typed(
    client_as: ClientAs, platform: Platform, system: int, change: dict[str, str]
) -> None:
    """A wrong field is named; nothing is written; the rest of the form is kept."""
    data = {
        "system": str(system), "kind": "manual", "title": "保留的标题", "observed": "看到了", "severity": "low",
        "layer": "data", "advice": "保留的建议", **change,
    }  # fmt: skip
    answer = client_as(Role.OFFICER).post("/findings/new", data)
    assert answer.status_code == 400
    assert "field-error" in answer.text
    assert "保留的建议" in answer.text
    with platform.work("test:look") as session:
        assert session.scalars(select(Finding)).all() == []


def test_a_notice_runs_to_its_closure(client_as: ClientAs, platform: Platform, system: int) -> None:
    """Written down with its deadline, fixed with proof, confirmed by another, closed with its letter."""
    officer, other = client_as(Role.OFFICER), client_as(Role.OFFICER)
    data = {
        "system": str(system), "kind": "notice", "title": "弱口令通报", "observed": "测试账号弱口令", "severity": "medium",
        "layer": "application", "issuer": "市网安支队", "reference": "〔2026〕12号", "deadline": _day(7),
    }  # fmt: skip
    assert officer.post("/findings/new", data).status_code == 302
    with platform.work("test:look") as session:
        number = session.scalars(select(Finding.id)).one()
    assert _get(platform, number).suggested_due == (utc_now() + timedelta(days=7)).date()
    url = f"/findings/{number}"
    plan = {"action": "plan", "measure": "修改口令并启用复杂度", "owner": officer.username, "due": _day(5)}
    for step in (plan, {"action": "submit", "note-submit": "已修改"}):
        assert (
            officer.post(f"{url}/act", {**step, "version": _get(platform, number).version}).status_code == 302
        )
    own = officer.post(
        f"{url}/act", {"action": "verify", "note-verify": "看过", "version": _get(platform, number).version}
    )
    assert own.status_code == 403
    step = {"action": "verify", "note-verify": "已登录核对", "version": _get(platform, number).version}
    assert other.post(f"{url}/act", step).status_code == 302
    early = other.post(f"{url}/act", {"action": "close", "version": _get(platform, number).version})
    assert early.status_code == 403
    assert "销号" in early.text
    paper = {"kind": "closure", "file": (io.BytesIO("同意销号".encode()), "销号通知.txt")}
    assert other.post(f"{url}/attach", paper, content_type="multipart/form-data").status_code == 302
    with platform.work("test:look") as session:
        row = session.scalars(select(FindingEvidence)).one()
        evidence = session.get_one(Evidence, row.evidence_id)
        assert (evidence.file_name, evidence.system_id) == ("销号通知.txt", system)
    assert "销号通知.txt" in other.get(url).text
    closed = other.post(f"{url}/act", {"action": "close", "version": _get(platform, number).version})
    assert closed.status_code == 302
    assert _get(platform, number).state is FindingState.CLOSED
    assert {"finding.attach", "finding.verify", "finding.close"} <= set(audit_actions(platform))


def test_papers_of_other_systems_are_not_there(
    client_as: ClientAs, platform: Platform, rows: Rows, system: int
) -> None:
    """Evidence of another system can't be attached, nor can nothing; the page says what is wrong."""
    number = rows.one(Finding, system_id=system)
    foreign = rows.one(Evidence, system_id=rows.one(System))
    client = client_as(Role.OFFICER)
    for data in (
        {"kind": "proof", "evidence": str(foreign)},
        {"kind": "proof"},
        {"kind": "x", "evidence": "1"},
    ):
        answer = client.post(f"/findings/{number}/attach", data)
        assert answer.status_code == 400
        assert "field-error" in answer.text
    own = rows.one(Evidence, system_id=system, blob_state="ok")
    assert (
        client.post(f"/findings/{number}/attach", {"kind": "proof", "evidence": str(own)}).status_code == 302
    )
    assert (
        client.post(f"/findings/{number}/attach", {"kind": "proof", "evidence": str(own)}).status_code == 400
    )


def test_an_acceptance_through_the_pages(
    client_as: ClientAs, platform: Platform, rows: Rows, system: int
) -> None:
    """The owner asks, the inbox of an officer shows it, the officer grants it; the asker sees no button to grant."""
    number = rows.one(
        Finding, system_id=system, state="open", source="manual", title={"zh": "老旧设备", "en": "Old box"}
    )
    owner = client_as(Role.OWNER, department_id=_get(platform, number).department_id)
    officer = client_as(Role.OFFICER)
    url = f"/findings/{number}"
    ask = {
        "action": "ask-acceptance", "version": "1", "note-ask-acceptance": "厂商停止支持", "until-ask-acceptance": _day(60),
        "compensation": "隔离到独立网段",
    }  # fmt: skip
    bad = owner.post(f"{url}/act", {**ask, "until-ask-acceptance": _day(-1)})
    assert bad.status_code == 400
    assert "厂商停止支持" in bad.text
    assert owner.post(f"{url}/act", ask).status_code == 302
    assert 'value="grant-acceptance"' not in owner.get(url).text
    inbox = officer.get("/inbox/").text
    assert "老旧设备" in inbox
    assert "等您决定" in inbox
    assert "等待他人决定" in owner.get("/inbox/").text
    page = officer.get(url).text
    assert 'value="grant-acceptance"' in page
    assert "隔离到独立网段" in page
    grant = {"action": "grant-acceptance", "version": str(_get(platform, number).version)}
    assert officer.post(f"{url}/act", grant).status_code == 302
    assert _get(platform, number).state is FindingState.RISK_ACCEPTED
    assert "等您决定" not in officer.get("/inbox/").text
    assert {"finding.ask-acceptance", "finding.grant-acceptance"} <= set(audit_actions(platform))


def test_a_request_is_taken_back_by_its_asker_alone(
    client_as: ClientAs, platform: Platform, rows: Rows, system: int
) -> None:
    """Another person's withdrawal changes nothing; a kind that does not exist is not found."""
    number = rows.one(Finding, system_id=system, state="open", source="manual")
    owner, officer = client_as(Role.OFFICER), client_as(Role.OFFICER)
    data = {
        "action": "ask-extension",
        "version": "1",
        "note-ask-extension": "等待采购",
        "until-ask-extension": _day(400),
    }
    assert owner.post(f"/findings/{number}/act", data).status_code == 302
    officer.post(f"/findings/{number}/withdraw", {"kind": "extension"})
    assert officer.post(f"/findings/{number}/withdraw", {"kind": "x"}).status_code == 404
    with platform.work("test:look") as session:
        assert session.scalars(select(FindingRequest.state)).one() is RequestState.ASKED
    owner.post(f"/findings/{number}/withdraw", {"kind": "extension"})
    with platform.work("test:look") as session:
        assert session.scalars(select(FindingRequest.state)).one() is RequestState.WITHDRAWN


def test_one_step_for_many(client_as: ClientAs, platform: Platform, rows: Rows, system: int) -> None:
    """Asked for first, then taken; what does not allow it is named; ids out of scope are not there."""
    open_ = rows.many(Finding, 3, system_id=system, state="open", source="manual")
    closed = rows.one(Finding, system_id=system, state="closed", key="closed")
    foreign = rows.one(Finding, system_id=rows.one(System), state="open", key="foreign")
    department = _get(platform, closed).department_id
    client = client_as(Role.CONTACT, department_id=department)
    ids = [*open_, closed, foreign]
    page = client.post("/findings/bulk", {"action": "plan", "ids": ids})
    assert f"P-{foreign:05}" not in page.text
    assert client.username in page.text
    data = {
        "action": "plan",
        "go": "1",
        "ids": ids,
        "note": "统一加固口令策略",
        "owner": client.username,
        "due": _day(20),
    }
    bad = client.post("/findings/bulk", {**data, "due": ""})
    assert bad.status_code == 400
    assert "统一加固口令策略" in bad.text
    done = client.post("/findings/bulk", data)
    assert f"P-{closed:05}" in done.text
    assert [_get(platform, number).state for number in open_] == [FindingState.PLANNED] * 3
    assert _get(platform, foreign).state is FindingState.OPEN
    with platform.work("test:look") as session:
        assert session.scalars(select(Measure)).one().text == "统一加固口令策略"
    assert client.post("/findings/bulk", {"action": "explode", "ids": ids, "go": "1"}).status_code == 302
    assert client_as(Role.INSPECTOR).post("/findings/bulk", data).status_code == 403


def test_the_board_shows_the_open_ones_by_state(
    client_as: ClientAs, platform: Platform, rows: Rows, system: int
) -> None:
    """Six lanes, the number of each that of its list; narrowed by severity, layer, owner and department."""
    base: dict[str, Any] = {"system_id": system, "source": "manual"}
    rows.one(
        Finding,
        **base,
        state="open",
        severity="high",
        layer="data",
        key="a",
        title={"zh": "甲问题", "en": "a"},
    )
    rows.one(
        Finding,
        **base,
        state="planned",
        severity="low",
        layer="management",
        key="b",
        title={"zh": "乙问题", "en": "b"},
    )
    rows.one(
        Finding,
        **base,
        state="closed",
        severity="low",
        layer="management",
        key="c",
        title={"zh": "丙问题", "en": "c"},
    )
    client = client_as(Role.OFFICER)
    text = client.get("/findings/board").text
    assert text.count('class="lane"') == 6
    assert "甲问题" in text
    assert "丙问题" not in text
    narrowed = client.get("/findings/board?severity=high&layer=data").text
    assert "甲问题" in narrowed
    assert "乙问题" not in narrowed
    assert "甲问题" not in client.get("/findings/board?owner=me").text
    assert "甲问题" in client.get("/findings/board?severity=nonsense").text
    other = client_as(Role.CONTACT, department_id=102)
    assert "甲问题" not in other.get("/findings/board").text


def test_the_inbox_says_when_nothing_waits(client_as: ClientAs) -> None:
    assert "没有等待您的事" in plain(client_as(Role.LEADER).get("/inbox/").text)


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_administrators_have_no_part_in_it(client_as: ClientAs, role: Role) -> None:
    client = client_as(role)
    for url in ("/inbox/", "/findings/board", "/findings/new"):
        assert client.get(url).status_code == 403


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform) -> None:
    """Board and inbox need as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    found = counts_small_and_large(client, platform.engine, "/findings/board", "/inbox/")
    for url, (small, large) in found.items():
        assert small == large <= 14, url
