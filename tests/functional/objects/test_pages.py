"""The pages of systems through the application: list, overview, items, one item, targets."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence.models import Evidence, EvidenceLink
from secops.findings.models import Finding, FindingEvent
from secops.objects.models import Asset, Classification, System
from secops.platform import Platform
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureCell, PostureSummary
from secops.scans.models import Outcome, ProbeRun, Scan, ScanAuthorization
from tests.support.builders import Rows, build_district
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import Client, ClientAs, add_person, client_factory

READERS = (Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR)
UNIT = "L3-CES1-02"
LEVEL_3 = len(selection_for("S3A3G3").units)


@pytest.fixture
def made(rows: Rows) -> dict[str, int]:
    """A level-3 system with two hosts of which one was scanned; another department has a system too."""
    one, two = two_departments(rows)
    ids = {"one": one, "two": two}
    ids["system"] = rows.one(
        System, department_id=one, code="YX-A", name="审批平台", level=3, profile="S3A3G3", hosting="own-room",
        filing_number="4406-25001", last_evaluation_on=date(2020, 2, 29), internet_facing=True, is_example=True,
        maintainer="数科运维", lost_maintainer=False, run_elsewhere=False,
    )  # fmt: skip
    ids["second"] = rows.one(
        System, department_id=one, code="YX-B", name="三资平台", level=2, profile="S2A2G2", hosting="government-cloud",
        lost_maintainer=True,
    )  # fmt: skip
    ids["unclassified"] = rows.one(
        System, department_id=one, code="YX-C", name="新系统", level=None, profile=""
    )
    ids["foreign"] = rows.one(
        System, department_id=two, code="YX-X", name="别处系统", level=3, profile="S3A3G3"
    )
    system = {"system_id": ids["system"]}
    ids["host"] = rows.one(Asset, name="主机甲", kind="server", address="192.0.2.10", **system)
    ids["other_host"] = rows.one(Asset, name="主机乙", kind="server", address="192.0.2.11", **system)
    now = utc_now()
    ids["allowed"] = rows.one(
        ScanAuthorization, title="季度授权", state="approved", valid_from=now - timedelta(days=1),
        valid_until=now + timedelta(days=20), networks=["192.0.2.0/24"], probes=["nmap"], **system,
    )  # fmt: skip
    ids["scan"] = rows.one(Scan, state="done", authorization_id=ids["allowed"], cause="manual", **system)
    ids["evidence"] = rows.one(Evidence, title="口令制度", state="accepted", source="upload", **system)
    ids["returned"] = rows.one(Evidence, title="被退回的截图", state="returned", source="upload", **system)
    rows.one(EvidenceLink, evidence_id=ids["evidence"], unit_id=UNIT, **system)
    run = rows.one(
        ProbeRun,
        scan_id=ids["scan"],
        asset_id=ids["host"],
        evidence_id=ids["evidence"],
        state="completed",
        **system,
    )
    rows.one(
        Outcome, probe_run_id=run, scan_id=ids["scan"], asset_id=ids["host"], rule_id="lnx-lockout", outcome="fail",
        reason={"zh": "没有锁定策略", "en": "no lock-out"}, current=True, **system,
    )  # fmt: skip
    ids["finding"] = rows.one(
        Finding, asset_id=ids["host"], severity="high", state="open", units=[UNIT], layer="infrastructure",
        title={"zh": "登录失败不锁定", "en": "No lock-out"}, due=date(2026, 1, 1), **system,
    )  # fmt: skip
    rows.one(FindingEvent, finding_id=ids["finding"], action="open", to_state="open", **system)
    steps = [
        {"number": 1, "status": "failed", "rules": ["lnx-lockout"]},
        {"number": 2, "status": "open", "rules": []},
    ]
    common: dict[str, Any] = {"unit_id": UNIT, **system}
    rows.one(
        PostureCell,
        asset_id=ids["host"],
        verdict="non_compliant",
        steps=steps,
        evidence_ids=[ids["evidence"]],
        reasons=[{"zh": "步骤 1 未通过", "en": "step 1 failed"}],
        **common,
    )
    rows.one(
        PostureCell,
        asset_id=ids["other_host"],
        verdict=None,
        steps=[],
        evidence_ids=[],
        reasons=[{"zh": "步骤 1 尚未检查", "en": "step 1 has not been examined"}],
        **common,
    )
    rows.one(
        PostureCell, unit_id="L3-PES1-01", asset_id=None, verdict=None, steps=[], evidence_ids=[],
        reasons=[{"zh": "未登记此类测评对象：机房", "en": "no target of these kinds is registered: room"}], **system,
    )  # fmt: skip
    numbers = {"compliant": 3, "partial": 1, "non_compliant": 7, "na": 0, "not_examined": LEVEL_3 - 11}
    rows.one(
        PostureSummary, by_class={"CES": numbers}, by_layer={"infrastructure": numbers}, **numbers, **system
    )
    rows.one(
        Classification, s_level=3, a_level=2, level=3, profile="S3A2G3", rule_set="gbt-22240-2020@2020.1",
        business=[["public", "severe"]], service=[["public", "general"]], reason="个人信息集中", decided_by="officer", **system,
    )  # fmt: skip
    return ids


def _get(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.get_data(as_text=True)


def _names(page: str) -> set[str]:
    return {
        name for name in ("审批平台", "三资平台", "新系统", "别处系统") if name in page[page.index("<main") :]
    }


@pytest.mark.parametrize("role", list(Role))
def test_who_may_see_what(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Business roles see list and overview; items and targets are closed to leaders, all of it to administrators."""
    client = client_as(role)
    business = role in READERS or role is Role.LEADER
    base = f"/systems/{made['system']}"
    for url, open_to in (
        ("/systems/", business),
        (base, business),
        (f"{base}/items", role in READERS),
        (f"{base}/items/{UNIT}", role in READERS),
        (f"{base}/assets", role in READERS),
        (f"{base}/items/export?format=csv", role in READERS),
        ("/systems/export?format=csv", business),
    ):
        assert client.get(url).status_code == (200 if open_to else 403), url


