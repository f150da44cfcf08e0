"""The main job as a person runs it: one command in an empty home, then the pages of each role, then once more."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import func, select

from secops.audit_log.models import AuditEvent, AuditHead
from secops.config import Settings
from secops.demo.client import Browser
from secops.evidence.models import BlobState, Evidence
from secops.findings.models import Finding, FindingState
from secops.platform import Platform
from secops.posture.models import PostureSummary
from secops.scans.models import Outcome, Scan, ScanState
from secops.supervisor import Supervisor
from tests.support.demo_rig import counts, run_demo
from tests.support.services import free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

PAGES = {
    "sysadmin": ["/users/", "/jobs/", "/matrix/"],
    "secadmin": ["/grants/", "/matrix/"],
    "auditor": ["/audit/", "/matrix/"],
    "officer": [
        "/dashboard/",
        "/systems/",
        "/findings/",
        "/scans/",
        "/schedules/",
        "/evidence/",
        "/reports/",
        "/catalogue/",
    ],
    "contact": ["/dashboard/", "/systems/", "/findings/", "/scans/", "/authorizations/"],
    "owner": ["/dashboard/", "/systems/", "/findings/", "/evidence/", "/reports/"],
    "assessor": ["/dashboard/", "/systems/", "/findings/", "/evidence/"],
    "inspector": ["/dashboard/", "/systems/", "/findings/", "/scans/", "/reports/", "/catalogue/"],
    "leader": ["/dashboard/", "/systems/", "/reports/"],
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, Any]]:
    """A home in which the main job ran once."""
    folder = tmp_path_factory.mktemp("demo")
    settings = Settings(home=folder / "home", port=free_port(), free_space_floor_mb=1).resolved()
    return settings, run_demo(settings, folder / "demo.log")


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    supervisor = Supervisor(settings)
    supervisor.start()
    try:
        supervisor.wait_ready()
        yield
    finally:
        supervisor.stop()


def test_the_store_holds_a_real_assessment(demo: tuple[Settings, dict[str, Any]]) -> None:
    """After the main job there are outcomes of real rules, findings, evidence, a posture, and an unbroken log."""
    settings, _ = demo
    platform = Platform.open(settings)

    with platform.work("test") as session:
        rules = session.scalar(select(func.count(func.distinct(Outcome.rule_id))))
        scans = session.scalars(select(Scan)).all()
        findings = session.scalars(select(Finding)).all()
        posture = session.scalars(select(PostureSummary).where(PostureSummary.current.is_(True))).all()
        blobs = set(session.scalars(select(Evidence.blob_state)))
        head = session.scalars(select(AuditHead)).one()
        events = session.scalar(select(func.count()).select_from(AuditEvent))

    assert rules is not None
    assert rules >= 25
    assert {scan.cause for scan in scans} >= {"demo", "schedule"}
    assert all(scan.state is ScanState.DONE for scan in scans)
    assert findings
    assert all(finding.units and finding.layer and finding.suggested_due for finding in findings)
    assert all(finding.state is not FindingState.CLOSED or finding.closed_at for finding in findings)
    assert any(row.applicable == 211 for row in posture)
    assert blobs == {BlobState.OK}
    assert head.seq == events


def test_the_summary_is_private_and_the_reports_open(demo: tuple[Settings, dict[str, Any]]) -> None:
    """demo.json is readable by its owner only; the PDF says what was examined and the workbook opens."""
    settings, summary = demo
    path = settings.home / "demo.json"
    by_kind = {Path(name).suffix: Path(name) for name in summary["reports"]}

    text = "".join(page.extract_text() for page in PdfReader(by_kind[".pdf"]).pages[:6])
    book = load_workbook(BytesIO(by_kind[".xlsx"].read_bytes()))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text(encoding="utf-8"))["reports"] == summary["reports"]
    assert "已检查" in text
    assert "不是等级测评报告" in text
    assert book.sheetnames


def test_each_role_sees_its_pages_after_changing_the_password(demo: tuple[Settings, dict[str, Any]]) -> None:
    """Every account of the summary signs in with its one-time password, must change it, and reaches its pages."""
    settings, summary = demo

    with serving(settings):
        for account in summary["accounts"]:
            browser = Browser(settings.url)
            new = "Fresh-Harbour-" + account["username"][:1].upper() + "-4821"
            forced = browser.submit(
                "/login/", {"username": account["username"], "password": account["password"]}
            )
            assert 'name="old_password"' in forced
            browser.submit(
                "/account/password", {"old_password": account["password"], "new_password": new, "again": new}
            )
            for page in PAGES[account["username"]]:
                assert "<h1" in browser.get(page), (account["username"], page)


def test_a_second_run_adds_nothing_twice(demo: tuple[Settings, dict[str, Any]]) -> None:
    """Running the command again in the same home leaves every count as it was."""
    settings, first = demo
    before = counts(settings)

    again = run_demo(settings, settings.home.parent / "again.log")

    assert counts(settings) == before
    assert again["reports"] == first["reports"]
