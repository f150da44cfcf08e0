"""The pages of scans and authorisations through the application."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence.models import Evidence
from secops.findings.models import Finding
from secops.jobs.models import Job, JobState
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.scans.models import AuthorizationState, Outcome, ProbeRun, Scan, ScanAuthorization, ScanState
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import ClientAs, add_person

READERS = (Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR)


@pytest.fixture
def made(rows: Rows) -> dict[str, int]:
    """A system with a host, an authorisation in force and a finished scan; another department has the same."""
    one, two = two_departments(rows)
    now = utc_now()
    ids: dict[str, int] = {"department": one, "other_department": two}
    for name, department in (("", one), ("foreign_", two)):
        system = rows.one(System, department_id=department, name="公文交换" if name else "审批平台")
        host = rows.one(Asset, system_id=system, name="主机甲", kind="server", address="192.0.2.10")
        allowed = rows.one(
            ScanAuthorization,
            system_id=system,
            networks=["192.0.2.0/24"],
            probes=["nmap"],
            state="approved",
            title=f"{name}授权",
            requested_by="somebody",
            valid_from=now - timedelta(days=1),
            valid_until=now + timedelta(days=20),
        )
        scan = rows.one(
            Scan,
            system_id=system,
            authorization_id=allowed,
            state="done",
            plan=[{"probe": "nmap", "asset_id": host, "host": "192.0.2.10"}],
        )
        ids |= {f"{name}system": system, f"{name}host": host, f"{name}allowed": allowed, f"{name}scan": scan}
    base = {"system_id": ids["system"], "scan_id": ids["scan"], "asset_id": ids["host"]}
    kept = rows.one(Evidence, system_id=ids["system"], blob_state="ok")
    run = rows.one(ProbeRun, **base, probe="nmap", target="192.0.2.10", state="completed", evidence_id=kept)
    rows.one(
        ProbeRun,
        **base,
        probe="tls",
        target="192.0.2.10:443",
        state="failed",
        reason="timed-out",
        detail="no answer in 30 s",
    )
    spoken = {**base, "probe_run_id": run, "target": "192.0.2.10"}
    rows.one(
        Outcome,
        **spoken,
        rule_id="rule-a",
        outcome="fail",
        reason={"zh": "端口 23 开放", "en": "port 23 open"},
    )
    rows.one(Outcome, **spoken, rule_id="rule-b", outcome="pass", reason={"zh": "一切正常", "en": "all well"})
    finding = rows.one(
        Finding, system_id=ids["system"], asset_id=ids["host"], rule_id="rule-a", target="192.0.2.10", key="k"
    )
    return ids | {"evidence": kept, "finding": finding}


@pytest.mark.parametrize("role", READERS)
def test_readers_open_lists_and_pages(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Scans, one scan, its progress, authorisations and one of them open for each reader."""
    client = client_as(role)
    for url in (
        "/scans/",
        f"/scans/{made['scan']}",
        f"/scans/{made['scan']}/progress",
        "/authorizations/",
        f"/authorizations/{made['allowed']}",
    ):
        assert client.get(url).status_code == 200, url


