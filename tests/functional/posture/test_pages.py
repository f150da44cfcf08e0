"""The dashboard through the application: every figure from rows, every figure with its list."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence.models import Evidence
from secops.findings.models import Finding
from secops.objects.models import Asset, Classification, System
from secops.objects.tables import today
from secops.platform import Platform
from secops.posture.catalogue import selection_for
from secops.posture.models import PostureSummary
from secops.posture.queries import dashboard
from secops.scans.models import Scan
from secops.schedules.models import Schedule
from tests.support.builders import Rows
from tests.support.page_checks import counts_small_and_large, plain, two_departments
from tests.support.platforms import Client, ClientAs

BUSINESS = (Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR, Role.LEADER)


def _page(client: Client) -> str:
    answer = client.get("/dashboard/")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def _tile(page: str, title: str) -> tuple[str, str]:
    """Value and address of one tile."""
    for found in re.finditer(r'<(a|div) class="tile(?: [^"]*)?"(?: href="([^"]*)")?>(.*?)</\1>', page, re.S):
        if title in plain(found.group(3)):
            value = re.search(r'tile-value">\s*([^<]+)', found.group(3))
            assert value is not None
            return value.group(1).strip(), html.unescape(found.group(2) or "")
    raise AssertionError(f"no tile {title}")


def _total(client: Client, url: str) -> int:
    answer = client.get(url)
    assert answer.status_code == 200
    text = plain(answer.get_data(as_text=True))
    found = re.search(r"共 ([\d,]+) 条", text)
    return int(found.group(1).replace(",", "")) if found else 0


@pytest.fixture
def district(rows: Rows) -> dict[str, int]:
    """Five systems in two departments with all that the dashboard tells of."""
    one, two = two_departments(rows)
    day = today()
    ids = {"one": one, "two": two}
    common = {"is_example": True, "lost_maintainer": False, "internet_facing": False}
    ids["portal"] = rows.one(
        System, department_id=one, name="门户网站", level=3, profile="S2A3G3", hosting="government-cloud",
        filing_number="44-1", last_evaluation_on=day - timedelta(days=1), **common,
    )  # fmt: skip
    ids["late"] = rows.one(
        System, department_id=one, name="公文系统", level=3, profile="S3A3G3", hosting="own-room",
        filing_number="44-2", last_evaluation_on=day - timedelta(days=800), **common,
    )  # fmt: skip
    ids["lost"] = rows.one(
        System, department_id=one, name="三资平台", level=2, profile="S2A2G2", hosting="own-room",
        **{**common, "lost_maintainer": True},
    )  # fmt: skip
    ids["new"] = rows.one(
        System, department_id=one, name="未定级系统", level=None, profile="", hosting="own-room", **common
    )
    ids["foreign"] = rows.one(
        System, department_id=two, name="别部门系统", level=3, profile="S3A3G3", hosting="own-room", **common
    )
    host = rows.one(Asset, system_id=ids["portal"])
    rows.many(
        Finding,
        2,
        system_id=ids["portal"],
        asset_id=host,
        severity="high",
        layer="data",
        state="open",
        due=day - timedelta(days=3),
    )
    rows.one(
        Finding,
        system_id=ids["portal"],
        asset_id=host,
        severity="low",
        layer="application",
        state="submitted",
    )
    rows.one(Finding, system_id=ids["portal"], asset_id=host, severity="high", layer="data", state="closed")
    rows.one(
        PostureSummary, system_id=ids["portal"], compliant=5, partial=1, non_compliant=2, na=0, not_examined=12,
        by_class={"CES": {"compliant": 5, "partial": 1, "non_compliant": 2, "na": 0, "not_examined": 12}},
        by_layer={"data": {"compliant": 5, "partial": 1, "non_compliant": 2, "na": 0, "not_examined": 12}},
    )  # fmt: skip
    rows.one(
        Classification,
        system_id=ids["lost"],
        decided_at=utc_now() - timedelta(days=100),
        s_level=2,
        a_level=2,
        level=2,
        profile="S2A2G2",
        rule_set="gbt-22240-2020@2020.1",
    )
    rows.one(Scan, system_id=ids["portal"], state="done", cause="manual")
    rows.one(
        Evidence,
        system_id=ids["portal"],
        title="等级测评报告",
        state="accepted",
        effective_until=day + timedelta(days=20),
    )
    rows.one(Schedule, system_id=ids["portal"], name="每周扫描", next_run_at=utc_now() + timedelta(days=2))
    return ids


def test_a_fresh_store_says_what_to_do(client_as: ClientAs) -> None:
    """Without systems there are no figures at all, but a sentence and a way on."""
    page = _page(client_as(Role.OFFICER))
    assert "还没有定级对象" in page
    assert "tile-value" not in page
    assert 'href="/catalogue/"' in page


@pytest.mark.parametrize("role", list(Role))
def test_who_may_see_it(client_as: ClientAs, role: Role) -> None:
    """Business roles see the dashboard; administrators do not."""
    assert client_as(role).get("/dashboard/").status_code == (200 if role in BUSINESS else 403)


def test_figures_are_those_of_the_rows(client_as: ClientAs, district: dict[str, int]) -> None:
    """Each tile tells the number of its rows, and its link leads to as many."""
    client = client_as(Role.OFFICER)
    page = _page(client)
    for title, value in (
        ("定级对象", "5"),
        ("已备案", "2"),
        ("失去维护", "1"),
        ("未关闭问题", "3"),
        ("整改逾期", "2"),
    ):
        shown, url = _tile(page, title)
        assert shown == value, title
        assert _total(client, url) == int(value), title
    shown, url = _tile(page, "上政务云")
    assert shown == "20.0%"
    assert "2025 年达到 100%" in page
    assert _total(client, url) == 1
    evaluated, url = _tile(page, f"{today().year} 年已测评")
    assert _total(client, url) == int(evaluated)


def test_what_to_act_on_leads_to_its_list(client_as: ClientAs, district: dict[str, int]) -> None:
    """Every figure of the line "to act on" is the length of the list behind it."""
    client = client_as(Role.OFFICER)
    page = _page(client)
    box = page[page.index("需要处理") :]
    box = box[: box.index("</ul>")]
    found = re.findall(r'<a href="([^"]+)">.*?</i>([^<]+)</span> <b>(\d+)</b>', box, re.S)
    told = {words.strip(): int(number) for _, words, number in found}
    assert told["高风险问题"] == 2
    assert told["测评逾期"] == 1
    assert told["未定级"] == 1
    assert told["无测评记录"] == 2
    for url, words, number in found:
        assert _total(client, html.unescape(url)) == int(number), words


def test_items_of_systems_nobody_looked_at_count_as_open(
    platform: Platform, district: dict[str, int]
) -> None:
    """A classified system without a posture is not left out: its items are not examined."""
    with platform.work("test:look") as session:
        found = dashboard(session, today())
    others = sum(len(selection_for(profile, ()).units) for profile in ("S3A3G3", "S2A2G2", "S3A3G3"))
    assert found.posture.systems == 1
    assert found.posture.total.examined == 8
    assert found.posture.total.not_examined == 12 + others
    assert sum(group["not_examined"] for group in found.posture.by_class.values()) == 12 + others


def test_what_is_due_stands_in_order(
    platform: Platform, client_as: ClientAs, district: dict[str, int]
) -> None:
    """Evaluations, filings, fixes, evidence and schedules come in one order, the late ones first and marked."""
    with platform.work("test:look") as session:
        due = dashboard(session, today()).due
    assert [one.on for one in due] == sorted(one.on for one in due)
    assert {one.kind for one in due} == {"evaluation", "filing", "finding", "evidence", "schedule"}
    fixes = [one for one in due if one.kind == "finding" and one.on < today()]
    assert [one.note for one in fixes] == ["2"]
    page = plain(_page(client_as(Role.OFFICER)))
    assert "2 个问题到期" in page
    assert "逾期" in page


def test_marks_of_the_charts_lead_to_lists(client_as: ClientAs, district: dict[str, int]) -> None:
    """Every link inside a drawing opens, and the one of a class and state finds the systems that have such items."""
    client = client_as(Role.OFFICER)
    page = _page(client)
    urls = {
        html.unescape(url)
        for svg in re.findall(r"<svg.*?</svg>", page, re.S)
        for url in re.findall(r'href="([^"]+)"', svg)
    }
    assert len(urls) > 10
    assert all(client.get(url).status_code == 200 for url in urls)
    assert _total(client, "/systems/?class=CES&has=non_compliant") == 1
    assert _total(client, "/systems/?class=PES&has=non_compliant") == 0
    assert _total(client, "/systems/?has=not_examined") == 4


def test_a_scope_narrows_every_figure(client_as: ClientAs, district: dict[str, int]) -> None:
    """A contact sees figures of the own department only; nothing of another one shows."""
    page = _page(client_as(Role.CONTACT, department_id=district["two"]))
    assert _tile(page, "定级对象")[0] == "1"
    assert _tile(page, "未关闭问题")[0] == "0"
    for name in ("门户网站", "三资平台", "每周扫描", "等级测评报告"):
        assert name not in page
    assert "别部门系统" in page


def test_the_leader_reads_and_changes_nothing(client_as: ClientAs, district: dict[str, int]) -> None:
    """The leader's page has the same figures, no form of its own, and no link to a page that is closed to leaders."""
    client = client_as(Role.LEADER)
    page = _page(client)
    main = page[page.index("<main") : page.index("</main>")]
    assert _tile(page, "未关闭问题")[0] == "3"
    assert "<form" not in main
    urls = {html.unescape(url) for url in re.findall(r'href="(/[^"]*)"', main)}
    assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)


def test_the_platforms_own_system_is_not_counted(
    client_as: ClientAs, rows: Rows, district: dict[str, int]
) -> None:
    """The row that stands for the platform itself is no system of the district."""
    assert _tile(_page(client_as(Role.OFFICER)), "定级对象")[0] == "5"


def test_english_has_no_chinese_words_of_ours(client_as: ClientAs, district: dict[str, int]) -> None:
    """In English only names that people typed stay Chinese."""
    client = client_as(Role.OFFICER)
    client.get("/language/en")
    main = _page(client)
    main = plain(main[main.index("<main") : main.index("</main>")])
    for name in ("门户网站", "公文系统", "三资平台", "未定级系统", "别部门系统", "等级测评报告", "每周扫描"):
        main = main.replace(name, "")
    assert re.findall(r"[\u4e00-\u9fff]+", re.sub(r"部门 \d+", "", main)) == []


def test_query_count_does_not_grow(client_as: ClientAs, platform: Platform) -> None:
    """The dashboard costs the same at 12 and at about 1,000 systems."""
    client = client_as(Role.OFFICER)
    small, large = counts_small_and_large(client, platform.engine, "/dashboard/")["/dashboard/"]
    assert small == large == 14
