"""The main job cut off in the middle: nothing is lost, and the next run goes on without doubling anything."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from secops.config import Settings
from tests.support.demo_rig import counts, run_demo, start_demo, wait_for_words
from tests.support.services import free_port

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

SCANNING = "nmap 127.0.0.1"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C, a stop and a kill -9 during the scan: the second run ends with one of everything."""
    settings = Settings(home=tmp_path / "home", port=free_port(), free_space_floor_mb=1).resolved()
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    process = start_demo(settings, first)
    wait_for_words(first, SCANNING)

    process.send_signal(how)
    process.communicate(timeout=60)
    summary = run_demo(settings, second)
    found = counts(settings)

    assert process.returncode != 0
    assert "Traceback" not in first.read_text(encoding="utf-8")
    assert len(summary["reports"]) == 2
    assert found["System"] == 13
    assert found["scan:demo"] == 1
    assert found["scan:schedule"] == 1
    assert found["ReportFile"] == 2
