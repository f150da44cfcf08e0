"""What the supervisor refuses before it starts anything."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from secops.clock import utc_now
from secops.config import Settings
from secops.installation import initialise
from secops.store import StoreVersionError
from secops.supervisor import AlreadyRunning, Event, EventKind, PortTaken, Supervisor, holder_of, read_state
from secops.supervisor.child import Child, Spec
from secops.supervisor.lock import HomeLock


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("home")
    initialise(Settings(home=found), now=utc_now()).platform.engine.dispose()
    return found


def test_empty_store(tmp_path: Path) -> None:
    """A home without a store is refused with the command that makes one."""
    (tmp_path / "run").mkdir()

    with pytest.raises(StoreVersionError, match="secops init"):
        Supervisor(Settings(home=tmp_path)).start()

    assert holder_of(tmp_path) is None


def test_taken_port(home: Path) -> None:
    """A taken port stops the start before any process, and the home is free again."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        supervisor = Supervisor(replace(Settings(home=home), port=listener.getsockname()[1]))
        with pytest.raises(PortTaken):
            supervisor.start()

    assert supervisor.state()["children"] == []
    assert holder_of(home) is None
    assert read_state(home) is None


def test_home_in_use(home: Path) -> None:
    """A home with a running platform is refused, and the one that runs keeps its lock."""
    lock = HomeLock(home)
    lock.take("http://127.0.0.1:1")
    try:
        with pytest.raises(AlreadyRunning):
            Supervisor(Settings(home=home)).start()
        assert holder_of(home) is not None
    finally:
        lock.release()


def test_stopping_what_never_started(home: Path) -> None:
    """Stopping a supervisor that was never started does nothing."""
    supervisor = Supervisor(Settings(home=home))

    supervisor.stop()

    assert supervisor.child_pid("web") is None


def test_five_deaths_are_told_clearly(tmp_path: Path) -> None:
    """The fifth death within a minute is told with the log and its last words; the child stays to be tried again."""
    told: list[Event] = []
    supervisor = Supervisor(Settings(home=tmp_path), report=told.append)
    child = Child(Spec("worker", ("/bin/false",), {}, tmp_path, tmp_path / "worker.log"))
    (tmp_path / "worker.log").write_text("starting\nModuleNotFoundError: no module\n", encoding="ascii")

    for moment in (0.0, 2.0, 5.0, 10.0, 19.0):
        child.started = moment
        supervisor._note_death(child, moment)

    assert [event.kind for event in told] == [EventKind.DIED] * 4 + [EventKind.UNSTABLE]
    assert "ModuleNotFoundError" in told[-1].zh
    assert str(tmp_path / "worker.log") in told[-1].en
    assert child.start_at == 19.0 + 16.0
