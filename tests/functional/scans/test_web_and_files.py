"""Web sites and folders of nginx through a scan: ports found, outcomes, findings and evidence as of other probes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from secops.clock import utc_now
from secops.findings.models import Finding
from secops.jobs.runner import run_job
from secops.objects.models import Asset, Department, System
from secops.platform import Platform
from secops.scans.models import Outcome, ProbeRun, ScanAuthorization
from secops.scans.ports import FoundPort, FoundPorts
from secops.scans.services import request_scan
from tests.support.builders import Rows
from tests.support.peers.tcp import Peer
from tests.support.peers.web_server import WebServer


@pytest.fixture
def target(rows: Rows) -> dict[str, int]:
    """A system whose one target is this machine."""
    system = rows.one(System, department_id=rows.one(Department), level=3, profile="S3A3G3")
    asset = rows.one(Asset, system_id=system, address="127.0.0.1", kind="server", is_this_machine=True)
    return {"system": system, "asset": asset}


def _scan(platform: Platform, rows: Rows, target: dict[str, int], probe: str, **entry: Any) -> None:
    now = utc_now()
    authorization = rows.one(
        ScanAuthorization,
        system_id=target["system"],
        networks=["127.0.0.1/32"],
        exceptions=["127.0.0.1/32"],
        path_roots=[entry["path"]] if "path" in entry else [],
        probes=[probe],
        state="approved",
        valid_from=now - timedelta(days=1),
        valid_until=now + timedelta(days=5),
    )
    whole = {"probe": probe, "asset_id": target["asset"], "host": "127.0.0.1", **entry}
    with platform.work("test") as session:
        scan = request_scan(
            session,
            system=session.get_one(System, target["system"]),
            authorization_id=authorization,
            actor="officer",
            now=now,
            only=None if "path" in entry else [whole],
        )
        job_id = scan.job_id
    assert job_id is not None
    assert run_job(platform, job_id) == "done"


def _told(platform: Platform) -> tuple[ProbeRun, dict[str, str], set[str]]:
    with platform.work("test") as session:
        run = session.scalars(select(ProbeRun)).one()
        outcomes = {one.rule_id: one.outcome for one in session.scalars(select(Outcome))}
        return run, outcomes, {one.rule_id for one in session.scalars(select(Finding))}


def test_a_plain_site_becomes_findings(platform: Platform, rows: Rows, target: dict[str, int]) -> None:
    """What a careless site shows is judged and kept."""
    page = b'<form action="/login"><input type="password" name="p"></form>'
    with Peer(WebServer({"/": (200, {"Server": "nginx/1.18.0"}, page), "": (404, {}, b"")})) as peer:
        _scan(platform, rows, target, "web", port=peer.port)
    run, outcomes, findings = _told(platform)

    assert (run.state.value, run.target) == ("completed", f"127.0.0.1:{peer.port}")
    assert run.evidence_id is not None
    assert (outcomes["web-login-over-tls"], outcomes["web-https-redirect"]) == ("fail", "fail")
    # a rule that merely hints makes no finding
    assert outcomes["web-security-headers"] == "fail"
    assert findings == {"web-login-over-tls", "web-https-redirect"}


def test_a_folder_of_nginx_becomes_findings(
    platform: Platform, rows: Rows, target: dict[str, int], tmp_path: Path
) -> None:
    """The settings in an authorised folder are judged; the line at fault is named."""
    (tmp_path / "nginx.conf").write_text(
        "user root;\nhttp {\n  server {\n    listen 80;\n    autoindex on;\n  }\n}\n"
    )
    _scan(platform, rows, target, "nginx", path=str(tmp_path))
    run, outcomes, findings = _told(platform)

    assert (run.state.value, run.target) == ("completed", str(tmp_path))
    assert {"nginx-https-only", "nginx-no-listings", "nginx-worker-user"} <= findings
    assert outcomes["nginx-tls-settings"] == "pass"


@pytest.mark.parametrize(
    ("ports", "by_asking", "asked"),
    [
        ((FoundPort(80, "http"), FoundPort(22, "ssh"), FoundPort(9443, "https", True)), True, [80, 9443]),
        ((FoundPort(8161, "http-proxy"), FoundPort(443, "imap", True)), True, [8161]),
        ((FoundPort(80), FoundPort(22), FoundPort(8443)), False, [80, 8443]),
        ((FoundPort(22),), False, []),
    ],
)
def test_where_web_sites_are_looked_for(
    ports: tuple[FoundPort, ...], by_asking: bool, asked: list[int]
) -> None:
    """By the name that a service gave, else at the usual ports."""
    found = FoundPorts(ports, by_asking)

    assert found.for_probe("web") == asked
    assert "HTTP" in found.why_none("web")
