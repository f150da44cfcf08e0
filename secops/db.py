"""Base model, column types, engine and session, and work that waits for the commit."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from flask_appbuilder import Model
from sqlalchemy import Connection, DateTime, Engine, Integer, create_engine, event
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import Mapped, Session, SessionTransaction, declared_attr, mapped_column
from sqlalchemy.types import TypeDecorator

from secops.config import Settings

ItemT = TypeVar("ItemT")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment. Stored in UTC; a naive one is refused, since nobody can tell what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def enum_column(kind: type[enum.StrEnum], length: int = 32) -> SqlEnum:
    """Column type that stores a ``StrEnum`` by its value: one spelling in YAML, JSON and database."""
    return SqlEnum(
        kind, values_callable=lambda members: [m.value for m in members], native_enum=False, length=length
    )


class Base(Model):
    """Base of every table of ours.

    FAB's model sets ``extend_existing``, which would hide a table that is defined twice; ours does not.
    """

    __abstract__ = True
    __table_args__: Any = {"extend_existing": False}
    # False for tables that hold no decision of a person (leases, caches): their change needs no audit event.
    __audited__ = True


class Versioned:
    """Optimistic lock for what people edit: the second of two writers gets ``StaleDataError``, not the last word."""

    version: Mapped[int] = mapped_column(Integer, nullable=False, default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def make_engine(settings: Settings) -> Engine:
    """Engine of the store; SQLite gets WAL, foreign keys and a long busy wait."""
    url = settings.database
    options: dict[str, Any] = {
        "pool_pre_ping": not url.startswith("sqlite"),
        # Read back by ``local_day`` and the audit log: services know no settings.
        "execution_options": {
            "time_zone": settings.time_zone,
            "key_folder": settings.home / "keys",
            "network_zones": settings.network_zones,
            "finding_days": settings.finding_days,
            "login_failures_per_address": settings.login_failures_per_address,
            "acceptance_days": settings.acceptance_days,
        },
    }
    engine = create_engine(url, **options)
    if url.startswith("sqlite"):
        event.listen(engine, "connect", sqlite_pragmas)
        event.listen(engine, "savepoint", _begin_before_savepoint)
    return engine


def sqlite_pragmas(connection: Any, record: Any) -> None:
    """WAL lets readers go on beside one writer; 30 s of waiting beats a "database is locked" on screen."""
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=30000", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class Pending(Generic[ItemT]):
    """Things noted in a session that share the fate of the transaction in which they were noted.

    A rollback to a savepoint forgets what was noted inside it, kept inner savepoints included, and nothing else.
    A rollback of the whole, or closing the session, forgets all.
    """

    def __init__(self, name: str) -> None:
        self._key = f"pending:{name}"
        event.listen(Session, "after_soft_rollback", self._forget_inside)
        event.listen(Session, "after_transaction_end", self._forget_all)

    def add(self, session: Session, item: ItemT) -> None:
        if not session.in_transaction():
            # Without one there would be nothing whose end could forget the item.
            session.begin()
        session.info.setdefault(self._key, []).append((session.get_nested_transaction(), item))

    def take(self, session: Session) -> list[ItemT]:
        """Give everything in the order it was noted, and forget it."""
        return [item for _, item in session.info.pop(self._key, [])]

    def any(self, session: Session) -> bool:
        return bool(session.info.get(self._key))

    def _forget_inside(self, session: Session, ended: SessionTransaction) -> None:
        if ended.nested and self.any(session):
            kept = [pair for pair in session.info[self._key] if not _is_inside(pair[0], ended)]
            session.info[self._key] = kept

    def _forget_all(self, session: Session, ended: SessionTransaction) -> None:
        if ended.parent is None:
            session.info.pop(self._key, None)


def _is_inside(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is outer:
            return True
        transaction = transaction.parent
    return False


_WORK: Pending[Callable[[], None]] = Pending("call_after_commit")


def call_after_commit(session: Session, work: Callable[[], None]) -> None:
    """Run *work* once this transaction is durable; forget it when the transaction is rolled back.

    A rollback to a savepoint forgets only what was added inside that savepoint.
    """
    _WORK.add(session, work)


def _run_pending(session: Session) -> None:
    # Also called at the end of a savepoint, which makes nothing durable.
    if not session.in_nested_transaction():
        for work in _WORK.take(session):
            work()


event.listen(Session, "after_commit", _run_pending)


def _begin_before_savepoint(connection: Connection, name: str) -> None:
    """Put a transaction around a first savepoint: without one, SQLite takes its release for the commit of all.

    Python's driver begins by itself only before the first write.
    """
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def local_day(session: Session, moment: datetime) -> date:
    """The day that *moment* falls on in the platform's time zone: what is due "today" ends at local midnight."""
    name = session.get_bind().get_execution_options().get("time_zone", "Asia/Shanghai")
    return moment.astimezone(ZoneInfo(name)).date()


@contextmanager
def open_session(engine: Engine, principal: Any) -> Iterator[Session]:
    """A session of its own for a task or a command: commits at the end, rolls back on any error."""
    with Session(engine, expire_on_commit=False) as session:
        session.info["principal"] = principal
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
