"""A vault over a temporary folder, with keys made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from secops.evidence.store import FolderStore
from secops.evidence.vault import Vault
from smcrypto.keys import FileKeyProvider


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeyProvider:
    """Keys that no test rotates."""
    return FileKeyProvider.create(tmp_path_factory.mktemp("vault-keys") / "keys", signers=[])


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "vault")


@pytest.fixture
def vault(store: FolderStore, keys: FileKeyProvider) -> Vault:
    """A vault that minds no free space."""
    return Vault(store, keys, free_floor=0)
