"""Anything of the running platform may be killed at any moment: nothing is lost and nothing happens twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from secops.config import Settings
from secops.jobs.kinds import KINDS
from secops.jobs.models import JobState
from secops.supervisor import broker, holder_of, read_state
from tests.support.platform_rig import Rig, eventually, is_alive
from tests.support.services import free_port
from tests.support.waiting_job import KIND, SPEC

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module", autouse=True)
def _kind() -> Iterator[None]:
    KINDS[KIND] = SPEC
    yield
    del KINDS[KIND]


def make_rig(folder: Path, *options: str, home: str = "home", lease_s: int = 45) -> Rig:
    settings = Settings(
        home=folder / home, port=free_port(), tick_seconds=1, web_workers=1, lease_seconds=lease_s
    )
    return Rig(settings.resolved(), folder / "rig", options)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A running platform that the tests of this module share; each leaves it running."""
    found = make_rig(tmp_path_factory.mktemp("platform"))
    found.start()
    yield found
    found.close()


def assert_ran_once(rig: Rig, job_id: int, attempts: int) -> None:
    assert rig.job(job_id).attempt == attempts
    assert rig.job(job_id).result == {"attempt": attempts}
    events = rig.events(job_id)
    assert events["test.effect"] == 1
    assert events["job.done"] == 1
    assert events.get("job.lost", 0) == attempts - 1


def test_killed_pool_process(rig: Rig) -> None:
    """A job whose pool process is killed starts again at once, ends once, and its outside program is ended too."""
    job_id, folder = rig.queue_job(tool=True)
    first = rig.wait_running(folder)
    tool = int(
        eventually(lambda: (folder / "tools").exists() and (folder / "tools").read_text(), "the tool runs")
    )

    os.kill(first, signal.SIGKILL)
    second = rig.wait_running(folder, attempt=2)
    eventually(lambda: not is_alive(tool), "the killed worker's tool is gone", within_s=10)
    (folder / "go").touch()

    assert rig.wait_over(job_id) is JobState.DONE
    assert second != first
    assert_ran_once(rig, job_id, attempts=2)


def test_killed_worker_tree(rig: Rig) -> None:
    """A worker whose main process is killed leaves no pool process; a new one takes the job back and ends it once."""
    job_id, folder = rig.queue_job()
    pool_process = rig.wait_running(folder)

    killed = rig.kill("worker")
    eventually(
        lambda: not is_alive(pool_process), "the pool process has gone with its main process", within_s=5
    )
    rig.wait_running(folder, attempt=2)
    (folder / "go").touch()

    assert rig.wait_over(job_id) is JobState.DONE
    assert rig.child("worker") != killed
    assert_ran_once(rig, job_id, attempts=2)


def test_killed_broker_keeps_messages(rig: Rig) -> None:
    """A message that waits in the broker survives its death; running jobs do not notice."""
    running = [rig.queue_job() for _ in range(rig.settings.worker_processes)]
    for _, folder in running:
        rig.wait_running(folder)
    waiting, waiting_folder = rig.queue_job()

    killed = rig.kill("broker")
    assert rig.child("broker") != killed
    for folder in [folder for _, folder in running] + [waiting_folder]:
        (folder / "go").touch()

    for job_id in [job_id for job_id, _ in running] + [waiting]:
        assert rig.wait_over(job_id) is JobState.DONE
        assert_ran_once(rig, job_id, attempts=1)


def test_job_queued_without_broker(rig: Rig) -> None:
    """A job whose message could not be sent is found by the tick and runs once."""
    rig.kill("broker")
    job_id, folder = rig.queue_job(send=False)
    (folder / "go").touch()

    assert rig.wait_over(job_id) is JobState.DONE
    assert_ran_once(rig, job_id, attempts=1)


def test_flushed_broker(rig: Rig) -> None:
    """A broker that loses everything costs no job: the tick sends again what nobody took."""
    running = [rig.queue_job() for _ in range(rig.settings.worker_processes)]
    for _, folder in running:
        rig.wait_running(folder)
    waiting, waiting_folder = rig.queue_job()

    rig.flush_broker()
    rig.age_message(waiting)
    for folder in [folder for _, folder in running] + [waiting_folder]:
        (folder / "go").touch()

    for job_id in [job_id for job_id, _ in running] + [waiting]:
        assert rig.wait_over(job_id) is JobState.DONE
        assert_ran_once(rig, job_id, attempts=1)


def test_killed_beat(rig: Rig) -> None:
    """A killed beat comes back and ticks again."""
    killed = rig.kill("beat")
    assert rig.child("beat") != killed

    job_id, folder = rig.queue_job(send=False)
    (folder / "go").touch()

    assert rig.wait_over(job_id) is JobState.DONE


def test_killed_web(rig: Rig) -> None:
    """A killed web server comes back on the same port."""
    killed = rig.kill("web")

    assert rig.child("web") != killed
    assert eventually(rig.page_answers, "the page answers again")


def test_repeated_and_forged_messages(rig: Rig) -> None:
    """The same message five times over, and messages for jobs that do not exist, have exactly one effect."""
    job_id, folder = rig.queue_job(send=False)
    rig.send(job_id, times=5)
    rig.send(987654321)
    rig.send("1; drop table job")
    (folder / "go").touch()

    assert rig.wait_over(job_id) is JobState.DONE
    rig.send(job_id, times=2)
    probe, probe_folder = rig.queue_job()
    (probe_folder / "go").touch()
    assert rig.wait_over(probe) is JobState.DONE
    assert_ran_once(rig, job_id, attempts=1)


