"""Runs a supervisor whose workers know the waiting job: ``run_supervisor.py [--no-broker]``; settings from the environment.

Prints one line, ``ready``, once the page answers; ends like ``secops up``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from secops.config import Settings
from secops.supervisor import Event, Supervisor, broker

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    os.umask(0o077)
    if "--no-broker" in sys.argv:
        broker.find_binaries = lambda path=None: ()
    supervisor = Supervisor(
        Settings.from_env(),
        report=_print,
        include=("tests.support.waiting_job_kind",),
        extra_path=(ROOT,),
        sole_use=True,
    )
    supervisor.start()
    supervisor.wait_ready()
    print("ready", flush=True)
    supervisor.run_forever()


def _print(event: Event) -> None:
    print(event.en, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
