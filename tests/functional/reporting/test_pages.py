"""The pages of reports through the application."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select

from secops.accounts.models import Role
from secops.evidence.models import Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, store_bytes
from secops.findings.models import Finding
from secops.jobs.models import Job
from secops.objects.models import System
from secops.platform import Platform
from secops.reporting.kinds import ASSESSMENT, KINDS
from secops.reporting.models import ReportFile
from secops.scope import Principal
from tests.support.builders import Rows
from tests.support.page_checks import (
    audit_actions,
    counts_small_and_large,
    last_event,
    plain,
    two_departments,
)
from tests.support.platforms import ClientAs

CONTENT = b"%PDF-1.7 report"


@pytest.fixture
def made(platform: Platform, rows: Rows) -> dict[str, int]:
    """A classified system and one without a level, a finished report, and one in another department."""
    one, two = two_departments(rows)
    ids: dict[str, int] = {"department": one}
    for name, department in (("", one), ("foreign_", two)):
        system = rows.one(
            System,
            department_id=department,
            code=f"{name or 'HOME'}",
            name="公文" if name else "审批平台",
            profile="S3A3G3",
            level=3,
        )
        new = NewEvidence(
            system,
            "报告 HOME-1",
            "报告.pdf",
            EvidenceSource.REPORT,
            EvidenceState.ACCEPTED,
            media_type="application/pdf",
        )
        kept = store_bytes(platform, Principal.platform("test"), new, CONTENT)
        report = rows.one(
            ReportFile,
            system_id=system,
            number=f"{name}HOME-1",
            kind="posture",
            renderer="pdf_posture",
            language="zh",
            evidence_id=kept,
            built_by="officer",
        )
        ids |= {f"{name}system": system, f"{name}report": report, f"{name}evidence": kept}
    ids["bare"] = rows.one(System, department_id=one, name="未定级系统", profile="", level=None)
    return ids


@pytest.mark.parametrize(
    "role", [Role.OFFICER, Role.CONTACT, Role.OWNER, Role.ASSESSOR, Role.INSPECTOR, Role.LEADER]
)
def test_business_reads_and_downloads(
    client_as: ClientAs, platform: Platform, made: dict[str, int], role: Role
) -> None:
    """Every business role sees the list and takes the file away; the download is on record."""
    client = client_as(role)
    assert "HOME-1" in client.get("/reports/").text
    answer = client.get(f"/reports/{made['report']}/download")
    assert answer.data == CONTENT
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert last_event(platform, "report.download").actor == client.username
    assert last_event(platform, "evidence.read").object_id == str(made["evidence"])


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN])
def test_administrators_do_not(client_as: ClientAs, made: dict[str, int], role: Role) -> None:
    """Administrators reach neither list nor file."""
    client = client_as(role)
    assert client.get("/reports/").status_code == 403
    assert client.get(f"/reports/{made['report']}/download").status_code == 403


def test_foreign_and_missing_look_the_same(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """Another department's report, job and system answer like what does not exist."""
    client = client_as(Role.CONTACT, department_id=made["department"])
    job = rows.one(Job, system_id=made["foreign_system"], kind="report", state="running")
    for number in (made["foreign_report"], 9999):
        assert client.get(f"/reports/{number}/download").status_code == 404
    for number in (job, 9999):
        assert client.get(f"/reports/jobs/{number}").status_code == 404
    for system in (made["foreign_system"], 9999):
        assert client.get(f"/reports/build?system={system}").status_code == 404
        assert client.post("/reports/build", {"system": system}).status_code == 404
    # Typed words that name nothing, or a foreign code: the form says so, and says the same for both.
    for words in ("x", "FOREIGN"):
        assert client.get(f"/reports/build?system={words}").status_code == 404
        assert client.post("/reports/build", {"system": words}).status_code == 400
    assert "report.download" not in audit_actions(platform)


