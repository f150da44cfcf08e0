"""Ports, log files, environment, command lines and sentences of the supervisor."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from secops.config import Settings
from secops.supervisor import AddressRefused, Event, EventKind, PortTaken, broker, logfiles, plan
from secops.supervisor.ports import require_free


def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path).resolved()


def test_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    """A port on which somebody listens is refused with the setting to change; once free it is accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            require_free(replace(settings(tmp_path), port=port))

    assert str(port) in caught.value.zh
    assert "SECOPS_PORT" in caught.value.zh
    assert "SECOPS_PORT" in caught.value.en
    require_free(replace(settings(tmp_path), port=port))


def test_foreign_address_is_refused(tmp_path: Path) -> None:
    """An address that this machine does not have is told apart from a taken port."""
    with pytest.raises(AddressRefused) as caught:
        require_free(replace(settings(tmp_path), bind_address="203.0.113.1"))

    assert "SECOPS_BIND_ADDRESS" in caught.value.zh


def test_rotation_keeps_a_limited_number(tmp_path: Path) -> None:
    """A log over its limit becomes .1, older ones move up, the oldest goes; a small one stays."""
    path = tmp_path / "web.log"
    for number in range(4):
        path.write_text(f"{number}" * 20, encoding="ascii")
        assert logfiles.rotate(path, max_bytes=10, keep=2)

    assert not logfiles.rotate(path, max_bytes=10, keep=2)
    assert path.read_text(encoding="ascii") == ""
    assert (tmp_path / "web.log.1").read_text(encoding="ascii") == "3" * 20
    assert (tmp_path / "web.log.2").read_text(encoding="ascii") == "2" * 20
    assert sorted(found.name for found in tmp_path.iterdir()) == ["web.log", "web.log.1", "web.log.2"]
    assert (tmp_path / "web.log.1").stat().st_mode & 0o077 == 0


def test_child_goes_on_writing_after_rotation(tmp_path: Path) -> None:
    """A descriptor opened before the rotation appends to the emptied file."""
    path = tmp_path / "web.log"
    descriptor = logfiles.open_log(path)
    with open(descriptor, "w", encoding="ascii") as stream:
        stream.write("before" * 10)
        stream.flush()
        logfiles.rotate(path, max_bytes=10)
        stream.write("after")

    assert path.read_text(encoding="ascii") == "after"


def test_rotation_of_nothing(tmp_path: Path) -> None:
    """A log that does not exist is nothing to rotate and has no last words."""
    assert not logfiles.rotate(tmp_path / "none.log")
    assert logfiles.tail(tmp_path / "none.log") == ""


def test_tail_skips_empty_lines(tmp_path: Path) -> None:
    """The last words are the last lines that say something."""
    path = tmp_path / "a.log"
    path.write_text("one\ntwo\n\n  \nthree\n\n", encoding="ascii")

    assert logfiles.tail(path, 2) == "two\nthree"


def test_children_see_exactly_these_settings(tmp_path: Path) -> None:
    """Settings of the parent's environment do not shine through, and a child reads back what was given."""
    given = replace(settings(tmp_path), port=9000, behind_tls=True, broker_url="redis://h:1/0")

    found = plan.environment(given, {"PATH": "/bin", "SECOPS_PORT": "1", "SECOPS_LANGUAGE": "en"})

    assert found["PATH"] == "/bin"
    assert Settings.from_env(found) == given


def test_extra_path_comes_first(tmp_path: Path) -> None:
    """Folders of further modules stand before an inherited PYTHONPATH."""
    found = plan.environment(settings(tmp_path), {"PYTHONPATH": "/a"}, (tmp_path,))

    assert found["PYTHONPATH"] == f"{tmp_path}:/a"


def test_every_queue_has_a_worker(tmp_path: Path) -> None:
    """The two nodes serve every queue once, and the tick's queue is not that of the long work."""
    from secops.jobs.kinds import QUEUES

    assert sorted((*plan.WORKER_QUEUES, *plan.WRITER_QUEUES, *plan.KEEPER_QUEUES)) == sorted(
        (*QUEUES, "tick")
    )
    assert "housekeeping" in plan.KEEPER_QUEUES
    assert "scan" in plan.WORKER_QUEUES


def test_processes_carry_the_home(tmp_path: Path) -> None:
    """Worker names carry the tag of the home, and the broker gets no setting of the platform."""
    given = replace(settings(tmp_path), worker_processes=7)
    specs = {
        spec.name: spec for spec in plan.application_specs(given, {"SECOPS_PORT": "1"}, include=("x.y",))
    }

    assert list(specs) == ["web", "worker", "writer", "keeper", "beat"]
    assert f"worker-{broker.home_tag(tmp_path)}@%h" in specs["worker"].argv
    assert specs["worker"].argv[specs["worker"].argv.index("--concurrency") + 1] == "7"
    assert specs["worker"].argv[-2:] == ("--include", "x.y")
    assert specs["web"].log == tmp_path / "logs" / "web.log"
    private = plan.broker_spec(
        given, broker.Binary(Path("/bin/server"), "path"), {"SECOPS_PORT": "1", "PATH": "/bin"}
    )
    assert private.environment == {"PATH": "/bin"}


def test_six_addresses_are_bracketed(tmp_path: Path) -> None:
    """An IPv6 address is bound in brackets."""
    given = replace(settings(tmp_path), bind_address="::1", port=9001)

    web = plan.application_specs(given, {})[0]

    assert "[::1]:9001" in web.argv


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_event_has_a_sentence(kind: EventKind) -> None:
    """Each event is told in both languages, with the child's name."""
    event = Event(kind, "web", -9, 4.0, "/home/logs/web.log", "last words")

    assert event.zh
    assert event.en
    if kind is EventKind.DIED:
        assert "SIGKILL" in event.zh
        assert "SIGKILL" in event.en
    if kind is EventKind.UNSTABLE:
        assert "/home/logs/web.log" in event.zh
        assert "last words" in event.en


@pytest.mark.parametrize(
    ("code", "zh", "en"), [(None, "未知", "unknown"), (3, "退出码 3", "exit code 3"), (-200, "200", "200")]
)
def test_how_a_child_ended(code: int | None, zh: str, en: str) -> None:
    """Exit codes, signals and lost codes each have their words."""
    event = Event(EventKind.DIED, "beat", code, 1.0)

    assert zh in event.zh
    assert en in event.en
