"""Credentials of scans: sealed, shown nowhere, within scope; and a scan that uses them ends in findings and evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from secops.accounts.models import Role
from secops.clock import utc_now
from secops.errors import NotFound, NotReady
from secops.evidence.models import Evidence
from secops.findings.models import Finding
from secops.jobs.runner import run_job
from secops.objects.models import Asset, System
from secops.platform import Platform
from secops.scans import credentials
from secops.scans.models import Outcome, ProbeRun
from secops.scans.models import ScanAuthorization as Authorization
from secops.scans.services import make_plan, request_scan
from tests.support.builders import Rows
from tests.support.databases import redis_server
from tests.support.page_checks import audit_actions, last_event, plain, two_departments
from tests.support.platforms import ClientAs
from tests.support.queries import recorded_queries
from tests.support.services import free_port

WORD = "Sesame-open-42"


@pytest.fixture
def made(rows: Rows) -> dict[str, int]:
    """A system with a target here, and one elsewhere."""
    one, two = two_departments(rows)
    ids = {"department": one}
    for name, department in (("", one), ("foreign_", two)):
        system = rows.one(System, department_id=department, level=3, profile="S3A3G3")
        ids[f"{name}system"] = system
        ids[f"{name}asset"] = rows.one(
            Asset, system_id=system, name="库甲", kind="database", address="127.0.0.1"
        )
    return ids


def _form(made: dict[str, int], **changes: str) -> dict[str, str]:
    usual = {
        "system": str(made["system"]), "asset": str(made["asset"]), "kind": "redis", "port": "", "username": "",
        "password": WORD, "database": "", "tls": "prefer",
    }  # fmt: skip
    return {**usual, **changes}


def _file(platform: Platform, asset: int, port: int = 6379) -> Path:
    return platform.settings.home / "credentials" / f"database-{asset}-{port}.json"


def test_credentials_are_kept_sealed_and_shown_nowhere(
    platform: Platform, client_as: ClientAs, made: dict[str, int]
) -> None:
    """The list names target, port and account; the password is in no page, no event and, in clear, in no file."""
    client = client_as(Role.OFFICER)
    assert WORD not in client.get(f"/scan-credentials/new?system={made['system']}").text
    answer = client.post("/scan-credentials/new", data=_form(made), follow_redirects=True)
    words = plain(answer.text)

    assert "127.0.0.1:6379" in words
    assert "Redis" in words
    assert WORD not in answer.text
    file = _file(platform, made["asset"])
    assert WORD not in file.read_text()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    event = last_event(platform, "credentials.keep")
    assert event.detail == {"probe": "database", "port": 6379, "kind": "redis", "username": "default"}
    with platform.engine.connect() as connection:
        for table in connection.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table'")
        ).scalars():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                assert WORD not in repr(tuple(row)), table


def test_sealed_credentials_are_bound_to_their_target(
    platform: Platform, client_as: ClientAs, made: dict[str, int]
) -> None:
    """A file moved to another target, or changed, opens for nobody."""
    client_as(Role.OFFICER).post("/scan-credentials/new", data=_form(made))
    file, moved = _file(platform, made["asset"]), _file(platform, made["foreign_asset"])
    moved.write_text(
        file.read_text().replace(f'"asset_id": {made["asset"]}', f'"asset_id": {made["foreign_asset"]}')
    )
    with platform.work("test") as session:
        entry = {"probe": "database", "asset_id": made["asset"], "port": 6379}
        opened = credentials.lend(session, entry)
        assert opened is not None
        assert opened.password == WORD
        with pytest.raises(NotReady):
            credentials.lend(session, {**entry, "asset_id": made["foreign_asset"]})
        with pytest.raises(NotFound):
            credentials.lend(session, {**entry, "probe": "../x"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"asset": ""}, "请填写这一项"),
        ({"asset": "x"}, "请选择对象"),
        ({"kind": "oracle"}, "没有这个选项"),
        ({"kind": "mysql"}, "请填写这一项"),
        ({"password": ""}, "请填写密码"),
        ({"port": "70000"}, "65535"),
        ({"tls": "never"}, "没有这个选项"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    platform: Platform, client_as: ClientAs, made: dict[str, int], changes: dict[str, str], sentence: str
) -> None:
    """Nothing is kept, and the password is not sent back."""
    answer = client_as(Role.OFFICER).post("/scan-credentials/new", data=_form(made, **changes))

    assert answer.status_code == 400
    assert sentence in plain(answer.text)
    assert WORD not in answer.text
    assert not _file(platform, made["asset"]).exists()


def test_the_scope_holds(platform: Platform, client_as: ClientAs, made: dict[str, int]) -> None:
    """A contact of one department neither sees, makes nor removes those of another."""
    officer = client_as(Role.OFFICER)
    officer.post("/scan-credentials/new", data=_form(made, asset=str(made["foreign_asset"])))
    contact = client_as(Role.CONTACT, department_id=made["department"])

    assert "127.0.0.1:6379" not in plain(contact.get("/scan-credentials/").text)
    assert contact.post(f"/scan-credentials/{made['foreign_asset']}/6379/remove").status_code == 404
    assert (
        contact.post("/scan-credentials/new", data=_form(made, asset=str(made["foreign_asset"]))).status_code
        == 404
    )
    assert _file(platform, made["foreign_asset"]).exists()
    assert client_as(Role.ASSESSOR).get("/scan-credentials/").status_code == 403


def test_removed_is_gone(platform: Platform, client_as: ClientAs, made: dict[str, int]) -> None:
    """The file goes, the event stays; a second time there is nothing."""
    client = client_as(Role.OFFICER)
    client.post("/scan-credentials/new", data=_form(made))
    address = f"/scan-credentials/{made['asset']}/6379/remove"

    assert client.post(address).status_code == 302
    assert not _file(platform, made["asset"]).exists()
    assert client.post(address).status_code == 404
    assert audit_actions(platform, "Asset")[-1] == "credentials.forget"


def _authorization(rows: Rows, system: int, *probes: str) -> int:
    now = utc_now()
    return rows.one(
        Authorization,
        system_id=system,
        networks=["127.0.0.1/32"],
        exceptions=["127.0.0.1/32"],
        path_roots=[],
        probes=list(probes),
        state="approved",
        valid_from=now - timedelta(days=1),
        valid_until=now + timedelta(days=5),
    )


def _keep(platform: Platform, asset: int, port: int, word: str = WORD) -> None:
    with platform.work("test") as session:
        credentials.keep(
            session, asset, kind="redis", port=port, username="default", password=word, database="", tls="prefer",
            actor="officer", now=utc_now(),
        )  # fmt: skip


def _scan(platform: Platform, system: int, authorization: int) -> int:
    with platform.work("test") as session:
        scan = request_scan(
            session,
            system=session.get_one(System, system),
            authorization_id=authorization,
            actor="officer",
            now=utc_now(),
        )
        job_id, scan_id = scan.job_id, scan.id
    assert job_id is not None
    assert run_job(platform, job_id) == "done"
    return scan_id


@pytest.mark.live
def test_a_scan_of_a_database_ends_in_outcomes_findings_and_evidence(
    platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """What a bad Redis shows becomes findings like those of other probes; the password is in none of it."""
    with redis_server([f"requirepass {WORD}"]) as port:
        _keep(platform, made["asset"], port)
        scan_id = _scan(platform, made["system"], _authorization(rows, made["system"], "database"))

    with platform.work("test") as session:
        run = session.scalars(select(ProbeRun).where(ProbeRun.scan_id == scan_id)).one()
        assert (run.state.value, run.target, run.detail) == ("completed", f"127.0.0.1:{port}", "")
        outcomes = {one.rule_id: one.outcome for one in session.scalars(select(Outcome))}
        assert outcomes["redis-login"] == "pass"
        assert outcomes["redis-dangerous-commands"] == "fail"
        assert outcomes["redis-idle-timeout"] == "fail"
        found = {one.rule_id: one for one in session.scalars(select(Finding))}
        assert found.keys() == {rule for rule, outcome in outcomes.items() if outcome == "fail"}
        assert found["redis-dangerous-commands"].asset_id == made["asset"]
        evidence = session.get_one(Evidence, run.evidence_id)
        assert evidence.media_type == "application/json"
        assert WORD not in repr(
            [run.result, run.entry, [one.reason for one in session.scalars(select(Outcome))]]
        )


def test_without_credentials_nothing_is_planned(platform: Platform, rows: Rows, made: dict[str, int]) -> None:
    """A port for which nothing is kept is not looked for."""
    authorization = _authorization(rows, made["system"], "nmap", "database")
    with platform.work("test") as session:
        scan = request_scan(
            session, system=session.get_one(System, made["system"]), authorization_id=authorization,
            actor="officer", now=utc_now(),
        )  # fmt: skip

        assert {entry["probe"] for entry in scan.plan} == {"nmap"}


def test_credentials_taken_away_before_the_scan_ran(
    platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """The look fails and says why."""
    _keep(platform, made["asset"], 6379)
    authorization = _authorization(rows, made["system"], "database")
    with platform.work("test") as session:
        scan = request_scan(
            session, system=session.get_one(System, made["system"]), authorization_id=authorization,
            actor="officer", now=utc_now(),
        )  # fmt: skip
        job_id = scan.job_id
        credentials.forget(session, made["asset"], 6379, now=utc_now())
    assert job_id is not None
    assert run_job(platform, job_id) == "done"

    with platform.work("test") as session:
        run = session.scalars(select(ProbeRun)).one()
        assert (run.reason, run.detail) == ("authentication", "no credentials are kept for this port")
        assert session.scalars(select(Outcome)).all() == []


@pytest.mark.live
def test_two_refused_log_ins_at_a_host_are_the_last(
    platform: Platform, rows: Rows, made: dict[str, int]
) -> None:
    """A third port of the same host is left alone."""
    first, second, third = sorted(free_port() for _ in range(3))
    with (
        redis_server(["requirepass Another-1"], port=first),
        redis_server(["requirepass Another-1"], port=second),
        redis_server([f"requirepass {WORD}"], port=third),
    ):
        for port in (first, second, third):
            _keep(platform, made["asset"], port)
        scan_id = _scan(platform, made["system"], _authorization(rows, made["system"], "database"))

    with platform.work("test") as session:
        query = select(ProbeRun.target, ProbeRun.detail).where(ProbeRun.scan_id == scan_id)
        told = {row.target: row.detail for row in session.execute(query)}
    assert told == {
        f"127.0.0.1:{first}": "the server refused the log-in",
        f"127.0.0.1:{second}": "the server refused the log-in",
        f"127.0.0.1:{third}": "two log-ins were refused at this host; no more are tried",
    }


def test_what_is_planned_for_folders_and_log_ins() -> None:
    """Folders are read on this machine alone; log-ins go to the ports for which an account is kept."""
    here = Asset(id=1, name="here", address="127.0.0.1", is_this_machine=True)
    there = Asset(id=2, name="there", address="192.0.2.7", is_this_machine=False)
    kept = credentials.Kept("database", 2, 5432, "postgresql", "audit", "prefer", "", "officer", "")

    plan = make_plan([here, there], ("nginx", "database"), ("/etc/nginx",), [kept])

    assert plan == [
        {"probe": "nginx", "asset_id": 1, "path": "/etc/nginx"},
        {"probe": "database", "asset_id": 2, "host": "192.0.2.7", "port": 5432},
    ]


def test_the_list_costs_the_same_however_long(
    platform: Platform, client_as: ClientAs, made: dict[str, int]
) -> None:
    """Twenty more accounts ask the store nothing more."""
    client = client_as(Role.OFFICER)
    counts = []
    for ports in (range(6379, 6380), range(7000, 7020)):
        for port in ports:
            _keep(platform, made["asset"], port)
        with recorded_queries(platform.engine) as queries:
            assert client.get("/scan-credentials/").status_code == 200
        counts.append(queries.count)

    assert counts[0] == counts[1], counts