def test_foreign_and_missing_systems_look_the_same(client_as: ClientAs, made: dict[str, int]) -> None:
    """A system of another department and one that does not exist both answer 404, on every page."""
    client = client_as(Role.CONTACT, department_id=made["one"])
    for system in (made["foreign"], 999_999):
        for tail in (
            "",
            "/items",
            f"/items/{UNIT}",
            "/assets",
            "/items/export?format=csv",
            "/assets?format=csv",
        ):
            assert client.get(f"/systems/{system}{tail}").status_code == 404, (system, tail)
    assert _names(_get(client, "/systems/?size=200")) == {"审批平台", "三资平台", "新系统"}


def test_an_owner_sees_the_one_system(client_as: ClientAs, made: dict[str, int]) -> None:
    """A grant for one system shows that one in the list, with its posture, and closes the rest."""
    client = client_as(Role.OWNER, department_id=made["one"], system_id=made["system"])
    page = _get(client, "/systems/")
    assert _names(page) == {"审批平台"}
    assert f"已检查 11/{LEVEL_3}" in plain(page)
    assert client.get(f"/systems/{made['second']}").status_code == 404


FILTERS: list[tuple[str, set[str]]] = [
    ("q=yx-a", {"审批平台"}),
    ("q=数科", {"审批平台"}),
    ("level=2", {"三资平台"}),
    ("level=none", {"新系统"}),
    ("level=2&level=none", {"三资平台", "新系统"}),
    ("department=102", {"别处系统"}),
    ("hosting=government-cloud&level=2", {"三资平台"}),
    ("filing=filed", {"审批平台"}),
    ("filing=open", {"三资平台", "别处系统"}),
    ("filing=none", {"新系统"}),
    ("flag=lost", {"三资平台"}),
    ("flag=internet", {"审批平台"}),
    ("flag=example", {"审批平台"}),
    ("flag=high", {"审批平台"}),
    ("evaluation=overdue", {"审批平台"}),
    ("evaluation=never", {"三资平台", "别处系统"}),
    ("evaluation=none", {"新系统"}),
    ("evaluated_from=2020-02-29&evaluated_to=2020-02-29", {"审批平台"}),
    ("has=non_compliant", {"审批平台"}),
    ("has=not_examined", {"审批平台", "三资平台", "别处系统"}),
    ("class=CES", {"审批平台"}),
    ("class=PES", set()),
    ("level=nonsense&sort=nonsense&hosting=x", {"审批平台", "三资平台", "新系统", "别处系统"}),
]


@pytest.mark.parametrize(("query", "wanted"), FILTERS)
def test_filters(client_as: ClientAs, made: dict[str, int], query: str, wanted: set[str]) -> None:
    """Each filter takes exactly its systems; values that are none are ignored."""
    assert _names(_get(client_as(Role.OFFICER), f"/systems/?{query}&size=200")) == wanted


SORTED = (
    "name",
    "code",
    "department",
    "level",
    "filing",
    "evaluation",
    "posture",
    "findings",
    "high",
    "not_examined",
)


