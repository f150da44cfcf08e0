"""Which broker program is used, and under which name its socket is found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from secops.supervisor import broker


def program(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o755)
    return path


def test_bundled_program_comes_first(tmp_path: Path) -> None:
    """The program of the Python package is preferred to those on PATH, valkey to redis."""
    redis, valkey = program(tmp_path, "redis-server"), program(tmp_path, "valkey-server")

    found = broker.find_binaries(str(tmp_path))

    assert [binary.origin for binary in found] == ["bundled", "path", "path"]
    assert [binary.path for binary in found[1:]] == [valkey, redis]


def test_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without package and without programs there is nothing to choose from."""
    monkeypatch.setattr(broker.importlib.util, "find_spec", lambda name: None)

    assert broker.find_binaries(str(tmp_path)) == ()


def test_no_network_and_append_only(tmp_path: Path) -> None:
    """The server listens on no port, only its owner may use the socket, and what it holds survives its death."""
    argv = broker.arguments(broker.Binary(Path("/bin/server"), "path"), tmp_path)
    options = dict(zip(argv[1::2], argv[2::2], strict=True))

    assert argv[0] == "/bin/server"
    assert options["--port"] == "0"
    assert options["--unixsocketperm"] == "700"
    assert options["--appendonly"] == "yes"
    assert options["--dir"] == str(tmp_path / "run" / "broker")


def test_short_home_needs_no_link(tmp_path: Path) -> None:
    """The socket of a home with a short path is named by that path, and nothing is recorded."""
    home = Path("/srv/secops")

    assert broker.socket_address(home) == home / "run" / "broker.sock"


@pytest.fixture
def long_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # The folder of the links must have a short path itself, which pytest's own folders have not.
    with tempfile.TemporaryDirectory(prefix="s-") as links:
        monkeypatch.setattr(tempfile, "tempdir", links)
        home = tmp_path / ("长" * 40)
        (home / "run").mkdir(parents=True)
        yield home


def test_long_home_gets_one_private_link(long_home: Path) -> None:
    """Every process finds the same short name of a long home's socket; its folder is its owner's alone."""
    first = broker.socket_address(long_home)
    second = broker.socket_address(long_home)

    assert first == second
    assert len(os.fsencode(first)) <= broker.SOCKET_LIMIT
    assert first.parent.resolve() == (long_home / "run").resolve()
    assert first.parent.parent.stat().st_mode & 0o077 == 0

    broker.forget(long_home)
    assert not first.parent.parent.exists()
    assert not (long_home / "run" / "broker.path").exists()


def test_link_that_leads_elsewhere_is_not_used(long_home: Path, tmp_path: Path) -> None:
    """A recorded link that somebody pointed at another folder is replaced by a fresh one."""
    first = broker.socket_address(long_home)
    first.parent.unlink()
    first.parent.symlink_to(tmp_path)

    second = broker.socket_address(long_home)

    assert second != first
    assert second.parent.resolve() == (long_home / "run").resolve()


def test_link_cleaned_away_is_made_again(long_home: Path) -> None:
    """When a cleaner took the link, the next process makes one that works."""
    first = broker.socket_address(long_home)
    first.parent.unlink()
    first.parent.parent.rmdir()
    broker.keep_link(long_home)

    assert broker.socket_address(long_home).parent.resolve() == (long_home / "run").resolve()


def test_using_keeps_the_link_young(long_home: Path) -> None:
    """The link's times are renewed, since cleaners of the temp folder go by age."""
    folder = broker.socket_address(long_home).parent.parent
    os.utime(folder, (1, 1))

    broker.keep_link(long_home)

    assert folder.stat().st_mtime > 1


def test_url_of_a_home_with_blanks_is_quoted() -> None:
    """Blanks and Chinese letters of the path are quoted in the broker's address."""
    assert broker.private_url(Path("/srv/a b/区")) == "redis+socket:///srv/a%20b/%E5%8C%BA/run/broker.sock"


def test_spoilt_files_are_kept_aside(tmp_path: Path) -> None:
    """Spoilt files are moved, not deleted, and an empty folder takes their place; nothing to move is no fault."""
    broker.prepare(tmp_path)
    assert broker.set_aside(tmp_path, "20260101T000000") is None
    (tmp_path / "run" / "broker" / "bad.aof").write_text("x", encoding="ascii")

    moved = broker.set_aside(tmp_path, "20260101T000000")

    assert moved is not None
    assert (moved / "bad.aof").read_text(encoding="ascii") == "x"
    assert list((tmp_path / "run" / "broker").iterdir()) == []


def test_nobody_answers(tmp_path: Path) -> None:
    """A socket file that nobody listens on gives no answer."""
    broker.prepare(tmp_path)
    (tmp_path / "run" / "broker.sock").touch()

    assert broker.is_present(tmp_path)
    assert not broker.answers(tmp_path)

    broker.prepare(tmp_path)
    assert not broker.is_present(tmp_path)


def test_homes_have_different_tags() -> None:
    """Two homes never share the tag that is part of their workers' names."""
    assert broker.home_tag(Path("/srv/a")) != broker.home_tag(Path("/srv/b"))
    assert len(broker.home_tag(Path("/srv/a"))) == 8
