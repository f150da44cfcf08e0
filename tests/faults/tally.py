"""What was seen of one fault."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from secops.jobs.models import JobState
from tests.support.platform_rig import Rig


@dataclass
class Tally:
    """One fault: rounds, jobs or files watched, and what went wrong with them."""

    name: str
    rounds: int = 0
    watched: int = 0
    lost: int = 0
    doubled: int = 0
    # The longest recovery of a round, in seconds.
    worst_s: float = 0.0
    notes: dict[str, int | float | str] = field(default_factory=dict)
    _since: float = 0.0

    def broken(self) -> None:
        """The fault is there now; recovery counts from here."""
        self._since = time.monotonic()

    def mended(self) -> None:
        self.worst_s = max(self.worst_s, time.monotonic() - self._since)
        self.rounds += 1

    def watch(self, rig: Rig, job_id: int, *, attempts: int | None = None) -> None:
        """Wait for the end of a job of the rig and count what became of it.

        Args:
            attempts: how many there have to be; the job says itself which of them wrote the result.
        """
        self.watched += 1
        state = rig.wait_over(job_id, within_s=90)
        events = rig.events(job_id)
        job = rig.job(job_id)
        if state is not JobState.DONE or not events.get("test.effect"):
            self.lost += 1
        if events.get("test.effect", 0) > 1 or events.get("job.done", 0) > 1:
            self.doubled += 1
        if attempts is not None:
            assert job.attempt == attempts, (self.name, job_id, job.attempt, events)
            assert events.get("job.lost", 0) == attempts - 1, (self.name, job_id, events)
        assert job.result == {"attempt": job.attempt}, (self.name, job_id, job.result)

    def line(self) -> str:
        more = "".join(f"  {key} {value}" for key, value in self.notes.items())
        return (
            f"{self.name:<28} rounds {self.rounds:>4}  watched {self.watched:>5}  lost {self.lost}  "
            f"doubled {self.doubled}  worst {self.worst_s:6.1f} s{more}"
        )


def let_go(*folders: Path) -> None:
    """Let the waiting jobs of these folders end."""
    for folder in folders:
        (folder / "go").touch()
