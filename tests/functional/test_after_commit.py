"""Work that waits for the commit: it runs once the change is durable, and never for a change that is gone."""

from __future__ import annotations

from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from secops.db import call_after_commit
from secops.platform import Platform


class _Stopped(Exception):
    """Ends a savepoint or a transaction of a test."""


@pytest.fixture
def session(both_platforms: Platform) -> Session:
    """A session with an open transaction; closed with its engine at the end of the test."""
    found = Session(both_platforms.engine)
    found.execute(text("SELECT 1"))
    return found


@pytest.fixture
def done() -> list[str]:
    """What has run so far."""
    return []


def test_runs_after_the_commit_and_only_once(session: Session, done: list[str]) -> None:
    """Noted work has not run before the commit, runs with it, and not again with the next one."""
    call_after_commit(session, lambda: done.append("sent"))
    before = list(done)

    session.commit()
    session.execute(text("SELECT 1"))
    session.commit()

    assert before == []
    assert done == ["sent"]


def test_runs_in_the_order_it_was_noted(session: Session, done: list[str]) -> None:
    """Several pieces of work run first come, first served."""
    for word in ("first", "second", "third"):
        call_after_commit(session, lambda word=word: done.append(word))

    session.commit()

    assert done == ["first", "second", "third"]


def test_the_change_is_durable_when_the_work_runs(platform: Platform, done: list[str]) -> None:
    """Another connection sees the row at the moment the work runs: a worker that is woken will find its job."""
    with Session(platform.engine) as session:
        session.execute(text("CREATE TABLE seen (word TEXT)"))
        session.commit()

        def look() -> None:
            with platform.engine.connect() as other:
                done.extend(other.scalars(text("SELECT word FROM seen")))

        session.execute(text("INSERT INTO seen VALUES ('here')"))
        call_after_commit(session, look)
        session.commit()

    assert done == ["here"]


def test_a_rollback_forgets_it(session: Session, done: list[str]) -> None:
    """After a rollback nothing runs, not even with the next commit of the same session."""
    call_after_commit(session, lambda: done.append("sent"))

    session.rollback()
    session.execute(text("SELECT 1"))
    session.commit()

    assert done == []


def test_closing_the_session_forgets_it(session: Session, done: list[str]) -> None:
    """A session that is closed without a commit and used again does not send what belonged to the lost change."""
    call_after_commit(session, lambda: done.append("sent"))

    session.close()
    session.execute(text("SELECT 1"))
    session.commit()

    assert done == []


def test_a_savepoint_that_is_kept_waits_for_the_outer_commit(session: Session, done: list[str]) -> None:
    """The end of a savepoint is no commit: the work runs with the transaction around it."""
    with session.begin_nested():
        call_after_commit(session, lambda: done.append("inner"))
    between = list(done)

    session.commit()

    assert between == []
    assert done == ["inner"]


def test_a_savepoint_that_is_rolled_back_takes_only_its_own_work(session: Session, done: list[str]) -> None:
    """What was noted before and after a savepoint survives its rollback; what was noted inside does not."""
    call_after_commit(session, lambda: done.append("before"))
    with suppress(_Stopped), session.begin_nested():
        call_after_commit(session, lambda: done.append("inside"))
        raise _Stopped
    call_after_commit(session, lambda: done.append("after"))

    session.commit()

    assert done == ["before", "after"]


def test_an_outer_savepoint_takes_the_kept_inner_one_with_it(session: Session, done: list[str]) -> None:
    """An inner savepoint that was kept is gone all the same when the savepoint around it is rolled back."""
    call_after_commit(session, lambda: done.append("before"))
    with suppress(_Stopped), session.begin_nested():
        with session.begin_nested():
            call_after_commit(session, lambda: done.append("inner"))
        call_after_commit(session, lambda: done.append("outer"))
        raise _Stopped

    session.commit()

    assert done == ["before"]


def test_a_second_savepoint_does_not_touch_the_first(session: Session, done: list[str]) -> None:
    """Two savepoints one after the other: the rollback of the second leaves the work of the first."""
    with session.begin_nested():
        call_after_commit(session, lambda: done.append("first"))
    with suppress(_Stopped), session.begin_nested():
        call_after_commit(session, lambda: done.append("second"))
        raise _Stopped

    session.commit()

    assert done == ["first"]


def test_a_kept_savepoint_goes_with_the_rolled_back_transaction(session: Session, done: list[str]) -> None:
    """A kept savepoint is worth nothing when the transaction is rolled back."""
    with session.begin_nested():
        call_after_commit(session, lambda: done.append("inner"))

    session.rollback()
    session.execute(text("SELECT 1"))
    session.commit()

    assert done == []


def test_a_refused_commit_sends_nothing(session: Session, done: list[str]) -> None:
    """A commit that fails in the database runs nothing, neither then nor later."""
    session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
    session.execute(
        text(
            "CREATE TABLE child (parent_id INTEGER NOT NULL REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    )
    session.commit()
    session.execute(text("INSERT INTO child VALUES (7)"))
    call_after_commit(session, lambda: done.append("sent"))

    with pytest.raises(Exception, match=r"(?i)foreign key"):
        session.commit()
    session.rollback()
    session.execute(text("SELECT 1"))
    session.commit()

    assert done == []
