"""Keys made once."""

from __future__ import annotations

import pytest

from smcrypto.keys import FileKeyProvider


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeyProvider:
    """The platform's keys, which no test rotates."""
    return FileKeyProvider.create(tmp_path_factory.mktemp("audit-keys") / "keys")


@pytest.fixture(scope="session")
def other_keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeyProvider:
    """Keys of somebody else."""
    return FileKeyProvider.create(tmp_path_factory.mktemp("other-keys") / "keys")
