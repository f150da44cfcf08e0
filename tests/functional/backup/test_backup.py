"""Backup while running, check after writing, restore into an empty home; damage, another passphrase, an older state."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from secops.audit_log import checkpoints
from secops.backup import archive, services
from secops.backup.archive import BadArchive, Member
from secops.clock import utc_now
from secops.errors import BadInput, NotReady
from secops.evidence.models import Evidence, EvidenceSource, EvidenceState
from secops.evidence.services import NewEvidence, read_all, store_bytes
from secops.objects.models import System
from secops.platform import Platform
from secops.scope import Principal
from smcrypto import passphrase
from tests.support.builders import Rows
from tests.support.page_checks import audit_actions
from tests.support.postgres import PostgresServer

SECRET = "四个汉字加上数字123".encode()
CONTENT = "备份里的证据".encode() * 20_000


@pytest.fixture(autouse=True)
def _fewer_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rounds are tested once; half a second each would add up."""
    real = passphrase.seal
    monkeypatch.setattr(passphrase, "seal", lambda *a, **more: real(*a, **{"rounds": 1000, **more}))


@pytest.fixture
def system(platform: Platform) -> int:
    """A system of the platform under test."""
    return Rows(platform.engine).one(System, level=3, profile="S3A3G3")


def _give(platform: Platform, system: int, content: bytes = CONTENT) -> int:
    new = NewEvidence(system, "制度", "a.txt", EvidenceSource.REPORT, EvidenceState.SUBMITTED)
    return store_bytes(platform, Principal.platform("test"), new, content)


def _empty(platform: Platform, folder: Path, url: str = "") -> Platform:
    folder.mkdir(mode=0o700)
    return Platform.open(replace(platform.settings, home=folder, database_url=url))


def test_everything_comes_back(platform: Platform, system: int, tmp_path: Path) -> None:
    """Rows, files, keys and log of the restored home are those of the running one, and it goes on working."""
    number = _give(platform, system)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    done = services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    assert done.blobs == 1
    assert "platform.backup" in audit_actions(platform)
    for path in (done.data, done.keys):
        assert path.stat().st_mode & 0o077 == 0
        assert "备份里的证据".encode() not in path.read_bytes()

    there = _empty(platform, tmp_path / "there")
    found = services.restore(there, done.data, done.keys, SECRET, now=utc_now())

    assert found.ok, found
    with there.work("test:look") as session:
        assert read_all(there, session.get_one(Evidence, number)) == CONTENT
    assert {path.name for path in (there.settings.home / "keys").iterdir()} >= {
        path.name for path in (platform.settings.home / "keys").iterdir() if path.is_file()
    }
    _give(there, system)
    assert checkpoints.sign_due(there, now=utc_now(), at_once=True) == "signed"
    there.engine.dispose()


def test_postgresql_comes_back(pg_platform: Platform, postgres: PostgresServer, tmp_path: Path) -> None:
    """The same by the programs of PostgreSQL."""
    number = _give(pg_platform, Rows(pg_platform.engine).one(System))
    done = services.backup(pg_platform, tmp_path / "out", SECRET, now=utc_now())
    name = postgres.create_database()
    there = _empty(pg_platform, tmp_path / "there", postgres.url(name))
    try:
        found = services.restore(there, done.data, done.keys, SECRET, now=utc_now())
        assert found.ok, found
        with there.work("test:look") as session:
            assert read_all(there, session.get_one(Evidence, number)) == CONTENT
    finally:
        there.engine.dispose()
        postgres.drop_database(name)


def test_an_older_backup_is_recognised(platform: Platform, system: int, tmp_path: Path) -> None:
    """Checkpoints from outside know more records than the backup has: how many are missing is told."""
    done = services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    for _ in range(3):
        _give(platform, system)
    checkpoints.sign_due(platform, now=utc_now(), at_once=True)
    outside = checkpoints.read_checkpoints(checkpoints.folder_of(platform) / "checkpoints.jsonl")
    there = _empty(platform, tmp_path / "there")
    found = services.restore(there, done.data, done.keys, SECRET, outside=outside, now=utc_now())
    assert not found.ok
    assert found.older_by >= 6
    assert found.audit["damage"] == "truncated"
    there.engine.dispose()


