"""``python -m tests.faults [--full] [F1 F2 …]``: every fault, one line each; exit code 1 when something was lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from secops.jobs.kinds import KINDS
from tests.faults import disk, files, jobs
from tests.faults.rigs import make_rig
from tests.faults.tally import Tally
from tests.support.platform_rig import Rig
from tests.support.waiting_job import KIND, SPEC

# name → (small, full) rounds
COUNTS = {"F1": (20, 200), "F2": (2, 20), "F3": (1, 10), "F4": (20, 100), "F5": (1, 3), "F9": (40, 200)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--full", action="store_true", help="the large counts; takes an hour or so")
    parser.add_argument("faults", nargs="*", help="only these, such as F1 F9", metavar="F")
    asked = parser.parse_args()
    KINDS[KIND] = SPEC
    wanted = set(asked.faults or [*COUNTS, "F7"])
    rounds = {name: pair[asked.full] for name, pair in COUNTS.items()}
    bad = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        folder = Path(place)
        usual: list[tuple[str, Callable[[Rig], Tally]]] = [
            ("F1", lambda rig: jobs.killed_child(rig, rounds["F1"])),
            ("F2", lambda rig: jobs.killed_tree(rig, rounds["F2"])),
            ("F4", lambda rig: jobs.repeated_message(rig, rounds["F4"])),
            ("F5", lambda rig: jobs.broker_away(rig, rounds["F5"], 60.0 if asked.full else 5.0)),
            ("F5", lambda rig: jobs.broker_flushed(rig, rounds["F5"], 20)),
            ("F9", lambda rig: files.killed_uploads(rig, rounds["F9"])),
            ("F9", lambda rig: files.killed_reports(rig, max(2, rounds["F9"] // 10))),
            ("F9", lambda rig: files.killed_rotation(rig, max(2, rounds["F9"] // 10))),
        ]
        short: list[tuple[str, Callable[[Rig], Tally]]] = [
            ("F3", lambda rig: jobs.second_copy(rig, rounds["F3"])),
            ("F4", lambda rig: jobs.zombie(rig, rounds["F3"])),
        ]
        for name, lease_s, parts in (("usual", 45, usual), ("short", 2, short)):
            chosen = [part for fault, part in parts if fault in wanted]
            if chosen:
                rig = make_rig(folder / name, lease_s=lease_s)
                rig.start()
                try:
                    bad += sum(_show(part(rig)) for part in chosen)
                    print(f"open jobs at the end: {files.open_jobs(rig)}", flush=True)
                finally:
                    rig.close()
        if "F9" in wanted:
            bad += _show(files.killed_set_up(folder, max(2, rounds["F9"] // 20)))
        if "F7" in wanted:
            if disk.can_mount():
                print("F7 full disk", disk.full_disk(folder), flush=True)
            else:
                print("F7 not examined: no right to make a mount namespace", flush=True)
    return 1 if bad else 0


def _show(tally: Tally) -> int:
    print(tally.line(), flush=True)
    return tally.lost + tally.doubled


if __name__ == "__main__":
    sys.exit(main())
