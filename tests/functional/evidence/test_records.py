"""What happens to evidence after it was taken in: versions, links, comments, use elsewhere, expiry, requests."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.db import local_day
from secops.errors import BadInput
from secops.evidence.documents import guess_kind, kinds, read_fields
from secops.evidence.models import (
    Evidence,
    EvidenceLink,
    EvidenceRequest,
    EvidenceSource,
    EvidenceState,
    RequestState,
)
from secops.evidence.records import expire_due
from secops.evidence.services import NewEvidence, read_all, store_bytes
from secops.objects.models import System
from secops.platform import Platform
from secops.posture.models import PostureCell
from secops.posture.services import recompute
from secops.scope import Principal
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import Client, ClientAs

CONTENT = "备份策略：每日全量。\n".encode()


@pytest.fixture
def made(platform: Platform, rows: Rows) -> dict[str, int]:
    """Two level-3 systems of one department and one of another; the first has submitted evidence."""
    one, two = two_departments(rows)
    ids = {"department": one}
    for name, department in (("system", one), ("second", one), ("foreign", two)):
        ids[name] = rows.one(
            System, department_id=department, level=3, profile="S3A3G3", name=name, hosting="own-room"
        )
    ids["evidence"] = _store(platform, ids["system"])
    return ids


def _store(platform: Platform, system: int, **more: Any) -> int:
    values: dict[str, Any] = {
        "title": "备份制度",
        "file_name": "备份管理制度.txt",
        "source": EvidenceSource.UPLOAD,
        "state": EvidenceState.SUBMITTED,
        "units": ("L3-MMS1-34",),
        "extra": {"given_by": "somebody"},
    }
    new = NewEvidence(system_id=system, **(values | more))
    return store_bytes(platform, Principal.platform("test"), new, CONTENT)


def _upload(client: Client, system: int, **fields: Any) -> Any:
    data = {
        "title": "新版",
        "system": system,
        "file": (io.BytesIO(CONTENT + b"2"), "备份管理制度.txt"),
        **fields,
    }
    return client.post("/evidence/upload", data, content_type="multipart/form-data")


def _row(platform: Platform, number: int) -> Evidence:
    with platform.work("test:look") as session:
        return session.get_one(Evidence, number)


def _accept(client: Client, number: int) -> None:
    assert (
        client.post(f"/evidence/{number}/decide", {"decision": "accept", "reason": "齐全"}).status_code == 302
    )


def test_a_newer_version_takes_over_when_it_is_accepted(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Until then the old one counts; afterwards it is superseded and each page leads to the other."""
    owner, assessor = client_as(Role.OWNER), client_as(Role.ASSESSOR)
    form = owner.get(f"/evidence/upload?replaces={made['evidence']}").text
    assert 'value="L3-MMS1-34" checked' in form
    newer = int(_upload(owner, made["system"], replaces=made["evidence"]).location.rsplit("/", 1)[1])
    assert _row(platform, made["evidence"]).state is EvidenceState.SUBMITTED

    _accept(assessor, newer)

    old = _row(platform, made["evidence"])
    assert (old.state, old.state_reason) == (EvidenceState.SUPERSEDED, f"#{newer}")
    found = _row(platform, newer)
    assert (found.decided_by, found.state_reason) == (assessor.username, "齐全")
    assert f'href="/evidence/{newer}"' in owner.get(f"/evidence/{made['evidence']}").text
    assert _upload(owner, made["system"], replaces=made["evidence"]).status_code == 400


