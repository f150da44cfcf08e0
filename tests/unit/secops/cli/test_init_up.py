"""``secops init`` and what ``secops up`` refuses."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from secops.cli.main import run
from secops.clock import utc_now
from secops.config import Settings
from secops.db import make_engine
from secops.installation import initialise
from secops.store import current_revision, expected_revision
from secops.supervisor import holder_of


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SECOPS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_init_twice(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first run makes everything and says what; the second finds nothing to do."""
    assert run(["init", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert run(["init", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)

    assert first["home"] == str(home)
    assert first["store"] == expected_revision()
    assert len(first["steps"]) >= 4
    assert second["steps"] == []


def test_init_for_people(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People read the steps and the next step in their language."""
    assert run(["init"]) == 0
    chinese = capsys.readouterr().out
    assert run(["init", "--lang", "en"]) == 0
    english = capsys.readouterr().out

    assert "密钥" in chinese
    assert "下一步" in chinese
    assert "Nothing to do" in english
    assert "secops user create" in english


def test_init_in_a_folder_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A home that can't be written is one sentence with the way out."""
    monkeypatch.setenv("SECOPS_HOME", "/proc/none")

    assert run(["init", "--lang", "en"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_up_with_taken_port(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A taken port names the setting; the home was set up and stays usable."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        assert run(["up", "--port", str(port)]) == 1

    captured = capsys.readouterr()
    assert "SECOPS_PORT" in captured.err
    assert len(captured.err.splitlines()) == 1
    assert (home / "secops.db").exists()
    assert holder_of(home) is None


def test_up_with_wrong_address(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--bind goes through the same check as the setting."""
    assert run(["up", "--bind", "localhost"]) == 2
    assert "SECOPS_BIND_ADDRESS" in capsys.readouterr().err
    assert not home.exists()


def test_up_in_production_refuses_what_is_unfit(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Production mode lists every demand that is not met and starts nothing."""
    monkeypatch.setenv("SECOPS_MODE", "production")

    assert run(["up"]) == 1

    told = capsys.readouterr().err
    assert "TLS" in told
    assert "SECOPS_ALLOWED_HOSTS" in told
    assert holder_of(home) is None
    assert not (home / "run" / "broker.sock").exists()


def test_up_refuses_a_store_of_another_version(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A store of another version is not migrated by the way."""
    from sqlalchemy import text

    settings = Settings(home=home)
    initialise(settings, now=utc_now()).platform.engine.dispose()
    engine = make_engine(settings)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))

    assert run(["up"]) == 1

    assert "secops init" in capsys.readouterr().err
    assert current_revision(engine) == "0000"
    engine.dispose()
