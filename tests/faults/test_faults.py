"""Each fault a few times, on the private broker that speaks Redis' protocol; see ``python -m tests.faults --full``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from secops.jobs.kinds import KINDS
from secops.jobs.models import Worker
from tests.faults import disk, files, jobs
from tests.faults.rigs import make_rig
from tests.faults.tally import Tally
from tests.support.platform_rig import Rig, eventually
from tests.support.waiting_job import KIND, SPEC

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
    pytest.mark.timeout(280),
]


@pytest.fixture(scope="module", autouse=True)
def _kind() -> Iterator[None]:
    KINDS[KIND] = SPEC
    yield
    del KINDS[KIND]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A running platform that the faults share; each leaves it running."""
    found = make_rig(tmp_path_factory.mktemp("faults"))
    found.start()
    yield found
    found.close()


def nothing_lost(tally: Tally) -> None:
    assert (tally.lost, tally.doubled) == (0, 0), tally.line()
    assert tally.rounds
    assert tally.watched


def test_f1_worker_child(rig: Rig) -> None:
    """A killed pool process: the job runs once more, its effect is there once, its tool is gone within 10 s."""
    nothing_lost(jobs.killed_child(rig, 3))


def test_f2_worker_tree(rig: Rig) -> None:
    """A killed worker: its jobs and the waiting ones end once, within a minute."""
    tally = jobs.killed_tree(rig, 1)
    nothing_lost(tally)
    assert tally.worst_s < 60


def test_f3_f4_second_copy_and_zombie(tmp_path: Path) -> None:
    """A short lease: the copy of a running job's message is skipped, a zombie's late write is refused."""
    rig = make_rig(tmp_path, lease_s=2)
    try:
        rig.start()
        copies = jobs.second_copy(rig, 1)
        nothing_lost(copies)
        assert copies.worst_s < 3
        nothing_lost(jobs.zombie(rig, 1))
    finally:
        rig.close()


def test_f4_repeated_message(rig: Rig) -> None:
    """Five copies of a message and one of a job that does not exist: one effect."""
    nothing_lost(jobs.repeated_message(rig, 3))


def test_f5_broker_down(rig: Rig) -> None:
    """Jobs that came while the broker was down all run once it is back."""
    nothing_lost(jobs.broker_away(rig, 1, away_s=2.0))


def test_f5_broker_flushed(rig: Rig) -> None:
    """A broker that forgot everything: every waiting job is sent again and runs once."""
    nothing_lost(jobs.broker_flushed(rig, 1, jobs=4))


@pytest.mark.skipif(not disk.can_mount(), reason="no right to make a mount namespace")
def test_f7_full_disk(tmp_path: Path) -> None:
    """A full disk refuses in words and keeps nothing half; with space again all goes on without a restart."""
    found = disk.full_disk(tmp_path)
    assert found["refused"] == 2
    assert found["upload_status"] == 503
    assert found["upload_text"]
    assert found["backup"] in ("BadInput", "NotReady")
    assert found["left"] == []
    assert found["reads"] == 200
    assert any(word.startswith("commit:") for word in found["told"])
    assert (found["after"], found["chain"]) == (True, True)
    assert (found["rows_without_file"], found["files_without_row"], found["pending"]) == (0, 0, 0)


def test_f9_files(rig: Rig) -> None:
    """Uploads, a report and the rotation of the main key cut off: nothing acknowledged is lost, nothing half there."""
    uploads = files.killed_uploads(rig, 4)
    nothing_lost(uploads)
    nothing_lost(files.killed_reports(rig, 1))
    nothing_lost(files.killed_rotation(rig, 2))


def test_f9_set_up(tmp_path: Path) -> None:
    """A set-up that is killed is completed by the next one."""
    nothing_lost(files.killed_set_up(tmp_path, 1))


def test_workers_report(rig: Rig) -> None:
    """Worker, writer and keeper of a running platform say that they live, and so does the tick."""

    def names() -> set[str]:
        with rig.platform.work("test") as session:
            return {name.partition("-")[0] for name in session.scalars(select(Worker.name))}

    eventually(lambda: {"worker", "writer", "keeper", "tick"} <= names(), "all of them reported")
