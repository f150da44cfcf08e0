"""Keys for the tests of this package, made once: a key provider costs some milliseconds of curve arithmetic."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from smcrypto import sm2
from smcrypto.keys import FileKeyProvider


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys that no test changes."""
    folder = tmp_path_factory.mktemp("keys") / "keys"
    FileKeyProvider.create(folder)
    return folder


@pytest.fixture(scope="session")
def provider(key_folder: Path) -> FileKeyProvider:
    """A provider that no test rotates."""
    return FileKeyProvider(key_folder)


@pytest.fixture
def own_folder(key_folder: Path, tmp_path: Path) -> Path:
    """A copy of the keys that the test may change."""
    return Path(shutil.copytree(key_folder, tmp_path / "own-keys"))


@pytest.fixture
def own_provider(own_folder: Path) -> FileKeyProvider:
    """A provider that the test may rotate."""
    return FileKeyProvider(own_folder)


@pytest.fixture(scope="session")
def key_pair() -> sm2.KeyPair:
    """One SM2 key."""
    return sm2.generate_key()
