"""The pages of evidence through the application: list, page, upload, decision, download, receipt."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.evidence.download import disposition
from secops.evidence.models import Evidence, EvidenceLink, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, receipt_is_good, store_bytes
from secops.jobs.models import Job
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.scope import Principal
from secops.web.paths import file_name
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import Client, ClientAs

CONTENT = "口令不少于 12 位。\n".encode() * 500
READERS = (Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR)


@pytest.fixture
def made(platform: Platform, rows: Rows) -> dict[str, int]:
    """A level-3 system with one sealed, submitted piece of evidence; another department with one."""
    one, two = two_departments(rows)
    ids: dict[str, int] = {"department": one}
    for name, department in (("", one), ("foreign_", two)):
        system = rows.one(
            System, department_id=department, level=3, profile="S3A3G3", name="公文" if name else "审批平台"
        )
        new = NewEvidence(
            system_id=system,
            title=f"{name}口令规定",
            file_name='口令 规定;"甲".txt',
            source=EvidenceSource.UPLOAD,
            state=EvidenceState.SUBMITTED,
            units=("L3-CES1-01",),
            note="提交人的说明",
            extra={"given_by": "somebody"},
        )
        found = store_bytes(platform, Principal.platform("test"), new, CONTENT)
        ids |= {f"{name}system": system, f"{name}evidence": found}
    ids["asset"] = rows.one(Asset, system_id=ids["system"], name="主机甲")
    return ids


@pytest.mark.parametrize("role", READERS)
def test_readers_open_list_page_file_and_receipt(
    client_as: ClientAs, made: dict[str, int], role: Role
) -> None:
    """Each reader sees the list and the page and takes file and receipt away."""
    client = client_as(role)
    assert "口令规定" in client.get("/evidence/").text
    page = plain(client.get(f"/evidence/{made['evidence']}").text)
    assert "签名有效，内容与当前记录一致" in page
    assert "未使用经认证的商用密码产品" in page
    assert client.get(f"/evidence/{made['evidence']}/download").data == CONTENT
    assert client.get(f"/evidence/{made['evidence']}/receipt").status_code == 200


@pytest.mark.parametrize("role", [Role.LEADER, Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_others_get_nothing(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Leaders and administrators reach neither list nor file."""
    client = client_as(role)
    for url in ("/evidence/", f"/evidence/{made['evidence']}", f"/evidence/{made['evidence']}/download"):
        assert client.get(url).status_code == 403


def test_foreign_and_missing_look_the_same(client_as: ClientAs, made: dict[str, int]) -> None:
    """Another department's evidence answers like what does not exist, uploads included."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    officer = client_as(Role.OFFICER, department_id=made["department"])
    for number in (made["foreign_evidence"], 9999):
        for ending in ("", "/download", "/receipt"):
            assert client.get(f"/evidence/{number}{ending}").status_code == 404
        assert officer.post(f"/evidence/{number}/decide", {"decision": "accept"}).status_code == 404
    for system in (made["foreign_system"], 9999):
        assert client.get(f"/evidence/upload?system={system}").status_code == 404
        assert _upload(client, system=system).status_code == 404


def test_a_download_is_an_attachment_and_on_record(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Name, length and the headers that keep a browser from running it; the reading is an event."""
    client = client_as(Role.INSPECTOR)
    answer = client.get(f"/evidence/{made['evidence']}/download")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "filename*=UTF-8''%E5%8F%A3%E4%BB%A4%20" in answer.headers["Content-Disposition"]
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    answer.close()
    event = last_event(platform, "evidence.read")
    assert (event.actor, event.object_id) == (client.username, str(made["evidence"]))


