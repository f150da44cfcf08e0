"""The doctor tells every fault with its fix, and never stops because something is missing."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from secops.cli.main import run
from secops.clock import utc_now
from secops.config import Settings
from secops.doctor import (
    Check,
    Site,
    State,
    base,
    equipment,
    examine,
    examine_production,
    is_well,
    production,
    running,
)
from secops.doctor.result import install_command
from secops.installation import initialise
from secops.supervisor.lock import HomeLock


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete installation that no test changes."""
    home = tmp_path_factory.mktemp("doctor") / "home"
    before = os.umask(0o077)
    initialise(Settings(home=home), now=utc_now()).platform.engine.dispose()
    os.umask(before)
    return home


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        # Bound but not listening: nobody else gets it, and nobody answers.
        yield holder.getsockname()[1]


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def site(home: Path, **values: object) -> Site:
    return Site(Settings(home=home, **values).resolved())  # type: ignore[arg-type]


def test_complete_installation_is_well(installed: Path) -> None:
    """A complete installation that is not running has no fault; what is absent names the way to have it."""
    checks = examine({"SECOPS_HOME": str(installed)})
    found = by_name(checks)

    assert [check for check in checks if check.state is State.FAIL] == []
    assert found["store"].state is State.OK
    assert found["keys"].state is State.OK
    assert found["workers"].state is State.ABSENT
    assert found["workers"].fix == "secops up"
    assert len(checks) == len(found)


def test_no_nmap_and_no_broker(installed: Path, tmp_path: Path, closed_port: int) -> None:
    """With nmap removed and the broker stopped both are told with their fix, and everything else as ever."""
    environ = {
        "SECOPS_HOME": str(installed),
        "SECOPS_BROKER_URL": f"redis://:pa55word@127.0.0.1:{closed_port}/0",
    }

    found = by_name(examine(environ, search_path=str(tmp_path)))

    assert found["nmap"].state is State.ABSENT
    assert found["nmap"].fix == "apt install nmap"
    assert found["broker"].state is State.FAIL
    assert found["broker"].fix
    assert "pa55word" not in str(found["broker"])
    assert found["workers"].state is State.ABSENT
    assert found["store"].state is State.OK


@pytest.mark.parametrize(
    "url", ["amqp://u:pa55word@127.0.0.1:{port}//", "nonsense://x", "redis+socket:///none/x.sock"]
)
def test_other_brokers(installed: Path, closed_port: int, url: str) -> None:
    """A broker of any kind that does not answer is a fault and never an exception."""
    checks = examine({"SECOPS_HOME": str(installed), "SECOPS_BROKER_URL": url.format(port=closed_port)})
    found = by_name(checks)

    assert found["broker"].state is State.FAIL
    assert found["workers"].state is State.ABSENT
    assert "pa55word" not in str(checks)
    assert "检查本身" not in str(checks)


def test_nothing_is_there(tmp_path: Path) -> None:
    """Before secops init every check answers, and the faults lead to secops init; nothing is made by looking."""
    home = tmp_path / "none"

    checks = examine({"SECOPS_HOME": str(home)}, for_production=True)
    found = by_name(checks)

    assert found["store"].fix == found["keys"].fix == found["home"].fix == "secops init"
    assert "检查本身" not in str(checks)
    assert not home.exists()


def test_wrong_settings() -> None:
    """All faults of the settings are told, and what needs no settings is examined nevertheless."""
    checks = examine({"SECOPS_PORT": "x", "SECOPS_TYPO": "1"})

    faults = [check for check in checks if check.name == "settings"]
    assert [check.state for check in faults] == [State.FAIL, State.FAIL]
    assert by_name(checks)["fonts"].state is State.OK
    assert not is_well(checks)


def test_unreachable_store(installed: Path, closed_port: int) -> None:
    """A database server that does not answer is a fault within seconds, without its password."""
    url = f"postgresql+psycopg://u:pa55word@127.0.0.1:{closed_port}/x"

    checks = examine({"SECOPS_HOME": str(installed), "SECOPS_DATABASE_URL": url}, for_production=True)
    found = by_name(checks)

    assert found["store"].state is State.FAIL
    assert found["example-accounts"].state is State.FAIL
    assert "pa55word" not in str(checks)
    assert "检查本身" not in str(checks)


