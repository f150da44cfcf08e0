"""What the commands that need the store share. Not a command itself: it has no ``register``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from secops.platform import Platform

JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document.")]


def platform_of_home() -> Platform:
    """The installation that the environment names.

    Raises:
        BadSettings, StoreVersionError: each with one sentence and the next step.
    """
    from secops import models  # noqa: F401
    from secops.config import Settings
    from secops.platform import Platform
    from secops.store import require_current

    platform = Platform.open(Settings.from_env())
    require_current(platform.engine)
    return platform


@contextmanager
def open_store(purpose: str = "cli") -> Iterator[Session]:
    """A session of whoever owns the home: the console is the platform's own administrator."""
    with platform_of_home().work(purpose) as session:
        yield session