@pytest.mark.parametrize("role", [Role.LEADER, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_others_do_not(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Leaders and administrators are refused."""
    client = client_as(role)
    assert client.get(f"/scans/{made['scan']}").status_code == 403
    assert client.get("/authorizations/").status_code == 403


def test_foreign_and_missing_look_the_same(client_as: ClientAs, made: dict[str, int]) -> None:
    """What lies in another department answers like what does not exist, for reading and for writing."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    officer = client_as(Role.OFFICER, department_id=made["department"])
    for scan in (made["foreign_scan"], 9999):
        assert client.get(f"/scans/{scan}").status_code == 404
        assert client.get(f"/scans/{scan}/progress").status_code == 404
        assert client.post(f"/scans/{scan}/cancel").status_code == 404
    for allowed in (made["foreign_allowed"], 9999):
        assert client.get(f"/authorizations/{allowed}").status_code == 404
        assert client.post("/scans/start", {"authorization_id": allowed}).status_code == 404
        assert officer.post(f"/authorizations/{allowed}/decide", {"decision": "approve"}).status_code == 404
        assert officer.post(f"/authorizations/{allowed}/revoke", {"reason": "x"}).status_code == 404
    assert client.post("/scans/start", {"authorization_id": "x"}).status_code == 404


def test_a_scan_tells_what_was_seen_and_what_not(client_as: ClientAs, made: dict[str, int]) -> None:
    """The page shows the reason of a failed target, the outcomes, and leads to evidence and finding."""
    page = client_as(Role.ASSESSOR).get(f"/scans/{made['scan']}").text
    words = plain(page)
    assert "未能查看" in words
    assert "超时：no answer in 30 s" in words
    assert "端口 23 开放" in words
    assert f"/evidence/{made['evidence']}" in page
    assert f"/findings/{made['finding']}" in page


def test_outcomes_are_filtered(client_as: ClientAs, made: dict[str, int]) -> None:
    """The filter by outcome leaves the others out."""
    text = client_as(Role.OFFICER).get(f"/scans/{made['scan']}?outcome=pass").text
    assert "一切正常" in text
    assert "端口 23 开放" not in text


def test_lists_are_filtered_and_exported(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Filters of the address hold for page and export; the export is on record."""
    client = client_as(Role.OFFICER)
    assert "公文交换" not in client.get(f"/scans/export?format=csv&system={made['system']}").text
    assert (
        f"/scans/{made['foreign_scan']}"
        in client.get(f"/scans/?authorization={made['foreign_allowed']}").text
    )
    assert f'"/scans/{made["foreign_scan"]}"' not in client.get(f"/scans/?system={made['system']}").text
    text = client.get(f"/scans/export?format=csv&authorization={made['allowed']}").text
    assert "审批平台" in text
    assert "公文交换" not in text
    assert (
        "foreign_授权"
        not in client.get(f"/authorizations/export?format=csv&department={made['department']}").text
    )
    assert last_event(platform, "table.export").object_id == "authorizations"


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The lists and the page need as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    found = counts_small_and_large(
        client, platform.engine, "/scans/", "/authorizations/", f"/scans/{made['scan']}"
    )
    for url, (small, large) in found.items():
        assert small == large <= 15, (url, small, large)


def test_a_scan_is_started_once_and_stopped(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Start queues scan and job; a second start shows the first; cancel ends it; all is on record."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    form = {"system_id": made["system"], "authorization_id": made["allowed"]}
    first = client.post("/scans/start", form)
    second = client.post("/scans/start", form)
    assert first.status_code == second.status_code == 302
    assert first.location == second.location
    page = client.get(first.location).text
    assert "data-poll" in page
    assert "等待空闲的工作进程" in page
    assert client.post(f"{first.location}/cancel").status_code == 302
    with platform.work("test:look") as session:
        scan = session.scalars(select(Scan).order_by(Scan.id.desc()).limit(1)).one()
        assert scan.state is ScanState.CANCELLED
        assert session.get_one(Job, scan.job_id).state is JobState.CANCELLED
    assert {"scan.request", "job.cancel"} <= set(audit_actions(platform))
    assert "data-poll" not in client.get(first.location).text


def test_progress_speaks_in_words(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """A running step is told as a sentence with its share."""
    job = rows.one(
        Job, system_id=made["system"], kind="scan", state="running", step="nmap 192.0.2.10", progress=0.45
    )
    scan = rows.one(
        Scan, system_id=made["system"], authorization_id=made["allowed"], state="running", job_id=job
    )
    text = plain(client_as(Role.OFFICER).get(f"/scans/{scan}/progress", headers={"X-Fragment": "1"}).text)
    assert "正在检查 192.0.2.10：端口与服务" in text
    assert "45%" in text


def _request(**changes: Any) -> dict[str, Any]:
    today = utc_now().date() + timedelta(days=1)
    return {
        "title": "季度检查",
        "networks": "192.0.2.0/28\n192.0.2.200",
        "probes": ["nmap", "tls"],
        "reason": "例行检查要求",
        "valid_from": today.isoformat(),
        "valid_until": (today + timedelta(days=30)).isoformat(),
        **changes,
    }


def test_an_authorisation_needs_two_people(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """One asks, the same one can't approve, another approves; all is on record."""
    asker = client_as(Role.OFFICER)
    answer = asker.post("/authorizations/new", _request(system=made["system"]))
    assert answer.status_code == 302
    own = asker.post(f"{answer.location}/decide", {"decision": "approve"})
    assert own.status_code == 400
    assert "须由另一位网络安全专员审批" in own.text
    assert (
        client_as(Role.OFFICER).post(f"{answer.location}/decide", {"decision": "approve"}).status_code == 302
    )
    with platform.work("test:look") as session:
        found = session.scalars(
            select(ScanAuthorization).order_by(ScanAuthorization.id.desc()).limit(1)
        ).one()
        assert found.state is AuthorizationState.APPROVED
        assert found.networks == ["192.0.2.0/28", "192.0.2.200"]
        assert found.probes == ["nmap", "tls"]
        assert found.path_roots == []
    assert audit_actions(platform, "ScanAuthorization") == ["authorization.request", "authorization.approve"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"networks": "abc"}, "networks"),
        ({"networks": "192.0.2.5/24"}, "networks"),
        ({"networks": "10.0.0.0/8"}, "networks"),
        ({"networks": ""}, "networks"),
        ({"exceptions": "127.0.0.1"}, "exceptions"),
        ({"probes": []}, "probes"),
        ({"probes": ["rm"]}, "probes"),
        ({"reason": ""}, "reason"),
        ({"valid_until": (utc_now().date() + timedelta(days=120)).isoformat()}, "valid_until"),
        ({"valid_from": "2020-01-01"}, "valid_from"),
        ({"system": "99999"}, "system"),
    ],
)
def test_a_wrong_request_is_kept(
    client_as: ClientAs, platform: Platform, made: dict[str, int], changes: dict[str, Any], field: str
) -> None:
    """Each wrong field is named beside it, the rest of the form stays, nothing is stored."""
    form = _request(system=made["system"], title="保留的名称") | changes
    answer = client_as(Role.CONTACT, department_id=made["department"]).post("/authorizations/new", form)
    assert answer.status_code == 400, field
    assert "field-error" in answer.text
    assert "保留的名称" in answer.text
    with platform.work("test:look") as session:
        assert session.scalar(select(func.count(ScanAuthorization.id))) == 2


def test_folders_can_not_be_asked_for(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """No field of the form opens files of the platform's own machine to a scan."""
    form = _request(system=made["system"], path_roots="/etc")
    answer = client_as(Role.CONTACT, department_id=made["department"]).post("/authorizations/new", form)
    assert answer.status_code == 302
    with platform.work("test:look") as session:
        assert all(not found.path_roots for found in session.scalars(select(ScanAuthorization)))


def test_a_refusal_says_why(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """Refusing without words is not taken; with words the requester reads them."""
    waiting = rows.one(ScanAuthorization, system_id=made["system"], state="requested", requested_by="x")
    officer = client_as(Role.OFFICER)
    url = f"/authorizations/{waiting}"
    assert officer.post(f"{url}/decide", {"decision": "refuse"}).status_code == 400
    assert officer.post(f"{url}/decide", {"decision": "refuse", "reason": "网段过大"}).status_code == 302
    assert "网段过大" in client_as(Role.CONTACT, department_id=made["department"]).get(url).text
    assert last_event(platform, "authorization.refuse").reason == "网段过大"


def test_what_is_over_is_not_approved(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """A request whose period has passed can't be approved any more."""
    late = rows.one(
        ScanAuthorization,
        system_id=made["system"],
        state="requested",
        requested_by="x",
        valid_from=utc_now() - timedelta(days=9),
        valid_until=utc_now() - timedelta(days=2),
    )
    answer = client_as(Role.OFFICER).post(f"/authorizations/{late}/decide", {"decision": "approve"})
    assert answer.status_code == 400
    assert "有效期已过" in answer.text


def test_revoking_stops_new_scans(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """A revoked authorisation starts nothing; the reason is on record."""
    url = f"/authorizations/{made['allowed']}"
    officer = client_as(Role.OFFICER)
    officer.post(f"{url}/revoke", {"reason": ""})
    assert "authorization.revoke" not in audit_actions(platform)
    assert officer.post(f"{url}/revoke", {"reason": "项目结束"}).status_code == 302
    answer = officer.post("/scans/start", {"authorization_id": made["allowed"]}, follow_redirects=True)
    assert "扫描授权未批准或已撤销" in answer.text
    assert "scan.request" not in audit_actions(platform)
    assert last_event(platform, "authorization.revoke").reason == "项目结束"


def test_an_owner_starts_nothing(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Owners read scans but neither start nor authorise them."""
    owner = client_as(Role.OWNER)
    assert owner.post("/scans/start", {"authorization_id": made["allowed"]}).status_code == 403
    assert owner.post("/authorizations/new", _request()).status_code == 403
    assert 'action="/scans/start"' not in owner.get(f"/scans/{made['scan']}").text


def test_names_stand_beside_user_names(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """People are shown by their names."""
    who = add_person(platform, Role.CONTACT)
    scan = rows.one(
        Scan, system_id=made["system"], authorization_id=made["allowed"], requested_by=who, state="done"
    )
    assert "测试 contact" in plain(client_as(Role.OFFICER).get(f"/scans/{scan}").text)
