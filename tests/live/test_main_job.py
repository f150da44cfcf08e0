"""The main job as a person runs it: one command in an empty home, then the pages of each role, then once more."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
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
from secops.objects.models import System
from secops.platform import Platform
from secops.posture.models import PostureSummary
from secops.reporting.models import ReportFile
from secops.scans.models import Outcome, Scan, ScanState
from secops.supervisor import Supervisor

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

PAGES = {
    "sysadmin": ["/users/", "/jobs/", "/matrix/"],
    "secadmin": ["/grants/", "/matrix/"],
    "auditor": ["/audit/", "/matrix/"],
    "officer": ["/dashboard/", "/systems/", "/findings/", "/scans/", "/schedules/", "/evidence/", "/reports/", "/catalogue/"],
    "contact": ["/dashboard/", "/systems/", "/findings/", "/scans/", "/authorizations/"],
    "owner": ["/dashboard/", "/systems/", "/findings/", "/evidence/", "/reports/"],
    "assessor": ["/dashboard/", "/systems/", "/findings/", "/evidence/"],
    "inspector": ["/dashboard/", "/systems/", "/findings/", "/scans/", "/reports/", "/catalogue/"],
    "leader": ["/dashboard/", "/systems/", "/reports/"],
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_demo(home: Path, port: int) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SECOPS_")}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "secops"), "demo", "--no-serve", "--json"],
        env={**kept, "SECOPS_HOME": str(home), "SECOPS_PORT": str(port), "SECOPS_FREE_SPACE_FLOOR_MB": "1"},
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, dict[str, Any]]:
    """A home in which the main job ran once."""
    home = tmp_path_factory.mktemp("demo") / "home"
    port = free_port()
    summary = run_demo(home, port)
    return Settings(home=home, port=port, free_space_floor_mb=1).resolved(), summary


@contextmanager
def serving(settings: Settings) -> Iterator[None]:
    supervisor = Supervisor(settings)
    supervisor.start()
    try:
        supervisor.wait_ready()
        yield
    finally:
        supervisor.stop()


def counts(settings: Settings) -> dict[str, int]:
    """How much there is of everything that a second run might double."""
    platform = Platform.open(settings)
    with platform.work("test") as session:
        found = {
            model.__name__: int(session.scalar(select(func.count()).select_from(model)) or 0)
            for model in (System, Scan, Outcome, Finding, Evidence, ReportFile)
        }
    platform.engine.dispose()
    return found


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
    assert json.loads(path.read_text(encoding="utf-8")) == summary
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
            forced = browser.submit("/login/", {"username": account["username"], "password": account["password"]})
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

    again = run_demo(settings.home, settings.port)

    assert counts(settings) == before
    assert again["reports"] == first["reports"]