def test_damaged_store(tmp_path: Path) -> None:
    """A file that is no database is a fault."""
    (tmp_path / "secops.db").write_bytes(b"this is no database at all " * 100)

    check = base.store(site(tmp_path))

    assert check.state is State.FAIL
    assert "\n" not in check.zh


def test_store_of_another_version(tmp_path: Path) -> None:
    """An empty store and one of another version lead to secops init."""
    from sqlalchemy import text

    from secops.db import make_engine

    engine = make_engine(Settings(home=tmp_path))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
    assert "空" in base.store(site(tmp_path)).zh
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO alembic_version VALUES ('0000')"))

    check = base.store(site(tmp_path))

    assert (check.state, check.fix) == (State.FAIL, "secops init")
    assert "0000" in check.en
    engine.dispose()


def test_keys_open_to_others(tmp_path: Path) -> None:
    """Keys that others may read are a fault whose fix closes them."""
    settings = Settings(home=tmp_path / "home")
    initialise(settings, now=utc_now()).platform.engine.dispose()
    key = next((settings.home / "keys").glob("kek-*.key"))
    key.chmod(0o644)

    check = base.keys(Site(settings))

    assert check.state is State.FAIL
    assert check.fix == f"chmod -R go-rwx {settings.home / 'keys'}"


