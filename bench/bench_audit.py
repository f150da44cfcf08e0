"""The audit log under 16 writers, and checking a long one. Run with ``python -m bench.bench_audit [RECORDS]``.

Goals: 16 writers note at least 100 events a second together, each in a transaction of its own with everything on the
disk; one million records, with their MACs, are verified within 60 seconds. Fewer records are counted up in proportion.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from secops.audit_log import chain
from secops.audit_log.chain import GENESIS, Head
from secops.audit_log.services import record
from secops.audit_log.verify import SealedHead, verify_log
from secops.clock import utc_now
from secops.config import Settings
from secops.installation import initialise
from secops.platform import Platform
from smcrypto.keys import KeyProvider

WRITERS = 16
EACH = 50
GOAL_RATE = 100
GOAL_SECONDS = 60
LOG = "0123456789abcdef"


def writers(platform: Platform) -> float:
    """Events a second of all writers together."""

    def work(number: int) -> None:
        for count in range(EACH):
            with platform.work(f"bench:{number}") as session:
                record(session, "bench.event", now=utc_now(), object_type="bench", object_id=str(count))

    began = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(work, range(WRITERS)))
    return WRITERS * EACH / (time.perf_counter() - began)


def rows(keys: KeyProvider, count: int) -> Iterator[dict[str, Any]]:
    """A genuine log of *count* records."""
    prev, at = GENESIS, utc_now()
    for seq in range(1, count + 1):
        row = chain.prepare_row(
            LOG,
            {
                "seq": seq, "at": at, "actor": "officer", "actor_id": 7, "roles": "officer", "session_ref": "s",
                "address": "192.0.2.1", "action": "evidence.read", "object_type": "Evidence", "object_id": str(seq),
                "result": "ok", "reason": "", "request_id": "r", "detail": {"size": seq}, "prev": prev,
            },
        )  # fmt: skip
        row["hash"] = prev = chain.row_hash(LOG, row)
        mac = chain.row_mac(keys, prev)
        yield row | {"kid": mac.kid, "mac": mac.value}


def verification(keys: KeyProvider, count: int) -> float:
    """Seconds for a million records, counted up from *count*."""
    held = list(rows(keys, count))
    head = Head(LOG, count, held[-1]["hash"], 1)
    sealed = SealedHead(head, chain.head_mac(keys, head))
    began = time.perf_counter()
    found = verify_log(held, LOG, head=sealed, keys=keys, needs_head=True)
    took = time.perf_counter() - began
    if not found.ok or found.macs_checked != count:
        raise RuntimeError(found)
    return took * 1_000_000 / count


def main() -> int:
    """Print both figures; 1 when one is missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings(), home=Path(folder) / "home").resolved()
        platform = initialise(settings, now=utc_now()).platform
        rate = writers(platform)
        seconds = verification(platform.keys, count)
        platform.engine.dispose()
    print(f"{WRITERS} writers, SQLite on this disk   {rate:8.0f} events/s   goal ≥ {GOAL_RATE}")
    print(f"verify 1,000,000 (from {count:,}) {seconds:8.1f} s         goal ≤ {GOAL_SECONDS}")
    return int(rate < GOAL_RATE or seconds > GOAL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
