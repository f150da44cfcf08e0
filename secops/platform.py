"""What web, worker and commands share: settings, engine, keys and vault, opened once per process."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from secops.config import Settings
from secops.db import make_engine, open_session
from secops.scope import Principal

if TYPE_CHECKING:
    from secops.evidence.vault import Vault
    from smcrypto.keys import FileKeyProvider


@dataclass
class Platform:
    """One installation. ``session`` is the request-bound session and exists in the web process only."""

    settings: Settings
    engine: Engine
    session: Any = None

    @classmethod
    def open(cls, settings: Settings) -> Platform:
        """Connect; makes nothing. A read-only or missing home shows when something is written."""
        # Every table and what listens to its changes: the row scope would load them in the middle of a query, and
        # no listener can be added there.
        import secops.models  # noqa: F401

        return cls(settings=settings, engine=make_engine(settings))

    @contextmanager
    def work(self, purpose: str) -> Iterator[Session]:
        """A session of the platform itself for *purpose*, such as ``job:scan``; commits at the end."""
        with open_session(self.engine, Principal.platform(purpose)) as session:
            yield session

    @contextmanager
    def work_as(self, principal: Principal) -> Iterator[Session]:
        """A session on behalf of *principal*; commits at the end."""
        with open_session(self.engine, principal) as session:
            yield session

    @cached_property
    def keys(self) -> FileKeyProvider:
        from smcrypto.keys import FileKeyProvider

        return FileKeyProvider(self.settings.home / "keys")

    @cached_property
    def vault(self) -> Vault:
        from secops.evidence.store import FolderStore
        from secops.evidence.vault import Vault

        return Vault(
            FolderStore(self.settings.home / "vault"),
            self.keys,
            size_limit=self.settings.upload_limit_mb * 1024 * 1024,
            free_floor=self.settings.free_space_floor_mb * 1024 * 1024,
        )


def secret_key(settings: Settings) -> str:
    """The key that signs session cookies: from the file named in the settings, else one made in the home."""
    path = (
        Path(settings.secret_key_file)
        if settings.secret_key_file
        else settings.folder("keys") / "session.key"
    )
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        if settings.secret_key_file:
            raise
    text = secrets.token_hex(32)
    # Opened with O_EXCL: two processes starting together agree on one key.
    try:
        with open(path, "x", encoding="ascii", opener=_private) as stream:
            stream.write(text)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    return text


def _private(name: str, flags: int) -> int:
    import os

    return os.open(name, flags, 0o600)
