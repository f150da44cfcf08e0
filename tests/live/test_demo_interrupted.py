"""The main job cut off in the middle: nothing is lost, and the next run goes on without doubling anything."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from secops.config import Settings
from secops.demo import summary
from secops.platform import Platform
from secops.supervisor import read_state
from tests.support.demo_rig import ONCE, end, once, processes_of, run_demo, said, start_demo, wait_for_words
from tests.support.platform_rig import eventually
from tests.support.services import free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

SCANNING = "nmap 127.0.0.1"
UPLOADING = "[6/"
RETESTING = "[7/"


def settings_in(folder: Path) -> Settings:
    return Settings(home=folder / "home", port=free_port(), free_space_floor_mb=1).resolved()


def cut_off(settings: Settings, log: Path, words: str, how: signal.Signals) -> int:
    """Run until *words* are said, send *how*; gives the exit code once every process is gone."""
    process = start_demo(settings, log)
    try:
        wait_for_words(log, words)
        process.send_signal(how)
        code = process.wait(240)
    finally:
        end(process)
    eventually(lambda: not processes_of(settings.home), "no process of the platform is left", within_s=30)
    return code


def working_passwords(settings: Settings) -> set[str]:
    """Accounts whose password in ``demo.json`` opens them."""
    entries, _ = summary.read_entries(settings.home)
    platform = Platform.open(settings)
    with platform.work("test") as session:
        found = set(summary.known_passwords(session, entries))
    platform.engine.dispose()
    return found


def test_a_run_cut_off_three_times_is_finished_by_the_fourth(tmp_path: Path) -> None:
    """Ctrl-C in the scan, kill -9 in the upload, SIGTERM in the retest: then one of everything, all passwords good."""
    settings = settings_in(tmp_path)
    logs = [tmp_path / f"{number}.log" for number in range(3)]

    codes = [
        cut_off(settings, logs[0], SCANNING, signal.SIGINT),
        cut_off(settings, logs[1], UPLOADING, signal.SIGKILL),
        cut_off(settings, logs[2], RETESTING, signal.SIGTERM),
    ]
    content = run_demo(settings, tmp_path / "last.log")

    assert codes == [130, -signal.SIGKILL, 130]
    assert all("Traceback" not in said(log) for log in logs)
    assert "已中断" in said(logs[0])
    assert "已中断" in said(logs[2])
    assert once(settings) == ONCE
    assert len(content["reports"]) == 2
    assert working_passwords(settings) == {account["username"] for account in content["accounts"]}


def test_a_worker_killed_during_the_scan_costs_some_seconds(tmp_path: Path) -> None:
    """The worker killed with -9 while the scan runs: the main job says so, goes on by itself, and scans once."""
    settings, log = settings_in(tmp_path), tmp_path / "demo.log"
    process = start_demo(settings, log)
    try:
        wait_for_words(log, SCANNING)
        state = read_state(settings.home)
        assert state is not None
        os.kill(
            next(child["pid"] for child in state["children"] if child["name"] == "worker"), signal.SIGKILL
        )
        code = process.wait(400)
    finally:
        end(process)

    assert code == 0, said(log)
    assert "worker" in said(log)
    assert once(settings) == ONCE
