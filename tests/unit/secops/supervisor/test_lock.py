"""One running platform per home."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from secops.supervisor import AlreadyRunning, Holder, holder_of
from secops.supervisor.lock import HomeLock


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def test_second_taker_learns_who_has_it(home: Path) -> None:
    """While one holds the lock, another is told its process and address in both languages."""
    first = HomeLock(home)
    first.take("http://127.0.0.1:8340")

    with pytest.raises(AlreadyRunning) as caught:
        HomeLock(home).take("http://127.0.0.1:8341")

    assert caught.value.holder == Holder(os.getpid(), "http://127.0.0.1:8340")
    for text in (caught.value.zh, caught.value.en):
        assert str(os.getpid()) in text
        assert "http://127.0.0.1:8340" in text
    first.release()


def test_released_lock_is_free(home: Path) -> None:
    """After the release nobody is named, and the lock can be taken again."""
    lock = HomeLock(home)
    lock.take("http://a")
    assert holder_of(home) == Holder(os.getpid(), "http://a")
    lock.release()
    lock.release()

    assert holder_of(home) is None
    lock.take("http://b")
    assert holder_of(home) == Holder(os.getpid(), "http://b")
    lock.release()


def test_stale_file_is_harmless(home: Path) -> None:
    """A file left behind by a dead holder, whatever is in it, neither blocks nor names anybody."""
    path = home / "run" / "supervisor.lock"
    path.write_text(json.dumps({"pid": 1, "url": "http://old"}), encoding="ascii")

    assert holder_of(home) is None
    lock = HomeLock(home)
    lock.take("http://new")

    assert holder_of(home) == Holder(os.getpid(), "http://new")
    lock.release()


def test_unreadable_note(home: Path) -> None:
    """A holder whose note is damaged still holds the lock; it is only not named."""
    lock = HomeLock(home)
    lock.take("http://a")
    (home / "run" / "supervisor.lock").write_text("{", encoding="ascii")

    assert holder_of(home) == Holder(0, "")
    lock.release()


def test_no_home(tmp_path: Path) -> None:
    """A home that does not exist is run by nobody."""
    assert holder_of(tmp_path / "none") is None