def test_the_event_comes_before_the_first_byte(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A client that hangs up at once is on record all the same."""
    answer = client_as(Role.INSPECTOR).get(f"/evidence/{made['evidence']}/download", buffered=False)
    answer.close()
    assert "evidence.read" in audit_actions(platform)


def test_a_missing_file_says_so(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """A blob that is gone answers 503 with the next step and no event of a reading."""
    with platform.work("test:look") as session:
        blob = session.get_one(Evidence, made["evidence"]).blob_id
    platform.vault.shred(blob)
    answer = client_as(Role.OFFICER).get(f"/evidence/{made['evidence']}/download")
    assert answer.status_code == 503
    assert "secops doctor" in answer.text
    assert "evidence.read" not in audit_actions(platform)


@pytest.mark.parametrize(
    ("name", "plain_name"),
    [("a.txt", "a.txt"), ("口令.pdf", "pdf"), ('a"b\r\nX: 1.txt', "a_b_X_1.txt"), ("…", "evidence")],
)
def test_file_names_stay_inside_their_header(name: str, plain_name: str) -> None:
    """Quotes, line ends and other scripts can't leave the header."""
    found = disposition(name)
    assert f'filename="{plain_name}"' in found
    assert "\n" not in found
    assert "\r" not in found


def test_the_receipt_can_be_checked_elsewhere(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """The downloaded receipt holds the exact signed text and its signature."""
    answer = client_as(Role.INSPECTOR).get(f"/evidence/{made['evidence']}/receipt")
    receipt = json.loads(answer.text)
    assert receipt_is_good(platform, receipt)
    assert json.loads(receipt["signed"])[3] == len(CONTENT)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "evidence.receipt" in audit_actions(platform)


def test_a_changed_row_shows(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """A name changed behind the platform's back no longer fits its receipt."""
    with platform.engine.begin() as connection:
        connection.execute(
            update(Evidence.__table__).where(Evidence.id == made["evidence"]).values(file_name="其他.txt")
        )
    assert "回执与记录不符" in client_as(Role.OFFICER).get(f"/evidence/{made['evidence']}").text


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("state=submitted", True),
        ("state=accepted", False),
        ("source=scan", False),
        ("unit=l3-ces1-01", True),
        ("unit=L3-CES1-02", False),
        ("q=规定", True),
        ("q=nothing", False),
        ("expired=1", False),
        ("system={system}", True),
        ("system={foreign_system}", False),
        ("department={department}", True),
    ],
)
def test_filters_hold_for_the_export(
    client_as: ClientAs, made: dict[str, int], query: str, there: bool
) -> None:
    """The export has the rows of the filter."""
    text = client_as(Role.OFFICER).get("/evidence/export?format=csv&" + query.format(**made)).text
    assert (",审批平台," in text) is there


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """List, page and upload form need as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    urls = ("/evidence/", f"/evidence/{made['evidence']}", f"/evidence/upload?system={made['system']}")
    for url, (small, large) in counts_small_and_large(client, platform.engine, *urls).items():
        assert small == large <= 12, (url, small, large)


def _upload(client: Client, name: str | None = "规定.txt", content: bytes = CONTENT, **fields: Any) -> Any:
    data: dict[str, Any] = {"title": "新规定", "note": "", "units": ["L3-CES1-01", "L3-CES1-07"], **fields}
    if name is not None:
        data["file"] = (io.BytesIO(content), name)
    return client.post("/evidence/upload", data, content_type="multipart/form-data")


def _count(platform: Platform) -> int:
    with platform.work("test:look") as session:
        return int(session.scalar(select(func.count(Evidence.id))) or 0)


@pytest.mark.parametrize("role", [Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR])
def test_an_upload_is_sealed_and_answers_its_units(
    client_as: ClientAs, platform: Platform, made: dict[str, int], role: Role
) -> None:
    """The file comes back as it was, linked to its units, receipted, and the posture is worked out anew."""
    client = client_as(role, department_id=made["department"])
    answer = _upload(client, system=made["system"], asset=made["asset"], note="第一版")
    assert answer.status_code == 302
    number = int(answer.location.rsplit("/", 1)[1])
    with platform.work("test:look") as session:
        found = session.get_one(Evidence, number)
        assert (found.given_by, found.state, found.source) == (
            client.username,
            EvidenceState.SUBMITTED,
            EvidenceSource.UPLOAD,
        )
        links = session.scalars(select(EvidenceLink).where(EvidenceLink.evidence_id == number)).all()
        assert {(link.unit_id, link.asset_id) for link in links} == {
            ("L3-CES1-01", made["asset"]),
            ("L3-CES1-07", made["asset"]),
        }
        job = session.scalars(select(Job)).one()
        assert (job.kind, job.payload) == ("posture", {"system_id": made["system"]})
    assert client.get(f"/evidence/{number}/download").data == CONTENT
    assert {"evidence.receive", "evidence.store"} <= set(audit_actions(platform, "Evidence"))


def test_each_upload_asks_for_a_recompute(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A job that may have read the evidence already does not stand for a later upload."""
    client = client_as(Role.OFFICER)
    assert _upload(client, system=made["system"]).status_code == 302
    assert _upload(client, system=made["system"]).status_code == 302
    with platform.work("test:look") as session:
        assert session.scalar(select(func.count(Job.id))) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"name": None},
        {"units": ["L2-CES1-01"]},
        {"units": ["nonsense"]},
        {"asset": "99999"},
        {"effective_from": "2026-12-01", "effective_until": "2026-11-01"},
        {"effective_until": "soon"},
    ],
)
def test_a_wrong_upload_is_kept(
    client_as: ClientAs, platform: Platform, made: dict[str, int], fields: dict[str, Any]
) -> None:
    """What is wrong is named, what was typed and chosen stays, nothing is stored."""
    client = client_as(Role.OWNER)
    answer = _upload(client, system=made["system"], **({"note": "保留的说明"} | fields))
    assert answer.status_code == 400
    assert "保留的说明" in answer.text
    if "units" not in fields:
        assert 'value="L3-CES1-07" checked' in answer.text
    assert _count(platform) == 2