def test_foreign_evidence_is_no_older_version(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A version chain stays inside one system and one scope."""
    other = _store(platform, made["second"])
    owner = client_as(Role.OWNER)
    assert _upload(owner, made["system"], replaces=other).status_code == 404
    assert _upload(owner, made["system"], replaces=9999).status_code == 404


def test_comments_stay(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """A comment shows with its author; an empty one is refused."""
    client = client_as(Role.CONTACT)
    url = f"/evidence/{made['evidence']}"
    assert client.post(f"{url}/comment", {"text": " "}).status_code == 400
    assert client.post(f"{url}/comment", {"text": "缺第三页"}).status_code == 302
    assert "缺第三页" in client.get(url).text
    assert last_event(platform, "evidence.comment").actor == client.username


def test_links_can_be_chosen_anew(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Units are added and taken away on record; one that does not bind the system is refused."""
    client = client_as(Role.ASSESSOR)
    url = f"/evidence/{made['evidence']}/units"
    assert "checked" in client.get(url).text
    assert client.post(url, {"units": ["L2-CES1-01"]}).status_code == 400
    assert client.post(url, {"units": ["L3-MMS1-35", "L3-MMS1-36"]}).status_code == 302
    with platform.work("test:look") as session:
        units = session.scalars(
            select(EvidenceLink.unit_id).where(EvidenceLink.evidence_id == made["evidence"])
        )
        assert set(units) == {"L3-MMS1-35", "L3-MMS1-36"}
    assert last_event(platform, "evidence.link").detail["removed"] == ["L3-MMS1-34"]


def test_the_same_content_is_recognised(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A second copy says which evidence has the same content."""
    twin = _store(platform, made["second"])
    page = plain(client_as(Role.OFFICER).get(f"/evidence/{twin}").text)
    assert f"#{made['evidence']}" in page
    assert "内容（SM3）与 1 份已有证据相同" in page


def test_the_page_says_what_else_it_would_answer(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """More units of its kind, and items of other frameworks by crosswalk."""
    number = _store(platform, made["system"], units=("L3-CES1-25",), document_kind="backup-rule")
    page = plain(client_as(Role.OFFICER).get(f"/evidence/{number}").text)
    assert "这份证据还可以回答" in page
    assert "本系统另外" in page
    assert "密评（GB/T 39786）" in page


def test_use_for_another_system_is_sealed_anew(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """The copy has its own row, receipt and decision; the same bytes are not taken twice; scope holds."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    url = f"/evidence/{made['evidence']}/reuse"
    answer = client.post(url, {"system": made["second"]})
    assert answer.status_code == 302
    copy = _row(platform, int(answer.location.rsplit("/", 1)[1]))
    assert (copy.system_id, copy.source, copy.reused_from) == (
        made["second"],
        EvidenceSource.REUSE,
        made["evidence"],
    )
    assert read_all(platform, copy) == CONTENT
    assert copy.blob_id != _row(platform, made["evidence"]).blob_id
    assert client.post(url, {"system": made["second"]}).status_code == 403
    assert client.post(url, {"system": made["foreign"]}).status_code == 404


def test_what_is_over_is_marked_and_leaves_the_posture(platform: Platform, made: dict[str, int]) -> None:
    """The day after its period evidence counts no more, whether or not the duty has run; the duty is told of once."""
    now = utc_now()
    today = local_day_of(platform, now)
    number = _store(platform, made["system"], effective_until=today, units=("L3-MMS1-35",))
    with platform.work("test:posture") as session:
        system = session.get_one(System, made["system"])
        recompute(session, system, now=now)
        assert number in _evidence_of(session, made["system"], "L3-MMS1-35")
        recompute(session, system, now=now + timedelta(days=1))
        assert number not in _evidence_of(session, made["system"], "L3-MMS1-35")
    with platform.work("test:expiry") as session:
        assert expire_due(session, today=today, now=now) == []
        assert expire_due(session, today=today + timedelta(days=1), now=now) == [made["system"]]
        assert expire_due(session, today=today + timedelta(days=1), now=now) == []
    assert _row(platform, number).state is EvidenceState.EXPIRED
    assert audit_actions(platform, "Evidence").count("evidence.expire") == 1


def local_day_of(platform: Platform, now: Any) -> Any:
    with platform.work("test:day") as session:
        return local_day(session, now)


def _evidence_of(session: Any, system: int, unit: str) -> set[int]:
    cells = session.scalars(
        select(PostureCell.evidence_ids).where(PostureCell.system_id == system, PostureCell.unit_id == unit)
    )
    return {number for cell in cells for number in cell}


def test_a_paper_speaks_to_steps_but_settles_none(platform: Platform, made: dict[str, int]) -> None:
    """An accepted rule that was last reviewed too long ago shows as a reason, and proposes no verdict."""
    document = {
        "number": "1",
        "version": "1",
        "issuer": "局",
        "approver": False,
        "date": "2020-01-01",
        "reviewed": "2020-01-01",
    }
    _store(
        platform, made["system"], state=EvidenceState.ACCEPTED, document_kind="backup-rule", document=document
    )
    with platform.work("test:posture") as session:
        recompute(session, session.get_one(System, made["system"]), now=utc_now())
        cells = session.scalars(
            select(PostureCell).where(
                PostureCell.system_id == made["system"], PostureCell.unit_id == "L3-MMS1-34"
            )
        ).all()
    reasons = " ".join(reason["zh"] for cell in cells for reason in cell.reasons)
    assert "批准" in reasons
    assert all(cell.verdict != "compliant" for cell in cells)


def test_all_that_is_missing_is_asked_for_in_one_press(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """Each lacking paper becomes one request with its units; a second press adds none; an upload answers it."""
    client = client_as(Role.OFFICER)
    url = f"/evidence/requests/missing/{made['system']}"
    assert "备份与恢复管理制度" in client.get(url).text
    due = (utc_now() + timedelta(days=20)).date().isoformat()
    assert client.post(url, {"due_on": "2020-01-01"}).status_code == 400
    assert client.post(url, {"due_on": due}).status_code == 302
    count = _count(platform)
    assert count > 30
    assert client.post(url, {"due_on": due}).status_code == 302
    assert _count(platform) == count

    with platform.work("test:look") as session:
        query = select(EvidenceRequest.id).where(EvidenceRequest.document_kind == "backup-rule")
        number = session.scalars(query).one()
    owner = client_as(Role.OWNER)
    page = owner.get(f"/evidence/requests/{number}").text
    assert "材料上应能看到" in page
    assert 'value="L3-MMS1-34" checked' in owner.get(f"/evidence/upload?request={number}").text
    bad = _upload(
        owner, made["system"], request=number, document_kind="backup-rule", **{"doc-date": "gestern"}
    )
    assert bad.status_code == 400
    answer = _upload(
        owner, made["system"], request=number, document_kind="backup-rule",
        **{"doc-date": "2026-03-01", "doc-approver": "无"},
    )  # fmt: skip
    given = int(answer.location.rsplit("/", 1)[1])
    assert _row(platform, given).document == {"date": "2026-03-01", "approver": False}
    assert _request(platform, number).state is RequestState.ANSWERED
    assessor = client_as(Role.ASSESSOR)
    assert (
        assessor.post(f"/evidence/{given}/decide", {"decision": "return", "reason": "没有批准"}).status_code
        == 302
    )
    assert (_request(platform, number).state, _request(platform, number).reason) == (
        RequestState.OPEN,
        "没有批准",
    )
    again = int(_upload(owner, made["system"], request=number).location.rsplit("/", 1)[1])
    _accept(assessor, again)
    assert _request(platform, number).state is RequestState.DONE
    assert {"evidence-request.reopen", "evidence-request.done"} <= set(
        audit_actions(platform, "EvidenceRequest")
    )


def _count(platform: Platform) -> int:
    with platform.work("test:look") as session:
        return int(session.scalar(select(func.count(EvidenceRequest.id))) or 0)


def _request(platform: Platform, number: int) -> EvidenceRequest:
    with platform.work("test:look") as session:
        return session.get_one(EvidenceRequest, number)


def test_a_request_in_own_words_can_be_taken_back(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A reason is needed; afterwards it can't be answered any more."""
    client = client_as(Role.OFFICER)
    due = (utc_now() + timedelta(days=20)).date().isoformat()
    data = {"system": made["system"], "title": "门禁照片", "instructions": "看得到读卡器", "due_on": due}
    assert client.post("/evidence/requests/new", {**data, "title": ""}).status_code == 400
    answer = client.post("/evidence/requests/new", data)
    assert answer.status_code == 302
    where = answer.location
    assert "看得到读卡器" in client.get(where).text
    assert client.post(f"{where}/withdraw", {"reason": ""}).status_code == 400
    assert client.post(f"{where}/withdraw", {"reason": "现场已看"}).status_code == 302
    assert "现场已看" in client.get(where).text
    number = where.rsplit("/", 1)[1]
    assert _upload(client, made["system"], request=number).status_code == 403


def test_requests_keep_to_their_scope(client_as: ClientAs, made: dict[str, int]) -> None:
    """A foreign system is neither shown nor asked."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    assert client.get(f"/evidence/requests/missing/{made['foreign']}").status_code == 404
    assert client.get("/evidence/requests/9999").status_code == 404
    assert client_as(Role.OWNER).get(f"/evidence/requests/missing/{made['system']}").status_code == 403


def test_queries_do_not_grow(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """The list and one request need as many queries for 1,000 systems as for 12."""
    number = rows.one(
        EvidenceRequest,
        system_id=made["system"],
        title={"zh": "甲", "en": "a"},
        state="open",
        document_kind="backup-rule",
    )
    client = client_as(Role.OFFICER)
    urls = (
        "/evidence/requests/",
        f"/evidence/requests/{number}",
        f"/evidence/requests/missing/{made['system']}",
    )
    for url, (small, large) in counts_small_and_large(client, platform.engine, *urls).items():
        assert small == large <= 9, (url, small, large)


def test_kinds_are_guessed_by_name() -> None:
    """The longest fitting piece of a file name decides; nothing fitting gives nothing."""
    assert guess_kind("2026 备份策略.docx") == "backup-rule"
    assert guess_kind("holiday.jpg") == ""


def test_fields_have_three_states() -> None:
    """Typed, looked for and not there, nobody looked."""
    kind = kinds()["backup-rule"]
    found = read_fields(kind, {"number": "7 号", "approver": "无", "date": ""}, ["list", "nonsense"])
    assert found == {"number": "7 号", "approver": False, "topics": ["list"]}
    with pytest.raises(BadInput):
        read_fields(kind, {"date": "2026-13-01"}, [])
