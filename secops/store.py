"""Create and migrate the store; check that it is the version this code expects."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text


class StoreVersionError(RuntimeError):
    """The store is older or newer than the code: (found revision or None, expected revision)."""

    def __init__(self, found: str | None, expected: str | None) -> None:
        super().__init__(found, expected)
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        if self.found is None:
            return "The store is empty. Run: secops init"
        return f"The store is at version {self.found}, this program expects {self.expected}. Run: secops init"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("secops") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the store to *revision*; does nothing when it is there already."""
    config = _config()
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # The driver begins by itself before writes only, so each CREATE TABLE would be a commit of its own
            # and an interrupted upgrade could not be run again.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def make_revision(engine: Engine, message: str, revision: str) -> None:
    """Write a new migration from the difference between models and store (for contributors)."""
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message=message, autogenerate=True, rev_id=revision)


def check_clean(engine: Engine) -> None:
    """Raise when the models differ from the migrated store (alembic ``check``)."""
    config = _config()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def current_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def expected_revision() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def require_current(engine: Engine) -> None:
    """Raise :class:`StoreVersionError` unless the store is exactly at this code's version."""
    found, expected = current_revision(engine), expected_revision()
    if found != expected:
        raise StoreVersionError(found, expected)


def trigger_names(engine: Engine) -> set[str]:
    """Names of the triggers in the store, which neither models nor reflection know."""
    if engine.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with engine.connect() as connection:
        return {str(name) for name in connection.execute(text(query)).scalars()}
