"""The self-assessment: every line is there, a check sees what is wrong, and a run becomes a row and evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, text, update

from secops.accounts import passwords
from secops.accounts.models import Role, RoleGrant
from secops.audit_log.models import AuditEvent
from secops.backup import services as backups
from secops.clock import utc_now
from secops.evidence.models import Evidence, EvidenceLink
from secops.evidence.services import read_all
from secops.installation import platform_system
from secops.jobs.models import Job
from secops.jobs.runner import run_job
from secops.platform import Platform
from secops.selfcheck import runner, services
from secops.selfcheck.line import CHECKS, Found, Verdict, lines
from secops.selfcheck.models import SelfcheckRun
from secops.selfcheck.rig import Bench, open_bench
from secops.selfcheck.runner import examine
from secops.store import trigger_names
from tests.support import platforms
from tests.support.platforms import ClientAs

# Lines that behaviour of this code must keep, whatever an installation is like.
KEPT = (
    2,
    6,
    13,
    17,
    18,
    19,
    20,
    21,
    24,
    26,
    27,
    28,
    29,
    30,
    31,
    33,
    36,
    39,
    40,
    46,
    48,
    49,
    50,
    51,
    54,
    55,
    57,
    58,
)


@pytest.fixture(scope="module")
def bench(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One bench for all lines, with quick password hashes."""
    platform = platforms.copy_installation(_sqlite_template, tmp_path_factory.mktemp("selfcheck") / "home")
    with mock.patch.object(passwords, "ITERATIONS", 1000), open_bench(platform) as found:
        yield found
    platform.engine.dispose()


def test_the_list_is_whole() -> None:
    """63 lines in order, each with words in both languages; no unit and no check is made up."""
    from controls.loader import load_catalog

    assert [line.id for line in lines()] == list(range(1, 64))
    assert all(line.zh and line.en and not re.search("[一-鿿]", line.en) for line in lines())
    unknown = [unit for line in lines() for unit in line.units if not load_catalog().has_unit(f"L3-{unit}")]
    assert unknown == []
    assert set(CHECKS) <= set(range(1, 64))


@pytest.mark.parametrize("line_id", sorted(CHECKS))
def test_each_check_looks(bench: Bench, line_id: int) -> None:
    """Every check comes to a verdict of its own, says why in both languages, and kept lines stay compliant."""
    found = examine(bench, lines()[line_id - 1])

    assert found.verdict is not Verdict.NOT_EXAMINED, found.en
    assert found.zh
    assert found.en
    assert not re.search("[一-鿿]", found.en.replace("全区", ""))
    if line_id in KEPT:
        assert found.verdict is Verdict.COMPLIANT, found.en


def test_a_line_without_a_check_is_open(bench: Bench) -> None:
    """It counts as non-compliant and says that the check is missing."""
    line = next(line for line in lines() if line.id not in CHECKS)

    found = examine(bench, line)

    assert found.verdict is Verdict.NON_COMPLIANT
    assert str(line.id) in found.en


