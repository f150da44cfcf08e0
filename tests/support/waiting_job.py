"""A small real job for fault tests: it notes each attempt, then waits for a file before it ends.

Known only to workers that import ``tests.support.waiting_job_kind``.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from scanners.tools import run_tool
from secops.audit_log.services import record
from secops.clock import utc_now
from secops.jobs.kinds import Kind
from secops.jobs.runner import JobContext

KIND = "test-wait"
SPEC = Kind("scan", "tests.support.waiting_job:wait", 60)


def wait(context: JobContext) -> dict[str, Any]:
    """Append ``attempt pid`` to the file ``attempts`` in the payload's folder; end once ``go`` exists there.

    With ``tool`` in the payload the waiting is done by an outside program in a session of its own.
    """
    folder = Path(context.claim.payload["folder"])
    with open(folder / "attempts", "a", encoding="ascii") as stream:
        stream.write(f"{context.claim.attempt} {os.getpid()}\n")
    if context.claim.payload.get("tool"):
        program = 'echo $$ >> "$1/tools"; while ! [ -e "$1/go" ]; do sleep 0.1; done'
        run_tool(["sh", "-c", program, "sh", str(folder)], timeout_s=60, cancelled=context.cancelled)
    context.progress(0.5, "waiting")
    while not (folder / "go").exists() and not context.cancelled():
        time.sleep(0.05)
    with context.transaction() as session:
        record(session, "test.effect", now=utc_now(), object_type="Job", object_id=str(context.claim.job_id))
    return {"attempt": context.claim.attempt}
