"""The store is made by migrations alone, the same on both databases, and matches the models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from secops import store
from secops.db import make_engine
from secops.installation import initialise
from secops.models import metadata
from secops.store import StoreVersionError
from tests.support.platforms import NOW, settings_for
from tests.support.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a database without any table."""
    if request.param == "sqlite":
        engine = make_engine(settings_for(tmp_path))
        yield engine
        engine.dispose()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    engine = make_engine(settings_for(tmp_path, database_url=server.url(name)))
    yield engine
    engine.dispose()
    server.drop_database(name)


def test_from_nothing_to_the_present(empty: Engine) -> None:
    """An upgrade makes every table of the models, FAB's among them, and no other."""
    store.migrate(empty)

    found = set(inspect(empty).get_table_names())
    assert found == set(metadata.tables) | {"alembic_version"}
    assert {"system", "audit_event", "ab_user"} <= found


def test_models_and_store_agree(empty: Engine) -> None:
    """After the upgrade a comparison of models and store finds nothing to do."""
    store.migrate(empty)

    store.check_clean(empty)


def test_the_comparison_sees_a_difference(empty: Engine) -> None:
    """A column that is gone from the store is noticed: the clean result above means something."""
    store.migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE audit_head DROP COLUMN log_id"))

    with pytest.raises(Exception, match="New upgrade operations detected"):
        store.check_clean(empty)


def test_an_upgrade_can_be_repeated(empty: Engine) -> None:
    """A second upgrade changes nothing and keeps the rows."""
    store.migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("INSERT INTO audit_head (id, log_id, seq, hash) VALUES (1, 'x', 0, '0')"))

    store.migrate(empty)

    with empty.connect() as connection:
        assert connection.scalar(text("SELECT log_id FROM audit_head")) == "x"
    assert store.current_revision(empty) == store.expected_revision()


def test_an_interrupted_upgrade_leaves_nothing(empty: Engine) -> None:
    """A migration that fails half-way leaves the store as it was, so that it can be run again."""
    with empty.begin() as connection:
        # The last table of the migration exists already, so creating it fails.
        connection.execute(text("CREATE TABLE report_file (id INTEGER)"))

    with pytest.raises(Exception, match="report_file"):
        store.migrate(empty)

    assert inspect(empty).get_table_names() == ["report_file"]


def test_an_empty_store_is_told_apart(empty: Engine) -> None:
    """A store without tables is refused with the command that makes them."""
    with pytest.raises(StoreVersionError, match="secops init"):
        store.require_current(empty)


def test_a_newer_store_is_refused(empty: Engine) -> None:
    """A store that a later program made is refused, and both versions are named."""
    store.migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreVersionError) as refusal:
        store.require_current(empty)

    assert (refusal.value.found, refusal.value.expected) == ("9999", store.expected_revision())


def test_every_foreign_key_is_indexed_or_small(empty: Engine) -> None:
    """Each column that narrows to a system or a department has an index to do it with."""
    store.migrate(empty)
    look = inspect(empty)

    bare = []
    for table in metadata.tables.values():
        for name in {"system_id", "department_id"} & set(table.columns.keys()):
            leading = {tuple(index["column_names"])[0] for index in look.get_indexes(table.name)}
            leading |= {tuple(found["column_names"])[0] for found in look.get_unique_constraints(table.name)}
            if name not in leading and table.name != "role_grant":
                bare.append(f"{table.name}.{name}")

    assert bare == []


def test_initialise_twice_adds_nothing(tmp_path: Path) -> None:
    """A second initialisation of a home finds everything there and says so by doing nothing."""
    first = initialise(settings_for(tmp_path / "home"), now=NOW)
    first.platform.engine.dispose()

    second = initialise(settings_for(tmp_path / "home"), now=NOW)
    second.platform.engine.dispose()

    assert first.steps
    assert second.steps == []


def test_two_homes_never_meet(tmp_path: Path) -> None:
    """Two installations have their own store, keys and log."""
    homes = [initialise(settings_for(tmp_path / name), now=NOW).platform for name in ("one", "two")]

    logs = set()
    for platform in homes:
        with create_engine(platform.settings.database).connect() as connection:
            logs.add(connection.scalar(text("SELECT log_id FROM audit_head")))
            connection.engine.dispose()
        platform.engine.dispose()

    assert len(logs) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
