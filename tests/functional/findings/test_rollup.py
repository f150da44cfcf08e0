"""The kept counts of findings equal the findings, whatever happened to them."""

from __future__ import annotations

import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from secops.audit_log.services import record
from secops.cli.main import run
from secops.findings.models import Finding, FindingState, Severity
from secops.findings.rollup import FindingRollup, differences, rebuild
from secops.inventory.moves import move_system
from secops.objects.models import Department, System
from secops.platform import Platform
from tests.support.builders import Rows
from tests.support.page_checks import two_departments
from tests.support.platforms import NOW

CHANGES = 10_000 if os.environ.get("SECOPS_FULL") else 400


@pytest.fixture
def systems(both_rows: Rows) -> list[int]:
    one, two = two_departments(both_rows)
    return [
        both_rows.one(System, department_id=place, name=f"系统 {n}")
        for n, place in enumerate((one, one, two))
    ]


@pytest.fixture
def both_rows(both_platforms: Platform) -> Rows:
    return Rows(both_platforms.engine)


def _say(session: Session) -> None:
    record(session, "finding.seen", now=NOW, object_type="Finding", object_id="1")


def _finding(session: Session, system: int, key: str, rng: random.Random) -> Finding:
    place = session.scalars(select(System.department_id).where(System.id == system)).one()
    return Finding(
        department_id=place, system_id=system, key=key, title={"zh": "题", "en": "title"}, rule_id="r",
        severity=rng.choice(list(Severity)), layer=rng.choice(["data", "application", "management", "infrastructure"]),
        units=[], state=rng.choice(list(FindingState)), opened_at=NOW,
    )  # fmt: skip


def test_random_changes_leave_both_ways_equal(both_platforms: Platform, systems: list[int]) -> None:
    """Made, moved through the states, given another severity, removed, rolled back: kept equals counted."""
    rng = random.Random(7)
    departments: list[int] = []
    with both_platforms.work("test") as session:
        departments = list(session.scalars(select(Department.id)))
    for turn in range(0, CHANGES, 20):
        with both_platforms.work("test") as session:
            ids = list(session.scalars(select(Finding.id)))
            _say(session)
            for step in range(20):
                if not ids or rng.random() < 0.4:
                    session.add(_finding(session, rng.choice(systems), f"{turn}-{step}", rng))
                    continue
                found = session.get(Finding, rng.choice(ids))
                if found is None:
                    continue
                match rng.randrange(5):
                    case 0:
                        session.delete(found)
                    case 1:
                        found.severity = rng.choice(list(Severity))
                    case 2:
                        found.layer = rng.choice(["data", "application"])
                    case _:
                        found.state = rng.choice(list(FindingState))
                if rng.random() < 0.2:
                    session.flush()
            if rng.random() < 0.1:
                system = session.get_one(System, rng.choice(systems))
                move_system(session, system, session.get_one(Department, rng.choice(departments)))
            if rng.random() < 0.2:
                session.rollback()
    with both_platforms.engine.begin() as connection:
        assert differences(connection) == []
        before = _stored(connection)
        rebuild(connection)
        assert _stored(connection) == before
    assert before


def _stored(connection: Any) -> set[tuple[Any, ...]]:
    table: Any = FindingRollup.__table__
    columns = (
        table.c.department_id,
        table.c.system_id,
        table.c.layer,
        table.c.severity,
        table.c.state,
        table.c.number,
    )
    return {tuple(row) for row in connection.execute(select(*columns).where(table.c.number != 0))}


def test_two_at_once_are_both_counted(both_platforms: Platform, systems: list[int]) -> None:
    """Writers of one bucket wait for each other; none is lost."""

    def add(number: int) -> None:
        for step in range(5):
            with both_platforms.work("test") as session:
                finding = _finding(session, systems[0], f"{number}-{step}", random.Random(1))
                session.add(finding)
                _say(session)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    with both_platforms.work("test") as session:
        assert [row.number for row in session.scalars(select(FindingRollup))] == [20]
        assert differences(session.connection()) == []


def test_statements_that_go_round_the_count_are_refused(both_platforms: Platform, systems: list[int]) -> None:
    """A bulk change of state, a bulk insert and a bulk delete of findings say why they are not run."""
    statements: list[Any] = [
        update(Finding).values(state=FindingState.CLOSED),
        delete(Finding),
        insert(Finding).values(system_id=systems[0]),
    ]
    for statement in statements:
        with (
            pytest.raises(RuntimeError, match="counted"),
            both_platforms.work("test") as session,
        ):
            session.execute(statement)


def test_command_names_what_differs_and_mends_it(
    platform: Platform, rows: Rows, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``secops rollup check`` exits 1 with the bucket; ``rebuild`` makes it 0 again."""
    monkeypatch.setenv("SECOPS_HOME", str(platform.settings.home))
    rows.one(Finding, system_id=rows.one(System), state="open", severity="high", layer="data")
    assert run(["rollup", "check", "--json"]) == 0
    with platform.engine.begin() as connection:
        connection.execute(FindingRollup.__table__.update().values(number=7))  # type: ignore[attr-defined]
    capsys.readouterr()

    assert run(["rollup", "check", "--json"]) == 1
    (bucket,) = json.loads(capsys.readouterr().out)["buckets"]
    assert (bucket["kept"], bucket["counted"], bucket["layer"]) == (7, 1, "data")
    assert run(["rollup", "rebuild", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == 1
    assert run(["rollup", "check", "--json"]) == 0