@pytest.mark.parametrize("where", ["start", "middle", "end", "cut", "passphrase"])
def test_a_damaged_backup_restores_nothing(
    platform: Platform, system: int, tmp_path: Path, where: str
) -> None:
    """A flipped bit, a cut, another passphrase: a clear answer, and the home stays empty."""
    _give(platform, system)
    done = services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    raw = bytearray(done.data.read_bytes())
    if where == "cut":
        raw = raw[: len(raw) // 65536 * 65536]
    elif where != "passphrase":
        raw[{"start": 30, "middle": len(raw) // 2, "end": len(raw) - 1}[where]] ^= 1
    done.data.write_bytes(raw)
    there = _empty(platform, tmp_path / "there")
    secret = b"another passphrase" if where == "passphrase" else SECRET
    with pytest.raises(NotReady):
        services.restore(there, done.data, done.keys, secret, now=utc_now())
    assert not (there.settings.home / "keys").exists()
    assert not (there.settings.home / "secops.db").exists()
    there.engine.dispose()


def test_a_home_in_use_is_left_alone(platform: Platform, tmp_path: Path) -> None:
    """A restore over something is refused."""
    done = services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    with pytest.raises(BadInput):
        services.restore(platform, done.data, done.keys, SECRET, now=utc_now())


def test_a_missing_file_shows_after_the_restore(platform: Platform, system: int, tmp_path: Path) -> None:
    """What the vault had lost before is not passed over."""
    number = _give(platform, system)
    with platform.work("test:look") as session:
        blob = session.get_one(Evidence, number).blob_id
    platform.vault.shred(blob)
    done = services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    assert (done.blobs, done.left_out) == (0, 1)
    there = _empty(platform, tmp_path / "there")
    found = services.restore(there, done.data, done.keys, SECRET, now=utc_now())
    assert found.bad_blobs == [f"{number}: missing"]
    assert not found.ok
    there.engine.dispose()


def test_uploads_go_on_meanwhile(
    platform: Platform, system: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is given while the files are packed does not disturb the snapshot."""
    _give(platform, system)
    real: Callable[..., Any] = services._blob_pieces

    def meanwhile(store: Any, blob_id: str) -> Any:
        _give(platform, system, b"later")
        yield from real(store, blob_id)

    monkeypatch.setattr(services, "_blob_pieces", meanwhile)
    done = services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    there = _empty(platform, tmp_path / "there")
    assert services.restore(there, done.data, done.keys, SECRET, now=utc_now()).ok
    with there.work("test:look") as session:
        assert len(session.scalars(select(Evidence)).all()) == 1
    there.engine.dispose()


def test_what_does_not_read_back_is_removed(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that fails its check leaves no file that looks like one."""

    def fails(*_: Any) -> None:
        raise BadArchive("test")

    monkeypatch.setattr(archive, "read", fails)
    with pytest.raises(NotReady):
        services.backup(platform, tmp_path / "out", SECRET, now=utc_now())
    assert list((tmp_path / "out").iterdir()) == []


def test_passphrases_are_guarded(tmp_path: Path) -> None:
    """A file open to others, a short one and a missing one are refused; a line end does not count."""
    path = tmp_path / "secret"
    with pytest.raises(BadInput):
        services.read_passphrase(path)
    path.write_text("long enough, really\n")
    os.chmod(path, 0o644)
    with pytest.raises(BadInput):
        services.read_passphrase(path)
    os.chmod(path, 0o600)
    assert services.read_passphrase(path) == b"long enough, really"
    path.write_text("short\n")
    with pytest.raises(BadInput):
        services.read_passphrase(path)


def test_members_that_change_while_they_are_read_are_told(tmp_path: Path) -> None:
    """A file that grows or shrinks makes no archive."""
    for content in (b"abc", b"a"):
        with (tmp_path / "x").open("wb") as file, pytest.raises(BadArchive):
            archive.write(file, [Member("m", 2, lambda c=content: iter([c]))], SECRET)  # type: ignore[misc]
