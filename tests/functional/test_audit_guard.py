"""No change without an event, no event without its change, no gap in the chain."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from secops.audit_log.models import AuditEvent, AuditHead
from secops.audit_log.services import AuditHeadMissing, UnauditedChange, record, record_alone
from secops.objects.models import Department
from secops.platform import Platform
from secops.scope import Principal
from tests.support.builders import Rows
from tests.support.platforms import NOW


class _Stopped(Exception):
    """Ends a transaction of a test."""


@pytest.fixture
def platform(both_platforms: Platform) -> Platform:
    """Every test of this file runs on both databases."""
    return both_platforms


def _open(platform: Platform) -> Session:
    session = Session(platform.engine)
    session.info["principal"] = Principal.platform("test")
    return session


def _department(code: str) -> Department:
    return Department(code=code, name=f"部门 {code}")


def _codes(platform: Platform) -> set[str]:
    with _open(platform) as session:
        return set(session.scalars(select(Department.code)))


def _events(platform: Platform) -> list[Any]:
    with _open(platform) as session:
        return list(session.execute(select(AuditEvent.__table__).order_by(AuditEvent.seq)).all())


def _assert_whole(platform: Platform) -> int:
    """Sequence without gap from 1, each row naming the hash before it, the head at the last row; gives the length."""
    events = _events(platform)
    with _open(platform) as session:
        head = session.get_one(AuditHead, 1)

        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert [event.prev for event in events] == ["0" * 64, *(event.hash for event in events[:-1])]
        assert len({event.hash for event in events}) == len(events)
        assert (head.seq, head.hash) == (events[-1].seq, events[-1].hash)
    return len(events)


def test_a_change_without_an_event_is_refused(platform: Platform) -> None:
    """A new row in a transaction that notes no event is refused at the commit, and nothing of it stays."""
    with _open(platform) as session:
        session.add(_department("SILENT"))

        with pytest.raises(UnauditedChange) as refusal:
            session.commit()
        session.rollback()

    assert refusal.value.tables == ("Department",)
    assert "SILENT" not in _codes(platform)


def test_a_silent_update_and_a_silent_delete_are_refused(platform: Platform) -> None:
    """Changing or deleting a row needs an event as much as adding one."""
    rows = Rows(platform.engine)
    kept = rows.one(Department, code="KEPT", name="before")

    for act in ("change", "delete"):
        with _open(platform) as session:
            department = session.get_one(Department, kept)
            if act == "change":
                department.name = "after"
            else:
                session.delete(department)
            with pytest.raises(UnauditedChange):
                session.commit()
            session.rollback()

    with _open(platform) as session:
        assert session.get_one(Department, kept).name == "before"


def test_a_silent_bulk_statement_is_refused(platform: Platform) -> None:
    """An update or delete by statement is seen too, though no row of it is in the session."""
    kept = Rows(platform.engine).one(Department, code="KEPT", name="before")
    statements = (
        update(Department).where(Department.id == kept).values(name="after"),
        delete(Department).where(Department.id == kept),
    )

    for statement in statements:
        with _open(platform) as session:
            session.execute(statement)
            with pytest.raises(UnauditedChange):
                session.commit()
            session.rollback()

    with _open(platform) as session:
        assert session.get_one(Department, kept).name == "before"


def test_a_savepoint_left_open_hides_nothing(platform: Platform) -> None:
    """A commit of the transaction around an open savepoint is stopped like any other."""
    with _open(platform) as session:
        transaction = session.begin()
        session.begin_nested()
        session.add(_department("HIDDEN"))

        with pytest.raises(UnauditedChange):
            transaction.commit()
        session.rollback()

    assert "HIDDEN" not in _codes(platform)


def test_reading_needs_no_event(platform: Platform) -> None:
    """A transaction that only looked commits, and leaves no event."""
    before = len(_events(platform))

    with _open(platform) as session:
        session.scalars(select(Department)).all()
        session.commit()

    assert len(_events(platform)) == before


def test_a_row_set_to_what_it_was_is_no_change(platform: Platform) -> None:
    """Writing the value that a field already has asks for no event."""
    kept = Rows(platform.engine).one(Department, code="KEPT", name="same")

    with _open(platform) as session:
        department = session.get_one(Department, kept)
        department.name = "same"
        session.commit()

    assert _assert_whole(platform) == len(_events(platform))


def test_the_event_goes_with_the_change(platform: Platform) -> None:
    """A rollback takes the row and its event; the next transaction writes neither."""
    before = len(_events(platform))

    with _open(platform) as session:
        department = _department("GONE")
        session.add(department)
        record(session, "department.create", department, now=NOW)
        session.flush()
        session.rollback()
        session.execute(text("SELECT 1"))
        session.commit()

    assert "GONE" not in _codes(platform)
    assert len(_events(platform)) == before


def test_a_refused_change_takes_its_event_along(platform: Platform) -> None:
    """When the database refuses a row, its event is gone too and the chain stays whole."""
    Rows(platform.engine).one(Department, code="TAKEN")
    before = _assert_whole(platform)

    with _open(platform) as session:
        session.add(_department("TAKEN"))
        record(session, "department.create", object_id="TAKEN", now=NOW)
        with pytest.raises(Exception, match=r"(?i)unique"):
            session.commit()
        session.rollback()

    assert _assert_whole(platform) == before


def test_a_change_is_rolled_back_when_its_event_cannot_be_written(platform: Platform) -> None:
    """Without the head of the log there is no event, and so there is no change."""
    with platform.engine.begin() as connection:
        connection.execute(delete(AuditHead.__table__))

    with _open(platform) as session:
        department = _department("LOST")
        session.add(department)
        record(session, "department.create", department, now=NOW)
        with pytest.raises(AuditHeadMissing):
            session.commit()
        session.rollback()

    assert "LOST" not in _codes(platform)


def test_a_savepoint_rolls_back_its_own_event_only(platform: Platform) -> None:
    """The event from before a failed savepoint is written, the one from inside is not."""
    with _open(platform) as session:
        session.add(_department("OUTER"))
        record(session, "outer", object_id="OUTER", now=NOW)
        with suppress(_Stopped), session.begin_nested():
            session.add(_department("INNER"))
            record(session, "inner", object_id="INNER", now=NOW)
            session.flush()
            raise _Stopped
        session.commit()

    assert {"OUTER"} == _codes(platform) & {"OUTER", "INNER"}
    assert [event.action for event in _events(platform)][-1] == "outer"
    _assert_whole(platform)


def test_a_change_that_was_undone_in_a_savepoint_needs_no_event(platform: Platform) -> None:
    """After the rollback of the savepoint there is nothing to tell, so the commit goes through."""
    before = len(_events(platform))

    with _open(platform) as session:
        with suppress(_Stopped), session.begin_nested():
            session.add(_department("INNER"))
            session.flush()
            raise _Stopped
        session.commit()

    assert "INNER" not in _codes(platform)
    assert len(_events(platform)) == before


def test_an_event_noted_after_the_savepoint_counts(platform: Platform) -> None:
    """What changed in a kept savepoint may be told of later in the same transaction."""
    with _open(platform) as session:
        with session.begin_nested():
            session.add(_department("INNER"))
        record(session, "department.create", object_id="INNER", now=NOW)
        session.commit()

    assert "INNER" in _codes(platform)
    _assert_whole(platform)


def test_a_kept_inner_savepoint_is_forgotten_with_the_outer(platform: Platform) -> None:
    """The event of an inner savepoint that was kept goes when the savepoint around it is rolled back."""
    before = len(_events(platform))

    with _open(platform) as session:
        with suppress(_Stopped), session.begin_nested():
            with session.begin_nested():
                session.add(_department("INNER"))
                record(session, "inner", object_id="INNER", now=NOW)
            raise _Stopped
        session.commit()

    assert len(_events(platform)) == before


def test_an_event_alone_stands_for_itself(platform: Platform) -> None:
    """A refused request is written in a transaction of its own, with who, where and why."""
    who = Principal(name="owner-1", roles=frozenset({"owner"}), address="192.0.2.7", request_id="r-1")

    record_alone(
        platform.engine, who, "request.denied", now=NOW, object_type="endpoint", object_id="AuditView.index", result="refused"
    )  # fmt: skip

    event = _events(platform)[-1]
    assert (event.actor, event.roles, event.address, event.request_id) == (
        "owner-1",
        "owner",
        "192.0.2.7",
        "r-1",
    )
    assert (event.action, event.object_type, event.object_id, event.result) == (
        "request.denied", "endpoint", "AuditView.index", "refused",
    )  # fmt: skip
    _assert_whole(platform)


def test_an_event_names_the_row_it_is_about(platform: Platform) -> None:
    """The id of a new row is known by the time its event is written."""
    with _open(platform) as session:
        department = _department("NEW")
        session.add(department)
        record(session, "department.create", department, now=NOW)
        session.commit()
        made = department.id

    event = _events(platform)[-1]
    assert (event.object_type, event.object_id) == ("Department", str(made))


@pytest.mark.usefixtures("_quiet")
def test_the_chain_has_no_gap_after_mixed_transactions(platform: Platform) -> None:
    """200 transactions, kept, rolled back, refused and partly undone: the chain holds exactly what was kept."""
    choice = random.Random(20261124)
    expected = _assert_whole(platform)

    for number in range(200):
        kind = choice.choice(("keep", "keep", "keep", "several", "roll back", "silent", "savepoint"))
        expected += _one_transaction(platform, number, kind)

    assert _assert_whole(platform) == expected


def _one_transaction(platform: Platform, number: int, kind: str) -> int:
    """Run one transaction and give the number of events that it must leave."""
    with _open(platform) as session:
        department = _department(f"N{number}")
        session.add(department)
        if kind != "silent":
            record(session, "department.create", department, now=NOW)
        match kind:
            case "keep":
                session.commit()
                return 1
            case "several":
                department.name = "again"
                record(session, "department.rename", department, now=NOW)
                record(session, "department.look", department, now=NOW)
                session.commit()
                return 3
            case "savepoint":
                with suppress(_Stopped), session.begin_nested():
                    record(session, "inner", department, now=NOW)
                    raise _Stopped
                session.commit()
                return 1
            case "silent":
                with pytest.raises(UnauditedChange):
                    session.commit()
        session.rollback()
        return 0


@pytest.mark.usefixtures("_quiet")
def test_four_writers_at_once_leave_one_chain(platform: Platform) -> None:
    """Four writers that start together neither fork the chain nor leave a gap nor lose an event."""
    before = _assert_whole(platform)
    start = threading.Barrier(4)

    def write(writer: int) -> int:
        start.wait()
        for number in range(15):
            with _open(platform) as session:
                if number % 3 == 0:
                    session.scalars(select(Department.code)).all()
                department = _department(f"W{writer}-{number}")
                session.add(department)
                record(session, "department.create", department, now=NOW)
                session.commit()
        return 15

    with ThreadPoolExecutor(4) as pool:
        written = sum(pool.map(write, range(4)))

    assert _assert_whole(platform) == before + written
    with _open(platform) as session:
        assert session.scalar(select(func.count()).where(Department.code.like("W%"))) == written


@pytest.fixture
def _quiet(platform: Platform) -> None:
    """Spare the disk: durability is not what these tests ask for."""
    if platform.engine.dialect.name == "sqlite":
        from sqlalchemy import event

        event.listen(
            platform.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF")
        )
        platform.engine.dispose()


def test_a_kept_savepoint_is_no_commit(platform: Platform) -> None:
    """A savepoint that opens the transaction and is kept is undone with it, on SQLite too."""
    with _open(platform) as session:
        with session.begin_nested():
            session.add(_department("INNER"))
            record(session, "department.create", object_id="INNER", now=NOW)
        session.rollback()

    assert "INNER" not in _codes(platform)