@pytest.mark.parametrize("key", SORTED)
def test_sorting(client_as: ClientAs, made: dict[str, int], key: str) -> None:
    """Every sortable column sorts both ways."""
    client = client_as(Role.OFFICER)
    for sort in (key, f"-{key}"):
        assert _names(_get(client, f"/systems/?sort={sort}")) == {
            "审批平台",
            "三资平台",
            "新系统",
            "别处系统",
        }


def test_export_of_systems(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The file has words instead of drawings, and the export is in the audit log with its filter."""
    answer = client_as(Role.INSPECTOR).get("/systems/export?format=csv&level=3&q=yx-a")
    (row,) = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert row["定级对象"] == "审批平台"
    assert row["态势"].startswith("符合 3；部分符合 1；不符合 7")
    assert row["标记"] == "面向互联网、示例"
    assert row["下次测评"] == "2021-02-28"
    assert "<" not in "".join(row.values())
    noted = last_event(platform, "table.export")
    assert noted.object_id == "systems"
    assert noted.detail["filter"]["level"] == "3"


def test_overview_tells_the_story(client_as: ClientAs, made: dict[str, int]) -> None:
    """Level, filing, flags, figures, findings, evidence to act on, people, S and A apart, rule set, and what happened."""
    client = client_as(Role.OFFICER)
    page = plain(_get(client, f"/systems/{made['system']}"))
    for words in (
        "第三级", "已备案", "面向互联网", "示例", f"11 / {LEVEL_3} 个控制项", "不符合 7 · 部分符合 1", "登录失败不锁定", "逾期",
        "被退回的截图", "主机甲", "192.0.2.11", "S：第三级（社会秩序、公共利益 · 严重损害）",
        "A：第二级（社会秩序、公共利益 · 一般损害）", "GB/T 22240-2020", "测评已逾期", "发现问题", "网络安全专员",
    ):  # fmt: skip
        assert words in page, words


def test_overview_of_a_bare_system_says_what_to_do(client_as: ClientAs, made: dict[str, int]) -> None:
    """Without level or targets no figure is made up; the page says what is missing and links the next step."""
    client = client_as(Role.OFFICER)
    page = _get(client, f"/systems/{made['unclassified']}")
    assert "系统尚未定级" in page
    assert "申请扫描授权" in page
    assert f'href="/authorizations/new?system={made["unclassified"]}"' in page
    second = _get(client, f"/systems/{made['second']}")
    assert "还没有登记测评对象" in second
    assert f"0 / {len(selection_for('S2A2G2').units)} 个控制项" in plain(second)


@pytest.mark.parametrize(
    ("role", "buttons"),
    [
        (Role.OFFICER, {"发起扫描", "上传证据", "生成报告"}),
        (Role.CONTACT, {"发起扫描", "上传证据", "生成报告"}),
        (Role.OWNER, {"上传证据", "生成报告"}),
        (Role.ASSESSOR, {"发起扫描", "上传证据", "生成报告"}),
        (Role.INSPECTOR, {"生成报告"}),
        (Role.LEADER, set()),
    ],
)
def test_buttons_follow_the_role(
    client_as: ClientAs, made: dict[str, int], role: Role, buttons: set[str]
) -> None:
    """A page offers what the role may do and nothing else."""
    page = _get(client_as(role), f"/systems/{made['system']}")
    head = page[page.index('class="page-header"') : page.index('class="tabs"')]
    assert {words for words in ("发起扫描", "上传证据", "生成报告") if words in head} == buttons


def test_every_link_of_a_page_opens(client_as: ClientAs, made: dict[str, int]) -> None:
    """No page of a system links to a page that its reader may not open."""
    for role in (Role.OFFICER, Role.OWNER, Role.LEADER):
        client = client_as(role)
        for tail in ("", "/items", f"/items/{UNIT}", "/assets"):
            if role is Role.LEADER and tail:
                continue
            page = _get(client, f"/systems/{made['system']}{tail}")
            main = page[page.index("<main") : page.index("</main>")]
            urls = {
                html.unescape(url).split("#")[0]
                for url in re.findall(r'href="(/[^"]*)"', main)
                if "download" not in url
            }
            for url in urls - {""}:
                assert client.get(url).status_code == 200, (role, tail, url)


def test_starting_a_scan_from_the_page(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The form of the page starts a scan of this system, and the audit log says so."""
    client = client_as(Role.OFFICER)
    page = _get(client, f"/systems/{made['system']}")
    form = re.search(r'<dialog[^>]*id="start-scan".*?</dialog>', page, re.S)
    assert form is not None
    fields = {"system_id": str(made["system"]), "authorization_id": str(made["allowed"])}
    for name, value in fields.items():
        assert re.search(rf'(name="{name}" value="{value}"|value="{value}" selected)', form.group(0)), name
    answer = client.post("/scans/start", fields)
    assert answer.status_code == 302
    assert "scan.request" in audit_actions(platform)


def test_building_a_report_from_the_page(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """The button asks for a report of this system, and the audit log says so."""
    client = client_as(Role.OFFICER)
    page = _get(client, f"/systems/{made['system']}")
    assert re.search(rf'action="/reports/build".*?name="system" value="{made["system"]}"', page, re.S)
    assert client.post("/reports/build", {"system": str(made["system"])}).status_code == 302
    assert "report.request" in audit_actions(platform)


def _items(client: Client, made: dict[str, int], query: str) -> list[dict[str, str]]:
    answer = client.get(f"/systems/{made['system']}/items/export?format=csv&{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_items_hold_everything_that_binds(client_as: ClientAs, made: dict[str, int]) -> None:
    """All items of the profile are listed; each without a verdict says why, computed or not."""
    client = client_as(Role.OFFICER)
    rows = _items(client, made, "")
    assert [row["测评单元"] for row in rows] == [str(unit.id) for unit in selection_for("S3A3G3").units]
    assert all(row["理由"] for row in rows if row["判定建议"] == "未检查")
    by_unit = {row["测评单元"]: row for row in rows}
    assert by_unit["L3-PES1-01"]["理由"] == "未登记此类测评对象：机房"
    assert by_unit["L3-PES1-02"]["理由"] == "尚未计算态势"
    assert by_unit[UNIT] | {} == {
        **by_unit[UNIT],
        "判定建议": "不符合",
        "对象": "1/2",
        "证据": "1",
        "理由": "步骤 1 未通过",
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=non_compliant", 1),
        ("state=not_examined", LEVEL_3 - 1),
        ("class=CES&state=non_compliant", 1),
        ("class=PES&state=non_compliant", 0),
        ("q=l3-ces1-02", 1),
        ("q=8.1.4.1.b", 1),
        ("means=given", 1),
        ("layer=data&layer=application&layer=management&layer=infrastructure", LEVEL_3),
        ("mark=S&mark=A&mark=G", LEVEL_3),
        ("state=made-up", LEVEL_3),
    ],
)
def test_filters_of_items(client_as: ClientAs, made: dict[str, int], query: str, count: int) -> None:
    """Filters and search narrow the items, and page and file have the same number."""
    client = client_as(Role.OFFICER)
    assert len(_items(client, made, query)) == count
    page = plain(_get(client, f"/systems/{made['system']}/items?{query}"))
    assert (f"共 {count} 条" in page) if count else "没有符合条件的记录" in page


def test_a_gap_is_never_hidden_by_an_open_target(
    client_as: ClientAs, made: dict[str, int], rows: Rows
) -> None:
    """One compliant and one open target are not compliant; the item stays not examined and says how many are open."""
    system = {"system_id": made["system"], "unit_id": "L3-CES1-03"}
    rows.one(PostureCell, asset_id=made["host"], verdict="compliant", reasons=[], evidence_ids=[], **system)
    rows.one(
        PostureCell,
        asset_id=made["other_host"],
        verdict=None,
        reasons=[{"zh": "未能检查：超时", "en": "timed out"}],
        evidence_ids=[],
        **system,
    )
    (row,) = _items(client_as(Role.OFFICER), made, "q=L3-CES1-03")
    assert (row["判定建议"], row["对象"], row["理由"]) == ("未检查", "1/2", "未能检查：超时")


def test_one_item_shows_what_answered_each_step(client_as: ClientAs, made: dict[str, int]) -> None:
    """Each step has the rule, outcome, reason and scan per target, or says why nobody answered it."""
    page = plain(_get(client_as(Role.ASSESSOR), f"/systems/{made['system']}/items/{UNIT}"))
    for words in (
        "lnx-lockout", "主机甲", "没有锁定策略", "未通过", f"#{made['scan']}", "口令制度", "登录失败不锁定", "主机乙",
        "步骤 1 尚未检查", "全部 3 个步骤成立才为符合", "L2-CES1-02", "L4-CES1-02", "有对应规则，但还没有扫描到这类对象",
    ):  # fmt: skip
        assert words in page, words
    bare = plain(_get(client_as(Role.ASSESSOR), f"/systems/{made['system']}/items/L3-PES1-01"))
    assert "未登记此类测评对象：机房" in bare
    assert "没有对应的自动检查规则" in bare


@pytest.mark.parametrize("unit", ["L2-CES1-02", "L3-ABS2-01", "nonsense", "L3-CES1-02%27"])
def test_items_that_do_not_bind_are_not_found(client_as: ClientAs, made: dict[str, int], unit: str) -> None:
    """A unit of another level, of an extension the system lacks, or of no catalogue gives 404."""
    assert client_as(Role.OFFICER).get(f"/systems/{made['system']}/items/{unit}").status_code == 404
    assert client_as(Role.OFFICER).get(f"/systems/{made['unclassified']}/items/{UNIT}").status_code == 404


def test_targets(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Targets show their findings and gaps, are filtered and exported, and kinds that are missing are named."""
    client = client_as(Role.OFFICER)
    url = f"/systems/{made['system']}/assets"
    page = _get(client, url)
    assert "主机甲" in page
    assert "尚未登记的对象类型" in page
    assert "主机甲" not in _get(client, f"{url}?q=192.0.2.11")
    assert "没有符合条件的记录" in _get(client, f"{url}?kind=database")
    rows = {
        row["测评对象"]: row
        for row in csv.DictReader(io.StringIO(client.get(f"{url}?format=csv").get_data().decode("utf-8-sig")))
    }
    assert (
        rows["主机甲"]["未关闭问题"],
        rows["主机甲"]["不符合或部分符合"],
        rows["主机甲"]["未检查的控制项"],
    ) == ("1", "1", "0")
    assert (
        rows["主机乙"]["未关闭问题"],
        rows["主机乙"]["不符合或部分符合"],
        rows["主机乙"]["未检查的控制项"],
    ) == ("0", "0", "1")
    assert last_event(platform, "table.export").object_id == "assets"
    assert client.get(f"{url}?format=exe").status_code == 400


def test_people_are_those_whose_grant_covers_it(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Grants for the system or for a department above it count; those of another department do not."""
    add_person(platform, Role.OWNER, username="mine", department_id=made["one"], system_id=made["system"])
    add_person(platform, Role.CONTACT, username="above", department_id=made["one"])
    add_person(platform, Role.CONTACT, username="elsewhere", department_id=made["two"])
    add_person(
        platform, Role.OWNER, username="next-door", department_id=made["one"], system_id=made["second"]
    )
    page = _get(client_as(Role.OFFICER), f"/systems/{made['system']}")
    assert [name in page for name in ("mine", "above", "elsewhere", "next-door")] == [
        True,
        True,
        False,
        False,
    ]


def test_english_pages(client_as: ClientAs, made: dict[str, int]) -> None:
    """Everything of ours is English after the switch."""
    client = client_as(Role.OFFICER)
    client.get("/language/en")
    for url, words in (
        ("/systems/", "Next evaluation"),
        (f"/systems/{made['system']}", "Classification history"),
        (f"/systems/{made['system']}/items", "Suggested verdict"),
        (f"/systems/{made['system']}/items/{UNIT}", "Met when all 3 steps hold"),
        (f"/systems/{made['system']}/assets", "Kinds that are not registered"),
    ):
        assert words in _get(client, url), url


def test_query_counts_do_not_grow(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Every page costs the same at 12 and at about 1,000 systems."""
    base = f"/systems/{made['system']}"
    pinned = {
        "/systems/?size=200": 6,
        base: 16,
        f"{base}/items": 5,
        f"{base}/items/{UNIT}": 9,
        f"{base}/assets": 7,
    }
    assert counts_small_and_large(client_as(Role.OFFICER), platform.engine, *pinned) == {
        url: (number, number) for url, number in pinned.items()
    }


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_both_databases_answer_every_filter(
    request: pytest.FixtureRequest, make_app: Callable[[Platform], Flask], database: str
) -> None:
    """Conditions on JSON, dates and counts are understood by SQLite and by PostgreSQL, for a narrowed scope too."""
    platform: Platform = request.getfixturevalue("platform" if database == "sqlite" else "pg_platform")
    district = build_district(platform.engine, systems=4)
    client_as = client_factory(make_app, platform)
    system = district.systems[0]
    queries = [f"sort={key}" for key in SORTED] + [query for query, _ in FILTERS]
    urls = ["/dashboard/", *(f"/systems/?{query}" for query in queries)]
    urls += [
        f"/systems/{system}{tail}"
        for tail in ("", "/items", f"/items/{UNIT}", "/assets", "/assets?sort=-failing")
    ]
    for client in (client_as(Role.OFFICER), client_as(Role.CONTACT, department_id=district.departments[0])):
        assert [url for url in urls if client.get(url).status_code != 200 and "/L3" not in url] == []