def test_filters_and_export(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Filters hold for the export, which is on record."""
    client = client_as(Role.OFFICER)
    text = client.get(f"/reports/export?format=csv&system={made['system']}").text
    assert "HOME-1" in text
    assert "foreign_HOME-1" not in text
    assert ",审批平台," not in client.get("/reports/export?format=csv&form=xlsx_posture").text
    assert last_event(platform, "table.export").object_id == "reports"


def test_queries_do_not_grow(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """List and form need as many queries for 1,000 systems as for 12."""
    client = client_as(Role.OFFICER)
    for url, (small, large) in counts_small_and_large(
        client, platform.engine, "/reports/", "/reports/build"
    ).items():
        assert small == large <= 9, (url, small, large)


def _jobs(platform: Platform) -> list[dict[str, Any]]:
    with platform.work("test:look") as session:
        return [
            dict(job.payload)
            for job in session.scalars(select(Job).where(Job.kind == "report").order_by(Job.id))
        ]


def test_a_report_is_asked_for(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The form queues one job with language and forms; its progress shows on the list."""
    client = client_as(Role.OWNER, department_id=made["department"])
    form = {"system": made["system"], "language": "en", "forms": ["pdf_posture", "docx_posture"]}
    answer = client.post("/reports/build", form)
    assert answer.status_code == 302
    (payload,) = _jobs(platform)
    assert (payload["language"], payload["renderers"]) == ("en", ["pdf_posture", "docx_posture"])
    page = client.get(answer.location).text
    assert payload["number"] in page
    assert "data-poll" in page
    assert "report.request" in audit_actions(platform)


def test_a_kind_is_chosen(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """The form offers every kind that is not asked for elsewhere, with the forms of the chosen one; the job carries it."""
    client = client_as(Role.OFFICER)
    page = client.get(f"/reports/build?kind=remediation&system={made['system']}").text
    assert 'value="xlsx_remediation" checked' in page
    assert "pdf_posture" not in page
    for kind, words in KINDS.items():
        assert (f">{words.zh}<" in page) is (ASSESSMENT not in words.of and words.on_page), kind
    form = {"kind": "remediation", "about": "system", "system": made["bare"], "language": "zh", "forms": ["pdf_remediation"]}  # fmt: skip
    assert client.post("/reports/build", form).status_code == 302
    (payload,) = _jobs(platform)
    assert (payload["kind"], payload["renderers"]) == ("remediation", ["pdf_remediation"])
    assert client.post("/reports/build", form | {"forms": ["pdf_posture"]}).status_code == 400
    for kind in ("nothing", "assessment-2025", "audit-extract"):
        assert client.get(f"/reports/build?kind={kind}").status_code == 404
        assert client.post("/reports/build", form | {"kind": kind}).status_code == 404


def test_all_that_one_may_see_at_once(
    client_as: ClientAs, platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """A report on the district is handed over at once and put on record; nobody gets what lies outside the own scope."""
    rows.one(Finding, system_id=made["system"], title={"zh": "口令过短", "en": "short"}, state="open")
    rows.one(Finding, system_id=made["foreign_system"], title={"zh": "别处问题", "en": "other"}, state="open")
    form = {"kind": "remediation", "about": "district", "language": "zh", "forms": ["xlsx_remediation"]}
    for client, foreign in (
        (client_as(Role.CONTACT, department_id=made["department"]), False),
        (client_as(Role.OFFICER), True),
    ):
        answer = client.post("/reports/build", form)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        text = str([[cell.value for cell in row] for sheet in book for row in sheet.iter_rows()])
        assert "口令过短" in text
        assert ("别处问题" in text) is foreign
        assert last_event(platform, "report.district").actor == client.username
    both = client.post("/reports/build", form | {"forms": ["xlsx_remediation", "pdf_remediation"]})
    assert both.headers["Content-Type"] == "application/zip"
    assert client.post("/reports/build", form | {"forms": []}).status_code == 400
    assert _jobs(platform) == []


def test_other_pages_post_the_system_alone(
    client_as: ClientAs, platform: Platform, made: dict[str, int]
) -> None:
    """A button elsewhere gives PDF and Excel in the reader's language."""
    assert client_as(Role.OFFICER).post("/reports/build", {"system": made["system"]}).status_code == 302
    (payload,) = _jobs(platform)
    assert (payload["language"], payload["renderers"]) == ("zh", ["pdf_posture", "xlsx_posture"])


@pytest.mark.parametrize(
    "changes", [{"language": "fr"}, {"forms": []}, {"forms": ["exe"]}, {"system": ""}, {"system": "{bare}"}]
)
def test_bad_input_is_kept(
    client_as: ClientAs, platform: Platform, made: dict[str, int], changes: dict[str, Any]
) -> None:
    """What is wrong is named, the rest stays chosen, no job is queued."""
    form = {"system": made["system"], "language": "en", "forms": ["docx_posture"]} | changes
    form["system"] = str(form["system"]).format(**made)
    answer = client_as(Role.OFFICER).post("/reports/build", form)
    assert answer.status_code == 400
    assert "field-error" in answer.text
    if "forms" not in changes:
        assert 'value="docx_posture" checked' in answer.text
    assert _jobs(platform) == []


def test_a_leader_builds_nothing(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Leaders read only."""
    client = client_as(Role.LEADER)
    assert client.post("/reports/build", {"system": made["system"]}).status_code == 403
    assert "生成报告" not in client.get("/reports/").text


def test_progress_speaks_in_words(client_as: ClientAs, rows: Rows, made: dict[str, int]) -> None:
    """A running report tells the form it is at; a failed one why, and offers to build it again."""
    base = {"system_id": made["system"], "kind": "report"}
    running = rows.one(
        Job, **base, state="running", step="pdf_posture", progress=0.5, payload={"number": "HOME-2"}
    )
    rows.one(
        Job, **base, state="failed", error="磁盘空间不足。 / The disk is full.", payload={"number": "HOME-3"}
    )
    client = client_as(Role.OFFICER)
    text = plain(client.get(f"/reports/jobs/{running}", headers={"X-Fragment": "1"}).text)
    assert "HOME-2 · 审批平台 · 正在生成 PDF" in text
    assert "50%" in text
    page = plain(client.get("/reports/").text)
    assert "磁盘空间不足。" in page
    assert "The disk is full." not in page
    assert "重新生成" in page


def test_nothing_is_stored_by_looking(client_as: ClientAs, platform: Platform, made: dict[str, int]) -> None:
    """Opening list and form changes no row."""
    client = client_as(Role.OFFICER)
    before = len(audit_actions(platform))
    client.get("/reports/")
    client.get(f"/reports/build?system={made['system']}")
    with platform.work("test:look") as session:
        assert session.scalar(select(func.count(Evidence.id))) == 2
    assert len(audit_actions(platform)) == before