def test_a_name_with_folders_loses_them(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Only the last part of a path is kept."""
    answer = _upload(client_as(Role.OWNER), name="../../secret/a.txt", system=made["system"])
    with platform.work("test:look") as session:
        assert session.get_one(Evidence, int(answer.location.rsplit("/", 1)[1])).file_name == "a.txt"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("C:\\x\\..\\a.txt", "a.txt"), ("a\x00\r\n.txt", "a.txt"), ("", ""), (None, ""), ("x" * 300, "x" * 255)],
)
def test_names_are_cleaned(given: str | None, kept: str) -> None:
    """Folders of either kind, control characters and overlong names do not reach the row."""
    assert file_name(given) == kept


def test_the_form_preselects_system_and_unit(client_as: ClientAs, made: dict[str, int]) -> None:
    """A link of an item's page leads to the form with system and unit chosen, and the limit said before."""
    client = client_as(Role.OWNER)
    text = client.get(f"/evidence/upload?system={made['system']}&unit=L3-CES1-02").text
    assert f'name="system" value="{made["system"]}"' in text
    assert 'value="L3-CES1-02" checked' in text
    assert "MB" in plain(text)
    assert "审批平台" in client.get("/evidence/upload").text


def test_an_inspector_uploads_nothing(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Inspectors read only."""
    client = client_as(Role.INSPECTOR)
    assert client.get("/evidence/upload").status_code == 403
    assert _upload(client, system=made["system"]).status_code == 403
    assert _count(platform) == 2


def test_a_decision_is_on_record_and_keeps_the_note(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Returning needs words; they go into the history, the giver's own note stays."""
    client = client_as(Role.ASSESSOR)
    url = f"/evidence/{made['evidence']}"
    assert client.post(f"{url}/decide", {"decision": "return"}).status_code == 400
    assert client.post(f"{url}/decide", {"decision": "return", "reason": "缺少签发日期"}).status_code == 302
    page = client_as(Role.OWNER).get(url).text
    assert "缺少签发日期" in page
    assert "提交人的说明" in page
    assert last_event(platform, "evidence.return").reason == "缺少签发日期"
    again = client.post(f"{url}/decide", {"decision": "accept"})
    assert again.status_code == 400
    assert "只有待审核的证据" in again.text


def test_nobody_decides_on_their_own(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The giver can't accept what they gave."""
    client = client_as(Role.OFFICER)
    url = _upload(client, system=made["system"]).location
    assert client.post(f"{url}/decide", {"decision": "accept"}).status_code == 400
    assert "须由他人审核" in client.get(url).text
    assert "evidence.accept" not in audit_actions(platform)


def test_what_is_over_shows_as_expired(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Evidence beyond its period is marked and found by the filter."""
    past = utc_now().date() - timedelta(days=2)
    with platform.engine.begin() as connection:
        connection.execute(
            update(Evidence.__table__).where(Evidence.id == made["evidence"]).values(effective_until=past)
        )
    client = client_as(Role.OFFICER)
    assert "已过期" in plain(client.get(f"/evidence/{made['evidence']}").text)
    assert ",审批平台," in client.get("/evidence/export?format=csv&expired=1").text