def test_second_start(rig: Rig) -> None:
    """A second start on the same home says in one sentence who runs it and where, and disturbs nothing."""
    assert rig.process is not None

    second = subprocess.run(
        [sys.executable, "-c", "from secops.cli.main import main; main()", "up", "--lang", "en"],
        env=rig.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert second.returncode == 1
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert str(rig.process.pid) in second.stderr
    assert rig.settings.url in second.stderr
    assert rig.page_answers()


def test_killed_supervisor(tmp_path: Path) -> None:
    """A killed supervisor leaves no process behind; the next start takes its running job back and ends it once."""
    rig = make_rig(tmp_path)
    try:
        rig.start()
        job_id, folder = rig.queue_job()
        rig.wait_running(folder)
        members = rig.members()
        assert len(members) >= 8
        assert rig.process is not None

        rig.process.kill()
        rig.process.wait(timeout=10)
        eventually(lambda: not any(is_alive(pid) for pid in members), "no process is left", within_s=5)
        assert holder_of(rig.settings.home) is None
        rig.start()
        rig.wait_running(folder, attempt=2)
        (folder / "go").touch()

        assert rig.wait_over(job_id) is JobState.DONE
        assert_ran_once(rig, job_id, attempts=2)
    finally:
        rig.close()


def test_sleeping_worker_wakes_up_too_late(tmp_path: Path) -> None:
    """A worker that was frozen past its lease writes nothing when it wakes: its successor's effect is the only one."""
    rig = make_rig(tmp_path, lease_s=2)
    try:
        rig.start()
        job_id, folder = rig.queue_job()
        frozen = rig.wait_running(folder)

        rig.freeze(frozen)
        rig.wait_running(folder, attempt=2)
        (folder / "go").touch()
        assert rig.wait_over(job_id) is JobState.DONE
        os.kill(frozen, signal.SIGCONT)
        probes = [rig.queue_job() for _ in range(rig.settings.worker_processes)]
        for _, probe_folder in probes:
            rig.wait_running(probe_folder)
            (probe_folder / "go").touch()

        assert frozen in {pid for _, probe in probes for _, pid in rig.attempts(probe)}
        assert_ran_once(rig, job_id, attempts=2)
    finally:
        rig.close()


def test_clean_stop(tmp_path: Path) -> None:
    """SIGTERM ends everything with exit code 0 and leaves neither process nor socket; a job in progress is finished."""
    rig = make_rig(tmp_path)
    try:
        rig.start()
        job_id, folder = rig.queue_job()
        rig.wait_running(folder)
        members = rig.members()
        (folder / "go").touch()

        assert rig.stop() == 0

        assert not any(is_alive(pid) for pid in members)
        assert rig.job(job_id).state is JobState.DONE
        assert read_state(rig.settings.home) is None
        assert not broker.is_present(rig.settings.home)
    finally:
        rig.close()


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_no_broker_program(tmp_path: Path) -> None:
    """Without a broker program a file is the queue, said in one sentence; a killed pool process costs no job."""
    rig = make_rig(tmp_path, "--no-broker")
    try:
        rig.start()
        assert "a file is the queue" in rig.told()
        job_id, folder = rig.queue_job()
        first = rig.wait_running(folder)

        os.kill(first, signal.SIGKILL)
        rig.wait_running(folder, attempt=2)
        (folder / "go").touch()

        assert rig.wait_over(job_id) is JobState.DONE
        assert_ran_once(rig, job_id, attempts=2)
    finally:
        rig.close()


def test_spoilt_broker_files(tmp_path: Path) -> None:
    """Broker files that can't be read are moved away with one sentence, and queued jobs still run."""
    rig = make_rig(tmp_path)
    try:
        folder = rig.settings.home / "run" / "broker" / "appendonlydir"
        folder.mkdir(parents=True)
        (folder / "appendonly.aof.manifest").write_text("not a manifest\n", encoding="ascii")
        rig.start()
        assert "spoilt" in rig.told()

        job_id, job_folder = rig.queue_job()
        (job_folder / "go").touch()

        assert rig.wait_over(job_id) is JobState.DONE
    finally:
        rig.close()


def test_long_home_with_blanks_and_chinese(tmp_path: Path) -> None:
    """A home with a very long path of blanks and Chinese letters works, and its link is gone after the stop."""
    rig = make_rig(tmp_path, home=f"全区 等保平台 {'长' * 30}/a b")
    try:
        rig.start()
        link = broker.socket_address(rig.settings.home)
        assert rig.settings.home not in link.parents
        job_id, folder = rig.queue_job()
        (folder / "go").touch()

        assert rig.wait_over(job_id) is JobState.DONE
        assert rig.stop() == 0
        assert not link.parent.parent.exists()
    finally:
        rig.close()


def test_two_homes(rig: Rig, tmp_path: Path) -> None:
    """Two platforms on one machine run side by side; a job of one is never seen by the other."""
    other = make_rig(tmp_path)
    try:
        other.start()
        first, first_folder = rig.queue_job()
        second, second_folder = other.queue_job()
        pids = rig.wait_running(first_folder), other.wait_running(second_folder)
        own, foreign = set(rig.members()), set(other.members())
        for folder in (first_folder, second_folder):
            (folder / "go").touch()

        assert rig.wait_over(first) is JobState.DONE
        assert other.wait_over(second) is JobState.DONE
        assert pids[0] in own
        assert pids[1] in foreign
        assert not own & foreign
    finally:
        other.close()