def test_a_check_that_breaks_is_neither_good_nor_bad(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be seen is told as such."""

    def broken(bench: Bench) -> Found:
        raise ZeroDivisionError("nothing to see")

    monkeypatch.setitem(CHECKS, 1, broken)

    found = examine(bench, lines()[0])

    assert found.verdict is Verdict.NOT_EXAMINED
    assert "nothing to see" in found.en


def _verdict(bench: Bench, line_id: int) -> Found:
    return examine(bench, lines()[line_id - 1])


def test_checks_see_what_is_wrong(bench: Bench, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same checks on an installation or a code that lacks the thing: they are no constants."""
    from secops.web import headers, table_export

    monkeypatch.setattr(table_export, "harmless", lambda cell: cell)
    assert _verdict(bench, 29).verdict is Verdict.NON_COMPLIANT
    monkeypatch.setattr(headers, "_add", lambda response: response)
    plain = Bench(platform, bench.scratch)
    assert _verdict(plain, 36).verdict is not Verdict.COMPLIANT
    assert _verdict(plain, 38).verdict is not Verdict.COMPLIANT
    name = platforms.add_person(platform, Role.OFFICER, username="demo-user")
    with platform.engine.begin() as connection:
        connection.execute(text("UPDATE account SET is_example = 1"))
        user = connection.scalar(select(User.id).where(User.username == name))
        ago = utc_now() - timedelta(days=200)
        connection.execute(update(User).where(User.id == user).values(last_login=ago.replace(tzinfo=None)))
        connection.execute(text("UPDATE audit_event SET actor = 'somebody' WHERE seq = 1"))
    assert "1 example accounts" in _verdict(plain, 1).en
    assert "1 open accounts are unused" in _verdict(plain, 22).en
    assert "can't be trusted from record 1" in _verdict(plain, 52).en
    for trigger in trigger_names(platform.engine):
        with platform.engine.begin() as connection:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
    assert "not so: triggers" in _verdict(plain, 16).en
    safe = Bench(replace(platform, settings=replace(platform.settings, behind_tls=True)), bench.scratch)
    assert _verdict(safe, 43).verdict is Verdict.COMPLIANT
    assert _verdict(plain, 43).verdict is Verdict.PARTIAL


def test_scope_and_triggers_are_really_tried(bench: Bench) -> None:
    """With the row scope taken away, line 18 is no longer met."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    from secops import scope

    event.remove(Session, "do_orm_execute", scope._narrow)
    try:
        found = _verdict(bench, 18)
    finally:
        event.listen(Session, "do_orm_execute", scope._narrow)

    assert found.verdict is not Verdict.COMPLIANT


@pytest.fixture
def _few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of three quick lines; all of them are tried one by one above."""
    monkeypatch.setattr(runner, "lines", lambda: (lines()[16], lines()[28], lines()[24]))
    monkeypatch.setattr(passwords, "ITERATIONS", 1000)


@pytest.mark.usefixtures("_few_lines")
def test_a_run_is_kept_as_row_and_evidence(platform: Platform, client_as: ClientAs) -> None:
    """The button queues one job; done, its lines stand on the page, and lie sealed as evidence of the platform."""
    officer = client_as(Role.OFFICER)
    assert "还没有运行过" in officer.get("/selfcheck/").get_data(as_text=True)
    officer.post("/selfcheck/run")
    officer.post("/selfcheck/run")
    waiting = officer.get("/selfcheck/").get_data(as_text=True)
    assert "排队中" in waiting
    with platform.work("test:look") as session:
        (job_id,) = session.scalars(select(Job.id).where(Job.kind == "selfcheck")).all()
        asked = session.scalars(select(AuditEvent).where(AuditEvent.action == "job.create")).one()
        assert asked.actor == officer.username

    assert run_job(platform, job_id) == "done"

    with platform.work("test:look") as session:
        run = session.scalars(select(SelfcheckRun)).one()
        evidence = session.get_one(Evidence, run.evidence_id)
        content = json.loads(read_all(platform, evidence))
        assert evidence.system_id == platform_system(session).id
        assert session.scalars(
            select(EvidenceLink.unit_id).where(EvidenceLink.evidence_id == evidence.id)
        ).all()
        noted = session.scalars(select(AuditEvent).where(AuditEvent.action == "selfcheck.run")).one()
    assert content["counts"] == run.counts == noted.detail["counts"]
    assert run.counts == {"compliant": 2, "partial": 0, "non_compliant": 1, "na": 0, "not_examined": 0}
    assert content["lines"] == run.lines
    assert set(content["lines"][0]) >= {"id", "verdict", "evidence"}
    page = officer.get("/selfcheck/").get_data(as_text=True)
    assert "公式开头全部被中和" in page
    narrowed = officer.get("/selfcheck/?verdict=non_compliant").get_data(as_text=True)
    assert "公式开头全部被中和" not in narrowed
    assert "公式" in officer.get("/selfcheck/export?format=csv").get_data(as_text=True)


def test_who_may_look_and_who_may_run(client_as: ClientAs) -> None:
    """The system administrator looks, the officer runs, nobody else comes near."""
    admin = client_as(Role.SYSTEM_ADMIN)
    assert admin.get("/selfcheck/").status_code == 200
    assert "/selfcheck/run" not in admin.get("/selfcheck/").get_data(as_text=True)
    assert admin.post("/selfcheck/run").status_code == 403
    assert client_as(Role.LEADER).get("/selfcheck/").status_code == 403


@pytest.mark.parametrize("runs", [1, 30])
def test_the_page_costs_the_same_with_many_runs(
    client_as: ClientAs, platform: Platform, query_recorder: Any, runs: int
) -> None:
    """The trend reads its runs in one query."""
    officer = client_as(Role.OFFICER)
    with platform.engine.begin() as connection:
        for _ in range(runs):
            connection.execute(
                SelfcheckRun.__table__.insert().values(
                    run_at=utc_now(), run_by="x", counts={"compliant": 3}, lines=[]
                )
            )
    with query_recorder(officer.app.extensions["secops"].engine) as queries:
        assert officer.get("/selfcheck/").status_code == 200
    assert queries.count == 6, queries.told()


@pytest.mark.usefixtures("_few_lines")
def test_the_command_prints_the_document(
    platform: Platform, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``secops selfcheck --json`` is one document; it ends with 1 while a line is open."""
    from secops.cli.main import run

    monkeypatch.setenv("SECOPS_HOME", str(platform.settings.home))
    code = run(["selfcheck", "--json"])

    document = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [line["id"] for line in document["lines"]] == [17, 29, 25]
    assert document["counts"]["non_compliant"] == 1
    with platform.work("test:look") as session:
        assert services.latest(session) is not None
        assert session.scalars(select(RoleGrant)).all() == []


def test_backup_quota_and_scanner_turn_with_the_installation(platform: Platform, tmp_path: Path) -> None:
    """What an installation has not set up is said, and holds once it is there; the drill of a restore is real."""
    with open_bench(platform) as bench:
        before = {number: CHECKS[number](bench) for number in (41, 42, 59)}
    assert [found.verdict for found in before.values()] == [Verdict.PARTIAL] * 3
    assert "24 小时内没有备份" in before[59].zh
    backups.backup(platform, tmp_path / "out", b"a long passphrase", now=utc_now())
    platform.settings = replace(platform.settings, department_quota_mb=5000)
    with open_bench(platform) as bench:
        assert CHECKS[59](bench).verdict is Verdict.COMPLIANT
        assert CHECKS[42](bench).verdict is Verdict.COMPLIANT
