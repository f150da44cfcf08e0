"""The main job as a process: run it, follow its steps, stop it in the middle, count what is there afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from secops.accounts.models import Account
from secops.config import Settings
from secops.evidence.models import Evidence, EvidenceSource
from secops.findings.models import Finding
from secops.jobs.models import OPEN_STATES, Job
from secops.objects.models import System
from secops.platform import Platform
from secops.reporting.models import ReportFile
from secops.scans.models import Outcome, Scan
from secops.schedules.models import Schedule
from tests.support.platform_rig import eventually

SECOPS = str(Path(sys.executable).parent / "secops")


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a command on this home; nothing of the tests' own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SECOPS_")}
    own = {
        "SECOPS_HOME": str(settings.home),
        "SECOPS_PORT": str(settings.port),
        "SECOPS_FREE_SPACE_FLOOR_MB": str(settings.free_space_floor_mb),
    }
    return {**kept, "LC_ALL": "C.UTF-8", **own, **more}


def secops(settings: Settings, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; ``more`` are further variables."""
    return subprocess.run(
        [SECOPS, *words],
        env=environment(settings, **more),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def start_demo(settings: Settings, log: Path, *words: str, **more: str) -> subprocess.Popen[bytes]:
    """Begin the main job in a session of its own, everything it says in *log*."""
    with log.open("wb") as stream:
        return subprocess.Popen(
            [SECOPS, "demo", "--no-serve", *words],
            env=environment(settings, **more),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run_demo(settings: Settings, log: Path, **more: str) -> dict[str, Any]:
    """Run the main job to its end; gives the content of ``demo.json``."""
    process = start_demo(settings, log, **more)
    try:
        code = process.wait(600)
    finally:
        end(process)
    assert code == 0, said(log)[-3000:]
    summary: dict[str, Any] = json.loads((settings.home / "demo.json").read_text(encoding="utf-8"))
    return summary


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it if it still runs; its children go with it."""
    if process.poll() is None:
        process.kill()
    process.wait(30)


def said(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def wait_for_words(log: Path, words: str, within_s: float = 240.0) -> None:
    """Return when the main job has said *words*."""
    eventually(lambda: words in said(log), f"{words!r} in {log.name}", within_s)


def processes_of(home: Path) -> dict[int, str]:
    """Every process that works for *home*, by its environment or its folder, with its command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            words = (entry / "environ").read_bytes().split(b"\0")
            folder = os.readlink(entry / "cwd")
            if b"SECOPS_HOME=" + os.fsencode(home) in words or folder.startswith(f"{home}/"):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if line:
                    found[int(entry.name)] = line
    return found


def counts(settings: Settings) -> dict[str, int]:
    """How much there is of everything that a second run might double; scans also by their cause."""
    platform = Platform.open(settings)
    with platform.work("test") as session:

        def count(model: type, *where: Any) -> int:
            return int(session.scalar(select(func.count()).select_from(model).where(*where)) or 0)

        models = (System, Account, Scan, Outcome, Finding, Evidence, Schedule, ReportFile)
        found = {model.__name__: count(model) for model in models}
        for cause, number in session.execute(select(Scan.cause, func.count()).group_by(Scan.cause)):
            found[f"scan:{cause}"] = number
        found["upload"] = count(Evidence, Evidence.source == EvidenceSource.UPLOAD)
        found["open jobs"] = count(Job, Job.state.in_(OPEN_STATES))
    platform.engine.dispose()
    return found


ONCE = {
    "System": 13,
    "Account": 9,
    "Schedule": 1,
    "ReportFile": 2,
    "scan:demo": 1,
    "scan:schedule": 1,
    "scan:retest": 1,
    "upload": 1,
    "open jobs": 0,
}
"""What one main job leaves, however often it was interrupted; the platform itself is a system too."""


def once(settings: Settings) -> dict[str, int]:
    """The counts that :data:`ONCE` names."""
    found = counts(settings)
    return {name: found.get(name, 0) for name in ONCE}
