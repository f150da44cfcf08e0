"""What is shipped is whole, licensed and pinned: the wheel, the metadata, the two locks."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_no_addresses import tracked_files

ROOT = Path(__file__).parents[2]
PACKAGES = ("secops", "controls", "scanners", "reports", "policies", "smcrypto")
LOCKS = ("requirements.lock", "requirements-dev.lock")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    """The project table of pyproject.toml."""
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built offline from a copy of the tracked files with the build tools of the lock."""
    source = tmp_path_factory.mktemp("source") / "secops"
    for path in tracked_files():
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])",
            str(out),
        ],
        cwd=source,
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        yield archive


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(lock: str) -> dict[str, str]:
    return {
        _normal(name): version for name, version in _PIN.findall((ROOT / lock).read_text(encoding="utf-8"))
    }


def test_the_wheel_holds_every_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    """Code and data alike: rules, frameworks, migrations, templates, styles, the permission file."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.relative_to(ROOT).parts[0] in PACKAGES and path.name != ".gitkeep"
    }

    missing = sorted(expected - set(wheel.namelist()))

    assert any(name.endswith(".yaml") for name in expected)
    assert missing == []


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    """No test, no bench, no file that was made on this machine."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    made = [name for name in wheel.namelist() if "_compiled/" in name or "__pycache__" in name]

    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert made == []


def test_the_wheel_tells_its_licence_and_its_command(wheel: zipfile.ZipFile, project: dict[str, Any]) -> None:
    """GPL-3.0-or-later in the metadata, its text beside it, and the one command."""
    info = next(name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
    metadata = wheel.read(f"{info}/METADATA").decode()
    licence = wheel.read(f"{info}/licenses/LICENSE").decode()
    commands = wheel.read(f"{info}/entry_points.txt").decode()

    assert "License-Expression: GPL-3.0-or-later" in metadata
    assert f"Version: {project['version']}" in metadata
    assert "GNU GENERAL PUBLIC LICENSE" in licence
    assert "secops = secops.cli.main:main" in commands


def test_the_version_is_told_once(project: dict[str, Any]) -> None:
    """The package and the metadata name the same version, and the changelog knows it."""
    import secops

    assert secops.__version__ == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_its_hashes(lock: str) -> None:
    """An entry without a hash would let any file of that version in."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / lock).read_text(encoding="utf-8").strip())

    assert len(entries) > 60
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert [entry.split()[0] for entry in entries if "==" not in entry.split()[0]] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_fits_the_project(lock: str, project: dict[str, Any]) -> None:
    """Each dependency is locked, and at the very version that is pinned where one is."""
    pins = _pins(lock)
    wanted = [*project["dependencies"], *project["optional-dependencies"]["build"]]
    if lock == "requirements-dev.lock":
        wanted += project["optional-dependencies"]["dev"]

    wrong = []
    for requirement in wanted:
        name, _, version = requirement.split(";")[0].strip().partition("==")
        name = _normal(re.split(r"[\[<>=!~ ]", name)[0])
        if name not in pins or (version and pins[name] != version):
            wrong.append((requirement, pins.get(name)))
    assert wrong == []


def test_the_two_locks_agree() -> None:
    """What the tests run with is what is installed: every shared package has one version."""
    run, dev = (_pins(lock) for lock in LOCKS)

    assert {name: (version, dev.get(name)) for name, version in run.items() if dev.get(name) != version} == {}


def test_what_breaks_at_start_up_is_pinned() -> None:
    """Newer releases of these two are admitted by the framework and then fail at start-up."""
    pins = _pins("requirements.lock")

    assert pins["marshmallow-sqlalchemy"] == "1.5.0"
    assert int(pins["marshmallow"].split(".")[0]) < 4


def test_installed_is_what_is_locked() -> None:
    """This very environment runs the locked versions of the direct dependencies."""
    from importlib.metadata import version

    pins = _pins("requirements.lock")
    direct = (
        "flask-appbuilder",
        "sqlalchemy",
        "celery",
        "cryptography",
        "marshmallow",
        "alembic",
        "gunicorn",
    )

    assert {name: version(name) for name in direct} == {name: pins[name] for name in direct}


def test_setup_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    """Without a usable Python the set-up ends with one sentence that names the command to run."""
    copy = tmp_path / "checkout"
    (copy / "deploy").mkdir(parents=True)
    shutil.copy2(ROOT / "deploy/setup.sh", copy / "deploy/setup.sh")
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("dirname", "cat", "cksum", "awk", "grep", "find", "rm", "touch", "mv"):
        (tools / tool).symlink_to(shutil.which(tool) or f"/usr/bin/{tool}")
    old = tools / "python3"

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "deploy/setup.sh", "run"],
            cwd=copy, env={"PATH": str(tools)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    none = run()
    # An interpreter that is new enough and has no venv module, as Debian ships it.
    old.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *print*) echo 3.11 ;; esac\n')
    old.chmod(0o755)
    no_venv = run()

    assert none.returncode == no_venv.returncode == 2
    assert "apt-get install python3.11 python3.11-venv" in none.stderr
    assert "apt-get install python3.11-venv" in no_venv.stderr
    assert not (copy / ".venv").exists()