def test_little_space(installed: Path) -> None:
    """Less room than the floor is a fault, little more than that a warning."""
    free = base.free_space(site(installed))
    megabytes = int(free.en.split()[0])

    assert base.free_space(site(installed, free_space_floor_mb=megabytes * 2)).state is State.FAIL
    assert base.free_space(site(installed, free_space_floor_mb=megabytes // 2)).state is State.WARN
    assert base.free_space(site(installed, free_space_floor_mb=1)).state is State.OK


def test_running_platform_whose_broker_is_silent(tmp_path: Path) -> None:
    """While the platform runs, a private broker that does not answer and a child that is down are faults."""
    settings = Settings(home=tmp_path)
    initialise(settings, now=utc_now()).platform.engine.dispose()
    state = {
        "pid": os.getpid(),
        "url": "http://127.0.0.1:1",
        "broker": "redis+socket:///x",
        "children": [{"name": "worker", "pid": os.getpid()}, {"name": "beat", "pid": None}],
    }
    (tmp_path / "run" / "supervisor.json").write_text(json.dumps(state), encoding="ascii")
    lock = HomeLock(tmp_path)
    lock.take("http://127.0.0.1:1")
    try:
        broker, workers = running.broker(Site(settings)), running.workers(Site(settings))
    finally:
        lock.release()

    assert broker.state is State.FAIL
    assert workers.state is State.FAIL
    assert "beat" in workers.zh
    assert running.workers(Site(settings)).state is State.ABSENT


def test_jobs_that_wait_and_gave_up(tmp_path: Path) -> None:
    """Jobs that wait for long and jobs that were given up are a warning with their numbers."""
    from datetime import timedelta

    from secops.installation import platform_system
    from secops.jobs.models import JobState
    from secops.jobs.services import enqueue

    settings = Settings(home=tmp_path)
    platform = initialise(settings, now=utc_now()).platform
    assert running.waiting_jobs(Site(settings)).state is State.OK
    with platform.work("test") as session:
        system = platform_system(session)
        for state, age in ((JobState.QUEUED, 11), (JobState.QUEUED, 1), (JobState.DEAD, 1)):
            job = enqueue(
                session, kind="posture", department_id=system.department_id, system_id=system.id, payload={},
                actor="test", now=utc_now() - timedelta(minutes=age),
            )  # fmt: skip
            job.state = state
    platform.engine.dispose()

    check = running.waiting_jobs(Site(settings))

    assert check.state is State.WARN
    assert "2 queued, 0 running, 1 given up; 1 wait" in check.en


def test_packages_against_the_lock(installed: Path, tmp_path: Path) -> None:
    """Versions that differ from the lock, and packages that are missing, are named; other systems' pins are not."""
    import typer

    lock = tmp_path / "requirements.lock"
    lock.write_text(
        f"typer=={typer.__version__} \\\n    --hash=sha256:00\n"
        "rich==0.0.1 \\\n    --hash=sha256:00\n"
        "no-such-package==1.0 \\\n    --hash=sha256:00\n"
        "only-elsewhere==1.0 ; sys_platform == 'plan9' \\\n    --hash=sha256:00\n",
        encoding="ascii",
    )

    check = equipment.packages(Site(Settings(home=installed), lock_file=lock))

    assert check.state is State.WARN
    assert "rich" in check.en
    assert "no-such-package" in check.en
    assert "only-elsewhere" not in check.en
    assert "typer" not in check.en
    assert equipment.packages(Site(Settings(), lock_file=tmp_path / "none")).state is State.ABSENT


def test_the_way_to_install_depends_on_the_system(tmp_path: Path) -> None:
    """On systems with dnf the fix names dnf and its package name."""
    dnf = tmp_path / "dnf"
    dnf.write_text("#!/bin/sh\n", encoding="ascii")
    dnf.chmod(0o755)

    assert (
        install_command("openssh-client", "openssh-clients", Site(Settings(), {}, str(tmp_path)))
        == "dnf install openssh-clients"
    )


def test_broken_plugin(installed: Path) -> None:
    """A plug-in that can't be loaded is a warning with its error and the way to be rid of it."""
    checks = equipment._registry("probes", "扫描探针", "probes", 7, [("odd", "ImportError: no")])

    assert [check.state for check in checks] == [State.OK, State.WARN]
    assert checks[1].name == "probes:odd"
    assert checks[1].fix == "pip uninstall odd"


def test_a_check_that_breaks_is_a_finding(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a check itself breaks, that is told as a fault and the others are still made."""

    def broken(site: Site) -> Check:
        raise ZeroDivisionError("odd")

    from secops import doctor

    monkeypatch.setattr(doctor, "_OF_THE_HOME", (broken, base.store))

    found = by_name(examine({"SECOPS_HOME": str(installed)}))

    assert found["broken"].state is State.FAIL
    assert "ZeroDivisionError" in found["broken"].en
    assert found["store"].state is State.OK


# --- production ---------------------------------------------------------------------------------------------


def fit(home: Path, **values: object) -> Settings:
    good: dict[str, object] = {"mode": "production", "behind_tls": True, "allowed_hosts": "mlps.example.org"}
    return Settings(home=home, **(good | values))  # type: ignore[arg-type]


def test_fit_for_production(installed: Path) -> None:
    """An installation behind TLS with host names, closed files and no example accounts is fit."""
    assert is_well(examine_production(fit(installed), {}))


@pytest.mark.parametrize(
    ("values", "environ", "name"),
    [
        ({"behind_tls": False}, {}, "tls"),
        ({"allowed_hosts": ""}, {}, "allowed-hosts"),
        ({"secret_key_file": "/none/key"}, {}, "secret-key"),
        ({}, {"FLASK_DEBUG": "1"}, "debug"),
        ({}, {"PYTHONDEVMODE": "1"}, "debug"),
    ],
)
def test_unfit_for_production(
    installed: Path, values: dict[str, object], environ: dict[str, str], name: str
) -> None:
    """Each demand that is not met is the one fault, with its fix."""
    faults = [
        check for check in examine_production(fit(installed, **values), environ) if check.state is State.FAIL
    ]

    assert [check.name for check in faults] == [name]
    assert faults[0].fix


@pytest.mark.parametrize(
    ("content", "mode", "state"),
    [
        ("short", 0o600, State.FAIL),
        ("a" * 64, 0o600, State.FAIL),
        ("密" * 40, 0o600, State.FAIL),
        ("0123456789abcdef" * 4, 0o644, State.FAIL),
        ("0123456789abcdef" * 4, 0o600, State.OK),
    ],
)
def test_session_key(installed: Path, tmp_path: Path, content: str, mode: int, state: State) -> None:
    """A session key that is short, simple, no text or open to others is a fault."""
    path = tmp_path / "session.key"
    path.write_text(content, encoding="utf-8")
    path.chmod(mode)

    assert production.secret_key(Site(fit(installed, secret_key_file=str(path)))).state is state


def test_open_home(tmp_path: Path) -> None:
    """A home that others may enter is a fault that names what is open."""
    settings = fit(tmp_path / "home")
    initialise(settings, now=utc_now()).platform.engine.dispose()
    settings.home.chmod(0o755)

    check = production.closed_files(Site(settings))

    assert check.state is State.FAIL
    assert check.fix == f"chmod -R go-rwx {settings.home}"


def test_example_accounts(tmp_path: Path) -> None:
    """Example accounts that can log in are a fault that names them."""
    from secops.accounts.passwords import one_time_password
    from secops.accounts.services import create_account
    from secops.installation import root_department

    settings = fit(tmp_path)
    platform = initialise(settings, now=utc_now()).platform
    with platform.work("test") as session:
        for name, is_example in (("li.example", True), ("wang.real", False)):
            create_account(
                session, username=name, display_name="李", department=root_department(session),
                password=one_time_password(), now=utc_now(), is_example=is_example,
            )  # fmt: skip
    platform.engine.dispose()

    check = production.example_accounts(Site(settings))

    assert check.state is State.FAIL
    assert "li.example" in check.zh
    assert "wang.real" not in check.zh


# --- the command --------------------------------------------------------------------------------------------


def test_command_for_programs(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json there is one document with every line; the exit code says whether something fails."""
    monkeypatch.setenv("SECOPS_HOME", str(installed))

    assert run(["doctor", "--json"]) == 0
    well = json.loads(capsys.readouterr().out)
    assert run(["doctor", "--json", "--production"]) == 1
    unfit = json.loads(capsys.readouterr().out)

    assert well["well"] is True
    assert unfit["well"] is False
    assert len(unfit["checks"]) > len(well["checks"])
    assert sum(well["counts"].values()) == len(well["checks"])
    assert all(set(check) == {"check", "state", "zh", "en", "fix"} for check in well["checks"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_command_for_people(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    """People get a line for each check, and under what is not well the command that mends it."""
    monkeypatch.setenv("SECOPS_HOME", str(installed))

    run(["doctor", "--production", "--lang", language])

    lines = capsys.readouterr().out.splitlines()
    position = next(number for number, line in enumerate(lines) if " tls " in line)
    assert "export SECOPS_BEHIND_TLS=yes" in lines[position + 1]
    assert ("共" in lines[-1]) == (language == "zh")


def test_doubled_administrators_are_a_fault(tmp_path: Path) -> None:
    """Somebody who holds an administrator's role beside another is told, though the triggers were taken away."""
    from sqlalchemy import text

    from secops.accounts.models import Role
    from secops.store import trigger_names
    from tests.support import platforms

    settings = platforms.make_template(tmp_path / "home")
    platform = platforms.Platform.open(settings)
    assert production_line(settings, "administrators").state is State.WARN
    for role in ("system-admin", "security-admin", "audit-admin"):
        platforms.add_person(platform, Role(role), username=role)
    assert production_line(settings, "administrators").state is State.OK
    names = trigger_names(platform.engine)
    with platform.engine.begin() as connection:
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE role_grant SET user_id = (SELECT min(user_id) FROM role_grant)"))
    platform.engine.dispose()

    found = production_line(settings, "administrators")

    assert found.state is State.FAIL
    assert found.fix


def production_line(settings: Settings, name: str) -> Check:
    """One line of what production demands."""
    return by_name(examine_production(settings, {}))[name]


def test_no_server_starts_unfit_for_production(installed: Path) -> None:
    """Whatever loads the application: in production mode it is made only when nothing is unsafe."""
    from secops.app import create_app
    from secops.errors import NotReady

    with pytest.raises(NotReady) as refusal:
        create_app(fit(installed, behind_tls=False).resolved())
    assert "TLS" in refusal.value.en
    create_app(fit(installed).resolved()).extensions["secops"].engine.dispose()
