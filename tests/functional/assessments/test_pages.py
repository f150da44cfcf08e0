"""The pages of assessments: what they show, how many queries they need, who may reach them, and how big ones stay quick."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from secops.accounts.models import Role
from secops.assessments.models import Assessment, AssessmentRecord, AssessmentTask
from secops.objects.models import System
from secops.platform import Platform
from tests.functional.assessments.conftest import Bench
from tests.support.builders import Rows
from tests.support.page_checks import counts_small_and_large, plain, queries_of, two_departments
from tests.support.platforms import ClientAs

PAGES = ("", "/grid", "/risks", "/checks", "/result", "/compare", "/sheets")


def _base(bench: Bench) -> str:
    return f"/assessments/{bench.assessment_id}"


def test_every_page_opens_in_both_languages(bench: Bench, client_as: ClientAs) -> None:
    """Empty and decided; each page has its words in Chinese and in English."""
    client = client_as(Role.ASSESSOR)
    for language, words in (("zh", "概览"), ("en", "Overview")):
        client.get(f"/language/{language}")
        for page in PAGES:
            answer = client.get(_base(bench) + page)
            assert answer.status_code == 200, page
            assert words in answer.get_data(as_text=True)
    bench.decide("L3-PES1-01", verdict="non_compliant", text="渗水")
    for page in (*PAGES, "/risks/L3-PES1-01", "/result?wanted=符合", "/checks?check=not-examined"):
        assert client.get(_base(bench) + page).status_code == 200, page


def test_an_assessment_is_begun_from_the_page(platform: Platform, rows: Rows, client_as: ClientAs) -> None:
    """First the system, then the plan with the proposed sample; wrong input stays on the page."""
    from secops.objects.models import Asset

    system = rows.one(System, level=3, profile="S3A3G3", code="NEW-1", name="新系统")
    assets = [
        rows.one(Asset, system_id=system, kind="server", name=f"主机 {n}", importance="key") for n in range(3)
    ]
    client = client_as(Role.OFFICER)
    page = client.get("/assessments/new?system=NEW-1").get_data(as_text=True)
    assert "重要性：关键对象" in page
    wrong = client.post(
        "/assessments/new",
        data={"system": str(system), "step": "plan", "edition": "2025", "begins_on": "soon"},
    )
    assert wrong.status_code == 400
    form = {
        "system": str(system),
        "step": "plan",
        "edition": "2021",
        "begins_on": "2026-11-25",
        "assets": [str(one) for one in assets],
        "title": "季度自评",
    }
    answer = client.post("/assessments/new", data=form)
    assert answer.status_code == 302
    assert "/grid" in answer.headers["Location"]
    with platform.work("test:look") as session:
        found = session.scalars(select(Assessment)).one()
        assert (found.title, found.edition, found.profile) == ("季度自评", "2021", "S3A3G3")
    assert client.post("/assessments/new", data={"system": "NOPE"}).status_code == 400


def test_the_grid_decides_over_http(bench: Bench, client_as: ClientAs) -> None:
    """One cell by form, a conflict side by side, many with a preview, and what changed since."""
    client = client_as(Role.ASSESSOR)
    with bench.work() as (_, _, frame):
        place = frame.places["L3-PES1-01"][0]
    url = f"{_base(bench)}/cells/L3-PES1-01/{place.id}"
    fragment = {"X-Fragment": "1"}
    saved = client.post(
        url, data={"version": "0", "verdict": "compliant", "text": "现场查看"}, headers=fragment
    )
    assert saved.get_json()["cell"] == [0, 0, "c", "d", 0, 1]
    clash = client.post(
        url, data={"version": "0", "verdict": "non_compliant", "text": "有渗水"}, headers=fragment
    )
    assert clash.status_code == 409
    words = plain(clash.get_data(as_text=True))
    assert "现场查看" in words
    assert "有渗水" in words
    wrong = client.post(url, data={"version": "1", "verdict": "na", "text": ""}, headers=fragment)
    assert wrong.status_code == 400
    cells = json.dumps([[1, 0], [2, 0], [0, 0]])
    preview = client.post(
        _base(bench) + "/bulk", data={"cells": cells, "verdict": "compliant", "preview": "1"}
    ).get_json()
    assert (preview["changed"], preview["same"]) == (2, 1)
    done = client.post(_base(bench) + "/bulk", data={"cells": cells, "verdict": "compliant"}).get_json()
    assert done["changed"] == 2
    for broken in ("", "{}", "[[0]]", "[[0,9999]]", '[["a",0]]', "[[999,0]]"):
        assert (
            client.post(_base(bench) + "/bulk", data={"cells": broken, "verdict": "compliant"}).status_code
            == 400
        )
    since = client.get(_base(bench) + "/grid/changes?since=0").get_json()
    assert len(since["cells"]) == 3
    assert client.get(_base(bench) + f"/grid/changes?since={since['revision']}").get_json()["cells"] == []
    window = client.get(_base(bench) + "/grid/cells?from=0&to=50").get_json()
    assert sorted(cell[0] for cell in window["cells"]) == [0, 1, 2]
    assert client.get(_base(bench) + f"/grid/next?unit=L3-PES1-01&target={place.id}").get_json()["cell"] == [
        3,
        0,
    ]


def test_the_whole_life_over_http(bench: Bench, client_as: ClientAs, platform: Platform) -> None:
    """Assign, submit, return, accept, close over faults, ask to reopen, refuse, export."""
    one, two = client_as(Role.ASSESSOR), client_as(Role.OFFICER)
    act = _base(bench) + "/act"
    with bench.work() as (_, _, frame):
        place = frame.places["L3-PES1-01"][0].id
    one.post(
        f"{_base(bench)}/cells/L3-PES1-01/{place}",
        data={"version": "0", "verdict": "compliant", "text": "现场查看"},
    )
    two.post(_base(bench) + "/assign", data={"part": "class:CES", "person": "someone", "due": "2026-12-31"})
    with platform.work("test:look") as session:
        task = session.scalars(select(AssessmentTask)).one()
    two.post(_base(bench) + "/assign", data={"task": str(task.id)})
    one.post(act, data={"action": "submit"})
    two.post(act, data={"action": "return", "reason": "补充照片"})
    one.post(
        f"{_base(bench)}/cells/L3-PES1-01/{place}",
        data={"version": "3", "verdict": "compliant", "text": "现场查看，附照片"},
    )
    one.post(act, data={"action": "submit"})
    two.post(act, data={"action": "accept"})
    with platform.work("test:look") as session:
        assert session.scalars(select(AssessmentRecord.state)).one().value == "accepted"
    assert client_as(Role.OWNER).post(act, data={"action": "close"}).status_code == 403
    answer = one.post(act, data={"action": "close", "reason": "到期"})
    assert answer.headers["Location"].endswith("/result")
    assert "符合" in one.get(_base(bench) + "/result").get_data(as_text=True)
    one.post(act, data={"action": "ask-reopen", "reason": "录入有误"})
    assert "重新打开" in plain(two.get(_base(bench)).get_data(as_text=True))
    one.post(act, data={"action": "reopen"})
    with platform.work("test:look") as session:
        assert session.scalars(select(Assessment.state)).one().value == "closed"
    two.post(act, data={"action": "refuse-reopen", "reason": "另起一次测评"})
    document = one.get(_base(bench) + "/export.json").get_json()
    assert (document["format"], document["state"], len(document["records"])) == (
        "secops-assessment/1",
        "closed",
        1,
    )
    book = one.get(_base(bench) + "/sheets/download")
    assert openpyxl.load_workbook(io.BytesIO(book.data)).worksheets[0]["A1"].value == "测评对象：整个系统"


def test_a_sheet_is_taken_over_after_a_look(bench: Bench, client_as: ClientAs, platform: Platform) -> None:
    """Upload, preview, choose, confirm; another person's draft is not there."""
    client = client_as(Role.ASSESSOR)
    book = openpyxl.load_workbook(io.BytesIO(client.get(_base(bench) + "/sheets/download").data))
    book.worksheets[0].cell(3, 9).value = "符合"
    book.worksheets[0].cell(3, 8).value = "离线填写的记录"
    stream = io.BytesIO()
    book.save(stream)
    answer = client.post(
        _base(bench) + "/sheets",
        data={"file": (io.BytesIO(stream.getvalue()), "表.xlsx")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 302
    where = answer.headers["Location"]
    assert "离线填写的记录" in client.get(where).get_data(as_text=True)
    assert client_as(Role.OFFICER).get(where).status_code == 404
    assert client.post(where, data={}).status_code == 302
    with platform.work("test:look") as session:
        assert session.scalars(select(AssessmentRecord.text)).one() == "离线填写的记录"
    refused = client.post(
        _base(bench) + "/sheets",
        data={"file": (io.BytesIO(b"PK\x03\x04x"), "x.xlsx")},
        content_type="multipart/form-data",
    )
    assert refused.status_code == 400


def test_risks_and_compensation_over_http(bench: Bench, client_as: ClientAs) -> None:
    """The analysis keeps what was typed on a mistake; a compensation is made and taken back."""
    client = client_as(Role.ASSESSOR)
    bench.decide("L3-PES1-01", verdict="non_compliant", text="渗水")
    bench.decide("L3-PES1-02", verdict="compliant", text="好")
    url = _base(bench) + "/risks/L3-PES1-01"
    wrong = client.post(
        url, data={"version": "0", "likelihood": "high", "impact": "", "analysis": "写了一半"}
    )
    assert wrong.status_code == 400
    assert "写了一半" in wrong.get_data(as_text=True)
    assert (
        client.post(
            url,
            data={
                "version": "0",
                "likelihood": "high",
                "impact": "high",
                "analysis": "设备受潮",
                "cost": "5000",
            },
        ).status_code
        == 302
    )
    with bench.work() as (_, _, frame):
        place = frame.places["L3-PES1-01"][0].id
    client.post(
        url + "/compensate",
        data={
            "target": str(place),
            "by_unit": "L3-PES1-02",
            "verdict": "compliant",
            "reason": "设备不在该区域",
        },
    )
    assert "设备不在该区域" in client.get(_base(bench) + "/risks").get_data(as_text=True)
    client.post(url + "/compensate", data={"drop": "1"})
    assert "设备不在该区域" not in client.get(_base(bench) + "/risks").get_data(as_text=True)


def test_another_department_sees_none_of_it(
    make_bench: Callable[..., Bench], rows: Rows, client_as: ClientAs
) -> None:
    """A foreign id and a missing one look the same on every page."""
    one, two = two_departments(rows)
    bench = make_bench(department_id=one)
    stranger = client_as(Role.ASSESSOR, department_id=two)
    with bench.work() as (_, _, frame):
        place = frame.places["L3-PES1-01"][0].id
    paths = [
        *PAGES,
        "/export.json",
        "/grid/cells",
        "/grid/changes",
        "/grid/next",
        f"/cells/L3-PES1-01/{place}",
        "/risks/L3-PES1-01",
        "/sheets/download",
    ]
    for path in paths:
        foreign, missing = stranger.get(_base(bench) + path), stranger.get("/assessments/987654" + path)
        assert (foreign.status_code, missing.status_code) == (404, 404), path
    assert stranger.post(_base(bench) + "/act", data={"action": "close"}).status_code == 404
    assert (
        stranger.post(_base(bench) + "/bulk", data={"cells": "[[0,0]]", "verdict": "compliant"}).status_code
        == 404
    )
    assert "SYS-1" not in stranger.get("/assessments/").get_data(as_text=True)


def test_the_list_needs_the_same_queries_at_any_size(
    platform: Platform, rows: Rows, client_as: ClientAs
) -> None:
    """Twelve systems or a thousand."""
    for number in range(30):
        rows.one(
            Assessment,
            number=f"N-{number}",
            scope={"units": []},
            rules={},
            cells=10,
            edition="2025",
            framework="gbt-28448-2019",
        )
    counts = counts_small_and_large(client_as(Role.OFFICER), platform.engine, "/assessments/")
    small, large = counts["/assessments/"]
    assert small == large <= 9


def test_pages_of_a_large_assessment_need_no_more_queries(bench: Bench, client_as: ClientAs) -> None:
    """Four targets or five hundred: the grid, its window and one cell cost the same number of queries."""
    client = client_as(Role.ASSESSOR)
    with bench.work() as (_, _, frame):
        place = frame.places["L3-CES1-01"][0].id
    urls = [_base(bench), _base(bench) + "/grid", _base(bench) + "/grid/cells?from=0&to=99", _base(bench) + f"/cells/L3-CES1-01/{place}",
            _base(bench) + "/checks", _base(bench) + "/result", _base(bench) + "/risks"]  # fmt: skip
    before = {url: queries_of(client, bench.platform.engine, url) for url in urls}
    bench.grow(500)
    after = {url: queries_of(client, bench.platform.engine, url) for url in urls}
    assert before == after
    assert max(after.values()) <= 20, after


def test_json_in_the_page_cannot_end_the_script(
    make_bench: Callable[..., Bench], client_as: ClientAs
) -> None:
    """A target's name with a closing tag stays text."""
    bench = make_bench(kinds=("server", "</script><script>alert(1)//"))
    text = client_as(Role.ASSESSOR).get(_base(bench) + "/grid").get_data(as_text=True)
    assert "<script>alert(1)" not in text


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_administrators_see_no_assessment(bench: Bench, client_as: ClientAs, role: Role) -> None:
    """They keep the platform, not the verdicts."""
    client: Any = client_as(role)
    for page in PAGES:
        assert client.get(_base(bench) + page).status_code == 403


def test_many_begin_together_or_none(platform: Platform, rows: Rows, client_as: ClientAs) -> None:
    """A campaign over three systems; with one that is being assessed already nothing begins."""
    ids = [rows.one(System, level=3, profile="S3A3G3", code=f"C-{n}", name=f"系统 {n}") for n in range(3)]
    client = client_as(Role.OFFICER)
    assert "系统 1" in client.get("/assessments/campaign?q=C-").get_data(as_text=True)
    form = {
        "title": "四季度自评",
        "edition": "2025",
        "begins_on": "2026-11-25",
        "systems": [str(one) for one in ids],
    }
    answer = client.post("/assessments/campaign", data=form)
    assert answer.status_code == 302
    listed = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "四季度自评：系统 2" in listed
    other = rows.one(System, level=3, profile="S3A3G3", code="C-9", name="第四个")
    again = client.post("/assessments/campaign", data=form | {"systems": [str(other), str(ids[0])]})
    assert again.status_code == 400
    assert "系统 0" in again.get_data(as_text=True)
    assert client.post("/assessments/campaign", data=form | {"title": "", "systems": []}).status_code == 400
    with platform.work("test:look") as session:
        assert len(session.scalars(select(Assessment)).all()) == 3


def test_the_report_is_asked_for_from_the_conclusion_page(
    bench: Bench, client_as: ClientAs, platform: Platform
) -> None:
    """One job for the chosen forms; a wrong form is refused with a sentence."""
    from secops.jobs.models import Job

    client = client_as(Role.ASSESSOR)
    bench.decide("L3-PES1-01", verdict="compliant", text="现场查看")
    assert (
        client.post(
            _base(bench) + "/report", data={"forms": ["docx_assessment", "pdf_posture"], "language": "zh"}
        ).status_code
        == 302
    )
    with platform.work("test:look") as session:
        job = session.scalars(select(Job).where(Job.kind == "report")).one()
        assert job.payload["renderers"] == ["docx_assessment"]
        assert job.payload["assessment_id"] == bench.assessment_id
    client.post(_base(bench) + "/report", data={"language": "zh"})
    with platform.work("test:look") as session:
        assert len(session.scalars(select(Job).where(Job.kind == "report")).all()) == 1


def test_one_cell_is_reviewed_in_the_panel(bench: Bench, client_as: ClientAs, platform: Platform) -> None:
    """Whoever decided it sees no buttons and is refused; another person returns it with a reason, then accepts it."""
    one, two = client_as(Role.ASSESSOR), client_as(Role.OFFICER)
    with bench.work() as (_, _, frame):
        place = frame.places["L3-PES1-01"][0].id
    url = f"{_base(bench)}/cells/L3-PES1-01/{place}"
    one.post(url, data={"version": "0", "verdict": "compliant", "text": "现场查看"})
    assert (
        two.post(url + "/review", data={"action": "accept"}, headers={"X-Fragment": "1"}).status_code == 403
    )
    one.post(_base(bench) + "/act", data={"action": "submit"})
    assert "待您复核" not in one.get(url).get_data(as_text=True)
    assert "待您复核" in two.get(url).get_data(as_text=True)
    assert (
        one.post(url + "/review", data={"action": "accept"}, headers={"X-Fragment": "1"}).status_code == 403
    )
    assert (
        two.post(
            url + "/review", data={"action": "return", "reason": ""}, headers={"X-Fragment": "1"}
        ).status_code
        == 400
    )
    assert (
        two.post(
            url + "/review", data={"action": "return", "reason": "补照片"}, headers={"X-Fragment": "1"}
        ).status_code
        == 200
    )
    assert "补照片" in one.get(url).get_data(as_text=True)
    with platform.work("test:look") as session:
        version = session.scalars(select(AssessmentRecord.version)).one()
    one.post(url, data={"version": str(version), "verdict": "compliant", "text": "已补照片"})
    one.post(_base(bench) + "/act", data={"action": "submit"})
    assert two.post(url + "/review", data={"action": "accept"}).status_code == 302
    with platform.work("test:look") as session:
        assert session.scalars(select(AssessmentRecord.state)).one().value == "accepted"
